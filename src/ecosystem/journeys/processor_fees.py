"""What the processor takes for its services, read from its own list of our balance's entries and posted to the costs.

Each entry's fee is posted once, under the entry's id. A chargeback's fee is known with the chargeback, and posted with
it (`settlement`). No checkout waits for any of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from ecosystem.contexts import ledger as books
from ecosystem.contexts.catalogue import Providers, ProviderStatus
from ecosystem.contexts.ledger import Ledger, Transfer, Unpostable
from ecosystem.contexts.payouts import FeesTaken, fees_place
from ecosystem.kernel.money import Money
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Stale, Table
from ecosystem.ports.transfers import BalanceEntry, EntryKind, Transfers

OVERLAP = timedelta(hours=1)
"""What is read again: the processor's list may lack what arises while it is read."""

PAGES_MAX = 500
PAGES_NOTED = 20
"""After so many pages it is noted how far it came."""

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
    providers: Providers

    async def take_in(self, pages: int = PAGES_MAX) -> int:
        """Post the fees of the entries since the last time; how many were read. Raises `ProcessorSilent`.

        The first time it begins with the marketplace's first day: what the account cost before is not ours. Where many
        wait, the next time goes on where this one ended.
        """
        row = await self.table.get(fees_place(), FeesTaken)
        known = row.value if row else await self._first_day()
        if known is None:
            return 0
        until, after, read = known.reading or self.clock.now(), known.after, 0
        for turn in range(1, pages + 1):
            page = await self.transfers.balance_entries(None, since=known.until - OVERLAP, after=after)
            await self._post(page.items)
            read += len(page.items)
            after = page.after
            if after is None:
                await self._note(FeesTaken(until=until))
                break
            if turn % PAGES_NOTED == 0 or turn == pages:
                await self._note(FeesTaken(until=known.until, reading=until, after=after))
        return read

    async def _first_day(self) -> FeesTaken | None:
        """That nothing was read yet of what was made since the first provider came; None when there is none."""
        oldest = [(await self.providers.with_status(status, limit=1)).values for status in ProviderStatus]
        came = [provider.created_at for values in oldest for provider in values]
        return FeesTaken(until=min(came)) if came else None

    async def _post(self, entries: Sequence[BalanceEntry]) -> None:
        owed = [transfers for entry in entries if (transfers := fee_of(entry))]
        for start in range(0, len(owed), TOGETHER):
            for outcomes in await self.ledger.submit_all(owed[start : start + TOGETHER]):
                for outcome in outcomes:
                    if not outcome.stands:
                        raise Unpostable(f"The ledger refused the fee {outcome.transfer_id}: {outcome.result}.")

    async def _note(self, known: FeesTaken) -> None:
        row = await self.table.get(fees_place(), FeesTaken)
        if row and row.value.until > known.until:
            return
        with suppress(Stale):  # Somebody else read the same at the same time: what they noted is as true.
            await self.table.transact(Put(key=fees_place(), value=known, expected=row.unchanged if row else ABSENT))
