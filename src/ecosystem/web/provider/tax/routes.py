"""Who the provider is to the tax office: filled in here, kept encrypted, shown in part."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.payouts import TaxDetails
from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/provider/tax"


class Told(Struct, frozen=True, kw_only=True):
    legal_name: Annotated[str, Meta(max_length=200)]
    address: Annotated[str, Meta(max_length=500)]
    country: Annotated[str, Meta(max_length=2, min_length=2)]
    number: Annotated[str, Meta(max_length=40)]


@get(PATH)
async def show(request: Visit) -> Answer:
    """What is kept; the number by its last digits alone."""
    here = await area(request)
    known = await request.market.tax.of(here.provider_id, request.actor)
    form = forms.blank(Told)
    if known:
        details = known.details
        form = forms.blank(Told, legal_name=details.legal_name, address=details.address, country=details.country)
    return await _shown(request, here, form)


@post(PATH)
async def tell(request: Visit) -> Answer:
    """Keep other details."""
    here = await area(request)
    form = await request.form_of(Told)
    try:
        asked = form.asked
        details = TaxDetails(
            legal_name=asked.legal_name, address=asked.address, country=asked.country, number=asked.number
        )
        await request.market.tax.set(here.provider_id, details, request.actor)
    except Refusal as no:
        return await _shown(request, here, form.refused(no))
    return request.redirect(PATH, toast=Toast(text="Saved, and encrypted."))


async def _shown(request: Visit, here: Area, form: Form[Told]) -> Answer:
    known = await request.market.tax.of(here.provider_id, request.actor)
    return here.page(
        "provider/tax/page.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        record=known.record if known else None,
    )
