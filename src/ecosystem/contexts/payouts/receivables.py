"""Receivables: what providers owe the platform, since when, and how old each part of it is.

A follower of the ledger's accounts keeps one item per balance below nothing; the ledger itself is the truth. A debt is
as old as the movements that made it: later credits pay the oldest part first, so what is left are the latest debits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from msgspec import Struct

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import DebtWrittenOff
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Change, Cursor, Index, Key, Page, Put, Row, Stored, Table, Write

AGES: Final = (30, 60, 90)
"""Days at which a debt comes into the next age: up to 30, 60, 90, and beyond."""

WRITE_OFF_PREFIX = "wof"
REASON_MAX = 500
LISTED_MAX = 500


class NothingOwed(Conflict):
    """Nothing is owed that could be written off."""


class Debit(Struct, frozen=True, kw_only=True):
    """A movement that took from a balance."""

    units: int
    at: datetime


class Aged(Struct, frozen=True, kw_only=True):
    """A debt by age, in minor units: up to 30 days, to 60, to 90, and older. `since` is when its oldest part was made."""

    parts: tuple[int, int, int, int]
    since: datetime | None

    @property
    def units(self) -> int:
        return sum(self.parts)


def aged(owed: int, debits: Iterable[Debit], at: datetime) -> Aged:
    """What is owed, by the age of the latest debits that make it; `debits` come newest first.

    What they do not explain counts as the oldest.
    """
    parts, left, since = [0, 0, 0, 0], owed, None
    for debit in debits:
        if left <= 0:
            break
        part = min(left, debit.units)
        parts[_age(debit.at, at)] += part
        left, since = left - part, debit.at
    parts[-1] += max(0, left)
    return Aged(parts=(parts[0], parts[1], parts[2], parts[3]), since=since)


def _age(made_at: datetime, at: datetime) -> int:
    days = (at - made_at).days
    return next((place for place, limit in enumerate(AGES) if days <= limit), len(AGES))


class Receivable(Stored, frozen=True, kw_only=True):
    """A provider's balance below nothing, as its account was last seen. `since` is when it fell below nothing."""

    entity: ClassVar[str] = "receivable"

    provider_id: str
    owed: Money
    since: datetime


class ReceivablesTaken(Stored, frozen=True, kw_only=True):
    """How far the follower of the accounts has come."""

    entity: ClassVar[str] = "receivables_taken"

    cursor: Cursor


class WriteOff(Stored, frozen=True, kw_only=True):
    """A debt that an operator gave up, and why."""

    entity: ClassVar[str] = "write_off"

    write_off_id: str
    provider_id: str
    amount: Money
    reason: str
    by: str
    at: datetime


class GiveUp(Struct, frozen=True, kw_only=True):
    """An operator's request to write off what a provider owes."""

    write_off_id: str
    provider_id: str
    amount: Money
    reason: str


def write_off(request: GiveUp, owed: int, actor: Actor, at: datetime) -> WriteOff:
    """Decide to give up a debt of so many minor units, or a part. For operators. Raises `NothingOwed`, `Invalid`."""
    actor.must_operate()
    if owed <= 0:
        raise NothingOwed
    if not 0 < request.amount.minor <= owed:
        raise Invalid("That is more than is owed, or nothing.", field="amount")
    if not request.reason.strip() or len(request.reason) > REASON_MAX:
        raise Invalid("Say why, in at most 500 characters: the books keep it.", field="reason")
    return WriteOff(
        write_off_id=request.write_off_id,
        provider_id=request.provider_id,
        amount=request.amount,
        reason=request.reason.strip(),
        by=actor.actor_id,
        at=at,
    )


def write_off_made(made: WriteOff, actor: Actor) -> list[Write]:
    """The writes of a debt given up; its posting is the ledger's. `IdReused` when the id is taken."""
    key = keys.write_off(made.write_off_id)
    fact = DebtWrittenOff(
        write_off_id=made.write_off_id, provider_id=made.provider_id, amount=made.amount, reason=made.reason
    )
    return [
        Put(
            key=key,
            value=made,
            index={Index.PROVIDER: Key(keys.write_offs(made.provider_id), keys.place(made.at, made.write_off_id))},
            expected=ABSENT,
            otherwise=IdReused(field="write_off_id"),
        ),
        announce(fact, aggregate=key.partition, sequence=1, actor=actor, at=made.at),
    ]


def account_of_provider(key: Key) -> tuple[str, str] | None:
    """The provider and the currency of the ledger account at that key; None for everything else."""
    return keys.provider_account(key)


def receivables_place() -> Key:
    """Where the follower notes how far it has come."""
    return keys.receivables_taken()


def balances(changes: Sequence[Change]) -> Mapping[tuple[str, str], int]:
    """The latest balance of each provider's account that these changes touch, by provider and currency."""
    found: dict[tuple[str, str], int] = {}
    for change in changes:
        if change.new is None or (named := keys.provider_account(change.key)) is None:
            continue
        counters = change.new.counters
        found[named] = counters.get("credits_posted", 0) - counters.get("debits_posted", 0)
    return found


def receivable_put(provider_id: str, owed: Money, since: datetime) -> Put:
    """The write of a balance below nothing."""
    key = keys.receivable(provider_id, owed.currency)
    value = Receivable(provider_id=provider_id, owed=owed, since=since)
    return Put(
        key=key,
        value=value,
        index={Index.STATUS: Key(keys.receivables(), keys.place(since, f"{provider_id}#{owed.currency}"))},
    )


@dataclass(frozen=True, slots=True)
class ReceivableBook:
    """Finds receivables and debts that were given up."""

    table: Table

    async def all(self, *, after: Cursor | None = None, limit: int = LISTED_MAX) -> Page[Receivable]:
        """Balances below nothing, the oldest first."""
        return await self.table.query(keys.receivables(), Receivable, index=Index.STATUS, after=after, limit=limit)

    async def among(self, named: Sequence[tuple[str, str]]) -> list[Row[Receivable] | None]:
        """What is kept of these, each a provider and a currency; at most a hundred."""
        return await self.table.batch_get([keys.receivable(*each) for each in named], Receivable) if named else []

    async def write_off(self, write_off_id: str) -> WriteOff | None:
        row = await self.table.get(keys.write_off(write_off_id), WriteOff)
        return row.value if row else None

    async def write_offs(self, provider_id: str, limit: int = 50) -> Sequence[WriteOff]:
        """What a provider was let off, newest first."""
        page = await self.table.query(
            keys.write_offs(provider_id), WriteOff, index=Index.PROVIDER, descending=True, limit=limit
        )
        return page.values
