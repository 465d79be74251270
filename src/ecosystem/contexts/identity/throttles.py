"""Attempts are counted, per account and per network address, and refused beyond a limit until their window ends.

Counters stand in the table, so a restart forgives nothing, and expire with their window. Windows are fixed: at the
joint of two, twice the limit may pass. An attempt is counted before it is looked at, so that many at once do not slip
through; one that succeeds is given back, so that people who know their password never meet a limit.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import ClassVar, NamedTuple

from msgspec import Struct

from ecosystem.contexts.identity import keys
from ecosystem.kernel.display import length_text
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.secrets import Seal
from ecosystem.ports.table import ABSENT, PRESENT, Add, Key, Put, Row, Stale, Stored, Table, Write

_COUNT = "attempts"
_TRIES_MAX = 8
_KEPT_LONGER = timedelta(minutes=1)


class TooManyAttempts(Unavailable):
    """There were too many attempts; try again later. `retry_after_s` says when."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"There were too many attempts. Try again in {length_text(_whole_minutes(retry_after))}.")
        self.retry_after_s = max(1, int(retry_after.total_seconds()))


class Limit(Struct, frozen=True, kw_only=True):
    """So many attempts of one subject in a window."""

    scope: str
    attempts: int
    window: timedelta


class Limits(Struct, frozen=True, kw_only=True):
    """How often what may be tried. An operator may widen the ones per network for an office behind one address."""

    sign_in_pair: Limit = Limit(scope="sign-in-pair", attempts=5, window=timedelta(minutes=15))
    """Of one account from one network, or from one device known to the account."""
    sign_in_account: Limit = Limit(scope="sign-in-account", attempts=50, window=timedelta(hours=1))
    """Of one account from everywhere; a device known to the account does not count, so nobody is locked out by others."""
    sign_in_network: Limit = Limit(scope="sign-in-network", attempts=100, window=timedelta(minutes=15))
    second_factor: Limit = Limit(scope="second-factor", attempts=5, window=timedelta(minutes=15))
    sign_up_address: Limit = Limit(scope="sign-up-address", attempts=5, window=timedelta(hours=1))
    sign_up_network: Limit = Limit(scope="sign-up-network", attempts=60, window=timedelta(hours=1))
    confirm: Limit = Limit(scope="confirm", attempts=5, window=timedelta(hours=24))
    reset_address: Limit = Limit(scope="reset-address", attempts=3, window=timedelta(hours=1))
    reset_network: Limit = Limit(scope="reset-network", attempts=60, window=timedelta(hours=1))
    reset_code: Limit = Limit(scope="reset-code", attempts=5, window=timedelta(hours=1))
    guest_network: Limit = Limit(scope="guest-network", attempts=60, window=timedelta(minutes=15))
    """New guests: each of them may hold times without paying."""
    password: Limit = Limit(scope="password", attempts=5, window=timedelta(minutes=15))
    """Of the present password, asked again before something sensitive."""


class Attempt(NamedTuple):
    """One attempt: by which limit, and of whom."""

    limit: Limit
    subject: str


class Throttle(Stored, frozen=True, kw_only=True):
    """A window's counter. Nothing else is known of it; its key holds a keyed digest of the subject."""

    entity: ClassVar[str] = "throttle"

    limit: int


def network(address: str) -> str:
    """The network that stands for a client: its IPv4 address, or the /64 of its IPv6 address, which one client owns."""
    try:
        known = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ip_network((int(known), 64), strict=False))


def is_own(address: str) -> bool:
    """Whether the client sits on this machine: its operator, or a proxy that does not say for whom it asks."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Throttles:
    """Counts attempts."""

    table: Table
    seal: Seal
    clock: Clock

    async def take(self, *attempts: Attempt) -> tuple[Key, ...]:
        """Count one more of each, all or none, and hand back the counters' keys for `give_back`.

        Raises `TooManyAttempts` when one of them is at its limit.
        """
        now = self.clock.now()
        for _ in range(_TRIES_MAX):
            writes = [await self._counted(attempt, now) for attempt in attempts]
            try:
                await self.table.transact(*writes)
            except Stale:
                continue  # Somebody opened the same window at the same moment.
            return tuple(write.key for write in writes)
        raise TooManyAttempts(timedelta(seconds=1))

    async def give_back(self, taken: tuple[Key, ...]) -> None:
        """Uncount what was taken: the attempt succeeded."""
        writes = [Add(key=key, by={_COUNT: -1}, at_least={_COUNT: 0}, expected=PRESENT) for key in taken]
        try:
            await self.table.transact(*writes)
        except Stale:
            return  # The window ended meanwhile, and its counter with it.

    async def _counted(self, attempt: Attempt, now: datetime) -> Write:
        limit, subject = attempt
        opened_at, ends_at = _window(limit.window, now)
        digest = base64.urlsafe_b64encode(self.seal.digest(f"throttle:{limit.scope}", subject)[:18]).decode()
        key = keys.throttle_key(limit.scope, digest, opened_at)
        refusal = TooManyAttempts(ends_at - now)
        row: Row[Throttle] | None = await self.table.get(key, Throttle)
        if row is None:
            return Put(
                key=key,
                value=Throttle(limit=limit.attempts),
                counters={_COUNT: 1},
                expires_at=ends_at + _KEPT_LONGER,
                expected=ABSENT,
            )
        if row.counters.get(_COUNT, 0) >= limit.attempts:
            raise refusal
        return Add(key=key, by={_COUNT: 1}, at_most={_COUNT: limit.attempts}, expected=PRESENT, otherwise=refusal)


def _window(length: timedelta, now: datetime) -> tuple[datetime, datetime]:
    seconds = int(length.total_seconds())
    opened_at = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)
    return opened_at, opened_at + length


def _whole_minutes(length: timedelta) -> timedelta:
    return timedelta(minutes=max(1, -(-int(length.total_seconds()) // 60)))
