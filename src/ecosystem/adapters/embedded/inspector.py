"""The reading process of one machine: our own command, started as a child that opens the table for reading only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from ecosystem.ports.inspector import Heard, InspectorFailed, Whole

LINE_BYTES_MAX = 16 * 1024 * 1024
SILENCE_MAX_S = 300.0
ENDING_S = 5.0
_decoder = msgspec.json.Decoder(Heard)


@dataclass(frozen=True, slots=True)
class ChildInspector:
    """`command` is what to start for the ledger, `others` for what else there is; each line it prints is one `Heard`."""

    command: Sequence[str]
    others: Mapping[Whole, Sequence[str]] = field(default_factory=dict[Whole, Sequence[str]])

    def verification(self, what: Whole = Whole.LEDGER) -> AsyncGenerator[Heard, None]:
        return _heard_of(self.others.get(what, self.command))


@dataclass(frozen=True, slots=True)
class ChildComparer:
    """`command` is what to start; the day, and until when books are read, are said after it."""

    command: Sequence[str]

    def reconciliation(self, day: date, until: date) -> AsyncGenerator[Heard, None]:
        return _heard_of((*self.command, day.isoformat(), until.isoformat()))


async def _heard_of(command: Sequence[str]) -> AsyncGenerator[Heard, None]:
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
    except OSError as failed:
        raise InspectorFailed(f"The reading process could not be started: {failed.strerror}.") from failed
    try:
        said: Heard | None = None
        while line := await _line(child):
            said = _heard(line)
            yield said
        why = await _why(child) if said is None or said.report is None else ""
        # It has said its last word. Told to end now, it would be waited for twice.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), ENDING_S)
        if why:
            raise InspectorFailed(why)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), ENDING_S)
        if child.returncode is None:
            child.kill()


async def _line(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    try:
        return await asyncio.wait_for(child.stdout.readline(), SILENCE_MAX_S)
    except TimeoutError:
        raise InspectorFailed("The reading process fell silent.") from None
    except ValueError:
        raise InspectorFailed("The reading process said too much at once.") from None


async def _why(child: asyncio.subprocess.Process) -> str:
    """The last words of a process that ended without a report."""
    assert child.stderr is not None
    last = (await child.stderr.read()).decode(errors="replace").strip().splitlines()[-1:]
    return last[0] if last else "The reading process ended without a report."


def _heard(line: bytes) -> Heard:
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as unread:
        raise InspectorFailed(f"The reading process cannot be understood: {unread}.") from unread
