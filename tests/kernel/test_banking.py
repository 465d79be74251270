"""The Federal Reserve's calendar and the network's windows, to the minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.banking import (
    TIMES,
    WindowName,
    banking_days_after,
    eastern_day,
    holidays,
    is_banking_day,
    next_window,
    return_due_at,
    window,
)

# As frbservices.org publishes them; days that fall on a Saturday are not kept, those on a Sunday are on the Monday.
PUBLISHED = {
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    2025: "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    2026: "01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-23 12-25",
    2029: "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-12 11-22 12-25",
    2030: "01-01 01-21 02-18 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
}
START, SECONDS = datetime(2024, 1, 1, tzinfo=UTC), 7 * 365 * 86_400
INSTANTS = st.integers(0, SECONDS).map(lambda passed: START + timedelta(seconds=passed))


@pytest.mark.parametrize(("year", "days"), PUBLISHED.items())
def test_holidays_are_those_that_the_federal_reserve_publishes(year: int, days: str) -> None:
    assert sorted(holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in days.split()]


def test_a_holiday_on_a_saturday_leaves_the_friday_a_banking_day() -> None:
    assert is_banking_day(date(2026, 7, 3))
    assert not is_banking_day(date(2027, 7, 5))


@pytest.mark.parametrize(
    ("day", "first", "overnight"),
    [
        (date(2026, 3, 6), "2026-03-06T15:30", "2026-03-07T07:15"),  # the Friday before clocks go forward
        (date(2026, 3, 9), "2026-03-09T14:30", "2026-03-10T06:15"),  # the Monday after
        (date(2026, 10, 30), "2026-10-30T14:30", "2026-10-31T06:15"),
        (date(2026, 11, 2), "2026-11-02T15:30", "2026-11-03T07:15"),  # after they went back
    ],
)
def test_deadlines_are_eastern_times_through_both_changes_of_the_clock(day: date, first: str, overnight: str) -> None:
    assert f"{window(day, WindowName.FIRST).deadline_at:%Y-%m-%dT%H:%M}" == first
    assert f"{window(day, WindowName.OVERNIGHT).deadline_at:%Y-%m-%dT%H:%M}" == overnight


@pytest.mark.parametrize("same_day", [True, False])
@given(at=INSTANTS)
def test_an_entry_goes_in_the_first_window_that_is_not_closed_yet(same_day: bool, at: datetime) -> None:
    lead = timedelta(minutes=15)
    found = next_window(at, same_day=same_day, lead=lead)

    assert found.cutoff_at >= at
    assert found.is_same_day is same_day
    assert is_banking_day(found.day)
    assert is_banking_day(found.effective_on)
    assert found.deadline_at < found.settles_at
    assert found.cutoff_at == found.deadline_at - lead
    # None that is earlier was still open.
    day = found.day - timedelta(days=6)
    while day <= found.day:
        for times in TIMES:
            if is_banking_day(day) and (times.name is not WindowName.OVERNIGHT) is same_day:
                other = window(day, times.name, lead)
                assert other.cutoff_at < at or other.cutoff_at >= found.cutoff_at
        day += timedelta(days=1)


def test_the_minute_of_the_cutoff_is_in_and_the_one_after_is_not() -> None:
    cutoff = window(date(2026, 11, 20), WindowName.FIRST).cutoff_at

    assert next_window(cutoff, same_day=True).name is WindowName.FIRST
    assert next_window(cutoff + timedelta(minutes=1), same_day=True).name is WindowName.SECOND


def test_what_comes_after_the_third_window_before_a_holiday_settles_after_it() -> None:
    wednesday = datetime(2026, 11, 25, 22, tzinfo=UTC)  # five in the afternoon; Thursday is Thanksgiving

    assert next_window(wednesday, same_day=False).effective_on == date(2026, 11, 27)
    assert next_window(wednesday, same_day=True).day == date(2026, 11, 27)


@given(at=INSTANTS, count=st.integers(1, 30))
def test_banking_days_are_counted_without_those_that_are_none(at: datetime, count: int) -> None:
    day = eastern_day(at)
    after = banking_days_after(day, count)

    between = [day + timedelta(days=each) for each in range(1, (after - day).days + 1)]
    assert is_banking_day(after)
    assert sum(is_banking_day(each) for each in between) == count


def test_two_banking_days_and_sixty_calendar_days_end_in_the_morning() -> None:
    friday = date(2026, 11, 20)

    assert return_due_at(friday, banking_days=2, calendar_days=None) == datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    # The sixtieth day is Tuesday, 19 January 2027: due on the banking day after it.
    assert return_due_at(friday, banking_days=None, calendar_days=60) == datetime(2027, 1, 20, 13, 30, tzinfo=UTC)
    assert return_due_at(friday, banking_days=None, calendar_days=None) is None
