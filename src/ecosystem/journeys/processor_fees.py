"""What the processor takes for its services, read from its own list of our balance's entries and posted to the costs.

Each entry's fee is posted once, under the entry's id. A chargeback's fee is known with the chargeback, and posted with
it (`settlement`). No checkout waits for any of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ecosystem.contexts import ledger as books
from ecosystem.contexts.ledger import Ledger, Transfer, Unpostable
from ecosystem.contexts.payouts import FeesTaken, fees_place
from ecosystem.kernel.money import Money
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Table
from ecosystem.ports.transfers import BalanceEntry, EntryKind, Transfers

OVERLAP = timedelta(hours=1)
"""What is read again: the processor's list may lack what arises while it is read."""

PAGES_MAX = 500
TOGETHER = 30
_POSTED_ELSEWHERE = frozenset({EntryKind.CHARGEBACK, EntryKind.CHARGEBACK_RETURNED})


def fee_of(entry: BalanceEntry) -> list[Transfer]:
    """The transfer of what this entry cost us; none when it cost nothing, or is posted with its chargeback."""
    if entry.kind in _POSTED_ELSEWHERE:
        return []
    # An entry that is a fee has it as its amount.
    units = -entry.amount if entry.kind is EntryKind.FEE else entry.fee
    if not units:
        return []
    amount = Money(abs(units), entry.currency)
    return books.processor_fee(entry.entry_id, entry.source_id or entry.entry_id, amount, given_back=units < 0)


@dataclass(frozen=True, slots=True)
class ProcessorFees:
    table: Table
    clock: Clock
    transfers: Transfers
    ledger: Ledger

    async def take_in(self) -> int:
        """Post the fees of every entry since the last time; how many entries were read. Raises `ProcessorSilent`."""
        row = await self.table.get(fees_place(), FeesTaken)
        since = row.value.until - OVERLAP if row else None
        until = self.clock.now()
        read = 0
        after: str | None = None
        for _ in range(PAGES_MAX):
            page = await self.transfers.balance_entries(None, since=since, after=after)
            await self._post(page.items)
            read += len(page.items)
            after = page.after
            if after is None:
                await self._note(row, until)
                break
        return read

    async def _post(self, entries: Sequence[BalanceEntry]) -> None:
        owed = [transfers for entry in entries if (transfers := fee_of(entry))]
        for start in range(0, len(owed), TOGETHER):
            for outcomes in await self.ledger.submit_all(owed[start : start + TOGETHER]):
                for outcome in outcomes:
                    if not outcome.stands:
                        raise Unpostable(f"The ledger refused the fee {outcome.transfer_id}: {outcome.result}.")

    async def _note(self, row: Row[FeesTaken] | None, until: datetime) -> None:
        put = Put(key=fees_place(), value=FeesTaken(until=until), expected=row.unchanged if row else ABSENT)
        try:
            await self.table.transact(put)
        except Stale:
            return  # Somebody else read the same at the same time: what they noted is as true.
