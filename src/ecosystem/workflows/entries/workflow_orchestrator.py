"""`workflow-orchestrator`: begins an execution where an event calls for one, and answers the steps that wait for it.

An execution is named after its matter, so an event that comes twice begins one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import StartExecution
from ecosystem.workflows.triggers import Entry
from ecosystem.workflows.waits import Waits

ACTOR = system("workflow-orchestrator")


class Beginning(Struct, frozen=True, kw_only=True):
    """An event of that type begins an execution of the machine, named by the field `matter` of its detail.

    The execution's input is the event's detail.
    """

    type: str
    machine: str
    matter: str


BEGINNINGS: tuple[Beginning, ...] = ()
"""Which events begin what."""

AWAITED: Mapping[str, str] = {}
"""Types of event that steps wait for, and the field of the detail that names the matter."""

TYPES = tuple(sorted({each.type for each in BEGINNINGS} | set(AWAITED)))


async def orchestrate(market: App, event: Event) -> None:
    for beginning in BEGINNINGS:
        if beginning.type == event.type:
            await begin(market, beginning, event)
    if field := AWAITED.get(event.type):
        await Waits(market.ports.table, market.ports.workflows).answer(str(event.detail[field]), event)


async def begin(market: App, beginning: Beginning, event: Event) -> None:
    """Begin the execution that the event calls for; one that has begun goes on as it is."""
    given: dict[str, Any] = event.detail
    request = StartExecution(machine=beginning.machine, name=str(given[beginning.matter]), input=given)
    await market.ports.workflows.start(request, ACTOR)


ENTRY = Entry(event=orchestrate)
