"""Facts become events in the same commit that made them true.

A fact is a small struct in a context's `events.py`. `announce` turns it into the write of an `Event` item in the
aggregate's own partition (its timeline); the relay finds it in the table's changes and hands it to the reactions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zlib import crc32

import msgspec
from msgspec import Struct, field

from ecosystem.kernel import trace
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.time import sortable
from ecosystem.ports.audit import AuditKind, audited_as
from ecosystem.ports.table import ABSENT, Index, Key, Put, Stored

BUS = "ecosystem-marketplace-events"
ACCOUNT = "000000000000"
REGION = "local"
"""Where no cloud is: what stands in the envelope for the cloud's account and region."""

SHARDS = 8
TIMELINE = "EVENT#"
"""What the places of events in their aggregate's partition begin with."""


class Fact(Struct, frozen=True, kw_only=True):
    """Base of what happened. The class name is the event's type, in the past tense; `source` names the context.

    `audited` is the kind under which the audit log takes it in, whoever caused it; left out, only what an operator
    causes is taken in.
    """

    source: ClassVar[str]
    schema: ClassVar[int] = 1
    audited: ClassVar[AuditKind | None] = None


class Event(Stored, frozen=True, kw_only=True):
    """A fact with its circumstances. `sequence` is the aggregate's version after the commit: order within it.

    `detail` and `previous` hold plain values (JSON); `previous` what changed, as it was before. `audit` is the kind under
    which the audit log takes it in, empty when it does not.
    """

    entity: ClassVar[str] = "event"

    event_id: str
    source: str
    type: str
    at: datetime
    aggregate: str
    sequence: int
    actor: Actor
    detail: dict[str, Any]
    previous: dict[str, Any] = field(default_factory=dict[str, Any])
    trace_id: str = ""
    schema_version: int = 1
    audit: str = ""


class Replayed(Event, frozen=True, kw_only=True):
    """An event handed over once more, out of the archive, by the replay of that name. It is not stored as such."""

    entity: ClassVar[str] = "replayed event"

    replay_name: str


def replayed(event: Event, name: str) -> Replayed:
    """The event as a replay of that name hands it over."""
    fields = {field: getattr(event, field) for field in Event.__struct_fields__}
    return Replayed(**fields, replay_name=name)


def announce(
    fact: Fact,
    *,
    aggregate: str,
    sequence: int,
    actor: Actor,
    at: datetime,
    previous: dict[str, Any] | None = None,
) -> Put:
    """The write that makes the fact an event, to be committed with what made it true.

    `aggregate` is the partition of the thing it is about, such as `BOOKING#bkg_...`; `sequence` its new version. One
    aggregate has at most one event of a type per version, so the id needs no randomness and a retry none either.
    """
    kind = type(fact)
    event_id = f"{aggregate}:{sequence}:{kind.__name__}"
    event = Event(
        event_id=event_id,
        source=kind.source,
        type=kind.__name__,
        at=at,
        aggregate=aggregate,
        sequence=sequence,
        actor=actor,
        detail=msgspec.to_builtins(fact),
        previous=previous or {},
        # What nothing before it caused begins a trace of its own.
        trace_id=trace.trace_id.get() or event_id,
        schema_version=kind.schema,
        audit=audited_as(kind.audited, actor),
    )
    return Put(
        key=event_key(aggregate, sequence, kind.__name__),
        value=event,
        index={
            Index.STATUS: Key(event_shard(at, crc32(aggregate.encode()) % SHARDS), f"{sortable(at)}#{event.event_id}")
        },
        expected=ABSENT,
    )


def enveloped(event: Event) -> dict[str, Any]:
    """The event as the cloud's bus would hand it over, in plain values: what event patterns are matched against.

    `detail` is the fact, and under `metadata` its circumstances. `metadata.event_id` is ours in both deployments (the
    cloud's bus gives each delivery an `id` of its own). What a replay hands over has a `replay-name`.
    """
    actor = event.actor
    return {
        **({"replay-name": event.replay_name} if isinstance(event, Replayed) else {}),
        "version": "0",
        "id": event.event_id,
        "detail-type": event.type,
        "source": event.source,
        "account": ACCOUNT,
        "time": sortable(event.at),
        "region": REGION,
        "resources": [event.aggregate],
        "detail": {
            **event.detail,
            "metadata": {
                "event_id": event.event_id,
                "sequence": event.sequence,
                "actor": {
                    "id": actor.actor_id,
                    "groups": [group.value for group in actor.groups],
                    "impersonator": actor.impersonator,
                },
                "previous": event.previous,
                "trace_id": event.trace_id,
                "schema_version": event.schema_version,
            },
        },
    }


def event_key(aggregate: str, sequence: int, kind: str) -> Key:
    """Access: the timeline of one aggregate, in order (prefix `TIMELINE`)."""
    return Key(aggregate, f"{TIMELINE}{sequence:012d}#{kind}")


def type_of(key: Key) -> str:
    """The type of the event in that place of a timeline: who waits for some types need not read the others."""
    return key.sort.rpartition("#")[2]


def event_shard(at: datetime, shard: int) -> str:
    """Access: the events of a day across all aggregates, merged from `SHARDS` partitions of the status index."""
    return f"EVENTS#{at.date().isoformat()}#{shard}"
