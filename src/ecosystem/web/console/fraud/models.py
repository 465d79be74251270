"""The models: what the champion is, how a challenger compares, how far what is seen has moved."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.fraud.words import KINDS, feature
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

DRIFTS_SHOWN = 8


class ModelMissing(Invalid):
    """Choose the file that `ecosystem fraud train` wrote."""


class Taking(Struct, frozen=True, kw_only=True):
    """A model's file; its bytes come beside."""

    model: str = ""


class Promoting(Struct, frozen=True, kw_only=True):
    """What to do about the challenger, having compared under that version."""

    version: int
    act: str


@get("/console/fraud/models")
async def show(request: Visit) -> Answer:
    """Champion, challenger, drift."""
    return await _shown(request, forms.blank(Taking))


@post("/console/fraud/models")
async def take_in(request: Visit) -> Answer:
    """Take a model in as challenger."""
    form: Form[Taking] = forms.blank(Taking)
    try:
        uploads = await request.uploads("model")
        if not uploads:
            raise ModelMissing(field="model")
        card = await request.market.fraud_models.take_in(await uploads[0].read(), request.actor)
    except Refusal as no:
        return await _shown(request, form.refused(no))
    return request.redirect("/console/fraud/models", toast=Toast(text=f"{card.model} scores beside the champion now."))


@post("/console/fraud/models/challenger")
async def decide(request: Visit) -> Answer:
    """Promote the challenger, or let it go."""
    asked = (await request.form_of(Promoting)).asked
    if asked.act == "promote":
        await request.market.fraud_models.promote(asked.version, request.actor)
        text = "The challenger decides from now on."
    else:
        await request.market.fraud_models.dismiss(request.actor)
        text = "The challenger scores no more."
    return request.redirect("/console/fraud/models", toast=Toast(text=text))


async def _shown(request: Visit, form: Form[Taking]) -> Answer:
    at_desk = await desk(request)
    models = await request.market.fraud_models.overview(request.actor)
    return at_desk.page(
        "fraud/models.html",
        status=status_of(form.refusal) if form.refusal else 200,
        models=models,
        kinds=[
            (KINDS[drifts.kind], models.champion.kinds[drifts.kind.value], drifts, drifts.drifts[:DRIFTS_SHOWN])
            for drifts in models.drifts
        ],
        words=feature,
        form=form,
    )
