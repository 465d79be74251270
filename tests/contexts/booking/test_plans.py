from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from contexts.booking.scene import ADA, NINE_TO_FIVE, OPERATOR, OWNER, PROVIDER, Scene, week
from ecosystem.contexts.booking import DatedHours, PlanChanged, SetPlan, TimeOff, Week, Window, planned
from ecosystem.contexts.booking.plans import BUSY_MAX, EXCEPTIONS_MAX, FEEDS_MAX, TIME_OFF_MAX, WINDOWS_MAX, merged
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.kernel.time import Span
from ecosystem.ports.bus import Event

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLAN = SetPlan(provider_id=PROVIDER, zone="Europe/Berlin", week=week(*NINE_TO_FIVE))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"zone": "Berlin"}, "zone"),
        ({"step_min": 0}, "step_min"),
        ({"step_min": 1441}, "step_min"),
        ({"week": Week(monday=(Window("9:00", "17:00"),))}, "week.monday[0].opens"),
        ({"week": Week(sunday=(Window("09:00", "24:30"),))}, "week.sunday[0].closes"),
        ({"week": Week(friday=(Window("09:00", "09:00"),))}, "week.friday[0].closes"),
        ({"week": Week(friday=(Window("22:00", "02:00"),))}, "week.friday[0].closes"),
        ({"week": Week(friday=(Window("12:00", "14:00"), Window("09:00", "12:01")))}, "week.friday[0].opens"),
        ({"week": Week(friday=(Window("24:00", "24:00"),))}, "week.friday[0].closes"),
        ({"week": Week(friday=(Window("00:00", "00:01"),) * (WINDOWS_MAX + 1))}, "week.friday"),
        ({"exceptions": (DatedHours(day=NOON.date()),) * 2}, "exceptions[1].day"),
        (
            {"exceptions": (DatedHours(day=NOON.date(), windows=(Window("18:00", "x"),)),)},
            "exceptions[0].windows[0].closes",
        ),
        (
            {
                "exceptions": tuple(
                    DatedHours(day=date(2026, 1, 1) + timedelta(days=n)) for n in range(EXCEPTIONS_MAX + 1)
                )
            },
            "exceptions",
        ),
        ({"time_off": (TimeOff(start_at=NOON, end_at=NOON),)}, "time_off[0].end_at"),
        ({"time_off": (TimeOff(start_at=NOON.replace(tzinfo=None), end_at=NOON),)}, "time_off[0].start_at"),
        ({"time_off": (TimeOff(start_at=NOON, end_at=NOON + timedelta(1)),) * (TIME_OFF_MAX + 1)}, "time_off"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_with_its_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        planned(replace(PLAN, **changes))

    assert refused.value.field == field


def test_windows_are_kept_in_order() -> None:
    afternoon, morning = Window("13:00", "17:00"), Window("09:00", "12:00")

    plan = planned(replace(PLAN, week=Week(monday=(afternoon, morning))))

    assert plan.week.monday == (morning, afternoon)


async def test_a_plan_is_set_and_read_back(scene: Scene) -> None:
    away = TimeOff(start_at=NOON, end_at=NOON + timedelta(days=1), note="dentist")

    await scene.plans.set(replace(PLAN, time_off=(away,)), owner_id=OWNER.actor_id, actor=OWNER)

    row = await scene.plans.get(PROVIDER)
    assert row is not None
    assert row.value.time_off == (away,)
    assert row.version == 2


async def test_the_same_plan_again_writes_nothing(scene: Scene) -> None:
    first = await scene.plans.set(PLAN, owner_id=OWNER.actor_id, actor=OWNER)

    again = await scene.plans.set(replace(PLAN, version=0), owner_id=OWNER.actor_id, actor=OWNER)

    assert again.version == first.version
    events = await scene.table.query(f"PLAN#{PROVIDER}", Event)
    assert [event.type for event in events.values] == ["PlanSet"]


async def test_an_editor_who_saw_an_older_plan_is_refused(scene: Scene) -> None:
    longer = replace(PLAN, week=week(Window("08:00", "20:00")), version=1)
    await scene.plans.set(longer, owner_id=OWNER.actor_id, actor=OWNER)

    with pytest.raises(PlanChanged):
        await scene.plans.set(replace(PLAN, step_min=15, version=1), owner_id=OWNER.actor_id, actor=OWNER)

    row = await scene.plans.get(PROVIDER)
    assert row is not None
    assert row.value.step_min == 30


async def test_only_the_owner_and_operators_set_a_plan(scene: Scene) -> None:
    with pytest.raises(Denied):
        await scene.plans.set(replace(PLAN, step_min=15), owner_id=OWNER.actor_id, actor=ADA)

    row = await scene.plans.set(replace(PLAN, step_min=15), owner_id=OWNER.actor_id, actor=OPERATOR)
    assert row.value.step_min == 15


async def test_a_calendar_kept_elsewhere_takes_time(scene: Scene) -> None:
    before = await scene.starts()
    lunch = Span(datetime(2026, 11, 23, 11, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC))

    await scene.plans.import_busy(PROVIDER, "work", [lunch], owner_id=OWNER.actor_id, actor=OWNER)

    gone = set(before) - set(await scene.starts())
    assert gone == {lunch.start_at - timedelta(minutes=30), lunch.start_at, lunch.start_at + timedelta(minutes=30)}
    await scene.plans.import_busy(PROVIDER, "work", [], owner_id=OWNER.actor_id, actor=OWNER)
    assert await scene.starts() == before


async def test_imported_calendars_are_bounded(scene: Scene) -> None:
    apart = [Span(NOON + timedelta(hours=2 * n), NOON + timedelta(hours=2 * n + 1)) for n in range(BUSY_MAX + 1)]
    with pytest.raises(Invalid):
        await scene.plans.import_busy(PROVIDER, "work", apart, owner_id=OWNER.actor_id, actor=OWNER)
    for number in range(FEEDS_MAX):
        await scene.plans.import_busy(PROVIDER, f"{number}", apart[:1], owner_id=OWNER.actor_id, actor=OWNER)

    with pytest.raises(Invalid):
        await scene.plans.import_busy(PROVIDER, "one more", apart[:1], owner_id=OWNER.actor_id, actor=OWNER)
    with pytest.raises(Denied):
        await scene.plans.import_busy(PROVIDER, "0", [], owner_id=OWNER.actor_id, actor=ADA)


def test_spans_that_touch_are_one() -> None:
    hour = timedelta(hours=1)

    joined = merged(
        [Span(NOON + hour, NOON + 2 * hour), Span(NOON, NOON + hour), Span(NOON + 3 * hour, NOON + 4 * hour)]
    )

    assert joined == (Span(NOON, NOON + 2 * hour), Span(NOON + 3 * hour, NOON + 4 * hour))
