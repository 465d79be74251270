"""Our own books as rows: what touched the accounts at processor, bank and clearing house, by what caused it.

A cause may have several transfers (base and surcharge of a charge): together they are one row, under the id by which
the other side knows it. What was posted or reversed to mend a discrepancy counts with what it mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import Entries, NoSuchEntry
from ecosystem.contexts.ledger import Ledger, Line, Mark, NoSuchAccount, Recorded, Statements, chart
from ecosystem.contexts.payments import NoSuchPayment, Payments, Refunds
from ecosystem.contexts.payouts import PayoutBook, WithdrawalBook
from ecosystem.contexts.reconciliation import (
    OWN_MONEY,
    Discrepancies,
    Discrepancy,
    Movement,
    Row,
    Side,
    expected_account,
)
from ecosystem.journeys.reconciliation_files import bounds

PAGE = 200
_C = chart.TransferCode
_InOut = tuple[Movement, Movement]


def _each(codes: str, kinds: _InOut) -> dict[int, _InOut]:
    return {int(_C[code]): kinds for code in codes.split()}


_PROCESSOR: Mapping[int, _InOut] = {
    **_each("CHARGE_BASE CHARGE_SURCHARGE", (Movement.PAYMENT, Movement.PAYMENT)),
    **_each(
        "REFUND_BASE REFUND_SURCHARGE RETURN_PROVIDER RETURN_COMMISSION RETURN_SURCHARGE",
        (Movement.REFUND_FAILED, Movement.REFUND),
    ),
    **_each(
        """CHARGEBACK_BASE CHARGEBACK_SURCHARGE CHARGEBACK_PROVIDER CHARGEBACK_COMMISSION CHARGEBACK_LYING
        CHARGEBACK_BEYOND REINSTATE_BASE REINSTATE_SURCHARGE REINSTATE_PROVIDER REINSTATE_COMMISSION REINSTATE_LYING
        REINSTATE_BEYOND""",
        (Movement.CHARGEBACK_RETURNED, Movement.CHARGEBACK),
    ),
    **_each("CHARGEBACK_FEE REINSTATE_FEE PROCESSOR_FEE", (Movement.FEE, Movement.FEE)),
    **_each("PAYOUT_SENT PAYOUT_FEE", (Movement.TRANSFER_REVERSED, Movement.TRANSFER)),
}
"""What a transfer at the processor is when it comes in, and when it goes out."""

_OF_SALES = frozenset(_PROCESSOR) - {int(_C.PAYOUT_SENT), int(_C.PAYOUT_FEE), int(_C.PROCESSOR_FEE)}
"""Posted in several lines for one cause, over whichever rail."""

_BANK: Mapping[int, _InOut] = {
    **_each("WITHDRAWAL_ARRIVED", (Movement.WITHDRAWAL, Movement.WITHDRAWAL_RETURNED)),
    **_each("TOPPED_UP", (Movement.TOP_UP_RETURNED, Movement.TOP_UP)),
    **_each("PAYOUT_SETTLED", (Movement.CREDIT_RETURNED, Movement.CREDIT)),
    **_each("RETURN_HELD", (Movement.CREDIT_RETURNED, Movement.DEBIT_RETURNED)),
    **_each("BANK_FEE", (Movement.BANK_FEE, Movement.BANK_FEE)),
}


class Mended(Struct, frozen=True, kw_only=True):
    """What repairs have posted so far for the movements of a day, by key, and the rows of ours that were reversed."""

    corrected: Mapping[str, Row]
    reversed_rows: frozenset[str]


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """Reads the ledger's rows. It only reads, so that a process beside the one that serves may do it."""

    ledger: Ledger
    statements: Statements
    payments: Payments
    refunds: Refunds
    payouts: PayoutBook
    withdrawals: WithdrawalBook
    entries: Entries
    discrepancies: Discrepancies

    async def rows(self, first: date, last: date, currency: str) -> AsyncIterator[Row]:
        """Rows of the days from first to last, both included, in that currency."""
        mended = await self._mended(currency)
        corrected = {key: row for key, row in mended.corrected.items() if first <= row.on <= last}
        for account in ("clearing", "bank", "processor"):
            async for row in self._of_account(account, currency, first, last):
                if row.row_id in mended.reversed_rows:
                    continue
                if row.movement is Movement.ORIGINATED:
                    yield row
                    continue
                more = corrected.pop(row.key, None)
                yield replace(row, amount=row.amount + more.amount) if more else row
        for row in corrected.values():
            yield row

    async def moved(self, account: str, currency: str, day: date) -> tuple[int, int]:
        """What the day added to an account of ours, and by how many transfers."""
        total = count = 0
        async for line in self._lines(f"{account}:{currency}", day):
            total -= line.posted
            count += bool(line.posted)
        return total, count

    async def _mended(self, currency: str) -> Mended:
        corrected: dict[str, Row] = {}
        reversed_rows: set[str] = set()
        async for one in self.discrepancies.mended(currency):
            if one.corrected:
                corrected[one.key] = mended_row(one)
            reversed_rows.update(one.reversed_rows)
        return Mended(corrected=corrected, reversed_rows=frozenset(reversed_rows))

    async def _of_account(self, account: str, currency: str, first: date, last: date) -> AsyncIterator[Row]:
        kept: dict[str, Row] = {}
        day = first
        while day <= last:
            found: dict[tuple[str, Movement], Row] = {}
            async for line in self._lines(f"{account}:{currency}", day):
                made = await self._row(account, line, day)
                if made is None:
                    continue
                before = found.get((made.row_id, made.movement))
                found[made.row_id, made.movement] = (
                    replace(made, amount=before.amount + made.amount) if before else made
                )
            for row in found.values():
                if account != "clearing":
                    yield row
                elif row.amount > 0 and row.row_id.endswith(".back"):
                    kept.pop(row.row_id.removesuffix(".back"), None)
                else:
                    kept[row.row_id] = row
            day += timedelta(days=1)
        for row in kept.values():
            yield row

    async def _lines(self, account_id: str, day: date) -> AsyncIterator[Line]:
        start, end = bounds(day)
        after: Mark | None = None
        while True:
            try:
                page = await self.statements.account(account_id, start_at=start, end_at=end, after=after, limit=PAGE)
            except NoSuchAccount:
                return
            for line in page.lines:
                yield line
            after = page.next
            if after is None:
                return
            await asyncio.sleep(0)

    async def _row(self, account: str, line: Line, day: date) -> Row | None:
        made, amount = line.transfer, -line.posted
        if not amount or made.transfer_id.startswith("dcp_"):
            return None
        if account == "clearing":
            if line.counter_account_id.startswith("bank:"):
                return None
            movement = Movement.ORIGINATED
        elif account == "bank":
            movement = _BANK.get(made.code, (Movement.DEBIT, Movement.CREDIT))[amount < 0]
        elif line.counter_account_id.startswith("bank:"):
            return None  # Our own money: told once, with the bank's account.
        else:
            movement = _PROCESSOR.get(made.code, (Movement.OTHER, Movement.OTHER))[amount < 0]
            if _is_kept(made):
                movement = Movement.TRANSFER_REVERSED
        return Row(
            side=Side.LEDGER,
            row_id=cause_of(made, account),
            key=await self._key(made, movement),
            movement=movement,
            amount=amount,
            currency=made.ledger,
            on=day,
            account=account,
            title=made.reference,
        )

    async def _key(self, made: Recorded, movement: Movement) -> str:
        """The id by which the other side knows what caused the transfer; ours, where it has none yet."""
        cause = made.transfer_id.split(".")[0]
        if movement is Movement.PAYMENT:
            try:
                payment = (await self.payments.payment(made.reference, cause)).value
            except NoSuchPayment:
                return cause
            return payment.charge_id or payment.intent_id or cause
        if movement in {Movement.REFUND, Movement.REFUND_FAILED}:
            refund = await self.refunds.refund(made.reference, cause)
            named = (refund.value.processor_id if refund else None) or cause
            return named if movement is Movement.REFUND else f"{named}#failed"
        if movement in {Movement.CHARGEBACK, Movement.CHARGEBACK_RETURNED, Movement.FEE}:
            return _of_chargeback_or_fee(made)
        if movement in OWN_MONEY:
            # A top-up was never asked for here: its cause is the processor's id.
            withdrawal = await self.withdrawals.find(cause)
            named = (withdrawal.value.rail_id if withdrawal else "") or cause
            return named if movement in {Movement.WITHDRAWAL, Movement.TOP_UP} else f"{named}#back"
        return await self._key_of_payout(made, cause, movement)

    async def _key_of_payout(self, made: Recorded, cause: str, movement: Movement) -> str:
        payout = await self.payouts.find(cause)
        if payout is not None:
            named = payout.value.rail_id if movement in _OVER_BANK else payout.value.transfer_id
            back = movement in {Movement.TRANSFER_REVERSED, Movement.CREDIT_RETURNED}
            return f"{named or cause}#back" if back else named or cause
        try:
            entry = (await self.entries.row(made.transfer_id.removesuffix(".back").rpartition(".")[0])).value
        except NoSuchEntry:
            # A customer's bank debit, or what goes back by credit: posted in the name of payment or refund.
            made_for = await self.entries.of(cause)
            return made_for[-1].trace_number if made_for else cause
        if entry.dishonors is not None and made.transfer_id.endswith(".held"):
            return f"{entry.dishonors.original_trace}#back"
        return f"{entry.trace_number}#back" if made.transfer_id.endswith(".back") else entry.trace_number


_OVER_BANK = frozenset({Movement.ORIGINATED, Movement.CREDIT, Movement.CREDIT_RETURNED, Movement.DEBIT})


def _is_kept(made: Recorded) -> bool:
    """Whether it is the price for speed that was kept of a payout which came back: it came back with that much less."""
    return made.code == _C.PROCESSOR_FEE and made.transfer_id.startswith(f"{made.reference}.kept.")


def cause_of(made: Recorded, account: str) -> str:
    """What names the row: the transfer's id without its line, and all of it where each transfer stands for itself.

    A payout's price for speed goes, and comes back, in one movement with what reaches the bank.
    """
    if account == "processor" and made.code == _C.PAYOUT_FEE:
        return made.transfer_id.replace(".fee", ".sent")
    if account == "processor" and _is_kept(made):
        return f"{made.reference}.sent.back"
    in_lines = account == "processor" or (account == "clearing" and made.code in _OF_SALES)
    if not in_lines or made.code in {_C.PAYOUT_SENT, _C.PROCESSOR_FEE, _C.CHARGEBACK_FEE, _C.REINSTATE_FEE}:
        return made.transfer_id
    back = ".failed" if made.transfer_id.endswith(".failed") else ""
    return f"{made.transfer_id.removesuffix('.failed').rpartition('.')[0]}{back}"


def mended_row(known: Discrepancy) -> Row:
    """What was posted for a movement that our books do not have otherwise."""
    return Row(
        side=Side.LEDGER, row_id=f"{known.key}.correction", key=known.key, movement=known.movement,
        amount=known.corrected, currency=known.currency, on=known.moved_on,
        account=expected_account(Side.LEDGER, known.movement),
    )  # fmt: skip


def _of_chargeback_or_fee(made: Recorded) -> str:
    """`dp_x.1.base` is `dp_x#taken`, its fee `dp_x#taken#fee`; the fee of `txn_x` is `txn_x#fee`."""
    cause = made.transfer_id.rpartition(".")[0]
    if made.code == _C.PROCESSOR_FEE:
        return f"{cause}#fee"
    taken = made.code < _C.REINSTATE_BASE
    key = f"{cause.rpartition('.')[0]}#{'taken' if taken else 'back'}"
    return f"{key}#fee" if made.code in {_C.CHARGEBACK_FEE, _C.REINSTATE_FEE} else key
