"""The secret in a guest's link to a booking, made from the booking's id and a key of ours.

Nothing of it is stored but its hash in the booking: whoever writes a mail later can make the same link again, and
claiming the booking ends the link by removing the hash.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from ecosystem.contexts.booking import claim_hash


@dataclass(frozen=True, slots=True)
class GuestLinks:
    """`key` is 32 secret bytes."""

    key: bytes

    def secret(self, booking_id: str) -> str:
        """The secret of the booking's link, 43 characters."""
        return urlsafe_b64encode(hmac.digest(self.key, booking_id.encode(), "sha256")).rstrip(b"=").decode()

    def hash(self, booking_id: str) -> str:
        """What the booking keeps of it."""
        return claim_hash(self.secret(booking_id))
