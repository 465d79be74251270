"""Secrets kept outside the table, and small things sealed under them.

Whoever reads the table alone, or a backup of it, learns no secret: what must be read back is sealed, what need only be
recognised is kept as a keyed digest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.keys import KeyName


class SecretsExposed(Unavailable):
    """A secret lies open to others on this machine."""


class SealBroken(Unavailable):
    """This was sealed under another key, or for another place, or was changed."""


class Untold(Struct, frozen=True):
    """Base of structs that hold secrets: printed or logged, they show none of them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Secrets(Protocol):
    """Named secrets of one deployment. A name is lower-case words joined by hyphens."""

    async def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The secret of that name; what `make` returns, kept from now on, when there is none yet.

        Raises `SecretsExposed` when others could read it.
        """
        ...

    async def replace(self, name: str, secret: bytes) -> None:
        """Keep another secret under that name, whole or not at all."""
        ...


class Seal(Protocol):
    """Authenticated encryption and keyed digests under the deployment's own keys, which a named key wraps."""

    def sealed(self, plain: bytes, *, place: str) -> bytes:
        """The bytes, encrypted. `place` says where they are kept; they open nowhere else."""
        ...

    def opened(self, box: bytes, *, place: str) -> bytes:
        """What was sealed for that place. Raises `SealBroken`."""
        ...

    def digest(self, purpose: str, text: str) -> bytes:
        """32 bytes that recognise the text for that purpose and cannot be computed without the key."""
        ...

    @property
    def named_key(self) -> KeyName:
        """The named key that wraps the seal's own: rotation re-wraps them as it does items."""
        ...

    def key_version(self) -> int:
        """The version of the named key that wraps them."""
        ...

    async def rewrap(self) -> None:
        """Have them wrapped by the current version; no box changes. Raises `EnvelopeRefused`, `KeyRetired`."""
        ...
