"""Bookings of a provider: lists, one of them with all that happened, and what may be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import (
    FREED,
    MIME,
    AnswerProposal,
    Booking,
    BookingStatus,
    CancelBooking,
    ReportNoShow,
    Reschedule,
    Side,
    seen_by_provider,
)
from ecosystem.contexts.disputes import Answer as DisputeAnswer
from ecosystem.contexts.disputes import AnswerDispute, OpenDispute
from ecosystem.kernel.display import day_text
from ecosystem.kernel.refusals import Invalid, Refusal, Unavailable
from ecosystem.kernel.time import local, midnight
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Cursor
from ecosystem.web import calendar
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.disputes import Amount, amount_of, evidence_file, shown
from ecosystem.web.fields import Path
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.provider.bookings.deeds import deeds
from ecosystem.web.provider.bookings.entries import STANDING, by_day, theirs
from ecosystem.web.provider.bookings.money import summed
from ecosystem.web.provider.bookings.timeline import Story, steps
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

LIST = "provider/bookings/list.html"
DETAIL = "provider/bookings/detail.html"
MOVE = "provider/bookings/move.html"
PICKER = "provider/bookings/_picker.html"
PER_PAGE = 50
DAY_MAX = 200

ANSWERED = {
    DisputeAnswer.ACCEPTED: "Agreed. The money is on its way back to the customer.",
    DisputeAnswer.OFFERED: "Offered. The customer has a day to answer.",
    DisputeAnswer.CONTESTED: "Contested. The customer was told.",
}

Reason = Annotated[str, Meta(max_length=1_000)]


class Wanted(Struct, kw_only=True):
    """Which list, from where on."""

    view: Literal["upcoming", "past", "day"] = "upcoming"
    day: date | None = None
    after: Annotated[str, Meta(max_length=600)] = ""


class Said(Struct, kw_only=True):
    """An act, with a reason for the customer. `back` is where it was done."""

    reason: Reason = ""
    back: Path = ""


class Answered(Struct, kw_only=True):
    """An answer to a proposal of another time, which is named so that no other is meant."""

    start: datetime
    agree: bool = False
    reason: Reason = ""


class Answering(Struct, kw_only=True):
    """An answer to a dispute, with the amount that is offered."""

    answer: DisputeAnswer
    text: Reason = ""
    amount: Amount = ""


class NewTime(Struct, kw_only=True):
    start: datetime
    reason: Reason = ""


class Looked(Struct, kw_only=True):
    """Which month and day of free times."""

    month: Annotated[str, Meta(max_length=7)] = ""
    day: date | None = None


@get("/provider/bookings")
async def show(request: Visit) -> Answer:
    """What is ahead, what is over, or one day."""
    here = await area(request)
    wanted = request.query_of(Wanted).asked
    values = await (_of_day(here, wanted) if wanted.view == "day" else _listed(here, wanted))
    return here.page(LIST, **values, view=wanted.view, feed=await _feed(here))


@get("/provider/bookings/{booking_id:str}")
async def see(request: Visit, booking_id: FromPath[str]) -> Answer:
    """One booking, with all that happened."""
    here = await area(request)
    booking = await theirs(here, booking_id)
    return here.page(DETAIL, **await _detail(here, booking))


@get("/provider/bookings/{booking_id:str}/calendar.ics")
async def file(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The booking as a file for a calendar."""
    here = await area(request)
    await theirs(here, booking_id)
    body = await request.market.calendars.file(booking_id, request.actor)
    disposition = f'attachment; filename="{booking_id}.ics"'
    return Drawn(status=200, headers=(("content-disposition", disposition),), body=body, media_type=MIME).answer()


@post("/provider/bookings/{booking_id:str}/accept")
async def accept(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Accept a request: the money is taken now."""

    async def act(_: Said) -> str:
        try:
            await request.market.acceptance.accept(booking_id, request.actor)
        except Unavailable:
            return "Accepted. The card company has not answered yet; the booking is confirmed as soon as it does."
        return "Accepted and paid. The booking is in your calendar."

    return await _done(request, booking_id, act)


@post("/provider/bookings/{booking_id:str}/decline")
async def decline(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Decline a request: the customer pays nothing."""

    async def act(said: Said) -> str:
        await request.market.closing.decline(booking_id, said.reason, request.actor)
        return "Declined. The customer was told, and pays nothing."

    return await _done(request, booking_id, act)


@post("/provider/bookings/{booking_id:str}/cancel")
async def cancel(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Call the booking off: the customer gets all of it back."""

    async def act(said: Said) -> str:
        if not said.reason:
            raise Invalid("Say why you cancel: the customer reads it.", field="reason")
        wish = CancelBooking(booking_id=booking_id, reason=said.reason)
        await request.market.closing.cancel(wish, request.actor)
        return "Cancelled. The customer was told, and gets all of it back."

    return await _done(request, booking_id, act)


@post("/provider/bookings/{booking_id:str}/no-show")
async def report(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Say that the customer did not come."""

    async def act(said: Said) -> str:
        wish = ReportNoShow(booking_id=booking_id, absent=Side.CUSTOMER, reason=said.reason)
        await request.market.closing.report_no_show(wish, request.actor)
        return "Reported. It stands a day after the end, unless the customer disputes it."

    return await _done(request, booking_id, act)


@post("/provider/bookings/{booking_id:str}/contest")
async def contest(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Dispute the report that the provider did not come."""

    async def act(said: Said) -> str:
        if not said.reason:
            raise Invalid("Say what happened: it is read when the dispute is decided.", field="reason")
        dispute_id = mint("dsp", request.at, request.market.ports.entropy)
        wish = OpenDispute(dispute_id=dispute_id, booking_id=booking_id, text=said.reason)
        await request.market.disputing.open(wish, request.actor)
        return "Disputed. The money stays where it is until somebody has decided."

    return await _done(request, booking_id, act)


@post("/provider/bookings/{booking_id:str}/disputes/{dispute_id:str}")
async def answer_dispute(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str]) -> Answer:
    """Answer a dispute: give back what is wanted, offer a part, or contest it."""
    here, form = await area(request), await request.form_of(Answering)
    booking = await theirs(here, booking_id)
    try:
        asked = form.asked
        offers = asked.answer is DisputeAnswer.OFFERED
        wish = AnswerDispute(
            booking_id=booking_id,
            dispute_id=dispute_id,
            answer=asked.answer,
            text=asked.text,
            offered=amount_of(asked.amount, booking.lines.total, field="amount") if offers else None,
        )
        await request.market.disputing.answer(wish, request.actor)
    except Refusal as no:
        return await _refused(here, booking, no, form.values)
    return request.redirect(f"/provider/bookings/{booking_id}", toast=Toast(text=ANSWERED[asked.answer]))


@get("/provider/bookings/{booking_id:str}/disputes/{dispute_id:str}/evidence/{version:int}")
async def evidence(
    request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str], version: FromPath[int]
) -> Answer:
    """A version of the evidence that we assembled, as its one file."""
    here = await area(request)
    await theirs(here, booking_id)
    return await evidence_file(request, booking_id, dispute_id, version)


@post("/provider/bookings/{booking_id:str}/admit")
async def admit(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Let the report that the provider did not come stand at once."""

    async def act(_: Said) -> str:
        await request.market.closing.settle_no_show(booking_id, request.actor)
        return "The customer gets all of it back."

    return await _done(request, booking_id, act)


@get("/provider/bookings/{booking_id:str}/move")
async def choose(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Free times to propose to the customer."""
    here = await area(request)
    booking = await theirs(here, booking_id)
    values = await _picker(here, booking, request.query_of(Looked).asked)
    return here.answer(MOVE, PICKER, **values)


@post("/provider/bookings/{booking_id:str}/move")
async def propose(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Propose another time."""
    here, form = await area(request), await request.form_of(NewTime)
    booking = await theirs(here, booking_id)
    try:
        asked = form.asked
        wish = Reschedule(booking_id=booking_id, start_at=asked.start, reason=asked.reason)
        await request.market.bookings.reschedule(wish, request.actor)
    except Refusal as no:
        said = "Choose a time first." if form.value is None and not form.error("reason") else no.message
        values = await _picker(here, booking, Looked(), said=said, reason=form.text("reason"))
        return here.answer(MOVE, PICKER, status=status_of(no), **values)
    toast = Toast(text="Proposed. The present time stands until the customer agrees.")
    return request.redirect(f"/provider/bookings/{booking_id}", toast=toast)


@post("/provider/bookings/{booking_id:str}/answer")
async def answer(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Agree to the customer's proposal, decline it, or take one's own back."""
    here, form = await area(request), await request.form_of(Answered)
    booking = await theirs(here, booking_id)
    try:
        asked = form.asked
        wish = AnswerProposal(booking_id=booking_id, start_at=asked.start, agree=asked.agree, reason=asked.reason)
        await request.market.bookings.answer(wish, request.actor)
    except Refusal as no:
        return await _refused(here, booking, no, form.values)
    text = "Moved. The customer was told." if asked.agree else "The time stays as it was. The customer was told."
    return request.redirect(f"/provider/bookings/{booking_id}", toast=Toast(text=text))


@post("/provider/calendar/renew")
async def renew(request: Visit) -> Answer:
    """Another address for the calendar feed; the former is void."""
    here = await area(request)
    await request.market.calendars.renew(here.provider_id, request.actor)
    toast = Toast(text="The calendar has a new address. Calendars that use the former see nothing any more.")
    return request.redirect("/provider/bookings#feed", toast=toast)


Act = Callable[[Said], Awaitable[str]]


async def _done(request: Visit, booking_id: str, act: Act) -> Answer:
    """Do something with the booking: back where it was done with the news, or its page with what stands against it."""
    here, form = await area(request), await request.form_of(Said)
    booking = await theirs(here, booking_id)
    try:
        text = await act(form.asked)
    except Refusal as no:
        return await _refused(here, booking, no, form.values)
    to = request.back(form.asked.back, otherwise=f"/provider/bookings/{booking_id}")
    return request.redirect(to, toast=Toast(text=text))


async def _refused(here: Area, booking: Booking, no: Refusal, typed: Mapping[str, Any]) -> Answer:
    """The booking as it stands now, with what stands against the act, and what was typed."""
    fresh = await theirs(here, booking.booking_id)
    reason, text, amount = (next(iter(typed.get(name, ())), "") for name in ("reason", "text", "amount"))
    values: dict[str, Any] = {
        **await _detail(here, fresh),
        "refused": no.message,
        "typed": reason or text,
        "typed_amount": amount,
    }
    return here.page(DETAIL, status=status_of(no), **values)


async def _detail(here: Area, booking: Booking) -> dict[str, Any]:
    request = here.request
    market, actor, at = request.market, request.actor, request.at
    payments = [row.value for row in await market.payments.payments_of(booking.booking_id)]
    refunds = [row.value for row in await market.refunds.refunds_of(booking.booking_id)]
    seen = seen_by_provider(booking, at)
    money = summed(booking, payments)
    story = Story(
        booking=booking,
        events=await market.timelines.with_disputes(booking.booking_id, actor),
        refunds=refunds,
        customer=seen.name,
        share=money.yours,
        zone=here.zone,
        seen_at=at,
    )
    return {
        "booking": booking,
        "seen": seen,
        "money": money,
        "steps": steps(story),
        "deeds": deeds(booking, actor, at),
        "refused": "",
        "typed": "",
        "typed_amount": "",
        "disputed": [shown(each) for each in await market.disputing.over(booking.booking_id, actor)],
    }


async def _listed(here: Area, wanted: Wanted) -> dict[str, Any]:
    """What is ahead from today's midnight on, or what is over, the latest first."""
    request = here.request
    past = wanted.view == "past"
    today = local(request.at, here.zone).date()
    page = await request.market.bookings.of_provider(
        here.provider_id,
        request.actor,
        owner_id=here.owner_id,
        since=None if past else midnight(today, here.zone),
        until=request.at if past else None,
        descending=past,
        after=Cursor(wanted.after) if wanted.after else None,
        limit=PER_PAGE,
    )
    shown = [booking for booking in page.values if (_was(booking) if past else booking.status in STANDING)]
    return {
        "days": by_day(shown, here.zone, request.at),
        "after": wanted.after,
        "next_after": page.next,
        "query": {"view": wanted.view},
        "day": None,
    }


async def _of_day(here: Area, wanted: Wanted) -> dict[str, Any]:
    """Everything of one day, what was called off too."""
    request = here.request
    today = local(request.at, here.zone).date()
    day = wanted.day if wanted.day and wanted.day.year in calendar.YEARS else today
    page = await request.market.bookings.of_provider(
        here.provider_id,
        request.actor,
        owner_id=here.owner_id,
        since=midnight(day, here.zone),
        until=midnight(day + timedelta(days=1), here.zone),
        limit=DAY_MAX,
    )
    shown = [booking for booking in page.values if _was(booking) or booking.status in STANDING]
    return {
        "days": by_day(shown, here.zone, request.at),
        "after": "",
        "next_after": None,
        "query": {"view": "day"},
        "day": day.isoformat(),
        "day_title": day_text(day, seen_in=today.year),
        "day_before": (day - timedelta(days=1)).isoformat(),
        "day_after": (day + timedelta(days=1)).isoformat(),
    }


def _was(booking: Booking) -> bool:
    """Whether it ever reached the provider: was paid or reserved."""
    return booking.booked_at is not None


async def _feed(here: Area) -> str:
    """The address of the provider's calendar feed."""
    request = here.request
    secret = await request.market.calendars.secret(here.provider_id, request.actor)
    return f"{request.kit.site.url}/api/calendars/{here.provider_id}/{secret}.ics"


async def _picker(here: Area, booking: Booking, wanted: Looked, *, said: str = "", reason: str = "") -> dict[str, Any]:
    """The free times of the booking's service, its own time not in the way."""
    request, offer, zone = here.request, booking.offer, here.zone
    availability, beside = request.market.availability, booking.booking_id
    today = local(request.at, zone).date()
    last = today + timedelta(days=offer.horizon_days)
    asked = wanted.day if wanted.day and wanted.day.year in calendar.YEARS else None
    first = calendar.first_of(wanted.month) if wanted.month else (asked or local(booking.start_at, zone).date())
    first = first.replace(day=1)
    start, end = calendar.days_of(first)
    free: dict[date, Any] = {}
    if end > today and start <= last:
        times = await availability.between(offer, max(start, today), end - timedelta(days=1), zone, beside=beside)
        free = {
            each.day: [
                slot for slot in each.slots if slot.start_at != booking.start_at and slot.seats_left >= booking.seats
            ]
            for each in times.days
        }
    day = asked if asked in free else min((each for each in free if free[each]), default=None)
    counts = {each: len(slots) for each, slots in free.items() if slots}
    return {
        "booking": booking,
        "seen": seen_by_provider(booking, request.at),
        "month": calendar.month(first, counts, today=today, last=last, chosen=day),
        "slots": free.get(day, ()) if day else (),
        "heading": day_text(day, seen_in=today.year) if day else "",
        "query": {},
        "said": said,
        "reason": reason,
        "may": deeds(booking, request.actor, request.at).move,
        "freed": booking.status in FREED or booking.status is not BookingStatus.CONFIRMED,
    }
