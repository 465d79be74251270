"""What processor and bank say of a day, made into rows and kept as it was compared: one file for each side and day.

The network is asked by the process that serves; what is kept is read by the process that compares.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import msgspec
from msgspec import Struct

from ecosystem.contexts.ach import Ach, BankStatement, StatementLine, fee_id
from ecosystem.contexts.payouts import PayoutBook, PayoutStatus, Rail
from ecosystem.contexts.reconciliation import OWN_MONEY, WINDOW_DAYS, Movement, Row, Side
from ecosystem.ports.blobs import BlobMissing, Blobs
from ecosystem.ports.clock import Clock
from ecosystem.ports.transfers import BalanceEntry, EntryKind, Transfers

PAGES_MAX = 100_000
LOOK_BACK = timedelta(days=10)
MOVEMENTS = {
    EntryKind.PAYMENT: Movement.PAYMENT,
    EntryKind.REFUND: Movement.REFUND,
    EntryKind.REFUND_FAILED: Movement.REFUND_FAILED,
    EntryKind.CHARGEBACK: Movement.CHARGEBACK,
    EntryKind.CHARGEBACK_RETURNED: Movement.CHARGEBACK_RETURNED,
    EntryKind.TRANSFER: Movement.TRANSFER,
    EntryKind.TRANSFER_REVERSED: Movement.TRANSFER_REVERSED,
    EntryKind.PAYOUT: Movement.WITHDRAWAL,
    EntryKind.PAYOUT_RETURNED: Movement.WITHDRAWAL_RETURNED,
    EntryKind.TOP_UP: Movement.TOP_UP,
    EntryKind.FEE: Movement.FEE,
}


class DayBalance(Struct, frozen=True, kw_only=True):
    """What an account held after the day by its owner's word, and before it, if they say so; in minor units."""

    currency: str
    closing: int
    movements: int
    count: int
    opening: int | None = None


class DayFile(Struct, frozen=True, kw_only=True):
    """One side's day."""

    side: Side
    day: date
    rows: tuple[Row, ...]
    balances: tuple[DayBalance, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DayFile).decode


def bounds(day: date) -> tuple[datetime, datetime]:
    """The instants at which a UTC day begins and the next one does."""
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayFiles:
    """Keeps and reads the files."""

    blobs: Blobs

    async def keep(self, file: DayFile) -> None:
        await self.blobs.put(_name(file.side, file.day), _encode(file))

    async def of(self, side: Side, day: date) -> DayFile | None:
        """The side's file of that day; None when there is none."""
        try:
            return _decode(await self.blobs.get(_name(side, day)))
        except BlobMissing:
            return None


@dataclass(frozen=True, slots=True)
class Collecting:
    """Asks processor and bank for a day, and keeps what they say."""

    clock: Clock
    transfers: Transfers
    payouts: PayoutBook
    ach: Ach
    files: DayFiles

    async def collect(self, day: date) -> None:
        """Keep both sides' files of the day, and of days before it that have none yet. Raises `ProcessorSilent`."""
        days = [day - timedelta(days=back) for back in range(WINDOW_DAYS - 1, 0, -1)]
        wanted = [each for each in days if await self.files.of(Side.PROCESSOR, each) is None]
        await self._processor([*wanted, day])
        for each in [*days, day]:
            statement = await self.ach.statements.day(each)
            if statement is not None and (each == day or await self.files.of(Side.BANK, each) is None):
                await self.files.keep(await self._bank(statement))

    async def _processor(self, days: Sequence[date]) -> None:
        """Keep the processor's files of these days."""
        entries = [entry async for entry in self._entries(bounds(days[0])[0])]
        entries.sort(key=lambda each: (each.made_at, each.entry_id))
        balance = await self.transfers.balance(None)
        backs = await self._taken_back(days[-1], entries)
        for day in days:
            start, end = bounds(day)
            of_day = [entry for entry in entries if start <= entry.made_at < end]
            balances: list[DayBalance] = []
            for funds in balance.funds:
                since = sum(entry.net for entry in entries if entry.currency == funds.currency and entry.made_at >= end)
                moved = [entry.net for entry in of_day if entry.currency == funds.currency]
                closing = funds.available + funds.pending - since
                balances.append(
                    DayBalance(currency=funds.currency, closing=closing, movements=sum(moved), count=len(moved))
                )
            rows = [row for entry in of_day for row in _of_processor(entry, backs)]
            await self.files.keep(DayFile(side=Side.PROCESSOR, day=day, rows=tuple(rows), balances=tuple(balances)))

    async def _entries(self, since: datetime) -> AsyncIterator[BalanceEntry]:
        after: str | None = None
        for _ in range(PAGES_MAX):
            page = await self.transfers.balance_entries(None, since=since, after=after)
            for entry in page.items:
                yield entry
            after = page.after
            if after is None:
                return

    async def _taken_back(self, day: date, entries: Sequence[BalanceEntry]) -> dict[str, str]:
        """The transfer that each reversal of these entries takes back, by the id of entry and of reversal."""
        found: dict[str, str] = {}
        if not any(entry.kind is EntryKind.TRANSFER_REVERSED for entry in entries):
            return found
        start, end = bounds(day)
        start -= timedelta(days=WINDOW_DAYS)
        for status in (PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED):
            ended = await self.payouts.ended(status, Rail.STRIPE, start - LOOK_BACK, end + LOOK_BACK)
            for payout in ended:
                if payout.transfer_id:
                    for reversal in await self.transfers.reversals(payout.transfer_id):
                        found[reversal.processor_id] = payout.transfer_id
                        if reversal.entry_id:
                            found[reversal.entry_id] = payout.transfer_id
        return found

    async def _bank(self, statement: BankStatement) -> DayFile:
        rows: list[Row] = []
        lines = await self.ach.statements.lines(statement.day)
        for line in lines:
            rows += await self._of_bank(line, statement.currency)
            await asyncio.sleep(0)
        movements = sum(line.cents if line.is_in else -line.cents for line in lines)
        balance = DayBalance(
            currency=statement.currency,
            opening=statement.opening_cents,
            closing=statement.closing_cents,
            movements=movements,
            count=len(lines),
        )
        return DayFile(side=Side.BANK, day=statement.day, rows=tuple(rows), balances=(balance,))

    async def _of_bank(self, line: StatementLine, currency: str) -> list[Row]:
        """A line's rows: of a batch of ours that settled as it was, each of its entries; else the line itself."""
        row = _line_row(line, currency)
        if line.type_code not in {"166", "466"}:
            return [row]
        reference, _, number = line.customer_reference.partition("/")
        file = await self.ach.delivering.by_reference(reference)
        batch = next((each for each in file.batches if str(each.number) == number), None) if file else None
        if file is None or batch is None:
            return [row]
        left_out = {each.trace_number for each in file.left_out}
        of_batch = [
            msgspec.structs.replace(
                row,
                row_id=f"{row.row_id}/{entry.trace_number}",
                key=entry.trace_number,
                amount=entry.cents if line.is_in else -entry.cents,
                title=f"{row.title}, entry {entry.trace_number}",
            )
            async for entry in self.ach.building.entries_of(file.file_id)
            if entry.batch == batch.kind and entry.trace_number not in left_out
        ]
        told = sum(each.amount for each in of_batch)
        if told == row.amount:
            return [each for each in of_batch if each.amount]
        # The batch did not settle as it was: what the line is more or less stands for itself.
        return [*of_batch, msgspec.structs.replace(row, amount=row.amount - told)]


def _of_processor(entry: BalanceEntry, backs: dict[str, str]) -> list[Row]:
    source = entry.source_id or entry.entry_id
    movement = MOVEMENTS.get(entry.kind, Movement.OTHER)
    if movement is Movement.TOP_UP and entry.amount < 0:
        movement = Movement.TOP_UP_RETURNED
    if movement in {Movement.CHARGEBACK, Movement.CHARGEBACK_RETURNED}:
        key = f"{source}#{'taken' if movement is Movement.CHARGEBACK else 'back'}"
    elif movement is Movement.REFUND_FAILED:
        key = f"{source}#failed"
    elif movement is Movement.TRANSFER_REVERSED:
        key = f"{backs.get(source) or backs.get(entry.entry_id) or source}#back"
    elif movement in {Movement.WITHDRAWAL_RETURNED, Movement.TOP_UP_RETURNED}:
        key = f"{source}#back"
    elif movement is Movement.FEE:
        key = f"{entry.entry_id}#fee"
    else:
        key = source
    rows: list[Row] = []
    amount = -entry.amount if movement in OWN_MONEY else entry.amount
    row = Row(
        side=Side.PROCESSOR,
        row_id=entry.entry_id,
        key=key,
        movement=movement,
        amount=amount,
        currency=entry.currency,
        on=entry.made_at.date(),
        account=Side.PROCESSOR,
        title=entry.description or entry.category,
    )
    if entry.amount:
        rows.append(row)
    if entry.fee:
        of_chargeback = movement in {Movement.CHARGEBACK, Movement.CHARGEBACK_RETURNED}
        rows.append(
            msgspec.structs.replace(
                row,
                row_id=f"{entry.entry_id}#fee",
                key=f"{key}#fee" if of_chargeback else f"{entry.entry_id}#fee",
                movement=Movement.FEE,
                amount=-entry.fee,
                title=f"Fee: {row.title}",
            )
        )
    return rows


_LINE_MOVEMENTS = {
    "466": Movement.CREDIT,
    "166": Movement.DEBIT,
    "257": Movement.CREDIT_RETURNED,
    "557": Movement.DEBIT_RETURNED,
    "142": Movement.WITHDRAWAL,
    "455": Movement.TOP_UP,
    "698": Movement.BANK_FEE,
}


def _line_row(line: StatementLine, currency: str) -> Row:
    movement = _LINE_MOVEMENTS.get(line.type_code, Movement.BANK_OTHER)
    named = fee_id(line) if movement is Movement.BANK_FEE else line.customer_reference or line.bank_reference
    returned = movement in {Movement.CREDIT_RETURNED, Movement.DEBIT_RETURNED}
    return Row(
        side=Side.BANK,
        row_id=f"{line.day}#{line.number}",
        key=f"{named}#back" if returned else named or f"{line.day}#{line.number}",
        movement=movement,
        amount=line.cents if line.is_in else -line.cents,
        currency=currency,
        on=line.day,
        account=Side.BANK,
        title=line.text or line.customer_reference,
    )


def _name(side: Side, day: date) -> str:
    return f"system/reconciliation/{side}/{day:%Y-%m-%d}.msgpack"
