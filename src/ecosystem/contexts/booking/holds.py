"""Holds: a time kept for one person for fifteen minutes while they check out.

A hold ends booked, released or expired. What a booking took over no longer lapses by itself: from the intention to
pay on, only a decision about the booking frees the time, so that a time is never sold twice while money is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, structs

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.allowances import HOLDS_MAX, Allowance, Place, admit, allowance_write, counted
from ecosystem.contexts.booking.calendar import Calendar, Days, Taking, free, take
from ecosystem.contexts.booking.events import HoldExpired, HoldFact, HoldReleased, HoldTaken
from ecosystem.contexts.booking.offers import HORIZON_DAYS_MAX, Offer
from ecosystem.contexts.booking.plans import Hours, Plans
from ecosystem.contexts.booking.slots import offered
from ecosystem.kernel import ids
from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.kernel.refusals import Conflict, Denied, IdReused, Invalid, NotFound
from ecosystem.kernel.time import Span, utc, zone
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, At, Index, Key, Put, Row, Stale, Stored, Table, Write

HOLD = timedelta(minutes=15)
KEPT = timedelta(days=7)
"""How long a hold that ended is kept, so that its id, asked for again, gets the same answer."""


class HoldGone(NotFound):
    """There is no such hold."""


class HoldEnded(Conflict):
    """The time is no longer held for you: choose it again."""


class HoldBooked(Conflict):
    """This hold has become a booking."""


class HoldChanged(Stale):
    """The hold was changed meanwhile: read it again."""


class SlotNotOffered(Conflict):
    """The provider does not offer this time, or no longer: choose another."""


class OwnService(Denied):
    """Providers do not book their own services."""


class HoldStatus(StrEnum):
    HELD = "held"
    BOOKED = "booked"
    RELEASED = "released"
    EXPIRED = "expired"


class TakeHold(Struct, frozen=True, kw_only=True):
    """Ask for a time. `zone` is the asker's, in which times are shown; `replaces` gives back another hold at once."""

    hold_id: str
    service_id: str
    start_at: datetime
    zone: str
    seats: int = 1
    replaces: str | None = None


class Hold(Stored, frozen=True, kw_only=True):
    """A time held for its owner, a user or a guest, on the offer's terms."""

    entity: ClassVar[str] = "hold"

    hold_id: str
    request: TakeHold
    owner_id: str
    offer: Offer
    start_at: datetime
    end_at: datetime
    seats: int
    taken_at: datetime
    expires_at: datetime
    status: HoldStatus = HoldStatus.HELD
    booking_id: str | None = None

    def to(self, actor: Actor, request: TakeHold) -> Hold:
        """This hold, for who asks the same again. Raises `IdReused` for another actor or request."""
        if self.owner_id != actor.actor_id or self.request != request:
            raise IdReused(field="hold_id")
        return self


def taking_of(offer: Offer, entry_id: str, start_at: datetime, seats: int, expires_at: datetime | None) -> Taking:
    """The time that an entry takes under the offer's terms."""
    return Taking(
        entry_id=entry_id,
        service_id=offer.service_id,
        start_at=start_at,
        end_at=start_at + timedelta(minutes=offer.duration_min),
        before_min=offer.buffer_before_min,
        after_min=offer.buffer_after_min,
        seats=seats,
        expires_at=expires_at,
    )


def wanted_start(start_at: datetime, at: datetime) -> datetime:
    """The start somebody asks for, in UTC. Raises `SlotNotOffered` when no horizon reaches it."""
    wanted = utc(start_at, field="start_at")
    if not at <= wanted <= at + timedelta(days=HORIZON_DAYS_MAX):
        raise SlotNotOffered(field="start_at")
    return wanted


def check_offered(hours: Hours, offer: Offer, start_at: datetime, at: datetime) -> None:
    """Pass if the provider's hours have a slot that starts then. Raises `SlotNotOffered` otherwise."""
    if not offered(hours, offer, start_at, at):
        raise SlotNotOffered(field="start_at")


def hold(request: TakeHold, offer: Offer, hours: Hours, days: Days, *, actor: Actor, at: datetime) -> tuple[Hold, Days]:
    """Decide a hold: the hold, and the days with its time taken.

    Raises `SlotNotOffered` when the plan has no such slot, `SlotTaken` when it is no longer free.
    """
    if actor == VISITOR:
        raise Denied("A hold needs someone to hold for: a user or a guest.")
    if actor.actor_id == offer.owner_id:
        raise OwnService
    zone(request.zone)
    if not 1 <= request.seats <= offer.capacity:
        raise Invalid(f"This service has 1 to {offer.capacity} seats at a time.", field="seats")
    start_at = wanted_start(request.start_at, at)
    check_offered(hours, offer, start_at, at)
    taking = taking_of(offer, request.hold_id, start_at, request.seats, at + HOLD)
    held = Hold(
        hold_id=request.hold_id,
        request=request,
        owner_id=actor.actor_id,
        offer=offer,
        start_at=start_at,
        end_at=taking.end_at,
        seats=request.seats,
        taken_at=at,
        expires_at=at + HOLD,
    )
    return held, take(days, taking, capacity=offer.capacity, at=at)


def end(held: Hold, status: HoldStatus, days: Days) -> tuple[Hold, Days]:
    """The hold ended without a booking, and its time free."""
    return structs.replace(held, status=status), free(days, held.hold_id)


def hold_writes(held: Hold, *, version: int, fact: type[HoldFact] | None, actor: Actor, at: datetime) -> list[Write]:
    """What makes the hold so, when it was at `version` (0: absent)."""
    key = keys.hold(held.hold_id)
    due = Key(keys.hold_due(keys.shard(held.hold_id)), keys.due(held.expires_at, held.hold_id))
    writes: list[Write] = [
        Put(
            key=key,
            value=held,
            index={Index.STATUS: due} if held.status is HoldStatus.HELD else {},
            expires_at=held.expires_at + KEPT,
            expected=At(version) if version else ABSENT,
            otherwise=HoldChanged(),
        )
    ]
    if fact:
        told = fact(
            hold_id=held.hold_id,
            provider_id=held.offer.provider_id,
            service_id=held.offer.service_id,
            start_at=held.start_at,
            end_at=held.end_at,
            seats=held.seats,
            expires_at=held.expires_at,
        )
        previous = {"status": HoldStatus.HELD.value} if version else {}
        writes.append(
            announce(told, aggregate=key.partition, sequence=version + 1, actor=actor, at=at, previous=previous)
        )
    return writes


@dataclass(frozen=True, slots=True)
class Holds:
    """Every hold."""

    table: Table
    clock: Clock
    plans: Plans
    calendar: Calendar

    async def row(self, hold_id: str) -> Row[Hold]:
        """The hold as stored. Raises `HoldGone`."""
        row = await self.table.get(keys.hold(hold_id), Hold)
        if row is None:
            raise HoldGone(field="hold_id")
        return row

    async def get(self, hold_id: str, actor: Actor) -> Hold:
        """The hold, for its owner. Raises `HoldGone`, `Denied`."""
        row = await self.row(hold_id)
        actor.must_be(row.value.owner_id)
        return row.value

    async def days(self, held: Hold, *more: Span) -> Days:
        """The provider's days that the hold, and the other spans, stand in."""
        return await self.calendar.days(held.offer.provider_id, span_of(held), *more)

    async def take(self, request: TakeHold, offer: Offer, actor: Actor, *, formerly: Actor | None = None) -> Hold:
        """Hold the time once: the same again by the same actor returns the first hold.

        `formerly` is the guest that the actor was until they signed in: the hold to be replaced may be that guest's.
        Raises `SlotTaken`, `SlotNotOffered`, `TooManyHolds`, `IdReused`.
        """
        if request.service_id != offer.service_id:
            raise Invalid("The offer is another service's.", field="service_id")
        return await self.calendar.settle(offer.provider_id, lambda: self._take(request, offer, actor, formerly))

    async def release(self, hold_id: str, actor: Actor) -> Hold:
        """Give the time back; twice has one effect. Raises `HoldBooked` when it has become a booking."""
        held = await self.get(hold_id, actor)
        return await self.calendar.settle(
            held.offer.provider_id, lambda: self._end(hold_id, HoldStatus.RELEASED, HoldReleased, actor)
        )

    async def expire(self, hold_id: str, actor: Actor) -> Hold:
        """End the hold if its time has run out; one that has ended, or is not due, stays as it is."""
        held = (await self.row(hold_id)).value
        if held.status is not HoldStatus.HELD or self.clock.now() < held.expires_at:
            return held
        return await self.calendar.settle(
            held.offer.provider_id, lambda: self._end(hold_id, HoldStatus.EXPIRED, HoldExpired, actor)
        )

    async def due(self, *, limit: int = 100) -> list[str]:
        """Ids of open holds that have run out, at most `limit` of each shard. Candidates: `expire` decides."""
        until = keys.due(self.clock.now() + timedelta(microseconds=1))
        found: list[str] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(keys.hold_due(shard), Hold, index=Index.STATUS, end=until, limit=limit)
            found.extend(held.hold_id for held in page.values)
        return found

    async def _take(self, request: TakeHold, offer: Offer, actor: Actor, formerly: Actor | None) -> Hold:
        ids.check("hld", request.hold_id, field="hold_id")
        earlier = await self.table.get(keys.hold(request.hold_id), Hold)
        if earlier:
            return earlier.value.to(actor, request)
        at = self.clock.now()
        start_at = wanted_start(request.start_at, at)
        hours = await self.plans.hours(offer.provider_id)
        wanted = taking_of(offer, request.hold_id, start_at, request.seats, None).span
        owners = {actor.actor_id, formerly.actor_id if formerly else actor.actor_id}
        former = await self._replaced(request, offer, owners)
        spans = (wanted, span_of(former.value)) if former else (wanted,)
        days = await self.calendar.days(offer.provider_id, *spans)
        writes: list[Write] = []
        if former:
            given_back, days = end(former.value, HoldStatus.RELEASED, days)
            writes = hold_writes(given_back, version=former.version, fact=HoldReleased, actor=actor, at=at)
        held, days = hold(request, offer, hours, days, actor=actor, at=at)
        writes += hold_writes(held, version=0, fact=HoldTaken, actor=actor, at=at)
        writes.append(await self._allowed(held, former.value.hold_id if former else None))
        await self.table.transact(*writes, *days.writes())
        return held

    async def _allowed(self, held: Hold, given_back: str | None) -> Write:
        """What counts the hold among those of its owner. Raises `TooManyHolds`."""
        row = await self.table.get(keys.allowance(held.owner_id), Allowance)
        places = [place for place in counted(row, held.taken_at) if place.hold_id != given_back]
        if len(places) >= HOLDS_MAX:
            rows = await self.table.batch_get([keys.hold(place.hold_id) for place in places], Hold)
            live = {row.value.hold_id for row in rows if row and row.value.status is HoldStatus.HELD}
            places = [place for place in places if place.hold_id in live]
        place = Place(hold_id=held.hold_id, expires_at=held.expires_at)
        return allowance_write(held.owner_id, row, admit(places, place))

    async def _replaced(self, request: TakeHold, offer: Offer, owners: set[str]) -> Row[Hold] | None:
        """The hold to be given back for this one, if it is still one of theirs and with this provider."""
        if request.replaces is None:
            return None
        row = await self.table.get(keys.hold(request.replaces), Hold)
        if row is None or row.value.owner_id not in owners or row.value.offer.provider_id != offer.provider_id:
            return None
        return row if row.value.status is HoldStatus.HELD else None

    async def _end(self, hold_id: str, status: HoldStatus, fact: type[HoldFact], actor: Actor) -> Hold:
        row = await self.row(hold_id)
        if row.value.status is HoldStatus.BOOKED and status is HoldStatus.RELEASED:
            raise HoldBooked(field="hold_id")
        if row.value.status is not HoldStatus.HELD:
            return row.value
        ended, days = end(row.value, status, await self.days(row.value))
        writes = hold_writes(ended, version=row.version, fact=fact, actor=actor, at=self.clock.now())
        await self.table.transact(*writes, *days.writes())
        return ended


def span_of(held: Hold) -> Span:
    """The time a hold takes, buffers included."""
    return taking_of(held.offer, held.hold_id, held.start_at, held.seats, None).span
