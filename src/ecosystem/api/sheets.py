"""A booking and its money as each side sees them: customer, provider, operator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from ecosystem.api.bank_accounts import told_account
from ecosystem.api.catalogue import told_provider, told_service
from ecosystem.api.plain import money, policy, price, split
from ecosystem.api.roots import Ask, Plain
from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import Booking, Hold, Proposal, Seen, Side
from ecosystem.contexts.booking import Refund as RefundShare
from ecosystem.contexts.catalogue import ProviderUnknown, ServiceUnknown
from ecosystem.contexts.payments import Payment, Refund, mandate_digest
from ecosystem.journeys.bank_debits import BankOffer
from ecosystem.ports.bus import Event

TOGETHER = 10
"""Bookings of a list that are put together without a pause."""


async def sheet(ask: Ask, booking: Booking) -> Plain:
    """The booking as the asker sees it, with what was wanted around it. Raises `Denied`."""
    side = booked.side_of(booking, ask.actor)
    offer = booking.offer
    seen = _seen(booking, side, ask)
    told: Plain = {
        "bookingId": booking.booking_id,
        "status": booking.status,
        "serviceId": offer.service_id,
        "providerId": offer.provider_id,
        "title": offer.title,
        "mode": offer.mode,
        "instant": offer.instant,
        "startAt": booking.start_at,
        "endAt": booking.end_at,
        "zone": booking.zone,
        "durationMin": offer.duration_min,
        "seats": booking.seats,
        "price": price(booking.lines),
        "split": None if side is Side.CUSTOMER else split(booking.lines),
        "policy": policy(booking.policy),
        "seenAs": side,
        "customerName": seen.name,
        "customerEmail": seen.email,
        "place": seen.place,
        "note": seen.note,
        "isGuest": booking.guest,
        "placedAt": booking.placed_at,
        "bookedAt": booking.booked_at,
        "changedAt": booking.changed_at,
        "dueAt": booking.due_at,
        "settledAt": booking.settled_at,
        "moves": booking.moves,
        "proposal": _proposal(booking.open_proposal(ask.at)) if booking.proposal else None,
        "refund": refund_share(booking.refund) if booking.refund else None,
        "absent": booking.absent,
        "endedBy": booking.ended_by,
        "reason": booking.reason,
    }
    await _around(ask, booking, side, told)
    return told


async def sheets(ask: Ask, bookings: Sequence[Booking]) -> list[Plain]:
    """Bookings in a list. What is read for each is read at once, so others get their turn in between."""
    told: list[Plain] = []
    for at, booking in enumerate(bookings, start=1):
        told.append(await sheet(ask, booking))
        if at % TOGETHER == 0:
            await asyncio.sleep(0)
    return told


async def _around(ask: Ask, booking: Booking, side: Side, told: Plain) -> None:
    """Put in what takes a further read, where it is wanted."""
    market = ask.market
    if ask.wants("payments"):
        rows = await market.payments.payments_of(booking.booking_id)
        told["payments"] = [payment(row.value, side) for row in rows]
    if ask.wants("refunds"):
        told["refunds"] = [refund(row.value) for row in await market.refunds.refunds_of(booking.booking_id)]
    if ask.wants("timeline"):
        events = await market.timelines.of_booking(booking.booking_id, ask.actor)
        told["timeline"] = [_entry(event, in_full=side is Side.OPERATOR) for event in events]
    if ask.wants("claimSecret"):
        is_theirs = booking.claim_hash is not None and side is Side.CUSTOMER and ask.actor.is_guest
        told["claimSecret"] = market.links.secret(booking.booking_id) if is_theirs else None
    if ask.wants("provider"):
        try:
            row = await market.providers.load(booking.provider_id)
            told["provider"] = await told_provider(ask.within("provider"), row)
        except ProviderUnknown:
            told["provider"] = None
    if ask.wants("service"):
        try:
            found = await market.services.find(booking.offer.service_id)
            told["service"] = await told_service(ask.within("service"), found.service, found.provider)
        except ServiceUnknown:
            told["service"] = None


async def told_hold(ask: Ask, held: Hold) -> Plain:
    """A held time, for who holds it."""
    told: Plain = {
        "holdId": held.hold_id,
        "status": held.status,
        "serviceId": held.offer.service_id,
        "providerId": held.offer.provider_id,
        "title": held.offer.title,
        "startAt": held.start_at,
        "endAt": held.end_at,
        "zone": held.request.zone,
        "seats": held.seats,
        "takenAt": held.taken_at,
        "expiresAt": held.expires_at,
        "bookingId": held.booking_id,
    }
    if ask.wants("price") or ask.wants("bank"):
        lines = await ask.market.checkout.lines(held, ask.actor)
        told["price"] = price(lines)
        if ask.wants("bank"):
            told["bank"] = _bank_offer(await ask.market.bank_debits.offer(held, lines.total, ask.actor))
    return told


def _bank_offer(offer: BankOffer) -> Plain:
    return {
        "choices": [
            {"account": told_account(account), "text": text, "textSha256": mandate_digest(text)}
            for account, text in zip(offer.accounts, offer.texts, strict=True)
        ],
        "fundsBy": offer.funds_by,
        "whyNot": offer.why_not or None,
    }


def payment(made: Payment, side: Side) -> Plain:
    """An attempt to pay. Of the card and of what the bank said, the provider is told nothing."""
    is_payers = side is not Side.PROVIDER
    decline, card = made.decline, made.shown_card
    return {
        "paymentId": made.payment_id,
        "bookingId": made.booking_id,
        "state": made.state,
        "amount": money(made.amount),
        "captured": money(made.captured),
        "refunding": money(made.refunding),
        "refunded": money(made.refunded),
        "challengeUrl": made.challenge_url if side is Side.CUSTOMER else None,
        "decline": {"code": decline.code, "sentence": decline.sentence, "sameCardMayWork": decline.same_card_may_work}
        if decline and is_payers
        else None,
        "card": {"brand": card.brand, "last4": card.last4} if card and is_payers else None,
        "intendedAt": made.intended_at,
        "authorizedAt": made.authorized_at,
        "authorizedUntil": made.authorized_until,
        "capturedAt": made.captured_at,
        "closedAt": made.closed_at,
    }


def refund(made: Refund) -> Plain:
    return {
        "refundId": made.refund_id,
        "paymentId": made.payment_id,
        "bookingId": made.booking_id,
        "amount": money(made.amount),
        "reason": made.reason,
        "state": made.state,
        "requestedAt": made.requested_at,
        "issuedAt": made.issued_at,
        "failedAt": made.failed_at,
        "failure": made.failure,
    }


def refund_share(given: RefundShare) -> Plain:
    return {"shareBps": given.share_bps, "amount": money(given.amount), "price": price(given.lines)}


def _seen(booking: Booking, side: Side, ask: Ask) -> Seen:
    if side is Side.PROVIDER:
        seen = booked.seen_by_provider(booking, ask.at)
        # Where to come is the customer's to tell; where a provider works is no secret to the provider.
        return seen if seen.place else msgspec.structs.replace(seen, place=booking.offer.place)
    contact = booking.contact
    return Seen(name=contact.name, email=contact.email, place=booking.place, note=booking.request.note, in_full=True)


def _proposal(open_now: Proposal | None) -> Plain | None:
    return open_now and {
        "startAt": open_now.start_at,
        "endAt": open_now.end_at,
        "by": open_now.by,
        "proposedAt": open_now.proposed_at,
        "answerBy": open_now.answer_by,
    }


def _entry(event: Event, *, in_full: bool) -> Plain:
    """Something that happened. Who did it by id, and all that the event says, is for operators."""
    detail = event.detail
    return {
        "sequence": event.sequence,
        "type": event.type,
        "at": event.at,
        "by": detail.get("by"),
        "reason": detail.get("reason"),
        "actorId": event.actor.actor_id if in_full else None,
        "impersonatorId": event.actor.impersonator if in_full else None,
        "detail": msgspec.json.encode(detail).decode() if in_full else None,
    }
