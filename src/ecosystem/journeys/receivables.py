"""What providers owe: kept beside the ledger by following its accounts, shown by age, given up by an operator's word.

While a balance is below nothing, nothing is paid out of it: what is earned next recovers it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ecosystem.contexts import ledger as books
from ecosystem.contexts import payouts as paying
from ecosystem.contexts.catalogue import Providers, ProviderUnknown
from ecosystem.contexts.ledger import Account, Ledger, Statements, chart
from ecosystem.contexts.payouts import Aged, Debit, GiveUp, Receivable, ReceivableBook, ReceivablesTaken, WriteOff
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, IdReused, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, ChangesForgotten, Cursor, Delete, Put, Row, Stale, Table, Write

log = logging.getLogger(__name__)
ATTEMPTS_MAX = 8
STEPS_MAX = 200
STEP = 250
TOGETHER = 90
"""So many balances are written in one transaction."""
SKIPPED_MAX = 5_000
LINES = 200
PAGES_MAX = 10


class ReceivablesBusy(Unavailable):
    """Others took in the same changes at the same time, again and again."""


class Owed(Struct, frozen=True, kw_only=True):
    """What one provider owes in one currency, by age. `name` is empty when there is no such provider any more."""

    receivable: Receivable
    name: str
    aged: Aged


@dataclass(frozen=True, slots=True)
class Receivables:
    """For operators."""

    table: Table
    clock: Clock
    providers: Providers
    ledger: Ledger
    statements: Statements
    book: ReceivableBook

    async def all(self, actor: Actor) -> Sequence[Owed]:
        """Every balance below nothing, by age, the oldest first."""
        actor.must_operate()
        page = await self.book.all()
        found = [await self._owed(receivable) for receivable in page.values]
        return [each for each in found if each.aged.units]

    async def of(self, provider_id: str, currency: str, actor: Actor) -> Aged:
        """What a provider owes in a currency, by age; nothing when nothing is owed."""
        actor.must_operate()
        return await self._aged(provider_id, currency)

    async def given_up(self, provider_id: str, actor: Actor) -> Sequence[WriteOff]:
        """What a provider was let off, newest first."""
        actor.must_operate()
        return await self.book.write_offs(provider_id)

    async def give_up(self, request: GiveUp, actor: Actor) -> WriteOff:
        """Write off what a provider owes, or a part: it becomes a cost. Once per id.

        Raises `NothingOwed`, `Invalid`, `IdReused`.
        """
        ids.check(paying.WRITE_OFF_PREFIX, request.write_off_id)
        actor.must_operate()
        if earlier := await self.book.write_off(request.write_off_id):
            if (earlier.provider_id, earlier.amount, earlier.by) != (
                request.provider_id,
                request.amount,
                actor.actor_id,
            ):
                raise IdReused(field="write_off_id")
            return earlier
        for left in reversed(range(ATTEMPTS_MAX)):
            owed = await self._units(request.provider_id, request.amount.currency)
            made = paying.write_off(request, owed, actor, self.clock.now())
            posted = await self.ledger.writes(
                *books.written_off(request.provider_id, request.write_off_id, request.amount)
            )
            if not books.moves(posted, request.amount):
                continue  # Something was earned between the two readings.
            try:
                await self.table.transact(*paying.write_off_made(made, actor), *posted)
            except Stale:
                if not left:
                    raise
                continue
            return made
        raise ReceivablesBusy

    async def _owed(self, receivable: Receivable) -> Owed:
        try:
            name = (await self.providers.load(receivable.provider_id)).value.name
        except ProviderUnknown:
            name = ""
        return Owed(
            receivable=receivable,
            name=name,
            aged=await self._aged(receivable.provider_id, receivable.owed.currency),
        )

    async def _units(self, provider_id: str, currency: str) -> int:
        account_id = chart.provider(provider_id, currency)
        positions = await self.ledger.positions([account_id])
        return -positions[account_id].balances.net if account_id in positions else 0

    async def _aged(self, provider_id: str, currency: str) -> Aged:
        owed = await self._units(provider_id, currency)
        debits: list[Debit] = []
        after = None
        for _ in range(PAGES_MAX if owed > 0 else 0):
            page = await self.statements.account(chart.provider(provider_id, currency), after=after, limit=LINES)
            debits += [Debit(units=-line.posted, at=line.transfer.at) for line in page.lines if line.posted < 0]
            after = page.next
            if after is None or sum(each.units for each in debits) >= owed:
                break
        return paying.aged(max(0, owed), debits, self.clock.now())


@dataclass(slots=True)
class ReceivableFollower:
    """Keeps the list of balances below nothing true to the ledger's accounts. One at a time does the work."""

    table: Table
    clock: Clock
    book: ReceivableBook
    _place: Row[ReceivablesTaken] | None = field(default=None, init=False)
    _cursor: Cursor | None = field(default=None, init=False)
    _skipped: int = field(default=0, init=False)
    _is_loaded: bool = field(default=False, init=False)

    async def step(self, limit: int = STEP) -> int:
        """Take in up to that many changes of the table. How many there were: 0 when there is nothing new."""
        for _ in range(ATTEMPTS_MAX):
            await self._load()
            try:
                changes = await self.table.changes(self._cursor, limit=limit)
            except ChangesForgotten:
                log.warning("changes were forgotten: what providers owe is read from their accounts anew")
                await self.anew()
                return 1
            if not changes:
                return 0
            taken = paying.balances(changes)
            if len(taken) > TOGETHER:
                changes = changes[:TOGETHER]
                taken = paying.balances(changes)
            cursor = changes[-1].cursor
            writes = await self._writes(taken)
            self._skipped += len(changes)
            if (writes or self._skipped >= SKIPPED_MAX) and not await self._commits(writes, cursor):
                continue
            self._cursor = cursor
            return len(changes)
        raise ReceivablesBusy

    async def catch_up(self) -> int:
        """Take in what is new; how many changes there were."""
        total = 0
        for _ in range(STEPS_MAX):
            found = await self.step()
            total += found
            if not found:
                break
        return total

    async def anew(self) -> None:
        """Make the list from the accounts themselves, and go on from now."""
        newest = await self._newest()
        after: Cursor | None = None
        while True:
            page = await self.table.scan(Account, after=after)
            units = {
                named: row.counters.get("credits_posted", 0) - row.counters.get("debits_posted", 0)
                for row in page.rows
                if (named := paying.account_of_provider(row.key)) is not None
            }
            writes = await self._writes(units)
            for start in range(0, len(writes), TOGETHER):
                await self.table.transact(*writes[start : start + TOGETHER])
            after = page.next
            if after is None:
                break
        if newest is not None:
            await self._commits([], newest)
            self._cursor = newest

    async def _newest(self) -> Cursor | None:
        cursor: Cursor | None = None
        while changes := await self.table.changes(cursor):
            cursor = changes[-1].cursor
        return cursor

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self.table.hold_for(paying.receivables_place())
        self._place = await self.table.get(paying.receivables_place(), ReceivablesTaken)
        self._cursor = self._place.value.cursor if self._place else None
        self._skipped, self._is_loaded = 0, True

    async def _writes(self, units: Mapping[tuple[str, str], int]) -> list[Write]:
        writes: list[Write] = []
        named = list(units)
        for start in range(0, len(named), TOGETHER):
            some = named[start : start + TOGETHER]
            for (provider_id, currency), row in zip(some, await self.book.among(some), strict=True):
                balance = units[provider_id, currency]
                if balance < 0:
                    owed = Money(-balance, currency)
                    if row is None or row.value.owed != owed:
                        since = row.value.since if row else self.clock.now()
                        writes.append(paying.receivable_put(provider_id, owed, since))
                elif row is not None:
                    writes.append(Delete(key=row.key))
        return writes

    async def _commits(self, writes: list[Write], cursor: Cursor) -> bool:
        """Commit with the checkpoint; False when another follower was faster."""
        before = self._place
        self._is_loaded = False
        key, value = paying.receivables_place(), ReceivablesTaken(cursor=cursor)
        put = Put(key=key, value=value, expected=before.unchanged if before else ABSENT)
        try:
            await self.table.transact(put, *writes)
        except Conflict:
            return False
        self._place = Row(key=key, value=value, version=before.version + 1 if before else 1)
        self._is_loaded, self._skipped = True, 0
        return True
