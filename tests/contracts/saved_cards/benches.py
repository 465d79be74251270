"""A processor and the ports to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecosystem.kernel.money import Money
from ecosystem.ports.cards import Capture, Cards, Order
from ecosystem.ports.saved_cards import SavedCards
from ecosystem.sandbox import Sandbox

PERSON = "usr_1"


@dataclass(frozen=True, slots=True)
class Bench:
    saved: SavedCards
    cards: Cards
    sandbox: Sandbox


def order(payment_id: str, card: str = "pm_card_visa", **changes: Any) -> Order:
    return Order(
        payment_id=payment_id,
        booking_id="bkg_1",
        amount=Money(11000, "EUR"),
        card=card,
        capture=Capture.AUTOMATIC,
        return_url="http://127.0.0.1:8000/back",
        **changes,
    )
