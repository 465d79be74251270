"""Every payout: found by id, by provider, by month, by status, by the rail's id."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.payouts import NoSuchPayout, Payout, PayoutStatus, Rail
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import ABSENT, Cursor, Index, Key, Page, Put, Row, Stale, Stored, Table

DUE_MAX = 500


class PaidAsked(Stored, frozen=True, kw_only=True):
    """The payouts before `place` were asked about in this round; empty when a round begins."""

    entity: ClassVar[str] = "paid_asked"

    place: str


@dataclass(frozen=True, slots=True)
class PayoutBook:
    """Finds payouts. What changes them is decided in `payouts.py` and committed by journeys."""

    table: Table

    def key(self, payout_id: str) -> Key:
        """Where the payout is kept."""
        return keys.payout(payout_id)

    async def row(self, payout_id: str) -> Row[Payout]:
        """The payout. Raises `NoSuchPayout`."""
        row = await self.find(payout_id)
        if row is None:
            raise NoSuchPayout
        return row

    async def find(self, payout_id: str) -> Row[Payout] | None:
        return await self.table.get(keys.payout(payout_id), Payout) if payout_id else None

    async def of_rail(self, rail_id: str) -> Payout | None:
        """The payout that the rail knows under that id. From an index: a moment behind."""
        page = await self.table.query(keys.by_rail_id(rail_id), Payout, index=Index.SLUG, limit=1)
        return page.values[0] if page.rows else None

    async def of_provider(self, provider_id: str, *, after: Cursor | None = None, limit: int = 50) -> Page[Payout]:
        """The payouts of a provider, newest first. Who may see them is the caller's to decide."""
        return await self.table.query(
            keys.of_provider(provider_id), Payout, index=Index.PROVIDER, after=after, descending=True, limit=limit
        )

    async def in_month(
        self, at: datetime, actor: Actor, *, after: Cursor | None = None, limit: int = 50
    ) -> Page[Payout]:
        """All payouts decided in the month of that instant, newest first. For operators."""
        actor.must_operate()
        return await self.table.query(
            keys.in_month(at), Payout, index=Index.CUSTOMER, after=after, descending=True, limit=limit
        )

    async def in_status(
        self, status: PayoutStatus, rail: Rail, *, after: Cursor | None = None, limit: int = 50
    ) -> Page[Payout]:
        """Payouts of a rail in a status: those that go on by when they are looked at, ended ones by their end."""
        return await self.table.query(
            keys.in_status(status, rail), Payout, index=Index.STATUS, after=after, limit=limit
        )

    async def due(self, status: PayoutStatus, rail: Rail, at: datetime, limit: int = DUE_MAX) -> Sequence[Payout]:
        """Payouts that go on and are to be looked at by then, candidates for the sweep."""
        page = await self.table.query(
            keys.in_status(status, rail), Payout, index=Index.STATUS, end=keys.place(at, "~"), limit=limit
        )
        return page.values

    async def stranded(self, rail: Rail, at: datetime, limit: int = DUE_MAX) -> Sequence[Payout]:
        """Payouts that were paid and came back without their money, to be looked at by then."""
        page = await self.table.query(
            keys.in_status(keys.STRANDED, rail), Payout, index=Index.STATUS, end=keys.place(at, "~"), limit=limit
        )
        return page.values

    async def ended(
        self, status: PayoutStatus, rail: Rail, since: datetime, until: datetime, limit: int = DUE_MAX
    ) -> Sequence[Payout]:
        """Payouts that ended so in `[since, until)`, oldest first."""
        page = await self.table.query(
            keys.in_status(status, rail),
            Payout,
            index=Index.STATUS,
            start=keys.place(since),
            end=keys.place(until),
            limit=limit,
        )
        return page.values

    async def next_paid(self, rail: Rail, since: datetime, until: datetime, limit: int) -> Sequence[Payout]:
        """The next of the payouts paid in `[since, until)`, oldest first, and from the beginning after the last."""
        row = await self.table.get(keys.paid_asked(), PaidAsked)
        page = await self.table.query(
            keys.in_status(PayoutStatus.PAID, rail),
            Payout,
            index=Index.STATUS,
            start=max(row.value.place if row else "", keys.place(since)),
            end=keys.place(until),
            limit=limit,
        )
        last = page.values[-1] if page.next else None
        place = keys.place(last.ended_at or until, f"{last.payout_id}~") if last else ""
        with suppress(Stale):  # Somebody else takes the same ones: what they noted is as true.
            await self.table.transact(
                Put(key=keys.paid_asked(), value=PaidAsked(place=place), expected=row.unchanged if row else ABSENT)
            )
        return page.values
