"""Who offers what was booked, as pages name and picture it today; the terms stand in the booking itself."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.app import App
from ecosystem.contexts.booking import Offer
from ecosystem.contexts.catalogue import Provider, Service, ServiceUnknown


class Listing(Struct, frozen=True, kw_only=True):
    """`service_slug` is empty where the service is gone, `cover` where it has no photograph."""

    provider_id: str
    provider: str
    provider_slug: str
    service_id: str
    service_slug: str = ""
    category: str = "home"
    cover: str = ""


async def listing(market: App, offer: Offer) -> Listing:
    """The service and its provider, as they are now."""
    try:
        found = await market.services.find(offer.service_id)
    except ServiceUnknown:
        return _listing(offer, (await market.providers.load(offer.provider_id)).value, None)
    return _listing(offer, found.provider.value, found.service.value)


def _listing(offer: Offer, provider: Provider, service: Service | None) -> Listing:
    pictures = (service.media if service else ()) or provider.media
    return Listing(
        provider_id=provider.provider_id,
        provider=provider.name,
        provider_slug=provider.slug,
        service_id=offer.service_id,
        service_slug=service.slug if service else "",
        category=service.category if service and service.category else "home",
        cover=f"/media/{pictures[0]}/640.webp" if pictures else "",
    )
