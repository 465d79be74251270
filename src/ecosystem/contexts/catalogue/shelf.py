"""The shelf: what of the catalogue customers may find, as documents for a search index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ecosystem.contexts.catalogue.categories import categories
from ecosystem.contexts.catalogue.keys import provider_key, rating_key, service_home_key, service_key
from ecosystem.contexts.catalogue.providers import Provider, ProviderStatus
from ecosystem.contexts.catalogue.services import SERVICES_MAX, Service, ServiceHome, ServiceStatus
from ecosystem.ports.search import Document, Point, Removal
from ecosystem.ports.table import Change, Counter, Cursor, Row, Table

SCANNED = 100
TOGETHER = 25
FOR_EVER = 2**62
"""The version of what will not come back: ids are used once."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads what is on offer. A service is found only when it is published and its provider is active."""

    table: Table

    def touched(self, change: Change) -> tuple[str, str | None] | None:
        """Whom a change concerns, by its key alone: a provider, or one service of theirs; None for anything else."""
        kind, _, provider_id = change.key.partition.partition("#")
        if kind != "PROVIDER":
            return None
        if change.key in {provider_key(provider_id), rating_key(provider_id)}:
            return provider_id, None
        kind, _, service_id = change.key.sort.partition("#")
        return (provider_id, service_id) if kind == "SERVICE" else None

    async def entries(self, provider_id: str, service_id: str | None = None) -> list[Document | Removal]:
        """How the services of a provider, or one of them, stand now."""
        # Services are read first: a provider's version read later is never older than what it is put together with.
        services = await self._services(provider_id, service_id)
        provider = await self.table.get(provider_key(provider_id), Provider)
        rating = await self.table.get(rating_key(provider_id), Counter)
        if service_id is not None and not services:
            return [Removal(service_id=service_id, version=FOR_EVER)]
        return [entry(service, provider, rating) for service in services]

    async def entry(self, service_id: str) -> Document | Removal:
        """How one service stands now, when only its id is known."""
        home = await self.table.get(service_home_key(service_id), ServiceHome)
        if home is None:
            return Removal(service_id=service_id, version=FOR_EVER)
        return (await self.entries(home.value.provider_id, service_id))[0]

    async def everything(self) -> AsyncIterator[Sequence[Document | Removal]]:
        """How all services stand, provider by provider, in pages of at most `TOGETHER`. Not a snapshot."""
        after: Cursor | None = None
        while True:
            page = await self.table.scan(Provider, after=after, limit=SCANNED)
            for provider in page.values:
                async for entries in self._all(provider.provider_id):
                    yield entries
            after = page.next
            if after is None:
                return

    async def _all(self, provider_id: str) -> AsyncIterator[Sequence[Document | Removal]]:
        """How the services of one provider stand, a few at a time: those of a large one would hold up the loop."""
        after: Cursor | None = None
        while True:
            partition = provider_key(provider_id).partition
            page = await self.table.query(partition, Service, prefix="SERVICE#", after=after, limit=TOGETHER)
            provider = await self.table.get(provider_key(provider_id), Provider)
            rating = await self.table.get(rating_key(provider_id), Counter)
            yield [entry(service, provider, rating) for service in page.rows]
            after = page.next
            if after is None:
                return

    async def _services(self, provider_id: str, service_id: str | None) -> Sequence[Row[Service]]:
        if service_id is not None:
            row = await self.table.get(service_key(provider_id, service_id), Service)
            return [row] if row else []
        page = await self.table.query(
            provider_key(provider_id).partition, Service, prefix="SERVICE#", limit=SERVICES_MAX
        )
        return page.rows


def entry(service: Row[Service], provider: Row[Provider] | None, rating: Row[Counter] | None) -> Document | Removal:
    """The service as a document, or its removal when it is not on offer.

    The version is the sum of the versions of what the document is made of: it grows when any of them changes.
    """
    offer = service.value
    version = service.version + (provider.version if provider else 0) + (rating.version if rating else 0)
    if (
        provider is None
        or offer.status is not ServiceStatus.PUBLISHED
        or provider.value.status is not ProviderStatus.ACTIVE
        or offer.price is None
        or offer.category not in categories()
    ):
        return Removal(service_id=offer.service_id, version=version)
    path, who = categories().path(offer.category), provider.value
    return Document(
        service_id=offer.service_id,
        provider_id=who.provider_id,
        version=version,
        title=offer.title,
        slug=offer.slug,
        description=offer.description,
        path=tuple(category.slug for category in path),
        path_titles=tuple(category.title for category in path),
        provider_name=who.name,
        provider_slug=who.slug,
        headline=who.headline,
        place=who.location.place if who.location else "",
        zone=who.location.zone if who.location else "",
        at=Point(who.location.lat, who.location.lon) if who.location else None,
        radius_m=who.radius_km * 1000,
        languages=who.languages,
        badges=who.badges,
        price=offer.price,
        duration_min=offer.duration_min,
        capacity=offer.capacity,
        mode=offer.mode,
        instant=offer.instant,
        rating_total=rating.counters.get("sum", 0) if rating else 0,
        rating_count=rating.counters.get("count", 0) if rating else 0,
        cover=next(iter(offer.media or who.media), None),
        published_at=offer.published_at or offer.created_at,
    )
