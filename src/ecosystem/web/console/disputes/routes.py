"""Disputes for operators: listed by state, one with both sides and the money at stake, and its decision."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import BookingStatus, ConcludeDispute
from ecosystem.contexts.disputes import DecideDispute, Dispute, Kind, State
from ecosystem.journeys.closing import in_all
from ecosystem.journeys.dossiers import Division, Dossier
from ecosystem.kernel.money import Money, decimal_text
from ecosystem.kernel.refusals import Conflict, NotFound, Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.disputes import STATES, Amount, Text, amount_of, shown
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 25


class ChangedMeanwhile(Conflict):
    """What goes back changed while this page stood open. Look at it again."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which disputes."""

    state: State = State.ESCALATED
    after: Annotated[str, Meta(max_length=700)] = ""


class Deciding(Struct, frozen=True, kw_only=True):
    """How much goes back, and why; `sure` once the page has said what follows, `expected` what it said."""

    amount: Amount
    reason: Text
    elsewhere: bool = False
    sure: bool = False
    expected: int | None = None


class NoteToBank(Struct, frozen=True, kw_only=True):
    """What we say to the bank, before anything was typed."""

    note: str = ""


class Ahead(Struct, frozen=True, kw_only=True):
    """What a decision would do: to the customer, and with the rest, or with what was released."""

    division: Division | None
    back: int


@get("/console/disputes")
async def listed(request: Visit) -> Answer:
    """Disputes in a state, those first whose time runs out first."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    page = await request.market.disputes.in_state(
        asked.state, request.actor, after=Cursor(asked.after) if asked.after else None, limit=PAGE
    )
    bookings = [(await request.market.bookings.row(each.booking_id)).value for each in page.values]
    return at_desk.page(
        "disputes/list.html",
        rows=list(zip(map(shown, page.values), bookings, strict=True)),
        states=[(state, words) for state, (words, _) in STATES.items()],
        chosen=asked.state,
        query={"state": asked.state},
        after=asked.after,
        next_after=page.next,
    )


@get("/console/disputes/{booking_id:str}/{dispute_id:str}")
async def show(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str]) -> Answer:
    """One dispute, both sides of it, and the form that decides it."""
    return await shown_with(request, booking_id, dispute_id, forms.blank(Deciding))


@post("/console/disputes/{booking_id:str}/{dispute_id:str}")
async def decide(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str]) -> Answer:
    """What the decision will do; or, once that was seen, the decision."""
    form = await request.form_of(Deciding)
    try:
        asked = form.asked
        dispute = await request.market.disputing.of(booking_id, dispute_id, request.actor)
        refund = amount_of(asked.amount, dispute.paid, field="amount")
        wanted = DecideDispute(
            booking_id=booking_id,
            dispute_id=dispute_id,
            refund=refund,
            reason=asked.reason,
            elsewhere=asked.elsewhere,
        )
        dossier = await request.market.dossiers.of(booking_id, request.actor)
        ahead = _ahead(request, dossier, wanted)
        if not asked.sure:
            return await shown_with(request, booking_id, dispute_id, form, ahead)
        if asked.expected != ahead.back:
            raise ChangedMeanwhile
        await request.market.disputing.decide(wanted, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await shown_with(request, booking_id, dispute_id, form.refused(no, refund="amount"))
    return request.redirect(f"/console/disputes/{booking_id}/{dispute_id}", toast=Toast(text="The dispute is decided."))


def _ahead(request: Visit, dossier: Dossier, wanted: DecideDispute) -> Ahead:
    """What the decision would do to the booking's money, by the very decision that carries it out."""
    if dossier.booking.status is not BookingStatus.DISPUTED:
        return Ahead(division=None, back=0)
    request_of = ConcludeDispute(booking_id=wanted.booking_id, amount=wanted.refund, reason=wanted.reason)
    after, _ = booked.conclude(dossier.booking, in_all(request_of, dossier.charge), request.actor, request.at)
    division = request.market.dossiers.division(dossier, after, elsewhere=wanted.elsewhere)
    return Ahead(division=division, back=division.back.minor if division else 0)


async def shown_with(
    request: Visit,
    booking_id: str,
    dispute_id: str,
    form: Form[Deciding],
    ahead: Ahead | None = None,
    *,
    sending: Form[Any] | None = None,
) -> Answer:
    """The dispute's page; `sending` is the form of its evidence, where something stands against it."""
    at_desk = await desk(request)
    dispute = await request.market.disputing.of(booking_id, dispute_id, request.actor)
    dossier = await request.market.dossiers.of(booking_id, request.actor)
    left = await request.market.disputing.left(booking_id, request.actor)
    return at_desk.answer(
        "disputes/detail.html",
        "disputes/_decide.html",
        status=status_of(refusal) if (refusal := form.refusal or (sending.refusal if sending else None)) else 200,
        one=shown(dispute),
        dispute=dispute,
        dossier=dossier,
        booking=dossier.booking,
        form=form,
        ahead=ahead,
        presets=_presets(dispute, left),
        most=decimal_text(left),
        refused=dossier.charge is not None and not dossier.charge.refundable,
        sending=sending or forms.blank(NoteToBank),
        late=dispute.due_at is None or request.at >= dispute.due_at,
        is_open=not dispute.is_over and dispute.kind is Kind.COMPLAINT,
    )


def _presets(dispute: Dispute, left: Money) -> list[tuple[str, str]]:
    """Amounts that lie at hand."""
    offered = [(decimal_text(min(dispute.offered, left)), "what the provider offers")] if dispute.offered else []
    return [
        (decimal_text(left), "all that is left"),
        (decimal_text(min(dispute.wanted, left)), "what the customer wants"),
        *offered,
        ("0", "nothing"),
    ]
