"""Rows: one movement of money as one side tells it. Three sides tell of the same movement, each in its own file.

| movement | told by |
| --- | --- |
| what cards pay in, what goes back to them, chargebacks, fees; transfers to payout accounts | ledger, processor |
| our own money on its way from the processor to the bank, and the other way | ledger, processor, bank |
| entries of the clearing house, those that come back, the bank's fees | ledger, bank |

An entry given to the bank is in the ledger twice: `originated` when it was handed over, and once more when the statement
shows it.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Side(StrEnum):
    """Whose books a row stands in."""

    LEDGER = "ledger"
    PROCESSOR = "processor"
    BANK = "bank"


class Movement(StrEnum):
    """What moved."""

    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    CHARGEBACK = "chargeback"
    CHARGEBACK_RETURNED = "chargeback_returned"
    TRANSFER = "transfer"
    TRANSFER_REVERSED = "transfer_reversed"
    FEE = "fee"
    WITHDRAWAL = "withdrawal"
    WITHDRAWAL_RETURNED = "withdrawal_returned"
    TOP_UP = "top_up"
    TOP_UP_RETURNED = "top_up_returned"
    ORIGINATED = "originated"
    CREDIT = "credit"
    CREDIT_RETURNED = "credit_returned"
    DEBIT = "debit"
    DEBIT_RETURNED = "debit_returned"
    BANK_FEE = "bank_fee"
    BANK_OTHER = "bank_other"
    OTHER = "other"


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """One movement on one side. `row_id` names the row there, `key` the movement on all sides.

    `amount` is in minor units: above zero what comes to us, and what goes from the processor to our bank; below zero
    what leaves us. `account` is which account of that side it stands in. `party` is who is at the other end, as far as
    that side says: empty, or the same words on each side. `title` is what an operator reads.
    """

    side: Side
    row_id: str
    key: str
    movement: Movement
    amount: int
    currency: str
    on: date
    account: str = ""
    party: str = ""
    title: str = ""


_CARD = frozenset({Side.LEDGER, Side.PROCESSOR})
_BANK = frozenset({Side.LEDGER, Side.BANK})
_ALL = frozenset(Side)
_OWN = (Movement.WITHDRAWAL, Movement.WITHDRAWAL_RETURNED, Movement.TOP_UP, Movement.TOP_UP_RETURNED)

ROUTES: Final = (
    dict.fromkeys(Movement, _CARD)
    | dict.fromkeys(_OWN, _ALL)
    | dict.fromkeys(
        (
            Movement.ORIGINATED,
            Movement.CREDIT,
            Movement.CREDIT_RETURNED,
            Movement.DEBIT,
            Movement.DEBIT_RETURNED,
            Movement.BANK_FEE,
            Movement.BANK_OTHER,
        ),
        _BANK,
    )
)
"""Which sides tell of a movement."""

LATE_AFTER_DAYS: Final = (
    dict.fromkeys(Movement, 2)
    | dict.fromkeys(_OWN, 6)
    | dict.fromkeys((Movement.ORIGINATED, Movement.CREDIT, Movement.DEBIT), 5)
)
"""Days after the first side within which the last must have told. Until then the movement is on its way."""

EARLY_DAYS: Final = dict.fromkeys(Movement, 1) | dict.fromkeys(_OWN, 6)
"""Days by which another side may be ahead of the ledger: days end at different hours. Our own money is booked when it
arrives, days after the processor let it go."""


def expected_account(side: Side, movement: Movement) -> str:
    """The account of that side in which such a movement stands."""
    if side is not Side.LEDGER:
        return side.value
    if movement is Movement.ORIGINATED:
        return "clearing"
    return "bank" if Side.BANK in ROUTES[movement] else "processor"
