"""What every event of a marketplace has to be, whatever made it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, validator_for

from ecosystem.ports.bus import Event, enveloped
from ecosystem.ports.table import Table
from ecosystem.workflows.event_schemas import facts, schema

UNTOLD = frozenset({"PasswordChanged", "ProfileChanged", "ScheduleFired"})
"""Types that say nothing of what was before: it may be a name, a number or a secret, or there is no such thing."""


@cache
def checks() -> dict[str, Draft202012Validator]:
    return {fact.__name__: validator_for(schema(fact), validate_formats=True) for fact in facts()}


def faults(event: Event) -> Iterator[str]:
    """What is wrong with the event."""
    envelope: dict[str, Any] = enveloped(event)
    yield from (f"{event.type}: {fault.message}" for fault in checks()[event.type].iter_errors(envelope))
    if event.sequence > 1 and not event.previous and event.type not in UNTOLD:
        yield f"{event.type}: what it was before is missing"


async def all_sound(table: Table) -> None:
    """Assert that every event that was announced is as its schema says, and has what a change has to have."""
    after, found = None, set[str]()
    while True:
        page = await table.scan(Event, after=after)
        found |= {fault for event in page.values for fault in faults(event)}
        after = page.next
        if after is None:
            break
    assert not found, sorted(found)
