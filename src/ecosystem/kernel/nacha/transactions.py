"""Transaction codes: which kind of account an entry is for, which way the money goes, and what for.

NACHA Operating Rules, Appendix Three, field "Transaction Code".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class Direction(StrEnum):
    """Which way the money goes for the receiver's account."""

    CREDIT = "credit"
    DEBIT = "debit"


class Purpose(StrEnum):
    """What an entry of this code is for."""

    LIVE = "live"
    PRENOTE = "prenote"
    ZERO_DOLLAR = "zero_dollar"
    RETURN = "return"
    ADVICE = "advice"


class Transaction(Struct, frozen=True, kw_only=True):
    """What a transaction code says. `account` is checking, savings, ledger, loan or, in advices, accounting."""

    code: str
    account: str
    direction: Direction
    purpose: Purpose


def _of_accounts() -> list[Transaction]:
    """The codes for accounts: the first digit is the account's, the second says the way and what for."""
    purposes = (Purpose.RETURN, Purpose.LIVE, Purpose.PRENOTE, Purpose.ZERO_DOLLAR)
    made: list[Transaction] = []
    for ten, account in ((2, "checking"), (3, "savings"), (4, "ledger"), (5, "loan")):
        for unit, purpose in enumerate(purposes, start=1):
            made.append(Transaction(code=f"{ten}{unit}", account=account, direction=Direction.CREDIT, purpose=purpose))
            if account != "loan":
                made.append(
                    Transaction(code=f"{ten}{unit + 5}", account=account, direction=Direction.DEBIT, purpose=purpose)
                )
    # Debits to a loan account exist to reverse a credit only, and their codes are out of order.
    made.append(Transaction(code="55", account="loan", direction=Direction.DEBIT, purpose=Purpose.LIVE))
    made.append(Transaction(code="56", account="loan", direction=Direction.DEBIT, purpose=Purpose.RETURN))
    return made


def _of_advices() -> list[Transaction]:
    """The codes of accounting advices: odd ones are credits."""
    return [
        Transaction(
            code=str(code),
            account="accounting",
            direction=Direction.CREDIT if code % 2 else Direction.DEBIT,
            purpose=Purpose.ADVICE,
        )
        for code in range(81, 89)
    ]


ALL: Sequence[Transaction] = (*_of_accounts(), *_of_advices())
TRANSACTIONS: Mapping[str, Transaction] = {transaction.code: transaction for transaction in ALL}
