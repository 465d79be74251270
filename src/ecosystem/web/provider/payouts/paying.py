"""Payouts as their owner sees and asks for them: what can go out and when, the plan, and what became of each."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.bank_accounts import Purpose
from ecosystem.contexts.payouts import AskPayout, PayoutId, Speed
from ecosystem.kernel.money import decimal_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.provider.area import area, get, post
from ecosystem.web.provider.payouts.forms import PlanForm, Wanted
from ecosystem.web.provider.payouts.page import STATUSES, shown
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/provider/payouts"
PER_PAGE = 25


class Page(Struct, kw_only=True):
    after: Annotated[str, Meta(max_length=400)] = ""


@get(f"{PATH}/all")
async def listed(request: Visit) -> Answer:
    """Every payout, newest first."""
    here, asked = await area(request), request.query_of(Page).asked
    after = Cursor(asked.after) if asked.after else None
    page = await request.market.paying_out.payouts(here.provider_id, request.actor, after=after, limit=PER_PAGE)
    return here.page(
        "provider/payouts/list.html",
        payouts=page.values,
        statuses=STATUSES,
        held=await request.market.paying_out.outlooks.held(here.provider_id, request.actor),
        after=asked.after,
        next_after=page.next,
    )


@post(f"{PATH}/pay")
async def pay(request: Visit) -> Answer:
    """Ask for a payout. One that is instant is asked for twice: the first time its price is shown."""
    here = await area(request)
    form = await request.form_of(Wanted)
    try:
        asked = form.asked
        amount = asked.money()
        outlook = await request.market.paying_out.outlooks.of(here.provider_id, request.actor, currency=asked.currency)
        fee = outlook.rules.instant_fee(amount) if asked.instant else None
        if asked.instant and fee is not None and asked.fee != fee.minor:
            again = forms.blank(
                Wanted,
                payout_id=asked.payout_id,
                amount=decimal_text(amount),
                currency=asked.currency,
                instant=1,
                fee=fee.minor,
            )
            return here.page(
                "provider/payouts/instant.html", form=again, amount=amount, fee=fee, net=amount - fee, outlook=outlook
            )
        await request.market.paying_out.ask(
            AskPayout(
                payout_id=PayoutId(asked.payout_id),
                provider_id=here.provider_id,
                amount=amount,
                speed=Speed.INSTANT if asked.instant else Speed.STANDARD,
                fee=fee,
            ),
            request.actor,
        )
    except Refusal as no:
        return await shown(request, here, wanted=form.refused(no))
    said = "It is on its way." if asked.instant else "Your payout is sent in a minute. Until then you can call it off."
    return request.redirect(PATH, toast=Toast(text=said))


@post(f"{PATH}/{{payout_id:str}}/cancel")
async def cancel(request: Visit, payout_id: FromPath[str]) -> Answer:
    """Call a payout off."""
    await area(request)
    await request.market.paying_out.cancel(payout_id, request.actor)
    return request.redirect(PATH, toast=Toast(text="Called off. The money is back on your balance."))


@post(f"{PATH}/plan")
async def plan(request: Visit) -> Answer:
    """When and how they are paid from now on."""
    here = await area(request)
    form = await request.form_of(PlanForm)
    try:
        asked = form.asked
        used = await request.market.bank_accounts.used(here.provider_id, Purpose.PAYOUT)
        bank_account_id = used.account_id if used else ""
        await request.market.payout_settings.set(here.provider_id, asked.request(bank_account_id), request.actor)
    except Refusal as no:
        return await shown(request, here, plan_asked=form.refused(no, bank_account_id="rail"))
    return request.redirect(PATH, toast=Toast(text="Saved."))


@post(f"{PATH}/pause")
async def pause(request: Visit) -> Answer:
    """Pay nothing out for now."""
    here = await area(request)
    await request.market.payout_settings.pause(here.provider_id, "", request.actor)
    return request.redirect(PATH, toast=Toast(text="Paused. What you earn stays on your balance."))


@post(f"{PATH}/resume")
async def resume(request: Visit) -> Answer:
    """Go on paying out."""
    here = await area(request)
    try:
        await request.market.payout_settings.resume(here.provider_id, request.actor)
    except Refusal as no:
        return request.redirect(PATH, toast=Toast(text=no.message, tone="bad"))
    return request.redirect(PATH, toast=Toast(text="Your payouts go out again."))
