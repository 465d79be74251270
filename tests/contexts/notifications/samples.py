"""A booking as notifications are told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.contexts.notifications import Audience, Brand, Kind, Known, Message, PriceLine, Recipient
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.time import Span

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BRAND = Brand(name="Ecosystem", url="http://127.0.0.1:8000")
ANA_ID = "usr_01kag2m8000000000000000000"
ANA = Recipient(user_id=ANA_ID, email="ana@example.com", name="Ana", zone="Europe/Lisbon")
GUEST = Recipient(email="guest@example.com", name="Gus", zone="America/New_York")
OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
HERSELF = Actor(actor_id=ANA_ID, groups=(Group.CUSTOMERS,))
STRANGER = Actor(actor_id="usr_stranger", groups=(Group.CUSTOMERS,))

START = datetime(2026, 11, 26, 16, 10, tzinfo=UTC)
WHEN = Span(START, START + timedelta(hours=1))
FACTS: dict[str, Known] = {
    "service": "Warm documentary portraits",
    "provider": "Inês Carvalho",
    "machine": "ecosystem-payment-processing",
    "matter": "pay_01kag2m8xw0000000000000ada",
    "error": "States.Timeout",
    "customer": "Ana Silva",
    "when": WHEN,
    "former": Span(START - timedelta(days=1), START - timedelta(hours=23)),
    "proposed": Span(START + timedelta(days=1), START + timedelta(hours=25)),
    "answer_by": START - timedelta(days=2),
    "pay_by": NOON + timedelta(minutes=15),
    "decide_by": START + timedelta(days=7),
    "wanted": Money(60_00, "EUR"),
    "offered": Money(30_00, "EUR"),
    "dispute_by": START + timedelta(days=14),
    "settles_at": START + timedelta(days=1),
    "by": "the provider",
    "absent": "the customer",
    "reason": "The studio is flooded",
    "place": "Rua da Rosa 12, Lisboa",
    "terms": "Free to cancel until Wednesday.",
    "share": Money(4950, "EUR"),
    "refund": Money(5500, "EUR"),
    "expires_at": NOON + timedelta(hours=24),
    "left": "9",
    "expected_at": NOON + timedelta(days=2),
    "booking": "bkg_01kag2m8xw0000000000000000",
    "total": Money(5940, "USD"),
    "account": "JPMorgan Chase ····6789",
    "pays_from": NOON + timedelta(days=3),
    "mandate": "I authorize Ecosystem to debit my checking account.",
    "amount": Money(5000, "EUR"),
    "day": "2026-11-20",
    "count": "2",
    "open": "3",
    "rate": "unauthorized",
    "returned": "0.42 %",
    "score": "612",
    "outcome": "Undecided, the booking expires and nothing is charged.",
    "model": "trees-60c065492743",
    "index": "0.41",
    "most": "0.50 %",
}
LINES = (
    PriceLine(label="Price", amount=Money(5500, "EUR")),
    PriceLine(label="Service fee", amount=Money(440, "EUR")),
    PriceLine(label="Total", amount=Money(5940, "EUR"), strong=True),
)


def message(kind: Kind = Kind.BOOKING_CONFIRMED, audience: Audience = Audience.CUSTOMER, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "event_id": "BOOKING#bkg_1:2:BookingConfirmed",
        "at": NOON,
        "recipient": ANA,
        "facts": FACTS,
        "lines": LINES,
        "link": "http://127.0.0.1:8000/bookings/bkg_1",
    }
    return Message(kind=kind, audience=audience, **(values | changes))
