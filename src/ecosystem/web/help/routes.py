"""How the marketplace works, in words made from the same rules that it works by."""

from __future__ import annotations

from litestar import get

from ecosystem.web.answers import Answer
from ecosystem.web.service.terms import terms
from ecosystem.web.visit import Visit


@get("/help")
async def show(request: Visit) -> Answer:
    """Booking, paying, the guest fee, and where to turn."""
    rates = await request.market.tariff.current()
    return request.page(
        "help/page.html", surcharge=rates.surcharge_bps / 100, commission=100 - rates.provider_share_bps / 100
    )


@get("/help/cancellation")
async def cancellation(request: Visit) -> Answer:
    """What each policy gives back, as it stands for bookings made now."""
    policies = await request.market.policies.all()
    return request.page("help/cancellation.html", policies=[(policy.name, terms(policy)) for policy in policies])


@get("/help/privacy")
async def privacy(request: Visit) -> Answer:
    """What is kept of people, and which cookies are set."""
    return request.page("help/privacy.html")
