"""Trace numbers: fifteen digits, the first eight of our bank, the rest counted; none is ever used twice.

A file reserves as many as it needs in one step, before any entry takes one. What a file reserved and did not use is
lost, not used again. Each number an entry got is an item of its own, which must not have been there: should the counter
ever be set back, the commit refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ecosystem.contexts.ach import keys
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import ABSENT, Put, Stale, Stored, Table, Write

SEQUENCE_MAX = 9_999_999
ATTEMPTS_MAX = 50


class TraceTaken(Conflict):
    """An entry has this trace number already."""


class TracesExhausted(Conflict):
    """All seven digits are counted out: the bank has to give us another routing number to originate under."""


class Traces(Stored, frozen=True, kw_only=True):
    """The last sequence number that was given out under one bank's number."""

    entity: ClassVar[str] = "ach-traces"

    odfi: str
    last: int


class Traced(Stored, frozen=True, kw_only=True):
    """Which entry a trace number belongs to."""

    entity: ClassVar[str] = "ach-trace"

    trace_number: str
    entry_id: str
    file_id: str


def trace_number(odfi: str, sequence: int) -> str:
    """The number as it stands in the record. `odfi` are the bank's first eight digits."""
    return f"{odfi}{sequence:07d}"


def traced(trace: str, entry_id: str, file_id: str) -> Write:
    """The write that gives an entry its number. Raises `TraceTaken`."""
    return Put(
        key=keys.trace(trace),
        value=Traced(trace_number=trace, entry_id=entry_id, file_id=file_id),
        expected=ABSENT,
        otherwise=TraceTaken(),
    )


@dataclass(frozen=True, slots=True)
class TraceNumbers:
    table: Table

    async def reserve(self, odfi: str, count: int) -> range:
        """That many sequence numbers that nobody else gets. Raises `TracesExhausted`."""
        for _ in range(ATTEMPTS_MAX):
            row = await self.table.get(keys.traces(odfi), Traces)
            last = row.value.last if row else 0
            if last + count > SEQUENCE_MAX:
                raise TracesExhausted
            after = Traces(odfi=odfi, last=last + count)
            try:
                await self.table.transact(
                    Put(key=keys.traces(odfi), value=after, expected=row.unchanged if row else ABSENT)
                )
            except Stale:
                continue
            return range(last + 1, last + count + 1)
        raise Stale

    async def entry_of(self, trace: str) -> Traced | None:
        """Whose number it is."""
        row = await self.table.get(keys.trace(trace), Traced)
        return row.value if row else None
