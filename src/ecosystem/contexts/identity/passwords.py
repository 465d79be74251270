"""Passwords: proven again before something sensitive, changed, and reset by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import (
    Account,
    PasswordHash,
    UserId,
    account_at,
    account_of,
    became,
    must_be_themselves,
)
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.events import PasswordChanged
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
from ecosystem.contexts.identity.registrations import Prepared
from ecosystem.contexts.identity.sessions import Identified, Sessions
from ecosystem.contexts.identity.throttles import Attempt, Limits, Throttles, network
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import Passwords
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.secrets import Seal, Untold
from ecosystem.ports.table import Delete, Put, Row, Stored, Table, Write

RESET_LIFE = timedelta(hours=1)
_PURPOSE = "reset"


class WrongPassword(Denied):
    """That is not your present password."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, field="password")


class Reset(Stored, frozen=True, kw_only=True):
    """A reset under way; a later one takes its place."""

    entity: ClassVar[str] = "reset"

    kept: Kept
    expires_at: datetime


class ResetMail(Untold, frozen=True, kw_only=True):
    """What the mail of a reset must say."""

    mail_id: str
    user_id: UserId
    email: str
    name: str
    locale: str
    zone: str
    mailed: Mailed
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reproof:
    """Asks for the password once more, so that an open session alone cannot take an account over."""

    table: Table
    passwords: Passwords
    throttles: Throttles
    limits: Limits

    async def proven(self, account: Account, password: str) -> None:
        """Pass if that is the account's password. Raises `WrongPassword`, `TooManyAttempts`."""
        taken = await self.throttles.take(Attempt(self.limits.password, account.user_id))
        row = await self.table.get(keys.password_key(account.user_id), PasswordHash)
        if not (await self.passwords.match(password, row.value.encoded if row else None)).matched:
            raise WrongPassword
        await self.throttles.give_back(taken)


@dataclass(frozen=True, slots=True)
class PasswordChanges:
    table: Table
    passwords: Passwords
    reproof: Reproof
    sessions: Sessions
    throttles: Throttles
    limits: Limits
    seal: Seal
    clock: Clock
    entropy: Entropy

    async def change(self, present: str, new: str, identified: Identified) -> None:
        """Another password. All other sessions end. Raises `WrongPassword`, `WeakPassword`, `TooManyAttempts`."""
        actor = identified.actor
        must_be_themselves(actor, actor.actor_id)
        row = await account_of(self.table, actor.actor_id)
        check_password(new, address=row.value.address, name=row.value.name)
        await self.reproof.proven(row.value, present)
        kept_session = await self.sessions.kept_in(actor.actor_id, identified.session_id, row.value.epoch + 1)
        await self._becomes(row, new, actor, kept_session, by_mail=False)

    async def ask_reset(self, email: str, origin: Origin) -> Prepared[ResetMail | None]:
        """What to mail, or None when nobody has the address; the caller answers the same in both cases.

        Both do the same work: for an unknown address the reset is written under an id that belongs to nobody. Raises
        `NotAnAddress`, `TooManyAttempts`.
        """
        address = normalised(email)
        await self.throttles.take(
            Attempt(self.limits.reset_network, network(origin.address)), Attempt(self.limits.reset_address, address)
        )
        row = await account_at(self.table, address)
        now = self.clock.now()
        user_id = row.value.user_id if row else UserId(mint("usr", now, self.entropy))
        mailed, kept = mailed_secret(_PURPOSE, user_id, self.entropy, self.seal)
        expires_at = now + RESET_LIFE
        write = Put(key=keys.reset_key(user_id), value=Reset(kept=kept, expires_at=expires_at), expires_at=expires_at)
        if row is None:
            return Prepared(outcome=None, writes=(write,))
        mail = ResetMail(
            mail_id=f"{user_id}:{kept.link.hex()[:16]}",
            user_id=user_id,
            email=row.value.email,
            name=row.value.name,
            locale=row.value.locale,
            zone=row.value.zone,
            mailed=mailed,
            at=now,
            expires_at=expires_at,
        )
        return Prepared(outcome=mail, writes=(write,))

    async def reset(self, token: str, new: str) -> None:
        """Another password by the mailed link, once; all sessions end, the second factor stays on.

        Raises `LinkRefused`, `WeakPassword`.
        """
        user_id = of_whom(token)
        reset = await self._reset(user_id)
        if not link_matches(reset.value.kept, token):
            raise LinkRefused
        await self._reset_to(user_id, reset, new)

    async def reset_by_code(self, email: str, code: str, new: str) -> None:
        """Another password by the mailed code, once. Raises `LinkRefused`, `WeakPassword`, `TooManyAttempts`."""
        address = normalised(email)
        await self.throttles.take(Attempt(self.limits.reset_code, address))
        row = await account_at(self.table, address)
        if row is None:
            raise LinkRefused(field="code")
        reset = await self._reset(row.value.user_id)
        if not code_matches(reset.value.kept, _PURPOSE, row.value.user_id, code, self.seal):
            raise LinkRefused(field="code")
        await self._reset_to(row.value.user_id, reset, new)

    async def _reset(self, user_id: str) -> Row[Reset]:
        row = await self.table.get(keys.reset_key(user_id), Reset)
        if row is None:
            raise LinkRefused
        return row

    async def _reset_to(self, user_id: str, reset: Row[Reset], new: str) -> None:
        row = await self.table.get(keys.account_key(user_id), Account)
        if row is None:
            raise LinkRefused
        check_password(new, address=row.value.address, name=row.value.name)
        used = Delete(key=reset.key, expected=reset.unchanged, otherwise=LinkRefused())
        actor = Actor(actor_id=row.value.user_id, groups=row.value.groups)
        await self._becomes(row, new, actor, [used], by_mail=True)

    async def _becomes(
        self, row: Row[Account], password: str, actor: Actor, writes: list[Write], *, by_mail: bool
    ) -> None:
        encoded = await self.passwords.hashed(password)
        now = self.clock.now()
        account = replace(row.value, epoch=row.value.epoch + 1)
        fact = PasswordChanged(user_id=account.user_id, by_mail=by_mail)
        await self.table.transact(
            *writes,
            Put(key=keys.password_key(account.user_id), value=PasswordHash(encoded=encoded, changed_at=now)),
            *became(row, account, fact, actor, now),
        )
        await self.sessions.sweep(account.user_id)
