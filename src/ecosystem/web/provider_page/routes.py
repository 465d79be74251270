"""A provider as customers see them: who they are, and everything they offer."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from ecosystem.contexts.catalogue import ProviderStatus, ProviderUnknown
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.search import Document
from ecosystem.web.answers import Answer
from ecosystem.web.languages import named
from ecosystem.web.visit import Visit

SHOWN = frozenset({ProviderStatus.ACTIVE, ProviderStatus.PAUSED})


@get("/providers/{slug:str}")
async def show(request: Visit, slug: FromPath[str]) -> Answer:
    """The provider of that address; a former one leads to the present. What is not public, its owner may see."""
    found = await request.market.providers.by_slug(slug)
    provider = found.row.value
    if found.moved:
        return request.redirect(f"/providers/{provider.slug}")
    if provider.status not in SHOWN:
        try:
            provider.must_be_kept_by(request.actor)
        except Denied:
            raise ProviderUnknown from None
    entries = await request.market.shelf.entries(provider.provider_id)
    pictures = await request.market.media.find(provider.media)
    return request.page(
        "provider_page/page.html",
        provider=provider,
        rating=await request.market.providers.rating(provider.provider_id),
        languages=named(provider.languages),
        services=[entry for entry in entries if isinstance(entry, Document)],
        pictures=[pictures[name] for name in provider.media if name in pictures],
        is_public=provider.status in SHOWN,
    )
