"""A dispute ends the booking and divides the money as it is decided, once, whoever repeats what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ecosystem.contexts.booking import BookingStatus, NotInThisState, ReportNoShow, Side
from ecosystem.contexts.disputes import (
    Answer,
    AnswerDispute,
    Cause,
    DecideDispute,
    Dispute,
    DisputedBefore,
    Kind,
    NotDueYet,
    OpenDispute,
    Party,
    SetRules,
    State,
)
from ecosystem.contexts.payments import ChargedBack, RefundState
from ecosystem.journeys.checkout import Paid
from ecosystem.journeys.refunding import GiveBack, NothingPaid
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from journeys.test_chargebacks import CARD, FEE, at_desk, balances, hear
from journeys.test_failed_refunds import hear as fails
from journeys.test_unclaimed import unclaimed
from market import ADA, GUEST, OPERATOR, OWNER, Market
from sandbox.calling import Listener, listening

DAY = timedelta(hours=24)


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


@pytest.fixture
async def paid(shop: Market) -> Paid:
    """A booking of a hundred that has just ended, not completed yet."""
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), ADA)
    shop.clock.advance(timedelta(hours=12, minutes=1))
    return paid


async def opened(shop: Market, paid: Paid, wanted: int | None = 6_000, actor: Actor = ADA) -> Dispute:
    request = OpenDispute(
        dispute_id=shop.id("dsp"),
        booking_id=paid.booking.booking_id,
        cause=Cause.NOT_AS_AGREED,
        text="Half of it was missing.",
        wanted=None if wanted is None else Money(wanted, "EUR"),
    )
    return await shop.app.disputing.open(request, actor)


async def says(shop: Market, dispute: Dispute, answer: Answer, offered: int | None = None) -> Dispute:
    request = AnswerDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        answer=answer,
        text="It was all there.",
        offered=None if offered is None else Money(offered, "EUR"),
    )
    return await shop.app.disputing.answer(request, OWNER)


async def decides(shop: Market, dispute: Dispute, refund: int) -> Dispute:
    request = DecideDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        refund=Money(refund, "EUR"),
        reason="The pictures show it.",
    )
    return await shop.app.disputing.decide(request, OPERATOR)


async def status(shop: Market, dispute: Dispute) -> BookingStatus:
    return (await shop.app.bookings.row(dispute.booking_id)).value.status


async def settled(shop: Market, dispute: Dispute) -> dict[str, int]:
    """What stands in the books once refunds were carried out and everything holds."""
    await shop.app.refunding.carry_out_all(dispute.booking_id, OPERATOR)
    await shop.verified()
    return await balances(shop, dispute.booking_id)


SHARED = {"processor": -10_000, "provider": 9_000, "commission": 1_000}
PARTLY = {"processor": -4_000, "provider": 3_600, "commission": 400}


async def test_opening_freezes_what_is_held_and_the_same_again_is_the_same(shop: Market, paid: Paid) -> None:
    request = OpenDispute(dispute_id=shop.id("dsp"), booking_id=paid.booking.booking_id, text="Half was missing.")

    dispute = await shop.app.disputing.open(request, ADA)
    again = await shop.app.disputing.open(request, ADA)
    await shop.passes(2 * DAY - timedelta(hours=25))

    assert again == dispute
    assert await status(shop, dispute) is BookingStatus.DISPUTED
    assert await balances(shop, dispute.booking_id) == {"processor": -10_000, "escrow": 10_000}
    with pytest.raises(IdReused):
        await shop.app.disputing.open(request, OWNER)


async def test_what_nobody_answers_for_a_day_goes_back(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)
    with pytest.raises(NotDueYet):
        await shop.app.disputing.resolve_by_rule(dispute.booking_id, dispute.dispute_id)
    await shop.passes()
    assert await status(shop, dispute) is BookingStatus.DISPUTED

    await shop.passes(DAY)
    again = await shop.app.disputing.resolve_by_rule(dispute.booking_id, dispute.dispute_id)

    assert again.verdict
    assert (again.state, again.verdict.by) == (State.DECIDED, Party.RULE)
    assert await status(shop, dispute) is BookingStatus.COMPLETED
    assert await settled(shop, dispute) == PARTLY


async def test_what_the_provider_accepts_goes_back_at_once(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid, None)

    after = await says(shop, dispute, Answer.ACCEPTED)

    assert after.verdict
    assert (after.state, after.verdict.by) == (State.DECIDED, Party.PROVIDER)
    assert await status(shop, dispute) is BookingStatus.CANCELLED
    assert await settled(shop, dispute) == {}


async def test_an_offer_that_the_customer_takes_ends_it(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid, None)
    await says(shop, dispute, Answer.OFFERED, 6_000)

    after = await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, ADA)
    again = await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, ADA)

    assert again == after
    assert await settled(shop, dispute) == PARTLY


async def test_an_offer_that_nobody_answers_lapses_and_goes_to_an_operator(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.OFFERED, 1_000)

    await shop.passes(DAY)

    known = await shop.app.disputing.of(dispute.booking_id, dispute.dispute_id, OPERATOR)
    assert known.state is State.ESCALATED


async def test_a_small_amount_goes_back_though_it_is_contested_by_the_limit_in_force(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.CONTESTED)
    rules = await shop.app.dispute_rules.current()
    await shop.app.dispute_rules.set(SetRules(limits=(Money(6_000, "EUR"),), version=rules.version), OPERATOR)

    await shop.passes()

    assert await settled(shop, dispute) == PARTLY


@pytest.mark.parametrize(("refund", "posted"), [(0, SHARED), (6_000, PARTLY), (10_000, {})])
async def test_an_operator_decides_what_is_contested(
    shop: Market, paid: Paid, refund: int, posted: dict[str, int]
) -> None:
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.CONTESTED)
    await shop.passes()

    after = await decides(shop, dispute, refund)
    again = await decides(shop, dispute, refund)

    assert again == after
    assert after.verdict
    assert after.verdict.by is Party.OPERATOR
    assert await settled(shop, dispute) == posted


async def test_what_nobody_decides_in_seven_days_is_refunded(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.CONTESTED)
    await shop.passes()

    await shop.passes(7 * DAY)
    again = await shop.app.disputing.overdue(dispute.booking_id, dispute.dispute_id)

    assert again.overdue
    assert await settled(shop, dispute) == PARTLY


async def test_a_dispute_taken_back_in_time_lets_the_booking_go_on(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)

    await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)

    assert await status(shop, dispute) is BookingStatus.IN_PROGRESS
    assert await balances(shop, dispute.booking_id) == {"processor": -10_000, "escrow": 10_000}
    await shop.passes(DAY)
    assert await status(shop, dispute) is BookingStatus.COMPLETED
    assert await settled(shop, dispute) == SHARED


async def test_a_dispute_taken_back_later_completes_the_booking(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.CONTESTED)
    shop.clock.advance(2 * DAY)

    await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)
    await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)

    assert await status(shop, dispute) is BookingStatus.COMPLETED
    assert await settled(shop, dispute) == SHARED


async def test_a_late_dispute_is_taken_from_everyones_share(shop: Market, paid: Paid) -> None:
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    dispute = await opened(shop, paid)
    assert await balances(shop, dispute.booking_id) == SHARED

    await says(shop, dispute, Answer.ACCEPTED)

    assert await settled(shop, dispute) == PARTLY


async def test_a_booking_is_disputed_until_fourteen_days_after_its_end_and_once(shop: Market, paid: Paid) -> None:
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    dispute = await opened(shop, paid)
    await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)
    with pytest.raises(DisputedBefore):
        await opened(shop, paid)

    other = await shop.book(await shop.service(shop.provider_id), shop.tomorrow(), ADA)
    shop.clock.advance(timedelta(hours=36))
    await shop.app.closing.complete(other.booking.booking_id, ADA)
    shop.clock.advance(14 * DAY)
    with pytest.raises(NotInThisState):
        await opened(shop, other)


async def test_a_provider_disputes_a_report_of_their_absence_before_an_operator(shop: Market, paid: Paid) -> None:
    report = ReportNoShow(booking_id=paid.booking.booking_id, absent=Side.PROVIDER)
    await shop.app.closing.report_no_show(report, ADA)

    dispute = await opened(shop, paid, None, OWNER)

    assert (dispute.state, dispute.opened_by) == (State.ESCALATED, Party.PROVIDER)
    await decides(shop, dispute, 0)
    assert await settled(shop, dispute) == SHARED


async def test_strangers_see_and_do_nothing(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid)

    with pytest.raises(Denied):
        await opened(shop, paid, actor=GUEST)
    with pytest.raises(Denied):
        await shop.app.disputing.of(dispute.booking_id, dispute.dispute_id, GUEST)
    with pytest.raises(Denied):
        await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, OWNER)
    with pytest.raises(Denied):
        await shop.app.disputing.resolve_by_rule(dispute.booking_id, dispute.dispute_id, ADA)


@pytest.mark.parametrize(
    ("evidence", "ends", "posted"),
    [
        ("", BookingStatus.CANCELLED, {"processor": FEE, "costs": -FEE}),
        ("winning_evidence", BookingStatus.IN_PROGRESS, {"processor": -10_000, "escrow": 10_000}),
    ],
)
async def test_a_chargeback_is_a_dispute_that_the_bank_decides(
    shop: Market, listener: Listener, evidence: str, ends: BookingStatus, posted: dict[str, int]
) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=2), ADA, CARD)
    shop.clock.advance(timedelta(hours=2, minutes=30))
    await hear(shop, listener)
    (dispute,) = await shop.app.disputes.of_booking(paid.booking.booking_id)
    assert (dispute.kind, dispute.state) == (Kind.CHARGEBACK, State.AT_BANK)
    assert dispute.due_at

    await at_desk(shop, paid, evidence)
    await hear(shop, listener)
    await shop.passes()

    known = await shop.app.disputing.of(dispute.booking_id, dispute.dispute_id, OPERATOR)
    assert known.verdict
    assert (known.state, known.verdict.by, bool(known.verdict.refund)) == (State.DECIDED, Party.BANK, not evidence)
    assert await status(shop, dispute) is ends
    assert await shop.app.refunds.refunds_of(dispute.booking_id) == []
    assert await settled(shop, dispute) == posted


async def test_a_complaint_over_money_the_bank_took_ends_without_a_refund(shop: Market, listener: Listener) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=2), ADA, CARD)
    shop.clock.advance(timedelta(hours=2, minutes=30))
    complaint = await opened(shop, paid, None)
    await hear(shop, listener)
    assert len(await shop.app.disputes.of_booking(paid.booking.booking_id)) == 2

    await says(shop, complaint, Answer.ACCEPTED)

    assert await status(shop, complaint) is BookingStatus.CANCELLED
    assert await shop.app.refunds.refunds_of(complaint.booking_id) == []
    assert await settled(shop, complaint) == {"processor": FEE, "costs": -FEE}


async def test_who_claims_the_booking_meanwhile_takes_the_dispute_on(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), GUEST)
    shop.clock.advance(timedelta(hours=12, minutes=1))
    dispute = await opened(shop, paid, 6_000, actor=GUEST)
    await says(shop, dispute, Answer.OFFERED, 3_000)

    await shop.app.claiming.as_guest(dispute.booking_id, GUEST, ADA)
    with pytest.raises(Denied):
        await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, GUEST)
    after = await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, ADA)

    assert after.state is State.DECIDED
    assert after.parties.customer_id == ADA.actor_id
    told = await shop.app.timelines.with_disputes(dispute.booking_id, OPERATOR)
    [decided] = [event for event in told if event.type == "DisputeDecided"]
    assert decided.detail["customer_id"] == ADA.actor_id


async def test_who_claims_the_provider_meanwhile_answers_the_dispute(shop: Market) -> None:
    eve = Actor(actor_id="usr_01kag2m8xw0000000000000eve", groups=(Group.CUSTOMERS, Group.PROVIDERS))
    provider_id = await unclaimed(shop, "eve@example.org")
    service_id = await shop.service(provider_id, owner=OPERATOR)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), ADA)
    shop.clock.advance(timedelta(hours=12, minutes=1))
    dispute = await opened(shop, paid)

    await shop.app.providers.claim(provider_id, eve, confirmed_email="eve@example.org")
    await shop.passes()
    answer = AnswerDispute(
        booking_id=dispute.booking_id, dispute_id=dispute.dispute_id, answer=Answer.CONTESTED, text="It was done."
    )
    after = await shop.app.disputing.answer(answer, eve)

    assert after.state is State.CONTESTED
    assert after.parties.owner_id == eve.actor_id


@pytest.mark.parametrize("way", ["accepted", "overdue", "decided"])
async def test_what_came_back_to_escrow_goes_back_first_when_a_dispute_ends(
    shop: Market, listener: Listener, way: str
) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), ADA, "pm_card_refundFail")
    shop.clock.advance(timedelta(hours=12, minutes=1))
    booking_id = paid.booking.booking_id
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=Money(1_000, "EUR"), reason="Goodwill")
    await shop.app.refunding.give_back(back, OPERATOR)
    await shop.app.closing.complete(booking_id, ADA)
    await fails(shop, listener)
    assert (await balances(shop, booking_id))["escrow"] == 1_000
    dispute = await opened(shop, paid, 6_000)

    match way:
        case "accepted":
            await says(shop, dispute, Answer.ACCEPTED)
        case "overdue":
            await says(shop, dispute, Answer.CONTESTED)
            shop.clock.advance(8 * DAY)
            await shop.app.disputing.overdue(dispute.booking_id, dispute.dispute_id)
        case _:
            await decides(shop, dispute, 6_000)

    assert await status(shop, dispute) is BookingStatus.COMPLETED
    assert await settled(shop, dispute) == PARTLY


async def test_a_provider_names_no_amount_for_their_own_absence(shop: Market, paid: Paid) -> None:
    report = ReportNoShow(booking_id=paid.booking.booking_id, absent=Side.PROVIDER, reason="Never came")
    await shop.app.closing.report_no_show(report, ADA)

    with pytest.raises(Invalid):
        await opened(shop, paid, 1, actor=OWNER)
    dispute = await opened(shop, paid, None, actor=OWNER)
    await shop.passes(7 * DAY)

    assert dispute.wanted == dispute.paid
    assert await settled(shop, dispute) == {}


async def test_no_event_holds_what_people_wrote(shop: Market, paid: Paid) -> None:
    words = ("Half of it was missing.", "It was all there.", "The pictures show it.")
    dispute = await opened(shop, paid)
    await says(shop, dispute, Answer.CONTESTED)
    await decides(shop, dispute, 6_000)

    told = await shop.app.timelines.with_disputes(dispute.booking_id, OPERATOR)

    assert {"BookingDisputed", "DisputeOpened", "DisputeAnswered", "DisputeDecided", "DisputeConcluded"} <= {
        event.type for event in told
    }
    for event in told:
        assert not [each for each in words if each in f"{event.detail}{event.previous}"], event.type


async def given(shop: Market, paid: Paid, amount: int) -> None:
    booking_id = paid.booking.booking_id
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=Money(amount, "EUR"), reason="Goodwill")
    await shop.app.refunding.give_back(back, OPERATOR)


async def test_what_is_wanted_comes_on_top_of_what_was_given_back_before(shop: Market, paid: Paid) -> None:
    await given(shop, paid, 3_000)
    with pytest.raises(Invalid):
        await opened(shop, paid, 7_001)
    dispute = await opened(shop, paid, 6_000)

    await says(shop, dispute, Answer.ACCEPTED)

    assert dispute.left == Money(7_000, "EUR")
    assert await settled(shop, dispute) == {"processor": -1_000, "provider": 900, "commission": 100}


async def test_an_offer_is_paid_as_it_says_whatever_was_given_meanwhile(shop: Market, paid: Paid) -> None:
    dispute = await opened(shop, paid, 6_000)
    await says(shop, dispute, Answer.OFFERED, 3_000)
    await given(shop, paid, 3_000)

    after = await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, ADA)

    assert after.verdict
    assert after.verdict.refund == Money(3_000, "EUR")
    assert await settled(shop, dispute) == PARTLY


async def test_nothing_is_disputed_when_all_was_given_back(shop: Market, paid: Paid) -> None:
    await given(shop, paid, 10_000)

    with pytest.raises(NothingPaid):
        await opened(shop, paid, None)


async def test_the_same_request_at_once_or_with_other_white_opens_one_dispute(shop: Market, paid: Paid) -> None:
    booking_id = paid.booking.booking_id
    asked = OpenDispute(dispute_id=shop.id("dsp"), booking_id=booking_id, text="Half was missing.\n")

    first, *others = await asyncio.gather(*(shop.app.disputing.open(asked, ADA) for _ in range(3)))
    again = await shop.app.disputing.open(asked, ADA)

    assert [*others, again] == [first] * 3


async def charged_back(shop: Market, card: str) -> Paid:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), ADA, card)
    shop.clock.advance(timedelta(hours=12, minutes=1))
    return paid


async def test_an_operator_pays_elsewhere_what_the_card_refunds_no_more(shop: Market, listener: Listener) -> None:
    paid = await charged_back(shop, CARD)
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    await hear(shop, listener)
    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener)
    dispute = await opened(shop, paid, 6_000)
    with pytest.raises(ChargedBack):
        await decides(shop, dispute, 6_000)

    request = DecideDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        refund=Money(6_000, "EUR"),
        reason="Paid by bank transfer.",
        elsewhere=True,
    )
    await shop.app.disputing.decide(request, OPERATOR)

    assert await status(shop, dispute) is BookingStatus.COMPLETED
    books = await settled(shop, dispute)
    assert (books["provider"], books["commission"]) == (3_600, 400)
    [refund] = [row.value for row in await shop.app.refunds.refunds_of(dispute.booking_id)]
    assert (refund.state, refund.elsewhere) == (RefundState.ISSUED, True)


@pytest.mark.parametrize("end", ["withdrawn", "nothing"])
async def test_a_complaint_that_ends_with_nothing_leaves_the_booking_to_the_bank(
    shop: Market, listener: Listener, end: str
) -> None:
    paid = await charged_back(shop, CARD)
    dispute = await opened(shop, paid, 6_000)
    await hear(shop, listener)

    if end == "withdrawn":
        await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)
    else:
        await decides(shop, dispute, 0)
    assert await status(shop, dispute) is BookingStatus.DISPUTED
    await at_desk(shop, paid, "losing_evidence")
    await hear(shop, listener)
    await shop.passes()

    assert await status(shop, dispute) is BookingStatus.CANCELLED
    await shop.verified()
