"""When money moves: the Federal Reserve's holidays, its windows, and the cut-offs that follow, to the minute.

The network's day is New York's. A banking day is one on which the Federal Reserve is open: no weekend, none of its
eleven holidays. One that falls on a Saturday is not kept on the Friday before; one that falls on a Sunday is kept on
the Monday after (frbservices.org, "Holiday Schedules").

| window | the operator takes files until | they settle | credits are available to receivers |
| --- | --- | --- | --- |
| `first` | 10:30 | 13:00 | 13:30 |
| `second` | 14:45 | 17:00 | 17:00 |
| `third` | 16:45 | 18:00 | end of day |
| `overnight` | 02:15 of the day after | 08:30 of the next banking day | 09:00 |

All times are Eastern (FedACH processing schedule; Nacha Operating Rules, subsection 3.3.1 for availability). Our bank
wants files some minutes earlier: the lead. What comes in at the very minute of the cut-off is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from ecosystem.kernel.time import local, utc, zone

EASTERN = "America/New_York"
SAME_DAY_CENTS_MAX = 100_000_000
"""One million dollars an entry, since 18 March 2022 (Nacha Operating Rules, section 8, "Same Day Entry")."""
SEARCHED_DAYS_MAX = 10
"""No run of days without banking is longer than four; this is the limit of any search for the next."""


class WindowName(StrEnum):
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    OVERNIGHT = "overnight"


class Times(Struct, frozen=True, kw_only=True):
    """A window's times of day, Eastern. `days_later` is how long after the processing day its deadline falls."""

    name: WindowName
    deadline: time
    settlement: time
    days_later: int = 0


TIMES: Sequence[Times] = (
    Times(name=WindowName.FIRST, deadline=time(10, 30), settlement=time(13)),
    Times(name=WindowName.SECOND, deadline=time(14, 45), settlement=time(17)),
    Times(name=WindowName.THIRD, deadline=time(16, 45), settlement=time(18)),
    Times(name=WindowName.OVERNIGHT, deadline=time(2, 15), settlement=time(8, 30), days_later=1),
)


class Window(Struct, frozen=True, kw_only=True):
    """One window of one processing day.

    `cutoff_at` is the last instant at which an entry is still in, `deadline_at` the operator's. Entries bear
    `effective_on`, and settle at `settles_at` of that day.
    """

    day: date
    name: WindowName
    cutoff_at: datetime
    deadline_at: datetime
    effective_on: date
    settles_at: datetime

    @property
    def is_same_day(self) -> bool:
        return self.name is not WindowName.OVERNIGHT

    @property
    def window_id(self) -> str:
        """`2026-11-20-1-first`: sorted by time."""
        return f"{self.day.isoformat()}-{list(WindowName).index(self.name) + 1}-{self.name}"


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """The days of that year on which the Federal Reserve is closed besides weekends."""
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))  # Juneteenth, first kept by the Reserve Banks in 2022.
    kept = {day + timedelta(days=1) if day.weekday() == 6 else day for day in fixed if day.weekday() != 5}
    kept |= {
        _nth_monday(year, 1, 3),  # Martin Luther King, Jr.
        _nth_monday(year, 2, 3),  # Washington
        _last_monday(year, 5),  # Memorial Day
        _nth_monday(year, 9, 1),  # Labor Day
        _nth_monday(year, 10, 2),  # Columbus Day
        _nth_monday(year, 11, 1) + timedelta(days=_thanksgiving(year)),
    }
    return frozenset(kept)


def _nth_monday(year: int, month: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(-first.weekday()) % 7 + 7 * (count - 1))


def _last_monday(year: int, month: int) -> date:
    last = date(year, month + 1, 1) - timedelta(days=1)
    return last - timedelta(days=last.weekday())


def _thanksgiving(year: int) -> int:
    """Days from the first Monday of November to its fourth Thursday."""
    first = date(year, 11, 1)
    thursday = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
    return (thursday - _nth_monday(year, 11, 1)).days


def is_banking_day(day: date) -> bool:
    return day.weekday() < 5 and day not in holidays(day.year)


def next_banking_day(day: date) -> date:
    """The first banking day after that day."""
    return banking_days_after(day, 1)


def banking_days_after(day: date, count: int) -> date:
    """The banking day that many banking days after the day; of a day without banking, counted from it all the same."""
    for _ in range(count):
        for _ in range(SEARCHED_DAYS_MAX):
            day += timedelta(days=1)
            if is_banking_day(day):
                break
        else:
            raise AssertionError("no run of days without banking is so long")
    return day


def on_or_after(day: date) -> date:
    """The day itself if it is a banking day, else the next one."""
    return day if is_banking_day(day) else next_banking_day(day)


def eastern_day(at: datetime) -> date:
    """The date in New York."""
    return local(at, EASTERN).date()


def eastern(day: date, wall: time) -> datetime:
    """That wall time in New York as an instant in UTC. No time here falls into the hour that clocks skip or repeat."""
    return datetime.combine(day, wall, zone(EASTERN)).astimezone(UTC)


def window(day: date, name: WindowName, lead: timedelta = timedelta(0)) -> Window:
    """That window of that banking day, for a bank that wants files `lead` before the operator's deadline."""
    times = next(times for times in TIMES if times.name is name)
    deadline_day = day + timedelta(days=times.days_later)
    effective_on = next_banking_day(day) if name is WindowName.OVERNIGHT else day
    # A deadline never falls on a Sunday, when clocks change: the day before it is a banking day.
    deadline_at = eastern(deadline_day, times.deadline)
    return Window(
        day=day,
        name=name,
        cutoff_at=deadline_at - lead,
        deadline_at=deadline_at,
        effective_on=effective_on,
        settles_at=eastern(effective_on, times.settlement),
    )


def windows(after: datetime, lead: timedelta = timedelta(0)) -> Iterator[Window]:
    """Windows whose cut-off is at or after that instant, in order, for half a year."""
    after = utc(after)
    day = eastern_day(after) - timedelta(days=1)  # last night's window may still be open
    for _ in range(183):
        if is_banking_day(day):
            for times in TIMES:
                made = window(day, times.name, lead)
                if made.cutoff_at >= after:
                    yield made
        day += timedelta(days=1)


def next_window(at: datetime, *, same_day: bool, lead: timedelta = timedelta(0)) -> Window:
    """The window in which an entry goes that is there at that instant."""
    return next(made for made in windows(at, lead) if made.is_same_day == same_day)


def return_due_at(settled_on: date, *, banking_days: int | None, calendar_days: int | None) -> datetime | None:
    """Until when a return must be back at us, after its entry settled on that day; None when no time is set.

    Two banking days: by the opening of business of the second one after settlement. Sixty calendar days: by the opening
    of the banking day after the sixtieth. (Nacha Operating Rules, subsection 3.8.1 and 3.13.1; opening is 08:30 here,
    when the first settlement of the day is made.)
    """
    if banking_days is not None:
        return eastern(banking_days_after(settled_on, banking_days), time(8, 30))
    if calendar_days is not None:
        return eastern(next_banking_day(settled_on + timedelta(days=calendar_days)), time(8, 30))
    return None
