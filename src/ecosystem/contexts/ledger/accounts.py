"""Accounts: what they promise, where they stand, and how they are opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from msgspec import Struct

from ecosystem.contexts.ledger.chains import in_chains
from ecosystem.contexts.ledger.results import Result
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Row, Stored

QUANTITY_MAX: Final = 2**128 - 1
"""The largest amount and the largest balance. As the amount of a post or of a balancing transfer: all of it."""

ID_MAX: Final = str(QUANTITY_MAX)
"""An id that is reserved, as in the protocol whose recordings the ledger replays."""

NARROW_MAX: Final = 2**60
"""Up to here balances are counters of the table (64 bits); beyond, they are carried in the account's value."""


class AccountFlag:
    """Bits of `Account.flags`."""

    LINKED: Final = 1
    DEBITS_MUST_NOT_EXCEED_CREDITS: Final = 2
    CREDITS_MUST_NOT_EXCEED_DEBITS: Final = 4
    HISTORY: Final = 8
    CLOSED: Final = 32
    SUMMED: Final = 1 << 15
    """Ours: no transfer writes the account, a sequencer adds its transfers up afterwards."""

    BOUNDED: Final = 2 | 4
    ALL: Final = 1 | 2 | 4 | 8 | 32 | 1 << 15


class Balances(Struct, frozen=True):
    """The four sums of an account's transfers, in minor units."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def widest(self) -> int:
        return max(self.debits_pending, self.debits_posted, self.credits_pending, self.credits_posted)

    @property
    def credit_room(self) -> int:
        """How much may still be debited where debits must not exceed credits."""
        return self.credits_posted - self.debits_posted - self.debits_pending

    @property
    def debit_room(self) -> int:
        """How much may still be credited where credits must not exceed debits."""
        return self.debits_posted - self.credits_posted - self.credits_pending

    @property
    def net(self) -> int:
        """Posted credits less posted debits: what a liability owes, or less than nothing."""
        return self.credits_posted - self.debits_posted


class Account(Stored, frozen=True, kw_only=True):
    """An account of one ledger (a currency, in the product). `code` tells its kind in the chart of accounts.

    Its balances are counters beside the value; `carried` is what was carried forward out of them, as text, once they
    outgrew 64 bits. Whether it is closed is a counter too, so that a transfer can hold the commit to it.
    """

    entity: ClassVar[str] = "ledger_account"

    account_id: str
    ledger: str
    code: int
    flags: int = 0
    carried: tuple[str, str, str, str] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.code < 2**16 or not 0 <= self.flags < 2**16:
            raise Invalid("An account's code and flags are whole numbers of 16 bits.", field="code")
        if len(self.account_id) > ID_LENGTH_MAX or len(self.ledger) > ID_LENGTH_MAX:
            raise Invalid(f"An account's id has at most {ID_LENGTH_MAX} characters.", field="account_id")

    @property
    def is_summed(self) -> bool:
        return bool(self.flags & AccountFlag.SUMMED)


ID_LENGTH_MAX: Final = 200


class Position(Struct, frozen=True, kw_only=True):
    """Where an account stands. `version` is that of its stored item, 0 when there is none yet."""

    account: Account
    balances: Balances = Balances()
    closed: bool = False
    version: int = 0

    @property
    def flags(self) -> int:
        """The account's flags as they are now: `CLOSED` comes and goes."""
        return self.account.flags | (AccountFlag.CLOSED if self.closed else 0)

    def may_debit(self, amount: int) -> bool:
        bounded = self.account.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
        return not bounded or amount <= self.balances.credit_room

    def may_credit(self, amount: int) -> bool:
        bounded = self.account.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS
        return not bounded or amount <= self.balances.debit_room


def opened(account: Account) -> Position:
    """The position of a new account. It may be closed from the start."""
    flags = account.flags & ~AccountFlag.CLOSED
    return Position(
        account=Account(account_id=account.account_id, ledger=account.ledger, code=account.code, flags=flags),
        closed=bool(account.flags & AccountFlag.CLOSED),
    )


def position(row: Row[Account]) -> Position:
    """The position a stored account has."""
    counters = row.counters
    counted = [counters.get(name, 0) for name in Balances.__struct_fields__]
    if row.value.carried is not None:
        counted = [int(carried) + count for carried, count in zip(row.value.carried, counted, strict=True)]
    return Position(
        account=row.value, balances=Balances(*counted), closed=bool(counters.get("closed")), version=row.version
    )


def open_accounts(
    positions: Mapping[str, Position], accounts: Sequence[Account]
) -> tuple[list[Result], list[Position]]:
    """Decide which of these accounts are opened: a result for each, and the new positions."""
    known = dict(positions)

    def judge(account: Account) -> Result:
        result = _judged(account, known.get(account.account_id))
        if result is Result.CREATED:
            known[account.account_id] = opened(account)
        return result

    def restore(saved: dict[str, Position]) -> None:
        known.clear()
        known.update(saved)

    results = in_chains(
        accounts, linked=lambda a: bool(a.flags & AccountFlag.LINKED), judge=judge, save=known.copy, restore=restore
    )
    return results, [known[name] for name in known if name not in positions]


def _judged(account: Account, existing: Position | None) -> Result:
    return next(_complaints(account, existing), Result.CREATED)


def _complaints(account: Account, existing: Position | None) -> Iterator[Result]:
    """What stands against opening the account, in order of precedence."""
    if account.flags & ~AccountFlag.ALL:
        yield Result.RESERVED_FLAG
    if not account.account_id:
        yield Result.ID_MUST_NOT_BE_ZERO
    if account.account_id == ID_MAX:
        yield Result.ID_MUST_NOT_BE_INT_MAX
    if existing is not None:
        yield _same(account, existing)
    if account.flags & AccountFlag.BOUNDED == AccountFlag.BOUNDED or (
        account.is_summed and account.flags & (AccountFlag.BOUNDED | AccountFlag.HISTORY | AccountFlag.CLOSED)
    ):
        yield Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if not account.ledger:
        yield Result.LEDGER_MUST_NOT_BE_ZERO
    if not account.code:
        yield Result.CODE_MUST_NOT_BE_ZERO


def _same(account: Account, existing: Position) -> Result:
    if account.flags != existing.flags:
        return Result.EXISTS_WITH_DIFFERENT_FLAGS
    if account.ledger != existing.account.ledger:
        return Result.EXISTS_WITH_DIFFERENT_LEDGER
    if account.code != existing.account.code:
        return Result.EXISTS_WITH_DIFFERENT_CODE
    return Result.EXISTS
