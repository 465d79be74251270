"""Passwords under argon2id in a few threads of their own, and one-time codes by pyotp."""

from __future__ import annotations

import hmac
import io
from datetime import datetime, timedelta
from typing import Self

import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from msgspec import Struct
from pyotp.totp import TOTP

from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.credentials import Match
from ecosystem.ports.entropy import Entropy

STEP = timedelta(seconds=30)
_CODE_DIGITS = 6


class Argon2Cost(Struct, frozen=True, kw_only=True):
    """What one hash costs. The OWASP Password Storage Cheat Sheet's second choice: 19 MiB, two passes, one lane."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class Argon2Passwords:
    """argon2id (RFC 9106) in at most `threads` threads, for at most `waiting_max` callers who wait for one."""

    def __init__(self, hasher: PasswordHasher, decoy: str, *, threads: int, waiting_max: int) -> None:
        self._hasher = hasher
        self._decoy = decoy
        self._threads = Threads(threads, waiting_max=waiting_max)

    @classmethod
    async def open(
        cls, entropy: Entropy, cost: Argon2Cost | None = None, *, threads: int = 2, waiting_max: int = 64
    ) -> Self:
        """Ready to hash; the decoy, which stands for unknown people, is hashed once under the same cost."""
        cost = cost or Argon2Cost()
        hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)
        decoy = await Threads(1, waiting_max=1).run(hasher.hash, entropy.bytes(16))
        return cls(hasher, decoy, threads=threads, waiting_max=waiting_max)

    async def hashed(self, password: str) -> str:
        return await self._threads.run(self._hasher.hash, _encoded(password))

    async def match(self, password: str, stored: str | None) -> Match:
        given = _encoded(password)
        matched = await self._threads.run(self._verify, stored or self._decoy, given)
        if stored is None or not matched:
            return Match(matched=False)
        return Match(matched=True, outdated=self._hasher.check_needs_rehash(stored))

    def _verify(self, stored: str, given: bytes) -> bool:
        try:
            return self._hasher.verify(stored, given)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


class TotpCodes:
    """RFC 6238 with SHA-1, six digits and 30 seconds: what every authenticator app reads."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def secret(self) -> str:
        # 160 bits, the length RFC 4226 (section 4, R6) recommends. pyotp's own generator would bypass the port.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        number = int.from_bytes(self._entropy.bytes(20))
        return "".join(alphabet[(number >> shift) & 31] for shift in range(155, -1, -5))

    def address(self, secret: str, *, account: str, issuer: str) -> str:
        return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)

    def picture(self, address: str) -> str:
        drawn = io.BytesIO()
        segno.make(address, error="m", micro=False).save(
            drawn, kind="svg", scale=4, border=4, xmldecl=False, svgns=True, light="#ffffff", dark="#000000"
        )
        return drawn.getvalue().decode()

    def step(self, secret: str, code: str, at: datetime) -> int | None:
        given = "".join(code.split())
        if len(given) != _CODE_DIGITS or not given.isascii() or not given.isdigit():
            return None
        totp = TOTP(secret)
        now = int(at.timestamp()) // int(STEP.total_seconds())
        # All three are compared, so that the answer's time does not tell which one it was.
        found = [now + drift for drift in (0, -1, 1) if hmac.compare_digest(totp.generate_otp(now + drift), given)]
        return found[0] if found else None


def _encoded(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError as broken:
        raise Invalid("That password holds a character that is none.", field="password") from broken
