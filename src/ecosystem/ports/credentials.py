"""Proofs of who somebody is: passwords, and one-time codes of an authenticator app."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Match(Struct, frozen=True, kw_only=True):
    """Whether the password was right, and whether its hash should be made anew under today's parameters."""

    matched: bool
    outdated: bool = False


class Passwords(Protocol):
    """Slow hashing off the event loop, for a bounded number of callers: `Unavailable` beyond it."""

    async def hashed(self, password: str) -> str:
        """The password's hash with its salt and parameters, to be stored."""
        ...

    async def match(self, password: str, stored: str | None) -> Match:
        """Whether the password is the stored one. `None` stands for an unknown person: as much work, never a match."""
        ...


class OneTimeCodes(Protocol):
    """Time-based one-time codes (RFC 6238): six digits, a new one every 30 seconds."""

    def secret(self) -> str:
        """A new secret in base 32, to be shared with one authenticator app."""
        ...

    def address(self, secret: str, *, account: str, issuer: str) -> str:
        """The `otpauth:` address that an app reads."""
        ...

    def picture(self, address: str) -> str:
        """The address as a QR code, in SVG without a script."""
        ...

    def step(self, secret: str, code: str, at: datetime) -> int | None:
        """The number of the 30-second step whose code this is, one step early or late at most; None when it is none.

        The caller refuses a step that was used before.
        """
        ...
