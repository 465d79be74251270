"""The words for those who run the marketplace.

Facts: `refund`, `service`, `customer`, `booking` (its id), `reason` (why it failed).
"""

from __future__ import annotations

from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.wording import Wording

_OPERATOR: dict[Kind, Wording] = {
    Kind.REFUND_FAILED: Wording(
        topic=Topic.OPERATIONS,
        subject="A refund of {refund} failed",
        title="A refund of {refund} failed",
        notice="{refund} for {service} did not reach {customer}. Try again, or pay them another way.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "The money is back, and still owed to the customer.",
        ),
        asides=("{reason}",),
        button="Deal with it",
        notes=("The customer was told that it takes longer.",),
    ),
    Kind.REFUND_FOUND: Wording(
        topic=Topic.OPERATIONS,
        subject="{refund} was refunded at the card processor's desk",
        title="A refund was made at the card processor's desk",
        notice="{refund} for {service} went back to {customer} without us. It is in the books now.",
        paragraphs=(
            "{service}, booked by {customer}",
            "{booking}",
            "Somebody refunded {refund} at the card processor. The booking and its books follow it.",
        ),
        button="See booking",
        notes=("If nobody of you did this, change your passwords and keys at the card processor.",),
    ),
}

WORDS: dict[tuple[Kind, Audience], Wording] = {
    (kind, Audience.OPERATOR): wording for kind, wording in _OPERATOR.items()
}
