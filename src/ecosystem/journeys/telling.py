"""Who is told what when a booking or its money changes: a notice and a mail each, once per event."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import FREED, Booking, Bookings, BookingStatus, Contact, Host, Side
from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.disputes import Answer, Dispute, Disputes
from ecosystem.contexts.disputes import Kind as DisputeKind
from ecosystem.contexts.identity import Addressee, NoSuchPerson, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, PriceLine, Recipient
from ecosystem.contexts.payments import Mandates, Payment, Payments
from ecosystem.journeys.guest_links import GuestLinks
from ecosystem.kernel import rates
from ecosystem.kernel.actor import system
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.time import Span
from ecosystem.ports.bus import Event
from ecosystem.ports.mail import CalendarMethod, CalendarPart

BOTH = (Audience.CUSTOMER, Audience.PROVIDER)
_C, _P = (Audience.CUSTOMER,), (Audience.PROVIDER,)

News = tuple[tuple[Kind, tuple[Audience, ...]], ...]
"""Which news something is, and for whom."""

TOLD: Mapping[str, News] = {
    "BookingRequested": ((Kind.BOOKING_REQUESTED, BOTH),),
    "BookingConfirmed": ((Kind.BOOKING_CONFIRMED, BOTH),),
    "BookingDeclined": ((Kind.BOOKING_DECLINED, _C),),
    "BookingExpired": (),  # by what it waited for: see `_expired`
    "BookingCancelled": ((Kind.BOOKING_CANCELLED, BOTH),),
    "RescheduleProposed": (),  # the other side: see `_proposed`
    "RescheduleDeclined": ((Kind.RESCHEDULE_DECLINED, BOTH),),
    "BookingRescheduled": ((Kind.BOOKING_RESCHEDULED, BOTH),),
    "BookingCompleted": ((Kind.BOOKING_COMPLETED, _C), (Kind.SHARE_RELEASED, _P)),
    "NoShowReported": ((Kind.NO_SHOW_REPORTED, BOTH),),
    "NoShowSettled": ((Kind.NO_SHOW_SETTLED, BOTH),),
    "DisputeOpened": (),  # by its kind: see `_opened`
    "DisputeAnswered": (),  # by the answer: see `_answered`
    "OfferDeclined": ((Kind.OFFER_DECLINED, _P),),
    "DisputeWithdrawn": ((Kind.DISPUTE_WITHDRAWN, _P),),
    "DisputeEscalated": ((Kind.DISPUTE_ESCALATED, BOTH),),
    "DisputeOverdue": ((Kind.DISPUTE_CONCLUDED, BOTH),),
    "DisputeDecided": ((Kind.DISPUTE_CONCLUDED, BOTH),),
    "PaymentDeclined": ((Kind.PAYMENT_FAILED, _C),),
    "DebitAuthorized": ((Kind.DEBIT_AUTHORIZED, _C),),
    "DebitPresentedAgain": ((Kind.DEBIT_PRESENTED_AGAIN, _C),),
    "DebitReturned": ((Kind.DEBIT_RETURNED, _C),),
    "RefundIssued": (),  # by how it was paid: see `_returned`
    "RefundFailed": ((Kind.REFUND_DELAYED, _C),),
}
"""For each event, which news it is, and for whom."""

CAME_ABOUT = frozenset({"BookingConfirmed", "BookingRequested"})
"""Events that tell that a booking came about. Its machine sees that people were told, too."""

LATELY_MAX = 2_000

INVITED = frozenset({Kind.BOOKING_CONFIRMED, Kind.BOOKING_RESCHEDULED, Kind.BOOKING_CANCELLED})
"""News that puts the booking into a calendar, moves it there, or takes it out."""


@dataclass(frozen=True, slots=True)
class Telling:
    bookings: Bookings
    payments: Payments
    disputes: Disputes
    providers: Providers
    profiles: Profiles
    notifications: Notifications
    links: GuestLinks
    mandates: Mandates
    lately: OrderedDict[str, asyncio.Future[None]] = field(
        default_factory=OrderedDict[str, "asyncio.Future[None]"], init=False
    )
    """Events of which people were told here lately, or are being told. What is forgotten is looked up."""

    async def tell(self, event: Event) -> None:
        """Tell customer and provider what the event means for them; the same event again tells nobody anything."""
        if event.type not in CAME_ABOUT:
            await self._tell(event)
            return
        if await self.told_lately(event.event_id):
            return
        told = self.lately[event.event_id] = asyncio.get_running_loop().create_future()
        if len(self.lately) > LATELY_MAX:
            self.lately.popitem(last=False)
        succeeded = False
        try:
            await self._tell(event)
            succeeded = True
        finally:
            if not succeeded:
                self.lately.pop(event.event_id, None)
            told.set_result(None)

    async def told_lately(self, event_id: str) -> bool:
        """Whether people were told of that event here, as far as that is remembered; waits for whoever is at it."""
        if (told := self.lately.get(event_id)) is not None:
            await asyncio.shield(told)
        return event_id in self.lately

    async def _tell(self, event: Event) -> None:
        booking = (await self.bookings.row(event.detail["booking_id"])).value
        news = self._news(event, booking)
        if news:
            provider = (await self.providers.load(booking.provider_id)).value.name
            dispute, paid = await self._dispute(event), await self._paid(booking)
            facts = self._facts(event, booking, provider, dispute, paid, await self._agreed(event))
            messages = [
                await self._message(event, booking, kind, audience, facts, provider)
                for kind, audiences in news
                for audience in audiences
            ]
            await self.notifications.tell(*messages)

    async def has_told(self, event: Event) -> bool:
        """Whether the provider found the event's first news among their notices. They are told last, or with the rest."""
        if event.detail.get("reviewing"):
            return True
        kind = self._first(event)
        owner = event.detail["owner_id"] or event.detail["provider_id"]
        return await self.notifications.board.has(owner, event.event_id, event.at, kind, Audience.PROVIDER)

    def _first(self, event: Event) -> Kind:
        [(kind, audiences)] = TOLD[event.type]
        assert Audience.PROVIDER in audiences
        return kind

    def _news(self, event: Event, booking: Booking) -> News:
        if by_detail := _BY_DETAIL.get(event.type):
            return by_detail(event)
        if by_booking := _BY_BOOKING.get(event.type):
            return by_booking(event, booking)
        match event.type:
            case "RescheduleProposed":
                asked = _P if event.detail["by"] == Side.CUSTOMER else _C
                return ((Kind.RESCHEDULE_PROPOSED, asked),)
            case "PaymentDeclined" if booking.status is not BookingStatus.AWAITING_PAYMENT:
                return ()
            case _:
                return TOLD[event.type]

    async def _message(
        self,
        event: Event,
        booking: Booking,
        kind: Kind,
        audience: Audience,
        facts: Mapping[str, Known],
        provider: str,
    ) -> Message:
        for_customer = audience is Audience.CUSTOMER
        recipient = await self._customer(booking) if for_customer else await self._owner(booking, provider)
        told = {**facts, "by": _by(event, audience)}
        if "absent" in event.detail:
            told["absent"] = "you" if event.detail["absent"] == audience.value else f"the {event.detail['absent']}"
        attendee = Contact(name=recipient.name, email=recipient.email)
        return Message(
            kind=kind,
            audience=audience,
            event_id=event.event_id,
            at=event.at,
            recipient=recipient,
            facts=told,
            lines=_lines(booking) if for_customer and kind in _PRICED else (),
            link=self._link(booking, for_customer=for_customer),
            calendar=self._calendar(booking, attendee, provider, event.at) if kind in INVITED else None,
        )

    def _facts(
        self,
        event: Event,
        booking: Booking,
        provider: str,
        dispute: Dispute | None,
        paid: Payment | None,
        mandate: str,
    ) -> dict[str, Known]:
        detail = event.detail
        facts: dict[str, Known] = {
            "service": booking.offer.title,
            "provider": provider,
            "customer": booking.contact.name,
            "when": Span(booking.start_at, booking.end_at),
            "reason": detail.get("reason", ""),
            "place": booking.place,
            "total": booking.lines.total,
            "share": _share(booking, paid),
        }
        facts |= {name: _instant(detail[name]) for name in _INSTANTS if detail.get(name)}
        if event.source == "dispute":
            facts |= {name: _money(detail[name]) for name in ("wanted", "offered") if detail.get(name)}
            facts["reason"] = _written(event, dispute) if dispute else ""
            if dispute and dispute.verdict and event.type in _DECIDED and dispute.verdict.refund:
                elsewhere = dispute.verdict.elsewhere or dispute.kind is DisputeKind.CHARGEBACK
                facts["decided" if elsewhere else "refund"] = dispute.verdict.refund
        elif "refund" in detail and (refund := _money(detail["refund"])):
            facts["refund"] = refund
        if event.type in {"RefundIssued", "RefundFailed"}:
            facts["refund"] = Money(detail["amount_minor"], detail["currency"])
        if event.type == "RescheduleProposed":
            facts["proposed"] = Span(_instant(detail["proposed_start_at"]), _instant(detail["proposed_end_at"]))
        if event.type == "BookingRescheduled":
            facts["former"] = Span(_instant(detail["former_start_at"]), _instant(detail["former_end_at"]))
        if event.type == "BookingCompleted":
            facts["dispute_by"] = booking.end_at + booked.DISPUTABLE
        if event.type == "PaymentDeclined" and booking.due_at:
            facts["pay_by"] = booking.due_at
            facts["reason"] = ""
        if event.type == "DebitAuthorized":
            facts["mandate"] = mandate
        return {name: known for name, known in facts.items() if known != ""}

    async def _agreed(self, event: Event) -> str:
        """The text that a customer agreed to, when the event tells of that: it stands nowhere but in the mandate."""
        if event.type != "DebitAuthorized":
            return ""
        return (await self.mandates.of(event.detail["payment_id"], system("notification-handler"))).text

    async def _dispute(self, event: Event) -> Dispute | None:
        """The dispute that the event tells of: what was written in it stands nowhere but there."""
        if event.source != "dispute":
            return None
        row = await self.disputes.find(event.detail["booking_id"], event.detail["dispute_id"])
        return row.value if row else None

    async def _paid(self, booking: Booking) -> Payment | None:
        """What the booking is paid with, once it has ended or is disputed: before, nobody is told what is left of it."""
        if booking.status not in _ENDED:
            return None
        payments = [row.value for row in await self.payments.payments_of(booking.booking_id) if row.value.took_money]
        return min(payments, key=lambda payment: payment.gone.minor, default=None)

    async def _customer(self, booking: Booking) -> Recipient:
        if not booking.customer_id.startswith("usr_"):
            return Recipient(email=booking.contact.email, name=booking.contact.name, zone=booking.zone)
        known = await self._addressee(booking.customer_id)
        if known is None:
            return Recipient(email=booking.contact.email, name=booking.contact.name, zone=booking.zone)
        return _recipient(known)

    async def _owner(self, booking: Booking, provider: str) -> Recipient:
        known = await self._addressee(booking.offer.owner_id) if booking.offer.owner_id else None
        if known is None:
            # Nobody has claimed the provider yet: the notice waits under the provider's own id.
            return Recipient(
                user_id=booking.offer.owner_id or booking.provider_id, name=provider, zone=booking.offer.zone
            )
        return _recipient(known)

    async def _addressee(self, user_id: str) -> Addressee | None:
        try:
            return await self.profiles.addressee(user_id)
        except NoSuchPerson:
            return None

    def _link(self, booking: Booking, *, for_customer: bool) -> str:
        url = self.notifications.brand.url
        if not for_customer:
            return f"{url}/provider/bookings/{booking.booking_id}"
        if booking.claim_hash:
            return f"{url}/b/{booking.booking_id}/{self.links.secret(booking.booking_id)}"
        return f"{url}/bookings/{booking.booking_id}"

    def _calendar(self, booking: Booking, attendee: Contact, provider: str, at: datetime) -> CalendarPart | None:
        if not attendee.email or (booking.status in FREED and booking.booked_at is None):
            return None
        domain = urlsplit(self.notifications.brand.url).hostname or "localhost"
        organizer = Contact(name=provider, email=f"no-reply@{domain}")
        host = Host(organizer=organizer, domain=domain, url=f"{self.notifications.brand.url}/bookings/{{booking_id}}")
        body = booked.invitation(booking, attendee, host, at).decode()
        return CalendarPart(body=body, method=CalendarMethod(booked.method_of(booking)))


_INSTANTS = ("answer_by", "settles_at", "pay_by", "decide_by")
_PRICED = frozenset({Kind.BOOKING_CONFIRMED, Kind.BOOKING_REQUESTED})


_DECIDED = frozenset({"DisputeDecided", "DisputeOverdue"})
_ENDED = frozenset({BookingStatus.CANCELLED, BookingStatus.COMPLETED, BookingStatus.DISPUTED, BookingStatus.NO_SHOW})


def _written(event: Event, dispute: Dispute) -> str:
    """What people are told of what was written in a dispute."""
    match event.type:
        case "DisputeOpened":
            return dispute.text
        case "DisputeAnswered":
            return dispute.said.text if dispute.said else ""
        case _:
            return dispute.verdict.reason if dispute.verdict else ""


def _share(booking: Booking, paid: Payment | None) -> Money:
    """What the provider has of the booking: of what is left after all that went back, is owed, or the bank took."""
    nothing = zero(booking.lines.currency)
    due = booking.refund.amount if booking.refund else nothing
    gone = paid.gone + (paid.owed or nothing) if paid else nothing
    return rates.remaining(booking.lines, booking.rates, min(booking.lines.total, max(due, gone))).provider_share


def _requested(event: Event) -> News:
    """While we look at a payment its customer knows; the provider hears of the booking when it stands."""
    return ((Kind.BOOKING_LOOKED_AT, _C),) if event.detail["reviewing"] else TOLD[event.type]


def _expired(event: Event, booking: Booking) -> News:
    if event.detail["was"] == BookingStatus.AWAITING_PAYMENT:
        return ((Kind.BOOKING_UNPAID, _C),)
    if booking.offer.instant:
        return ((Kind.BOOKING_NOT_CONFIRMED, _C),)
    if booking.reviewing:
        # It was we who did not answer, not the provider.
        return ((Kind.BOOKING_NOT_CONFIRMED, _C), (Kind.BOOKING_UNANSWERED, _P))
    return ((Kind.BOOKING_UNANSWERED, BOTH),)


def _declined(event: Event, booking: Booking) -> News:
    """By the provider, or by us after a look: what is booked at once a provider is never asked about."""
    by_us = booking.offer.instant or event.actor.is_operator
    return ((Kind.BOOKING_NOT_CONFIRMED if by_us else Kind.BOOKING_DECLINED, _C),)


def _cancelled(event: Event, booking: Booking) -> News:
    was = event.detail["was"]
    unheard = was == BookingStatus.AWAITING_PAYMENT or (
        was == BookingStatus.AWAITING_PROVIDER and booking.offer.instant
    )
    # The provider of a booking that was never theirs to answer has not heard of it.
    return ((Kind.BOOKING_CANCELLED, _C if unheard else BOTH),)


def _returned(event: Event) -> News:
    return ((Kind.REFUND_PAID_ELSEWHERE if event.detail.get("elsewhere") else Kind.REFUND_ISSUED, _C),)


def _opened(event: Event) -> News:
    if event.detail["kind"] == DisputeKind.CHARGEBACK:
        return ((Kind.CHARGED_BACK, _P),)
    return ((Kind.BOOKING_DISPUTED, BOTH),)


def _answered(event: Event) -> News:
    match event.detail["answer"]:
        case Answer.OFFERED:
            return ((Kind.DISPUTE_OFFERED, _C),)
        case Answer.CONTESTED:
            return ((Kind.DISPUTE_CONTESTED, _C),)
        case _:
            return ()  # What is accepted is decided at once, and told then.


_BY_DETAIL: Mapping[str, Callable[[Event], News]] = {
    "BookingRequested": _requested,
    "RefundIssued": _returned,
    "DisputeOpened": _opened,
    "DisputeAnswered": _answered,
}
"""Events whose own detail says which news they are."""

_BY_BOOKING: Mapping[str, Callable[[Event, Booking], News]] = {
    "BookingExpired": _expired,
    "BookingDeclined": _declined,
    "BookingCancelled": _cancelled,
}
"""Events of which it depends on the booking who has to hear what."""


def _by(event: Event, audience: Audience) -> str:
    """Who did it, as the reader would say it."""
    by = event.detail.get("by", "")
    if by == audience.value:
        return "you"
    return {Side.CUSTOMER: "the customer", Side.PROVIDER: "the provider"}.get(by, "us")


def _lines(booking: Booking) -> tuple[PriceLine, ...]:
    lines = [PriceLine(label=booking.offer.title, amount=booking.lines.base)]
    if booking.lines.surcharge:
        lines.append(PriceLine(label="Booking without an account", amount=booking.lines.surcharge))
    return (*lines, PriceLine(label="Total", amount=booking.lines.total, strong=True))


def _recipient(known: Addressee) -> Recipient:
    return Recipient(user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone)


def _instant(text: Any) -> datetime:
    return msgspec.convert(text, datetime, strict=False)


def _money(plain: Any) -> Money:
    return msgspec.convert(plain, Money)
