"""Withdrawals: the platform's own money from its balance at the processor to its bank account.

Payouts in files leave from the bank account, so it has to be filled from what cards brought in.

| the processor says | the withdrawal becomes | ledger |
| --- | --- | --- |
| nothing yet | `intended` | - |
| it has it | `in_transit` | - |
| the bank took it | `arrived` | processor -> bank |
| it failed, also after it arrived | `failed` | the reverse, if it had arrived |
| it refused it | `failed` | - |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import (
    WithdrawalArrived,
    WithdrawalFact,
    WithdrawalFailed,
    WithdrawalIntended,
    WithdrawalMoving,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Cursor, Index, Key, Page, Put, Row, Stale, Stored, Table, Write

WITHDRAWAL_PREFIX = "wdr"
COMES_BACK_WITHIN = timedelta(days=10)
OPEN_MAX = 100


class NoSuchWithdrawal(NotFound):
    """There is no such withdrawal."""


class WithdrawalChanged(Stale):
    """The withdrawal changed meanwhile: read it again."""


class WithdrawalStatus(StrEnum):
    INTENDED = "intended"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    FAILED = "failed"


_RANK = {
    WithdrawalStatus.INTENDED: 0,
    WithdrawalStatus.IN_TRANSIT: 1,
    WithdrawalStatus.ARRIVED: 2,
    WithdrawalStatus.FAILED: 3,
}


class Withdraw(Struct, frozen=True, kw_only=True):
    """An operator's request for a withdrawal."""

    withdrawal_id: str
    amount: Money


class Withdrawal(Stored, frozen=True, kw_only=True):
    """One withdrawal. `rail_id` is the processor's id; `watched_until` is when nobody asks about it any more."""

    entity: ClassVar[str] = "withdrawal"

    withdrawal_id: str
    amount: Money
    asked_by: str
    asked_at: datetime
    status: WithdrawalStatus = WithdrawalStatus.INTENDED
    rail_id: str = ""
    expected_at: datetime | None = None
    arrived_at: datetime | None = None
    reason: str = ""
    watched_until: datetime | None = None

    def to(self, actor: Actor, request: Withdraw) -> Withdrawal:
        """This withdrawal, if the same actor asks for the same again. Raises `IdReused` otherwise."""
        if self.amount != request.amount or self.asked_by != actor.actor_id:
            raise IdReused(field="withdrawal_id")
        return self


def withdrawal(request: Withdraw, actor: Actor, at: datetime) -> Withdrawal:
    """Decide a withdrawal, to be committed before the processor is asked. For operators."""
    actor.must_operate()
    if not request.amount:
        raise Invalid("A withdrawal is more than nothing.", field="amount")
    return Withdrawal(withdrawal_id=request.withdrawal_id, amount=request.amount, asked_by=actor.actor_id, asked_at=at)


def found_withdrawal(rail_id: str, amount: Money, made_at: datetime, actor: Actor) -> Withdrawal:
    """A payout of our own balance that nobody asked for here: its id is made from the processor's."""
    return Withdrawal(
        withdrawal_id=found_id(rail_id, made_at),
        amount=amount,
        asked_by=actor.actor_id,
        asked_at=made_at,
        rail_id=rail_id,
    )


def found_id(rail_id: str, made_at: datetime) -> str:
    """The id of a withdrawal that was found at the processor: made from the processor's, so that there is one."""
    return ids.make(WITHDRAWAL_PREFIX, made_at, sha256(rail_id.encode()).digest()[: ids.RANDOM_BYTES])


def withdrawal_moved(
    known: Withdrawal,
    status: WithdrawalStatus,
    at: datetime,
    *,
    rail_id: str = "",
    expected_at: datetime | None = None,
    reason: str = "",
) -> Withdrawal:
    """The withdrawal after news of it; the very same value when it is there already, or further."""
    if _RANK[status] <= _RANK[known.status]:
        return known
    arrived = status is WithdrawalStatus.ARRIVED
    return replace(
        known,
        status=status,
        rail_id=rail_id or known.rail_id,
        expected_at=expected_at or known.expected_at,
        arrived_at=at if arrived else known.arrived_at,
        reason=reason,
        watched_until=at + COMES_BACK_WITHIN if arrived else None,
    )


def withdrawal_made(made: Withdrawal, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new withdrawal. `IdReused` when the id is taken."""
    put = Put(
        key=keys.withdrawal(made.withdrawal_id),
        value=made,
        index=_index(made),
        expected=ABSENT,
        otherwise=IdReused(field="withdrawal_id"),
    )
    fact = WithdrawalIntended(**_named(made))
    return [put, announce(fact, aggregate=_timeline(made), sequence=1, actor=actor, at=at)]


def withdrawal_becomes(row: Row[Withdrawal], after: Withdrawal, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a withdrawal's change with the event it makes; none when nothing changed."""
    if after == row.value:
        return []
    put = Put(key=row.key, value=after, index=_index(after), expected=row.unchanged, otherwise=WithdrawalChanged())
    if after.status is row.value.status:
        return [put]
    fact: WithdrawalFact
    match after.status:
        case WithdrawalStatus.ARRIVED:
            fact = WithdrawalArrived(**_named(after))
        case WithdrawalStatus.FAILED:
            fact = WithdrawalFailed(**_named(after), reason=after.reason)
        case _:
            fact = WithdrawalMoving(**_named(after))
    previous = {"status": row.value.status.value}
    sequence = row.version + 1
    return [put, announce(fact, aggregate=_timeline(after), sequence=sequence, actor=actor, at=at, previous=previous)]


def _timeline(known: Withdrawal) -> str:
    return keys.withdrawal(known.withdrawal_id).partition


def _named(known: Withdrawal) -> dict[str, Any]:
    return {"withdrawal_id": known.withdrawal_id, "amount": known.amount}


def _index(known: Withdrawal) -> dict[Index, Key]:
    place = keys.place(known.asked_at, known.withdrawal_id)
    index = {Index.CUSTOMER: Key(keys.withdrawals(), place)}
    if known.status is not WithdrawalStatus.FAILED:
        index[Index.STATUS] = Key(keys.watched_withdrawals(), place)
    return index


@dataclass(frozen=True, slots=True)
class WithdrawalBook:
    """Finds withdrawals. What changes them is decided above and committed by journeys."""

    table: Table

    async def find(self, withdrawal_id: str) -> Row[Withdrawal] | None:
        return await self.table.get(keys.withdrawal(withdrawal_id), Withdrawal)

    async def of_rail(self, rail_id: str, withdrawal_id: str, made_at: datetime) -> Row[Withdrawal] | None:
        """The withdrawal that the processor knows so: by the id of ours that it bears, or as one that was found there."""
        return await self.find(withdrawal_id) or await self.find(found_id(rail_id, made_at))

    async def row(self, withdrawal_id: str) -> Row[Withdrawal]:
        """The withdrawal. Raises `NoSuchWithdrawal`."""
        row = await self.find(withdrawal_id)
        if row is None:
            raise NoSuchWithdrawal
        return row

    async def latest(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Withdrawal]:
        """Withdrawals, newest first. For operators."""
        actor.must_operate()
        return await self.table.query(
            keys.withdrawals(), Withdrawal, index=Index.CUSTOMER, after=after, descending=True, limit=limit
        )

    async def watched(self, at: datetime, limit: int = OPEN_MAX) -> Sequence[Withdrawal]:
        """Withdrawals whose end is not known, and those that may still come back; the newest first."""
        page = await self.table.query(
            keys.watched_withdrawals(), Withdrawal, index=Index.STATUS, descending=True, limit=limit
        )
        return [each for each in page.values if each.watched_until is None or at < each.watched_until]
