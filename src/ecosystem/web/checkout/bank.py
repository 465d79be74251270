"""Paying a checkout from a bank account: what may be debited, the words to agree to, and the copy that is kept of them.

A form of its own, without any script and without the card processor.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import Contact, Mode
from ecosystem.contexts.payments import NoSuchMandate, mandate_digest
from ecosystem.journeys.bank_debits import BankOffer, PayByBank
from ecosystem.journeys.checkout import PayForHold
from ecosystem.kernel import ids
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.bookings.listings import listing
from ecosystem.web.checkout.desk import Desk, Stage, after_refusals, desk
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.visit import Visit


class NotAgreed(Invalid):
    """Tick that you agree: without it your account is not debited."""


class PayFromBank(Struct, frozen=True, kw_only=True):
    """Which account pays, and the digest of the text that stood there. `total` is what the page said, in minor units."""

    account: Id
    text_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    total: Annotated[int, Meta(ge=0)]
    agreed: bool = False
    place: Annotated[str, Meta(max_length=500)] = ""
    note: Annotated[str, Meta(max_length=2_000)] = ""


@get("/checkout/{hold_id:str}/bank")
async def show(request: Visit, hold_id: FromPath[str]) -> Answer:
    """The accounts that may be debited, each with what is agreed to."""
    at = await desk(request, hold_id)
    if at.stage is not Stage.OPEN:
        return request.redirect(f"/checkout/{hold_id}")
    return await _shown(request, at, forms.blank(PayFromBank))


@post("/checkout/{hold_id:str}/bank")
async def pay(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Book and pay. Sent again it has no second effect: the checkout tells where things stand."""
    at = await desk(request, hold_id)
    if at.stage is not Stage.OPEN:
        return request.redirect(f"/checkout/{hold_id}")
    form = await request.form_of(PayFromBank)
    try:
        order = _order(request, at, form, await after_refusals(request, at))
        await request.market.checkout.pay(order, at.actor, address=request.arrival.address)
    except Refusal as no:
        return await _shown(request, await desk(request, hold_id), form.refused(no))
    return request.redirect(f"/checkout/{hold_id}")


@get("/payments/{payment_id:str}/mandate")
async def mandate(request: Visit, payment_id: FromPath[str]) -> Answer:
    """What was agreed to, word for word: for who did, and to be printed."""
    try:
        ids.check("pay", payment_id)
    except Invalid:
        raise NoSuchMandate from None
    known = await request.market.mandates.of(payment_id, request.actor)
    return request.page("checkout/mandate.html", mandate=known)


def _order(request: Visit, at: Desk, form: Form[PayFromBank], payment_id: str) -> PayForHold:
    asked = form.asked
    if not asked.agreed:
        raise NotAgreed(field="agreed")
    assert request.person is not None
    placed = at.booking.request if at.booking else None
    return PayForHold(
        booking_id=at.booking_id,
        payment_id=payment_id,
        hold_id=at.hold.hold_id,
        contact=placed.contact if placed else Contact(name=request.person.name, email=request.person.email),
        total=Money(asked.total, at.lines.currency),
        card="",
        return_url=f"{request.kit.site.url}/checkout/{at.hold.hold_id}",
        note=placed.note if placed else asked.note,
        place=placed.place if placed else asked.place,
        bank=PayByBank(account_id=asked.account, text_sha256=asked.text_sha256),
    )


async def _shown(request: Visit, at: Desk, form: Form[PayFromBank]) -> Answer:
    offer: BankOffer = await request.market.bank_debits.offer(at.hold, at.lines.total, at.actor)
    values: dict[str, Any] = {
        "hold": at.hold,
        "offer": at.hold.offer,
        "lines": at.lines,
        "listing": await listing(request.market, at.hold.offer),
        "bank": offer,
        "choices": list(zip(offer.accounts, offer.texts, map(mandate_digest, offer.texts), strict=True)),
        "asks_place": at.booking is None and at.hold.offer.mode is Mode.AT_CUSTOMER,
        "form": form,
    }
    status = status_of(form.refusal) if form.refusal else 200
    answer = request.page("checkout/bank.html", status=status, **values)
    answer.headers["cache-control"] = "no-store"
    return answer
