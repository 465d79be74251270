"""Cases have an end: a decision by somebody who has no part in them, or their time is over; and operators are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecosystem.commands.fraud.acts import MATURE, history
from ecosystem.contexts.booking import BookingStatus, CancelBooking
from ecosystem.contexts.fraud import (
    DecidedBefore,
    Effect,
    Kind,
    Label,
    LabelSource,
    ScoresDrifted,
    Standing,
    Subject,
    digest,
    drift_timeline,
    made,
)
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payments import PaymentState
from ecosystem.contexts.payouts import Payout, PayoutStatus, Rail
from ecosystem.journeys.casework import DecideCase, OwnCase, TrainedByNobodyElse
from ecosystem.journeys.checkout import PayForHold
from ecosystem.journeys.screening import REFUSALS_MAX, NotTaken
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event, announce
from ecosystem.ports.table import every
from ecosystem.workflows.wiring import Wiring
from journeys.test_bank_debits import account, entry_of, offered, originating, reread
from journeys.test_bank_debits import held as held_time
from journeys.test_bank_debits import request as debit_request
from journeys.test_payouts import paid, released
from journeys.test_screening import decision, held, rule, rules, settled
from market import ADA, GUEST, OPERATOR, OWNER, SYSTEM, VISA, Market
from payday import wanted
from workflows.lives import admitted, told

__all__ = ["paid"]


async def waiting_payout(shop: Market) -> Payout:
    """A payout of all that the provider has, which waits for somebody."""
    await rules(shop, rule(Effect.REVIEW, 1, Kind.PAYOUT))
    await released(shop, 10_000, "one")
    return await shop.app.paying_out.ask(wanted(shop, 9_000), OWNER)


async def trained(shop: Market, actor: Actor = OPERATOR) -> None:
    await shop.app.reviewers.set(actor.actor_id, OPERATOR, trained=True)


async def of_payout(shop: Market, payout: Payout) -> Payout:
    return (await shop.app.payouts.row(payout.payout_id)).value


async def last_moment(shop: Market) -> PayForHold:
    """A request to pay from a bank account for the first day on which that is offered."""
    for days in range(2, 15):
        hold = await held_time(shop, days)
        if not (await offered(shop, hold)).why_not:
            return await debit_request(shop, hold)
    raise AssertionError


# A debit that waits


async def test_a_debit_under_review_is_held_and_originated_only_once_it_is_let_through(shop: Market) -> None:
    await originating(shop)
    await account(shop)
    await rules(shop, rule(Effect.REVIEW))
    await trained(shop)

    known = await shop.app.checkout.pay(await debit_request(shop, await held_time(shop)), ADA)
    before = (known.booking.status, known.payment.state, await shop.app.ach.entries.of(known.payment.payment_id))
    await shop.app.casework.decide(decision(known, approve=True), OPERATOR)
    await settled(shop)

    booking = (await shop.app.bookings.row(known.booking.booking_id)).value
    assert before == (BookingStatus.AWAITING_PROVIDER, PaymentState.AUTHORIZED, [])
    assert (booking.status, (await reread(shop, known.payment)).state) == (
        BookingStatus.CONFIRMED,
        PaymentState.CAPTURED,
    )
    assert (await entry_of(shop, known.payment)).cents == 10_000
    assert await shop.balance(f"escrow:{known.booking.booking_id}") == 10_000
    assert not (await shop.app.casework.waiting(OPERATOR)).rows
    await shop.verified()


@pytest.mark.parametrize("end", ["refused", "called off", "nobody"])
async def test_a_debit_that_is_not_let_through_is_never_originated(shop: Market, end: str) -> None:
    await originating(shop)
    await account(shop)
    await rules(shop, rule(Effect.REVIEW))
    await trained(shop)
    known = await shop.app.checkout.pay(await debit_request(shop, await held_time(shop)), ADA)

    if end == "refused":
        await shop.app.casework.decide(decision(known, approve=False), OPERATOR)
    elif end == "called off":
        await shop.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    else:
        shop.clock.advance(timedelta(hours=25))
    await Wiring.of(shop.app).caught_up()

    assert (await reread(shop, known.payment)).state is PaymentState.CANCELLED
    assert await shop.app.ach.entries.of(known.payment.payment_id) == []
    assert await shop.balance(f"escrow:{known.booking.booking_id}") == 0
    assert not (await shop.app.casework.waiting(OPERATOR)).rows
    [case] = await shop.app.assessments.of_booking(known.booking.booking_id)
    assert case.standing is (Standing.BLOCKED if end == "refused" else Standing.LAPSED)
    await shop.verified()


async def test_a_debit_that_cannot_wait_is_refused_and_leaves_no_case(shop: Market) -> None:
    """Its funds would come too late if somebody looked at it for a day first."""
    await originating(shop)
    await account(shop)
    await rules(shop, rule(Effect.REVIEW))
    asked = await last_moment(shop)

    with pytest.raises(NotTaken):
        await shop.app.checkout.pay(asked, ADA)

    assert not (await shop.app.casework.waiting(OPERATOR)).rows
    [case] = await shop.app.assessments.of_booking(asked.booking_id)
    assert case.standing is Standing.REFUSED


# A payout that waits


async def test_a_payout_that_nobody_decides_is_on_the_balance_again_after_three_days(paid: Market) -> None:
    oscar = await admitted(paid, "Oscar Oliva", Group.ADMINS)
    payout = await waiting_payout(paid)
    await settled(paid)
    first = await told(paid, oscar)

    await paid.passes(timedelta(hours=73))

    assert first == ["case-waits"]
    assert (await told(paid, oscar))[1:] == ["case-lapsed"]
    assert (await of_payout(paid, payout)).status is PayoutStatus.CANCELLED
    assert await paid.balance(chart.provider(paid.provider_id, "EUR")) == 9_000
    assert not (await paid.app.casework.waiting(OPERATOR)).rows
    assert (await paid.app.assessments.case("", payout.payout_id)).value.standing is Standing.LAPSED


async def test_a_payout_that_its_owner_calls_off_leaves_no_case_and_alarms_nobody(paid: Market) -> None:
    oscar = await admitted(paid, "Oscar Oliva", Group.ADMINS)
    payout = await waiting_payout(paid)

    await paid.app.paying_out.cancel(payout.payout_id, OWNER)
    await settled(paid)

    assert not (await paid.app.casework.waiting(OPERATOR)).rows
    assert await told(paid, oscar) == ["case-waits"]
    await trained(paid)
    with pytest.raises(DecidedBefore):
        await paid.app.casework.decide(
            DecideCase(subject_id=payout.payout_id, approve=True, note="Too late."), OPERATOR
        )


async def test_a_case_that_has_nothing_to_decide_any_more_is_swept_up(shop: Market) -> None:
    """Its booking came to nothing and nobody told."""
    known = await held(shop)
    row = await shop.app.assessments.case(known.booking.booking_id, known.payment.payment_id)
    lost = replace(row.value, subject_id=shop.id("pay"), booking_id=shop.id("bkg"))
    await shop.app.ports.table.transact(*made(lost, SYSTEM))

    shop.clock.advance(timedelta(hours=26))
    await Wiring.of(shop.app).caught_up()

    assert not (await shop.app.casework.waiting(OPERATOR)).rows


async def test_the_customer_has_a_letter_that_their_payment_is_looked_at(shop: Market) -> None:
    async def letters() -> list[str]:
        return [each.kind for each in await shop.app.notifications.outbox.to("ada@example.org", OPERATOR)]

    known = await held(shop)
    await settled(shop)
    while_it_waits = await letters()
    await trained(shop)
    await shop.app.casework.decide(decision(known, approve=True), OPERATOR)
    await settled(shop)

    assert while_it_waits == ["booking-looked-at"]
    assert sorted(await letters()) == ["booking-confirmed", "booking-looked-at"]


@pytest.mark.parametrize("end", ["refused", "nobody"])
async def test_what_we_do_not_confirm_is_not_laid_at_the_providers_door(shop: Market, end: str) -> None:
    paula = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    await shop.provider(paula)
    await rules(shop, rule(Effect.REVIEW))
    known = await shop.book(await shop.service(shop.provider_id, owner=paula), shop.tomorrow())
    await trained(shop)
    if end == "refused":
        await shop.app.casework.decide(decision(known, approve=False), OPERATOR)
    else:
        shop.clock.advance(timedelta(hours=25))
    await Wiring.of(shop.app).caught_up()

    letters = await shop.app.notifications.outbox.to("ada@example.org", OPERATOR)
    assert sorted(each.kind for each in letters) == ["booking-looked-at", "booking-not-confirmed"]
    assert not [each for each in await told(shop, paula) if each.startswith("booking")]


async def test_operators_hear_of_what_waits_of_what_ran_out_and_of_drift(shop: Market) -> None:
    oscar = await admitted(shop, "Oscar Oliva", Group.ADMINS)
    known = await held(shop)
    await shop.passes(timedelta(hours=25))

    fact = ScoresDrifted(day="2026-01-01", kind="checkout", feature="seats", index_milli=400, model="trees-1")
    at = shop.clock.now()
    await shop.app.ports.table.transact(
        announce(fact, aggregate=drift_timeline(Kind.CHECKOUT), sequence=1, actor=SYSTEM, at=at)
    )
    await shop.passes()

    mine = [each for each in await told(shop, oscar) if each in {"case-waits", "case-lapsed", "scores-drifted"}]
    assert sorted(mine) == ["case-lapsed", "case-waits", "scores-drifted"]
    assert (await shop.app.bookings.row(known.booking.booking_id)).value.status is BookingStatus.EXPIRED


# Who may decide, and what is learned


async def test_nobody_decides_about_themselves_their_business_their_card_or_their_network(shop: Market) -> None:
    known = await held(shop)
    row = await shop.app.assessments.case(known.booking.booking_id, known.payment.payment_id)
    await settled(shop)
    await shop.app.learning.catch_up()
    ada = Actor(actor_id=ADA.actor_id, groups=(Group.CUSTOMERS, Group.ADMINS))
    owner = Actor(actor_id=OWNER.actor_id, groups=(Group.PROVIDERS, Group.ADMINS))
    for each in (ada, owner):
        await trained(shop, each)
        with pytest.raises(OwnCase):
            await shop.app.casework.decide(decision(known, approve=True), each)

    own = (await shop.app.assessments.histories([(Subject.CUSTOMER, ADA.actor_id)]))[Subject.CUSTOMER]
    [card] = own.cards
    theirs = (await shop.app.assessments.case(known.booking.booking_id, known.payment.payment_id)).value
    assert digest(theirs.card) == card
    as_guest = replace(row.value, customer_id=GUEST.actor_id, card=theirs.card)
    assert await shop.app.casework.is_own(as_guest, ada)
    assert not await shop.app.casework.is_own(row.value, OPERATOR)


async def test_another_operator_says_who_is_trained_where_there_is_another(shop: Market) -> None:
    alone = await admitted(shop, "Oscar Oliva", Group.ADMINS)
    await shop.app.casework.train(alone.actor_id, alone, trained=True)
    await shop.app.casework.train(alone.actor_id, alone, trained=False)
    second = await admitted(shop, "Ola Okafor", Group.ADMINS)

    with pytest.raises(TrainedByNobodyElse):
        await shop.app.casework.train(alone.actor_id, alone, trained=True)
    await shop.app.casework.train(alone.actor_id, second, trained=True)

    assert await shop.app.reviewers.may_decide(alone)


async def test_rules_reviewers_and_decisions_are_entries_of_the_audit_log(shop: Market) -> None:
    known = await held(shop)
    await trained(shop)
    await shop.app.casework.decide(decision(known, approve=True), OPERATOR)

    audited = {
        row.value.type: row.value.audit
        async for row in every(shop.app.ports.table, Event)
        if row.value.source == "fraud"
    }

    assert audited == {
        "FraudPolicySet": "rules",
        "HeldForReview": "",
        "ReviewerSet": "privilege",
        "ReviewApproved": "approval",
        "FraudLabelled": "privilege",
    }


async def test_refusals_and_what_was_never_paid_are_not_learned_as_genuine(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await shop.book(service_id, shop.tomorrow(8))
    await shop.book(service_id, shop.tomorrow(10), card="pm_card_chargeDeclined")
    await rules(shop, rule(Effect.DECLINE))
    with pytest.raises(NotTaken):
        await shop.book(service_id, shop.tomorrow(12))
    await rules(shop, rule(Effect.REVIEW))
    await shop.book(service_id, shop.tomorrow(14))
    await settled(shop)
    shop.clock.advance(timedelta(hours=25))
    await Wiring.of(shop.app).caught_up()

    learned = await history(shop.app.ports.table, shop.clock.now() + MATURE)

    assert len(await shop.app.assessments.newest(10)) == 4
    assert [(row.kind, row.fraud) for row in learned] == [(Kind.CHECKOUT, False)]


@pytest.mark.parametrize(("code", "is_fraud"), [("R10", True), ("R29", True), ("R01", False)])
async def test_a_return_that_nobody_authorized_is_known_as_fraud(shop: Market, code: str, is_fraud: bool) -> None:
    await originating(shop)
    await account(shop)
    known = await shop.app.checkout.pay(await debit_request(shop, await held_time(shop)), ADA)

    await shop.app.bank_debits._taken_back(await entry_of(shop, known.payment), code)
    await settled(shop)

    [case] = await shop.app.assessments.of_booking(known.booking.booking_id)
    assert (case.label, case.labelled_by) == ((Label.FRAUD, LabelSource.RETURN) if is_fraud else (None, None))


async def test_nobody_probes_without_limit(shop: Market) -> None:
    """Refusals count as declined for who tries, and after a few nothing more is thought of a booking."""
    await rules(shop, rule(Effect.DECLINE))
    hold = await shop.hold(await shop.service(shop.provider_id), shop.tomorrow())
    request = await shop.request(hold)
    for _ in range(REFUSALS_MAX):
        with pytest.raises(NotTaken):
            await shop.app.checkout.pay(replace(request, payment_id=shop.id("pay")), ADA)
    await rules(shop)
    await settled(shop)

    with pytest.raises(NotTaken):
        await shop.app.checkout.pay(replace(request, payment_id=shop.id("pay")), ADA)

    assert len(await shop.app.assessments.of_booking(request.booking_id)) == REFUSALS_MAX
    found = await shop.app.assessments.histories(
        [(Subject.CUSTOMER, ADA.actor_id), (Subject.PROVIDER, shop.provider_id)]
    )
    assert found[Subject.CUSTOMER].declined == REFUSALS_MAX
    assert found[Subject.PROVIDER].declined == 0


# What tells one card, one bank account from another


async def test_a_bank_account_is_known_by_its_blind_index_whoever_adds_it(shop: Market) -> None:
    await originating(shop)
    first, second = await account(shop), await account(shop, GUEST)
    known = await shop.app.checkout.pay(await debit_request(shop, await held_time(shop)), ADA)

    [case] = await shop.app.assessments.of_booking(known.booking.booking_id)
    assert case.card == first.fingerprint.hex() == second.fingerprint.hex()
    assert first.account_id != second.account_id
    assert VISA not in case.card


async def test_payouts_to_one_bank_account_are_known_as_such_whoever_added_it(paid: Market) -> None:
    await released(paid, 10_000, "one")
    by_card = await paid.app.paying_out.ask(wanted(paid, 4_000), OWNER)
    row = await paid.app.payouts.row(by_card.payout_id)
    bank = await account(paid)

    of_ach = replace(row.value.destination, rail=Rail.ACH, account_id=bank.account_id)

    assert await paid.app.paying_out._bank(of_ach) == bank.fingerprint.hex()
    assert await paid.app.paying_out._bank(row.value.destination) == row.value.destination.account_id


async def test_a_kept_card_is_known_before_it_pays(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow(8))
    first = await shop.app.checkout.pay(replace(await shop.request(hold), keep=True), ADA)
    await settled(shop)
    kept = await shop.app.card_keeping.wallet(ADA)
    assert kept is not None
    hold = await shop.hold(service_id, shop.tomorrow(12))
    again = await shop.request(hold, card=kept.cards[0].card_id)

    second = await shop.app.checkout.pay(replace(again, saved=True), ADA)

    [learned] = await shop.app.assessments.of_booking(first.booking.booking_id)
    [told_before] = await shop.app.assessments.of_booking(second.booking.booking_id)
    assert learned.card
    assert told_before.card == kept.cards[0].fingerprint != ""


async def test_amounts_of_other_currencies_are_seen_on_one_scale(shop: Market) -> None:
    await shop.book(await shop.service(shop.provider_id, Money(1_630_000, "JPY")), shop.tomorrow(8))

    [case] = await shop.app.assessments.newest(1)

    assert (case.amount, case.currency, case.worth) == (163_000_000, "JPY", 1_000_000)
    assert case.numbers[0] == 1_000_000
