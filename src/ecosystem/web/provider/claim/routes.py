"""Taking over a listing that was made for somebody before they came, such as by an import."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import get, post
from litestar.params import FromPath
from msgspec import Struct

from ecosystem.contexts.catalogue import NotClaimable, Provider, ServiceStatus
from ecosystem.web.answers import Answer
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


class Found(Struct, frozen=True, kw_only=True):
    """A listing that waits for this person: what it offers already, and a picture of it."""

    provider: Provider
    services: Sequence[str]
    picture: str


@get("/provider/claim")
async def show(request: Visit) -> Answer:
    """The listings that were made for the address of who is signed in. Raises `SignInNeeded`."""
    assert request.user_id
    found = [await _found(request, row.value) for row in await request.market.onboarding.claimable(request.actor)]
    owns = bool(await request.market.providers.owned_by(request.user_id))
    return request.page("provider/claim/page.html", found=found, owns=owns)


@post("/provider/claim/{provider_id:str}")
async def claim(request: Visit, provider_id: FromPath[str]) -> Answer:
    """Take one over. What was booked of it is theirs to answer from now on."""
    assert request.user_id
    try:
        row = await request.market.onboarding.claim(provider_id, request.actor)
    except NotClaimable as no:
        return request.redirect("/provider/claim", toast=Toast(text=no.message, tone="bad"))
    return request.redirect(
        "/provider", toast=Toast(text=f"{row.value.name} is yours. Look through it, then share it.")
    )


async def _found(request: Visit, provider: Provider) -> Found:
    services = [row.value for row in await request.market.services.of(provider.provider_id)]
    return Found(
        provider=provider,
        services=[each.title for each in services if each.status is not ServiceStatus.CLOSED],
        picture=f"/media/{provider.media[0]}/320.webp" if provider.media else "",
    )
