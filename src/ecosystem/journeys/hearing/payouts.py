"""Reactions to what is told of money within the processor and out of it: transfers, payouts, top-ups, our balance."""

from __future__ import annotations

from contextlib import suppress

from ecosystem.contexts import ledger as books
from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payments import Hint
from ecosystem.contexts.payouts import GIVEN_BACK
from ecosystem.journeys.hearing.reach import ACTOR, Reach
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import Put
from ecosystem.ports.transfers import TopUpStanding

_ARRIVED = frozenset({TopUpStanding.SUCCEEDED, TopUpStanding.REVERSED})


async def settle_transfer(reach: Reach, hint: Hint, done: Put) -> None:
    """Take the payout on that the transfer is for; one taken back by other hands is told to operators."""
    if heard := await reach.processor_payouts.hear_of_transfer(hint.subject_id, ACTOR):
        outcome, payout = heard
        if outcome.taken_back and payout.status not in GIVEN_BACK:
            event_id = f"{outcome.processor_id}:{outcome.taken_back.minor}"
            await reach.alarms.of_provider(
                Kind.TRANSFER_TAKEN_BACK, payout.provider_id, event_id, outcome.made_at, amount=outcome.taken_back
            )
    await reach.table.transact(done)


async def settle_payout(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the payout stands: a provider's with its postings, notice and pause; our own as a withdrawal."""
    if hint.account_id is None:
        await reach.withdrawing.hear(hint.subject_id, ACTOR)
        await reach.table.transact(done)
    elif await reach.processor_payouts.hear(hint.subject_id, hint.account_id, ACTOR, done) is None:
        await reach.table.transact(done)


async def take_fees(reach: Reach, hint: Hint, done: Put) -> None:
    """Post the fees of every entry of our balance since the last time."""
    if hint.account_id is None:
        await reach.processor_fees.take_in()
    await reach.table.transact(done)


async def send_what_waits(reach: Reach, hint: Hint, done: Put) -> None:
    """Take on payouts that wait for our own balance to suffice."""
    if hint.account_id is None:
        for payout in await reach.processor_payouts.waiting_for_money():
            with suppress(Unavailable):  # It is asked for again in its time.
                await reach.processor_payouts.carry_out(payout.payout_id, ACTOR)
    await reach.table.transact(done)


async def settle_top_up(reach: Reach, hint: Hint, done: Put) -> None:
    """Post our own money that reached the processor, and its way back; operators are told of one that did not arrive."""
    known = await reach.transfers.top_up(hint.subject_id)
    writes = (
        await reach.ledger.writes(*books.topped_up(known.processor_id, known.amount))
        if known.standing in _ARRIVED
        else []
    )
    if writes:
        await reach.table.transact(*writes)
    if known.standing is TopUpStanding.REVERSED:
        caused = await reach.ledger.transfers(
            [each.transfer_id for each in books.topped_up(known.processor_id, known.amount)]
        )
        if back := await reach.ledger.writes(*books.recovered(caused)):
            await reach.table.transact(*back)
    if known.standing is TopUpStanding.FAILED:
        await reach.alarms.top_up_failed(known.processor_id, known.amount, known.made_at)
    await reach.table.transact(done)
