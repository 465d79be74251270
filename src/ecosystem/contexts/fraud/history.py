"""What is remembered of one subject: a customer, a card, a provider, a network, a bank account.

A history is small whatever happens: what happened is counted in buckets of hours and days that fall away, and others
seen beside it are remembered by short digests, a bounded number of them. Nothing here tells of a person.

Features are computed from histories alone, and a history is changed by `seen` and `known` in the order of their
instants; so no feature can see what comes after. A fraud counts from the instant at which it became known, not from
that at which it was committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.ports.table import Stored

HOUR_S, DAY_S = 3_600, 86_400
HOURS_KEPT, DAYS_KEPT = 24, 30
OTHERS_MAX = 24
"""Others remembered of each kind; beyond, only that there are so many."""


class Subject(StrEnum):
    """Of whom, or what, a history is."""

    CUSTOMER = "customer"
    CARD = "card"
    PROVIDER = "provider"
    NETWORK = "network"
    BANK = "bank"


class Bucket(Struct, frozen=True, array_like=True):
    """What happened in one hour or day, numbered since 1970.

    `amount` is the sum of what was attempted, in hundredths of a euro.
    """

    number: int
    attempts: int = 0
    declined: int = 0
    paid: int = 0
    amount: int = 0
    frauds: int = 0


class History(Stored, frozen=True, kw_only=True):
    """What is remembered of one subject. `others`, `cards` and `networks` hold digests.

    For a customer `others` are providers booked with, and `cards` their cards; for everything else `others` are
    customers.
    """

    entity: ClassVar[str] = "fraud_history"

    first_at: datetime | None = None
    last_at: datetime | None = None
    hours: tuple[Bucket, ...] = ()
    days: tuple[Bucket, ...] = ()
    attempts: int = 0
    declined: int = 0
    paid: int = 0
    amount: int = 0
    frauds: int = 0
    others: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()


NOTHING = History()
"""What is remembered of somebody never seen."""


class Seen(Struct, frozen=True, kw_only=True):
    """What happens to a subject. Counts are added, digests remembered."""

    at: datetime
    attempts: int = 0
    declined: int = 0
    paid: int = 0
    amount: int = 0
    frauds: int = 0
    other: str = ""
    card: str = ""
    network: str = ""


def digest(text: str) -> str:
    """Eight characters that tell others apart, not who they are."""
    return blake2b(text.encode(), digest_size=6).hexdigest()[:8] if text else ""


def seen(history: History, what: Seen) -> History:
    """The history after that."""
    at = int(what.at.timestamp())
    return replace(
        history,
        first_at=history.first_at or what.at,
        last_at=what.at,
        hours=_counted(history.hours, at // HOUR_S, HOURS_KEPT, what),
        days=_counted(history.days, at // DAY_S, DAYS_KEPT, what),
        attempts=history.attempts + what.attempts,
        declined=history.declined + what.declined,
        paid=history.paid + what.paid,
        amount=history.amount + what.amount,
        frauds=history.frauds + what.frauds,
        others=_remembered(history.others, what.other),
        cards=_remembered(history.cards, what.card),
        networks=_remembered(history.networks, what.network),
    )


def within(buckets: Sequence[Bucket], now: int, count: int) -> Bucket:
    """What the last `count` buckets before and with `now` hold together."""
    attempts = declined = paid = amount = frauds = 0
    for bucket in reversed(buckets):
        if bucket.number <= now - count:
            break
        attempts += bucket.attempts
        declined += bucket.declined
        paid += bucket.paid
        amount += bucket.amount
        frauds += bucket.frauds
    return Bucket(now, attempts, declined, paid, amount, frauds)


def last_hours(history: History, at: datetime, count: int) -> Bucket:
    return within(history.hours, int(at.timestamp()) // HOUR_S, count)


def last_days(history: History, at: datetime, count: int) -> Bucket:
    return within(history.days, int(at.timestamp()) // DAY_S, count)


def age_days(since: datetime | None, at: datetime) -> float:
    """Days since then; none for what has never been seen."""
    return max(0.0, (at - since).total_seconds() / DAY_S) if since else 0.0


def _counted(buckets: tuple[Bucket, ...], number: int, kept: int, what: Seen) -> tuple[Bucket, ...]:
    # News may come a little late; it then counts in the latest bucket, so that buckets stay in order.
    last = buckets[-1] if buckets and buckets[-1].number >= number else Bucket(number)
    rest = buckets[:-1] if buckets and buckets[-1] is last else buckets
    merged = Bucket(
        last.number,
        last.attempts + what.attempts,
        last.declined + what.declined,
        last.paid + what.paid,
        last.amount + what.amount,
        last.frauds + what.frauds,
    )
    oldest = merged.number - kept
    return (*(bucket for bucket in rest if bucket.number > oldest), merged)


def _remembered(known: tuple[str, ...], other: str) -> tuple[str, ...]:
    if not other or other in known:
        return known
    return (*known, other)[-OTHERS_MAX:]
