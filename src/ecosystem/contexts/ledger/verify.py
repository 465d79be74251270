"""Every invariant of the ledger, read from the stored items and nothing else.

- Debits equal credits in each ledger, over the accounts' counters.
- Each account's counters are the sums of its transfers (of a summed account: of those its sequencer took in).
- No account that must not be overdrawn is, and the room it is held to is what its balances say.
- What was settled was pending, and was settled once, by a transfer that is there; nothing is pending for too long.
- The held money of each booking is what the caller expects: that of unreleased bookings, and no other.

Items are read page by page. Sums are kept for a bounded number of accounts at a time: a ledger with more is read in
several passes. A scan is no snapshot: an account that seems wrong is looked at again by itself, and one that moved
since the caller looked at its bookings is counted, not judged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

import msgspec
from msgspec import Struct, structs

from ecosystem.contexts.ledger import keys
from ecosystem.contexts.ledger.accounts import Account, AccountFlag, Balances, position
from ecosystem.contexts.ledger.chart import booking_of
from ecosystem.contexts.ledger.sequencer import Checkpoint
from ecosystem.contexts.ledger.transfers import Recorded, State, TransferFlag, is_summed, recorded
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Index, Row, Table, every
from ecosystem.ports.table_limits import BATCH_MAX

FINDINGS_SHOWN = 100
ACCOUNTS_TOGETHER = 500_000
"""Accounts whose sums are kept in memory at once: about 200 MB."""
SUSPECTS_MAX = 1000
PAGE = 1000
ATTEMPTS_MAX = 5
LATE = timedelta(minutes=1)
"""A transfer may bear a time this much before its commit."""


class SequencerHasty(Unavailable):
    """The totals moved each time they were looked at; try again in a quieter moment."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is not as it must be."""

    rule: str
    about: str
    detail: str


class LedgerTotals(Struct, kw_only=True):
    """What the accounts of one ledger (a currency) add up to, with what the sequencer has not taken in yet."""

    accounts: int = 0
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    escrow_held: int = 0


class Verified(Struct, kw_only=True):
    """What was read, and every finding: `findings` are the first ones, `found` counts all.

    `payouts` are the payouts that have an account. `moved` are accounts that changed while they were read and were looked at again. When any transfer was made
    meanwhile (`is_quiet` is False), the ledgers' totals are no snapshot and are not held to balance.
    """

    at: datetime
    accounts: int = 0
    transfers: int = 0
    failed_ids: int = 0
    pending: int = 0
    settled: int = 0
    escrows_compared: int = 0
    passes: int = 0
    moved: int = 0
    is_quiet: bool = True
    ledgers: dict[str, LedgerTotals] = msgspec.field(default_factory=dict[str, LedgerTotals])
    payouts: set[str] = msgspec.field(default_factory=set[str])
    found: int = 0
    findings: list[Finding] = msgspec.field(default_factory=list[Finding])

    @property
    def holds(self) -> bool:
        return self.found == 0

    def find(self, rule: str, about: str, detail: str) -> None:
        self.found += 1
        if len(self.findings) < FINDINGS_SHOWN:
            self.findings.append(Finding(rule=rule, about=about, detail=detail))


async def verify(
    table: Table,
    clock: Clock,
    *,
    held: Mapping[str, Money] | None = None,
    held_at: datetime | None = None,
    pending_before: datetime | None = None,
    accounts_together: int = ACCOUNTS_TOGETHER,
) -> Verified:
    """Read the whole ledger and report what holds.

    `held` is the money each unreleased booking should have in escrow, as it was at `held_at`; without it that rule is
    not asked. `pending_before` is the instant before which nothing should still be pending.
    """
    verified = Verified(at=clock.now())
    reading = _Reading(table, verified, pending_before, accounts_together)
    began = await reading.sequenced()
    await reading.accounts(held, held_at or verified.at)
    tail = await reading.sequenced()
    for bucket in range(reading.buckets):
        await reading.transfers(bucket)
    await reading.since(tail)
    await reading.balanced(began)
    return verified


class _Sum:
    """What the transfers of one account add up to, in the order of `Balances`."""

    __slots__ = ("ledger", "sums")

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger
        self.sums = [0, 0, 0, 0]

    def add(self, made: Recorded, *, debit: bool, sign: int = 1) -> None:
        pending, posted = made.moved
        side = 0 if debit else 2
        self.sums[side] += sign * pending
        self.sums[side + 1] += sign * posted


@dataclass(slots=True)
class _Reading:
    table: Table
    verified: Verified
    pending_before: datetime | None
    accounts_together: int
    buckets: int = 1
    summed: dict[str, _Sum] = field(default_factory=dict[str, _Sum])
    from_transfers: dict[str, _Sum] = field(default_factory=dict[str, _Sum])
    late: dict[str, Recorded] = field(default_factory=dict[str, Recorded])

    async def accounts(self, held: Mapping[str, Money] | None, held_at: datetime) -> None:
        """Read each account by itself: its room, its escrow."""
        unseen = {booking_id for booking_id, money in (held or {}).items() if money}
        async for row in every(self.table, Account):
            self.verified.accounts += 1
            self._account(row)
            kind, _, name = row.value.account_id.partition(":")
            if kind == "payout":
                self.verified.payouts.add(name)
            booking_id = booking_of(row.value.account_id)
            if booking_id is not None and held is not None:
                unseen.discard(booking_id)
                await self._escrow(row, held.get(booking_id), held_at)
        for booking_id in sorted(unseen):
            self.verified.find("escrow", booking_id, "its money should be held, but it has no account")
        self.buckets = self.verified.passes = max(1, -(-self.verified.accounts // self.accounts_together))

    async def sequenced(self) -> Cursor | None:
        """Add to the totals of summed accounts what their sequencer has yet to take in; the last change there is."""
        for _ in range(ATTEMPTS_MAX):
            before = await self.table.get(keys.checkpoint_key(), Checkpoint)
            for name, total in self.summed.items():
                row = await self.table.get(keys.account_key(name), Account)
                total.sums = _sums(position(row).balances) if row else [0, 0, 0, 0]
            after = await self.table.get(keys.checkpoint_key(), Checkpoint)
            if (before and before.version) == (after and after.version):
                break
        else:
            raise SequencerHasty
        tail = Cursor(before.value.cursor) if before else None
        async for made, reached in self._changes(tail):
            _add_summed(self.summed, made)
            tail = reached
        return tail

    async def transfers(self, bucket: int) -> None:
        """Read every transfer, and compare the accounts of one bucket with the sums of their transfers."""
        sums: dict[str, _Sum] = {}
        settling: list[Recorded] = []
        async for row in every(self.table, Recorded):
            made = row.value
            if bucket == 0:
                self._transfer(made)
                if made.settled_by or made.pending_id:
                    settling.append(made)
                if len(settling) == BATCH_MAX:
                    await self._settled(settling)
            if made.state is not State.FAILED:
                self._sum(made, sums, bucket)
        await self._settled(settling)
        await self._compare(sums, bucket)

    async def since(self, tail: Cursor | None) -> None:
        """Compare the summed accounts, leaving out the transfers made after their totals were read."""
        async for made, _ in self._changes(tail):
            if made is not None and made.transfer_id in self.late:
                _add_summed(self.from_transfers, made, -1)
        for name, total in self.summed.items():
            transfers = self.from_transfers.get(name) or _Sum(total.ledger)
            if transfers.sums != total.sums:
                detail = f"its totals are {total.sums}, its transfers add up to {transfers.sums}"
                self.verified.find("sums", name, detail)

    async def balanced(self, began: Cursor | None) -> None:
        """Hold the ledgers to debits equal credits. What moved while it was read cannot be added up."""
        for total in self.summed.values():
            self._total(total.ledger, total.sums)
        async for made, _ in self._changes(began):
            self.verified.is_quiet = self.verified.is_quiet and made is None
        if not self.verified.is_quiet:
            return
        for name, ledger in self.verified.ledgers.items():
            debited, credited = (
                (ledger.debits_pending, ledger.debits_posted),
                (ledger.credits_pending, ledger.credits_posted),
            )
            if debited != credited:
                self.verified.find("balance", name, f"debits are {debited}, credits {credited} (pending, posted)")

    def _account(self, row: Row[Account]) -> None:
        account, balances = row.value, position(row).balances
        self.verified.ledgers.setdefault(account.ledger, LedgerTotals()).accounts += 1
        if account.is_summed:
            self.summed[account.account_id] = _Sum(account.ledger)
        else:
            self._total(account.ledger, _sums(balances))
        if min(_sums(balances)) < 0:
            self.verified.find("counters", account.account_id, f"a sum is below nothing: {_sums(balances)}")
        if account.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS:
            self._room(row, "credit_room", balances.credit_room)
        if account.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS:
            self._room(row, "debit_room", balances.debit_room)

    def _room(self, row: Row[Account], counter: str, room: int) -> None:
        name, held_to = row.value.account_id, row.counters.get(counter, 0)
        if room < 0:
            self.verified.find("overdrawn", name, f"{counter} is {room}")
        # An account with carried balances is only ever debited whole; its counter of room may be less.
        if held_to != room and (row.value.carried is None or held_to > room):
            self.verified.find("room", name, f"it is held to {held_to}, but its balances leave {room}")

    async def _escrow(self, row: Row[Account], expected: Money | None, held_at: datetime) -> None:
        account, net = row.value, position(row).balances.net
        self.verified.escrows_compared += 1
        self.verified.ledgers[account.ledger].escrow_held += net
        if (net, account.ledger) == ((expected.minor, expected.currency) if expected else (0, account.ledger)):
            return
        if await self._moved_since(account.account_id, held_at - LATE):
            self.verified.moved += 1
            return
        should = f"{expected.minor} {expected.currency}" if expected else "nothing"
        self.verified.find("escrow", account.account_id, f"{net} {account.ledger} held, {should} should be")

    def _transfer(self, made: Recorded) -> None:
        """Read one transfer by itself."""
        if made.state is State.FAILED:
            self.verified.failed_ids += 1
            return
        self.verified.transfers += 1
        if made.at >= self.verified.at - LATE and is_summed(made):
            self.late[made.transfer_id] = made
        is_pending = bool(made.flags & TransferFlag.PENDING)
        if is_pending != (made.state is not State.FINAL) or made.debit_account_id == made.credit_account_id:
            self.verified.find("transfer", made.transfer_id, "its flags, its state and its accounts contradict")
        if made.state is State.PENDING:
            self.verified.pending += 1
            if self.pending_before is not None and made.at < self.pending_before:
                self.verified.find("pending", made.transfer_id, f"nobody settled it since {made.at:%Y-%m-%d %H:%M} UTC")

    async def _settled(self, settling: list[Recorded]) -> None:
        """Hold posts and voids to what they settled, and what was settled to them; none waits afterwards."""
        found = await self.table.batch_get(
            [keys.transfer_key(made.settled_by or made.pending_id) for made in settling], Recorded
        )
        for made, row in zip(settling, found, strict=True):
            other = row.value if row else None
            settled, by = (made, other) if made.settled_by else (other, made)
            self.verified.settled += bool(made.settled_by)
            if settled is None or by is None or not _settles(by, settled):
                self.verified.find("settled", made.transfer_id, "what it settled, or was settled by, does not match")
        settling.clear()

    def _sum(self, made: Recorded, sums: dict[str, _Sum], bucket: int) -> None:
        if bucket == 0:
            _add_summed(self.from_transfers, made)
        for name, debit, summed in (
            (made.debit_account_id, True, made.debit_is_summed),
            (made.credit_account_id, False, made.credit_is_summed),
        ):
            if summed or crc32(name.encode()) % self.buckets != bucket:
                continue
            if name not in sums:
                sums[name] = _Sum(made.ledger)
            if sums[name].ledger != made.ledger:
                self.verified.find("transfer", made.transfer_id, f"{name} is of ledger {sums[name].ledger}")
            sums[name].add(made, debit=debit)

    async def _compare(self, sums: dict[str, _Sum], bucket: int) -> None:
        suspects: list[str] = []
        async for row in every(self.table, Account):
            name = row.value.account_id
            if row.value.is_summed or crc32(name.encode()) % self.buckets != bucket:
                continue
            total = sums.pop(name, None) or _Sum(row.value.ledger)
            if total.sums != _sums(position(row).balances) or total.ledger != row.value.ledger:
                suspects.append(name)
        for name in [*suspects, *sums][:SUSPECTS_MAX]:
            await self._alone(name)
        self.verified.found += max(0, len(suspects) + len(sums) - SUSPECTS_MAX)

    async def _alone(self, name: str) -> None:
        """Look again at one account, at rest: it may have moved between its transfers' scan and its own."""
        for _ in range(ATTEMPTS_MAX):
            before = await self.table.get(keys.account_key(name), Account)
            if before is None:
                self.verified.find("sums", name, "it has transfers, but there is no such account")
                return
            total = _Sum(before.value.ledger)
            for index, partition, debit in _sides(name):
                async for row in _query(self.table, partition, index):
                    total.add(row.value, debit=debit)
            after = await self.table.get(keys.account_key(name), Account)
            if after is not None and after.version == before.version:
                break
        else:
            self.verified.moved += 1
            return
        counted = _sums(position(before).balances)
        if total.sums == counted:
            self.verified.moved += 1
            return
        self.verified.find("sums", name, f"its counters are {counted}, its transfers add up to {total.sums}")

    async def _moved_since(self, name: str, at: datetime) -> bool:
        for index, partition, _ in _sides(name):
            page = await self.table.query(partition, Recorded, index=index, start=sortable(at), limit=1)
            if page.rows:
                return True
        return False

    async def _changes(self, cursor: Cursor | None) -> AsyncIterator[tuple[Recorded | None, Cursor]]:
        while changes := await self.table.changes(cursor, limit=PAGE):
            for change in changes:
                cursor = change.cursor
                yield recorded(change), cursor

    def _total(self, ledger: str, sums: list[int]) -> None:
        total = self.verified.ledgers.setdefault(ledger, LedgerTotals())
        total.debits_pending += sums[0]
        total.debits_posted += sums[1]
        total.credits_pending += sums[2]
        total.credits_posted += sums[3]


def _settles(by: Recorded, settled: Recorded) -> bool:
    """The post or void, and the pending transfer, tell the same story."""
    state = State.POSTED if by.flags & TransferFlag.POST else State.VOIDED
    return (
        bool(by.flags & TransferFlag.SETTLING)
        and by.pending_id == settled.transfer_id
        and settled.settled_by == by.transfer_id
        and settled.state is state
        and by.settled_units == settled.units
        and by.amount <= settled.amount
        and (by.debit_account_id, by.credit_account_id) == (settled.debit_account_id, settled.credit_account_id)
    )


def _add_summed(sums: dict[str, _Sum], made: Recorded | None, sign: int = 1) -> None:
    if made is None or made.state is State.FAILED:
        return
    for name, summed, debit in (
        (made.debit_account_id, made.debit_is_summed, True),
        (made.credit_account_id, made.credit_is_summed, False),
    ):
        if summed:
            sums.setdefault(name, _Sum(made.ledger)).add(made, debit=debit, sign=sign)


def _sums(balances: Balances) -> list[int]:
    return list(structs.astuple(balances))


def _sides(account_id: str) -> tuple[tuple[Index, str, bool], tuple[Index, str, bool]]:
    return (
        (keys.DEBIT_INDEX, keys.statement_partition("DEBIT", account_id), True),
        (keys.CREDIT_INDEX, keys.statement_partition("CREDIT", account_id), False),
    )


async def _query(table: Table, partition: str, index: Index) -> AsyncIterator[Row[Recorded]]:
    after: Cursor | None = None
    while True:
        page = await table.query(partition, Recorded, index=index, after=after, limit=PAGE)
        for row in page.rows:
            yield row
        if page.next is None:
            return
        after = page.next
