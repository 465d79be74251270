"""What operators do with people's accounts. Every act needs the group `Admins`, and is told as an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import (
    Account,
    Standing,
    UserId,
    account_at,
    account_of,
    admitted,
    became,
    joined,
    must_be_themselves,
    ordered,
)
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.events import ActedAs, GroupsChanged, UserLocked, UserUnlocked
from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.profiles import Profile, checked_locale, checked_name, checked_zone
from ecosystem.contexts.identity.sessions import Sessions, SignedIn, opened
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import ABSENT, Cursor, Index, Page, Put, Table, Write

REASON_LENGTH_MAX = 500
OPERATORS_MAX = 100


class NotYourself(Denied):
    """Operators do not do this to themselves: ask another one."""


class NotAnotherOperator(Denied):
    """Nobody acts in an operator's place."""


class Admission(Untold, frozen=True, kw_only=True):
    """A person to have an account without a mail: of an import, of the demonstration, or the first operator.

    `password` is the hash as the port of credentials made it.
    """

    user_id: str
    email: str
    password: str
    name: str
    locale: str = "en"
    zone: str = "UTC"
    groups: tuple[Group, ...] = (Group.CUSTOMERS,)


class Person(Struct, frozen=True, kw_only=True):
    """A person as an operator sees them."""

    user_id: UserId
    email: str
    name: str
    groups: tuple[Group, ...]
    standing: Standing
    lock_reason: str
    second_factor: bool
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Person:
        return cls(**{name: getattr(account, name) for name in cls.__struct_fields__})


@dataclass(frozen=True, slots=True)
class People:
    table: Table
    sessions: Sessions
    clock: Clock
    entropy: Entropy

    async def people(
        self, actor: Actor, *, beginning: str = "", after: Cursor | None = None, limit: int = 50
    ) -> tuple[list[Person], Cursor | None]:
        """People, the newest first; or those whose e-mail address begins so, in its order. Raises `Denied`."""
        actor.must_operate()
        page: Page[Account]
        if beginning:
            prefix = beginning.strip().lower()
            page = await self.table.query(
                keys.ADDRESSES, Account, index=Index.SLUG, prefix=prefix, after=after, limit=limit
            )
        else:
            page = await self.table.query(
                keys.PEOPLE, Account, index=Index.STATUS, descending=True, after=after, limit=limit
            )
        return [Person.of(account) for account in page.values], page.next

    async def owner_of(self, email: str) -> UserId | None:
        """The user who confirmed that address, if one did. For the system's own use: it tells who has an account."""
        row = await account_at(self.table, email)
        return row.value.user_id if row else None

    async def operators(self) -> list[UserId]:
        """Those who run the marketplace and may sign in, at most a hundred. For the system's own use, to tell them."""
        page = await self.table.query(keys.OPERATORS, Account, index=Index.CUSTOMER, limit=OPERATORS_MAX)
        return [account.user_id for account in page.values if account.standing is Standing.ACTIVE]

    async def person(self, user_id: str, actor: Actor) -> Person:
        """One person. Raises `Denied`, `NoSuchPerson`."""
        actor.must_operate()
        found = Person.of((await account_of(self.table, ids.check("usr", user_id, field="user_id"))).value)
        if not actor.is_system:
            await self.table.transact(noted(AuditKind.ACCESS, "PersonRead", actor, user_id, self.clock.now()))
        return found

    async def lock(self, user_id: str, reason: str, actor: Actor) -> Person:
        """Shut the account and end its sessions. Raises `NotYourself`, `Invalid` without a reason."""
        actor.must_operate()
        if actor.actor_id == user_id:
            raise NotYourself
        row = await account_of(self.table, ids.check("usr", user_id, field="user_id"))
        if row.value.standing is Standing.LOCKED:
            return Person.of(row.value)
        why = _reason(reason)
        account = replace(row.value, standing=Standing.LOCKED, lock_reason=why, epoch=row.value.epoch + 1)
        fact = UserLocked(user_id=account.user_id, reason=why)
        await self.table.transact(*became(row, account, fact, actor, self.clock.now()))
        await self.sessions.sweep(account.user_id)
        return Person.of(account)

    async def unlock(self, user_id: str, actor: Actor) -> Person:
        """Open the account again; the person signs in anew."""
        actor.must_operate()
        row = await account_of(self.table, ids.check("usr", user_id, field="user_id"))
        if row.value.standing is Standing.ACTIVE:
            return Person.of(row.value)
        account = replace(row.value, standing=Standing.ACTIVE, lock_reason="")
        fact = UserUnlocked(user_id=account.user_id)
        await self.table.transact(*became(row, account, fact, actor, self.clock.now()))
        return Person.of(account)

    async def set_groups(self, user_id: str, groups: Sequence[Group], actor: Actor) -> Person:
        """Make these the person's groups, as of their next request. Raises `NotYourself`, `Invalid` for none."""
        actor.must_operate()
        if actor.actor_id == user_id:
            raise NotYourself
        if not groups:
            raise Invalid("A person belongs to one group at least.", field="groups")
        row = await account_of(self.table, ids.check("usr", user_id, field="user_id"))
        becomes = ordered(groups)
        if becomes == row.value.groups:
            return Person.of(row.value)
        # Sessions opened with fewer rights may live for longer than an operator's: they end when rights grow so far.
        rises = Group.ADMINS in becomes and not row.value.is_operator
        account = replace(row.value, groups=becomes, epoch=row.value.epoch + (1 if rises else 0))
        fact = GroupsChanged(user_id=account.user_id, groups=becomes)
        await self.table.transact(*became(row, account, fact, actor, self.clock.now()))
        return Person.of(account)

    async def joining(self, user_id: str, group: Group, actor: Actor) -> list[Write]:
        """The writes by which a person joins a group besides their own, for a journey that makes them, say, a provider.

        Nobody joins `Admins` so. None when they belong to it already. Raises `Denied`, `NoSuchPerson`.
        """
        actor.must_be(user_id)
        if group is Group.ADMINS:
            actor.must_operate()
        row = await account_of(self.table, user_id)
        account = joined(row.value, group)
        if account == row.value:
            return []
        fact = GroupsChanged(user_id=account.user_id, groups=account.groups)
        return became(row, account, fact, actor, self.clock.now())

    async def act_as(self, user_id: str, reason: str, origin: Origin, actor: Actor) -> SignedIn:
        """A session of an hour in which the operator acts as the person; both are recorded in all they do.

        Raises `Denied`, `NotAnotherOperator`, `AccountLocked`, `Invalid` without a reason.
        """
        must_be_themselves(actor, actor.actor_id)
        if not actor.is_operator:
            raise Denied("Only an operator may do this.")
        account = (await account_of(self.table, ids.check("usr", user_id, field="user_id"))).value
        if account.is_operator:
            raise NotAnotherOperator
        account.must_be_open()
        why = _reason(reason)
        now = self.clock.now()
        session = opened(account, mint("ses", now, self.entropy), origin, now, impersonator=actor.actor_id)
        fact = ActedAs(user_id=account.user_id, session_id=session.session_id, operator_id=actor.actor_id, reason=why)
        told = announce(fact, aggregate=keys.session_timeline(session.session_id), sequence=1, actor=actor, at=now)
        return await self.sessions.begin(account, session, (told,))

    def admitting(self, admission: Admission, actor: Actor) -> list[Write]:
        """The writes by which somebody has an account and a profile at once. For the system and operators alone."""
        actor.must_operate()
        now = self.clock.now()
        account = Account(
            user_id=UserId(ids.check("usr", admission.user_id)),
            email=admission.email.strip(),
            address=normalised(admission.email),
            groups=ordered(admission.groups),
            name=checked_name(admission.name),
            locale=checked_locale(admission.locale),
            zone=checked_zone(admission.zone),
            created_at=now,
        )
        profile = Put(key=keys.profile_key(account.user_id), value=Profile.of(account), expected=ABSENT)
        return [*admitted(account, admission.password, actor, now), profile]


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason or len(reason) > REASON_LENGTH_MAX:
        raise Invalid(f"Say why, in at most {REASON_LENGTH_MAX} signs.", field="reason")
    return reason
