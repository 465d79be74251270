"""Cases: those that wait and those of late, one with its reasons, and its decision."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import Booking
from ecosystem.contexts.catalogue import ProviderUnknown
from ecosystem.contexts.fraud import NAMES, Assessment, Kind, Label, Standing
from ecosystem.journeys.casework import Case, DecideCase, TrainedByNobodyElse
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.fraud.words import SOURCES, STANDINGS, feature
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 25
OF_PAYOUT = "payout"
"""What stands in an address in the place of the booking, for a payout."""


class View(StrEnum):
    """Which cases: those that wait, or the latest that do not."""

    WAITING = "waiting"
    STOPPED = "stopped"
    ALL = "all"


class Asked(Struct, frozen=True, kw_only=True):
    """Which cases."""

    view: View = View.WAITING
    after: Annotated[str, Meta(max_length=700)] = ""


class Deciding(Struct, frozen=True, kw_only=True):
    """Let through or not, and why."""

    decision: Annotated[str, Meta(pattern=r"^(approve|decline)$", description="Choose one.")]
    note: Annotated[str, Meta(max_length=1_000)]


class Line(Struct, frozen=True, kw_only=True):
    """A case in the list."""

    case: Assessment
    title: str
    words: str
    standing: str
    tone: str
    path: str
    decide_by: datetime


@get("/console/fraud")
async def listed(request: Visit) -> Answer:
    """What waits for a decision, the oldest first; or what was decided of late."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    market, actor = request.market, request.actor
    after = Cursor(asked.after) if asked.after else None
    if asked.view is View.ALL:
        lately = await market.assessments.lately(actor, before=asked.after, limit=PAGE)
        found, next_after = lately.cases, lately.next
    else:
        of = market.casework.waiting if asked.view is View.WAITING else market.assessments.stopped
        page = await of(actor, after=after, limit=PAGE)
        found, next_after = page.values, page.next
    return at_desk.page(
        "fraud/list.html",
        lines=[await _line(request, each) for each in found],
        view=asked.view,
        query={"view": asked.view},
        after=asked.after,
        next_after=next_after,
        may_decide=await market.reviewers.may_decide(request.actor),
    )


@get("/console/fraud/cases/{booking_id:str}/{subject_id:str}")
async def show(request: Visit, booking_id: FromPath[str], subject_id: FromPath[str]) -> Answer:
    """One case: the score, its reasons, what is known of those in it, and the form that decides it."""
    return await _shown(request, booking_id, subject_id, forms.blank(Deciding))


@post("/console/fraud/cases/{booking_id:str}/{subject_id:str}")
async def decide(request: Visit, booking_id: FromPath[str], subject_id: FromPath[str]) -> Answer:
    """Decide it."""
    form = await request.form_of(Deciding)
    try:
        asked = form.asked
        wanted = DecideCase(
            subject_id=subject_id,
            booking_id="" if booking_id == OF_PAYOUT else booking_id,
            approve=asked.decision == "approve",
            note=asked.note,
        )
        await request.market.casework.decide(wanted, request.actor)
    except NotFound:
        raise
    except Refusal as no:
        return await _shown(request, booking_id, subject_id, form.refused(no))
    text = "The case is let through." if asked.decision == "approve" else "The case is refused."
    return request.redirect("/console/fraud", toast=Toast(text=text))


class Saying(Struct, frozen=True, kw_only=True):
    """Whether an operator is trained."""

    operator_id: Id
    trained: bool = False


@get("/console/fraud/reviewers")
async def reviewers(request: Visit) -> Answer:
    """Every operator, and whether they may decide cases."""
    at_desk = await desk(request)
    market = request.market
    known = {each.operator_id: each for each in await market.reviewers.all(request.actor)}
    rows = [
        (user_id, (await market.identity.profiles.addressee(user_id)).name, known.get(user_id))
        for user_id in await market.identity.people.operators()
    ]
    return at_desk.page("fraud/reviewers.html", rows=rows, now=request.at, me=request.actor.actor_id)


@post("/console/fraud/reviewers")
async def say(request: Visit) -> Answer:
    """Say that an operator is trained, or not any more."""
    asked = (await request.form_of(Saying)).asked
    if asked.operator_id not in await request.market.identity.people.operators():
        raise NotFound
    try:
        await request.market.casework.train(asked.operator_id, request.actor, trained=asked.trained)
    except TrainedByNobodyElse as no:
        return request.redirect("/console/fraud/reviewers", toast=Toast(text=no.message, tone="bad"))
    text = "This operator may decide cases for a year." if asked.trained else "This operator decides no cases any more."
    return request.redirect("/console/fraud/reviewers", toast=Toast(text=text))


async def _shown(request: Visit, booking_id: str, subject_id: str, form: Form[Deciding]) -> Answer:
    at_desk = await desk(request)
    market = request.market
    case = await market.casework.case("" if booking_id == OF_PAYOUT else booking_id, subject_id, request.actor)
    assessment = case.assessment
    policy = await market.fraud_policies.version(assessment.policy)
    booking = await _booking(request, assessment)
    heaviest = max((abs(reason.weight) for reason in case.reasons), default=1.0) or 1.0
    return at_desk.answer(
        "fraud/case.html",
        "fraud/_decide.html",
        status=status_of(form.refusal) if form.refusal else 200,
        case=assessment,
        reasons=[(reason, round(100 * abs(reason.weight) / heaviest)) for reason in case.reasons],
        numbers=_numbers(case),
        line=await _line(request, assessment),
        booking=booking,
        provider=await _provider(request, assessment.provider_id),
        policy=policy,
        form=form,
        to=f"/console/fraud/cases/{booking_id}/{subject_id}",
        may_decide=await market.reviewers.may_decide(request.actor),
        is_own=await market.casework.is_own(assessment, request.actor),
        decide_by=_decide_by(assessment, booking),
        waits=assessment.standing is Standing.WAITING,
        source=SOURCES[assessment.labelled_by] if assessment.labelled_by else "",
        is_fraud=assessment.label is Label.FRAUD,
    )


def _numbers(case: Case) -> list[tuple[str, str]]:
    names = NAMES[case.assessment.kind]
    return [
        (feature(name), "not known" if number != number else f"{number:,.4g}")  # noqa: PLR0124 -- nan is not itself
        for name, number in zip(names, case.assessment.numbers, strict=False)
    ]


def _decide_by(case: Assessment, booking: Booking | None) -> datetime:
    """Until when it has to be decided: what nobody has answered by its start expires."""
    return min(case.decide_by, booking.start_at) if booking else case.decide_by


async def _line(request: Visit, case: Assessment) -> Line:
    words, tone = STANDINGS[case.standing]
    booking = await _booking(request, case)
    provider = await _provider(request, case.provider_id)
    return Line(
        case=case,
        title=booking.offer.title if booking else "Payout" if case.kind is Kind.PAYOUT else "Checkout",
        words=f"{booking.contact.name} · {provider}" if booking else provider,
        standing=words,
        tone=tone,
        path=f"/console/fraud/cases/{case.booking_id or OF_PAYOUT}/{case.subject_id}",
        decide_by=_decide_by(case, booking),
    )


async def _booking(request: Visit, case: Assessment) -> Booking | None:
    """The booking that would have been paid; none for what was refused, since there came to be none."""
    if not case.booking_id:
        return None
    try:
        return (await request.market.bookings.row(case.booking_id)).value
    except NotFound:
        return None


async def _provider(request: Visit, provider_id: str) -> str:
    try:
        return (await request.market.providers.load(provider_id)).value.name
    except ProviderUnknown:
        return provider_id
