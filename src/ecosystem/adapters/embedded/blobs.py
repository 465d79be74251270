"""Blobs as files in one folder: a blob's name is its path."""

from __future__ import annotations

import hmac
import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.blobs import (
    NAMES_MAX,
    Blob,
    BlobMissing,
    Listing,
    Upload,
    UploadRefused,
    check_limit,
    check_name,
    check_offer,
    check_prefix,
    check_size,
    content_type,
)
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy

# Names never begin with a dot, so that what a crash left half written is told from a blob.
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class FileBlobs:
    """`address` is where the application takes uploads, `secret` what their offers are signed with."""

    folder: Path
    address: str
    secret: bytes
    clock: Clock
    entropy: Entropy
    threads: Threads = field(default_factory=lambda: Threads(8, waiting_max=512))

    @classmethod
    async def open(cls, folder: Path, *, address: str, secret: bytes, clock: Clock, entropy: Entropy) -> Self:
        """The blobs in that folder, made if need be. What a crash left half written is removed."""
        blobs = cls(folder=folder, address=address, secret=secret, clock=clock, entropy=entropy)
        await blobs.threads.run(blobs._prepare)
        return blobs

    async def put(self, name: str, content: bytes) -> None:
        check_name(name)
        check_size(len(content))
        try:
            await self.threads.run(self._write, name, content, self.entropy.bytes(8).hex())
        except OSError as refused:
            raise Unavailable(f"{name} could not be written: {refused.strerror}.") from refused

    async def get(self, name: str) -> bytes:
        path = self.folder / check_name(name)
        try:
            return await self.threads.run(path.read_bytes)
        except FileNotFoundError as missing:
            raise BlobMissing(field="name") from missing

    async def head(self, name: str) -> Blob | None:
        check_name(name)
        try:
            return await self.threads.run(self._seen, name)
        except FileNotFoundError:
            return None

    async def delete(self, name: str) -> None:
        check_name(name)
        await self.threads.run(self._remove, name)

    async def list(self, prefix: str, *, after: str | None = None, limit: int = NAMES_MAX) -> Listing:
        check_prefix(prefix)
        check_limit(limit)
        return await self.threads.run(self._listed, prefix, after or "", limit)

    async def offer(self, name: str, *, size_bytes: int, life: timedelta) -> Upload:
        check_offer(name, size_bytes, life)
        until = self.clock.now() + life
        query = urlencode(
            {
                "bytes": size_bytes,
                "until": int(until.timestamp()),
                "signature": self._signature(name, size_bytes, int(until.timestamp())),
            }
        )
        return Upload(
            method="PUT",
            url=f"{self.address}/{name}?{query}",
            headers={"Content-Type": content_type(name)},
            until=until,
        )

    async def receive(self, name: str, content: bytes, *, until: int, signature: str) -> None:
        """Store what a browser sent to an offered address. Raises `UploadRefused` unless just this was offered."""
        fits = hmac.compare_digest(signature.encode(), self._signature(name, len(content), until).encode())
        if not fits or until < self.clock.now().timestamp():
            raise UploadRefused
        await self.put(name, content)

    def _signature(self, name: str, size_bytes: int, until: int) -> str:
        return hmac.new(self.secret, f"PUT\n{name}\n{size_bytes}\n{until}".encode(), sha256).hexdigest()

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self.folder.rglob(f"{_UNFINISHED}*"):
            leftover.unlink()

    def _write(self, name: str, content: bytes, suffix: str) -> None:
        path = self.folder / name
        self._make_folders(path.parent)
        unfinished = path.parent / f"{_UNFINISHED}{suffix}"
        try:
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def _make_folders(self, folder: Path) -> None:
        # A new folder is an entry of the one above it, which must reach the disk too.
        missing = [folder]
        while not missing[-1].exists():
            missing.append(missing[-1].parent)
        for made in reversed(missing[:-1]):
            made.mkdir(mode=0o700, exist_ok=True)
            _sync(made.parent)

    def _remove(self, name: str) -> None:
        path = self.folder / name
        if path.exists():
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def _seen(self, name: str) -> Blob:
        seen = (self.folder / name).stat()
        return Blob(name=name, size_bytes=seen.st_size, stored_at=datetime.fromtimestamp(seen.st_mtime, UTC))

    def _listed(self, prefix: str, after: str, limit: int) -> Listing:
        names = sorted(self._names(self.folder / prefix))
        begin = bisect_right(names, after)
        page = names[begin : begin + limit]
        blobs: list[Blob] = []
        for name in page:
            try:
                blobs.append(self._seen(name))
            except FileNotFoundError:
                continue  # removed since the folder was read
        return Listing(blobs=blobs, next=page[-1] if begin + limit < len(names) else None)

    def _names(self, folder: Path) -> Iterator[str]:
        for path, _, files in os.walk(folder):
            for file in files:
                if not file.startswith("."):
                    yield (Path(path) / file).relative_to(self.folder).as_posix()


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
