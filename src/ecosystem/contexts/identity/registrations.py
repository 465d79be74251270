"""Registrations: from sign-up to a confirmed address.

Each sign-up is a registration of its own, with its own password, until its mail is answered; the first one confirmed
has the address. Whoever signs up with an address that has an account sees and causes the same, only the mail differs:
so no answer tells whether an address is known, and nobody prepares an account for somebody else to walk into.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import Account, UserId, account_at, admitted
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.mailed_secrets import (
    Kept,
    LinkRefused,
    Mailed,
    code_matches,
    link_matches,
    mailed_secret,
    of_whom,
)
from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.password_rules import check_password
from ecosystem.contexts.identity.profiles import checked_locale, checked_name, checked_zone
from ecosystem.contexts.identity.throttles import Attempt, Limits, Throttles, network
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Conflict, IdReused, NotFound
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import Passwords
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.secrets import Seal, Untold
from ecosystem.ports.table import ABSENT, Delete, Expected, Put, Row, Stored, Table, Write

LIFE = timedelta(hours=24)
_PURPOSE = "confirm"
T_co = TypeVar("T_co", covariant=True)


class RegistrationGone(NotFound):
    """This sign-up has expired. Sign up again."""


class AlreadyConfirmed(Conflict):
    """This address is confirmed already: sign in."""


class SignUp(Untold, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wish for an account. The caller mints `user_id` (`usr_`), so that the same wish sent twice is one."""

    user_id: str
    email: str
    password: str
    name: str
    locale: str = "en"
    zone: str = "UTC"


class Registration(Stored, frozen=True, kw_only=True):
    """A sign-up that waits for its mail to be answered. `mails` counts those sent."""

    entity: ClassVar[str] = "registration"

    user_id: UserId
    email: str
    address: str
    password: str
    name: str
    locale: str
    zone: str
    kept: Kept
    mails: int
    created_at: datetime
    expires_at: datetime


class Prepared(Struct, Generic[T_co], frozen=True, kw_only=True):
    """What was decided, and the writes that make it so: the caller commits them, with others of its own."""

    outcome: T_co
    writes: tuple[Write, ...]


class Invitation(Untold, frozen=True, kw_only=True):
    """What the mail after a sign-up must say. `known`: the address has an account, so the mail says that instead.

    `mail_id` is the same for the same mail, however often it is asked for.
    """

    mail_id: str
    user_id: UserId
    email: str
    name: str
    locale: str
    zone: str
    mailed: Mailed
    known: bool
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Registrations:
    table: Table
    passwords: Passwords
    throttles: Throttles
    limits: Limits
    seal: Seal
    clock: Clock
    entropy: Entropy

    async def sign_up(self, request: SignUp, origin: Origin) -> Prepared[Invitation | None]:
        """The registration, and what to mail: None when this very wish was granted before.

        Raises `Invalid`, `WeakPassword`, `TooManyAttempts`, `IdReused`; never whether the address has an account.
        """
        wish = _checked(request)
        by_network = Attempt(self.limits.sign_up_network, network(origin.address))
        earlier = await self.table.get(keys.registration_key(wish.user_id), Registration)
        if earlier:
            await self.throttles.take(by_network)
            return await self._granted_before(earlier.value, wish)
        await self.throttles.take(by_network, Attempt(self.limits.sign_up_address, normalised(wish.email)))
        if await self.table.get(keys.account_key(wish.user_id), Account):
            raise IdReused(field="user_id")
        password = await self.passwords.hashed(wish.password)
        now = self.clock.now()
        mailed, kept = mailed_secret(_PURPOSE, wish.user_id, self.entropy, self.seal)
        registration = Registration(
            user_id=UserId(wish.user_id),
            email=wish.email,
            address=normalised(wish.email),
            password=password,
            name=wish.name,
            locale=wish.locale,
            zone=wish.zone,
            kept=kept,
            mails=1,
            created_at=now,
            expires_at=now + LIFE,
        )
        return await self._invited(registration, mailed, ABSENT)

    async def mail_again(self, user_id: str, origin: Origin) -> Prepared[Invitation]:
        """A new link and code for a registration; the former ones are void. Raises `RegistrationGone`, `TooManyAttempts`."""
        row = await self._registration(user_id)
        await self.throttles.take(
            Attempt(self.limits.sign_up_network, network(origin.address)),
            Attempt(self.limits.sign_up_address, row.value.address),
        )
        mailed, kept = mailed_secret(_PURPOSE, user_id, self.entropy, self.seal)
        return await self._invited(replace(row.value, kept=kept, mails=row.value.mails + 1), mailed, row.unchanged)

    async def confirm(self, token: str) -> Account:
        """The account, made by the link of the mail, once. Raises `LinkRefused`, `AlreadyConfirmed`, `AddressTaken`."""
        row = await self._waiting(of_whom(token))
        if not link_matches(row.value.kept, token):
            raise LinkRefused
        return await self._confirmed(row)

    async def confirm_by_code(self, user_id: str, code: str) -> Account:
        """The account, made by the code of the mail, once.

        Raises `LinkRefused`, `AlreadyConfirmed`, `AddressTaken`, and `TooManyAttempts` after five wrong ones.
        """
        row = await self._waiting(user_id)
        await self.throttles.take(Attempt(self.limits.confirm, user_id))
        if not code_matches(row.value.kept, _PURPOSE, user_id, code, self.seal):
            raise LinkRefused(field="code")
        return await self._confirmed(row)

    async def _invited(self, registration: Registration, mailed: Mailed, expected: Expected) -> Prepared[Invitation]:
        owner = await account_at(self.table, registration.address)
        invitation = Invitation(
            mail_id=f"{registration.user_id}:{registration.mails}",
            user_id=registration.user_id,
            email=registration.email,
            name=owner.value.name if owner else registration.name,
            locale=owner.value.locale if owner else registration.locale,
            zone=owner.value.zone if owner else registration.zone,
            mailed=mailed,
            known=owner is not None,
            at=self.clock.now(),
            expires_at=registration.expires_at,
        )
        write = Put(
            key=keys.registration_key(registration.user_id),
            value=registration,
            expires_at=registration.expires_at,
            expected=expected,
        )
        return Prepared(outcome=invitation, writes=(write,))

    async def _granted_before(self, earlier: Registration, wish: SignUp) -> Prepared[Invitation | None]:
        same = (earlier.email, earlier.name) == (wish.email, wish.name)
        if not (same and (await self.passwords.match(wish.password, earlier.password)).matched):
            raise IdReused(field="user_id")
        return Prepared(outcome=None, writes=())

    async def _registration(self, user_id: str) -> Row[Registration]:
        row = await self.table.get(keys.registration_key(ids.check("usr", user_id, field="user_id")), Registration)
        if row is None:
            raise RegistrationGone
        return row

    async def _waiting(self, user_id: str) -> Row[Registration]:
        """The registration to be confirmed. Only a holder of its unguessable id learns that it was confirmed before."""
        row = await self.table.get(keys.registration_key(ids.check("usr", user_id, field="user_id")), Registration)
        if row is not None:
            return row
        if await self.table.get(keys.account_key(user_id), Account):
            raise AlreadyConfirmed
        raise LinkRefused

    async def _confirmed(self, row: Row[Registration]) -> Account:
        now = self.clock.now()
        registration = row.value
        account = Account(
            user_id=registration.user_id,
            email=registration.email,
            address=registration.address,
            groups=(Group.CUSTOMERS,),
            name=registration.name,
            locale=registration.locale,
            zone=registration.zone,
            created_at=now,
        )
        actor = Actor(actor_id=account.user_id, groups=account.groups)
        await self.table.transact(
            Delete(key=row.key, expected=row.unchanged, otherwise=LinkRefused()),
            *admitted(account, registration.password, actor, now),
        )
        return account


def _checked(request: SignUp) -> SignUp:
    """The wish with its texts in order. Raises `Invalid`, which names the field."""
    ids.check("usr", request.user_id, field="user_id")
    address = normalised(request.email)
    name = checked_name(request.name)
    check_password(request.password, address=address, name=name)
    return replace(
        request,
        email=request.email.strip(),
        name=name,
        locale=checked_locale(request.locale),
        zone=checked_zone(request.zone),
    )
