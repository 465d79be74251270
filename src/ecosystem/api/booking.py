"""Times and bookings: what is free, what is held, what is booked, and what becomes of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.api.plain import After, Limit, Paging, connection, policy, price
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.api.sheets import refund_share, sheet, sheets, told_hold
from ecosystem.contexts.booking import (
    AddCalendar,
    AnswerProposal,
    BookingStatus,
    CancelBooking,
    DatedHours,
    DaySlots,
    FreeTimes,
    OutsideCalendar,
    Plan,
    ReportNoShow,
    Reschedule,
    SetPlan,
    SetPolicy,
    TakeHold,
    TimeOff,
    Window,
)
from ecosystem.kernel.actor import VISITOR
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Row

ROOTS = Roots()

Zone = Annotated[str, Meta(max_length=60)]
Secret = Annotated[str, Meta(max_length=4_096)]


class Dates(Struct, frozen=True, kw_only=True):
    """Dates of the viewer's zone, both included."""

    service_id: str
    first_day: date
    last_day: date
    zone: Zone


class FirstDay(Struct, frozen=True, kw_only=True):
    service_id: str
    zone: Zone


class Wanted(Struct, frozen=True, kw_only=True):
    service_id: str
    seats: int = 1


class OfHold(Struct, frozen=True, kw_only=True):
    hold_id: str


class OfBooking(Struct, frozen=True, kw_only=True):
    booking_id: str


class OfBookingWhy(Struct, frozen=True, kw_only=True):
    booking_id: str
    reason: str = ""


class OtherDates(Struct, frozen=True, kw_only=True):
    booking_id: str
    first_day: date
    last_day: date
    zone: Zone


class OfProvider(Struct, frozen=True, kw_only=True):
    provider_id: str


class OfOwner(Struct, frozen=True, kw_only=True):
    owner_id: str


class Mine(Paging, frozen=True, kw_only=True):
    since: datetime | None = None
    until: datetime | None = None
    descending: bool = False


class OfAProvider(Mine, frozen=True, kw_only=True):
    provider_id: str


class InStatus(Struct, frozen=True, kw_only=True):
    status: BookingStatus
    limit: Limit = 25
    after: After | None = None


class OfCalendar(Struct, frozen=True, kw_only=True):
    provider_id: str
    calendar_id: Annotated[str, Meta(max_length=64)]


class TakeOver(Struct, frozen=True, kw_only=True):
    """`replaces` is the hold that the guest of `guest_token` has."""

    hold_id: str
    replaces: str
    guest_token: Secret


class Claim(Struct, frozen=True, kw_only=True):
    """By the secret of the mailed link, or by the token of the guest who booked."""

    booking_id: str
    secret: Secret | None = None
    guest_token: Secret | None = None


@ROOTS.query
async def free_times(ask: Ask, request: Dates) -> Plain:
    offering = ask.market.offering
    offer = await offering.offer(request.service_id)
    return _free_times(await offering.free_times(offer, request.first_day, request.last_day, request.zone))


@ROOTS.query
async def first_free_day(ask: Ask, request: FirstDay) -> Plain | None:
    offering = ask.market.offering
    found = await offering.first_free_day(await offering.offer(request.service_id), request.zone)
    return _day(found) if found else None


@ROOTS.query
async def quote(ask: Ask, request: Wanted) -> Plain:
    as_guest = ask.actor.is_guest or ask.actor == VISITOR
    found = await ask.market.offering.quote(request.service_id, seats=request.seats, guest=as_guest)
    offer = found.offer
    return {
        "serviceId": offer.service_id,
        "providerId": offer.provider_id,
        "title": offer.title,
        "seats": request.seats,
        "durationMin": offer.duration_min,
        "mode": offer.mode,
        "instant": offer.instant,
        "price": price(found.lines),
        "asGuest": as_guest,
    }


@ROOTS.query
async def hold(ask: Ask, request: OfHold) -> Plain:
    return await told_hold(ask, await ask.market.holds.get(request.hold_id, ask.actor))


@ROOTS.query
async def booking(ask: Ask, request: OfBooking) -> Plain:
    return await sheet(ask, await ask.market.bookings.get(request.booking_id, ask.actor))


@ROOTS.query
async def my_bookings(ask: Ask, request: Mine) -> Plain:
    page = await ask.market.bookings.of_customer(
        ask.actor.actor_id,
        ask.actor,
        since=request.since,
        until=request.until,
        descending=request.descending,
        after=request.cursor,
        limit=request.limit,
    )
    return connection(await sheets(ask.within("nodes"), page.values), page.next)


@ROOTS.query
async def provider_bookings(ask: Ask, request: OfAProvider) -> Plain:
    owned = (await ask.market.providers.load(request.provider_id)).value
    page = await ask.market.bookings.of_provider(
        request.provider_id,
        ask.actor,
        owner_id=owned.owner_id or owned.provider_id,
        since=request.since,
        until=request.until,
        descending=request.descending,
        after=request.cursor,
        limit=request.limit,
    )
    return connection(await sheets(ask.within("nodes"), page.values), page.next)


@ROOTS.query
async def bookings_in_status(ask: Ask, request: InStatus) -> Plain:
    found, before = await ask.market.bookings.in_status(
        request.status, ask.actor, before=request.after or None, limit=request.limit
    )
    return connection(await sheets(ask.within("nodes"), found), before)


@ROOTS.query
async def cancellation_preview(ask: Ask, request: OfBooking) -> Plain:
    return refund_share(await ask.market.closing.preview(request.booking_id, ask.actor))


@ROOTS.query
async def reschedule_times(ask: Ask, request: OtherDates) -> Plain:
    found = await ask.market.bookings.get(request.booking_id, ask.actor)
    times = await ask.market.availability.between(
        found.offer, request.first_day, request.last_day, request.zone, beside=found.booking_id
    )
    return _free_times(times)


@ROOTS.query
async def plan(ask: Ask, request: OfProvider) -> Plain | None:
    await ask.market.providers.kept(request.provider_id, ask.actor)
    row = await ask.market.plans.get(request.provider_id)
    return _plan(row) if row else None


@ROOTS.query
async def policies(ask: Ask) -> list[Plain]:
    return [policy(each) for each in await ask.market.policies.all()]


@ROOTS.query
async def calendar_feed(ask: Ask, request: OfOwner) -> str:
    return await ask.market.calendars.secret(request.owner_id, ask.actor)


@ROOTS.mutation
async def renew_calendar_feed(ask: Ask, request: OfOwner) -> str:
    return await ask.market.calendars.renew(request.owner_id, ask.actor)


@ROOTS.mutation
async def take_hold(ask: Ask, request: TakeHold) -> Plain:
    return await told_hold(ask, await ask.market.checkout.hold(request, ask.actor))


@ROOTS.mutation
async def take_over_hold(ask: Ask, request: TakeOver) -> Plain:
    guest = ask.market.identity.guests.identified(request.guest_token).actor
    held = await ask.market.checkout.take_over(request.hold_id, request.replaces, guest, ask.actor)
    return await told_hold(ask, held)


@ROOTS.mutation
async def release_hold(ask: Ask, request: OfHold) -> Plain:
    return await told_hold(ask, await ask.market.holds.release(request.hold_id, ask.actor))


@ROOTS.mutation
async def cancel_booking(ask: Ask, request: CancelBooking) -> Plain:
    return await sheet(ask, await ask.market.closing.cancel(request, ask.actor))


@ROOTS.mutation
async def reschedule_booking(ask: Ask, request: Reschedule) -> Plain:
    return await sheet(ask, await ask.market.bookings.reschedule(request, ask.actor))


@ROOTS.mutation
async def answer_proposal(ask: Ask, request: AnswerProposal) -> Plain:
    return await sheet(ask, await ask.market.bookings.answer(request, ask.actor))


@ROOTS.mutation
async def accept_booking(ask: Ask, request: OfBooking) -> Plain:
    return await sheet(ask, await ask.market.acceptance.accept(request.booking_id, ask.actor))


@ROOTS.mutation
async def decline_booking(ask: Ask, request: OfBookingWhy) -> Plain:
    return await sheet(ask, await ask.market.closing.decline(request.booking_id, request.reason, ask.actor))


@ROOTS.mutation
async def start_booking(ask: Ask, request: OfBooking) -> Plain:
    return await sheet(ask, await ask.market.bookings.start(request.booking_id, ask.actor))


@ROOTS.mutation
async def complete_booking(ask: Ask, request: OfBooking) -> Plain:
    return await sheet(ask, await ask.market.closing.complete(request.booking_id, ask.actor))


@ROOTS.mutation
async def report_no_show(ask: Ask, request: ReportNoShow) -> Plain:
    return await sheet(ask, await ask.market.closing.report_no_show(request, ask.actor))


@ROOTS.mutation
async def settle_no_show(ask: Ask, request: OfBooking) -> Plain:
    return await sheet(ask, await ask.market.closing.settle_no_show(request.booking_id, ask.actor))


@ROOTS.mutation
async def claim_booking(ask: Ask, request: Claim) -> Plain:
    claiming = ask.market.claiming
    if request.guest_token:
        guest = ask.market.identity.guests.identified(request.guest_token).actor
        return await sheet(ask, await claiming.as_guest(request.booking_id, guest, ask.actor))
    if request.secret:
        return await sheet(ask, await claiming.by_link(request.booking_id, request.secret, ask.actor))
    raise Invalid("Bring the secret of the mailed link, or the guest's token.", field="secret")


@ROOTS.mutation
async def set_plan(ask: Ask, request: SetPlan) -> Plain:
    kept = (await ask.market.providers.kept(request.provider_id, ask.actor)).value
    row = await ask.market.plans.set(request, owner_id=kept.owner_id or kept.provider_id, actor=ask.actor)
    return _plan(row)


@ROOTS.query
async def outside_calendars(ask: Ask, request: OfProvider) -> list[Plain]:
    owner_id = await _owner(ask, request.provider_id)
    found = await ask.market.outside_calendars.of(request.provider_id, ask.actor, owner_id=owner_id)
    return [_calendar(each) for each in found]


@ROOTS.mutation
async def add_calendar(ask: Ask, request: AddCalendar) -> Plain:
    owner_id = await _owner(ask, request.provider_id)
    return _calendar(await ask.market.outside_calendars.add(request, ask.actor, owner_id=owner_id))


@ROOTS.mutation
async def read_calendar(ask: Ask, request: OfCalendar) -> Plain:
    owner_id, calendars = await _owner(ask, request.provider_id), ask.market.outside_calendars
    return _calendar(await calendars.refresh(request.provider_id, request.calendar_id, ask.actor, owner_id=owner_id))


@ROOTS.mutation
async def remove_calendar(ask: Ask, request: OfCalendar) -> list[Plain]:
    owner_id, calendars = await _owner(ask, request.provider_id), ask.market.outside_calendars
    await calendars.remove(request.provider_id, request.calendar_id, ask.actor, owner_id=owner_id)
    return [_calendar(each) for each in await calendars.of(request.provider_id, ask.actor, owner_id=owner_id)]


async def _owner(ask: Ask, provider_id: str) -> str:
    kept = (await ask.market.providers.kept(provider_id, ask.actor)).value
    return kept.owner_id or kept.provider_id


def _calendar(calendar: OutsideCalendar) -> Plain:
    return {
        "calendarId": calendar.calendar_id,
        "name": calendar.name,
        "host": calendar.host,
        "busy": calendar.busy,
        "leftOut": calendar.left_out,
        "readAt": calendar.read_at,
        "triedAt": calendar.tried_at,
        "dueAt": calendar.due_at,
        "problem": calendar.problem or None,
    }


@ROOTS.mutation
async def set_policy(ask: Ask, request: SetPolicy) -> Plain:
    return policy(await ask.market.policies.set(request, ask.actor))


def _free_times(times: FreeTimes) -> Plain:
    return {"zone": times.zone, "days": [_day(day) for day in times.days], "firstDay": times.first_day}


def _day(free: DaySlots) -> Plain:
    return {
        "day": free.day,
        "slots": [
            {"startAt": slot.start_at, "endAt": slot.end_at, "seatsLeft": slot.seats_left} for slot in free.slots
        ],
    }


def _plan(row: Row[Plan]) -> Plain:
    kept = row.value
    week = {day: [_window(window) for window in getattr(kept.week, day)] for day in kept.week.__struct_fields__}
    return {
        "providerId": kept.provider_id,
        "zone": kept.zone,
        "week": week,
        "exceptions": [_dated(hours) for hours in kept.exceptions],
        "timeOff": [_off(off) for off in kept.time_off],
        "stepMin": kept.step_min,
        "version": row.version,
    }


def _window(window: Window) -> Plain:
    return {"opens": window.opens, "closes": window.closes}


def _dated(hours: DatedHours) -> Plain:
    return {"day": hours.day, "windows": [_window(window) for window in hours.windows], "note": hours.note}


def _off(off: TimeOff) -> Plain:
    return {"startAt": off.start_at, "endAt": off.end_at, "note": off.note}
