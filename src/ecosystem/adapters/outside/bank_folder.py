"""A bank that shares a folder with us."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from ecosystem.adapters.outside.bank import COLLECTED, TAKEN, Seen, ShelvedBank
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.bank import BankSilent

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """Files below a folder. What was written is on disk when the act is over."""

    folder: Path
    threads: Threads = field(default_factory=lambda: Threads(2, waiting_max=256))

    @classmethod
    async def open(cls, folder: Path) -> Self:
        shelf = cls(folder)
        await shelf.threads.run(shelf._prepare)
        return shelf

    async def read(self, path: str) -> bytes | None:
        return await self._done(self._read, path)

    async def seen(self, path: str) -> Seen | None:
        return await self._done(self._seen, path)

    async def listed(self, folder: str) -> Sequence[Seen]:
        return await self._done(self._listed, folder)

    async def write(self, path: str, content: bytes) -> None:
        await self._done(self._write, path, content)

    async def move(self, path: str, to: str) -> bool:
        return await self._done(self._move, path, to)

    async def _done(self, act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await self.threads.run(act, *args, **kwargs)
        except OSError as broken:
            raise BankSilent(f"The folder shared with the bank does not answer: {broken.strerror}.") from broken

    def _prepare(self) -> None:
        for name in (TAKEN, COLLECTED):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _read(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def _seen(self, path: str) -> Seen | None:
        place = self.folder / path
        try:
            found = place.stat()
        except FileNotFoundError:
            return None
        return Seen(name=place.name, size_bytes=found.st_size, changed_at=datetime.fromtimestamp(found.st_mtime, UTC))

    def _listed(self, folder: str) -> Sequence[Seen]:
        names = [entry.name for entry in os.scandir(self.folder / folder) if entry.is_file()]
        return [seen for name in names if (seen := self._seen(f"{folder}/{name}"))]

    def _write(self, path: str, content: bytes) -> None:
        with open(self.folder / path, "wb", opener=_private) as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())

    def _move(self, path: str, to: str) -> bool:
        source, target = self.folder / path, self.folder / to
        try:
            # A link does not replace what is there, as a rename would.
            os.link(source, target)
        except FileExistsError:
            return False
        except FileNotFoundError:
            return target.exists()
        source.unlink(missing_ok=True)
        for folder in {source.parent, target.parent}:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def folder_bank(folder: Path) -> ShelvedBank:
    """The bank that shares that folder, made if need be."""
    return ShelvedBank(await FolderShelf.open(folder))
