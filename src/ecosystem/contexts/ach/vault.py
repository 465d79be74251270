"""How what must stay secret is kept: account numbers of entries, corrected data, and the bytes of files.

One place for it, so that entries and files need not know which keys it is done with.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.ports.secrets import Seal


@dataclass(frozen=True, slots=True)
class Vault:
    seal: Seal

    async def sealed(self, plain: bytes, *, place: str) -> bytes:
        """The bytes, encrypted; they open for that place alone."""
        return self.seal.sealed(plain, place=place)

    async def opened(self, box: bytes, *, place: str) -> bytes:
        """What was sealed for that place. Raises `SealBroken`."""
        return self.seal.opened(box, place=place)
