"""Documents that must stay true: glossary, decisions, dependencies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from house import HOUSE, ROOT

DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def first_cells(page: Path) -> list[str]:
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return [cell for line in lines if (cell := line.split("|")[1].strip()) not in {"word", "name", "---"}]


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}


def test_each_word_is_explained_once_and_in_order() -> None:
    sections = (DOCS / "glossary.md").read_text().split("\n## ")[1:]
    words = [
        [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("| ")][2:] for part in sections
    ]

    assert all(part == sorted(part, key=str.casefold) for part in words)
    everything = [word.casefold() for part in words for entry in part for word in entry.split(", ")]
    assert sorted(everything) == sorted(set(everything))


def test_decisions_are_numbered_one_after_another() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_what_why_and_what_checks_it(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert all(f"**{part}.**" in text for part in ("Decision", "Why", "Check"))
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_what_a_decision_names_is_there(page: Path) -> None:
    paths = re.findall(r"`([\w/.-]+/(?:[\w.-]+)?)`", page.read_text())

    assert [path for path in paths if not any((place / path).exists() for place in (ROOT, HOUSE))] == []


def test_every_dependency_is_explained_and_every_explanation_has_one() -> None:
    known = named(PROJECT["project"]["dependencies"]) | named(PROJECT["dependency-groups"]["dev"])

    explained = {name for cell in first_cells(DOCS / "dependencies.md") for name in cell.split(", ")}

    assert sorted(explained ^ known) == []
