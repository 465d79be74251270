"""A service as customers see it, with its times; and the provider's own look at one that is not on offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from litestar import get
from litestar.params import FromPath
from msgspec.structs import replace

from ecosystem.contexts.catalogue import (
    Category,
    Media,
    NotOffered,
    Offered,
    Provider,
    ProviderStatus,
    Service,
    ServiceFound,
    ServiceStatus,
    categories,
)
from ecosystem.kernel.money import decimal_text
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.search import Document
from ecosystem.web.answers import Answer
from ecosystem.web.languages import named
from ecosystem.web.service.booker import Wanted, booker
from ecosystem.web.service.terms import terms
from ecosystem.web.templates import link
from ecosystem.web.visit import Visit

BOX = "booker"
ELSEWHERE_MOST = 4


@get("/services/{slug:str}")
async def show(request: Visit, slug: FromPath[str]) -> Answer:
    """The service of that address; only the box of times when htmx asks for it. A former address leads to the present."""
    found = await request.market.services.by_slug(slug)
    if found.moved:
        return request.redirect(link(f"/services/{found.service.value.slug}", dict(request.query_params)))
    wanted = request.query_of(Wanted).asked
    if not _on_offer(found):
        return await _preview(request, found)
    offer = await request.market.offering.of(Offered(service=found.service, provider=found.provider))
    box = await booker(request, offer, slug, wanted)
    if request.arrival.target == BOX:
        return request.fragment("service/_booker.html", box=box, notice="")
    return request.page("service/page.html", box=box, notice="", **await _around(request, found))


async def again(
    request: Visit, service_id: str, wanted: Wanted, *, start_at: datetime, notice: str, status: int = 409
) -> Answer:
    """The times anew, when the one chosen could not be had: in its place for htmx, else with the whole page."""
    offered = await request.market.services.offered(service_id)
    slug = offered.service.value.slug
    offer = await request.market.offering.of(offered)
    box = await booker(request, offer, slug, replace(wanted, month=""), start_at=start_at)
    if request.arrival.wants_fragment:
        return request.fragment("service/_booker.html", status=status, box=box, notice=notice)
    found = ServiceFound(service=offered.service, provider=offered.provider, moved=False)
    return request.page("service/page.html", status=status, box=box, notice=notice, **await _around(request, found))


def _on_offer(found: ServiceFound) -> bool:
    published = found.service.value.status is ServiceStatus.PUBLISHED
    return published and found.provider.value.status is ProviderStatus.ACTIVE


async def _preview(request: Visit, found: ServiceFound) -> Answer:
    """The page without times, for whoever may edit it. Raises `NotOffered` for everybody else."""
    try:
        found.provider.value.must_be_kept_by(request.actor)
    except Denied:
        raise NotOffered(field="service_id") from None
    return request.page("service/page.html", box=None, notice="", **await _around(request, found))


async def _around(request: Visit, found: ServiceFound) -> dict[str, Any]:
    """What stands around the times."""
    market, service, provider = request.market, found.service.value, found.provider.value
    pictures = await market.media.find(service.media or provider.media)
    tree = categories()
    path = tree.path(service.category) if service.category in tree else ()
    rating = await market.providers.rating(provider.provider_id)
    others = [
        document
        for document in await market.shelf.entries(provider.provider_id)
        if isinstance(document, Document) and document.service_id != service.service_id
    ]
    return {
        "service": service,
        "provider": provider,
        "path": path,
        "pictures": [pictures[name] for name in service.media or provider.media if name in pictures],
        "rating": rating,
        "languages": named(provider.languages),
        "terms": terms(await market.policies.current(service.policy)),
        "others": others[:ELSEWHERE_MOST],
        "linked": _linked(request, service, provider, path, list(pictures.values())),
    }


def _linked(
    request: Visit, service: Service, provider: Provider, path: Sequence[Category], pictures: Sequence[Media]
) -> dict[str, Any]:
    """The service for machines that read pages (schema.org, JSON-LD)."""
    site = request.kit.site
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Service",
        "name": service.title,
        "description": service.description,
        "url": f"{site.url}/services/{service.slug}",
        "category": path[-1].title if path else None,
        "provider": {"@type": "LocalBusiness", "name": provider.name, "url": f"{site.url}/providers/{provider.slug}"},
    }
    if service.price:
        said["offers"] = {
            "@type": "Offer",
            "price": decimal_text(service.price),
            "priceCurrency": service.price.currency,
        }
    if pictures:
        said["image"] = [f"{site.url}/media/{picture.media_id}/1280.webp" for picture in pictures]
    return said
