"""A provider with a plan, an offer, and people, for the tests of booking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.contexts.booking import (
    Availability,
    Booking,
    Bookings,
    Calendar,
    Contact,
    Hold,
    Holds,
    Mode,
    Offer,
    PlaceBooking,
    Plans,
    Policies,
    SetPlan,
    TakeHold,
    Week,
    Window,
    confirm,
)
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Table

PROVIDER = "prv_01k9zzzzzzzzzzzzzzzzzzzzzz"
OWNER = Actor(actor_id="usr_owner", groups=(Group.PROVIDERS,))
ADA = Actor(actor_id="usr_ada", groups=(Group.CUSTOMERS,))
BOB = Actor(actor_id="usr_bob", groups=(Group.CUSTOMERS,))
GUEST = Actor(actor_id="gst_eve")
OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
SWEEP = system("sweep")
NINE_TO_FIVE = (Window("09:00", "17:00"),)
ALL_DAY = (Window("00:00", "24:00"),)
TEN = datetime(2026, 11, 23, 9, tzinfo=UTC)  # a Monday, 10:00 in Berlin
CONTACT = Contact(name="Ada Lovelace", email="ada@example.org")


def week(*windows: Window) -> Week:
    """The same windows every day."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return Week(**dict.fromkeys(days, windows))


def offer(**changes: object) -> Offer:
    return replace(
        Offer(
            service_id="svc_massage",
            provider_id=PROVIDER,
            owner_id=OWNER.actor_id,
            title="Massage",
            duration_min=60,
            price=Money(10_000, "EUR"),
            zone="Europe/Berlin",
            mode=Mode.AT_PROVIDER,
            place="Torstraße 1, Berlin",
        ),
        **changes,
    )


@dataclass
class Scene:
    """The services of booking on one table, and the acts that tests repeat."""

    table: Table
    clock: VirtualClock
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy(7))

    def __post_init__(self) -> None:
        self.calendar = Calendar(self.table)
        self.plans = Plans(self.table, self.clock)
        self.policies = Policies(self.table, self.clock)
        self.holds = Holds(self.table, self.clock, self.plans, self.calendar)
        self.bookings = Bookings(self.table, self.clock, self.calendar, self.plans, self.holds, self.policies)
        self.availability = Availability(self.plans, self.calendar, self.clock)

    def mint(self, prefix: str) -> str:
        return mint(prefix, self.clock.now(), self.entropy)

    async def open(self, zone: str = "Europe/Berlin", plan: Week | None = None, step_min: int = 30) -> None:
        request = SetPlan(provider_id=PROVIDER, zone=zone, week=plan or week(*NINE_TO_FIVE), step_min=step_min)
        await self.plans.set(request, owner_id=OWNER.actor_id, actor=OWNER)

    def wish(self, start_at: datetime = TEN, **changes: object) -> TakeHold:
        wish = TakeHold(hold_id=self.mint("hld"), service_id="svc_massage", start_at=start_at, zone="Europe/Berlin")
        return replace(wish, **changes)

    async def hold(self, start_at: datetime = TEN, actor: Actor = ADA, of: Offer | None = None, seats: int = 1) -> Hold:
        of = of or offer()
        return await self.holds.take(self.wish(start_at, service_id=of.service_id, seats=seats), of, actor)

    async def place(self, held: Hold, actor: Actor = ADA, claim_hash: str | None = None) -> Booking:
        request = PlaceBooking(
            booking_id=self.mint("bkg"), hold_id=held.hold_id, contact=CONTACT, place="Chausseestraße 2, Berlin"
        )

        async def act() -> Booking:
            placement = await self.bookings.placing(request, rates=Rates(), actor=actor, claim_hash=claim_hash)
            await self.table.transact(*placement.writes)
            return placement.booking

        return await self.calendar.settle(held.offer.provider_id, act)

    async def pay(self, booking: Booking) -> Booking:
        row = await self.bookings.row(booking.booking_id)
        at = self.clock.now()
        confirmed, fact = confirm(row.value, at)
        await self.table.transact(*await self.bookings.writes(row, confirmed, fact, actor=SWEEP, at=at))
        return confirmed

    async def booked(
        self, start_at: datetime = TEN, actor: Actor = ADA, of: Offer | None = None, seats: int = 1
    ) -> Booking:
        return await self.pay(await self.place(await self.hold(start_at, actor, of, seats), actor))

    async def does(self, booking_id: str, decision: object, *arguments: object, actor: Actor = SWEEP) -> Booking:
        """Decide about a booking and commit that alone, as a journey does with money beside it."""
        row = await self.bookings.row(booking_id)
        at = self.clock.now()
        changed, fact = decision(row.value, *arguments, at)
        await self.table.transact(*await self.bookings.writes(row, changed, fact, actor=actor, at=at))
        return changed

    async def starts(self, of: Offer | None = None, hours: int = 24) -> list[datetime]:
        """Starts of the free times of the Monday after next, or for longer."""
        from ecosystem.kernel.time import Span

        monday = datetime(2026, 11, 22, 23, tzinfo=UTC)
        free = await self.availability.within(of or offer(), Span(monday, monday + timedelta(hours=hours)))
        return [slot.start_at for slot in free]
