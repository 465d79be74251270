"""Refunds that came back: who is still owed what, and how they get it."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.payments import Follow, FollowRefund, why_it_failed
from ecosystem.journeys.failed_refunds import Owed
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

DONE = {
    Follow.TRIED_AGAIN: "The refund is tried again.",
    Follow.PAID_ELSEWHERE: "Noted: the customer was paid another way.",
    Follow.CLOSED: "Closed. The money stays where it is.",
}


class Following(Struct, frozen=True, kw_only=True):
    """What follows, under the id that the next refund will have."""

    how: Follow
    by_refund_id: Id
    note: Annotated[str, Meta(max_length=500)] = ""


@get("/console/refunds")
async def listed(request: Visit) -> Answer:
    """Refunds that failed, the one that has waited longest first."""
    at_desk = await desk(request)
    owed = await request.market.failed_refunds.waiting(request.actor)
    return at_desk.page("refunds/list.html", owed=owed, why=[why_it_failed(one.refund) for one in owed])


@get("/console/refunds/{booking_id:str}/{refund_id:str}")
async def ask(request: Visit, booking_id: FromPath[str], refund_id: FromPath[str]) -> Answer:
    """One refund that failed, and what can follow it."""
    by = mint("rfd", request.at, request.market.ports.entropy)
    return await _shown(request, booking_id, refund_id, forms.blank(Following, by_refund_id=by))


@post("/console/refunds/{booking_id:str}/{refund_id:str}")
async def follow(request: Visit, booking_id: FromPath[str], refund_id: FromPath[str]) -> Answer:
    """Have it follow."""
    form = await request.form_of(Following)
    try:
        asked = form.asked
        wanted = FollowRefund(
            refund_id=refund_id,
            booking_id=booking_id,
            how=asked.how,
            by_refund_id="" if asked.how is Follow.CLOSED else asked.by_refund_id,
            note=asked.note,
        )
        await request.market.failed_refunds.follow(wanted, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await _shown(request, booking_id, refund_id, form.refused(no))
    return request.redirect("/console/refunds", toast=Toast(text=DONE[asked.how]))


async def _shown(request: Visit, booking_id: str, refund_id: str, form: Form[Following]) -> Answer:
    at_desk = await desk(request)
    owed: Owed = await request.market.failed_refunds.of(booking_id, refund_id, request.actor)
    return at_desk.answer(
        "refunds/follow.html",
        "refunds/_follow.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        owed=owed,
        refund=owed.refund,
        booking=owed.booking,
        why=why_it_failed(owed.refund),
        is_open=owed.refund.state == "failed" and owed.refund.followed is None,
    )
