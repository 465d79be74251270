"""A bank account: a provider's, to be paid out to, or a customer's, to be debited.

| state | the account |
| --- | --- |
| `added` | is stored; nobody has asked the bank yet |
| `verifying` | entries are on their way to the bank |
| `verified` | may be used |
| `refused` | may not: the bank sent an entry back, or the amounts were not told in time or wrongly |
| `removed` | is gone: numbers and name with it |

A **prenote** is an entry of no money: an account that has not sent it back three banking days after it settled is there
(2013 NACHA Operating Rules, subsection 2.6.2). That the account is the owner's it does not show, so that none is debited
on its word. **Micro-deposits** do: two amounts below a dollar, which only who reads the statement can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from msgspec.structs import replace

from ecosystem.contexts.bank_accounts import keys
from ecosystem.contexts.bank_accounts.events import (
    BankAccountAdded,
    BankAccountCorrected,
    BankAccountFact,
    BankAccountRefused,
    BankAccountRemoved,
    BankAccountVerified,
    BankAccountVerifying,
)
from ecosystem.contexts.bank_accounts.numbers import AccountKind, HolderKind
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.keys import Context, KeyName
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Write

TRIES_MAX = 3
EXPIRES_AFTER = timedelta(days=14)
PAUSE = timedelta(days=3)
MICRO_CENTS_MAX = 99
MICRO_DEPOSITS = 2


class NoSuchBankAccount(NotFound):
    """There is no such bank account."""


class BankAccountChanging(Stale):
    """The bank account changed meanwhile."""


class NothingToConfirm(Conflict):
    """No amounts are awaited for this account."""


class MustShowOwner(Invalid):
    """An account that is paid from is verified by two small amounts: nothing else shows whose it is."""


class NotUsable(Conflict):
    """This bank account is not verified."""


class Purpose(StrEnum):
    """What an account is for: money goes to it, or comes from it."""

    PAYOUT = "payout"
    DEBIT = "debit"


class Method(StrEnum):
    """How an account is verified."""

    PRENOTE = "prenote"
    MICRO_DEPOSITS = "micro-deposits"


class AccountState(StrEnum):
    ADDED = "added"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    REFUSED = "refused"
    REMOVED = "removed"


_ENDED = frozenset({AccountState.REFUSED, AccountState.REMOVED})


class AddBankAccount(Untold, frozen=True, kw_only=True):
    """The request for a bank account. `owner_id` is the provider (`prv_...`) or the person whose it is.

    The numbers are in clear here and nowhere after. The same id again is the same request.
    """

    account_id: str
    owner_id: str
    purpose: Purpose
    routing_number: str
    account_number: str
    holder: str
    holder_kind: HolderKind
    kind: AccountKind
    method: Method = Method.MICRO_DEPOSITS


class Corrections(Untold, frozen=True, kw_only=True):
    """What a notification of change corrects; None leaves a field as it is."""

    code: str
    routing_number: str | None = None
    account_number: str | None = None
    holder: str | None = None
    kind: AccountKind | None = None


class BankAccount(Enveloped, frozen=True, kw_only=True):
    """An account as it is known. `numbers` and `amounts` are envelopes, `fingerprint` is the blind index.

    `until` is when its verification ends by itself: a prenote then stood the test, amounts have then expired.
    `paused_until` is when payouts to it may begin. `code` and `reason` say why it was refused.
    """

    entity: ClassVar[str] = "bank-account"
    named_key: ClassVar[KeyName] = KeyName.BANK_ACCOUNTS

    account_id: str
    owner_id: str
    user_id: str
    purpose: Purpose
    kind: AccountKind
    holder_kind: HolderKind
    last4: str
    bank: str = ""
    fingerprint: bytes
    numbers: bytes
    method: Method
    amounts: bytes = b""
    state: AccountState = AccountState.ADDED
    tries_left: int = TRIES_MAX
    until: datetime | None = None
    code: str = ""
    reason: str = ""
    paused_until: datetime
    added_at: datetime
    changed_at: datetime

    def envelopes(self) -> Mapping[str, Kept]:
        held = {
            "numbers": Kept(numbers_context(self.account_id, self.owner_id), self.numbers),
            "amounts": Kept(amounts_context(self.account_id, self.owner_id), self.amounts),
        }
        return {name: kept for name, kept in held.items() if kept.envelope}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(
            self,
            numbers=envelopes.get("numbers", self.numbers),
            amounts=envelopes.get("amounts", self.amounts),
        )

    @property
    def is_usable(self) -> bool:
        return self.state is AccountState.VERIFIED

    @property
    def is_ended(self) -> bool:
        """Nothing goes to it or comes from it any more."""
        return self.state in _ENDED

    @property
    def awaits_amounts(self) -> bool:
        return self.state is AccountState.VERIFYING and self.method is Method.MICRO_DEPOSITS

    @property
    def shown(self) -> str:
        """How people are shown it: `JPMorgan Chase ····6789`."""
        return f"{self.bank} ····{self.last4}".strip()

    def payable_from(self) -> datetime | None:
        """From when on payouts may go to it; None while it is not verified."""
        return self.paused_until if self.is_usable and self.purpose is Purpose.PAYOUT else None


def numbers_context(account_id: str, owner_id: str) -> Context:
    """Whose the numbers are: the owner's, for this account."""
    return Context(owner_id, f"bank account {account_id}")


def amounts_context(account_id: str, owner_id: str) -> Context:
    """Whose the amounts of micro-deposits are."""
    return Context(owner_id, f"micro-deposits {account_id}")


# Decisions


def begun(known: BankAccount, at: datetime) -> BankAccount:
    """The account once the entries that verify it were originated."""
    if known.state is not AccountState.ADDED:
        return known
    until = at + EXPIRES_AFTER if known.method is Method.MICRO_DEPOSITS else None
    return replace(known, state=AccountState.VERIFYING, until=until, changed_at=at)


def stands_from(known: BankAccount, until: datetime, at: datetime) -> BankAccount:
    """The account whose prenote settled: it is verified at `until`, if nothing comes back by then."""
    if known.state is not AccountState.VERIFYING or known.method is not Method.PRENOTE:
        return known
    return replace(known, until=until, changed_at=at)


def confirmed(known: BankAccount, told: tuple[int, ...], sent: tuple[int, ...], at: datetime) -> BankAccount:
    """The account after its owner told the amounts in cents, in any order. Raises `NothingToConfirm`, `Invalid`.

    Wrong ones cost a try; the last refuses the account.
    """
    if not known.awaits_amounts:
        raise NothingToConfirm
    if known.until is not None and at >= known.until:
        return expired(known, at)
    if len(told) != len(sent) or not all(1 <= cents <= MICRO_CENTS_MAX for cents in told):
        raise Invalid("Tell both amounts, each from $0.01 to $0.99.", field="amounts")
    if sorted(told) == sorted(sent):
        return verified(known, at)
    left = known.tries_left - 1
    if left:
        return replace(known, tries_left=left, changed_at=at)
    return refused(replace(known, tries_left=0), "amounts", "The amounts were told wrongly three times.", at)


def verified(known: BankAccount, at: datetime) -> BankAccount:
    """The account, verified; the same value when it is not being verified any more."""
    if known.state is not AccountState.VERIFYING:
        return known
    return replace(known, state=AccountState.VERIFIED, amounts=b"", until=None, code="", reason="", changed_at=at)


def refused(known: BankAccount, code: str, reason: str, at: datetime) -> BankAccount:
    """The account, which may not be used; `reason` is a sentence for its owner."""
    if known.state in _ENDED:
        return known
    state = AccountState.REFUSED
    return replace(known, state=state, amounts=b"", until=None, code=code, reason=reason, changed_at=at)


def expired(known: BankAccount, at: datetime) -> BankAccount:
    """The account whose verification came to its end: a prenote stood the test, amounts were not told in time."""
    if known.state is not AccountState.VERIFYING or known.until is None or at < known.until:
        return known
    if known.method is Method.PRENOTE:
        return verified(known, at)
    return refused(known, "expired", "The amounts were not told in time.", at)


def removed(known: BankAccount, at: datetime) -> BankAccount:
    """The account without its numbers. Its last four digits stay: payments that were made name them."""
    if known.state is AccountState.REMOVED:
        return known
    return replace(known, state=AccountState.REMOVED, numbers=b"", amounts=b"", until=None, changed_at=at)


# Writes


def made(account: BankAccount, actor: Actor, replaces: str) -> list[Write]:
    """The writes of a new account."""
    fact = BankAccountAdded(**_named(account), method=account.method, replaces=replaces)
    return [
        Put(
            key=keys.account(account.account_id),
            value=account,
            index=places(account),
            expected=ABSENT,
            otherwise=BankAccountChanging(),
        ),
        _told(fact, account, 1, actor),
    ]


def becomes(
    row: Row[BankAccount], after: BankAccount, actor: Actor, fact: BankAccountFact | None = None
) -> list[Write]:
    """The writes of an account's change with the event it makes; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    put = Put(key=row.key, value=after, index=places(after), expected=row.unchanged, otherwise=BankAccountChanging())
    fact = fact or (_fact(after) if after.state is not before.state else None)
    previous = {"state": before.state.value, "last4": before.last4}
    return [put] if fact is None else [put, _told(fact, after, row.version + 1, actor, previous)]


def correction(account: BankAccount, code: str) -> BankAccountCorrected:
    return BankAccountCorrected(**_named(account), code=code)


def removal(account: BankAccount, reason: str) -> BankAccountRemoved:
    return BankAccountRemoved(**_named(account), reason=reason)


def places(account: BankAccount) -> dict[Index, Key]:
    """Its index keys: by version of its key, and by the end of its verification."""
    found = wraps(account, account.account_id)
    if account.until is not None:
        found |= keys.waits(account.account_id, account.until)
    return found


def _fact(account: BankAccount) -> BankAccountFact | None:
    match account.state:
        case AccountState.VERIFYING:
            return BankAccountVerifying(**_named(account), method=account.method)
        case AccountState.VERIFIED:
            return BankAccountVerified(**_named(account))
        case AccountState.REFUSED:
            return BankAccountRefused(**_named(account), code=account.code)
        case _:
            return None


def _named(account: BankAccount) -> dict[str, str]:
    return {
        "account_id": account.account_id,
        "owner_id": account.owner_id,
        "purpose": account.purpose.value,
        "last4": account.last4,
    }


def _told(
    fact: BankAccountFact,
    account: BankAccount,
    sequence: int,
    actor: Actor,
    previous: dict[str, str] | None = None,
) -> Put:
    timeline = keys.account_timeline(account.account_id)
    return announce(fact, aggregate=timeline, sequence=sequence, actor=actor, at=account.changed_at, previous=previous)
