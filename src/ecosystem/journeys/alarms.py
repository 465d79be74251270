"""What operators are told of their own accord: a notice and a mail to each of them, once per event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.identity import People, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.contexts.payments import RefundFailed, RefundFound, Refunds, why_it_failed
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event


@dataclass(frozen=True, slots=True)
class Alarms:
    bookings: Bookings
    refunds: Refunds
    people: People
    profiles: Profiles
    notifications: Notifications

    TOLD: ClassVar[dict[str, Kind]] = {
        RefundFailed.__name__: Kind.REFUND_FAILED,
        RefundFound.__name__: Kind.REFUND_FOUND,
    }
    """The events of which every operator is told."""

    async def tell(self, event: Event) -> None:
        """Tell every operator what the event means for them; the same event again tells nobody anything."""
        kind = self.TOLD[event.type]
        booking_id = event.detail["booking_id"]
        booking = (await self.bookings.row(booking_id)).value
        refund = await self.refunds.refund(booking_id, event.detail["refund_id"])
        facts: dict[str, Known] = {
            "refund": Money(event.detail["amount_minor"], event.detail["currency"]),
            "service": booking.offer.title,
            "customer": booking.contact.name,
            "booking": booking_id,
            "reason": why_it_failed(refund.value) if refund else "",
        }
        place = "/console/refunds" if kind is Kind.REFUND_FAILED else f"/console/bookings/{booking_id}"
        messages: list[Message] = []
        for user_id in await self.people.operators():
            known = await self.profiles.addressee(user_id)
            recipient = Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            )
            messages.append(
                Message(
                    kind=kind,
                    audience=Audience.OPERATOR,
                    event_id=event.event_id,
                    at=event.at,
                    recipient=recipient,
                    facts={name: fact for name, fact in facts.items() if fact != ""},
                    link=f"{self.notifications.brand.url}{place}",
                )
            )
        if messages:
            await self.notifications.tell(*messages)
