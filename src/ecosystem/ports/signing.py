"""Whether a signature is that of a key: Ed25519 (RFC 8032). Signing itself is done under the key `audit`, in `keys.py`."""

from __future__ import annotations

from typing import Protocol


class Signatures(Protocol):
    def verifies(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether that key signed the message. False for what is no key or no signature, too."""
        ...
