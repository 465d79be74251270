"""What providers owe, by age, and giving it up."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.payouts import WRITE_OFF_PREFIX, GiveUp
from ecosystem.kernel.money import Money, decimal_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.provider.payouts.forms import typed
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/console/receivables"
AGES = ("Up to 30 days", "31 to 60", "61 to 90", "Over 90 days")


class GivingUp(Struct, frozen=True, kw_only=True):
    write_off_id: Id
    amount: Annotated[str, Meta(max_length=24)]
    reason: Annotated[str, Meta(max_length=500)]


@get(PATH)
async def listed(request: Visit) -> Answer:
    """Every balance below nothing, by age, the oldest first; and the sums by currency."""
    at_desk = await desk(request)
    owed = await request.market.receivables.all(request.actor)
    sums: dict[str, list[int]] = {}
    for each in owed:
        ages = sums.setdefault(each.receivable.owed.currency, [0, 0, 0, 0])
        for place, units in enumerate(each.aged.parts):
            ages[place] += units
    return at_desk.page(
        "payouts/receivables.html",
        owed=owed,
        ages=AGES,
        sums=[(currency, [Money(units, currency) for units in ages]) for currency, ages in sorted(sums.items())],
        parts=[[Money(units, each.receivable.owed.currency) for units in each.aged.parts] for each in owed],
    )


@get(f"{PATH}/{{provider_id:str}}/{{currency:str}}")
async def ask(request: Visit, provider_id: FromPath[str], currency: FromPath[str]) -> Answer:
    """One debt, and the form that gives it up."""
    aged = await request.market.receivables.of(provider_id, currency, request.actor)
    form = forms.blank(
        GivingUp,
        write_off_id=mint(WRITE_OFF_PREFIX, request.at, request.market.ports.entropy),
        amount=decimal_text(Money(aged.units, currency)),
        reason="",
    )
    return await _shown(request, provider_id, currency, form)


@post(f"{PATH}/{{provider_id:str}}/{{currency:str}}")
async def give_up(request: Visit, provider_id: FromPath[str], currency: FromPath[str]) -> Answer:
    """Write it off."""
    form = await request.form_of(GivingUp)
    try:
        asked = form.asked
        await request.market.receivables.give_up(
            GiveUp(
                write_off_id=asked.write_off_id,
                provider_id=provider_id,
                amount=typed(asked.amount, currency, "amount"),
                reason=asked.reason,
            ),
            request.actor,
        )
    except Refusal as no:
        return await _shown(request, provider_id, currency, form.refused(no))
    return request.redirect(PATH, toast=Toast(text="Written off: it is a cost of ours now."))


async def _shown(request: Visit, provider_id: str, currency: str, form: Form[GivingUp]) -> Answer:
    at_desk = await desk(request)
    aged = await request.market.receivables.of(provider_id, currency, request.actor)
    return at_desk.page(
        "payouts/give_up.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        provider=(await request.market.providers.load(provider_id)).value,
        currency=currency,
        aged=aged,
        ages=AGES,
        parts=[Money(units, currency) for units in aged.parts],
        given_up=await request.market.receivables.given_up(provider_id, request.actor),
    )
