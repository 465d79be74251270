"""The witness as a file that is only ever appended to: notes one after the other, each ended by an empty line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.witness import WitnessLost

_TAIL_BYTES = 16 * 1024
_END = "\n\n"


class FileWitness:
    """Put the file where whoever runs the marketplace cannot rewrite it: another machine's mount, a write-once share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = Threads(1, waiting_max=64)

    async def append(self, note: str) -> None:
        await self._threads.run(self._append, note)

    async def notes(self) -> Sequence[str]:
        return _split(await self._threads.run(self._read, 0))

    async def last(self) -> str | None:
        found = _split(await self._threads.run(self._read, _TAIL_BYTES))
        return found[-1] if found else None

    def _append(self, note: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.write(descriptor, f"{note}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as failed:
            raise WitnessLost(f"{self._path} cannot be written: {failed.strerror}.") from failed

    def _read(self, tail: int) -> str:
        try:
            with self._path.open("rb") as file:
                if tail:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - tail))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as failed:
            raise WitnessLost(f"{self._path} cannot be read: {failed.strerror}.") from failed


def _split(text: str) -> list[str]:
    """The notes: a note has one empty line within, between its text and its signatures, and one behind it."""
    parts = text.split(_END)
    # A note is text, empty line, signature line, empty line: two parts make one note. Half a note at the end, of an
    # append that was cut off, is none.
    notes: list[str] = []
    pending = ""
    for part in parts:
        lines = part.lstrip("\n")
        if lines.startswith("— "):
            if pending:
                notes.append(f"{pending}{_END}{lines}\n")
            pending = ""
        else:
            pending = lines
    return notes
