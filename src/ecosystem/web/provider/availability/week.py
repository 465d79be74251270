"""The weekly hours as their form has them: any number of windows a day, each with its own error.

The form is edited by its own buttons: add, remove, copy. Each sends the whole form and gets it back changed, saved or
not, so that it works without a script; only the button Save makes it the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import Plan, SetPlan, Week, Window, planned
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import DAY_MIN, wall_minutes

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMES = {day: day.capitalize() for day in DAYS}
WINDOWS_MAX = 12
STEPS = (5, 10, 15, 20, 30, 45, 60, 90, 120)
MIDNIGHT = "24:00"
_FIRST, _NEXT_LENGTH_MIN = ("09:00", "17:00"), 60
_TEXT_MAX = 20


class Row(Struct, frozen=True, kw_only=True):
    """One window as typed, with what is wrong with it."""

    opens: str
    closes: str
    opens_wrong: str = ""
    closes_wrong: str = ""

    @property
    def minutes(self) -> tuple[int, int] | None:
        """From and to in minutes after midnight; none where it is no window."""
        try:
            opens, closes = (wall_minutes(text, field="") for text in (self.opens, _closing(self.closes)))
        except Invalid:
            return None
        return (opens, closes) if opens < closes else None


class WeekForm(Struct, frozen=True, kw_only=True):
    """The form as it stands. `wrong` are errors by day, or by another field of the form."""

    zone: str
    step: str = "30"
    version: int = 0
    days: Mapping[str, Sequence[Row]]
    wrong: Mapping[str, str] = {}
    dirty: bool = False

    @property
    def has_errors(self) -> bool:
        rows = (row for rows in self.days.values() for row in rows)
        return bool(self.wrong) or any(row.opens_wrong or row.closes_wrong for row in rows)

    @property
    def week(self) -> Week:
        return Week(
            **{day: tuple(Window(row.opens, _closing(row.closes)) for row in rows) for day, rows in self.days.items()}
        )

    @property
    def minutes(self) -> int:
        """How long the week is open, as far as its windows are windows."""
        return sum(self.length(day) for day in DAYS)

    def length(self, day: str) -> int:
        return sum(row.minutes[1] - row.minutes[0] for row in self.days[day] if row.minutes)


def opened(plan: Plan | None, *, zone: str, version: int = 0) -> WeekForm:
    """The form as it stands for this plan; without one, a proposal of ordinary office hours."""
    if plan is None:
        usual = [Row(opens=_FIRST[0], closes=_FIRST[1])]
        return WeekForm(zone=zone, days={day: usual if day in DAYS[:5] else [] for day in DAYS}, dirty=True)
    days = {
        day: [Row(opens=each.opens, closes=_shown(each.closes)) for each in windows]
        for day, windows in zip(DAYS, plan.week.days(), strict=True)
    }
    return WeekForm(zone=plan.zone, step=str(plan.step_min), version=version, days=days)


def read(pairs: Sequence[tuple[str, str]]) -> tuple[WeekForm, str, Mapping[str, Sequence[str]]]:
    """The form that was sent, which of its buttons sent it, and the days ticked to copy to, by the day to copy."""
    fields = dict(pairs)
    days: dict[str, Sequence[Row]] = {}
    for day in DAYS:
        opens = [text.strip()[:_TEXT_MAX] for name, text in pairs if name == f"{day}.opens"]
        closes = [text.strip()[:_TEXT_MAX] for name, text in pairs if name == f"{day}.closes"]
        rows = [Row(opens=a, closes=b) for a, b in zip(opens, closes, strict=False)]
        days[day] = rows[:WINDOWS_MAX]
    onto = {day: [text for name, text in pairs if name == f"{day}.onto" and text in DAYS] for day in DAYS}
    version = fields.get("version", "")
    form = WeekForm(
        zone=fields.get("zone", "").strip(),
        step=fields.get("step", "30").strip(),
        version=int(version) if version.isascii() and version.isdigit() and len(version) < _TEXT_MAX else 0,
        days=days,
        dirty=True,
    )
    return form, fields.get("act", ""), onto


def acted(form: WeekForm, act: str, onto: Mapping[str, Sequence[str]]) -> WeekForm | None:
    """The form after one of its small buttons: `add:monday`, `remove:monday:1`, `copy:monday`, `weekdays:monday`.

    None for any other button.
    """
    verb, _, rest = act.partition(":")
    day, _, place = rest.partition(":")
    if day not in DAYS:
        return None
    rows = list(form.days[day])
    match verb:
        case "add":
            return _with(form, {day: [*rows, _next(rows)][:WINDOWS_MAX]})
        case "remove" if place.isascii() and place.isdigit():
            return _with(form, {day: [row for at, row in enumerate(rows) if at != int(place)]})
        case "copy":
            return _with(form, dict.fromkeys((other for other in onto[day] if other != day), rows))
        case "weekdays" | "every":
            return _with(form, dict.fromkeys(DAYS if verb == "every" else DAYS[:5], rows))
        case _:
            return None


def checked(form: WeekForm, provider_id: str) -> WeekForm:
    """The form with every error beside its window. Each window is held against the rules of a plan, in its day."""
    wrong = dict(form.wrong)
    for field, request in {
        "zone": SetPlan(provider_id=provider_id, zone=form.zone, week=Week()),
        "step": SetPlan(provider_id=provider_id, zone="UTC", week=Week(), step_min=_whole(form.step)),
    }.items():
        try:
            planned(request)
        except Invalid as no:
            wrong[field] = no.message
    days = {day: _checked(day, rows, provider_id) for day, rows in form.days.items()}
    return replace(form, days=days, wrong=wrong)


def wish(form: WeekForm, provider_id: str, plan: Plan | None) -> SetPlan:
    """The plan that the form asks for; exceptions and time off stay as they are."""
    return SetPlan(
        provider_id=provider_id,
        zone=form.zone,
        week=form.week,
        exceptions=plan.exceptions if plan else (),
        time_off=plan.time_off if plan else (),
        step_min=_whole(form.step),
        version=form.version,
    )


class Bar(Struct, frozen=True):
    """One open stretch of a day in the picture of a week, in hundredths of its height."""

    top: float
    height: float


def picture(form: WeekForm) -> Sequence[tuple[str, int, Sequence[Bar], str]]:
    """For each day: its name, minutes open, bars, and the hours in words."""
    return [
        (
            NAMES[day],
            form.length(day),
            [Bar(found[0] / DAY_MIN * 100, (found[1] - found[0]) / DAY_MIN * 100) for found in _found(form.days[day])],
            ", ".join(f"{row.opens}\N{EN DASH}{row.closes}" for row in form.days[day]) or "Closed",
        )
        for day in DAYS
    ]


def _found(rows: Sequence[Row]) -> list[tuple[int, int]]:
    return sorted(row.minutes for row in rows if row.minutes)


def _with(form: WeekForm, days: Mapping[str, Sequence[Row]]) -> WeekForm:
    return replace(form, days={**form.days, **days}, dirty=True)


def _next(rows: Sequence[Row]) -> Row:
    """A window to begin with: office hours, or an hour after the last one closes."""
    if not rows:
        return Row(opens=_FIRST[0], closes=_FIRST[1])
    last = rows[-1].minutes
    opens = min((last[1] if last else 0) + _NEXT_LENGTH_MIN, DAY_MIN - _NEXT_LENGTH_MIN)
    return Row(opens=_wall(opens), closes=_shown(_wall(min(opens + 3 * _NEXT_LENGTH_MIN, DAY_MIN))))


def _checked(day: str, rows: Sequence[Row], provider_id: str) -> Sequence[Row]:
    """The day's windows, each with the first thing that is wrong with it beside those before it."""
    found: list[Row] = []
    good: list[Row] = []
    for row in rows:
        error = _error(day, [*good, row], provider_id)
        if error is None:
            good.append(row)
            found.append(row)
            continue
        at_end = (error.field or "").endswith("closes")
        found.append(replace(row, **{"closes_wrong" if at_end else "opens_wrong": error.message}))
    return found


def _error(day: str, rows: Sequence[Row], provider_id: str) -> Invalid | None:
    windows = tuple(Window(row.opens, _closing(row.closes)) for row in rows)
    week: dict[str, Any] = {day: windows}
    try:
        planned(SetPlan(provider_id=provider_id, zone="UTC", week=Week(**week)))
    except Invalid as no:
        return no
    return None


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _closing(text: str) -> str:
    """A window that closes at midnight closes at the day's end: that is what people mean by 00:00 there."""
    return MIDNIGHT if text == "00:00" else text


def _shown(text: str) -> str:
    """As a browser's field for a time of day can show it."""
    return "00:00" if text == MIDNIGHT else text


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
