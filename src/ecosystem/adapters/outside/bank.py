"""The bank behind a shelf of files: what both transports do the same way.

A file is written under a name of its own beside its place and then moved there, so that the bank never sees half of
one. What a crash left beside is written over by the next delivery under that name.

    to_bank/NAME            lies there until the bank takes it
    to_bank/taken/NAME      was taken
    from_bank/NAME          waits for us
    from_bank/collected/NAME  is kept by us
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from ecosystem.ports.bank import (
    FILE_BYTES_MAX,
    NAMES_MAX,
    Lying,
    NameTaken,
    NotAtBank,
    UnfitFile,
    Waiting,
    fit_content,
    fit_name,
)

TO_BANK, TAKEN = "to_bank", "to_bank/taken"
FROM_BANK, COLLECTED = "from_bank", "from_bank/collected"
UNFINISHED = ".part"


class Seen(Struct, frozen=True, kw_only=True):
    """A file on a shelf."""

    name: str
    size_bytes: int
    changed_at: datetime


class Shelf(Protocol):
    """Files under relative paths, as a transport reaches them. Each act raises `BankSilent`, `BankUnknown`."""

    async def read(self, path: str) -> bytes | None: ...

    async def seen(self, path: str) -> Seen | None: ...

    async def listed(self, folder: str) -> Sequence[Seen]:
        """The files in that folder, not the folders."""
        ...

    async def write(self, path: str, content: bytes) -> None: ...

    async def move(self, path: str, to: str) -> bool:
        """Move a file to a place where none is; False when one is there."""
        ...


@dataclass(frozen=True, slots=True)
class ShelvedBank:
    """A bank reached through a shelf."""

    shelf: Shelf

    async def deliver(self, name: str, content: bytes) -> None:
        fit_name(name)
        fit_content(content)
        if await self._lies_there(name, content):
            return
        unfinished = f"{TO_BANK}/{name}{UNFINISHED}"
        await self.shelf.write(unfinished, content)
        # Between two deliveries of one name the first to arrive stays; the other finds it there.
        if not await self.shelf.move(unfinished, f"{TO_BANK}/{name}"):
            await self._lies_there(name, content)

    async def lying(self, name: str) -> Lying | None:
        fit_name(name)
        for folder in (TAKEN, TO_BANK, TAKEN):  # The bank may take it between two looks.
            path = f"{folder}/{name}"
            seen, content = await self.shelf.seen(path), await self.shelf.read(path)
            if seen is not None and content is not None:
                return Lying(
                    name=name,
                    size_bytes=seen.size_bytes,
                    sha256=sha256(content).hexdigest(),
                    changed_at=seen.changed_at,
                    taken=folder == TAKEN,
                )
        return None

    async def waiting(self) -> Sequence[Waiting]:
        listed = sorted(await self.shelf.listed(FROM_BANK), key=lambda seen: seen.name)
        return [
            Waiting(name=seen.name, size_bytes=seen.size_bytes, changed_at=seen.changed_at)
            for seen in listed
            if not seen.name.endswith(UNFINISHED)
        ][:NAMES_MAX]

    async def collect(self, name: str) -> bytes:
        path = f"{FROM_BANK}/{fit_name(name)}"
        seen = await self.shelf.seen(path)
        if seen is not None and seen.size_bytes > FILE_BYTES_MAX:
            raise UnfitFile(f"{name} is larger than {FILE_BYTES_MAX} bytes.", field="name")
        content = await self.shelf.read(path)
        if content is None:
            raise NotAtBank(field="name")
        return content

    async def collected(self, name: str) -> None:
        path = f"{FROM_BANK}/{fit_name(name)}"
        if await self.shelf.seen(path) is None:
            return
        count = 1
        place = f"{COLLECTED}/{name}"
        # The bank may use a name again; what was collected before stays.
        while not await self.shelf.move(path, place):
            count += 1
            place = f"{COLLECTED}/{name}.{count}"

    async def _lies_there(self, name: str, content: bytes) -> bool:
        """Whether that very file is at the bank. Raises `NameTaken` when another is."""
        lying = await self.lying(name)
        if lying is not None and lying.sha256 != sha256(content).hexdigest():
            raise NameTaken(field="name")
        return lying is not None
