"""A second factor: codes of an authenticator app, and recovery codes for the day the app is lost.

The app's secret must be read back to check a code, so it is sealed for its person under a key outside the table. A
code's step is kept once used, and neither it nor an earlier one is taken again. A recovery code has 120 random bits,
so a plain hash hides it; each is good once.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import Account, account_of, became, must_be_themselves
from ecosystem.contexts.identity.events import RecoveryCodeUsed, SecondFactorDisabled, SecondFactorEnabled
from ecosystem.contexts.identity.passwords import Reproof
from ecosystem.contexts.identity.throttles import Attempt, Limits, Throttles
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import OneTimeCodes
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.secrets import Seal, Untold
from ecosystem.ports.table import ABSENT, Delete, Put, Row, Stored, Table, Write

RECOVERY_CODES = 10
_GROUPS = 6
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class CodeRefused(Invalid):
    """That code is not valid, or was used before."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, field="code")


class AlreadyEnabled(Conflict):
    """A second factor is on already. Turn it off first to use another app."""


class NotEnabled(Conflict):
    """There is no second factor to change. Begin by setting one up."""


class SecondFactor(Stored, frozen=True, kw_only=True):
    """An authenticator: `confirmed_at` is None until its first code proved that the app has the secret."""

    entity: ClassVar[str] = "second-factor"

    secret: bytes
    confirmed_at: datetime | None = None
    last_step: int = 0
    recovery: tuple[bytes, ...] = ()


class Enrolment(Untold, frozen=True, kw_only=True):
    """What an authenticator app needs: the secret to type, or the picture (SVG) of the address to scan."""

    secret: str
    address: str
    picture: str


def _hashed(code: str) -> bytes:
    """The hash of a recovery code, however it was typed: capitals, spaces and lookalike letters are taken kindly."""
    typed = "".join(sign for sign in code.lower() if sign.isalnum()).translate(str.maketrans("oil", "011"))
    return sha256(b"recovery:" + typed.encode()).digest()


def recovery_codes(entropy: Entropy) -> list[str]:
    """Ten codes of 120 random bits, as six groups of four signs (Crockford's base 32)."""
    codes: list[str] = []
    for _ in range(RECOVERY_CODES):
        number = int.from_bytes(entropy.bytes(15))
        text = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(115, -1, -5))
        codes.append("-".join(text[at : at + 4] for at in range(0, 4 * _GROUPS, 4)))
    return codes


def passed(factor: SecondFactor, code: str, step: int | None) -> tuple[SecondFactor, bool]:
    """Decide a code, whose `step` the authenticator named: the factor as it becomes, and whether a recovery code was used.

    Raises `CodeRefused` for a wrong code and for one used before.
    """
    if step is not None:
        if step <= factor.last_step:
            raise CodeRefused
        return replace(factor, last_step=step), False
    given = _hashed(code)
    left = tuple(kept for kept in factor.recovery if not hmac.compare_digest(kept, given))
    if len(left) == len(factor.recovery):
        raise CodeRefused
    return replace(factor, recovery=left), True


@dataclass(frozen=True, slots=True)
class SecondFactors:
    table: Table
    codes: OneTimeCodes
    reproof: Reproof
    throttles: Throttles
    limits: Limits
    seal: Seal
    clock: Clock
    entropy: Entropy
    issuer: str

    async def enrol(self, password: str, actor: Actor) -> Enrolment:
        """A new secret for the actor's app, which counts once `enable` has seen a code of it.

        Raises `WrongPassword`, `AlreadyEnabled`, `TooManyAttempts`.
        """
        must_be_themselves(actor, actor.actor_id)
        account = (await account_of(self.table, actor.actor_id)).value
        await self.reproof.proven(account, password)
        if account.second_factor:
            raise AlreadyEnabled
        key = keys.second_factor_key(account.user_id)
        begun = await self.table.get(key, SecondFactor)
        if begun and begun.value.confirmed_at:
            raise AlreadyEnabled
        secret = self.codes.secret()
        factor = SecondFactor(secret=self.seal.sealed(secret.encode(), place=_place(account)))
        # Never over one that another tab has enabled meanwhile: its owner would be locked out.
        expected = begun.unchanged if begun else ABSENT
        await self.table.transact(Put(key=key, value=factor, expected=expected))
        address = self.codes.address(secret, account=account.email, issuer=self.issuer)
        return Enrolment(secret=secret, address=address, picture=self.codes.picture(address))

    async def enable(self, code: str, actor: Actor) -> list[str]:
        """The recovery codes, shown this once: signing in asks for a second factor from now on.

        Raises `NotEnabled` when there was no `enrol`, `CodeRefused`, `AlreadyEnabled`, `TooManyAttempts`.
        """
        must_be_themselves(actor, actor.actor_id)
        row, factor = await self._both(actor.actor_id)
        if row.value.second_factor:
            raise AlreadyEnabled
        await self.throttles.take(Attempt(self.limits.second_factor, actor.actor_id))
        step = self._step(row.value, factor.value, code)
        if step is None:
            raise CodeRefused
        shown = recovery_codes(self.entropy)
        now = self.clock.now()
        becomes = replace(
            factor.value, confirmed_at=now, last_step=step, recovery=tuple(_hashed(code) for code in shown)
        )
        fact = SecondFactorEnabled(user_id=row.value.user_id)
        await self.table.transact(
            Put(key=factor.key, value=becomes, expected=factor.unchanged),
            *became(row, replace(row.value, second_factor=True), fact, actor, now),
        )
        return shown

    async def disable(self, password: str, code: str, actor: Actor) -> None:
        """Ask for the password alone from now on. Raises `NotEnabled`, `WrongPassword`, `CodeRefused`, `TooManyAttempts`."""
        must_be_themselves(actor, actor.actor_id)
        row, factor = await self._enabled(actor.actor_id)
        await self.reproof.proven(row.value, password)
        await self.throttles.take(Attempt(self.limits.second_factor, actor.actor_id))
        passed(factor.value, code, self._step(row.value, factor.value, code))
        fact = SecondFactorDisabled(user_id=row.value.user_id)
        await self.table.transact(
            Delete(key=factor.key, expected=factor.unchanged),
            *became(row, replace(row.value, second_factor=False), fact, actor, self.clock.now()),
        )

    async def renew_recovery(self, password: str, actor: Actor) -> list[str]:
        """Ten new recovery codes, shown this once; the former ones are void. Raises `NotEnabled`, `WrongPassword`."""
        must_be_themselves(actor, actor.actor_id)
        row, factor = await self._enabled(actor.actor_id)
        await self.reproof.proven(row.value, password)
        shown = recovery_codes(self.entropy)
        becomes = replace(factor.value, recovery=tuple(_hashed(code) for code in shown))
        await self.table.transact(Put(key=factor.key, value=becomes, expected=factor.unchanged))
        return shown

    async def is_on(self, actor: Actor) -> bool:
        """Whether signing in asks the actor for a code."""
        return (await account_of(self.table, actor.actor_id)).value.second_factor

    async def recovery_left(self, actor: Actor) -> int:
        """How many recovery codes the actor has left; none without a second factor."""
        factor = await self.table.get(keys.second_factor_key(actor.actor_id), SecondFactor)
        return len(factor.value.recovery) if factor else 0

    async def proven(self, user_id: str, code: str) -> tuple[Account, list[Write]]:
        """The account, and the writes that use the code up, to be committed with what it was asked for.

        Raises `CodeRefused`, `TooManyAttempts`. A code that comes twice at once is used up by one commit only.
        """
        taken = await self.throttles.take(Attempt(self.limits.second_factor, user_id))
        row, factor = await self._enabled(user_id)
        becomes, recovered = passed(factor.value, code, self._step(row.value, factor.value, code))
        await self.throttles.give_back(taken)
        writes: list[Write] = [Put(key=factor.key, value=becomes, expected=factor.unchanged, otherwise=CodeRefused())]
        if recovered:
            fact = RecoveryCodeUsed(user_id=row.value.user_id, left=len(becomes.recovery))
            actor = Actor(actor_id=row.value.user_id, groups=row.value.groups)
            writes += became(row, row.value, fact, actor, self.clock.now())
        return row.value, writes

    def _step(self, account: Account, factor: SecondFactor, code: str) -> int | None:
        secret = self.seal.opened(factor.secret, place=_place(account)).decode()
        return self.codes.step(secret, code, self.clock.now())

    async def _both(self, user_id: str) -> tuple[Row[Account], Row[SecondFactor]]:
        row = await account_of(self.table, user_id)
        factor = await self.table.get(keys.second_factor_key(user_id), SecondFactor)
        if factor is None:
            raise NotEnabled
        return row, factor

    async def _enabled(self, user_id: str) -> tuple[Row[Account], Row[SecondFactor]]:
        row, factor = await self._both(user_id)
        if not row.value.second_factor:
            raise NotEnabled
        return row, factor


def _place(account: Account) -> str:
    return f"totp:{account.user_id}"
