"""The small parts of the area by themselves: points on maps, orders, weeks, dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.booking import DatedHours, Plan, TimeOff, Week, Window
from ecosystem.kernel.refusals import Invalid
from ecosystem.web.provider import zones
from ecosystem.web.provider.availability import dates, week
from ecosystem.web.provider.photos.album import moved, ordered, restored
from ecosystem.web.provider.points import Point, point

PLAN = Plan(provider_id="prv_1", zone="Europe/Lisbon", week=Week(monday=(Window("09:00", "12:00"),)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("38.7223, -9.1393", Point(38.7223, -9.1393)),
        (" 38.7223 -9.1393 ", Point(38.7223, -9.1393)),
        ("38.7223° N, 9.1393° W", Point(38.7223, -9.1393)),
        ("geo:38.7223,-9.1393;u=35", Point(38.7223, -9.1393)),
        ("https://www.openstreetmap.org/#map=16/38.7223/-9.1393", Point(38.7223, -9.1393)),
        ("https://www.openstreetmap.org/?mlat=38.7223&mlon=-9.1393#map=5/1/2", Point(38.7223, -9.1393)),
        ("https://www.google.com/maps/@38.7223,-9.1393,15z", Point(38.7223, -9.1393)),
        ("https://www.google.com/maps/place/X/@1.5,2.5,17z/data=!3d38.7223!4d-9.1393", Point(38.7223, -9.1393)),
        ("https://maps.apple.com/?ll=38.7223,-9.1393&z=10", Point(38.7223, -9.1393)),
    ],
)
def test_a_point_is_read_from_what_people_copy(text: str, found: Point) -> None:
    assert point(text) == found
    assert point(found.text) == found


@pytest.mark.parametrize("text", ["", "Lisbon", "38.7", "95, 10", "10, 190", "1;2;3", "https://maps.app.goo.gl/x"])
def test_what_names_no_point_is_refused_beside_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        point(text)
    assert refused.value.field == "point"


def test_zones_are_grouped_and_a_former_name_stays_to_be_seen() -> None:
    listed = zones.choices("Europe/Lisbon", "Asia/Calcutta")

    assert ("Europe/Lisbon", "Lisbon", "Europe") in listed
    assert listed[0] == ("Asia/Calcutta", "Calcutta", "Yours")
    assert ("America/Argentina/Ushuaia", "Ushuaia (Argentina)", "America") in listed
    assert len({name for name, _, _ in listed}) == len(listed) > 300


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sampled_from("abcdefx"), st.integers(-9, 9))
def test_an_order_never_gains_or_loses_a_photograph(media: list[str], one: str, by: int) -> None:
    assert sorted(moved(media, one, by)) == sorted(media)
    assert sorted(ordered(media, [one, *media[::-1], one])) == sorted(media)
    assert set(restored(media, one, by)) == {*media, one}


def test_a_week_is_added_to_copied_and_taken_from() -> None:
    form = week.opened(PLAN, zone="Europe/Lisbon", version=3)

    more = week.acted(form, "add:monday", {})
    assert more is not None
    assert [(row.opens, row.closes) for row in more.days["monday"]] == [("09:00", "12:00"), ("13:00", "16:00")]
    copied = week.acted(more, "copy:monday", {"monday": ["sunday", "monday"]})
    assert copied is not None
    assert copied.days["sunday"] == more.days["monday"]
    less = week.acted(copied, "remove:sunday:0", {})
    assert less is not None
    assert less.minutes == (6 + 3) * 60
    assert week.acted(less, "save", {}) is None
    assert week.wish(less, "prv_1", PLAN).version == 3


def test_a_day_that_ends_at_midnight_is_shown_as_a_browser_can_and_kept_as_the_plan_wants() -> None:
    late = Plan(provider_id="prv_1", zone="UTC", week=Week(friday=(Window("20:00", "24:00"),)))
    form = week.opened(late, zone="UTC")

    assert form.days["friday"][0].closes == "00:00"
    assert form.week == late.week


def test_every_window_gets_its_own_error_in_its_own_place() -> None:
    form = week.opened(PLAN, zone="Nowhere")
    rows = [
        week.Row(opens="09:00", closes="12:00"),
        week.Row(opens="11:00", closes="13:00"),
        week.Row(opens="", closes="x"),
    ]
    checked = week.checked(week.replace(form, zone="Nowhere", step="0", days={**form.days, "monday": rows}), "prv_1")

    assert set(checked.wrong) == {"zone", "step"}
    assert not checked.days["monday"][0].opens_wrong
    assert checked.days["monday"][1].opens_wrong == "Windows of a day do not overlap."
    assert "is not a time of day" in checked.days["monday"][2].opens_wrong


def test_time_off_is_told_by_the_plans_clock_over_its_changes() -> None:
    whole = dates.Off(first=date(2026, 10, 24), last=date(2026, 10, 26)).time_off("Europe/Lisbon")
    part = dates.Off(first=date(2026, 10, 25), from_time="14:00").time_off("Europe/Lisbon")

    assert (whole.end_at - whole.start_at).total_seconds() == 73 * 3600
    assert dates.told(whole, "Europe/Lisbon", seen_in=2026) == ("Saturday 24 October to Monday 26 October", "Off")
    assert dates.told(part, "Europe/Lisbon", seen_in=2026)[1] == "Off from 14:00 to 00:00"


@pytest.mark.parametrize(
    "part",
    [
        DatedHours(
            day=date(2026, 12, 24), windows=(Window("09:00", "12:00"), Window("13:00", "24:00")), note="Eve, & more"
        ),
        DatedHours(day=date(2026, 12, 25)),
        TimeOff(start_at=datetime(2026, 12, 26, 8, tzinfo=UTC), end_at=datetime(2027, 1, 2, tzinfo=UTC), note="Away"),
    ],
)
def test_a_date_goes_into_an_address_and_comes_back(part: DatedHours | TimeOff) -> None:
    entry = dates.entry(part)
    made = dates.added(PLAN, part, 1)
    kept = Plan(provider_id="prv_1", zone=PLAN.zone, week=PLAN.week, exceptions=made.exceptions, time_off=made.time_off)

    assert entry.part() == part
    assert dates.removed(kept, entry.part(), 2).exceptions == ()
    assert dates.removed(kept, entry.part(), 2).time_off == ()
    with pytest.raises(dates.NoSuchDate):
        dates.removed(PLAN, part, 1)
