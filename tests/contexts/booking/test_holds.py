from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from contexts.booking.scene import ADA, ALL_DAY, BOB, GUEST, OWNER, SWEEP, TEN, Scene, offer, week
from ecosystem.contexts.booking import (
    BookingStatus,
    Hold,
    HoldBooked,
    HoldEnded,
    HoldGone,
    HoldStatus,
    OwnService,
    SlotNotOffered,
    SlotTaken,
)
from ecosystem.kernel.actor import VISITOR
from ecosystem.kernel.refusals import Denied, IdReused, Invalid, Refusal
from ecosystem.ports.bus import Event

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


async def test_a_hold_takes_its_time_from_the_free_ones(scene: Scene) -> None:
    before = await scene.starts()

    held = await scene.hold()

    assert held.expires_at - held.taken_at == QUARTER
    assert set(before) - set(await scene.starts()) == {TEN - HOUR / 2, TEN, TEN + HOUR / 2}


async def test_a_held_time_is_not_held_again(scene: Scene) -> None:
    await scene.hold()

    with pytest.raises(SlotTaken):
        await scene.hold(actor=BOB)


async def test_the_same_hold_asked_again_is_the_first(scene: Scene) -> None:
    wish = scene.wish()
    first = await scene.holds.take(wish, offer(), ADA)
    scene.clock.advance(timedelta(minutes=1))

    again = await scene.holds.take(wish, offer(price=first.offer.price), ADA)

    assert again == first


@pytest.mark.parametrize("who", ["other", "same"])
async def test_an_id_of_another_request_or_actor_is_refused(scene: Scene, who: str) -> None:
    wish = scene.wish()
    await scene.holds.take(wish, offer(), ADA)

    again = (wish, offer(), BOB) if who == "other" else (replace(wish, start_at=TEN + HOUR), offer(), ADA)
    with pytest.raises(IdReused):
        await scene.holds.take(*again)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hold_id": "hld_1"}, "hold_id"),
        ({"seats": 0}, "seats"),
        ({"seats": 2}, "seats"),
        ({"zone": "Nowhere"}, "zone"),
        ({"service_id": "svc_other"}, "service_id"),
        ({"start_at": TEN.replace(tzinfo=None)}, "start_at"),
    ],
)
async def test_a_wish_that_is_wrong_is_refused_with_its_field(
    scene: Scene, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await scene.holds.take(replace(scene.wish(), **changes), offer(), ADA)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "start_at",
    [
        TEN + timedelta(minutes=1),
        datetime(2026, 11, 23, 16, 30, tzinfo=UTC),
        TEN - timedelta(days=7),
        TEN + timedelta(days=61),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
    ],
)
async def test_a_time_that_is_not_offered_is_not_held(scene: Scene, start_at: datetime) -> None:
    with pytest.raises(SlotNotOffered):
        await scene.hold(start_at)


async def test_nobody_in_particular_cannot_hold(scene: Scene) -> None:
    with pytest.raises(Denied):
        await scene.hold(actor=VISITOR)


async def test_a_provider_does_not_hold_their_own_time(scene: Scene) -> None:
    with pytest.raises(OwnService):
        await scene.hold(actor=OWNER)


async def test_a_hold_is_seen_by_its_owner_alone(scene: Scene) -> None:
    held = await scene.hold(actor=GUEST)

    assert await scene.holds.get(held.hold_id, GUEST) == held
    with pytest.raises(Denied):
        await scene.holds.get(held.hold_id, ADA)
    with pytest.raises(HoldGone):
        await scene.holds.get(scene.mint("hld"), ADA)


async def test_releasing_gives_the_time_back_and_twice_has_one_effect(scene: Scene) -> None:
    before = await scene.starts()
    held = await scene.hold()

    with pytest.raises(Denied):
        await scene.holds.release(held.hold_id, BOB)
    await scene.holds.release(held.hold_id, ADA)
    again = await scene.holds.release(held.hold_id, ADA)

    assert again.status is HoldStatus.RELEASED
    assert await scene.starts() == before
    events = await scene.table.query(f"HOLD#{held.hold_id}", Event, prefix="EVENT#")
    assert [event.type for event in events.values] == ["HoldTaken", "HoldReleased"]


async def test_another_time_replaces_the_one_held_at_once(scene: Scene) -> None:
    first = await scene.hold()
    wish = scene.wish(TEN + HOUR / 2, replaces=first.hold_id)

    second = await scene.holds.take(wish, offer(), ADA)

    assert (await scene.holds.row(first.hold_id)).value.status is HoldStatus.RELEASED
    assert second.status is HoldStatus.HELD
    assert TEN - HOUR / 2 in await scene.starts()


async def test_a_replacement_that_fails_keeps_the_former_hold(scene: Scene) -> None:
    first = await scene.hold()
    await scene.hold(TEN + HOUR, BOB)

    with pytest.raises(SlotTaken):
        await scene.holds.take(scene.wish(TEN + HOUR, replaces=first.hold_id), offer(), ADA)

    assert (await scene.holds.row(first.hold_id)).value.status is HoldStatus.HELD


async def test_nobody_replaces_another_ones_hold(scene: Scene) -> None:
    first = await scene.hold()

    with pytest.raises(SlotTaken):
        await scene.holds.take(scene.wish(TEN, replaces=first.hold_id), offer(), BOB)


async def test_a_hold_that_ran_out_no_longer_counts_though_nobody_swept(scene: Scene) -> None:
    await scene.hold()
    scene.clock.advance(QUARTER)

    held = await scene.hold(actor=BOB)

    assert held.owner_id == BOB.actor_id


async def test_the_sweep_finds_what_is_due_and_nothing_else(scene: Scene) -> None:
    first = await scene.hold()
    scene.clock.advance(timedelta(minutes=5))
    second = await scene.hold(TEN + HOUR)

    scene.clock.advance(timedelta(minutes=10) - timedelta(microseconds=1))
    assert await scene.holds.due() == []
    assert (await scene.holds.expire(first.hold_id, SWEEP)).status is HoldStatus.HELD
    scene.clock.advance(timedelta(microseconds=1))

    assert await scene.holds.due() == [first.hold_id]
    assert (await scene.holds.expire(first.hold_id, SWEEP)).status is HoldStatus.EXPIRED
    assert await scene.holds.due() == []
    assert (await scene.holds.row(second.hold_id)).value.status is HoldStatus.HELD


async def test_a_hold_becomes_one_booking(scene: Scene) -> None:
    held = await scene.hold()

    booking = await scene.place(held)

    assert booking.status is BookingStatus.AWAITING_PAYMENT
    assert (await scene.holds.row(held.hold_id)).value.booking_id == booking.booking_id
    with pytest.raises(HoldBooked):
        await scene.place(held)
    with pytest.raises(HoldBooked):
        await scene.holds.release(held.hold_id, ADA)


async def test_a_hold_that_ran_out_becomes_no_booking(scene: Scene) -> None:
    held = await scene.hold()
    scene.clock.advance(QUARTER)

    with pytest.raises(HoldEnded):
        await scene.place(held)


@pytest.mark.parametrize("lead", [timedelta(microseconds=1), timedelta(0)])
async def test_expiry_and_booking_race_and_the_instant_decides(scene: Scene, lead: timedelta) -> None:
    held = await scene.hold()
    scene.clock.advance(QUARTER - lead)

    outcomes = await asyncio.gather(
        scene.holds.expire(held.hold_id, SWEEP),
        scene.place(held),
        scene.holds.expire(held.hold_id, SWEEP),
        return_exceptions=True,
    )

    hold = (await scene.holds.row(held.hold_id)).value
    days = await scene.holds.days(hold)
    if lead:
        assert hold.status is HoldStatus.BOOKED
        assert [taking.entry_id for taking in days.takings[TEN.date()]] == [hold.booking_id]
    else:
        assert hold.status is HoldStatus.EXPIRED
        assert isinstance(outcomes[1], HoldEnded)
        assert days.takings[TEN.date()] == ()


async def test_releasing_and_booking_race_and_one_of_them_wins(scene: Scene) -> None:
    desk = Scene(scene.table, scene.clock, entropy=scene.entropy)
    for number in range(10):
        held = await scene.hold(TEN + timedelta(days=number))
        acts = [scene.place(held), desk.holds.release(held.hold_id, ADA)]

        outcomes = await asyncio.gather(*(acts if number % 2 else acts[::-1]), return_exceptions=True)

        hold = (await scene.holds.row(held.hold_id)).value
        entry = (await scene.holds.days(hold)).takings[hold.start_at.date()]
        assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 1
        assert [taking.entry_id for taking in entry] == ([hold.booking_id] if hold.booking_id else [])


async def test_between_expiry_another_takes_the_time_and_the_late_payer_is_told(scene: Scene) -> None:
    held = await scene.hold()
    scene.clock.advance(QUARTER)
    await scene.hold(actor=BOB)

    with pytest.raises(HoldEnded):
        await scene.place(held)


@pytest.mark.parametrize("capacity", [1, 3])
async def test_processes_that_know_nothing_of_each_other_sell_no_time_twice(scene: Scene, capacity: int) -> None:
    # A calendar each: no turns are shared, only the table's versions decide.
    of = offer(capacity=capacity)
    people = [replace(ADA, actor_id=f"usr_{number}") for number in range(60)]
    desks = [Scene(scene.table, scene.clock, entropy=scene.entropy) for _ in people]

    outcomes = await asyncio.gather(
        *(desk.hold(TEN, person, of) for desk, person in zip(desks, people, strict=True)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Hold) for outcome in outcomes) == capacity
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Refusal)} == {SlotTaken}


async def test_overlapping_times_asked_at_once_are_never_both_held(scene: Scene) -> None:
    starts = [TEN + timedelta(minutes=30 * step) for step in range(10)] * 4
    people = [replace(ADA, actor_id=f"usr_{number}") for number in range(len(starts))]

    outcomes = await asyncio.gather(
        *(scene.hold(at, person, offer(buffer_after_min=15)) for at, person in zip(starts, people, strict=True)),
        return_exceptions=True,
    )

    held = sorted((outcome for outcome in outcomes if isinstance(outcome, Hold)), key=lambda hold: hold.start_at)
    assert held
    for earlier, later in pairwise(held):
        assert earlier.end_at + QUARTER <= later.start_at


async def test_a_hold_over_midnight_is_kept_from_both_sides(scene: Scene) -> None:
    await scene.open("Etc/UTC", week(*ALL_DAY))
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    await scene.hold(midnight - HOUR / 2)

    for start_at in (midnight - HOUR, midnight):
        with pytest.raises(SlotTaken):
            await scene.hold(start_at, BOB)
    assert (await scene.hold(midnight + HOUR / 2, BOB)).status is HoldStatus.HELD


async def test_a_plan_changed_meanwhile_decides_what_is_offered(scene: Scene) -> None:
    await scene.open(plan=week())

    with pytest.raises(SlotNotOffered):
        await scene.hold()


async def test_who_signs_in_takes_over_what_they_held_as_a_guest(scene: Scene) -> None:
    as_guest = await scene.hold(actor=GUEST)

    wish = scene.wish(replaces=as_guest.hold_id)
    theirs = await scene.holds.take(wish, offer(), ADA, formerly=GUEST)

    assert (theirs.owner_id, theirs.start_at) == (ADA.actor_id, TEN)
    assert (await scene.holds.get(as_guest.hold_id, GUEST)).status is HoldStatus.RELEASED


async def test_a_hold_of_another_guest_is_not_taken_over(scene: Scene) -> None:
    as_guest = await scene.hold(actor=GUEST)

    with pytest.raises(SlotTaken):
        await scene.holds.take(scene.wish(replaces=as_guest.hold_id), offer(), ADA, formerly=BOB)
