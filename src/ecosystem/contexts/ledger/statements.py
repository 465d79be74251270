"""Statements: the transfers of one account, or about one thing, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NewType

from msgspec import Struct

from ecosystem.contexts.ledger import keys
from ecosystem.contexts.ledger.ledger import Ledger
from ecosystem.contexts.ledger.transfers import Recorded
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Index, Table

Mark = NewType("Mark", str)
"""Where a page of a statement ended."""

DAYS_MAX = 31
LINES_MAX = 200
REFERENCE_TRANSFERS_MAX = 1000


class Line(Struct, frozen=True, kw_only=True):
    """One transfer as its account sees it.

    `pending` and `posted` are what it added to the account's credits, less what it added to its debits. `balance` is
    posted credits less posted debits after it; None for a summed account, whose total follows later.
    """

    transfer: Recorded
    counter_account_id: str
    is_debit: bool
    pending: int
    posted: int
    balance: int | None = None


class Statement(Struct, frozen=True, kw_only=True):
    """Lines of an account, newest first, and the mark to go on from; `None` when there are no older ones."""

    account_id: str
    ledger: str
    lines: list[Line]
    next: Mark | None


@dataclass(frozen=True, slots=True)
class Statements:
    """Reads statements. An index answers, so the very latest transfers may be missing for a moment."""

    table: Table
    ledger: Ledger

    async def account(
        self,
        account_id: str,
        *,
        start_at: datetime | None = None,
        end_at: datetime | None = None,
        after: Mark | None = None,
        limit: int = 50,
    ) -> Statement:
        """The transfers of an account in `[start_at, end_at)`, newest first. Raises `NoSuchAccount`.

        A summed account is read day by day and needs both ends, at most 31 days apart: raises `Invalid` otherwise.
        """
        if not 1 <= limit <= LINES_MAX:
            raise Invalid(f"A statement has 1 to {LINES_MAX} lines a page.", field="limit")
        position = await self.ledger.position(account_id)
        low = sortable(start_at) if start_at else None
        high, balance = (sortable(end_at) if end_at else None), None
        if after is not None:
            high, balance = _marked(after)
        elif end_at is None and not position.account.is_summed:
            balance = position.balances.net
        found: list[Recorded] = []
        for partitions in _partitions(account_id, position.account.is_summed, start_at, end_at, high):
            for index, partition in partitions:
                page = await self.table.query(
                    partition, Recorded, index=index, start=low, end=high, descending=True, limit=limit + 1
                )
                found += page.values
            if len(found) > limit:
                break
        found.sort(key=_moment, reverse=True)
        lines = list(_lines(account_id, found[:limit], balance))
        return Statement(
            account_id=account_id,
            ledger=position.account.ledger,
            lines=lines,
            next=_mark(lines[-1]) if len(found) > limit else None,
        )

    async def reference(self, reference: str) -> list[Recorded]:
        """The transfers about one thing, such as a booking, oldest first; at most a thousand."""
        page = await self.table.query(
            keys.reference_partition(reference), Recorded, index=keys.REFERENCE_INDEX, limit=REFERENCE_TRANSFERS_MAX
        )
        return page.values

    async def pending(self, *, before: datetime, limit: int = 100) -> list[Recorded]:
        """Transfers pending since before that instant, oldest first: authorizations nobody settled."""
        found: list[Recorded] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.pending_partition(shard),
                Recorded,
                index=keys.PENDING_INDEX,
                end=sortable(before),
                limit=limit,
            )
            found += page.values
        return sorted(found, key=_moment)[:limit]


def _partitions(
    account_id: str, is_summed: bool, start_at: datetime | None, end_at: datetime | None, high: str | None
) -> Iterator[list[tuple[Index, str]]]:
    """The index partitions that hold the account's transfers, in groups none of which is older than the next."""
    sides = ((keys.DEBIT_INDEX, "DEBIT"), (keys.CREDIT_INDEX, "CREDIT"))
    if not is_summed:
        yield [(index, keys.statement_partition(side, account_id)) for index, side in sides]
        return
    for day in _days(start_at, end_at):
        if high is None or f"{day:%Y-%m-%d}" <= high:
            yield [
                (index, keys.summed_partition(side, account_id, day, shard))
                for index, side in sides
                for shard in range(keys.SHARDS)
            ]


def _days(start_at: datetime | None, end_at: datetime | None) -> Iterator[date]:
    """The UTC days in `[start_at, end_at)`, last first."""
    if start_at is None or end_at is None or not timedelta(0) < end_at - start_at <= timedelta(days=DAYS_MAX):
        raise Invalid(f"The statement of a summed account needs a time of at most {DAYS_MAX} days.", field="start_at")
    first, day = start_at.astimezone(UTC).date(), end_at.astimezone(UTC).date()
    while day >= first:
        yield day
        day -= timedelta(days=1)


def _lines(account_id: str, transfers: Iterable[Recorded], balance: int | None) -> Iterator[Line]:
    for transfer in transfers:
        is_debit = transfer.debit_account_id == account_id
        pending, posted = transfer.moved
        sign = -1 if is_debit else 1
        yield Line(
            transfer=transfer,
            counter_account_id=transfer.credit_account_id if is_debit else transfer.debit_account_id,
            is_debit=is_debit,
            pending=sign * pending,
            posted=sign * posted,
            balance=balance,
        )
        if balance is not None:
            balance -= sign * posted


def _moment(transfer: Recorded) -> str:
    return keys.moment(transfer.at, transfer.place, transfer.transfer_id)


def _mark(line: Line) -> Mark:
    balance = "" if line.balance is None else str(line.balance - line.posted)
    return Mark(f"{balance}|{_moment(line.transfer)}")


def _marked(mark: Mark) -> tuple[str, int | None]:
    balance, bar, moment = mark.partition("|")
    if not bar or not moment or (balance and not balance.removeprefix("-").isdecimal()):
        raise Invalid("That is not a mark of a statement.", field="after")
    return moment, int(balance) if balance else None
