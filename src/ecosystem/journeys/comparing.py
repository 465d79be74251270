"""Comparing a day: rows of the days up to it, of all three sides, matched; and the proof that each side's day adds up.

It only reads: our books from the table, what processor and bank said from the files that were kept. A process beside the
one that serves does it, and says how far it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import Entries
from ecosystem.contexts.ledger import Ledger, Statements, chart
from ecosystem.contexts.payments import Payments, Refunds
from ecosystem.contexts.payouts import PayoutBook, WithdrawalBook
from ecosystem.contexts.reconciliation import (
    OPEN_STATES,
    WINDOW_DAYS,
    Discrepancies,
    Item,
    Kind,
    Matching,
    Movement,
    Proof,
    Row,
    Runs,
    Side,
    id_of,
    judged,
)
from ecosystem.journeys.reconciliation_files import DayFile, DayFiles
from ecosystem.journeys.reconciliation_ledger import LedgerRows
from ecosystem.kernel.money import currencies
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table

ITEMS_MAX = 3_000
SLICE = 500
_DAYS = frozenset({Kind.LATE, Kind.EARLY})


class Compared(Struct, frozen=True, kw_only=True):
    """What comparing a day came to. `more` items are not told here, `unread` are sides without a file of that day."""

    rows: dict[str, int]
    agreed: int
    on_their_way: int
    items: tuple[Item, ...]
    more: int
    proofs: tuple[Proof, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparing:
    ledger: Ledger
    rows: LedgerRows
    files: DayFiles
    runs: Runs

    async def compare(self, day: date, until: date) -> AsyncIterator[dict[str, int] | Compared]:
        """How many rows of each side were read so far, now and then; what it came to is told last."""
        known = [name for name in sorted(currencies()) if await self._is_used(name)]
        first = day - timedelta(days=WINDOW_DAYS - 1)
        matching, read = Matching(as_of=day, first=first), Counter[str]()
        await self._carry(matching, first)
        batch: list[Row] = []
        for currency in known:
            async for row in self.rows.rows(first, day, currency):
                batch.append(row)
                if len(batch) == SLICE:
                    matching.take(batch)
                    read[Side.LEDGER] += len(batch)
                    batch = []
                    yield dict(read)
        matching.take(batch)
        read[Side.LEDGER] += len(batch)
        today: dict[Side, DayFile | None] = {}
        at = first
        while at <= day:
            for side in (Side.PROCESSOR, Side.BANK):
                file = await self.files.of(side, at)
                today[side] = file
                rows = file.rows if file else ()
                for start in range(0, len(rows), SLICE):
                    matching.take(rows[start : start + SLICE])
                    await asyncio.sleep(0)
                read[side] += len(rows)
            yield dict(read)
            at += timedelta(days=1)
        # What was booked after the day counts where another side told of it within: then it is late, and not missing.
        for currency in known:
            later = [row async for row in self.rows.rows(day + timedelta(days=1), until, currency)]
            matching.take(row for row in later if matching.is_open(row.key))
        found = matching.end()
        differing = [item for item in found.differing if not await self._is_settled(item, first, day)]
        yield Compared(
            rows=dict(read),
            agreed=found.agreed,
            on_their_way=len(found.on_their_way),
            items=tuple(differing[:ITEMS_MAX]),
            more=max(0, len(differing) - ITEMS_MAX),
            proofs=tuple([proof async for proof in self._proofs(day, until, known, today)]),
            unread=tuple([side for side, file in today.items() if file is None and await self._is_told(side, known)]),
        )

    async def _carry(self, matching: Matching, first: date) -> None:
        """What is open counts on when its days have left the window: one side may still tell of it."""
        async for known in self.rows.discrepancies.all_of(*OPEN_STATES):
            rows = [row for row in known.rows if row.on >= first or not await self._came_back(row)]
            matching.carry(known.key, rows, known.agreed_amount)

    async def _came_back(self, row: Row) -> bool:
        """Whether an entry that was handed over is on its way no more, because it was taken back."""
        return row.movement is Movement.ORIGINATED and bool(await self.ledger.transfers([f"{row.row_id}.back"]))

    async def _is_settled(self, item: Item, first: date, day: date) -> bool:
        """Whether it is over: accepted as it is, or mended, so that only days differ; rows before the window count."""
        row = await self.rows.discrepancies.find(id_of(item.key))
        if row is None:
            return False
        known = row.value
        before = tuple(each for each in known.rows if each.on < first)
        if known.is_over and before:
            if known.repaired_at is not None or known.agreed_amount is not None:
                return True
            whole = judged(replace(item, rows=(*before, *item.rows), kinds=(), missing=()), day)
            return set(whole.kinds) <= {*known.kinds, *_DAYS}
        return _DAYS.issuperset(item.kinds) and (known.is_over or not _DAYS.issuperset(known.kinds))

    async def _is_used(self, currency: str) -> bool:
        names = [f"{account}:{currency}" for account in ("processor", "bank", "clearing")]
        return bool(await self.ledger.positions(names))

    async def _is_told(self, side: Side, known: list[str]) -> bool:
        """Whether the side has money of ours to tell of."""
        accounts = ("bank", "clearing") if side is Side.BANK else ("processor",)
        return bool(await self.ledger.positions([f"{account}:{name}" for account in accounts for name in known]))

    async def _proofs(
        self, day: date, until: date, known: list[str], today: dict[Side, DayFile | None]
    ) -> AsyncIterator[Proof]:
        row = await self.runs.row(day - timedelta(days=1))
        before = {
            (proof.side, proof.account, proof.currency): proof.opening + proof.movements
            for proof in (row.value.proofs if row else ())
        }
        said = {
            (proof.side, proof.account, proof.currency): proof.closing
            for proof in (row.value.proofs if row else ())
            if proof.closing is not None
        }
        for currency in known:
            for account in ("processor", "clearing", "bank"):
                moved, count = await self.rows.moved(account, currency, day)
                opening = before.get((Side.LEDGER, account, currency))
                closing = await self._closing(account, currency, day, until)
                if opening is None:
                    opening = closing - moved
                yield Proof(
                    side=Side.LEDGER, account=account, currency=currency, opening=opening, movements=moved,
                    count=count, closing=closing,
                )  # fmt: skip
        for side, file in today.items():
            for balance in file.balances if file else ():
                place = (side, side.value, balance.currency)
                opening = said.get(place)
                if opening is None:
                    opening = balance.opening if balance.opening is not None else balance.closing - balance.movements
                yield Proof(
                    side=side, account=side.value, currency=balance.currency, opening=opening,
                    movements=balance.movements, count=balance.count, closing=balance.closing,
                )  # fmt: skip

    async def _closing(self, account: str, currency: str, day: date, until: date) -> int:
        """The balance after the day: what it is now, less what later days have moved."""
        name = f"{account}:{currency}"
        positions = await self.ledger.positions([name])
        if name not in positions:
            return 0
        closing = -positions[name].balances.net
        later = day + timedelta(days=1)
        while later <= until:
            moved, _ = await self.rows.moved(account, currency, later)
            closing -= moved
            later += timedelta(days=1)
        return closing


def comparing(table: Table, clock: Clock, files: DayFiles, entries: Entries) -> Comparing:
    """What compares days: it needs a table to read, and the files that were kept."""
    ledger = Ledger(table, clock, chart.account)
    rows = LedgerRows(
        ledger,
        Statements(table, ledger),
        Payments(table),
        Refunds(table),
        PayoutBook(table),
        WithdrawalBook(table),
        entries,
        Discrepancies(table),
    )
    return Comparing(ledger, rows, files, Runs(table))
