"""What the model and the rules are told of a checkout or a payout: numbers, from itself and from histories before it.

Amounts are what they were worth then in hundredths of a euro (`currencies.py`). Counts by hours and days are by buckets: `1h` is this hour and what
was counted in it. What is not known is `nan`, and so are ages in a marketplace that is young itself: where everybody is
new, being new says nothing. The order of names is the order of numbers; a model says by which names
it learned, and scores nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from ecosystem.contexts.fraud.history import (
    NOTHING,
    History,
    Subject,
    age_days,
    digest,
    last_days,
    last_hours,
)

YOUNG_DAYS = 45
"""As long as its history is shorter, a marketplace is young."""


class Kind(StrEnum):
    """What is assessed."""

    CHECKOUT = "checkout"
    PAYOUT = "payout"


class CheckoutSeen(Struct, frozen=True, kw_only=True):
    """A checkout as it is about to pay.

    `amount` is in hundredths of a euro, `nan` where its currency has no rate. `card` is the lasting name of what pays: the
    processor's of a card, known before the payment for saved ones alone, or the blind index of a bank account. `network` is a digest of where the request came from, empty when that is not known.
    `market_days` is how far back the marketplace's histories reach, `account_days` the age of the customer's account, `lead_h` how far ahead the service is, `zone_gap_h` how far apart
    the clocks of customer and provider are: the distance that is known without knowing where anybody is.
    """

    at: datetime
    payment_id: str
    booking_id: str
    customer_id: str
    provider_id: str
    card: str
    amount: float
    currency: str
    guest: bool = False
    network: str = ""
    market_days: float = math.nan
    account_days: float = math.nan
    lead_h: float = math.nan
    zone_gap_h: float = 0.0
    local_hour: float = math.nan
    remote: bool = False
    seats: int = 1


class PayoutSeen(Struct, frozen=True, kw_only=True):
    """A payout as it is about to be sent. `bank` is the blind index of the bank account, or the rail's own name of it."""

    at: datetime
    payout_id: str
    provider_id: str
    bank: str
    amount: float
    currency: str
    instant: bool = False
    market_days: float = math.nan
    provider_days: float = math.nan


class Past(Struct, frozen=True, kw_only=True):
    """The histories before it, of each subject that has a part in it."""

    of: Mapping[Subject, History] = field(default_factory=dict[Subject, History])

    def __getitem__(self, subject: Subject) -> History:
        return self.of.get(subject, NOTHING)


CHECKOUT_FEATURES: tuple[str, ...] = (
    "amount",
    "amount_to_customer_mean",
    "amount_to_provider_mean",
    "guest",
    "account_days",
    "lead_hours",
    "zone_gap_hours",
    "local_hour",
    "remote",
    "seats",
    "customer_attempts_1h",
    "customer_attempts_24h",
    "customer_attempts_30d",
    "customer_declined_24h",
    "customer_declined_30d",
    "customer_paid",
    "customer_frauds",
    "customer_cards",
    "customer_networks",
    "customer_amount_24h",
    "provider_known_to_customer",
    "network_new_to_customer",
    "card_new_to_customer",
    "card_attempts_24h",
    "card_declined_24h",
    "card_customers",
    "card_paid",
    "card_frauds",
    "card_days",
    "network_attempts_1h",
    "network_attempts_24h",
    "network_declined_24h",
    "network_customers",
    "network_frauds_30d",
    "provider_days",
    "provider_attempts_24h",
    "provider_attempts_30d",
    "provider_declined_part_7d",
    "provider_fraud_part_30d",
)
PAYOUT_FEATURES: tuple[str, ...] = (
    "amount",
    "amount_to_earned_30d",
    "instant",
    "provider_days",
    "provider_attempts_7d",
    "provider_attempts_30d",
    "provider_recent_part",
    "provider_mean_amount",
    "provider_customers",
    "provider_declined_part_30d",
    "provider_fraud_part_30d",
    "provider_frauds",
    "payouts_before",
    "bank_days",
    "bank_new",
    "bank_providers",
    "bank_frauds",
    "bank_changes",
)
NAMES: Mapping[Kind, tuple[str, ...]] = {Kind.CHECKOUT: CHECKOUT_FEATURES, Kind.PAYOUT: PAYOUT_FEATURES}


def of_checkout(what: CheckoutSeen, past: Past) -> tuple[float, ...]:
    """The numbers of `CHECKOUT_FEATURES`."""
    at = what.at
    customer, card = past[Subject.CUSTOMER], past[Subject.CARD]
    network, provider = past[Subject.NETWORK], past[Subject.PROVIDER]
    hour, day, month = last_hours(customer, at, 1), last_hours(customer, at, 24), last_days(customer, at, 30)
    card_day = last_hours(card, at, 24)
    net_hour, net_day, net_month = last_hours(network, at, 1), last_hours(network, at, 24), last_days(network, at, 30)
    shop_day, shop_week, shop_month = (
        last_hours(provider, at, 24),
        last_days(provider, at, 7),
        last_days(provider, at, 30),
    )
    known, grown = bool(what.card), is_grown(what.market_days)
    return (
        float(what.amount),
        _ratio(what.amount, customer.amount, customer.attempts),
        _ratio(what.amount, provider.amount, provider.attempts),
        float(what.guest),
        what.account_days if grown else math.nan,
        what.lead_h,
        what.zone_gap_h,
        what.local_hour,
        float(what.remote),
        float(what.seats),
        float(hour.attempts),
        float(day.attempts),
        float(month.attempts),
        float(day.declined),
        float(month.declined),
        float(customer.paid),
        float(customer.frauds),
        float(len(customer.cards)),
        float(len(customer.networks)),
        float(day.amount),
        float(digest(what.provider_id) in customer.others),
        float(bool(customer.networks) and digest(what.network) not in customer.networks) if what.network else math.nan,
        float(bool(customer.cards) and digest(what.card) not in customer.cards) if known else math.nan,
        float(card_day.attempts) if known else math.nan,
        float(card_day.declined) if known else math.nan,
        float(len(card.others)) if known else math.nan,
        float(card.paid) if known else math.nan,
        float(card.frauds) if known else math.nan,
        age_days(card.first_at, at) if known and grown else math.nan,
        float(net_hour.attempts) if what.network else math.nan,
        float(net_day.attempts) if what.network else math.nan,
        float(net_day.declined) if what.network else math.nan,
        float(len(network.others)) if what.network else math.nan,
        float(net_month.frauds) if what.network else math.nan,
        age_days(provider.first_at, at) if grown else math.nan,
        float(shop_day.attempts),
        float(shop_month.attempts),
        _part(shop_week.declined, shop_week.attempts),
        _part(shop_month.frauds, shop_month.attempts),
    )


def of_payout(what: PayoutSeen, past: Past) -> tuple[float, ...]:
    """The numbers of `PAYOUT_FEATURES`."""
    at = what.at
    provider, bank = past[Subject.PROVIDER], past[Subject.BANK]
    week, month = last_days(provider, at, 7), last_days(provider, at, 30)
    grown = is_grown(what.market_days)
    provider_days = age_days(provider.first_at, at) if math.isnan(what.provider_days) else what.provider_days
    return (
        float(what.amount),
        _ratio(what.amount, month.amount, 1 if month.amount else 0),
        float(what.instant),
        provider_days if grown else math.nan,
        float(week.attempts),
        float(month.attempts),
        week.amount / provider.amount if provider.amount and grown else math.nan,
        provider.amount / provider.attempts if provider.attempts else math.nan,
        float(len(provider.others)),
        _part(month.declined, month.attempts),
        _part(month.frauds, month.attempts),
        float(provider.frauds),
        float(bank.paid),
        age_days(bank.first_at, at) if grown else math.nan,
        float(bank.first_at is None) if grown else math.nan,
        float(len(bank.others)),
        float(bank.frauds),
        float(len(provider.cards)),
    )


def is_grown(market_days: float) -> bool:
    """Whether the marketplace is old enough that somebody's being new says something."""
    return market_days >= YOUNG_DAYS


def _ratio(amount: float, total: int, count: int) -> float:
    """The amount to the mean of those before; not known before there are any."""
    return amount * count / total if total else math.nan


def _part(some: int, count: int) -> float:
    # Two more than there were: one fraud among one sale is not yet a part of one.
    return some / (count + 2)
