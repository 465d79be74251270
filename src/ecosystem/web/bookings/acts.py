"""What a customer does with a booking: cancel, complete, report that nobody came, answer a proposal, claim.

What cannot be undone has a page of its own that says what will happen, and asks once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import AnswerProposal, BookingStatus, CancelBooking, ReportNoShow, Side
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Denied, Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.bookings.routes import at
from ecosystem.web.bookings.sheet import refund_due, refunds_of, sheet
from ecosystem.web.bookings.way import Way, guest, way
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

Reason = Annotated[str, Meta(max_length=1_000)]


class RefundChanged(Conflict):
    """What you get back changed while this page stood open. Look at it again before you cancel."""


class Cancel(Struct, frozen=True, kw_only=True):
    """`refund` is what the page said would be given back, in minor units."""

    refund: Annotated[int, Meta(ge=0)]
    reason: Reason = ""


class Report(Struct, frozen=True, kw_only=True):
    reason: Reason = ""


class Answered(Struct, frozen=True, kw_only=True):
    """The answer to the proposal to move to `start`."""

    start: datetime
    agree: bool = False
    reason: Reason = ""


@get(at("/cancel"))
async def ask_to_cancel(request: Visit, booking_id: FromPath[str]) -> Answer:
    """What cancelling now would give back."""
    found = await way(request, booking_id)
    return await _asked(request, found, "cancel", forms.blank(Cancel))


@post(at("/cancel"))
async def cancel(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Cancel, if that gives back what the page said."""
    found = await way(request, booking_id)
    if found.booking.status is BookingStatus.CANCELLED:
        return request.redirect(found.base)
    form = await request.form_of(Cancel)
    try:
        asked = form.asked
        undrawn = await _undrawn(request, found)
        preview = await request.market.closing.preview(booking_id, found.actor)
        due = refund_due(preview, await refunds_of(request, found.booking))
        if due.minor != asked.refund:
            raise RefundChanged
        wanted = CancelBooking(booking_id=booking_id, reason=asked.reason)
        await request.market.closing.cancel(wanted, found.actor)
    except Refusal as no:
        return await _asked(request, await way(request, booking_id), "cancel", form.refused(no))
    return request.redirect(found.base, toast=Toast(text=_cancelled(found, due, undrawn=undrawn)))


@get(at("/complete"))
async def ask_to_complete(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Whether the work is done, and what that releases."""
    return await _asked(request, await way(request, booking_id), "complete", forms.blank(Report))


@post(at("/complete"))
async def complete(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The work is done: release the payment."""
    found = await way(request, booking_id)
    form = forms.blank(Report)
    try:
        await request.market.closing.complete(booking_id, found.actor)
    except Refusal as no:
        return await _asked(request, await way(request, booking_id), "complete", form.refused(no))
    return request.redirect(found.base, toast=Toast(text="Thank you. The payment is released."))


@get(at("/no-show"))
async def ask_to_report(request: Visit, booking_id: FromPath[str]) -> Answer:
    """What reporting that the provider did not come leads to."""
    return await _asked(request, await way(request, booking_id), "no_show", forms.blank(Report))


@post(at("/no-show"))
async def report(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The provider did not come."""
    found = await way(request, booking_id)
    form = await request.form_of(Report)
    try:
        wanted = ReportNoShow(booking_id=booking_id, absent=Side.PROVIDER, reason=form.asked.reason)
        await request.market.closing.report_no_show(wanted, found.actor)
    except Refusal as no:
        return await _asked(request, await way(request, booking_id), "no_show", form.refused(no))
    return request.redirect(found.base, toast=Toast(text="Thank you for telling us. The money waits."))


@post(at("/proposal"))
async def answer(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Agree to another time, keep the present one, or take one's own proposal back."""
    found = await way(request, booking_id)
    try:
        asked = (await request.form_of(Answered)).asked
        wanted = AnswerProposal(booking_id=booking_id, start_at=asked.start, agree=asked.agree, reason=asked.reason)
        await request.market.bookings.answer(wanted, found.actor)
    except Refusal as no:
        changed = await way(request, booking_id)
        values = await sheet(request, changed)
        return request.page("bookings/page.html", status=status_of(no), said=no.message, **values)
    text = "Agreed: your booking has its new time." if asked.agree else "Your booking keeps its time."
    return request.redirect(found.base, toast=Toast(text=text))


@post(at("/claim"))
async def claim(request: Visit, booking_id: FromPath[str]) -> Answer:
    """A guest's booking into the account of who is signed in. Having the link, or being that guest, is the proof."""
    user_id = request.user_id
    found = await way(request, booking_id)
    if found.booking.customer_id != user_id:
        before = guest(request)
        if not (found.by_link or (before and before.actor_id == found.booking.customer_id)):
            raise Denied
        secret = request.market.links.secret(booking_id)
        await request.market.bookings.claim(booking_id, secret, request.actor)
    return request.redirect(f"/bookings/{booking_id}", toast=Toast(text="The booking is in your account now."))


async def _asked(request: Visit, found: Way, act: str, form: Form[Any]) -> Answer:
    """The page that asks once, with what was said against the form; or the booking, where the act is not open."""
    values = await sheet(request, found)
    open_now = {
        "cancel": values["deeds"].cancel is not None,
        "complete": values["deeds"].complete,
        "no_show": values["deeds"].no_show,
    }[act]
    status = status_of(form.refusal) if form.refusal else 200
    if not open_now:
        said = form.refusal.message if form.refusal else "This is not possible now."
        return request.page("bookings/page.html", status=status if form.refusal else 409, said=said, **values)
    return request.page(f"bookings/{act}.html", status=status, form=form, **values)


async def _undrawn(request: Visit, found: Way) -> bool:
    """Whether it is paid by a debit that is not sent yet."""
    payments = await request.market.payments.payments_of(found.booking.booking_id)
    return any([await request.market.bank_debits.waits(row.value) for row in payments])


def _cancelled(found: Way, refund: Money, *, undrawn: bool) -> str:
    if undrawn:
        return "Cancelled. The debit is revoked: nothing is debited."
    if found.booking.booked_at is None:
        return "Cancelled. Nothing was charged."
    return f"Cancelled. {money_text(refund)} goes back to your card." if refund else "Cancelled."
