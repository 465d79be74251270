"""All that the pages of one booking show, loaded once per request."""

from __future__ import annotations

from typing import Any

from ecosystem.contexts.booking import DISPUTABLE, Booking, BookingStatus, Mode
from ecosystem.contexts.booking import Refund as Share
from ecosystem.contexts.payments import Payment, Refund, RefundState
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.time import Span, utc
from ecosystem.ports.cards import ShownCard
from ecosystem.web.bookings import zones
from ecosystem.web.bookings.cards import brand
from ecosystem.web.bookings.deeds import deeds
from ecosystem.web.bookings.listings import listing
from ecosystem.web.bookings.terms import deal_of, stages
from ecosystem.web.bookings.timeline import Story, steps
from ecosystem.web.bookings.way import Way
from ecosystem.web.disputes import shown as shown_dispute
from ecosystem.web.templates import link
from ecosystem.web.visit import Visit

_S = BookingStatus
STANDS = frozenset({_S.AWAITING_PROVIDER, _S.CONFIRMED, _S.IN_PROGRESS})
"""Bookings that are still ahead, or under way."""

_MODES = {
    Mode.AT_PROVIDER: ("At the provider", "store"),
    Mode.AT_CUSTOMER: ("At your place", "house"),
    Mode.REMOTE: ("Online", "video"),
}


async def sheet(request: Visit, way: Way) -> dict[str, Any]:
    """What the templates of a booking's pages are given."""
    market, booking = request.market, way.booking
    zone = zones.chosen(request, booking.zone)
    shown = await listing(market, booking.offer)
    payments = [row.value for row in await market.payments.payments_of(booking.booking_id)]
    refunds = await refunds_of(request, booking)
    may = deeds(booking, way.actor, request.at)
    back = returned(refunds, booking.lines.currency)
    preview = await market.closing.preview(booking.booking_id, way.actor) if may.cancel else None
    due = refund_due(preview, refunds) if preview else zero(booking.lines.currency)
    story = Story(
        booking=booking,
        events=await market.timelines.with_disputes(booking.booking_id, way.actor),
        payments=payments,
        refunds=refunds,
        provider=shown.provider,
        words=request.kit.templates.words,
        zone=zone,
        seen_at=request.at,
    )
    paid = next((payment for payment in payments if payment.captured_at), None)
    return {
        **described(booking, zone),
        "way": way,
        "base": way.base,
        "listing": shown,
        "zones": zones.choices(request, booking.zone, booking.offer.zone, zone),
        "deeds": may,
        "due": due,
        "kept": booking.lines.total - back - due,
        "steps": steps(story),
        "stages": stages(deal_of(booking), request.at) if booking.status in STANDS else (),
        "paid": paid,
        "undrawn": paid is not None and await market.bank_debits.waits(paid),
        "reserved": next((each for each in payments if each.authorized_at and not each.closed_at), None),
        "card": card_text(paid or (payments[-1] if payments else None)),
        "refunds": refunds,
        "disputed": [shown_dispute(each) for each in await market.disputing.over(booking.booking_id, way.actor)],
        "dispute_until": booking.end_at + DISPUTABLE,
        "returned": back,
        "net": booking.lines.total - back,
        "may_claim": way.as_guest and request.person is not None,
        "guest_link": guest_link(request, booking) if way.as_guest else "",
        "stands": booking.status in STANDS,
        "outward": outward(booking) if booking.status in STANDS else {},
    }


def described(booking: Booking, zone: str) -> dict[str, Any]:
    """The booking itself, and its time in that zone."""
    mode, picture = _MODES[booking.offer.mode]
    return {
        "booking": booking,
        "offer": booking.offer,
        "zone": zone,
        "span": Span(booking.start_at, booking.end_at),
        "mode": mode,
        "mode_icon": picture,
    }


def card_text(payment: Payment | None) -> str:
    """`Visa •••• 4242`, or nothing."""
    shown: ShownCard | None = payment.shown_card if payment else None
    return f"{brand(shown)} •••• {shown.last4}" if shown else ""


async def refunds_of(request: Visit, booking: Booking) -> list[Refund]:
    return [row.value for row in await request.market.refunds.refunds_of(booking.booking_id)]


def refund_due(preview: Share, refunds: list[Refund]) -> Money:
    """What cancelling would give back beside what was given back before."""
    before = returned(refunds, preview.amount.currency)
    return preview.amount - before if before < preview.amount else zero(preview.amount.currency)


def returned(refunds: list[Refund], currency: str) -> Money:
    """What was given back, or is on its way."""
    total = zero(currency)
    for refund in refunds:
        if refund.state is not RefundState.FAILED:
            total += refund.amount
    return total


def guest_link(request: Visit, booking: Booking) -> str:
    """The secret link of a guest's booking, as they may keep it."""
    if booking.claim_hash is None:
        return ""
    return f"{request.kit.site.url}/b/{booking.booking_id}/{request.market.links.secret(booking.booking_id)}"


def outward(booking: Booking) -> dict[str, str]:
    """Where the booking may be put into calendars that live in a browser."""
    start, end = (f"{utc(at):%Y%m%dT%H%M%SZ}" for at in (booking.start_at, booking.end_at))
    title, place = booking.offer.title, booking.place
    return {
        "Google Calendar": link(
            "https://calendar.google.com/calendar/render",
            {"action": "TEMPLATE", "text": title, "dates": f"{start}/{end}", "location": place},
        ),
        "Outlook": link(
            "https://outlook.live.com/calendar/0/deeplink/compose",
            {
                "path": "/calendar/action/compose",
                "rru": "addevent",
                "subject": title,
                "startdt": f"{utc(booking.start_at):%Y-%m-%dT%H:%M:%SZ}",
                "enddt": f"{utc(booking.end_at):%Y-%m-%dT%H:%M:%SZ}",
                "location": place,
            },
        ),
    }
