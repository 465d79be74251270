"""Nobody holds more than a few times at once, whoever the providers are, and a place comes free by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contexts.booking.scene import ADA, ALL_DAY, BOB, GUEST, OWNER, TEN, Scene, offer, week
from ecosystem.contexts.booking import HOLDS_MAX, Hold, SetPlan, SlotTaken, TooManyHolds
from ecosystem.contexts.booking.allowances import Allowance
from ecosystem.contexts.booking.keys import allowance
from ecosystem.kernel.actor import Actor

HOUR = timedelta(hours=1)
TIMES = [TEN + HOUR * at for at in range(HOLDS_MAX + 1)]
NEXT = TIMES[-1]


async def full(scene: Scene, actor: Actor = ADA) -> list[Hold]:
    """All the times that one person may hold."""
    return [await scene.hold(at, actor) for at in TIMES[:-1]]


@pytest.mark.parametrize("actor", [ADA, GUEST])
async def test_one_more_than_the_limit_is_refused(scene: Scene, actor: Actor) -> None:
    await full(scene, actor)

    with pytest.raises(TooManyHolds):
        await scene.hold(NEXT, actor)

    assert (await scene.hold(NEXT, BOB)).owner_id == BOB.actor_id


async def test_the_same_hold_asked_again_is_the_first_at_the_limit_too(scene: Scene) -> None:
    held = (await full(scene))[-1]

    assert await scene.holds.take(held.request, offer(), ADA) == held


async def test_a_hold_that_has_run_out_frees_its_place_without_a_sweep(scene: Scene) -> None:
    first, *_ = await full(scene)
    scene.clock.advance(first.expires_at - scene.clock.now() - timedelta(microseconds=1))
    with pytest.raises(TooManyHolds):
        await scene.hold(NEXT)

    scene.clock.advance(timedelta(microseconds=1))

    assert await scene.hold(NEXT)


async def test_a_hold_given_back_frees_its_place(scene: Scene) -> None:
    held = (await full(scene))[2]
    await scene.holds.release(held.hold_id, ADA)

    assert await scene.hold(NEXT)
    with pytest.raises(TooManyHolds):
        await scene.hold(held.start_at)


async def test_a_hold_that_became_a_booking_frees_its_place(scene: Scene) -> None:
    held = (await full(scene))[0]
    await scene.place(held)

    assert await scene.hold(NEXT)


async def test_a_hold_is_replaced_at_the_limit_too(scene: Scene) -> None:
    held = (await full(scene))[0]
    wish = scene.wish(NEXT, replaces=held.hold_id)

    assert await scene.holds.take(wish, offer(), ADA)


async def test_a_refused_hold_takes_no_place(scene: Scene) -> None:
    await scene.hold(NEXT, BOB)
    for _ in range(HOLDS_MAX + 1):
        with pytest.raises(SlotTaken):
            await scene.hold(NEXT)

    assert len(await full(scene)) == HOLDS_MAX


async def test_who_asks_for_many_at_once_gets_no_more(scene: Scene) -> None:
    """Of several providers, so that no turn at one of them orders the asking."""
    providers = [f"prv_01k9zzzzzzzzzzzzzzzzzzzzz{number}" for number in range(HOLDS_MAX * 2)]
    for provider_id in providers:
        plan = SetPlan(provider_id=provider_id, zone="Europe/Berlin", week=week(*ALL_DAY))
        await scene.plans.set(plan, owner_id=OWNER.actor_id, actor=OWNER)

    asked = [scene.hold(of=offer(provider_id=provider_id)) for provider_id in providers]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(each) for each in outcomes].count(Hold) == HOLDS_MAX
    assert [type(each) for each in outcomes].count(TooManyHolds) == HOLDS_MAX


async def test_a_hold_writes_one_item_more_and_its_end_none(scene: Scene) -> None:
    held = await scene.hold()
    row = await scene.table.get(allowance(ADA.actor_id), Allowance)
    assert row is not None
    assert row.version == 1

    await scene.place(held)

    after = await scene.table.get(allowance(ADA.actor_id), Allowance)
    assert after == row


async def test_an_allowance_is_forgotten_with_its_holds(scene: Scene) -> None:
    await scene.hold()

    scene.clock.advance(timedelta(hours=2))

    assert await scene.table.get(allowance(ADA.actor_id), Allowance) is None
    assert await scene.hold(TIMES[3])
