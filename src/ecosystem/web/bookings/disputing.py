"""Disputing a booking as its customer: the form, and what can be done while it goes on."""

from __future__ import annotations

from typing import Literal

from litestar import get, post
from litestar.params import FromPath
from msgspec import Struct

from ecosystem.contexts.booking import DISPUTABLE
from ecosystem.contexts.disputes import Cause, OpenDispute
from ecosystem.kernel.money import decimal_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.bookings.routes import at
from ecosystem.web.bookings.sheet import sheet
from ecosystem.web.bookings.way import Way, way
from ecosystem.web.disputes import CAUSES, Amount, Text, amount_of
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

DONE = {
    "accept": "Agreed. The money is on its way back.",
    "decline": "Declined. The dispute goes on.",
    "withdraw": "Taken back. Thank you for telling us.",
}


class Opening(Struct, frozen=True, kw_only=True):
    """What is wrong, and what is wanted: all, or a part with its amount. The id is minted with the page."""

    dispute_id: Id
    cause: Cause
    text: Text
    want: Literal["all", "part"]
    amount: Amount = ""


@get(at("/dispute"))
async def ask(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The form that opens a dispute."""
    found = await way(request, booking_id)
    dispute_id = mint("dsp", request.at, request.market.ports.entropy)
    return await _asked(request, found, forms.blank(Opening, dispute_id=dispute_id, want="all"))


@post(at("/dispute"))
async def dispute(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Open the dispute."""
    found = await way(request, booking_id)
    form = await request.form_of(Opening)
    total = found.booking.lines.total
    try:
        asked = form.asked
        wanted = OpenDispute(
            dispute_id=asked.dispute_id,
            booking_id=booking_id,
            cause=asked.cause,
            text=asked.text,
            wanted=amount_of(asked.amount, total, field="amount") if asked.want == "part" else None,
        )
        await request.market.disputing.open(wanted, found.actor)
    except Refusal as no:
        return await _asked(request, await way(request, booking_id), form.refused(no, wanted="amount"))
    return request.redirect(found.base, toast=Toast(text="Your dispute is open. The money waits."))


@post(at("/dispute/{dispute_id:str}/{act:str}"))
async def answer(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str], act: FromPath[str]) -> Answer:
    """Take the provider's offer, decline it, or take the dispute back."""
    found = await way(request, booking_id)
    acts = {
        "accept": request.market.disputing.accept_offer,
        "decline": request.market.disputing.decline_offer,
        "withdraw": request.market.disputing.withdraw,
    }
    if act not in acts:
        return request.redirect(found.base)
    try:
        await acts[act](booking_id, dispute_id, found.actor)
    except Refusal as no:
        values = await sheet(request, await way(request, booking_id))
        return request.page("bookings/page.html", status=status_of(no), said=no.message, **values)
    return request.redirect(found.base, toast=Toast(text=DONE[act]))


async def _asked(request: Visit, found: Way, form: Form[Opening]) -> Answer:
    values = await sheet(request, found)
    status = status_of(form.refusal) if form.refusal else 200
    if not values["deeds"].dispute or values["disputed"]:
        said = form.refusal.message if form.refusal else "This booking cannot be disputed now."
        return request.page("bookings/page.html", status=status if form.refusal else 409, said=said, **values)
    left = await request.market.disputing.left(found.booking.booking_id, found.actor)
    return request.page(
        "bookings/dispute.html",
        status=status,
        form=form,
        causes=[(cause.value, words) for cause, words in CAUSES.items()],
        until=found.booking.end_at + DISPUTABLE,
        left=left,
        most=decimal_text(left),
        **values,
    )
