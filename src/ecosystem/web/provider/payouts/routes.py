"""Where the provider is paid: how the account at the payment processor stands, and the way to the processor's pages."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ecosystem.contexts.payments import NoPayoutAccount, PayoutState
from ecosystem.journeys.payout_accounts import Payouts
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

WORDS: dict[PayoutState, tuple[str, str, str]] = {
    PayoutState.NONE: ("Not set up", "", "Set up payouts, and what you earn can go to your bank account."),
    PayoutState.REQUESTED: ("Being opened", "wait", "The payment processor opens an account for you."),
    PayoutState.PENDING: ("Not ready yet", "wait", "The payment processor does not know enough about you yet."),
    PayoutState.RESTRICTED: ("Something is needed", "bad", "Nothing can be paid out until it is there."),
    PayoutState.ACTIVE: ("Ready", "good", "What you earn can be paid to your bank account."),
    PayoutState.REJECTED: ("Rejected", "bad", "The payment processor pays nothing out to this account."),
}
"""Each state as its owner reads it: a word, its tone, and a sentence."""
VERIFYING = ("Being verified", "wait", "You have said everything. The payment processor looks into it.")


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
    return await _shown(request, here, trouble)


@post("/provider/payouts/open")
async def begin(request: Visit) -> Answer:
    """Have an account opened; its owner then goes on to the processor's own page, which no form of ours may lead to."""
    here = await area(request)
    try:
        await request.market.payout_accounts.request(here.provider_id, request.actor)
    except Refusal as no:
        return await _shown(request, here, no)
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
        return await _shown(request, here, no)
    return Drawn(status=303, headers=(("location", link.url),)).answer()


@post("/provider/payouts/ask")
async def ask(request: Visit) -> Answer:
    """Ask the processor now."""
    here = await area(request)
    try:
        await request.market.payout_accounts.ask(here.provider_id, request.actor)
    except Refusal as no:
        return await _shown(request, here, no)
    return request.redirect("/provider/payouts", toast=Toast(text="Asked. This is how it stands."))


async def _shown(request: Visit, here: Area, trouble: Refusal | None = None) -> Answer:
    payouts = await request.market.payout_accounts.of(here.provider_id, request.actor)
    return here.page(
        "provider/payouts/page.html",
        status=status_of(trouble) if trouble else 200,
        trouble=trouble,
        **drawn(payouts),
    )


def drawn(payouts: Payouts) -> dict[str, Any]:
    """What a page shows of it."""
    verifying = payouts.state is PayoutState.PENDING and not payouts.may_be_filled_in
    word, tone, sentence = VERIFYING if verifying else WORDS[payouts.state]
    return {"payouts": payouts, "account": payouts.account, "word": word, "tone": tone, "sentence": sentence}
