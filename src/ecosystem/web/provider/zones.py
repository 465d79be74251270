"""Time zones to choose from: those that people know by a city, by the part of the world they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

PARTS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@lru_cache(maxsize=1)
def zones() -> Sequence[tuple[str, str, str]]:
    """Name, label and group of each zone (`zone.tab` of the time zone database: one line for a country's every zone)."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    names = {line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#")}
    listed = [(name, _label(name), name.partition("/")[0]) for name in names if name.partition("/")[0] in PARTS]
    return [("UTC", "UTC", "No place"), *sorted(listed, key=lambda each: (PARTS.index(each[2]), each[1]))]


def choices(*first: str) -> list[tuple[str, str, str]]:
    """All of them, and any of these that are not among them (a former name) at the head."""
    known = {name for name, _, _ in zones()}
    return [*((name, _label(name), "Yours") for name in dict.fromkeys(first) if name and name not in known), *zones()]


def _label(name: str) -> str:
    """The city, and what it lies in where that is more than a continent: `Louisville (Kentucky)`."""
    _, *between, city = name.replace("_", " ").split("/")
    return f"{city} ({between[0]})" if between else city
