from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contexts.booking.scene import ADA, BOB, OPERATOR, OWNER, PROVIDER, SWEEP, TEN, Scene, offer
from ecosystem.contexts.booking import (
    AlreadyStarted,
    AnswerProposal,
    Booking,
    BookingStatus,
    CancelBooking,
    NotInThisState,
    ProposalGone,
    ProposalOpen,
    Reschedule,
    Side,
    SlotNotOffered,
    SlotTaken,
    TooLateToMove,
    TooManyMoves,
    cancel,
    dispute,
    may_move,
    preview,
)
from ecosystem.contexts.booking.reschedules import MOVES_MAX
from ecosystem.kernel.money import BPS
from ecosystem.kernel.refusals import Denied, Refusal
from ecosystem.ports.bus import Event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = TEN + 2 * HOUR


def to(booking: Booking, start_at: object, **more: object) -> Reschedule:
    return Reschedule(booking_id=booking.booking_id, start_at=start_at, **more)


def agree(booking: Booking, *, agreed: bool = True) -> AnswerProposal:
    return AnswerProposal(booking_id=booking.booking_id, start_at=NOON, agree=agreed)


async def entries(scene: Scene, booking: Booking) -> list[str]:
    days = await scene.calendar.days(PROVIDER, booking.span)
    return sorted(taking.entry_id for taking in days.takings[TEN.date()])


async def test_a_customer_moves_an_instant_booking_at_once(scene: Scene) -> None:
    booking = await scene.booked()

    moved = await scene.bookings.reschedule(to(booking, NOON), ADA)
    again = await scene.bookings.reschedule(to(booking, NOON), ADA)

    assert (moved.start_at, moved.end_at, moved.due_at) == (NOON, NOON + HOUR, NOON)
    assert (moved.status, moved.sequence, moved.moves) == (BookingStatus.CONFIRMED, 1, 1)
    assert again == moved
    assert (await scene.hold(TEN, BOB)).start_at == TEN
    with pytest.raises(SlotTaken):
        await scene.hold(NOON, BOB)
    event = (await scene.table.query(f"BOOKING#{booking.booking_id}", Event, prefix="EVENT#")).values[-1]
    assert event.type == "BookingRescheduled"
    assert event.previous["start_at"] == TEN.isoformat()


async def test_a_booking_may_move_within_its_own_time(scene: Scene) -> None:
    booking = await scene.booked()

    moved = await scene.bookings.reschedule(to(booking, TEN + HOUR / 2), ADA)

    assert moved.start_at == TEN + HOUR / 2
    assert await entries(scene, moved) == [booking.booking_id]


async def test_a_booking_moves_between_days(scene: Scene) -> None:
    booking = await scene.booked()

    moved = await scene.bookings.reschedule(to(booking, TEN + 30 * DAY), ADA)

    assert await entries(scene, booking) == []
    assert (await scene.calendar.days(PROVIDER, moved.span)).entry(booking.booking_id) is not None


async def test_a_move_that_is_refused_leaves_all_as_it_was(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.booked(NOON, BOB)

    for start_at, refusal in ((NOON, SlotTaken), (NOON - HOUR / 2, SlotTaken), (TEN - 3 * HOUR, SlotNotOffered)):
        with pytest.raises(refusal):
            await scene.bookings.reschedule(to(booking, start_at), ADA)

    assert (await scene.bookings.row(booking.booking_id)).value == booking
    with pytest.raises(SlotTaken):
        await scene.hold(TEN, BOB)


async def test_others_do_not_move_it(scene: Scene) -> None:
    booking = await scene.booked()

    for actor in (BOB, SWEEP):
        with pytest.raises(Denied):
            await scene.bookings.reschedule(to(booking, NOON), actor)


async def test_a_customer_does_not_move_it_late(scene: Scene) -> None:
    booking = await scene.booked()
    scene.clock.advance(TEN - DAY - scene.clock.now())
    assert (await scene.bookings.reschedule(to(booking, NOON), ADA)).start_at == NOON
    scene.clock.advance(2 * HOUR + timedelta(microseconds=1))

    with pytest.raises(TooLateToMove):
        await scene.bookings.reschedule(to(booking, NOON + 3 * DAY), ADA)
    assert (await scene.bookings.reschedule(to(booking, NOON + 3 * DAY), OPERATOR)).start_at == NOON + 3 * DAY


async def test_nobody_moves_what_has_begun(scene: Scene) -> None:
    booking = await scene.booked()
    scene.clock.advance(TEN - scene.clock.now())

    with pytest.raises(AlreadyStarted):
        await scene.bookings.reschedule(to(booking, TEN + DAY), OPERATOR)


async def test_moving_far_ahead_does_not_go_round_the_policy(scene: Scene) -> None:
    of = offer(policy="moderate", horizon_days=90)
    booking = await scene.booked(of=of)
    scene.clock.advance(TEN - 2 * DAY - scene.clock.now())
    assert preview(booking, Side.CUSTOMER, scene.clock.now()).share_bps == BPS // 2

    moved = await scene.bookings.reschedule(to(booking, TEN + 30 * DAY), ADA)

    assert preview(moved, Side.CUSTOMER, scene.clock.now()).share_bps == BPS // 2
    assert preview(moved, Side.PROVIDER, scene.clock.now()).share_bps == BPS


async def test_a_booking_is_moved_a_bounded_number_of_times(scene: Scene) -> None:
    booking = await scene.booked()
    for number in range(MOVES_MAX):
        await scene.bookings.reschedule(to(booking, TEN + (number % 2 + 1) * HOUR), ADA)

    with pytest.raises(TooManyMoves):
        await scene.bookings.reschedule(to(booking, TEN + 3 * HOUR), ADA)


async def test_only_a_confirmed_booking_moves(scene: Scene) -> None:
    waiting = await scene.place(await scene.hold())

    with pytest.raises(NotInThisState):
        await scene.bookings.reschedule(to(waiting, NOON), ADA)


async def test_a_provider_proposes_and_the_customer_agrees(scene: Scene) -> None:
    booking = await scene.booked()

    proposed = await scene.bookings.reschedule(to(booking, NOON, reason="late train"), OWNER)

    assert (proposed.start_at, proposed.sequence) == (TEN, 0)
    for start_at in (TEN, NOON):
        with pytest.raises(SlotTaken):
            await scene.hold(start_at, BOB)
    with pytest.raises(Denied):
        await scene.bookings.answer(agree(booking), OWNER)
    with pytest.raises(Denied):
        await scene.bookings.answer(agree(booking), BOB)
    moved = await scene.bookings.answer(agree(booking), ADA)
    again = await scene.bookings.answer(agree(booking), ADA)
    assert (moved.start_at, moved.sequence, moved.proposal, moved.refund_cap_bps) == (NOON, 1, None, BPS)
    assert again == moved
    assert await entries(scene, moved) == [booking.booking_id]
    assert (await scene.hold(TEN, BOB)).start_at == TEN


@pytest.mark.parametrize("actor", [ADA, OWNER])
async def test_a_proposal_declined_or_taken_back_keeps_the_old_time(scene: Scene, actor: object) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON), OWNER)

    kept = await scene.bookings.answer(agree(booking, agreed=False), actor)

    assert (kept.start_at, kept.proposal) == (TEN, None)
    assert await entries(scene, booking) == [booking.booking_id]
    with pytest.raises(ProposalGone):
        await scene.bookings.answer(agree(booking), ADA)


async def test_a_proposal_may_lie_within_the_bookings_own_time(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, TEN + HOUR / 2), OWNER)

    moved = await scene.bookings.answer(replace(agree(booking), start_at=TEN + HOUR / 2), ADA)

    assert moved.start_at == TEN + HOUR / 2
    assert await entries(scene, moved) == [booking.booking_id]


async def test_a_proposal_lapses_and_its_time_is_free(scene: Scene) -> None:
    booking = await scene.booked()
    proposed = await scene.bookings.reschedule(to(booking, NOON), OWNER)
    assert proposed.proposal is not None
    scene.clock.advance(proposed.proposal.answer_by - scene.clock.now())

    with pytest.raises(ProposalGone):
        await scene.bookings.answer(agree(booking), ADA)
    assert (await scene.hold(NOON, BOB)).start_at == NOON


async def test_another_proposal_takes_the_place_of_the_first(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON), OWNER)

    await scene.bookings.reschedule(to(booking, NOON + HOUR), OWNER)

    assert (await scene.hold(NOON, BOB)).start_at == NOON
    with pytest.raises(ProposalGone):
        await scene.bookings.answer(agree(booking), ADA)


@pytest.mark.parametrize("actor", [OWNER, OPERATOR])
async def test_what_follows_a_proposal_frees_the_day_it_kept(scene: Scene, actor: object) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON + 3 * DAY), OWNER)

    await scene.bookings.reschedule(to(booking, NOON + 5 * DAY), actor)

    assert (await scene.hold(NOON + 3 * DAY, BOB)).start_at == NOON + 3 * DAY
    with pytest.raises(SlotTaken):
        await scene.hold(NOON + 5 * DAY, BOB)


async def test_the_other_sides_proposal_is_answered_first(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON), OWNER)

    with pytest.raises(ProposalOpen):
        await scene.bookings.reschedule(to(booking, NOON + HOUR), ADA)


async def test_a_customer_asks_the_provider_of_a_service_on_request(scene: Scene) -> None:
    of = offer(instant=False)
    booking = await scene.booked(of=of)
    from ecosystem.contexts.booking import accept

    await scene.does(booking.booking_id, accept, OWNER)
    await scene.bookings.reschedule(to(booking, NOON), ADA)

    with pytest.raises(Denied):
        await scene.bookings.answer(agree(booking), ADA)
    moved = await scene.bookings.answer(agree(booking), OWNER)

    assert moved.start_at == NOON


async def test_cancelling_frees_the_proposed_time_too(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON + 2 * DAY), OWNER)

    await scene.does(booking.booking_id, cancel, CancelBooking(booking_id=booking.booking_id), ADA)

    for start_at in (TEN, NOON + 2 * DAY):
        assert (await scene.hold(start_at, BOB)).start_at == start_at


async def test_a_group_booking_moves_with_its_seats(scene: Scene) -> None:
    of = offer(capacity=5)
    mine = await scene.booked(of=of, seats=3)
    await scene.booked(NOON, BOB, of=of, seats=3)

    with pytest.raises(SlotTaken):
        await scene.bookings.reschedule(to(mine, NOON), ADA)
    small = await scene.booked(TEN, BOB, of=of, seats=2)
    moved = await scene.bookings.reschedule(to(small, NOON), BOB)

    assert moved.start_at == NOON


async def test_two_moves_to_one_time_race_and_one_gets_it(scene: Scene) -> None:
    other = Scene(scene.table, scene.clock, entropy=scene.entropy)
    for number in range(5):
        shift = number * 2 * DAY
        first = await scene.booked(TEN + shift)
        second = await scene.booked(TEN + shift + HOUR, BOB)

        outcomes = await asyncio.gather(
            scene.bookings.reschedule(to(first, TEN + shift + 3 * HOUR), ADA),
            other.bookings.reschedule(to(second, TEN + shift + 3 * HOUR), BOB),
            return_exceptions=True,
        )

        assert [type(outcome) for outcome in outcomes if isinstance(outcome, Refusal)] == [SlotTaken]
        kept = [(await scene.bookings.row(each.booking_id)).value.start_at for each in (first, second)]
        assert kept.count(TEN + shift + 3 * HOUR) == 1


async def test_whether_a_booking_may_move_is_told_before_a_time_is_chosen(scene: Scene) -> None:
    booking = await scene.booked()

    may_move(booking, ADA, TEN - 2 * DAY)
    with pytest.raises(TooLateToMove):
        may_move(booking, ADA, TEN - HOUR)
    with pytest.raises(AlreadyStarted):
        may_move(booking, OPERATOR, TEN)
    with pytest.raises(Denied):
        may_move(booking, BOB, TEN - 2 * DAY)


async def test_a_proposal_that_falls_with_a_dispute_no_longer_keeps_its_time(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.bookings.reschedule(to(booking, NOON), OWNER)

    await scene.does(booking.booking_id, dispute, "charged back", SWEEP)

    assert await entries(scene, booking) == [booking.booking_id]
    assert (await scene.hold(NOON, BOB)).start_at == NOON
