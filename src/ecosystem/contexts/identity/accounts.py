"""Accounts: who somebody is here, what they may do, and since when their sessions count.

An account exists from the confirmation of its address on; before, there is a registration. `epoch` counts up whenever
all sessions must end at once: a session of a former epoch is dead, whether or not its item is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NewType

import msgspec
from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.events import AccountFact, RecoveryCodeUsed, UserConfirmed
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Conflict, Denied, NotFound, Refusal
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Expected, Index, Put, Row, Stored, Table, Write

UserId = NewType("UserId", str)

NOBODY = UserId("usr_nobody")
"""Stands for whoever does not exist, where they must cost as much as somebody who does."""

_PRECEDENCE = tuple(Group)


class NoSuchPerson(NotFound):
    """There is no such person."""


class AddressTaken(Conflict):
    """That address belongs to an account already."""


class AccountLocked(Denied):
    """This account is locked. Write to us if you think that is a mistake."""


class NotForImpersonators(Denied):
    """Only the person themselves may do this, not an operator in their place."""


class Standing(StrEnum):
    ACTIVE = "active"
    LOCKED = "locked"


class Account(Stored, frozen=True, kw_only=True):
    """One person's account. `name`, `locale` and `zone` are what they gave at sign-up; the profile goes on from there."""

    entity: ClassVar[str] = "account"

    user_id: UserId
    email: str
    address: str
    groups: tuple[Group, ...]
    standing: Standing = Standing.ACTIVE
    lock_reason: str = ""
    second_factor: bool = False
    epoch: int = 0
    name: str
    locale: str
    zone: str
    created_at: datetime

    @property
    def is_operator(self) -> bool:
        return Group.ADMINS in self.groups

    def must_be_open(self) -> None:
        """Pass unless the account is locked. Raises `AccountLocked`."""
        if self.standing is Standing.LOCKED:
            raise AccountLocked


class AddressOwner(Stored, frozen=True, kw_only=True):
    """The unique item of an address."""

    entity: ClassVar[str] = "address"

    user_id: UserId


class PasswordHash(Stored, frozen=True, kw_only=True):
    """One person's password as it is kept, apart from the account, so that no list of people reads it."""

    entity: ClassVar[str] = "password"

    encoded: str
    changed_at: datetime


TOLD_OF = ("groups", "standing", "second_factor", "epoch", "locale", "zone")
"""What events say of an account as it was before: nothing by which somebody can be told from others."""


def ordered(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Each group once, in order of precedence."""
    return tuple(group for group in _PRECEDENCE if group in groups)


def account_written(account: Account, *, expected: Expected, otherwise: Refusal | None = None) -> Put:
    """The write of an account as it becomes."""
    return Put(
        key=keys.account_key(account.user_id),
        value=account,
        index={
            Index.STATUS: keys.people_place(account.created_at, account.user_id),
            Index.SLUG: keys.addresses_place(account.address, account.user_id),
            **({Index.CUSTOMER: keys.operators_place(account.user_id)} if account.is_operator else {}),
        },
        expected=expected,
        otherwise=otherwise,
    )


def admitted(account: Account, password: str, actor: Actor, at: datetime) -> list[Write]:
    """The writes by which a person has an account with that (hashed) password, if nobody has the address."""
    return [
        Put(
            key=keys.address_key(account.address),
            value=AddressOwner(user_id=account.user_id),
            expected=ABSENT,
            otherwise=AddressTaken(),
        ),
        account_written(account, expected=ABSENT, otherwise=AddressTaken()),
        Put(key=keys.password_key(account.user_id), value=PasswordHash(encoded=password, changed_at=at)),
        announced(UserConfirmed(user_id=account.user_id), 1, actor, at),
    ]


def became(row: Row[Account], account: Account, fact: AccountFact, actor: Actor, at: datetime) -> list[Write]:
    """The writes by which an account changes, and what that is called: nobody else may have changed it meanwhile."""
    previous: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(row.value, name))
        for name in TOLD_OF
        if getattr(row.value, name) != getattr(account, name)
    }
    if isinstance(fact, RecoveryCodeUsed):
        previous = {"left": fact.left + 1}
    return [account_written(account, expected=row.unchanged), announced(fact, row.version + 1, actor, at, previous)]


def announced(
    fact: AccountFact, sequence: int, actor: Actor, at: datetime, previous: dict[str, Any] | None = None
) -> Put:
    """The event on the account's timeline, of which it is the account's new version that orders it."""
    aggregate = keys.user_partition(fact.user_id)
    return announce(fact, aggregate=aggregate, sequence=sequence, actor=actor, at=at, previous=previous)


def joined(account: Account, group: Group) -> Account:
    """The account as a member of that group as well."""
    return replace(account, groups=ordered([*account.groups, group]))


def must_be_themselves(actor: Actor, user_id: str) -> None:
    """Pass for the person alone: no operator, and nobody in their place.

    Raises `NotForImpersonators` when an operator acts as them, `Denied` for everybody else.
    """
    if actor.actor_id != user_id:
        raise Denied("This belongs to someone else.")
    if actor.impersonator is not None:
        raise NotForImpersonators


async def account_of(table: Table, user_id: str) -> Row[Account]:
    """The account by id. Raises `NoSuchPerson`."""
    row = await table.get(keys.account_key(user_id), Account)
    if row is None:
        raise NoSuchPerson
    return row


async def account_at(table: Table, email: str) -> Row[Account] | None:
    """The account that owns the address, if one does. Both cases read as much, so that time does not tell them apart."""
    owner = await table.get(keys.address_key(normalised(email)), AddressOwner)
    return await table.get(keys.account_key(owner.value.user_id if owner else NOBODY), Account)
