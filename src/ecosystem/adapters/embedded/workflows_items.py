"""What is stored of an execution: its head, its history in chunks, and the machine it began with.

A turn writes the head and one chunk in one transaction. The head is found by three indexes: among those of its status
and of its machine, newest first, and by the instant at which somebody has to look at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, ClassVar
from zlib import crc32

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.embedded.states.history import Detail, Event
from ecosystem.adapters.embedded.states.run import Run, RunStatus
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import announce
from ecosystem.ports.table import Index, Key, Put, Stored
from ecosystem.ports.workflows import Execution, ExecutionFailed, ExecutionStatus, HistoryEvent, Redrive

DUE_SHARDS = 8
HISTORY = "HISTORY#"
CHUNK_CHARACTERS_MAX = 100_000
"""Of texts in one chunk, unless one event alone has more: even in three bytes each they fit into an item."""

ACTOR = system("workflows")
_BADLY = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT})
_PAYLOADS = frozenset({"input", "output", "parameters"})


class Claim(Struct, frozen=True, array_like=True):
    """Who makes a call, under which fence, and until when nobody else may make it."""

    owner: str
    fence: int
    until: datetime


class Head(Stored, frozen=True, kw_only=True):
    """An execution as it stands. `claims` are the calls being made: those not waiting for their token alone."""

    entity: ClassVar[str] = "execution"

    run: Run
    revision: str
    started_by: Actor
    trace_id: str = ""
    express: bool = False
    claims: dict[int, Claim] = field(default_factory=dict[int, Claim])
    stopped_by: Actor | None = None
    redrives: tuple[Redrive, ...] = ()

    @property
    def execution_id(self) -> str:
        return self.run.circumstances.execution_id

    @property
    def machine(self) -> str:
        return self.run.circumstances.machine_name


class Chunk(Stored, frozen=True, kw_only=True):
    """Events that one turn told, in order. A text that several of them have is kept once, in `texts`.

    Each event is (id, previous id, instant, type, details, payloads); a payload names its text by its place.
    """

    entity: ClassVar[str] = "execution_history"

    events: list[tuple[int, int, datetime, str, dict[str, Detail], dict[str, int]]]
    texts: list[str]


class StoredMachine(Stored, frozen=True, kw_only=True):
    """A machine as it was written when executions of it began: they end by it, whatever is written later."""

    entity: ClassVar[str] = "machine"

    name: str
    file: str
    content: bytes
    bindings: dict[str, str]


def execution(execution_id: str) -> Key:
    """Access: one execution; its history stands beside it."""
    return Key(f"EXECUTION#{execution_id}", "METADATA")


def chunk(execution_id: str, first: int) -> Key:
    """Access: the events of one execution in order, by the id of the first in each chunk."""
    return Key(f"EXECUTION#{execution_id}", f"{HISTORY}{first:08d}")


def machine(name: str, revision: str) -> Key:
    """Access: a machine as it was at one revision."""
    return Key(f"MACHINE#{name}", f"REVISION#{revision}")


def by_status(status: ExecutionStatus) -> str:
    """Access (status index): executions of one status by the instant they began."""
    return f"EXECUTION#{status.value}"


def by_machine(name: str, status: ExecutionStatus) -> str:
    """Access (customer index): executions of one machine and status by the instant they began."""
    return f"MACHINE#{name}#{status.value}"


def due(shard: int) -> str:
    """Access (provider index): executions in order of the instant at which somebody has to look at them."""
    return f"EXECUTION#due#{shard}"


def kept(shard: int) -> str:
    """Access (provider index): executions that ended, in order of the instant at which they are forgotten."""
    return f"EXECUTION#kept#{shard}"


def shard(execution_id: str) -> int:
    return crc32(execution_id.encode()) % DUE_SHARDS


def listing(head: Head) -> dict[Index, Key]:
    """Where the execution stands in the lists by status and by machine: the same until it ends."""
    status = ExecutionStatus(head.run.status.value)
    place = f"{sortable(head.run.started_at)}#{head.execution_id}"
    return {
        Index.STATUS: Key(by_status(status), place),
        Index.CUSTOMER: Key(by_machine(head.machine, status), place),
    }


def due_key(execution_id: str, at: datetime) -> Key:
    return Key(due(shard(execution_id)), f"{sortable(at)}#{execution_id}")


def kept_key(execution_id: str, ended_at: datetime, retention: timedelta) -> Key:
    return Key(kept(shard(execution_id)), f"{sortable(ended_at + retention)}#{execution_id}")


def revision(content: bytes, bindings: Mapping[str, str]) -> str:
    """A digest of the machine as it is written."""
    digest = blake2b(content, digest_size=12)
    digest.update(msgspec.json.encode(bindings, order="sorted"))
    return digest.hexdigest()


def ended_badly(head: Head, version: int) -> Put | None:
    """The write that announces an end nobody wished for; None where there is none. `version` is that of the head."""
    run = head.run
    if run.status not in _BADLY:
        return None
    assert run.ended_at is not None
    fact = ExecutionFailed(
        execution_id=head.execution_id,
        machine=head.machine,
        name=run.circumstances.execution_name,
        status=run.status.value,
        error=run.error or "",
    )
    aggregate = execution(head.execution_id).partition
    previous = {"status": RunStatus.RUNNING.value}
    return announce(fact, aggregate=aggregate, sequence=version, actor=ACTOR, at=run.ended_at, previous=previous)


def chunks(execution_id: str, events: Sequence[Event]) -> list[Put]:
    """The writes that keep these events: one chunk, or more when their texts are long."""
    put, size = _chunk(execution_id, events)
    if size <= CHUNK_CHARACTERS_MAX:
        return [put]
    groups: list[list[Event]] = [[]]
    size = 0
    for event in events:
        own = sum(len(text) for text in event.details.values() if type(text) is str)
        size += own
        if size > CHUNK_CHARACTERS_MAX and groups[-1]:
            groups.append([])
            size = own
        groups[-1].append(event)
    return [_chunk(execution_id, group)[0] for group in groups]


def _chunk(execution_id: str, events: Sequence[Event]) -> tuple[Put, int]:
    """The write that keeps these events in one chunk, and how many characters its texts have."""
    texts: dict[str, int] = {}
    packed: list[tuple[int, int, datetime, str, dict[str, Detail], dict[str, int]]] = []
    size = 0
    for event in events:
        details: dict[str, Detail] = {}
        payloads: dict[str, int] = {}
        for name, value in event.details.items():
            if name in _PAYLOADS and type(value) is str:
                place = texts.get(value)
                if place is None:
                    place = texts[value] = len(texts)
                    size += len(value)
                payloads[name] = place
            else:
                details[name] = value
        packed.append((event.id, event.previous_id, event.at, event.type, details, payloads))
    return Put(key=chunk(execution_id, events[0].id), value=Chunk(events=packed, texts=list(texts))), size


def told(chunk: Chunk) -> list[HistoryEvent]:
    """The chunk's events as a reader sees them."""
    return [
        HistoryEvent(
            id=number,
            previous_id=previous,
            type=kind,
            at=at,
            details={**details, **{name: value(chunk.texts[place]) for name, place in payloads.items()}},
        )
        for number, previous, at, kind, details, payloads in chunk.events
    ]


def value(text: str) -> Any:
    """The JSON value of a payload; the text itself where it is none."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def shown(head: Head) -> Execution:
    """The execution as a reader sees it."""
    run = head.run
    return Execution(
        execution_id=head.execution_id,
        machine=head.machine,
        name=run.circumstances.execution_name,
        express=head.express,
        status=ExecutionStatus(run.status.value),
        started_at=run.started_at,
        started_by=head.started_by,
        ended_at=run.ended_at,
        stopped_by=head.stopped_by,
        redrives=head.redrives,
        input=run.input,
        output=run.output,
        error=run.error,
        cause=run.cause,
        awaiting=() if run.is_over else tuple(call.state for call in run.calls() if call.token is not None),
    )
