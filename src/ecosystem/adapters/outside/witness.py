"""The witness as a file that is only ever appended to: notes one after the other, each ended by an empty line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.witness import WitnessLost

WITNESS = "witness.txt"
"""Where it is kept, in the folder of everything, unless another place is named."""

_TAIL_BYTES = 16 * 1024
_END = "\n\n"


class FileWitness:
    """Put the file where whoever runs the marketplace cannot rewrite it: another machine's mount, a write-once share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = Threads(1, waiting_max=64)

    async def append(self, *notes: str) -> None:
        await self._threads.run(self._append, "".join(f"{note}\n" for note in notes))

    async def notes(self) -> Sequence[str]:
        return _split(await self._threads.run(self._read, 0))

    async def last(self) -> str | None:
        tail = await self._threads.run(self._read, _TAIL_BYTES)
        # The tail may begin within a note: the last two parts are the last note all the same.
        parts = tail.rstrip("\n").split(_END)[-2:]
        return f"{_END.join(parts)}\n" if tail else None

    def _append(self, text: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                size = os.fstat(descriptor).st_size
                if size and _ending(self._path) != _END.encode():
                    raise WitnessLost(f"{self._path} ends in half a note: keep it elsewhere, and begin another file.")
                rest = memoryview(text.encode())
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
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


def _ending(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-len(_END), os.SEEK_END)
        return file.read()


def _split(text: str) -> list[str]:
    """The notes: text, empty line, signatures, empty line. What has another form is handed over as it is, to be refused."""
    parts = text.split(_END)
    is_whole = parts[-1] == ""
    parts = parts[:-1] if is_whole else parts
    notes = [f"{parts[at]}{_END}{parts[at + 1]}\n" for at in range(0, len(parts) - 1, 2)]
    if len(parts) % 2:
        notes.append(parts[-1])
    elif not is_whole:
        notes[-1] = notes[-1].removesuffix("\n")
    return notes
