"""What follows what: which events each reaction is for. One table, read top down."""

from __future__ import annotations

from collections.abc import Sequence

from ecosystem.app import App
from ecosystem.contexts.booking import BookingStatus
from ecosystem.journeys.telling import TOLD
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.patterns import of_types, pattern
from ecosystem.workflows.rules import Rule

ACTOR = system("reactions")
AWAITING = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER})
"""Bookings that have use for money that a card holds."""


LETTING_GO = [
    {"detail-type": ["PaymentAuthorized", "BookingCancelled", "BookingDeclined", "BookingExpired"]},
    {"detail-type": ["BookingConfirmed"], "detail": {"accepted": [True]}},
]
"""Only a request that was accepted may have more than one card hold money for it."""


def rules(market: App) -> Sequence[Rule]:
    """The table. A reaction may be called again for the same event, and has one effect."""

    async def act_upon(event: Event) -> None:
        await market.hearing.act(event.detail["processor_event_id"])

    async def let_go(event: Event) -> None:
        """Whatever is still held on a card for a booking that has ended, or was paid otherwise, is given back."""
        booking_id = event.detail["booking_id"]
        if (await market.bookings.row(booking_id)).value.status not in AWAITING:
            await market.checkout.let_go(booking_id, ACTOR)

    async def refund(event: Event) -> None:
        await market.refunding.carry_out(event.detail["booking_id"], event.detail["refund_id"], ACTOR)

    async def hand_over(event: Event) -> None:
        """What was booked of a provider before somebody claimed it is theirs to answer and to do."""
        await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)

    return [
        Rule("post-confirmation-trigger", of_types("UserConfirmed"), market.identity.post_confirmation.handle),
        Rule("stripe-webhook", of_types("WebhookStored"), act_upon),
        Rule("let-go", pattern({"$or": LETTING_GO}), let_go),
        Rule("booking-processor", of_types("ProviderClaimed"), hand_over),
        Rule("refund-processor", of_types("RefundRequested"), refund),
        Rule("notification-handler", of_types(*TOLD), market.telling.tell),
        Rule("profile-events", of_types(*market.access.TOLD), market.access.tell),
    ]
