"""Photographs of a provider or of a service: which there are, in which order; the first is the cover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.catalogue import (
    EditedMeanwhile,
    Media,
    Provider,
    ProviderFields,
    Service,
    ServiceFields,
    ServiceUnknown,
)
from ecosystem.kernel.refusals import Conflict
from ecosystem.web.provider.area import Area
from ecosystem.web.visit import Visit

ATTEMPTS = 4
OF_PROVIDER, OF_SERVICE = 24, 12


class AlbumFull(Conflict):
    """There are as many photographs here as fit: remove one first."""


class Album(Struct, frozen=True, kw_only=True):
    """What the page shows. `whose` is the id of the provider or of the service, `back` the page it stands on."""

    whose: str
    back: str
    most: int
    pictures: Sequence[Media]
    wrong: Sequence[tuple[str, str]] = ()

    @property
    def to(self) -> str:
        return f"/provider/photos/{self.whose}"

    @property
    def room(self) -> int:
        return max(0, self.most - len(self.pictures))


async def album(
    request: Visit, holder: Provider | Service, whose: str, *, back: str, wrong: Sequence[tuple[str, str]] = ()
) -> Album:
    """The album as it stands. `wrong` are files that were not taken, each with why."""
    known = await request.market.media.find(holder.media)
    pictures = [known[media_id] for media_id in holder.media if media_id in known]
    most = OF_SERVICE if isinstance(holder, Service) else OF_PROVIDER
    return Album(whose=whose, back=back, most=most, pictures=pictures, wrong=wrong)


@dataclass(frozen=True, slots=True)
class Holder:
    """The provider of the area, or one of their services, as what photographs belong to."""

    here: Area
    whose: str

    async def load(self) -> Provider | Service:
        """Raises `ServiceUnknown` for what is not theirs, and for what is not there."""
        return (await self._row())[0]

    async def change(self, decide: Callable[[tuple[str, ...]], Sequence[str]]) -> Provider | Service:
        """Let the photographs be what is decided from those there are, however many others change them meanwhile."""
        market, actor = self.here.request.market, self.here.request.actor
        for left in reversed(range(ATTEMPTS)):
            holder, version = await self._row()
            media = tuple(decide(holder.media))
            try:
                if isinstance(holder, Service):
                    service = ServiceFields(media=media)
                    return (await market.services.edit(self.whose, service, actor, version=version)).value
                provider = ProviderFields(media=media)
                return (await market.providers.edit(self.whose, provider, actor, version=version)).value
            except EditedMeanwhile:
                if not left:
                    raise
        raise AssertionError

    async def _row(self) -> tuple[Provider | Service, int]:
        market = self.here.request.market
        if self.whose == self.here.provider_id:
            provider = await market.providers.load(self.whose)
            return provider.value, provider.version
        found = await market.services.find(self.whose)
        if found.service.value.provider_id != self.here.provider_id:
            raise ServiceUnknown(field="service_id")
        return found.service.value, found.service.version


def moved(media: Sequence[str], media_id: str, by: int) -> list[str]:
    """The order with one of them that many places on; at either end it stays."""
    order = list(media)
    if media_id in order:
        at = order.index(media_id)
        order.insert(min(max(at + by, 0), len(order) - 1), order.pop(at))
    return order


def ordered(media: Sequence[str], wish: Sequence[str]) -> list[str]:
    """The order wished for, as far as it names what is there; what it does not name keeps its place at the end."""
    known = [media_id for media_id in dict.fromkeys(wish) if media_id in media]
    return [*known, *(media_id for media_id in media if media_id not in known)]


def restored(media: Sequence[str], media_id: str, at: int) -> list[str]:
    """The order with one of them back where it was."""
    order = [each for each in media if each != media_id]
    order.insert(min(max(at, 0), len(order)), media_id)
    return order
