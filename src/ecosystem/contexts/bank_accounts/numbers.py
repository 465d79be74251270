"""Numbers of a bank account in the United States: what fits, and how each is written one way only."""

from __future__ import annotations

import re
from enum import StrEnum

from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.secrets import Untold

ACCOUNT_NUMBER = range(4, 18)
HOLDER_MAX = 22
"""A holder's name in an entry has 22 columns (2013 NACHA Operating Rules, Appendix Three, individual name)."""
_SEPARATORS = str.maketrans("", "", " -\u00a0\t")
_ACCOUNT = re.compile(r"[0-9A-Z]+")
# The first two digits: Federal Reserve banks, thrifts, and electronic transactions (ABA routing number policy). The
# United States government (00) and travellers' cheques (80) have no accounts to pay to.
_PREFIXES = frozenset({*range(1, 13), *range(21, 33), *range(61, 73)})


class AccountKind(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"


class HolderKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class Numbers(Untold, frozen=True, kw_only=True):
    """What makes an account payable, in clear: printed or logged it shows nothing."""

    routing_number: str
    account_number: str
    holder: str

    @property
    def last4(self) -> str:
        return self.account_number[-4:]

    @property
    def identity(self) -> str:
        """What two entries of the same account have in common, however they were typed: the text of the blind index."""
        # Banks ignore leading zeros of what they number themselves.
        return f"{self.routing_number} {self.account_number.lstrip('0') or '0'}"


def routing_number(text: str) -> str:
    """The nine digits. Raises `Invalid`: the last is a check digit, by weights 3, 7, 1 (ABA; NACHA Appendix Three)."""
    digits = text.translate(_SEPARATORS)
    if not (len(digits) == 9 and digits.isascii() and digits.isdigit()):
        raise Invalid("A routing number has nine digits.", field="routing_number")
    if sum(int(digit) * weight for digit, weight in zip(digits, (3, 7, 1) * 3, strict=True)) % 10:
        raise Invalid(
            "That routing number is mistyped: its last digit does not fit the others.", field="routing_number"
        )
    if int(digits[:2]) not in _PREFIXES:
        raise Invalid("No bank has such a routing number.", field="routing_number")
    return digits


def account_number(text: str) -> str:
    """The number without spaces and hyphens, in capitals. Raises `Invalid`."""
    number = text.translate(_SEPARATORS).upper()
    if len(number) not in ACCOUNT_NUMBER or not _ACCOUNT.fullmatch(number):
        raise Invalid("An account number has 4 to 17 digits or letters.", field="account_number")
    if not number.strip("0"):
        raise Invalid("That is no account number.", field="account_number")
    return number


def holder_name(text: str) -> str:
    """The name as the bank knows it, as far as an entry has room for it. Raises `Invalid`."""
    name = " ".join(text.split())
    if not (1 <= len(name) <= HOLDER_MAX and name.isascii() and name.isprintable()):
        raise Invalid(f"The holder's name has up to {HOLDER_MAX} plain letters, as the bank writes it.", field="holder")
    return name
