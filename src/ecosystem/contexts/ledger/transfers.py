"""Transfers: what is asked of the ledger, and what it recorded. Never edited, only reversed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NewType

from msgspec import Struct, structs

from ecosystem.contexts.ledger.accounts import ID_LENGTH_MAX, QUANTITY_MAX, Balances
from ecosystem.contexts.ledger.results import Result
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Change, Stored
from ecosystem.ports.table_codec import decoded

TransferId = NewType("TransferId", str)

ALL_OF_IT: Final = QUANTITY_MAX
"""As the amount of a post, or of a balancing transfer: everything there is."""


class TransferFlag:
    """Bits of `Transfer.flags`."""

    LINKED: Final = 1
    PENDING: Final = 2
    POST: Final = 4
    VOID: Final = 8
    BALANCING_DEBIT: Final = 16
    BALANCING_CREDIT: Final = 32
    CLOSING_DEBIT: Final = 64
    CLOSING_CREDIT: Final = 128

    SETTLING: Final = 4 | 8
    BALANCING: Final = 16 | 32
    CLOSING: Final = 64 | 128
    ALL: Final = 255


class State(StrEnum):
    """What a recorded transfer is. A pending one becomes posted or voided by another transfer, once."""

    FINAL = "final"
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    FAILED = "failed"


class Transfer(Struct, frozen=True, kw_only=True):
    """A request to move an amount from the debit account to the credit account. Its id is its idempotency key.

    `pending_id` names what a post or a void settles; accounts, ledger and code may then be left empty. `reference` is
    what the transfer is about, such as a booking: it has a statement of its own.
    """

    transfer_id: str
    debit_account_id: str = ""
    credit_account_id: str = ""
    amount: int
    pending_id: str = ""
    ledger: str = ""
    code: int = 0
    flags: int = 0
    reference: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= QUANTITY_MAX:
            raise Invalid("An amount is a whole number of minor units, of at most 128 bits.", field="amount")
        if not 0 <= self.code < 2**16 or not 0 <= self.flags < 2**16:
            raise Invalid("A transfer's code and flags are whole numbers of 16 bits.", field="code")
        texts = (self.transfer_id, self.debit_account_id, self.credit_account_id, self.pending_id, self.reference)
        if max(map(len, texts)) > ID_LENGTH_MAX:
            raise Invalid(f"An id in the ledger has at most {ID_LENGTH_MAX} characters.", field="transfer_id")


class Recorded(Stored, frozen=True, kw_only=True):
    """A transfer as the ledger took it: the amount really moved, when, and what became of it if it was pending.

    `place` is its place within the request, `units` the amount as text (it may outgrow 64 bits). `settled_units` of a
    post is the pending amount it released, `settled_by` of a pending transfer who posted or voided it. A `FAILED` one
    moved nothing; it keeps the id from being used again. `debit_balances` and `credit_balances` are there for accounts
    that keep their history: the four sums after this transfer.
    """

    entity: ClassVar[str] = "transfer"

    transfer_id: str
    debit_account_id: str = ""
    credit_account_id: str = ""
    units: str = "0"
    pending_id: str = ""
    ledger: str = ""
    code: int = 0
    flags: int = 0
    reference: str = ""
    state: State
    at: datetime
    place: int = 0
    settled_units: str = "0"
    settled_by: str = ""
    failure: str = ""
    debit_is_summed: bool = False
    credit_is_summed: bool = False
    debit_balances: tuple[str, str, str, str] | None = None
    credit_balances: tuple[str, str, str, str] | None = None

    @property
    def amount(self) -> int:
        return int(self.units)

    @property
    def moved(self) -> tuple[int, int]:
        """What the transfer added to the pending and to the posted balance of its accounts, when it was recorded."""
        if self.state is State.FAILED:
            return 0, 0
        if self.flags & TransferFlag.POST:
            return -int(self.settled_units), int(self.units)
        if self.flags & TransferFlag.VOID:
            return -int(self.units), 0
        if self.flags & TransferFlag.PENDING:
            return int(self.units), 0
        return 0, int(self.units)


Sums = dict[str, dict[str, int]]
"""What to add to the counters of each account."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one transfer: the result, and the record if there is one (of now, or of the first time)."""

    transfer_id: str
    result: Result
    recorded: Recorded | None = None

    @property
    def stands(self) -> bool:
        """The transfer is in the ledger as it was asked for."""
        return self.result in {Result.CREATED, Result.EXISTS}


def linked(transfers: Sequence[Transfer]) -> list[Transfer]:
    """The transfers as one chain: all of them happen, or none."""
    return [
        structs.replace(transfer, flags=transfer.flags | TransferFlag.LINKED)
        if place < len(transfers) - 1
        else structs.replace(transfer, flags=transfer.flags & ~TransferFlag.LINKED)
        for place, transfer in enumerate(transfers)
    ]


def reverse(recorded: Recorded, transfer_id: str) -> Transfer:
    """The transfer that takes back what a recorded one moved: debit and credit change places.

    Raises `Invalid` for what moved nothing for good: a pending transfer is voided, not reversed.
    """
    if recorded.state is not State.FINAL or recorded.flags & TransferFlag.VOID:
        raise Invalid(f"{recorded.transfer_id} is {recorded.state}: there is nothing to reverse.", field="transfer_id")
    return Transfer(
        transfer_id=transfer_id,
        debit_account_id=recorded.credit_account_id,
        credit_account_id=recorded.debit_account_id,
        amount=recorded.amount,
        ledger=recorded.ledger,
        code=recorded.code,
        reference=recorded.reference,
    )


def as_text(balances: Balances) -> tuple[str, str, str, str]:
    """The four sums in a form that has no limit of 64 bits."""
    return (
        str(balances.debits_pending),
        str(balances.debits_posted),
        str(balances.credits_pending),
        str(balances.credits_posted),
    )


def recorded(change: Change) -> Recorded | None:
    """The transfer that a change made; None for any other change, also for a transfer that was settled."""
    if change.old is not None or change.new is None or change.new.entity != Recorded.entity:
        return None
    return decoded(change.new, Recorded)


def is_summed(made: Recorded) -> bool:
    """The transfer has a side that the sequencer adds up."""
    return made.debit_is_summed or made.credit_is_summed


def added(made: Recorded) -> Sums:
    """What a transfer adds to its summed accounts."""
    pending, posted = made.moved
    sums: Sums = {}
    if made.debit_is_summed:
        sums[made.debit_account_id] = {"debits_pending": pending, "debits_posted": posted}
    if made.credit_is_summed:
        sums[made.credit_account_id] = {"credits_pending": pending, "credits_posted": posted}
    return sums
