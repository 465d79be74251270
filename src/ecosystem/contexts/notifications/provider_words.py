"""The words for providers about their business itself: that they are welcome, and how they are paid.

Facts: `provider`; where they apply `left` (what is still to do, in words) and `reason` (what keeps payouts back).
"""

from __future__ import annotations

from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.wording import Wording

_PROVIDER: dict[Kind, Wording] = {
    Kind.WELCOME: Wording(
        topic=Topic.ACCOUNT,
        subject="Welcome to {brand}, {provider}",
        title="Good to have you, {name}",
        notice="{provider} is registered. A few steps, and customers can book you.",
        paragraphs=(
            "{provider} is registered at {brand}.",
            "Customers find you, choose a time and pay. The money is held until the work is done, and is then yours.",
        ),
        asides=("Left to do: {left}",),
        button="Go on",
        notes=("To be paid, set up payouts: the payment processor asks who you are and which bank account is yours.",),
    ),
    Kind.PAYOUTS_READY: Wording(
        topic=Topic.MONEY,
        subject="You can be paid out now",
        title="You can be paid out now, {name}",
        notice="Payouts for {provider} are set up.",
        paragraphs=("Payouts for {provider} are set up. What you earn can be paid to your bank account.",),
        button="See payouts",
    ),
    Kind.PAYOUTS_RESTRICTED: Wording(
        topic=Topic.MONEY,
        subject="Your payouts wait for you",
        title="Your payouts wait for you, {name}",
        notice="Nothing can be paid out to {provider} yet: something more is needed.",
        paragraphs=("The payment processor needs something more before it pays out to {provider}.",),
        asides=("{reason}",),
        button="See what is needed",
        notes=("Your earnings are safe until then.",),
    ),
    Kind.PAYOUTS_REJECTED: Wording(
        topic=Topic.MONEY,
        subject="The payment processor does not pay out to you",
        title="Nothing can be paid out to you, {name}",
        notice="The payment processor does not pay out to {provider}.",
        paragraphs=("The payment processor has closed the payout account of {provider}, and pays nothing out to it.",),
        button="See payouts",
        notes=("If you think that this is a mistake, answer this mail. Your earnings stay in your balance.",),
    ),
}

WORDS: dict[tuple[Kind, Audience], Wording] = {
    (kind, Audience.PROVIDER): wording for kind, wording in _PROVIDER.items()
}
