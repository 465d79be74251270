"""A day held against what processor and bank have: what differs is found, mended, and stays mended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.ledger import Transfer, chart, processor_fee, topped_up
from ecosystem.contexts.reconciliation import (
    OPEN_STATES,
    Deed,
    Discrepancy,
    DiscrepancyOver,
    Kind,
    Movement,
    NotOffered,
    OwnProposal,
    ReadAgain,
    Repair,
    Run,
    RunState,
    Side,
    State,
)
from ecosystem.journeys.reconciling import DayNotOver
from ecosystem.journeys.repairing import AskRepair, NothingToAdopt
from ecosystem.journeys.unheard_payments import OursToTakeIn
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.sandbank.books import Line
from ecosystem.sandbank.writing import statement
from ecosystem.sandbox import Fault, What
from market import ADA, KEYS, OPERATOR, SYSTEM, Market, market
from payday import of_processor
from sandbox.calling import Caller

SECOND = Actor(actor_id="usr_01kag2m8xw000000000000olivia", groups=(Group.ADMINS,))


async def sold(shop: Market, count: int = 1) -> list[str]:
    """Bookings that are paid."""
    service_id = await shop.service(shop.provider_id)
    paid = [await shop.book(service_id, shop.tomorrow(8 + 2 * at)) for at in range(count)]
    await shop.wiring.settled()
    return [each.booking.booking_id for each in paid]


async def fees_booked(shop: Market) -> None:
    """The processor's fees are posted, as the payout manager does."""
    for entry in (await shop.app.ports.transfers.balance_entries(None)).items:
        if entry.fee:
            fee = Money(entry.fee, entry.currency)
            await shop.app.ledger.submit(*processor_fee(entry.entry_id, "fees", fee))


async def reconciled(shop: Market, after: int = 4) -> Run:
    """The day that was over so many days ago is reconciled, once the books are summed."""
    if after:
        shop.clock.advance(timedelta(days=after))
    await shop.sequence()
    return await shop.app.reconciling.daily()


async def open_ones(shop: Market) -> list[Discrepancy]:
    return [one async for one in shop.app.discrepancies.all_of(*OPEN_STATES)]


async def only(shop: Market) -> Discrepancy:
    (one,) = await open_ones(shop)
    return one


def asks(one: Discrepancy, repair: Repair, reason: str = "Looked into it.") -> AskRepair:
    return AskRepair(discrepancy_id=one.discrepancy_id, repair=repair, reason=reason)


async def test_a_day_on_which_all_agree_is_proven_and_quiet(shop: Market) -> None:
    await sold(shop, 3)
    await fees_booked(shop)

    run = await reconciled(shop, after=1)

    assert (run.state, run.agreed, run.differing, run.on_their_way) == (RunState.DONE, 6, 0, 0)
    assert run.rows == {Side.LEDGER: 6, Side.PROCESSOR: 6, Side.BANK: 0}
    assert run.proven
    ours, theirs = (
        next(proof for proof in run.proofs if (proof.side, proof.account) == (side, "processor"))
        for side in (Side.LEDGER, Side.PROCESSOR)
    )
    assert ours.closing == theirs.closing == ours.opening + ours.movements
    assert run.unread == (), "no money of ours is at the bank"


async def test_a_process_that_reads_beside_comes_to_the_same(tmp_path: Path, clock: VirtualClock) -> None:
    async with market(tmp_path, clock, compares_apart=True) as shop:
        await shop.provider()
        await sold(shop, 3)
        await fees_booked(shop)

        run = await reconciled(shop, after=1)

    assert (run.state, run.agreed, run.differing) == (RunState.DONE, 6, 0)
    assert run.rows == {Side.LEDGER: 6, Side.PROCESSOR: 6, Side.BANK: 0}
    assert run.proven


async def test_the_same_day_again_comes_to_the_same(shop: Market) -> None:
    await sold(shop, 2)
    first = await reconciled(shop)
    before = {one.discrepancy_id: one for one in await open_ones(shop)}

    again = await reconciled(shop, after=0)

    assert (first.new, again.new, again.differing) == (2, 0, 2)
    assert {one.discrepancy_id: one for one in await open_ones(shop)} == before


async def test_a_fee_that_is_not_booked_is_booked_with_one_act(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = await only(shop)
    assert (one.kinds, one.amount, one.repairs[0]) == ((Kind.FEE_UNBOOKED,), -320, Repair.BOOK_FEE)

    done = await shop.app.repairing.repair(asks(one, Repair.BOOK_FEE), OPERATOR)
    with pytest.raises(DiscrepancyOver):
        await shop.app.repairing.repair(asks(one, Repair.BOOK_FEE), OPERATOR)
    run = await reconciled(shop, after=1)

    assert (done.state, run.differing, run.new) == (State.CLOSED, 0, 0)
    await shop.sequence()
    assert await shop.balance(chart.costs("EUR")) == -320
    assert await shop.balance(chart.processor("EUR")) == -(10_000 - 320)
    await shop.verified()


async def test_a_refund_nobody_told_us_of_is_adopted_and_does_not_come_back(shop: Market) -> None:
    (booking_id,) = await sold(shop)
    await fees_booked(shop)
    payment = (await shop.app.payments.payments_of(booking_id))[0].value
    assert payment.intent_id
    async with aiohttp.ClientSession() as http:
        desk = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        await desk("POST", "/v1/refunds", {"payment_intent": payment.intent_id, "amount": "2500"})
    await reconciled(shop)
    one = await only(shop)

    await shop.app.repairing.repair(asks(one, Repair.ADOPT), OPERATOR)
    run = await reconciled(shop, after=0)

    assert (one.kinds, one.amount) == ((Kind.REFUND_UNBOOKED,), -2_500)
    assert run.differing == 0
    assert (await shop.app.refunds.refunds_of(booking_id))[0].value.amount == Money(2_500, "EUR")
    await shop.verified()


async def test_a_chargeback_nobody_told_us_of_is_adopted_with_its_dispute(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(), card="pm_card_createDispute")
    await shop.sandbox.settled()
    await shop.wiring.settled()
    await fees_booked(shop)
    await reconciled(shop)
    found = {one.key: one for one in await open_ones(shop)}
    (taken,) = [one for one in found.values() if Kind.CHARGEBACK_UNBOOKED in one.kinds]

    await shop.app.repairing.repair(asks(taken, Repair.ADOPT), OPERATOR)
    await reconciled(shop, after=0)

    (dispute,) = await shop.app.disputes.of_booking(paid.booking.booking_id)
    assert dispute.chargeback_id == taken.key.partition("#")[0]
    assert taken.key not in [one.key for one in await open_ones(shop)]
    await shop.verified()


async def charged_at_the_desk(shop: Market, minor: int = 4_200, **metadata: str) -> str:
    """A payment that was made at the processor, not here: its charge's id."""
    async with aiohttp.ClientSession() as http:
        desk = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        form = {"amount": str(minor), "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}
        form |= {f"metadata[{name}]": value for name, value in metadata.items()}
        form |= {"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"}
        made = await desk("POST", "/v1/payment_intents", form)
    await shop.sandbox.settled()
    await shop.wiring.settled()
    return made.body["latest_charge"]


async def test_a_difference_is_read_by_operators_only(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = (await open_ones(shop))[0]

    with pytest.raises(Denied):
        await shop.app.discrepancies.of(one.discrepancy_id, ADA)
    assert (await shop.app.discrepancies.of(one.discrepancy_id, OPERATOR)).value == one


async def test_a_day_that_failed_is_tried_again_by_itself_later_and_later(shop: Market) -> None:
    await sold(shop)
    shop.clock.advance(timedelta(days=4))
    await shop.sequence()
    shop.sandbox.fail_next(Fault(what=What.LOSE_REQUEST, method="GET", times=10_000))
    first = await shop.app.reconciling.daily()

    at_once = await shop.app.reconciling.step()
    shop.clock.advance(timedelta(minutes=15))
    again = await shop.app.reconciling.step()
    shop.clock.advance(timedelta(minutes=15))
    too_early = await shop.app.reconciling.step()
    failed = await shop.app.reconciling.runs.of(first.day, OPERATOR)
    shop.sandbox.faults.clear()
    shop.clock.advance(timedelta(minutes=15))
    last = await shop.app.reconciling.step()

    done = await shop.app.reconciling.runs.of(first.day, OPERATOR)
    assert (first.state, first.failures) == (RunState.FAILED, 1)
    assert (at_once, again, too_early, last) == (0, 1, 0, 1)
    assert (failed.state, failed.failures) == (RunState.FAILED, 2)
    assert (done.state, done.failures, done.failure) == (RunState.DONE, 0, "")


async def test_a_day_whose_reader_died_is_tried_again(shop: Market) -> None:
    await sold(shop)
    shop.clock.advance(timedelta(days=4))
    await shop.sequence()
    run = await shop.app.reconciling.ask(shop.clock.now().date() - timedelta(days=1), OPERATOR)
    await shop.app.reconciling.runs.note(run.day, state=RunState.RUNNING, heard_at=shop.clock.now())

    shop.clock.advance(timedelta(minutes=19))
    early = await shop.app.reconciling.step()
    shop.clock.advance(timedelta(minutes=2))
    await shop.app.reconciling.step()
    lost = await shop.app.reconciling.runs.of(run.day, OPERATOR)
    shop.clock.advance(timedelta(minutes=15))
    await shop.app.reconciling.step()

    assert early == 0
    assert (lost.state, lost.failures) == (RunState.FAILED, 1)
    assert (await shop.app.reconciling.runs.of(run.day, OPERATOR)).state is RunState.DONE


async def test_a_payment_of_ours_that_nobody_heard_of_is_adopted_with_its_booking(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=1_000))
    await shop.app.checkout.pay(request, ADA)
    shop.sandbox.faults.clear()
    await fees_booked(shop)
    shop.clock.advance(timedelta(days=4))
    await shop.sequence()
    await shop.app.reconciling.daily()
    one = await only(shop)

    await shop.app.repairing.repair(asks(one, Repair.ADOPT), OPERATOR)
    run = await reconciled(shop, after=0)

    payment = (await shop.app.payments.payment(request.booking_id, request.payment_id)).value
    assert (one.kinds, one.repairs[:2]) == ((Kind.MISSING_IN_LEDGER,), (Repair.ADOPT, Repair.GIVE_BACK))
    assert payment.charge_id == one.key
    assert run.differing == 0
    await shop.verified()


async def test_a_payment_that_is_none_of_ours_goes_back_and_the_next_run_is_clean(shop: Market) -> None:
    await sold(shop)
    charge_id = await charged_at_the_desk(shop, booking_id="bkg_other", payment_id="pay_other")
    await fees_booked(shop)
    await reconciled(shop)
    one = await only(shop)

    with pytest.raises(NothingToAdopt):
        await shop.app.repairing.repair(asks(one, Repair.ADOPT), OPERATOR)
    done = await shop.app.repairing.repair(asks(one, Repair.GIVE_BACK, "Typed in at the desk."), OPERATOR)
    with pytest.raises(DiscrepancyOver):
        await shop.app.repairing.repair(asks(one, Repair.GIVE_BACK), OPERATOR)
    run = await reconciled(shop, after=1)

    intent = await shop.app.ports.cards.charged(charge_id)
    [refund] = await shop.app.ports.cards.refunds(intent.intent_id)
    assert (refund.amount, done.state) == (Money(4_200, "EUR"), State.CLOSED)
    assert (run.differing, run.new, run.proven) == (0, 0, True)
    assert await shop.balance(chart.processor("EUR")) == -sum((await of_processor(shop)).values())
    await shop.verified()


async def test_who_dies_after_asking_for_the_money_back_asks_again_and_it_goes_back_once(shop: Market) -> None:
    await charged_at_the_desk(shop)
    await fees_booked(shop)
    await reconciled(shop)
    one = await only(shop)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/refunds", times=10))
    with pytest.raises(ProcessorSilent):
        await shop.app.repairing.repair(asks(one, Repair.GIVE_BACK), OPERATOR)
    shop.sandbox.faults.clear()
    between = await reconciled(shop, after=4)

    await shop.app.repairing.repair(asks(one, Repair.GIVE_BACK), OPERATOR)
    run = await reconciled(shop, after=1)

    assert between.differing == 2, "the payment, and the refund whose answer was lost"
    assert (run.differing, run.new) == (0, 0)
    assert len((await shop.app.ports.cards.refunds_made()).items) == 1
    await shop.sequence()
    assert await shop.balance(chart.processor("EUR")) == -sum((await of_processor(shop)).values())
    await shop.verified()


async def test_a_payment_of_ours_is_not_given_back_past_its_booking(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    request = await shop.request(await shop.hold(service_id, shop.tomorrow()))
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=1_000))
    await shop.app.checkout.pay(request, ADA)
    shop.sandbox.faults.clear()
    await fees_booked(shop)
    await reconciled(shop)
    one = await only(shop)

    with pytest.raises(OursToTakeIn):
        await shop.app.repairing.repair(asks(one, Repair.GIVE_BACK), OPERATOR)


async def test_a_top_up_is_one_movement_by_its_own_id_on_every_side(shop: Market) -> None:
    async with aiohttp.ClientSession() as http:
        desk = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        made = await desk("POST", "/v1/topups", {"amount": "50000", "currency": "eur"})
    await shop.sandbox.settled()
    shop.clock.advance(timedelta(days=2))
    await shop.sandbox.settled()
    await shop.app.ledger.submit(*topped_up(made.body["id"], Money(50_000, "EUR")))
    await reconciled(shop, after=8)

    one = await only(shop)

    assert one.key == made.body["id"]
    assert (one.movement, one.kinds) == (Movement.TOP_UP, (Kind.MISSING_AT_BANK,))
    assert {row.side: row.amount for row in one.rows} == {Side.LEDGER: -50_000, Side.PROCESSOR: -50_000}


async def test_a_transfer_that_stands_twice_in_our_books_is_reversed(shop: Market) -> None:
    await sold(shop)
    await fees_booked(shop)
    (entry, *_) = [e for e in (await shop.app.ports.transfers.balance_entries(None)).items if e.fee]
    fee = Money(entry.fee, "EUR")
    twice = Transfer(
        transfer_id=f"{entry.entry_id}.twice", debit_account_id=chart.costs("EUR"),
        credit_account_id=chart.processor("EUR"), amount=fee.minor, ledger="EUR",
        code=chart.TransferCode.PROCESSOR_FEE, reference="fees",
    )  # fmt: skip
    await shop.app.ledger.submit(twice)
    await reconciled(shop)
    one = await only(shop)

    await shop.app.repairing.repair(asks(one, Repair.REVERSE), OPERATOR)
    run = await reconciled(shop, after=0)

    assert one.kinds == (Kind.DUPLICATE_IN_LEDGER,)
    assert run.differing == 0
    await shop.sequence()
    assert await shop.balance(chart.costs("EUR")) == -fee.minor
    await shop.verified()


async def test_a_line_of_the_bank_that_is_of_no_kind_we_know_is_found(shop: Market) -> None:
    day = shop.clock.now().date()
    line = Line("195", 500, True, "wire-7", "", "INCOMING WIRE")
    await shop.app.ach.inbox.keep("STMT.bai", statement(day, "1234", 0, [line], 1))
    await shop.app.hearing_bank.work()

    await reconciled(shop)

    found = await only(shop)
    assert found.kinds == (Kind.MISSING_IN_LEDGER,)
    assert [(row.side, row.movement, row.amount) for row in found.rows] == [(Side.BANK, Movement.BANK_OTHER, 500)]


async def test_what_moves_much_needs_a_second_operator(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, Money(5_000_000, "EUR"))
    await shop.book(service_id, shop.tomorrow())
    await shop.wiring.settled()
    await reconciled(shop)
    one = await only(shop)

    proposed = await shop.app.repairing.repair(asks(one, Repair.BOOK_FEE), OPERATOR)
    with pytest.raises(OwnProposal):
        await shop.app.repairing.approve(one.discrepancy_id, OPERATOR)
    await shop.sequence()
    before = await shop.balance(chart.costs("EUR"))
    done = await shop.app.repairing.approve(one.discrepancy_id, SECOND)
    await shop.sequence()

    assert (proposed.state, before, done.state) == (State.PROPOSED, 0, State.CLOSED)
    assert await shop.balance(chart.costs("EUR")) == one.amount < -100_000
    assert [entry.deed for entry in done.history] == [Deed.SEEN, Deed.PROPOSED, Deed.REPAIRED]


async def test_what_was_read_before_it_changed_is_not_acted_on(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = await only(shop)
    version = (await shop.app.discrepancies.row(one.discrepancy_id)).version
    await shop.app.repairing.remark(one.discrepancy_id, "Their desk is closed today.", SECOND)

    stale = AskRepair(discrepancy_id=one.discrepancy_id, repair=Repair.BOOK_FEE, reason="As billed.", version=version)
    with pytest.raises(ReadAgain):
        await shop.app.repairing.repair(stale, OPERATOR)
    with pytest.raises(ReadAgain):
        await shop.app.repairing.approve(one.discrepancy_id, SECOND, version)


async def test_what_differs_stays_open_while_its_days_leave_the_window_and_closes_when_it_agrees(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = await only(shop)
    shop.clock.advance(timedelta(days=16))
    still = await reconciled(shop, after=1)
    await fees_booked(shop)

    run = await reconciled(shop, after=1)

    assert (still.differing, still.gone, still.new) == (1, 0, 0)
    assert (run.gone, (await shop.app.discrepancies.row(one.discrepancy_id)).value.state) == (1, State.CLOSED)


async def test_what_is_on_its_way_is_no_exception_until_it_is_overdue(shop: Market) -> None:
    await sold(shop)

    young, old = await reconciled(shop, after=1), await reconciled(shop, after=3)

    assert (young.on_their_way, young.differing) == (1, 0)
    assert (old.on_their_way, old.differing, old.new) == (0, 1, 1)


async def test_what_agrees_by_now_is_closed_by_itself_and_opens_when_it_differs_again(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = await only(shop)
    await fees_booked(shop)

    run = await reconciled(shop, after=0)

    after = (await shop.app.discrepancies.row(one.discrepancy_id)).value
    assert (run.gone, after.state, after.history[-1].deed) == (1, State.CLOSED, Deed.GONE)


async def test_one_that_is_asked_about_waits_and_is_looked_after(shop: Market) -> None:
    await sold(shop)
    await reconciled(shop)
    one = await only(shop)

    with pytest.raises(NotOffered):
        await shop.app.repairing.repair(asks(one, Repair.SETTLE), OPERATOR)
    with pytest.raises(Invalid):
        await shop.app.repairing.repair(asks(one, Repair.BOOK_FEE, " "), OPERATOR)
    await shop.app.repairing.assign(one.discrepancy_id, SECOND.actor_id, OPERATOR)
    noted = await shop.app.repairing.remark(one.discrepancy_id, "Their desk is closed today.", SECOND)
    accepted = await shop.app.repairing.repair(asks(one, Repair.ACCEPT, "It is theirs."), SECOND)
    run = await reconciled(shop, after=0)

    assert (noted.assigned_to, noted.history[-1].text) == (SECOND.actor_id, "Their desk is closed today.")
    assert (accepted.state, run.new) == (State.CLOSED, 0)
    assert (await shop.app.discrepancies.row(one.discrepancy_id)).value == accepted


async def test_what_the_processor_does_not_know_cannot_be_taken_in(shop: Market) -> None:
    await sold(shop)
    await fees_booked(shop)
    stray = Transfer(
        transfer_id="gone.sent", debit_account_id=chart.costs("EUR"), credit_account_id=chart.processor("EUR"),
        amount=700, ledger="EUR", code=chart.TransferCode.PAYOUT_SENT, reference="gone",
    )  # fmt: skip
    await shop.app.ledger.submit(stray)
    await reconciled(shop)
    one = await only(shop)

    with pytest.raises(NotOffered):
        await shop.app.repairing.repair(asks(one, Repair.ADOPT), OPERATOR)
    await shop.app.repairing.repair(asks(one, Repair.REVERSE), OPERATOR)
    run = await reconciled(shop, after=0)

    assert (one.kinds, run.differing) == ((Kind.MISSING_AT_PROCESSOR,), 0)


async def test_operators_are_told_once_of_what_is_new(shop: Market) -> None:
    admission = Admission(
        user_id=shop.id("usr"), email="olga@example.org", password="no hash", name="Olga", groups=(Group.ADMINS,)
    )
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    await sold(shop, 2)
    for after in (4, 0, 0):
        await reconciled(shop, after)
        await shop.wiring.settled()

    letters = await shop.app.notifications.outbox.to("olga@example.org", OPERATOR)
    notices = (await shop.app.notifications.board.latest(admission.user_id, OPERATOR)).notices
    (notice,) = [notice for notice in notices if notice.kind == "books-differ"]

    assert [letter.kind for letter in letters].count("books-differ") == 1
    assert notice.title.startswith("2 new differences of ")
    assert notice.link.endswith("/console/reconciliation")


async def test_only_operators_ask_and_only_for_days_that_are_over(shop: Market) -> None:
    today = shop.clock.now().date()

    with pytest.raises(DayNotOver):
        await shop.app.reconciling.ask(today, OPERATOR)
    with pytest.raises(Denied):
        await shop.app.reconciling.ask(today - timedelta(days=1), ADA)
    asked = await shop.app.reconciling.ask(today - timedelta(days=1), OPERATOR)
    assert (asked.state, await shop.app.reconciling.step()) == (RunState.WAITING, 1)
    assert (await shop.app.reconciliations.of(asked.day, OPERATOR)).state is RunState.DONE
