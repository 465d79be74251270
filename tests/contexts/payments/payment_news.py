"""Histories of payments at a processor, and the news each step makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ecosystem.contexts.payments import Pay, Payment, PaymentId, intend
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import Capture, Decline, Outcome, ShownCard, Standing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CUSTOMER = Actor(actor_id="usr_0")
PRICE = Money(11000, "EUR")
NOTHING = Money(0, "EUR")


def request(**changes: object) -> Pay:
    fields: dict[str, object] = {
        "payment_id": PaymentId("pay_1"),
        "booking_id": "bkg_1",
        "amount": PRICE,
        "card": "pm_1",
        "capture": Capture.AUTOMATIC,
        "return_url": "http://127.0.0.1/return",
    }
    return Pay(**(fields | changes))  # pyright: ignore[reportArgumentType]


def intended(**changes: object) -> Payment:
    return intend(request(**changes), CUSTOMER, NOON, NOON + timedelta(minutes=15))


def news(standing: Standing, **changes: object) -> Outcome:
    fields: dict[str, object] = {
        "intent_id": "pi_1",
        "payment_id": "pay_1",
        "booking_id": "bkg_1",
        "standing": standing,
        "amount": PRICE,
        "captured": PRICE if standing is Standing.CAPTURED else NOTHING,
    }
    if standing not in {Standing.REQUIRES_ACTION, Standing.PROCESSING}:
        fields |= {"charge_id": "ch_1", "card": ShownCard(brand="visa", last4="4242")}
    if standing is Standing.AUTHORIZED:
        fields["authorized_until"] = NOON + timedelta(days=7)
    if standing is Standing.REQUIRES_ACTION:
        fields["challenge_url"] = "http://127.0.0.1/challenge"
    if standing is Standing.DECLINED:
        fields["decline"] = Decline(code="insufficient_funds", sentence="There is not enough money on this card.")
    return Outcome(**(fields | changes))  # pyright: ignore[reportArgumentType]


P, A, D, H, C, X = (
    Standing.PROCESSING,
    Standing.REQUIRES_ACTION,
    Standing.DECLINED,
    Standing.AUTHORIZED,
    Standing.CAPTURED,
    Standing.CANCELLED,
)
HISTORIES: list[list[Standing]] = [
    [C],
    [P, C],
    [A, C],
    [A, D],
    [D],
    [H, C],
    [H, X],
    [A, H, C],
    [A, H, X],
    [A, X],
    [P, A, H, X],
    [D, X],
    # A second try under the same payment, made by hand at the processor's desk.
    [A, D, C],
]
"""Every way through a payment that the processor's states allow."""


@st.composite
def told(draw: st.DrawFn) -> tuple[list[Outcome], list[Outcome]]:
    """A history in its order, and the same news as it may arrive: each at least once, some twice, in any order."""
    history = [news(standing) for standing in draw(st.sampled_from(HISTORIES))]
    arrivals = history + draw(st.lists(st.sampled_from(history), max_size=4))
    return history, draw(st.permutations(arrivals))
