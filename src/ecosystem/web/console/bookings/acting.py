"""The page of an act: a form in two steps, asked, and then, once the page has said what follows, sure.

Both are posts to one address, so that it works without a script. `expected` is what the page said would go back: if
that changed meanwhile, it asks anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar.params import FromPath

from ecosystem.contexts.booking import Booking, BookingStatus, Side, refund_of, refund_share
from ecosystem.journeys.dossiers import Dossier
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import BPS, decimal_text
from ecosystem.kernel.refusals import Conflict, NotFound, Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.acts import ACTS, Act, Ahead, Amount, Shared, deeds
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.errors import NoSuchPage
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


class ChangedMeanwhile(Conflict):
    """What goes back changed while this page stood open. Look at it again."""


@get("/console/bookings/{booking_id:str}/{name:str}")
async def ask(request: Visit, booking_id: FromPath[str], name: FromPath[str]) -> Answer:
    """The form of an act."""
    act = _act(name)
    dossier = await request.market.dossiers.of(booking_id, request.actor)
    values: dict[str, Any] = {}
    if act.form is Amount:
        values = {"refund_id": mint("rfd", request.at, request.market.ports.entropy)}
    elif act.form is Shared:
        values = {"share": "100" if dossier.booking.status is not BookingStatus.DISPUTED else ""}
    return await _shown(request, act, dossier, forms.blank(act.form, **values))


@post("/console/bookings/{booking_id:str}/{name:str}")
async def carry_out(request: Visit, booking_id: FromPath[str], name: FromPath[str]) -> Answer:
    """What the act will do; or, once that was seen, the act."""
    act = _act(name)
    form = await request.form_of(act.form)
    dossier = await request.market.dossiers.of(booking_id, request.actor)
    ahead: Ahead | None = None
    try:
        asked: Any = form.asked
        ahead = act.ahead(request, dossier, asked)
        if act.is_final and not asked.sure:
            return await _shown(request, act, dossier, form, ahead)
        if act.is_final and asked.expected != ahead.back:
            raise ChangedMeanwhile
        await act.do(request, booking_id, asked)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        fresh = await request.market.dossiers.of(booking_id, request.actor)
        return await _shown(request, act, fresh, form.refused(no, share_bps="share"))
    return request.redirect(f"/console/bookings/{booking_id}", toast=Toast(text=act.done))


def _act(name: str) -> Act:
    act = ACTS.get(name)
    if act is None:
        raise NoSuchPage
    return act


async def _shown(request: Visit, act: Act, dossier: Dossier, form: Form[Any], ahead: Ahead | None = None) -> Answer:
    at_desk = await desk(request)
    booking, charge = dossier.booking, dossier.charge
    return at_desk.answer(
        "bookings/act.html",
        "bookings/_act.html",
        status=status_of(form.refusal) if form.refusal else 200,
        act=act,
        fields=tuple(act.form.__struct_fields__),
        form=form,
        ahead=ahead,
        booking=booking,
        dossier=dossier,
        presets=_presets(booking, request.at) if act.form is Shared else (),
        left=decimal_text(charge.refundable) if charge else "",
        currency=booking.lines.currency,
        is_open=act in deeds(dossier, request.actor, request.at),
    )


def _presets(booking: Booking, at: datetime) -> list[tuple[str, str]]:
    """Shares that lie at hand, each with the amount it makes, and what the customer would get by the policy now."""
    wanted = {BPS: "", BPS // 2: "", 0: ""}
    if booking.booked_at is not None and at < booking.start_at:
        policy = refund_share(
            booking.policy, start_at=booking.start_at, booked_at=booking.booked_at, at=at, by=Side.CUSTOMER
        )
        policy = min(policy, booking.refund_cap_bps)
        wanted[policy] = "what the customer would get by the policy now"
    return [(f"{bps / 100:g}", _preset(booking, bps, words)) for bps, words in sorted(wanted.items(), reverse=True)]


def _preset(booking: Booking, bps: int, words: str) -> str:
    amount = money_text(refund_of(booking.lines, booking.rates, bps).amount)
    return f"{bps / 100:g} % · {amount}" + (f" · {words}" if words else "")
