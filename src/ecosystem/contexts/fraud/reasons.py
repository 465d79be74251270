"""Why a score is what it is, in words.

What the model says is exact: what each number adds to the log-odds (Shapley values of its trees). Numbers that tell of
one thing are told in one sentence, with what was seen, and their parts are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from ecosystem.contexts.fraud.features import NAMES, Kind
from ecosystem.contexts.fraud.rules import Effect, Rule

SHOWN_MAX = 6
WEIGHT_MIN = 0.05
Numbers = Mapping[str, float]


class Why(Struct, frozen=True, kw_only=True):
    """One thing that made the score what it is. Above nothing it speaks for fraud, below against it."""

    text: str
    weight: float


class Group(Struct, frozen=True, kw_only=True):
    """Numbers that tell of one thing, and how that is said."""

    features: tuple[str, ...]
    say: Callable[[Numbers], str]


def explained(kind: Kind, numbers: Sequence[float], weights: Sequence[float]) -> list[Why]:
    """The weightiest things, the weightiest first; at most `SHOWN_MAX`."""
    known = dict(zip(NAMES[kind], numbers, strict=True))
    added = dict(zip(NAMES[kind], weights, strict=True))
    told = [
        Why(text=group.say(known), weight=sum(added[feature] for feature in group.features)) for group in GROUPS[kind]
    ]
    strong = [why for why in told if abs(why.weight) >= WEIGHT_MIN]
    return sorted(strong, key=lambda why: -abs(why.weight))[:SHOWN_MAX]


def rule_sentence(rule: Rule) -> str:
    """What a rule that held did, in words."""
    match rule.effect:
        case Effect.DECLINE:
            did = "refuses it"
        case Effect.REVIEW:
            did = "asks for a look"
        case Effect.APPROVE:
            did = "lets it pass"
        case Effect.POINTS:
            did = f"adds {rule.points} points" if rule.points > 0 else f"takes {-rule.points} points off"
    return f"Rule \u201c{rule.name}\u201d {did}."


def _n(numbers: Numbers, name: str) -> int:
    number = numbers[name]
    return 0 if math.isnan(number) else round(number)


def _part(numbers: Numbers, name: str) -> float:
    number = numbers[name]
    return 0.0 if math.isnan(number) else number


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _account(numbers: Numbers) -> str:
    if numbers["guest"] == 1:
        return "A guest, without an account."
    age = numbers["account_days"]
    if math.isnan(age):
        return "An account whose age is not known."
    return "An account made today." if age < 1 else f"An account of {_days(age)}."


def _days(age: float) -> str:
    if math.isnan(age):
        return "a time that is not known"
    days = int(age)
    return "one day" if days == 1 else f"{days} days" if days < 60 else f"{days // 30} months"


def _velocity(numbers: Numbers) -> str:
    hour, day = _n(numbers, "customer_attempts_1h"), _n(numbers, "customer_attempts_24h")
    if not day:
        return "The customer's first attempt within a day."
    return f"The customer tried {_times(hour)} within this hour and {_times(day)} within a day before."


def _declined(numbers: Numbers) -> str:
    day, month = _n(numbers, "customer_declined_24h"), _n(numbers, "customer_declined_30d")
    if not month:
        return "Nothing of the customer's was declined lately."
    return f"Declined {_times(day)} within a day, {_times(month)} within a month."


def _amount(numbers: Numbers) -> str:
    mine, usual = numbers["amount_to_customer_mean"], numbers["amount_to_provider_mean"]
    if not math.isnan(mine):
        return f"The amount is {mine:.1f} times what the customer pays on average."
    if not math.isnan(usual):
        return f"The amount is {usual:.1f} times what is paid to this provider on average."
    return "There is no earlier amount to compare with."


def _lead(numbers: Numbers) -> str:
    hours = numbers["lead_hours"]
    if math.isnan(hours):
        return "How far ahead it was booked is not known."
    return f"Booked {hours:.0f} hours ahead." if hours < 48 else f"Booked {hours / 24:.0f} days ahead."


def _distance(numbers: Numbers) -> str:
    gap = numbers["zone_gap_hours"]
    if math.isnan(gap) or not gap:
        return "Customer and provider live by the same clock."
    return f"The clocks of customer and provider are {gap:g} hours apart."


def _standing(numbers: Numbers) -> str:
    paid, frauds = _n(numbers, "customer_paid"), _n(numbers, "customer_frauds")
    if frauds:
        return f"Fraud is known of this customer: {_times(frauds)}."
    return f"The customer paid {_times(paid)} before." if paid else "The customer has never paid here before."


def _card(numbers: Numbers) -> str:
    if math.isnan(numbers["card_attempts_24h"]):
        return "The card was entered anew: nothing is known of it yet."
    customers, frauds = _n(numbers, "card_customers"), _n(numbers, "card_frauds")
    if frauds:
        return f"Fraud is known of this card: {_times(frauds)}."
    return f"The card was used by {customers} customers." if customers > 1 else "A card known here with one customer."


def _cards(numbers: Numbers) -> str:
    cards = _n(numbers, "customer_cards")
    return "No other card of the customer is known." if cards < 2 else f"The customer has used {cards} cards."


def _network(numbers: Numbers) -> str:
    if math.isnan(numbers["network_attempts_24h"]):
        return "Where the request came from is not known."
    attempts, customers = _n(numbers, "network_attempts_24h"), _n(numbers, "network_customers")
    frauds = _n(numbers, "network_frauds_30d")
    if frauds:
        return f"Fraud came from this network {_times(frauds)} this month."
    if numbers["network_new_to_customer"]:
        return f"The customer never came from this network before; {attempts} attempts came from it within a day."
    return f"{attempts} attempts within a day from this network, {customers} customers in all."


def _shop(numbers: Numbers) -> str:
    part = _part(numbers, "provider_fraud_part_30d")
    if part >= 0.01:
        return f"{part:.0%} of this provider's sales of the month were fraud."
    return f"The provider has sold here for {_days(numbers['provider_days'])}."


def _time(numbers: Numbers) -> str:
    hour = numbers["local_hour"]
    return (
        "The time of day is not known." if math.isnan(hour) else f"Paid at {int(hour)} o'clock by the customer's clock."
    )


def _payout_amount(numbers: Numbers) -> str:
    part = numbers["amount_to_earned_30d"]
    if math.isnan(part):
        return "The provider has sold nothing within a month."
    return f"{part:.0%} of what was sold within a month goes out at once."


def _payout_bank(numbers: Numbers) -> str:
    providers = _n(numbers, "bank_providers")
    if providers > 1:
        return f"{providers} providers are paid to this bank account."
    if numbers["bank_new"] == 1:
        return "The bank account is used for the first time."
    return f"The bank account has been used for {_days(numbers['bank_days'])}."


def _payout_shop(numbers: Numbers) -> str:
    age = numbers["provider_days"]
    return (
        "How long the provider is here is not known." if math.isnan(age) else f"The provider is here for {_days(age)}."
    )


def _payout_sales(numbers: Numbers) -> str:
    return (
        f"{_n(numbers, 'provider_attempts_7d')} sales within a week, {_n(numbers, 'provider_attempts_30d')} within a "
        f"month, {_n(numbers, 'provider_customers')} customers."
    )


def _payout_fraud(numbers: Numbers) -> str:
    return (
        f"{_part(numbers, 'provider_fraud_part_30d'):.0%} of the month's sales were fraud, "
        f"{_part(numbers, 'provider_declined_part_30d'):.0%} were declined."
    )


GROUPS: Mapping[Kind, tuple[Group, ...]] = {
    Kind.CHECKOUT: (
        Group(features=("guest", "account_days"), say=_account),
        Group(
            features=("customer_attempts_1h", "customer_attempts_24h", "customer_attempts_30d", "customer_amount_24h"),
            say=_velocity,
        ),
        Group(features=("customer_declined_24h", "customer_declined_30d"), say=_declined),
        Group(features=("amount", "amount_to_customer_mean", "amount_to_provider_mean", "seats"), say=_amount),
        Group(features=("lead_hours",), say=_lead),
        Group(features=("zone_gap_hours", "remote"), say=_distance),
        Group(features=("local_hour",), say=_time),
        Group(features=("customer_paid", "customer_frauds", "provider_known_to_customer"), say=_standing),
        Group(features=("customer_cards",), say=_cards),
        Group(
            features=(
                "card_new_to_customer",
                "card_attempts_24h",
                "card_declined_24h",
                "card_customers",
                "card_paid",
                "card_frauds",
                "card_days",
            ),
            say=_card,
        ),
        Group(
            features=(
                "customer_networks",
                "network_new_to_customer",
                "network_attempts_1h",
                "network_attempts_24h",
                "network_declined_24h",
                "network_customers",
                "network_frauds_30d",
            ),
            say=_network,
        ),
        Group(
            features=(
                "provider_days",
                "provider_attempts_24h",
                "provider_attempts_30d",
                "provider_declined_part_7d",
                "provider_fraud_part_30d",
            ),
            say=_shop,
        ),
    ),
    Kind.PAYOUT: (
        Group(features=("amount", "amount_to_earned_30d", "provider_mean_amount", "instant"), say=_payout_amount),
        Group(
            features=("bank_days", "bank_new", "bank_providers", "bank_frauds", "bank_changes", "payouts_before"),
            say=_payout_bank,
        ),
        Group(features=("provider_days",), say=_payout_shop),
        Group(
            features=(
                "provider_attempts_7d",
                "provider_attempts_30d",
                "provider_recent_part",
                "provider_customers",
            ),
            say=_payout_sales,
        ),
        Group(features=("provider_declined_part_30d", "provider_fraud_part_30d", "provider_frauds"), say=_payout_fraud),
    ),
}
