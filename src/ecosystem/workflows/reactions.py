"""What follows what: for each type of event, the reactions to it. One table, read top down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecosystem.app import App
from ecosystem.contexts.booking import BookingStatus
from ecosystem.journeys.telling import TOLD
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.relay import Reaction

ACTOR = system("reactions")
AWAITING = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER})
"""Bookings that have use for money that a card holds."""


def reactions(market: App) -> Mapping[str, Sequence[Reaction]]:
    """The table. A reaction may be called again for the same event, and has one effect."""

    async def act_upon(event: Event) -> None:
        await market.hearing.act(event.detail["processor_event_id"])

    async def let_go(event: Event) -> None:
        """Whatever is still held on a card for a booking that has ended, or was paid otherwise, is given back."""
        booking_id = event.detail["booking_id"]
        if (await market.bookings.row(booking_id)).value.status not in AWAITING:
            await market.checkout.let_go(booking_id, ACTOR)

    async def let_go_of_others(event: Event) -> None:
        """Only a request that was accepted may have more than one card hold money for it."""
        if event.detail["accepted"]:
            await let_go(event)

    async def refund(event: Event) -> None:
        await market.refunding.carry_out(event.detail["booking_id"], event.detail["refund_id"], ACTOR)

    async def hand_over(event: Event) -> None:
        """What was booked of a provider before somebody claimed it is theirs to answer and to do."""
        await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)

    profile = Reaction("post-confirmation-trigger", market.identity.post_confirmation.handle)
    letting_go = Reaction("let-go", let_go)
    table: dict[str, list[Reaction]] = {
        "UserConfirmed": [profile],
        "WebhookStored": [Reaction("stripe-webhook", act_upon)],
        "PaymentAuthorized": [letting_go],
        "BookingConfirmed": [Reaction("let-go", let_go_of_others)],
        "BookingCancelled": [letting_go],
        "BookingDeclined": [letting_go],
        "BookingExpired": [letting_go],
        "ProviderClaimed": [Reaction("booking-processor", hand_over)],
        "RefundRequested": [Reaction("refund-processor", refund)],
    }
    notify = Reaction("notification-handler", market.telling.tell)
    for kind in TOLD:
        table.setdefault(kind, []).append(notify)
    guard = Reaction("profile-events", market.access.tell)
    for kind in market.access.TOLD:
        table.setdefault(kind, []).append(guard)
    return table
