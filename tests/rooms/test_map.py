"""`docs/house.md` is true: its map is the tree, its floors are the import contract, its rooms are there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from house import HOUSE, ROOT, rooms

PAGE = (ROOT / "docs" / "house.md").read_text()
ROOM_DEPTH = 2


class Line(NamedTuple):
    path: str
    says: str


def the_map() -> Iterator[Line]:
    """The lines of the map, each with its whole path."""
    drawn = PAGE.split("```text\n")[1].split("```")[0]
    above: list[str] = []
    for line in drawn.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, says = line.strip().partition(" ")
        above = [*above[:depth], name.rstrip("/")]
        yield Line("/".join(above), says.strip())


LINES = list(the_map())
PATHS = {line.path for line in LINES}
PATTERNS = [re.compile(re.sub(r"<\w+>", "[^/]+", path)) for path in PATHS if "<" in path]


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def cells(table: str) -> list[list[str]]:
    """The rows of a table, without its head."""
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def drawn(path: str) -> bool:
    return path in PATHS or any(pattern.fullmatch(path) for pattern in PATTERNS)


@pytest.mark.parametrize("line", [line for line in LINES if "<" not in line.path], ids=lambda line: line.path)
def test_what_is_on_the_map_is_there_and_says_what_it_is(line: Line) -> None:
    assert (ROOT / line.path).exists()
    assert line.says or line.path == "src/ecosystem"


@pytest.mark.parametrize("room", rooms(ROOM_DEPTH))
def test_each_room_is_on_the_map(room: str) -> None:
    assert drawn(f"src/ecosystem/{room}"), f"draw {room}/ on the map in docs/house.md"


@pytest.mark.parametrize("module", sorted(path.name for path in HOUSE.glob("*.py") if path.name != "__init__.py"))
def test_each_module_between_the_rooms_is_on_the_map(module: str) -> None:
    assert drawn(f"src/ecosystem/{module}"), f"draw {module} on the map in docs/house.md"


def test_the_floors_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")

    told = [re.findall(r"`(\w+)`", row[0]) for row in cells(section("The floors"))]

    assert told == [re.findall(r"ecosystem\.(\w+)", layer) for layer in layers]


def test_the_rooms_that_code_is_sent_to_are_there() -> None:
    sent = {
        room
        for row in cells(section("I am a line of code. Where do I live?"))
        for room in re.findall(r"`([\w/]+)`", row[1])
    }

    missing = [room for room in sent if not (HOUSE / room).exists() and not (HOUSE / f"{room}.py").exists()]

    assert missing == []


def test_what_the_page_points_at_is_there() -> None:
    linked = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    named = [path for path in re.findall(r"`([\w/]+/[\w]+\.py)`", PAGE) if not (HOUSE / path).exists()]

    assert [path for path in linked if not (ROOT / "docs" / path).exists()] == []
    assert named == []
