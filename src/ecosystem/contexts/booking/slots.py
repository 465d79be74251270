"""The times a provider may be booked, found from the plan and from what is taken.

All reckoning is in whole seconds since 1970, so that a length is exact whatever the clocks do. The rules:

- An instant is open when the wall clock there reads a time within a window of that date (`plans.py`) and no time off
  covers it. A slot is offered when all of it is open; windows may touch over midnight.
- Slots start where the wall clock reads the window's opening plus a multiple of the plan's step. A clock set forward
  skips the starts it skips. A clock set back has them twice; a start less than one step after the last one before a
  change is left out.
- Buffers are time taken, outside opening hours too: a slot with its buffers overlaps nothing taken, with its buffers,
  nor a time that an imported calendar has. Seats of one service at one start share their time.
- Notice and horizon are counted from now to the start, and both ends are allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

from ecosystem.contexts.booking.calendar import REACH, Taking
from ecosystem.contexts.booking.offers import HORIZON_DAYS_MAX, Offer
from ecosystem.contexts.booking.plans import Hours, Plan, Window, open_minutes
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import DAY_S, Span, instant, offsets, seconds

_EPOCH_DAY = date(1970, 1, 1)
_THURSDAY = 3  # what 1970-01-01 was, counted from Monday
_MARGIN_S = 2 * DAY_S
"""Looked at on either side of what is wanted, so that windows that touch at its edges, and the last start before a
clock change, are known. A slot and a step last a day at most."""

_WANTED_MAX = timedelta(days=HORIZON_DAYS_MAX + 1)
"""A day more than the horizon: dates of a zone may take an hour more than their days."""

Stretch = tuple[int, int]
"""[start, end) in seconds since 1970."""


class Slot(Struct, frozen=True):
    """A time that may be booked, [start_at, end_at), and how many seats it has left."""

    start_at: datetime
    end_at: datetime
    seats_left: int


class DaySlots(Struct, frozen=True):
    """The slots that start on one date of the viewer's zone."""

    day: date
    slots: tuple[Slot, ...]


class Occupied(Struct, frozen=True):
    """What stands against slots of one offer. `shared` holds the seats taken of the same service at the same times."""

    blocked: Sequence[Stretch]
    shared: dict[int, int]
    takings: Sequence[tuple[int, int, int]]
    busy: Sequence[Stretch]


def slots(hours: Hours, offer: Offer, takings: Iterable[Taking], wanted: Span, at: datetime) -> list[Slot]:
    """The free slots that start within `wanted`, in order, as things stand at `at`.

    `takings` are those of all UTC days within `REACH` of `wanted`; expired holds among them do not count. Raises `Invalid` when `wanted` is over 400 days.
    """
    if wanted.length > _WANTED_MAX:
        raise Invalid(f"Slots are shown for at most {HORIZON_DAYS_MAX} days at a time.", field="wanted")
    if hours.plan is None:
        return []
    starts, opened = _starts(hours.plan, offer, wanted, at)
    if not starts:
        return []
    return _free(starts, opened, occupied(takings, hours.busy, offer, at), offer)


def offered(hours: Hours, offer: Offer, start_at: datetime, at: datetime) -> bool:
    """Whether a slot starts exactly then, were nothing taken."""
    found = slots(hours, offer, (), Span(start_at, start_at + timedelta(seconds=1)), at)
    return bool(found) and found[0].start_at == start_at


def by_day(found: Sequence[Slot], zone_name: str) -> list[DaySlots]:
    """The slots by their starts' dates in that zone, in order; dates without any are left out."""
    if not found:
        return []
    days: dict[int, list[Slot]] = {}
    place = 0
    for stretch in offsets(zone_name, seconds(found[0].start_at), seconds(found[-1].start_at) + 1):
        while place < len(found) and (start_s := seconds(found[place].start_at)) < stretch.end_s:
            days.setdefault((start_s + stretch.ahead_s) // DAY_S, []).append(found[place])
            place += 1
    return [DaySlots(_EPOCH_DAY + timedelta(days=day), tuple(on_day)) for day, on_day in sorted(days.items())]


def occupied(takings: Iterable[Taking], busy: Sequence[Span], offer: Offer, at: datetime) -> Occupied:
    """What of the takings and (ordered, merged) busy spans stands against slots of the offer."""
    length_s = offer.duration_min * 60
    entries: dict[str, tuple[int, int, int]] = {}
    shared: dict[int, int] = {}
    for taking in takings:
        if taking.entry_id in entries or taking.lapsed(at):
            continue  # a taking over midnight stands in both days
        start_s, end_s = seconds(taking.start_at), seconds(taking.end_at)
        alike = taking.service_id == offer.service_id and end_s - start_s == length_s
        if alike:
            shared[start_s] = shared.get(start_s, 0) + taking.seats
        entries[taking.entry_id] = (
            start_s - taking.before_min * 60,
            end_s + taking.after_min * 60,
            start_s if alike else -1,
        )
    ordered = sorted(entries.values())
    away = [(seconds(span.start_at), _ceil(span.end_at)) for span in busy]
    return Occupied(
        blocked=_merged(sorted([*away, *((start_s, end_s) for start_s, end_s, _ in ordered)])),
        shared=shared,
        takings=ordered,
        busy=away,
    )


def _starts(plan: Plan, offer: Offer, wanted: Span, at: datetime) -> tuple[list[int], list[Stretch]]:
    """Where slots could start, within what is wanted, notice and horizon; and when the provider is open around it."""
    start_s = max(_ceil(wanted.start_at), _ceil(at) + offer.notice_min * 60)
    end_s = min(_ceil(wanted.end_at), seconds(at) + offer.horizon_days * DAY_S + 1)
    if start_s >= end_s:
        return [], []
    week = [_day(windows, plan.step_min) for windows in plan.week.days()]
    dated = {(hours.day - _EPOCH_DAY).days: _day(hours.windows, plan.step_min) for hours in plan.exceptions}
    starts: list[int] = []
    opened: list[Stretch] = []
    stretches = offsets(plan.zone, start_s - _MARGIN_S, end_s + _MARGIN_S)
    for stretch in stretches:
        soonest_s = max(stretch.start_s, starts[-1] + plan.step_min * 60) if starts else stretch.start_s
        ahead_s = stretch.ahead_s
        for day in range((stretch.start_s + ahead_s) // DAY_S, (stretch.end_s - 1 + ahead_s) // DAY_S + 1):
            windows, on_grid = dated.get(day) or week[(day + _THURSDAY) % 7]
            midnight_s = day * DAY_S - ahead_s
            opened.extend(
                (max(midnight_s + opens_s, stretch.start_s), min(midnight_s + closes_s, stretch.end_s))
                for opens_s, closes_s in windows
                if midnight_s + opens_s < stretch.end_s and midnight_s + closes_s > stretch.start_s
            )
            # Where no clock changes, the starts of other days decide nothing.
            if len(stretches) > 1 or (midnight_s < end_s and start_s < midnight_s + DAY_S):
                starts.extend(
                    midnight_s + start for start in on_grid if soonest_s <= midnight_s + start < stretch.end_s
                )
    starts = starts[bisect_left(starts, start_s) : bisect_left(starts, end_s)]
    return starts, _without(_merged(opened), [(seconds(off.start_at), _ceil(off.end_at)) for off in plan.time_off])


@lru_cache(maxsize=4096)
def _day(windows: tuple[Window, ...], step_min: int) -> tuple[Sequence[Stretch], Sequence[int]]:
    """A day's windows and its grid of starts, in seconds after midnight."""
    minutes = open_minutes(windows)
    return (
        tuple((opens * 60, closes * 60) for opens, closes in minutes),
        tuple(minute * 60 for opens, closes in minutes for minute in range(opens, closes, step_min)),
    )


def _free(starts: Sequence[int], opened: Sequence[Stretch], taken: Occupied, offer: Offer) -> list[Slot]:
    """The starts whose whole slot is open and, with its buffers, free. Both lists are walked once, side by side."""
    length_s, before_s, after_s = offer.duration_min * 60, offer.buffer_before_min * 60, offer.buffer_after_min * 60
    length = timedelta(seconds=length_s)
    found: list[Slot] = []
    in_hours, in_blocked, blocked = 0, 0, taken.blocked
    for start_s in starts:
        end_s = start_s + length_s
        while in_hours < len(opened) and opened[in_hours][1] <= start_s:
            in_hours += 1
        if in_hours == len(opened):
            break
        if start_s < opened[in_hours][0] or end_s > opened[in_hours][1]:
            continue
        from_s, to_s = start_s - before_s, end_s + after_s
        seats = taken.shared.get(start_s, 0)
        if seats:
            if seats >= offer.capacity or _crossed(taken, start_s, from_s, to_s):
                continue
        else:
            while in_blocked < len(blocked) and blocked[in_blocked][1] <= from_s:
                in_blocked += 1
            if in_blocked < len(blocked) and blocked[in_blocked][0] < to_s:
                continue
        start_at = instant(start_s)
        found.append(Slot(start_at, start_at + length, offer.capacity - seats))
    return found


def _crossed(taken: Occupied, start_s: int, from_s: int, to_s: int) -> bool:
    """Whether anything but the seats of the same service at the same start overlaps [from_s, to_s)."""
    takings = taken.takings
    reach_s = int(REACH.total_seconds())
    for place in range(bisect_left(takings, (from_s - reach_s, 0, 0)), bisect_left(takings, (to_s, 0, 0))):
        if takings[place][1] > from_s and takings[place][2] != start_s:
            return True
    after = bisect_left(taken.busy, (to_s, 0))
    return after > 0 and taken.busy[after - 1][1] > from_s


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches in order of their starts, those that touch or overlap made one."""
    joined: list[Stretch] = []
    for start_s, end_s in stretches:
        if joined and start_s <= joined[-1][1]:
            if end_s > joined[-1][1]:
                joined[-1] = (joined[-1][0], end_s)
        else:
            joined.append((start_s, end_s))
    return joined


def _without(opened: list[Stretch], closed: Sequence[Stretch]) -> list[Stretch]:
    """What is left of ordered stretches when the others, in order too, are cut out of them."""
    for start_s, end_s in closed:
        first = bisect_left(opened, start_s, key=lambda stretch: stretch[1])
        last = bisect_left(opened, end_s, key=lambda stretch: stretch[0])
        kept = [
            part
            for cut in opened[first:last]
            for part in ((cut[0], min(cut[1], start_s)), (max(cut[0], end_s), cut[1]))
            if part[0] < part[1]
        ]
        opened[first:last] = kept
    return opened


def _ceil(at: datetime) -> int:
    return seconds(at) + (at.microsecond > 0)
