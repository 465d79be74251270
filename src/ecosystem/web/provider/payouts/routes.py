"""Where the provider is paid: how the account at the payment processor stands, and the way to the processor's pages."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.contexts.payments import NoPayoutAccount
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.provider.area import area, get, post
from ecosystem.web.provider.payouts.page import shown
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


class Returned(Struct, kw_only=True):
    """Whether the owner comes from the processor's pages."""

    back: bool = False


@get("/provider/payouts")
async def show(request: Visit) -> Answer:
    """How it stands; asked of the processor when its owner comes back from there."""
    here = await area(request)
    trouble: Refusal | None = None
    if request.query_of(Returned).asked.back:
        try:
            await request.market.payout_accounts.ask(here.provider_id, request.actor)
        except (Unavailable, NoPayoutAccount) as refused:
            trouble = refused if isinstance(refused, Unavailable) else None
    return await shown(request, here, trouble)


@post("/provider/payouts/open")
async def begin(request: Visit) -> Answer:
    """Have an account opened; its owner then goes on to the processor's own page, which no form of ours may lead to."""
    here = await area(request)
    try:
        await request.market.payout_accounts.request(here.provider_id, request.actor)
    except Refusal as no:
        return await shown(request, here, no)
    toast = Toast(text="The payment processor has opened an account for you. Go on there.")
    return request.redirect("/provider/payouts", toast=toast)


@get("/provider/payouts/continue")
async def proceed(request: Visit) -> Answer:
    """On to the processor's own page, by a link that serves once. An address opened opens no account."""
    here = await area(request)
    url = request.kit.site.url
    try:
        link = await request.market.payout_accounts.renewed_link(
            here.provider_id,
            request.actor,
            back=f"{url}/provider/payouts?back=1",
            again=f"{url}/provider/payouts/continue",
        )
    except NoPayoutAccount:
        return request.redirect("/provider/payouts")
    except Refusal as no:
        return await shown(request, here, no)
    return Drawn(status=303, headers=(("location", link.url),)).answer()


@post("/provider/payouts/ask")
async def ask(request: Visit) -> Answer:
    """Ask the processor now."""
    here = await area(request)
    try:
        await request.market.payout_accounts.ask(here.provider_id, request.actor)
    except Refusal as no:
        return await shown(request, here, no)
    return request.redirect("/provider/payouts", toast=Toast(text="Asked. This is how it stands."))
