"""What the cells of a row mean: text becomes fields, and everything that cannot is noted under its column.

A column that the file lacks leaves its field as it is; an empty cell sets it back to what a new one has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType

from ecosystem.contexts.booking import DatedHours, Plan, SetPlan, Week, Window, planned
from ecosystem.contexts.catalogue import (
    Findings,
    Location,
    Mode,
    ProviderFields,
    ProviderStatus,
    ServiceFields,
    ServiceStatus,
    parsed_mode,
    parsed_price,
)
from ecosystem.contexts.identity import NotAnAddress, normalised
from ecosystem.journeys.import_rows import Kind
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid

KEY_LONGEST = 100
CELL_READ = 40
"""Characters of a number or a choice that are looked at: none is longer."""
PLACE_COLUMNS = ("place", "lat", "lon", "zone")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROVIDER: (
        "key", "name", "slug", "headline", "biography", *PLACE_COLUMNS, "radius_km", "languages", "owner_email", "status",
    ),
    Kind.SERVICE: (
        "key", "provider", "title", "slug", "description", "category", "price", "currency", "duration_min", "mode",
        "capacity", "buffer_before_min", "buffer_after_min", "notice_min", "horizon_days", "policy", "instant", "status",
    ),
    Kind.PLAN: ("key", "provider", "zone", "step_min", *WEEKDAYS, "exceptions"),
}  # fmt: skip
_SPAN = re.compile(r"([0-9]{1,2}:[0-9]{2})-([0-9]{1,2}:[0-9]{2})")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class ProviderRow(Struct, frozen=True, kw_only=True):
    """A provider as its row describes it."""

    fields: ProviderFields
    owner_email: str | None
    status: ProviderStatus


class ServiceRow(Struct, frozen=True, kw_only=True):
    """A service as its row describes it."""

    fields: ServiceFields
    status: ServiceStatus


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one row, read one by one."""

    cells: Mapping[str, str]
    findings: Findings

    def expect(self, kind: Kind) -> None:
        """Note every value in a column that rows of this kind do not have."""
        for column, cell in self.cells.items():
            if cell.strip() and column not in COLUMNS[kind]:
                near = get_close_matches(column, COLUMNS[kind], 1)
                hint = f" Is it {near[0]}?" if near else ""
                self.findings.note(column[:60], f"A {kind} has no such column.{hint}")

    def key(self, column: str) -> str:
        """A key, which has to be there."""
        return self.findings.line(column, self.cells.get(column, ""), shortest=1, longest=KEY_LONGEST)

    def text(self, column: str) -> str | UnsetType:
        return self.cells.get(column, UNSET)

    def some(self, column: str) -> str | UnsetType:
        """The text, when there is any: these fields have no empty value."""
        return self.cells.get(column, "").strip() or UNSET

    def whole(self, column: str, empty: int) -> int | UnsetType:
        """A whole number; `empty` for an empty cell."""
        return self._parsed(column, empty, _whole, "It is a whole number.")

    def truth(self, column: str, *, empty: bool) -> bool | UnsetType:
        """Yes or no; `empty` for an empty cell."""
        words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        return self._parsed(column, empty, lambda cell: words[cell.lower()], "It is yes or no.")

    def degrees(self, column: str) -> float | UnsetType:
        return self._parsed(column, UNSET, _decimal, "It is a number of degrees such as 38.7223.")

    def choice(self, column: str, among: type[E], empty: E) -> E:
        """One of the values; `empty` for an empty cell or a missing column."""
        choice = self._parsed(column, empty, lambda cell: among(cell.lower()), f"It is one of {', '.join(among)}.")
        return empty if choice is UNSET else choice

    def _parsed(self, column: str, empty: T | UnsetType, parse: Callable[[str], T], reason: str) -> T | UnsetType:
        cell = self.cells.get(column)
        if cell is None:
            return UNSET
        if not cell.strip():
            return empty
        try:
            return parse(cell.strip()[:CELL_READ])
        except (ValueError, KeyError):
            self.findings.note(column, reason)
            return UNSET


def provider_row(cells: Cells, former: Location | None) -> ProviderRow:
    """The provider that the cells describe; `former` is where it was so far."""
    languages = cells.text("languages")
    return ProviderRow(
        fields=ProviderFields(
            name=cells.text("name"),
            slug=cells.some("slug"),
            headline=cells.text("headline"),
            biography=cells.text("biography"),
            location=_location(cells, former),
            radius_km=cells.whole("radius_km", 0),
            languages=UNSET if languages is UNSET else tuple(re.findall(r"[^\s,;|]+", languages)),
        ),
        owner_email=_email(cells),
        status=cells.choice("status", ProviderStatus, ProviderStatus.ACTIVE),
    )


def service_row(cells: Cells) -> ServiceRow:
    """The service that the cells describe."""
    return ServiceRow(
        fields=ServiceFields(
            title=cells.text("title"),
            slug=cells.some("slug"),
            description=cells.text("description"),
            category=cells.text("category"),
            price=_price(cells),
            duration_min=cells.whole("duration_min", 60),
            mode=_mode(cells),
            capacity=cells.whole("capacity", 1),
            buffer_before_min=cells.whole("buffer_before_min", 0),
            buffer_after_min=cells.whole("buffer_after_min", 0),
            notice_min=cells.whole("notice_min", 0),
            horizon_days=cells.whole("horizon_days", 60),
            policy=cells.some("policy"),
            instant=cells.truth("instant", empty=True),
        ),
        status=cells.choice("status", ServiceStatus, ServiceStatus.PUBLISHED),
    )


def plan_row(cells: Cells, provider_id: str, zone: str, former: Plan | None) -> SetPlan:
    """The weekly plan that the cells describe, over the former one. `zone` is the provider's own."""
    week: dict[str, tuple[Window, ...]] = {}
    for weekday in WEEKDAYS:
        cell = cells.text(weekday)
        windows = getattr(former.week, weekday) if former else ()
        week[weekday] = windows if cell is UNSET else _windows(cells.findings, weekday, cell)
    exceptions = cells.text("exceptions")
    step_min = cells.whole("step_min", 30)
    request = SetPlan(
        provider_id=provider_id,
        zone=cells.cells.get("zone", "").strip() or (former.zone if former else zone),
        week=Week(**week),
        exceptions=(former.exceptions if former else ()) if exceptions is UNSET else _exceptions(cells, exceptions),
        time_off=former.time_off if former else (),
        step_min=(former.step_min if former else 30) if step_min is UNSET else step_min,
    )
    _check(cells.findings, request)
    return request


def _location(cells: Cells, former: Location | None) -> Location | UnsetType | None:
    given = {column: cells.cells[column].strip() for column in PLACE_COLUMNS if column in cells.cells}
    if not given:
        return UNSET
    if len(given) == len(PLACE_COLUMNS) and not any(given.values()):
        return None
    lat, lon = cells.degrees("lat"), cells.degrees("lon")
    for column in PLACE_COLUMNS:
        there = given.get(column) or (column not in given and former)
        if not there and not any(problem.field == column for problem in cells.findings.problems):
            cells.findings.note(column, "A place needs its name, latitude, longitude and time zone together.")
    return Location(
        lat=lat if lat is not UNSET else former.lat if former else 0.0,
        lon=lon if lon is not UNSET else former.lon if former else 0.0,
        place=given.get("place") or (former.place if former else "--"),
        zone=given.get("zone") or (former.zone if former else "Etc/UTC"),
    )


def _email(cells: Cells) -> str | None:
    cell = cells.some("owner_email")
    if cell is UNSET:
        return None
    try:
        return normalised(cell)
    except NotAnAddress as refused:
        cells.findings.note("owner_email", refused.message)
        return None


def _price(cells: Cells) -> Money | UnsetType | None:
    amount, currency = cells.text("price"), cells.some("currency")
    if amount is UNSET:
        if currency is not UNSET:
            cells.findings.note("price", "A currency needs an amount.")
        return UNSET
    if not amount.strip():
        return None
    if currency is UNSET:
        cells.findings.note("currency", "A price needs its currency, such as EUR.")
        return UNSET
    return parsed_price(cells.findings, amount, currency)


def _mode(cells: Cells) -> Mode | UnsetType:
    cell = cells.some("mode")
    return UNSET if cell is UNSET else parsed_mode(cells.findings, cell)


def _windows(findings: Findings, column: str, cell: str) -> tuple[Window, ...]:
    """Hours such as `09:00-12:00 13:00-17:30`; nothing, a hyphen or `closed` for none."""
    found: list[Window] = []
    for part in re.findall(r"[^\s,;]+", cell.replace("\u2013", "-")):
        span = _SPAN.fullmatch(part)
        if span:
            found.append(Window(*(hour.zfill(5) for hour in span.groups())))
        elif part.lower() not in {"-", "closed"}:
            findings.note(column, "It holds hours such as 09:00-12:00 13:00-17:30, or closed.")
            return ()
    return tuple(found)


def _exceptions(cells: Cells, cell: str) -> tuple[DatedHours, ...]:
    """Dates with hours of their own, parted by semicolons: `2026-12-24 closed; 2026-12-31 09:00-12:00`."""
    found: list[DatedHours] = []
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        day, _, hours = part.partition(" ")
        try:
            found.append(DatedHours(day=date.fromisoformat(day), windows=_windows(cells.findings, "exceptions", hours)))
        except ValueError:
            cells.findings.note(
                "exceptions", "It holds dates with hours, such as 2026-12-24 closed; 2026-12-31 09:00-12:00."
            )
            break
    return tuple(found)


def _check(findings: Findings, request: SetPlan) -> None:
    """Note what the plan would be refused for, each day by itself."""
    known = {problem.field for problem in findings.problems}
    parts = [
        ("zone", SetPlan(provider_id="", zone=request.zone, week=Week())),
        ("step_min", SetPlan(provider_id="", zone="Etc/UTC", week=Week(), step_min=request.step_min)),
        ("exceptions", SetPlan(provider_id="", zone="Etc/UTC", week=Week(), exceptions=request.exceptions)),
        *(
            (day, SetPlan(provider_id="", zone="Etc/UTC", week=Week(**{day: getattr(request.week, day)})))
            for day in WEEKDAYS
        ),
    ]
    for column, part in parts:
        try:
            planned(part)
        except Invalid as refused:
            if column not in known:
                findings.note(column, refused.message)


def _whole(cell: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", cell):
        raise ValueError(cell)
    return int(cell)


def _decimal(cell: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]+)?", cell):
        raise ValueError(cell)
    return float(cell)
