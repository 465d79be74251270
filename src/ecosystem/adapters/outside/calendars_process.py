"""Reads the bytes of a calendar in a process of its own, which is ended when it takes too long.

What strangers publish may be made to keep its reader busy, and a thread can neither be stopped nor leave the
interpreter to others meanwhile. The process knows nothing of this one: no settings, no open files, no network of use.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import CalendarUnreachable, NotACalendar, Reading

READER = (sys.executable, "-m", "ecosystem.adapters.outside.calendars_reading")
AT_ONCE = 2
DEADLINE_S = 20.0
CPU_S = 10
"""The largest honest calendars take two seconds."""
MEMORY_BYTES_MAX = 1024 * 1024 * 1024
BUSY_OTHERWISE = "Many calendars are being read right now. Try again in a moment."


class Question(Struct, frozen=True, array_like=True):
    """A calendar as published, and which of its busy times are asked for."""

    content: bytes
    window: Span
    zone: str


class Answer(Struct, frozen=True, array_like=True):
    """What was read, or why it is no calendar."""

    reading: Reading | None = None
    refused: str = ""


_answer = msgspec.msgpack.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class CalendarReaders:
    """A few such processes at once, one for each calendar. `command` is what is started."""

    command: Sequence[str] = READER
    deadline_s: float = DEADLINE_S
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def read(self, content: bytes, *, window: Span, zone: str) -> Reading:
        """The busy times that touch the window. Raises `NotACalendar`, also when it takes too long to say."""
        question = msgspec.msgpack.encode(Question(content, window, zone))
        async with self._free:
            said = await self._asked(question)
        try:
            answer = _answer.decode(said)
        except msgspec.DecodeError as unread:
            raise NotACalendar from unread
        if answer.reading is None:
            raise NotACalendar(answer.refused)
        return answer.reading

    async def _asked(self, question: bytes) -> bytes:
        try:
            child = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        except OSError as failed:
            raise CalendarUnreachable(BUSY_OTHERWISE) from failed
        try:
            said, _ = await asyncio.wait_for(child.communicate(question), self.deadline_s)
        except TimeoutError:
            raise NotACalendar("This calendar takes too long to read; publish a smaller one.") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return said
