"""Guests: visitors who book without an account, known again by a signed token that their browser keeps.

A token names a guest and proves nothing about a person. Nothing is stored of a guest here; what they book remembers
their id, and they claim it later by bringing both tokens, or the link of a mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from ecosystem.contexts.identity.origins import Origin
from ecosystem.contexts.identity.sessions import Identified
from ecosystem.contexts.identity.throttles import Attempt, Limits, Throttles, is_own, network
from ecosystem.kernel.actor import Actor
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.secrets import Untold
from ecosystem.ports.tokens import Claims, TokenRefused, Tokens, TokenUse

GuestId = NewType("GuestId", str)

LIFE = timedelta(days=90)


class GuestPass(Untold, frozen=True, kw_only=True):
    """What a guest's browser keeps."""

    guest_id: GuestId
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Guests:
    tokens: Tokens
    throttles: Throttles
    limits: Limits
    clock: Clock
    entropy: Entropy

    async def welcome(self, origin: Origin) -> GuestPass:
        """A new guest. Raises `TooManyAttempts` when there were too many from one network.

        Each guest may hold a few times; as many guests as somebody likes would hold all of a provider's.
        """
        if not is_own(origin.address):
            await self.throttles.take(Attempt(self.limits.guest_network, network(origin.address)))
        now = self.clock.now()
        guest_id = GuestId(mint("gst", now, self.entropy))
        claims = Claims(
            sub=guest_id, token_use=TokenUse.GUEST, iat=int(now.timestamp()), exp=int((now + LIFE).timestamp())
        )
        (token,) = await self.tokens.signed(claims)
        return GuestPass(guest_id=guest_id, token=token, expires_at=now + LIFE)

    def identified(self, token: str) -> Identified:
        """The guest of that token. Raises `TokenRefused`, `TokenExpired`."""
        claims = self.tokens.verified(token, TokenUse.GUEST)
        if not claims.sub.startswith("gst_"):
            raise TokenRefused
        return Identified(actor=Actor(actor_id=claims.sub))
