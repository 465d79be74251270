"""Disks that fail: one whose power is cut, one that fills up. Both are file systems to SQLite, on top of the real one.

`PowerDisk` keeps, per file, what the disk would hold for sure: the bytes as of the last sync. Whatever was written since
may have reached it or not, sector by sector and in any order, when the power goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR = 512


class PowerCut(apsw.IOError):
    """The power is off."""


@dataclass
class Surface:
    """One file: what is on the disk, and the writes since the last sync (`None` for data: a new length)."""

    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    # A new file's name is on the disk from its first sync on; SQLite syncs the folder with it.
    named: bool = False

    def sync(self) -> None:
        self.named = True
        for at, data in self.unsynced:
            _apply(self.synced, at, data)
        self.unsynced.clear()

    def after_cut(self, random: Random) -> bytes:
        """What a restart may find: some sectors of some unsynced writes, in some order."""
        image = bytearray(self.synced)
        pieces: list[tuple[int, bytes | None]] = []
        for at, data in self.unsynced:
            if data is None:
                pieces.append((at, None))
                continue
            end = at + len(data)
            sector = at - at % SECTOR
            while sector < end:
                low, high = max(at, sector), min(end, sector + SECTOR)
                pieces.append((low, data[low - at : high - at]))
                sector += SECTOR
        style = random.choice(["none", "all", "some", "some", "shuffled", "first"])
        if style == "first":
            pieces = pieces[: random.randint(0, len(pieces))]
        elif style in {"some", "shuffled"}:
            share = random.random()
            pieces = [piece for piece in pieces if random.random() < share]
            if style == "shuffled":
                random.shuffle(pieces)
        elif style == "none":
            pieces = []
        for at, data in pieces:
            _apply(image, at, data)
        return bytes(image)


class PowerDisk(apsw.VFS):
    """A file system whose power is cut after so many writes and syncs."""

    def __init__(self, name: str, cut_after: int) -> None:
        super().__init__(name, "")
        self.name = name
        self.surfaces: dict[str, Surface] = {}
        self.operations = 0
        self.off = False
        self._cut_after = cut_after

    def xOpen(self, name: Any, flags: list[int]) -> PowerFile:  # noqa: N802 — SQLite's name
        return PowerFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.passed()
        super().xDelete(filename, syncdir)
        self.surfaces.pop(filename, None)

    def passed(self) -> None:
        """One more operation reaches the disk; raises once the power is off."""
        self.operations += 1
        if self.off or self.operations > self._cut_after:
            self.off = True
            raise PowerCut("the power is off")

    def cut(self) -> None:
        self.off = True

    def restart(self, folder: Path, random: Random) -> None:
        """Write what a restart finds into that folder."""
        for name, surface in self.surfaces.items():
            if surface.named or random.random() < 0.5:
                (folder / Path(name).name).write_bytes(surface.after_cut(random))


class PowerFile(apsw.VFSFile):
    def __init__(self, disk: PowerDisk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        before = Path(path).read_bytes() if path and Path(path).exists() else None
        super().__init__("", name, flags)
        self._disk = disk
        self._surface: Surface | None = None
        if path:
            if path not in disk.surfaces:
                # What was there before this disk was watched is on it.
                disk.surfaces[path] = Surface(bytearray(before or b""), named=before is not None)
            self._surface = disk.surfaces[path]

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.passed()
        super().xWrite(data, offset)
        if self._surface is not None:
            self._surface.unsynced.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.passed()
        super().xTruncate(newsize)
        if self._surface is not None:
            self._surface.unsynced.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802, ARG002
        # No sync of the real file: the disk under test is this one.
        self._disk.passed()
        if self._surface is not None:
            self._surface.sync()


class SmallDisk(apsw.VFS):
    """A file system with room for so many bytes in each file; None for no bound."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.room: int | None = None

    def xOpen(self, name: Any, flags: list[int]) -> SmallFile:  # noqa: N802
        return SmallFile(self, name, flags)


class SmallFile(apsw.VFSFile):
    def __init__(self, disk: SmallDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.room is not None and offset + len(data) > self._disk.room:
            raise apsw.FullError("no room")
        super().xWrite(data, offset)


def _apply(image: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del image[at:]
        image.extend(bytes(at - len(image)))
        return
    image.extend(bytes(max(0, at + len(data) - len(image))))
    image[at : at + len(data)] = data
