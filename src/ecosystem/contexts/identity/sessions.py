"""Sessions: one per sign-in, kept alive by refresh tokens that are each good for one use.

A refresh token names its session and its generation, under a keyed digest; the session knows the present generation,
so any former token is recognised as genuine and old without keeping it. Who brings one has a copy: the session ends,
for the thief and the owner alike. One exception is documented in `docs/decisions`: the generation just replaced, from
the same client within `GRACE`, gets the present token once more, because tabs of one browser refresh at the same time.

An access token is good for minutes, and every use of it looks at the session and the account: what has ended, is
locked, or lost a group counts at once.
"""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import (
    Account,
    UserId,
    account_of,
    became,
    must_be_themselves,
)
from ecosystem.contexts.identity.events import RefreshReused, SignedOutEverywhere
from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.throttles import network
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.secrets import Seal, Untold
from ecosystem.ports.table import ABSENT, Delete, Put, Row, Stale, Stored, Table, Write
from ecosystem.ports.tokens import Acting, Claims, TokenRefused, Tokens, TokenUse

SessionId = NewType("SessionId", str)

ACCESS_LIFE = timedelta(minutes=15)
IDLE_MAX = timedelta(days=30)
LIFE_MAX = timedelta(days=90)
OPERATOR_LIFE_MAX = timedelta(hours=12)
ACTING_LIFE_MAX = timedelta(hours=1)
DEVICE_LIFE = timedelta(days=90)
GRACE = timedelta(seconds=10)
SESSIONS_MAX = 50
"""A person's sessions at once; a further sign-in ends the one unused the longest."""

_TRIES_MAX = 5
_MAC_BYTES = 32


class SessionEnded(Denied):
    """This session has ended: sign in again."""


class NoSuchSession(NotFound):
    """There is no such session, or it has ended."""


class Session(Stored, frozen=True, kw_only=True):
    """A sign-in and what became of it. `generation` counts refreshes; `impersonator` is the operator who acts as the person."""

    entity: ClassVar[str] = "session"

    session_id: SessionId
    user_id: UserId
    epoch: int
    generation: int = 0
    device: str
    network: str
    signed_in_at: datetime
    used_at: datetime
    rotated_by: bytes = b""
    expires_at: datetime
    impersonator: UserId | None = None

    def alive(self, at: datetime) -> bool:
        return at < min(self.expires_at, self.used_at + IDLE_MAX)


class SignedIn(Untold, frozen=True, kw_only=True):
    """What a client keeps: `access_token` for each request, `refresh_token` for the next ones, `device_token` for later sign-ins."""

    user_id: UserId
    session_id: SessionId
    access_token: str
    id_token: str
    refresh_token: str
    expires_at: datetime
    session_expires_at: datetime
    device_token: str = ""


class Identified(Struct, frozen=True, kw_only=True):
    """Who sent a request, and the session it belongs to; a guest has none."""

    actor: Actor
    session_id: SessionId | None = None


class SessionView(Struct, frozen=True, kw_only=True):
    """A session as its owner sees it. `current` is the one they are looking from."""

    session_id: SessionId
    device: str
    network: str
    signed_in_at: datetime
    used_at: datetime
    expires_at: datetime
    current: bool
    acted_by_operator: bool


def opened(account: Account, session_id: str, origin: Origin, at: datetime, impersonator: str | None = None) -> Session:
    """Decide a session: how long it may live depends on what its holder may do."""
    life = ACTING_LIFE_MAX if impersonator else OPERATOR_LIFE_MAX if account.is_operator else LIFE_MAX
    return Session(
        session_id=SessionId(session_id),
        user_id=account.user_id,
        epoch=account.epoch,
        device=origin.device_name,
        network=network(origin.address),
        signed_in_at=at,
        used_at=at,
        expires_at=at + life,
        impersonator=UserId(impersonator) if impersonator else None,
    )


def refreshed(session: Session, generation: int, client: bytes, at: datetime) -> Session | None:
    """Decide a refresh by a token of that generation: the session as it becomes, or None when the token was replaced before.

    The same client may bring the generation just replaced within `GRACE`, and finds the session as it is.
    """
    if generation == session.generation:
        return replace(session, generation=generation + 1, used_at=at, rotated_by=client)
    again = generation == session.generation - 1 and at < session.used_at + GRACE
    return session if again and hmac.compare_digest(client, session.rotated_by) else None


@dataclass(frozen=True, slots=True)
class Sessions:
    table: Table
    tokens: Tokens
    seal: Seal
    clock: Clock
    entropy: Entropy

    async def open(self, account: Account, origin: Origin, writes: tuple[Write, ...] = ()) -> SignedIn:
        """A new session of a person who has proved who they are, committed together with `writes`."""
        now = self.clock.now()
        session = opened(account, mint("ses", now, self.entropy), origin, now)
        return await self.begin(account, session, writes)

    async def begin(self, account: Account, session: Session, writes: tuple[Write, ...] = ()) -> SignedIn:
        """The tokens of a session decided elsewhere, which begins with this commit."""
        write = Put(
            key=keys.session_key(session.user_id, session.session_id),
            value=session,
            expires_at=session.expires_at,
            expected=ABSENT,
        )
        await self.table.transact(*writes, write, *await self._crowded_out(session.user_id))
        return await self._signed_in(account, session, first=session.impersonator is None)

    async def refresh(self, refresh_token: str, origin: Origin) -> SignedIn:
        """Tokens for some minutes more. Raises `SessionEnded`; a token that was replaced before ends its session."""
        user_id, session_id, generation = self._read(refresh_token)
        client = sha256(origin.device_name.encode()).digest()
        for _ in range(_TRIES_MAX):
            now = self.clock.now()
            account, row = await self._alive(user_id, session_id, now)
            becomes = refreshed(row.value, generation, client, now)
            if becomes is None:
                await self._end_copied(row)
                raise SessionEnded
            if becomes is not row.value:
                try:
                    await self.table.transact(
                        Put(key=row.key, value=becomes, expires_at=becomes.expires_at, expected=row.unchanged)
                    )
                except Stale:
                    continue  # The same token came twice at once: the other one was first.
            return await self._signed_in(account, becomes)
        raise SessionEnded

    async def identified(self, access_token: str) -> Identified:
        """Who sent a request with that token, as of now. Raises `TokenRefused`, `TokenExpired`, `SessionEnded`, `AccountLocked`."""
        claims = self.tokens.verified(access_token, TokenUse.ACCESS)
        account, row = await self._alive(claims.sub, claims.origin_jti, self.clock.now())
        if (claims.act.sub if claims.act else None) != row.value.impersonator:
            raise TokenRefused
        return Identified(actor=_actor(account, row.value), session_id=row.value.session_id)

    async def sessions(self, identified: Identified) -> list[SessionView]:
        """The person's living sessions, the one used last first."""
        return await self._living(identified.actor.actor_id, identified.session_id)

    async def of(self, user_id: str, actor: Actor) -> list[SessionView]:
        """Somebody's living sessions, for operators. Raises `Denied`, `NoSuchPerson`."""
        actor.must_operate()
        return await self._living(ids.check("usr", user_id, field="user_id"), None)

    async def _living(self, user_id: str, current: str | None) -> list[SessionView]:
        account = (await account_of(self.table, user_id)).value
        now = self.clock.now()
        rows = await self._rows(user_id)
        living = [row.value for row in rows if row.value.epoch == account.epoch and row.value.alive(now)]
        return [
            SessionView(
                session_id=session.session_id,
                device=session.device,
                network=session.network,
                signed_in_at=session.signed_in_at,
                used_at=session.used_at,
                expires_at=session.expires_at,
                current=session.session_id == current,
                acted_by_operator=session.impersonator is not None,
            )
            for session in sorted(living, key=lambda session: session.used_at, reverse=True)
        ]

    async def revoke(self, session_id: str, actor: Actor) -> None:
        """End one of the actor's sessions; signing out is ending one's own. Raises `NoSuchSession`."""
        key = keys.session_key(actor.actor_id, ids.check("ses", session_id))
        row = await self.table.get(key, Session)
        if row is None or row.value.user_id != actor.actor_id:
            raise NoSuchSession
        if actor.impersonator and row.value.impersonator != actor.impersonator:
            must_be_themselves(actor, actor.actor_id)
        await self.table.transact(Delete(key=key))

    async def sign_out_everywhere(self, actor: Actor) -> None:
        """End all sessions of the actor at once, this one too."""
        must_be_themselves(actor, actor.actor_id)
        row = await account_of(self.table, actor.actor_id)
        account = replace(row.value, epoch=row.value.epoch + 1)
        fact = SignedOutEverywhere(user_id=account.user_id)
        await self.table.transact(*became(row, account, fact, actor, self.clock.now()))
        await self.sweep(account.user_id)

    async def kept_in(self, user_id: str, session_id: str | None, epoch: int) -> list[Write]:
        """The writes by which one session goes on in a new epoch while all others end with the former one."""
        if session_id is None:
            return []
        row = await self.table.get(keys.session_key(user_id, session_id), Session)
        if row is None:
            return []
        session = replace(row.value, epoch=epoch)
        return [Put(key=row.key, value=session, expires_at=session.expires_at, expected=row.unchanged)]

    async def sweep(self, user_id: str) -> None:
        """Remove the items of sessions that ended with a former epoch. What they were good for has ended before."""
        account = (await account_of(self.table, user_id)).value
        dead = [Delete(key=row.key) for row in await self._rows(user_id) if row.value.epoch < account.epoch]
        if dead:
            await self.table.transact(*dead)

    async def _alive(self, user_id: str, session_id: str, at: datetime) -> tuple[Account, Row[Session]]:
        row = await self.table.get(keys.session_key(user_id, session_id), Session)
        found = await self.table.get(keys.account_key(user_id), Account)
        if row is None or found is None or not row.value.alive(at) or row.value.epoch != found.value.epoch:
            raise SessionEnded
        found.value.must_be_open()
        if row.value.impersonator:
            operator = await self.table.get(keys.account_key(row.value.impersonator), Account)
            if operator is None or not operator.value.is_operator:
                raise SessionEnded
            operator.value.must_be_open()
        return found.value, row

    async def _crowded_out(self, user_id: str) -> list[Write]:
        rows = await self._rows(user_id)
        if len(rows) < SESSIONS_MAX:
            return []
        oldest = sorted(rows, key=lambda row: row.value.used_at)[: len(rows) - SESSIONS_MAX + 1]
        return [Delete(key=row.key) for row in oldest]

    async def _rows(self, user_id: str) -> list[Row[Session]]:
        page = await self.table.query(keys.user_partition(user_id), Session, prefix="SESSION#", limit=SESSIONS_MAX + 30)
        return list(page.rows)

    async def _end_copied(self, row: Row[Session]) -> None:
        session = row.value
        fact = RefreshReused(user_id=session.user_id, session_id=session.session_id)
        event = announce(
            fact,
            aggregate=keys.session_timeline(session.session_id),
            sequence=row.version + 1,
            actor=Actor(actor_id=session.user_id),
            at=self.clock.now(),
            previous={"generation": session.generation},
        )
        # The copy may come twice at once; one of them tells.
        with suppress(Stale):
            await self.table.transact(Delete(key=row.key), event)

    async def _signed_in(self, account: Account, session: Session, *, first: bool = False) -> SignedIn:
        now = self.clock.now()
        expires_at = min(now + ACCESS_LIFE, session.expires_at)
        access = Claims(
            sub=account.user_id,
            token_use=TokenUse.ACCESS,
            iat=int(now.timestamp()),
            exp=int(expires_at.timestamp()),
            jti=mint("jti", now, self.entropy),
            origin_jti=session.session_id,
            groups=tuple(account.groups),
            username=account.user_id,
            auth_time=int(session.signed_in_at.timestamp()),
            act=Acting(session.impersonator) if session.impersonator else None,
        )
        identity = replace(
            access,
            token_use=TokenUse.ID,
            jti=mint("jti", now, self.entropy),
            email=account.address,
            email_verified=True,
            name=account.name,
        )
        device = Claims(
            sub=account.user_id,
            token_use=TokenUse.DEVICE,
            iat=access.iat,
            exp=int((now + DEVICE_LIFE).timestamp()),
            jti=mint("jti", now, self.entropy),
        )
        signed = await self.tokens.signed(access, identity, *([device] if first else []))
        return SignedIn(
            user_id=account.user_id,
            session_id=session.session_id,
            access_token=signed[0],
            id_token=signed[1],
            refresh_token=self._written(session),
            expires_at=expires_at,
            session_expires_at=session.expires_at,
            device_token=signed[2] if first else "",
        )

    def _written(self, session: Session) -> str:
        named = f"{session.user_id}.{session.session_id}.{session.generation}"
        return f"{named}.{_text(self.seal.digest('refresh', named))}"

    def _read(self, token: str) -> tuple[str, str, int]:
        """The person, session and generation that a genuine refresh token names. Raises `SessionEnded`."""
        named, _, mac = token.rpartition(".")
        genuine = (
            len(token) <= 256
            and token.isascii()
            and hmac.compare_digest(mac, _text(self.seal.digest("refresh", named)))
        )
        if not genuine:
            raise SessionEnded
        user_id, session_id, generation = named.split(".")
        return user_id, session_id, int(generation)


def _actor(account: Account, session: Session) -> Actor:
    return Actor(actor_id=account.user_id, groups=account.groups, impersonator=session.impersonator)


def _text(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
