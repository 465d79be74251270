"""The words for providers about their business itself: that they are welcome, and how they are paid.

Facts: `provider`; where they apply `left` (what is still to do, in words), `reason` (what keeps payouts back, or why one
failed); of a payout its `amount`, and `expected_at`.
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
    Kind.PAYOUT_SENT: Wording(
        topic=Topic.MONEY,
        subject="{amount} is on its way to you",
        title="{amount} is on its way to your bank, {name}",
        notice="{amount} is on its way to your bank.",
        paragraphs=("{amount} for {provider} left your balance and is on its way to your bank account.",),
        asides=("Your bank should have it by {expected_at_day}.",),
        button="See payouts",
    ),
    Kind.PAYOUT_PAID: Wording(
        topic=Topic.MONEY,
        subject="{amount} was paid to your bank",
        title="{amount} was paid to your bank, {name}",
        notice="{amount} was paid to your bank.",
        paragraphs=("Your bank has taken {amount} for {provider}. It may take it a day to show it.",),
        button="See payouts",
    ),
    Kind.PAYOUT_FAILED: Wording(
        topic=Topic.MONEY,
        subject="Your payout of {amount} did not arrive",
        title="Your payout of {amount} did not arrive, {name}",
        notice="{amount} did not reach your bank, and is back on your balance.",
        paragraphs=("{amount} for {provider} did not reach your bank account. The money is back on your balance.",),
        asides=("{reason}",),
        button="See what to do",
        notes=("Where your account has to be put right first, nothing more is paid out until you say that it is.",),
    ),
    Kind.PAYOUTS_PAUSED: Wording(
        topic=Topic.MONEY,
        subject="Your payouts are paused",
        title="Your payouts are paused, {name}",
        notice="Payouts to {provider} are paused.",
        paragraphs=("We have paused payouts to {provider}. What you earn stays on your balance.",),
        asides=("{reason}",),
        button="See payouts",
        notes=("If you have a question about this, answer this mail.",),
    ),
}

WORDS: dict[tuple[Kind, Audience], Wording] = {
    (kind, Audience.PROVIDER): wording for kind, wording in _PROVIDER.items()
}
