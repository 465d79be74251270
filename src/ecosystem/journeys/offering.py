"""From a service in the catalogue to an offer that can be booked, with its price and its free times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from ecosystem.contexts.booking import Availability, DaySlots, FreeTimes, Mode, Offer, Plans
from ecosystem.contexts.catalogue import Offered, Services
from ecosystem.contexts.ledger import Tariff
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Lines, quote
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.cards import Cards

NOWHERE = "Etc/UTC"
"""The zone of an offer whose provider has neither a plan nor a place yet: it has no free times either."""


class Quote(Struct, frozen=True, kw_only=True):
    """What a booking of these seats would cost now, and the offer it is of."""

    offer: Offer
    lines: Lines


@dataclass(frozen=True, slots=True)
class Offering:
    """Reads what the catalogue offers as booking understands it."""

    services: Services
    plans: Plans
    availability: Availability
    tariff: Tariff
    cards: Cards

    async def offer(self, service_id: str) -> Offer:
        """The service as it may be booked now. Raises `ServiceUnknown`, `NotOffered`."""
        return await self.of(await self.services.offered(service_id))

    async def of(self, offered: Offered) -> Offer:
        """The offer that a published service makes."""
        service, provider = offered.service.value, offered.provider.value
        plan = await self.plans.get(provider.provider_id)
        place = provider.location
        return Offer(
            service_id=service.service_id,
            provider_id=provider.provider_id,
            owner_id=provider.owner_id or "",
            title=service.title,
            duration_min=service.duration_min,
            price=offered.price,
            zone=plan.value.zone if plan else place.zone if place else NOWHERE,
            capacity=service.capacity,
            buffer_before_min=service.buffer_before_min,
            buffer_after_min=service.buffer_after_min,
            notice_min=service.notice_min,
            horizon_days=service.horizon_days,
            mode=Mode(service.mode),
            instant=service.instant,
            policy=service.policy,
            place=place.place if place else "",
            step=self.cards.step(offered.price.currency).minor,
        )

    async def quote(self, service_id: str, *, seats: int = 1, guest: bool) -> Quote:
        """The price of that many seats, line by line; guests pay the surcharge. Raises `NotOffered`, `Invalid`."""
        offer = await self.offer(service_id)
        if not 1 <= seats <= offer.capacity:
            raise Invalid(f"This service has 1 to {offer.capacity} seats at a time.", field="seats")
        base = Money(offer.price.minor * seats, offer.price.currency)
        return Quote(offer=offer, lines=quote(base, await self.tariff.current(), guest=guest, step=offer.step))

    async def free_times(self, offer: Offer, first: date, last: date, zone: str) -> FreeTimes:
        """The offer's free times on those dates of the viewer's zone."""
        return await self.availability.between(offer, first, last, zone)

    async def first_free_day(self, offer: Offer, zone: str) -> DaySlots | None:
        """The first date of the viewer's zone with a free time, within the offer's horizon."""
        return await self.availability.first(offer, zone)
