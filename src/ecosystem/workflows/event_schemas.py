"""What events look like, for whoever takes them: a JSON Schema for each type, made from its fact, and a page.

scripts/events writes both: `schemas/events.json` beside this module, and `docs/events.md`. A fact whose fields changed
needs a raised `schema`, and is refused without.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any, cast, get_args

import msgspec
from msgspec import Struct

import ecosystem
from ecosystem.ports.bus import ACCOUNT, REGION, Fact

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "/api/schemas/events"
ROOMS = ("contexts", "ports", "workflows")
"""Where facts are told."""

HEAD = """# Events
Every change of state writes its event in the transaction that makes it. Events reach the bus
`ecosystem-marketplace-events`, at least once and, to one rule, in order per aggregate: what takes them must not mind
having one twice. This page is made by `scripts/events` from the facts in the code; a test holds it to them.

## The envelope
As the cloud's bus (Amazon EventBridge) has it, in both deployments:

| field | what |
| --- | --- |
| `id` | the event's id. In the cloud each delivery has one of its own; ours is then in `detail.metadata.event_id` |
| `detail-type` | what happened, in the past tense: the headings below |
| `source` | the part of the house that tells it |
| `time` | when it happened, UTC, to the microsecond |
| `account`, `region` | of the cloud; `000000000000` and `local` where there is none |
| `resources` | one: the aggregate, the thing it is about, such as `BOOKING#bkg_...` |
| `replay-name` | only in events that a replay hands over once more: its name |
| `detail` | the fields of the fact, as below, and `metadata` |
| `detail.metadata.sequence` | the aggregate's version after it; counts up, with gaps |
| `detail.metadata.actor` | who did it: `id`, `groups`, and `impersonator`, the operator who acted as them, or null |
| `detail.metadata.previous` | what changed, as it was before |
| `detail.metadata.trace_id` | one for all that one request, or one turn of a schedule, led to |
| `detail.metadata.schema_version` | counts up when the fields of the fact change |

The JSON Schema (2020-12) of each type is served at `/api/schemas/events/<type>.json`, their list at
`/api/schemas/events`.

## Patterns
A rule's pattern is an event pattern as EventBridge defines them: exact values, `prefix`, `suffix`, `equals-ignore-case`,
`anything-but`, `numeric`, `exists`, `wildcard`, `cidr`, `$or`, nested fields, any element of an array. For example, what
was cancelled with something to give back, whoever acted as somebody else:

```json
{
  "source": ["booking"],
  "detail-type": ["BookingCancelled"],
  "detail": {
    "refund": {"minor": [{"numeric": [">", 0]}]},
    "metadata": {"actor": {"impersonator": [{"anything-but": ""}], "id": [{"prefix": "usr_"}]}}
  }
}
```

Rules whose patterns name `detail-type` exactly are found by it: events of other types cost them nothing.

## Archive, replay, dead letters
Events stay, except for the firings of schedules (`ScheduleFired`), which go after thirty days. An operator lists and
counts those of a time window that match a pattern, and starts a replay of them to all rules or to some: it goes on after
a restart, shows how far it is, and can be cancelled. It looks at nothing younger than a minute, so that what an index has
late is in it. What a rule fails on is tried again after 2, 4, 8 ... seconds, and is at last a dead letter under the rule's
name, with the reason, until an operator has it tried again or gives it up. Later events of the same aggregate wait for
it, for that rule, through its first four attempts; then they go past it. What hangs holds up nobody else: when too much
is under way, it is kept like what failed, goes on, and is tried again only after a restart.
"""


class Unraised(Exception):
    """Facts whose fields changed under the same version."""


def facts() -> list[type[Fact]]:
    """Every fact of the house, by source and name."""
    for room in ROOMS:
        package = importlib.import_module(f"{ecosystem.__name__}.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return sorted(_leaves(Fact), key=lambda fact: (fact.source, fact.__name__))


def _leaves(kind: type[Fact]) -> Iterator[type[Fact]]:
    below = [each for each in kind.__subclasses__() if each.__module__.startswith(f"{ecosystem.__name__}.")]
    for each in below:
        yield from _leaves(each)
    if not below and kind is not Fact:
        yield kind


def schema(fact: type[Fact]) -> dict[str, Any]:
    """The JSON Schema of events of that fact, in the envelope of the bus."""
    (_, components) = msgspec.json.schema_components([fact], ref_template="#/$defs/{name}")
    definitions: dict[str, Any] = dict(components)
    detail = definitions.pop(fact.__name__)
    for field in msgspec.structs.fields(fact):
        # A time is written with its offset; of a plain `datetime` the library leaves that open.
        if datetime in (field.type, *get_args(field.type)):
            either = detail["properties"][field.encode_name].get("anyOf", [detail["properties"][field.encode_name]])
            next(each for each in either if each.get("type") == "string")["format"] = "date-time"
    text = {"type": "string"}
    return {
        "$schema": DIALECT,
        "$id": f"urn:ecosystem:events:{fact.__name__}:{fact.schema}",
        "title": fact.__name__,
        "description": when(fact),
        "type": "object",
        "properties": {
            "version": {"const": "0"},
            "id": {"type": "string", "minLength": 1},
            "detail-type": {"const": fact.__name__},
            "source": {"const": fact.source},
            "account": {"type": "string", "examples": [ACCOUNT]},
            "time": {"type": "string", "format": "date-time"},
            "region": {"type": "string", "examples": [REGION]},
            "resources": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 1},
            "replay-name": {"type": "string", "minLength": 1},
            "detail": {
                "type": "object",
                "properties": {
                    **detail["properties"],
                    "metadata": {
                        "type": "object",
                        "properties": {
                            "event_id": {"type": "string", "minLength": 1},
                            "sequence": {"type": "integer", "minimum": 1},
                            "actor": {
                                "type": "object",
                                "properties": {
                                    "id": {"type": "string", "minLength": 1},
                                    "groups": {"type": "array", "items": text},
                                    "impersonator": {"type": ["string", "null"]},
                                },
                                "required": ["id", "groups", "impersonator"],
                            },
                            "previous": {"type": "object"},
                            "trace_id": {"type": "string", "minLength": 1},
                            "schema_version": {"const": fact.schema},
                        },
                        "required": ["event_id", "sequence", "actor", "previous", "trace_id", "schema_version"],
                    },
                },
                "required": [*detail.get("required", ()), "metadata"],
            },
        },
        "required": ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"],
        **({"$defs": definitions} if definitions else {}),
    }


def schemas(known: Sequence[type[Fact]]) -> dict[str, Any]:
    """The schemas of these facts, by type."""
    return {fact.__name__: schema(fact) for fact in sorted(known, key=lambda fact: fact.__name__)}


def published() -> Mapping[str, Any]:
    """The schemas as they are published, by type."""
    text = resources.files(__package__ or "").joinpath("schemas", "events.json").read_bytes()
    return cast("Mapping[str, Any]", msgspec.json.decode(text))


def version(of: Mapping[str, Any]) -> int:
    """The version of the fact that a schema is of."""
    return of["properties"]["detail"]["properties"]["metadata"]["properties"]["schema_version"]["const"]


def unraised(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The types whose facts have other fields than before, under the same version or a lower one."""

    def fields(of: Mapping[str, Any]) -> Any:
        detail = of["properties"]["detail"]
        own = {name: field for name, field in detail["properties"].items() if name != "metadata"}
        return own, sorted(detail["required"]), of.get("$defs", {})

    return [
        name
        for name, schema_now in now.items()
        if (earlier := before.get(name)) is not None
        and fields(earlier) != fields(schema_now)
        and version(schema_now) <= version(earlier)
    ]


def when(fact: type[Fact]) -> str:
    """When the fact is told, in its own words."""
    return " ".join((inspect.getdoc(fact) or "").split())


def page(known: Sequence[type[Fact]]) -> str:
    """The page about events, as Markdown."""
    lines = [HEAD]
    for source in sorted({fact.source for fact in known}):
        lines += [f"## {source}", "| type | when | fields |", "| --- | --- | --- |"]
        for fact in sorted(known, key=lambda fact: fact.__name__):
            if fact.source == source:
                later = f" (version {fact.schema})" if fact.schema > 1 else ""
                lines.append(f"| `{fact.__name__}`{later} | {when(fact)} | {_fields(schema(fact))} |")
        lines.append("")
    return "\n".join(lines)


def _fields(of: Mapping[str, Any]) -> str:
    detail = of["properties"]["detail"]["properties"]
    return ", ".join(f"`{name}` {_kind(field)}" for name, field in detail.items() if name != "metadata")


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if "enum" in field:
        return " or ".join(str(each) for each in field["enum"])
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}" if "items" in field else "list"
    return {"date-time": "time", "date": "date"}.get(field.get("format", ""), str(field.get("type", "anything")))


class Entry(Struct, frozen=True, kw_only=True):
    """One type in the published list."""

    type: str
    source: str
    version: int
    description: str
    schema: str


def listed(of: Mapping[str, Any]) -> list[Entry]:
    """The published types, as a list."""
    return [
        Entry(
            type=name,
            source=each["properties"]["source"]["const"],
            version=version(each),
            description=each["description"],
            schema=f"{ADDRESS}/{name}.json",
        )
        for name, each in of.items()
    ]


def main(what: str) -> None:
    known = facts()
    if what == "page":
        sys.stdout.write(page(known))
        return
    made = schemas(known)
    if missing := unraised(published(), made):
        raise Unraised(f"Their fields changed; raise the `schema` of: {', '.join(missing)}")
    # A line for each type, so that a change of one is seen as such.
    lines = (f'"{name}": {msgspec.json.encode(each).decode()}' for name, each in made.items())
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])
