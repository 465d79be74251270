"""Kinds of difference between the sides: what each means, and what mends it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """How sides can differ over one movement."""

    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_AT_PROCESSOR = "missing_at_processor"
    MISSING_AT_BANK = "missing_at_bank"
    AMOUNT = "amount_differs"
    CURRENCY = "currency_differs"
    SIGN = "sign_flipped"
    MOVEMENT = "movement_differs"
    ACCOUNT = "account_differs"
    PARTY = "party_differs"
    DUPLICATE_IN_LEDGER = "duplicate_in_ledger"
    DUPLICATE_AT_PROCESSOR = "duplicate_at_processor"
    DUPLICATE_AT_BANK = "duplicate_at_bank"
    REFERENCE = "reference_differs"
    SWAPPED = "references_swapped"
    LATE = "settled_late"
    EARLY = "dated_early"
    SPLIT = "split"
    MERGED = "merged"
    FEE_UNBOOKED = "fee_unbooked"
    FEE_DIFFERS = "fee_differs"
    REFUND_UNBOOKED = "refund_unbooked"
    CHARGEBACK_UNBOOKED = "chargeback_unbooked"
    RETURN_UNBOOKED = "return_unbooked"
    FAILURE_UNBOOKED = "failure_unbooked"
    SETTLEMENT_UNBOOKED = "settlement_unbooked"
    STALE_CLEARING = "stale_clearing"


class Repair(StrEnum):
    """What an operator can have done about it."""

    ADOPT = "adopt"
    """Take what the other side has into our books, by the journey that should have done it."""

    GIVE_BACK = "give_back"
    """Send a payment that is not ours back to who paid it, and post both ways."""

    BOOK_FEE = "book_fee"
    """Post the fee that was taken, or what it differs by, as a cost of the platform."""

    SETTLE = "settle"
    """Book the settlement that the bank's statement shows."""

    CORRECT = "correct"
    """Post what our books differ by to the costs of the platform, with a reason."""

    REVERSE = "reverse"
    """Reverse the transfer that stands in our books once too often, or that never happened."""

    ASK_PROCESSOR = "ask_processor"
    ASK_BANK = "ask_bank"
    ACCEPT = "accept"
    """Nothing moves: the difference is explained, with a reason."""


class Explained(Struct, frozen=True):
    """A kind in words: what it is called, what it means, what mends it (the first is what is offered)."""

    title: str
    meaning: str
    repairs: tuple[Repair, ...]


_R = Repair
EXPLAINED: Final[dict[Kind, Explained]] = {
    Kind.MISSING_IN_LEDGER: Explained(
        "Not in our books",
        "The other side moved money that our ledger does not know.",
        (_R.ADOPT, _R.GIVE_BACK, _R.CORRECT, _R.ASK_BANK),
    ),
    Kind.MISSING_AT_PROCESSOR: Explained(
        "Not at the processor",
        "Our ledger says that the card processor moved this, and its balance does not show it.",
        (_R.ASK_PROCESSOR, _R.REVERSE),
    ),
    Kind.MISSING_AT_BANK: Explained(
        "Not at the bank",
        "Our ledger says that the bank moved this, and no statement shows it.",
        (_R.ASK_BANK, _R.REVERSE),
    ),
    Kind.AMOUNT: Explained(
        "Amounts differ", "The sides agree on the movement and not on how much it was.", (_R.CORRECT, _R.ASK_BANK)
    ),
    Kind.CURRENCY: Explained(
        "Currencies differ", "The sides name different currencies for the same movement.", (_R.ASK_BANK, _R.ACCEPT)
    ),
    Kind.SIGN: Explained(
        "Direction flipped", "One side has as coming in what the other has as going out.", (_R.CORRECT, _R.ASK_BANK)
    ),
    Kind.MOVEMENT: Explained(
        "Booked as something else",
        "The sides agree on the money and not on what it was: a refund against a chargeback, for one.",
        (_R.ACCEPT, _R.CORRECT),
    ),
    Kind.ACCOUNT: Explained(
        "In another account", "The movement stands in an account where it does not belong.", (_R.ACCEPT, _R.ASK_BANK)
    ),
    Kind.PARTY: Explained(
        "Another counterparty",
        "The sides name different accounts at the other end: the money may have gone to the wrong one.",
        (_R.ASK_BANK, _R.ACCEPT),
    ),
    Kind.DUPLICATE_IN_LEDGER: Explained(
        "Twice in our books", "Our ledger has the movement more often than it happened.", (_R.REVERSE,)
    ),
    Kind.DUPLICATE_AT_PROCESSOR: Explained(
        "Twice at the processor", "The card processor shows the movement more than once.", (_R.ASK_PROCESSOR, _R.ADOPT)
    ),
    Kind.DUPLICATE_AT_BANK: Explained(
        "Twice at the bank", "The bank's statement shows the movement more than once.", (_R.ASK_BANK, _R.ADOPT)
    ),
    Kind.REFERENCE: Explained(
        "Wrong reference",
        "Amount, day and counterparty agree; the reference under which a side has it is another.",
        (_R.ACCEPT,),
    ),
    Kind.SWAPPED: Explained(
        "References swapped", "Two movements stand under each other's reference.", (_R.ACCEPT, _R.ASK_BANK)
    ),
    Kind.LATE: Explained(
        "Later than it should", "A side has the movement many days after our books do.", (_R.ACCEPT, _R.ASK_BANK)
    ),
    Kind.EARLY: Explained(
        "Dated before it happened", "A side has the movement some days before our books do.", (_R.ACCEPT,)
    ),
    Kind.SPLIT: Explained(
        "In several parts", "What is one movement in our books came in parts that add up to it.", (_R.ACCEPT,)
    ),
    Kind.MERGED: Explained(
        "Together with another", "One line of the other side holds this movement and another one.", (_R.ACCEPT,)
    ),
    Kind.FEE_UNBOOKED: Explained("Fee not booked", "A fee was taken that our books do not have.", (_R.BOOK_FEE,)),
    Kind.FEE_DIFFERS: Explained("Fee differs", "The fee taken is not the one in our books.", (_R.BOOK_FEE,)),
    Kind.REFUND_UNBOOKED: Explained(
        "Refund not booked",
        "Money went back to a customer, or came back from one, unknown to our books.",
        (_R.ADOPT, _R.CORRECT),
    ),
    Kind.CHARGEBACK_UNBOOKED: Explained(
        "Chargeback not booked",
        "The customer's bank took or gave back money, unknown to our books.",
        (_R.ADOPT, _R.CORRECT),
    ),
    Kind.RETURN_UNBOOKED: Explained(
        "Return not booked", "An entry of the clearing house came back, unknown to our books.", (_R.ADOPT,)
    ),
    Kind.FAILURE_UNBOOKED: Explained(
        "Failed payout not booked",
        "Money on its way to a bank came back to the processor, unknown to our books.",
        (_R.ADOPT,),
    ),
    Kind.SETTLEMENT_UNBOOKED: Explained(
        "Settlement not booked", "The bank shows the entry that our books still have on its way.", (_R.SETTLE,)
    ),
    Kind.STALE_CLEARING: Explained(
        "On its way too long",
        "An entry was given to the bank, and no statement shows it days after it should.",
        (_R.ASK_BANK, _R.ACCEPT),
    ),
}
