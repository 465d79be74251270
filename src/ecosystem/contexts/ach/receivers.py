"""Receivers: whose account an entry is for. What is secret of them lies apart, and encrypted wherever it is stored."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.keys import Context
from ecosystem.ports.secrets import Untold

ACCOUNT_NUMBER_MAX = 17
NAME_MAX = 22


class Holder(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class AccountKind(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"


class Receiver(Struct, frozen=True, kw_only=True):
    """Whose account it is, by ids alone. `last4` are the last of the account number."""

    bank_account_id: str
    owner_id: str
    holder: Holder
    kind: AccountKind
    last4: str


class Particulars(Untold, frozen=True, kw_only=True):
    """What a file says of the receiver, in clear: the holder's name, nine digits of the bank, the account number."""

    name: str
    routing_number: str
    account_number: str

    def packed(self) -> bytes:
        return _encoder.encode(self)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Particulars)


def particulars(packed: bytes) -> Particulars:
    """What was packed."""
    return _decoder.decode(packed)


def particulars_context(entry_id: str, owner_id: str) -> Context:
    """Whose particulars they are, and for which entry."""
    return Context(owner_id, f"ach entry {entry_id}")


def must_be_particulars(said: Particulars) -> None:
    """Raises `Invalid` when no file takes them."""
    number = said.account_number
    if not (1 <= len(number) <= ACCOUNT_NUMBER_MAX and number.isascii() and number.isalnum()):
        raise Invalid("An account number has up to 17 digits or letters.", field="account_number")
    if not has_check_digit(said.routing_number):
        raise Invalid("A routing number has nine digits, the last of which is its check digit.", field="routing_number")
    if not said.name.strip():
        raise Invalid("The holder of the account has a name.", field="name")


def has_check_digit(routing_number: str) -> bool:
    """Whether nine digits end with their check digit: weights 3, 7, 1 (Appendix Three)."""
    if not (len(routing_number) == 9 and routing_number.isascii() and routing_number.isdigit()):
        return False
    return sum(int(digit) * weight for digit, weight in zip(routing_number, (3, 7, 1) * 3, strict=True)) % 10 == 0
