"""Signing in: a password, then a code where the account asks for one, then a session.

Every way to fail at the password looks, costs and counts the same, whether the address is known or not. A device that
signed in before brings a token, and is then counted apart: strangers who try an account's password at length shut out
themselves and not its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import NOBODY, Account, PasswordHash, account_at
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.second_factors import SecondFactors
from ecosystem.contexts.identity.sessions import SessionEnded, Sessions, SignedIn
from ecosystem.contexts.identity.throttles import Attempt, Limits, Throttles, network
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import Passwords
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import Put, Row, Stale, Table
from ecosystem.ports.tokens import Claims, TokenRefused, Tokens, TokenUse

CHALLENGE_LIFE = timedelta(minutes=5)


class SignInRefused(Denied):
    """That address and password do not belong together, or the address is not confirmed yet."""


class SignIn(Untold, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: str
    password: str


class CodeWanted(Untold, frozen=True, kw_only=True):
    """The password was right; `token` and a code of the app, or a recovery code, complete the sign-in."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignIns:
    table: Table
    passwords: Passwords
    tokens: Tokens
    sessions: Sessions
    second_factors: SecondFactors
    throttles: Throttles
    limits: Limits
    clock: Clock
    entropy: Entropy

    async def sign_in(self, request: SignIn, origin: Origin) -> SignedIn | CodeWanted:
        """A session, or the wish for a code. Raises `SignInRefused`, `AccountLocked`, `TooManyAttempts`, `NotAnAddress`."""
        address = normalised(request.email)
        row = await account_at(self.table, address)
        account = row.value if row else None
        taken = await self.throttles.take(*self._attempts(address, account, origin))
        kept = await self._password(account)
        match = await self.passwords.match(request.password, kept.value.encoded if kept else None)
        if account is None or kept is None or not match.matched:
            raise SignInRefused
        await self.throttles.give_back(taken)
        account.must_be_open()
        if match.outdated:
            await self._rehash(kept, request.password)
        if account.second_factor:
            return await self._code_wanted(account)
        return await self.sessions.open(account, origin)

    async def complete(self, token: str, code: str, origin: Origin) -> SignedIn:
        """The session, once the code is right. Raises `CodeRefused`, `SessionEnded`, `AccountLocked`, `TooManyAttempts`."""
        try:
            claims = self.tokens.verified(token, TokenUse.SECOND_FACTOR)
        except TokenRefused as refused:
            raise SessionEnded("That took too long: sign in again.") from refused
        account, used_up = await self.second_factors.proven(claims.sub, code)
        account.must_be_open()
        if claims.origin_jti != str(account.epoch):
            raise SessionEnded
        return await self.sessions.open(account, origin, tuple(used_up))

    def _attempts(self, address: str, account: Account | None, origin: Origin) -> list[Attempt]:
        client = network(origin.address)
        by_network = Attempt(self.limits.sign_in_network, client)
        device = self._known_device(account, origin)
        if device:
            return [by_network, Attempt(self.limits.sign_in_pair, f"{address} device {device}")]
        return [
            by_network,
            Attempt(self.limits.sign_in_pair, f"{address} network {client}"),
            Attempt(self.limits.sign_in_account, address),
        ]

    def _known_device(self, account: Account | None, origin: Origin) -> str | None:
        """The id of the device's genuine token for this very account."""
        if not (account and origin.device_token):
            return None
        try:
            claims = self.tokens.verified(origin.device_token, TokenUse.DEVICE)
        except TokenRefused:
            return None
        return claims.jti if claims.sub == account.user_id else None

    async def _password(self, account: Account | None) -> Row[PasswordHash] | None:
        return await self.table.get(keys.password_key(account.user_id if account else NOBODY), PasswordHash)

    async def _rehash(self, kept: Row[PasswordHash], password: str) -> None:
        """Keep the password under today's parameters, unless it was changed meanwhile."""
        encoded = await self.passwords.hashed(password)
        value = PasswordHash(encoded=encoded, changed_at=kept.value.changed_at)
        try:
            await self.table.transact(Put(key=kept.key, value=value, expected=kept.unchanged))
        except Stale:
            return

    async def _code_wanted(self, account: Account) -> CodeWanted:
        now = self.clock.now()
        expires_at = now + CHALLENGE_LIFE
        claims = Claims(
            sub=account.user_id,
            token_use=TokenUse.SECOND_FACTOR,
            iat=int(now.timestamp()),
            exp=int(expires_at.timestamp()),
            jti=mint("jti", now, self.entropy),
            origin_jti=str(account.epoch),
        )
        (token,) = await self.tokens.signed(claims)
        return CodeWanted(token=token, expires_at=expires_at)
