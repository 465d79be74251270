"""Mending discrepancies: what an operator presses, and what it does.

| repair | what is done |
| --- | --- |
| adopt | how things stand is asked of the processor, and enters our books by the way that its news would have taken |
| give back | a payment that is none of ours goes back to who paid it, and both ways are posted |
| book fee, correct | what our books lack against the other side is posted; costs bear it |
| settle | the bank's files are worked through once more |
| reverse | the transfers that stand in our books once too often are reversed |
| ask bank, ask processor | it waits for an answer, and somebody looks after it |
| accept | nothing moves: the difference is explained |

A repair that moves much is proposed by one operator and approved by another. Each posting's id is made of the
discrepancy's: pressed twice, it has one effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from ecosystem.contexts import reconciliation as books
from ecosystem.contexts.ledger import Ledger, Recorded, Transfer, chart, corrected, linked, reverse
from ecosystem.contexts.ledger import State as TransferState
from ecosystem.contexts.reconciliation import Discrepancies, Discrepancy, Movement, ReadAgain, Repair, Row, Side
from ecosystem.journeys.ach_hearing import AchHearing
from ecosystem.journeys.adopting import Adopting
from ecosystem.journeys.payout_processor import ProcessorPayouts
from ecosystem.journeys.reconciliation_ledger import cause_of
from ecosystem.journeys.settlement import Settlement
from ecosystem.journeys.unheard_payments import UnheardPayments
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.cards import Cards, RefundOutcome
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row as Kept
from ecosystem.ports.table import Table, Write

LINES = ("base", "surcharge", "provider", "commission", "lying", "beyond", "fee", "sent", "settled", "arrived")
DUPLICATES_MAX = 10


class NothingToAdopt(Conflict):
    """The other side has no news of this movement that our books lack: ask there, or correct them."""


class NothingToReverse(Conflict):
    """Our books have no transfer here that stands once too often."""


class NoDifference(Conflict):
    """There is no amount by which our books differ."""


class AskRepair(Struct, frozen=True, kw_only=True):
    """The request to mend a discrepancy, with the reason that stays in its history."""

    discrepancy_id: str
    repair: Repair
    reason: str
    version: int | None = None
    """Of the discrepancy as it was read; what was decided on an older one is refused."""


class _Done(Struct, frozen=True, kw_only=True):
    """What a repair commits with the discrepancy."""

    transfers: tuple[Transfer, ...] = ()
    corrected: int = 0
    reversed_rows: tuple[str, ...] = ()
    beside: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Repairing:
    table: Table
    clock: Clock
    cards: Cards
    ledger: Ledger
    discrepancies: Discrepancies
    settlement: Settlement
    adopting: Adopting
    payouts: ProcessorPayouts
    bank: AchHearing
    unheard: UnheardPayments

    async def repair(self, request: AskRepair, actor: Actor) -> Discrepancy:
        """Mend it; or propose so, where a second operator is needed.

        Raises `Denied`, `NoSuchDiscrepancy`, `ReadAgain`, `DiscrepancyOver`, `NotOffered`, and what the act is refused for.
        """
        row = await self._row(request.discrepancy_id, actor, request.version)
        at = self.clock.now()
        if request.repair in {Repair.ASK_BANK, Repair.ASK_PROCESSOR}:
            return await self._become(row, books.asked(row.value, request.repair, request.reason, actor, at), actor)
        # Whether it may be done is known before anything is.
        proposal = books.proposed(row.value, request.repair, request.reason, actor, at)
        if row.value.needs_two(request.repair):
            return await self._become(row, proposal, actor)
        return await self._carry_out(row, request.repair, request.reason, actor, at)

    async def approve(self, discrepancy_id: str, actor: Actor, version: int | None = None) -> Discrepancy:
        """Do what another operator proposed. Raises `ReadAgain`, `NothingProposed`, `OwnProposal`."""
        row = await self._row(discrepancy_id, actor, version)
        proposal = books.approved(row.value, actor)
        return await self._carry_out(row, proposal.repair, proposal.reason, actor, self.clock.now())

    async def withdraw(self, discrepancy_id: str, actor: Actor) -> Discrepancy:
        """Take a proposal back, one's own or another's. Raises `NothingProposed`."""
        row = await self._row(discrepancy_id, actor)
        return await self._become(row, books.withdrawn(row.value, actor, self.clock.now()), actor)

    async def assign(self, discrepancy_id: str, to: str, actor: Actor) -> Discrepancy:
        """Say who looks after it; nobody, when `to` is empty."""
        row = await self._row(discrepancy_id, actor)
        return await self._become(row, books.assigned(row.value, to, actor, self.clock.now()), actor)

    async def remark(self, discrepancy_id: str, text: str, actor: Actor) -> Discrepancy:
        """Note something."""
        row = await self._row(discrepancy_id, actor)
        return await self._become(row, books.remarked(row.value, text, actor, self.clock.now()), actor)

    async def _carry_out(
        self, row: Kept[Discrepancy], repair: Repair, reason: str, actor: Actor, at: datetime
    ) -> Discrepancy:
        done = _Done()
        match repair:
            case Repair.ADOPT:
                await self._adopt(row.value, actor)
            case Repair.GIVE_BACK:
                row, done = await self._given_back(row, reason, actor, at)
            case Repair.SETTLE:
                await self.bank.collect()
                await self.bank.work()
            case Repair.BOOK_FEE | Repair.CORRECT:
                done = _correction(row.value)
            case Repair.REVERSE:
                done = await self._reversal(row.value)
            case Repair.ACCEPT | Repair.ASK_BANK | Repair.ASK_PROCESSOR:
                pass
        after = books.repaired(
            row.value, repair, reason, actor, at, corrected=done.corrected, reversed_rows=done.reversed_rows
        )
        await self.table.transact(
            *books.discrepancy_becomes(row, after, actor, at),
            *done.beside,
            *await self.ledger.writes(*done.transfers),
        )
        return after

    async def _adopt(self, known: Discrepancy, actor: Actor) -> None:
        """Take in how things stand at the processor, by the way its own news would have taken."""
        named = known.key.partition("#")[0]
        match known.movement:
            case Movement.PAYMENT:
                taken = await self.unheard.adopt(named, actor)
            case Movement.REFUND | Movement.REFUND_FAILED:
                outcome = await self.cards.refund_status(named)
                taken = await self.adopting.learn(outcome, "", actor) is not None
            case Movement.CHARGEBACK | Movement.CHARGEBACK_RETURNED:
                chargeback = await self.cards.chargeback(named)
                taken = bool(chargeback.booking_id and chargeback.payment_id)
                if taken:
                    await self.settlement.learn_chargeback(
                        chargeback.booking_id, chargeback.payment_id, chargeback, actor
                    )
            case Movement.TRANSFER | Movement.TRANSFER_REVERSED:
                taken = await self.payouts.hear_of_transfer(named, actor) is not None
            case Movement.CREDIT_RETURNED | Movement.DEBIT_RETURNED:
                await self.bank.collect()
                taken = await self.bank.work() > 0
            case _:
                taken = False
        if not taken:
            raise NothingToAdopt

    async def _given_back(
        self, row: Kept[Discrepancy], reason: str, actor: Actor, at: datetime
    ) -> tuple[Kept[Discrepancy], _Done]:
        """Ask the processor to send the payment back, once that is written down; what is posted of both ways."""
        deciding = books.giving_back(row.value, reason, actor, at)
        if deciding != row.value:
            await self._become(row, deciding, actor)
            row = await self.discrepancies.row(deciding.discrepancy_id)
        known = row.value
        assert known.giving_back_since is not None
        back = await self.unheard.give_back(known, known.giving_back_since)
        refund = back.refund
        account, posted = chart.processor(known.currency), f"{known.discrepancy_id}.back"
        transfers = corrected(f"{posted}.in", known.key[:200], account, back.captured, comes_in=True)
        beside = await self._of_refund(known, refund, reason, actor, at)
        if beside:
            transfers += corrected(f"{posted}.out", known.key[:200], account, refund.amount, comes_in=False)
        return row, _Done(transfers=tuple(transfers), corrected=back.captured.minor, beside=tuple(beside))

    async def _of_refund(
        self, known: Discrepancy, refund: RefundOutcome, reason: str, actor: Actor, at: datetime
    ) -> list[Write]:
        """The writes that say of the refund, a movement of its own, that it is posted; none when it was before.

        A run may have seen it already, if who asked for it died before this was written.
        """
        seen = await self.discrepancies.find(books.id_of(refund.processor_id))
        if seen is None:
            on = refund.made_at.date()
            gone = books.gone_back(known, refund.processor_id, refund.amount.minor, on, actor, at)
            return books.discrepancy_made(gone, actor, at)
        if seen.value.is_over:
            return []
        after = books.repaired(seen.value, Repair.CORRECT, reason, actor, at, corrected=-refund.amount.minor)
        return books.discrepancy_becomes(seen, after, actor, at)

    async def _reversal(self, known: Discrepancy) -> _Done:
        """The reversal of what stands in our books more often than it happened, or did not happen at all."""
        transfers: list[Transfer] = []
        done: list[str] = []
        for row in known.spare[:DUPLICATES_MAX]:
            recorded = await self._of_row(row)
            if sum(each.amount for each in recorded) != abs(row.amount):
                continue
            at = len(known.reversed_rows) + len(done)
            transfers += [
                reverse(each, f"{known.discrepancy_id}.reverse.{at}.{place}") for place, each in enumerate(recorded)
            ]
            done.append(row.row_id)
        if not transfers:
            raise NothingToReverse
        return _Done(transfers=tuple(linked(transfers)), reversed_rows=tuple(done))

    async def _of_row(self, row: Row) -> Sequence[Recorded]:
        whole = row.row_id.removesuffix(".failed")
        tail = row.row_id[len(whole) :]
        price = row.row_id.replace(".sent", ".fee") if row.row_id.endswith((".sent", ".sent.back")) else ""
        named = [row.row_id, *(f"{whole}.{line}{tail}" for line in LINES), *([price] if price else [])]
        found = await self.ledger.transfers(named)
        return [
            each
            for each in found
            if each.state is TransferState.FINAL and each.amount and cause_of(each, row.account) == row.row_id
        ]

    async def _row(self, discrepancy_id: str, actor: Actor, version: int | None = None) -> Kept[Discrepancy]:
        actor.must_operate()
        row = await self.discrepancies.row(discrepancy_id)
        if version is not None and row.version != version and not row.value.is_over:
            raise ReadAgain
        return row

    async def _become(self, row: Kept[Discrepancy], after: Discrepancy, actor: Actor) -> Discrepancy:
        if writes := books.discrepancy_becomes(row, after, actor, self.clock.now()):
            await self.table.transact(*writes)
        return after


def _correction(known: Discrepancy) -> _Done:
    """The posting that makes our books follow the other side. Raises `NoDifference`.

    Costs bear it, except of our own money: what the bank has more of it, the processor has less.
    """
    if not known.amount:
        raise NoDifference
    account = f"{books.expected_account(Side.LEDGER, known.movement)}:{known.currency}"
    own = known.movement in books.OWN_MONEY
    transfers = corrected(
        f"{known.discrepancy_id}.{len(known.history)}",
        known.key[:200],
        account,
        Money(abs(known.amount), known.currency),
        comes_in=known.amount > 0,
        against=chart.processor(known.currency) if own else None,
    )
    return _Done(transfers=tuple(transfers), corrected=known.amount)
