"""Whether a service is on offer: decided by its provider, once it is ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from ecosystem.contexts.catalogue.events import ServiceClosed, ServicePublished
from ecosystem.contexts.catalogue.providers import Provider
from ecosystem.contexts.catalogue.services import Service, Services, ServiceStatus, must_be_ready
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Row


def published(service: Service, provider: Provider, *, at: datetime) -> Service:
    """Decide to put it on offer. Raises `NotReady` with everything that is missing."""
    must_be_ready(service, provider)
    return replace(service, status=ServiceStatus.PUBLISHED, published_at=service.published_at or at, updated_at=at)


@dataclass(frozen=True, slots=True)
class Publishing:
    """Puts services on offer, and takes them off. An act that finds it done changes nothing."""

    services: Services

    async def publish(self, service_id: str, actor: Actor, *, version: int | None = None) -> Row[Service]:
        """Put it on offer. Customers find it while its provider is active. Raises `NotReady`, `EditedMeanwhile`."""
        row, provider = await self.services.kept(service_id, actor, version)
        if row.value.status is ServiceStatus.PUBLISHED:
            return row
        at = self.services.clock.now()
        became = published(row.value, provider.value, at=at)
        fact = ServicePublished(service_id=service_id, provider_id=became.provider_id, title=became.title)
        return await self.services.commit(row, became, fact, provider=provider, actor=actor, at=at)

    async def close(self, service_id: str, actor: Actor, *, version: int | None = None) -> Row[Service]:
        """Take it off offer; bookings stand, and it may be published again. Raises `EditedMeanwhile`."""
        row, provider = await self.services.kept(service_id, actor, version)
        if row.value.status is ServiceStatus.CLOSED:
            return row
        at = self.services.clock.now()
        became = replace(row.value, status=ServiceStatus.CLOSED, updated_at=at)
        fact = ServiceClosed(service_id=service_id, provider_id=became.provider_id)
        return await self.services.commit(row, became, fact, provider=provider, actor=actor, at=at)
