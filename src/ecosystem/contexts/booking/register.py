"""The register: every booking, found and changed.

Acts that concern booking alone commit here. What money has a part in is committed by a journey: it loads a row,
decides with the pure functions beside, and merges `writes` with those of payments and ledger, all within
`Calendar.settle`, so that a lost race is read and decided again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.attendance import start
from ecosystem.contexts.booking.bookings import (
    FREED,
    Booking,
    BookingGone,
    BookingStatus,
    PlaceBooking,
    becomes,
    side_of,
)
from ecosystem.contexts.booking.calendar import Calendar, free
from ecosystem.contexts.booking.claims import claim
from ecosystem.contexts.booking.events import BookingFact
from ecosystem.contexts.booking.holds import Holds, hold_writes
from ecosystem.contexts.booking.placements import Placement, book, placed
from ecosystem.contexts.booking.plans import Plans
from ecosystem.contexts.booking.policies import Policies
from ecosystem.contexts.booking.reschedules import (
    AnswerProposal,
    Reschedule,
    answer,
    proposal_entry,
    proposal_span,
    reschedule,
    wanted_span,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.rates import Rates
from ecosystem.kernel.time import utc
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Index, Page, Row, Table, Write

_TICK = timedelta(microseconds=1)
PAGE = 100
HANDED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Bookings:
    """Every booking."""

    table: Table
    clock: Clock
    calendar: Calendar
    plans: Plans
    holds: Holds
    policies: Policies

    async def row(self, booking_id: str) -> Row[Booking]:
        """The booking as stored, for whoever decides on it. Raises `BookingGone`."""
        row = await self.table.get(keys.booking(booking_id), Booking)
        if row is None:
            raise BookingGone(field="booking_id")
        return row

    async def get(self, booking_id: str, actor: Actor) -> Booking:
        """The booking, for customer, provider and operators. Raises `BookingGone`, `Denied`."""
        booking = (await self.row(booking_id)).value
        side_of(booking, actor)
        return booking

    async def placing(
        self, request: PlaceBooking, *, rates: Rates, actor: Actor, claim_hash: str | None = None
    ) -> Placement:
        """A booking from a hold, to be committed with its payment's intention.

        The same asked again by the same actor gives the first booking, as it is now, and nothing to write. Raises
        `HoldEnded`, `HoldBooked`, `IdReused`.
        """
        ids.check("bkg", request.booking_id, field="booking_id")
        earlier = await self.table.get(keys.booking(request.booking_id), Booking)
        if earlier:
            return Placement(booking=earlier.value.to(actor, request), writes=[])
        held = await self.holds.row(request.hold_id)
        policy = await self.policies.current(held.value.offer.policy)
        days = await self.holds.days(held.value)
        at = self.clock.now()
        booking, used, days = book(
            held.value,
            request,
            policy=policy,
            rates=rates,
            days=days,
            actor=actor,
            at=at,
            claim_hash=claim_hash,
        )
        writes = [
            *placed(booking, actor=actor, at=at),
            *hold_writes(used, version=held.version, fact=None, actor=actor, at=at),
            *days.writes(),
        ]
        return Placement(booking=booking, writes=writes)

    async def writes(
        self, row: Row[Booking], booking: Booking, fact: BookingFact | None, *, actor: Actor, at: datetime
    ) -> list[Write]:
        """What makes the decided booking so; if it ends without its time being used, that time free as well."""
        writes = becomes(row, booking, fact, actor=actor, at=at)
        former = row.value
        if booking.status in FREED and former.status not in FREED:
            proposed = proposal_span(former)
            days = await self.calendar.days(former.provider_id, former.span, *([proposed] if proposed else []))
            days = free(free(days, former.booking_id), proposal_entry(former))
            writes += days.writes()
        elif booking.proposal is None and (proposed := proposal_span(former)):
            # A proposal that falls away with a change of state no longer keeps its time.
            days = await self.calendar.days(former.provider_id, proposed)
            writes += free(days, proposal_entry(former)).writes()
        return writes

    async def reschedule(self, request: Reschedule, actor: Actor) -> Booking:
        """Move the booking, or propose to (see `reschedules.py`). Asked again, it finds the time as wanted."""

        async def act() -> Booking:
            row = await self.row(request.booking_id)
            booking = row.value
            side_of(booking, actor)
            if booking.start_at == utc(request.start_at, field="start_at"):
                return booking
            hours = await self.plans.hours(booking.provider_id)
            proposed = proposal_span(booking)
            at = self.clock.now()
            days = await self.calendar.days(
                booking.provider_id,
                booking.span,
                wanted_span(booking, request.start_at, at),
                *([proposed] if proposed else []),
            )
            changed, fact, days = reschedule(booking, request, hours, days, actor=actor, at=at)
            await self.table.transact(*becomes(row, changed, fact, actor=actor, at=at), *days.writes())
            return changed

        return await self._settle(request.booking_id, act)

    async def answer(self, request: AnswerProposal, actor: Actor) -> Booking:
        """Answer a proposal to move, or take it back."""

        async def act() -> Booking:
            row = await self.row(request.booking_id)
            side_of(row.value, actor)
            if request.agree and row.value.start_at == utc(request.start_at, field="start_at"):
                return row.value
            proposed = proposal_span(row.value)
            days = await self.calendar.days(row.value.provider_id, row.value.span, *([proposed] if proposed else []))
            at = self.clock.now()
            changed, fact, days = answer(row.value, request, days, actor, at)
            await self.table.transact(*becomes(row, changed, fact, actor=actor, at=at), *days.writes())
            return changed

        return await self._settle(request.booking_id, act)

    async def start(self, booking_id: str, actor: Actor) -> Booking:
        """Let the booking be in progress; one that is so already stays so."""

        async def act() -> Booking:
            row = await self.row(booking_id)
            if row.value.status is BookingStatus.IN_PROGRESS:
                return row.value
            at = self.clock.now()
            started, fact = start(row.value, actor, at)
            await self.table.transact(*becomes(row, started, fact, actor=actor, at=at))
            return started

        return await self._settle(booking_id, act)

    async def claim(self, booking_id: str, secret: str, actor: Actor) -> Booking:
        """Move a guest's booking to the actor's account; theirs already, it stays so."""

        async def act() -> Booking:
            row = await self.row(booking_id)
            if row.value.customer_id == actor.actor_id and not actor.is_guest:
                return row.value
            at = self.clock.now()
            claimed, fact = claim(row.value, secret, actor, at)
            await self.table.transact(*becomes(row, claimed, fact, actor=actor, at=at))
            return claimed

        return await self._settle(booking_id, act)

    async def hand_over(self, provider_id: str, owner_id: str, actor: Actor) -> int:
        """Let a provider's bookings be its owner's to act on, who was not known when they were made; how many were not.

        Once done it changes nothing. For the system.
        """
        actor.must_operate()
        handed, after = 0, None
        for _ in range(HANDED_MAX // PAGE):
            page = await self.of_provider(provider_id, actor, owner_id=owner_id, after=after, limit=PAGE)
            for booking in page.values:
                if booking.offer.owner_id != owner_id:
                    await self._handed(booking.booking_id, owner_id, actor)
                    handed += 1
            after = page.next
            if after is None:
                break
        return handed

    async def _handed(self, booking_id: str, owner_id: str, actor: Actor) -> Booking:
        async def act() -> Booking:
            row = await self.row(booking_id)
            booking = replace(row.value, offer=replace(row.value.offer, owner_id=owner_id))
            await self.table.transact(*becomes(row, booking, None, actor=actor, at=self.clock.now()))
            return booking

        return await self._settle(booking_id, act)

    async def of_customer(
        self,
        customer_id: str,
        actor: Actor,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        descending: bool = False,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Page[Booking]:
        """A customer's bookings that start in [since, until), by start. From an index: a moment behind."""
        actor.must_be(customer_id)
        return await self._listed(
            Index.CUSTOMER, keys.customer(customer_id), since, until, descending=descending, after=after, limit=limit
        )

    async def of_provider(
        self,
        provider_id: str,
        actor: Actor,
        *,
        owner_id: str,
        since: datetime | None = None,
        until: datetime | None = None,
        descending: bool = False,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Page[Booking]:
        """A provider's bookings that start in [since, until), by start; `owner_id` as the catalogue says."""
        actor.must_be(owner_id)
        return await self._listed(
            Index.PROVIDER, keys.provider(provider_id), since, until, descending=descending, after=after, limit=limit
        )

    async def requests(self, provider_id: str, actor: Actor, *, owner_id: str, limit: int = 100) -> list[Booking]:
        """The requests that wait for the provider's answer, the most urgent first. From an index: a moment behind."""
        actor.must_be(owner_id)
        partition, now = keys.requests(provider_id), keys.due(self.clock.now())
        page = await self.table.query(partition, Booking, index=Index.SLUG, start=now, limit=limit)
        return page.values

    async def in_status(
        self, status: BookingStatus, actor: Actor, *, before: str | None = None, limit: int = 50
    ) -> tuple[list[Booking], str | None]:
        """Bookings of a status, the latest first, for operators, and where to go on: pass it as `before`.

        Ordered by what is due, or by the last change of those that nothing is due for.
        """
        actor.must_operate()
        found: list[Row[Booking]] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.booking_status(status, shard),
                Booking,
                index=Index.STATUS,
                end=before,
                descending=True,
                limit=limit,
            )
            found.extend(page.rows)
        found.sort(key=_place, reverse=True)
        shown = found[:limit]
        return [row.value for row in shown], _place(shown[-1]) if len(found) > limit else None

    async def due(self, status: BookingStatus, *, limit: int = 100) -> list[str]:
        """Ids of bookings of that status whose next thing is due, at most `limit` of each shard.

        Candidates only: the decision reads the booking itself. For the states that something is due in.
        """
        until = keys.due(self.clock.now() + _TICK)
        found: list[Booking] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.booking_status(status, shard), Booking, index=Index.STATUS, end=until, limit=limit
            )
            found.extend(booking for booking in page.values if booking.due_at is not None)
        return [
            booking.booking_id for booking in sorted(found, key=lambda booking: booking.due_at or booking.placed_at)
        ]

    async def _listed(
        self,
        index: Index,
        partition: str,
        since: datetime | None,
        until: datetime | None,
        *,
        descending: bool,
        after: Cursor | None,
        limit: int,
    ) -> Page[Booking]:
        return await self.table.query(
            partition,
            Booking,
            index=index,
            prefix=keys.BOOKINGS,
            start=keys.booking_at(since) if since else None,
            end=keys.booking_at(until) if until else None,
            after=after,
            descending=descending,
            limit=limit,
        )

    async def _settle(self, booking_id: str, act: Callable[[], Awaitable[Booking]]) -> Booking:
        provider_id = (await self.row(booking_id)).value.provider_id
        return await self.calendar.settle(provider_id, act)


def _place(row: Row[Booking]) -> str:
    return row.index[Index.STATUS].sort
