"""Functions touch what their rows in the table permit, and nothing else: tried with ports that look who uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import payday
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts.booking import CancelBooking
from ecosystem.contexts.disputes import Answer
from ecosystem.kernel.actor import Group
from ecosystem.ports import Ports
from ecosystem.workflows.functions import TABLE, Function, Permission
from ecosystem.workflows.triggers import OnEvent, OnSchedule, OnTask
from ecosystem.workflows.wiring import Wiring
from market import ADA, Market, over, sandbox_in
from workflows.lives import DAY, HOUR, admitted
from workflows.test_dispute_resolution import opened, says

Acted = Callable[..., Awaitable[Any]]
FREE = ("step", "changed", "currencies")
"""What tells of a port itself, and touches nothing."""

NEEDS: dict[str, tuple[dict[str, Permission], Permission]] = {
    "table": (
        dict.fromkeys(("get", "batch_get", "query", "scan", "changes"), Permission.TABLE_READ),
        Permission.TABLE_WRITE,
    ),
    "cards": ({}, Permission.CARDS),
    "accounts": ({}, Permission.CARDS),
    "calendars": ({}, Permission.CALENDARS),
    "seal": ({}, Permission.SEAL),
    "workflows": (
        dict.fromkeys(("describe", "history", "listed", "awaited", "machines"), Permission.EXECUTIONS_READ),
        Permission.EXECUTIONS,
    ),
    "search": (
        dict.fromkeys(("search", "suggest", "place"), Permission.SEARCH_READ),
        Permission.SEARCH_WRITE,
    ),
    "blobs": ({"get": Permission.BLOBS_READ}, Permission.BLOBS_WRITE),
}
"""For each port what its methods need, and what the others do."""

INCLUDED = {
    Permission.TABLE_WRITE: Permission.TABLE_READ,
    Permission.SEARCH_WRITE: Permission.SEARCH_READ,
    Permission.BLOBS_WRITE: Permission.BLOBS_READ,
    Permission.EXECUTIONS: Permission.EXECUTIONS_READ,
}
ACTING: ContextVar[Function | None] = ContextVar("acting", default=None)


@dataclass
class Watch:
    """What functions did that they may not, and which of them did anything."""

    wrong: set[str] = field(default_factory=set[str])
    called: set[str] = field(default_factory=set[str])


class Watched:
    """A port that looks who uses it."""

    def __init__(self, port: Any, name: str, watch: Watch) -> None:
        self._port, self._name, self._watch = port, name, watch

    def __getattr__(self, name: str) -> Any:
        function = ACTING.get()
        if function is not None and name not in FREE:
            named, else_needed = NEEDS[self._name]
            needed = named.get(name, else_needed)
            granted = {*function.permissions, *(INCLUDED.get(each) for each in function.permissions)}
            if needed not in granted:
                self._watch.wrong.add(f"{function.name} uses {self._name}.{name}, which needs {needed}")
        return getattr(self._port, name)


def watched(ports: Ports, watch: Watch) -> Ports:
    return with_fields(ports, **{name: Watched(getattr(ports, name), name, watch) for name in NEEDS})


def known(function: Function, watch: Watch) -> Function:
    """The function, whose acts are known to the ports as its own."""

    def acting(kind: str, act: Acted) -> Acted:
        async def acted(*given: Any) -> Any:
            watch.called.add(f"{function.name} {kind}")
            before = ACTING.set(function)
            try:
                return await act(*given)
            finally:
                ACTING.reset(before)

        return acted

    entry = function.entry
    acts = {
        kind: acting(kind, act) for kind in ("event", "schedule", "changes", "request") if (act := getattr(entry, kind))
    }
    tasks = entry.tasks and {name: acting("task", act) for name, act in entry.tasks.items()}
    return replace(function, entry=with_fields(entry, **acts, tasks=tasks))


@pytest.fixture
async def observed(quick_path: Path, clock: VirtualClock) -> AsyncIterator[tuple[Market, Watch]]:
    """A marketplace whose functions are watched."""
    watch = Watch()
    async with (
        sandbox_in(quick_path, clock) as sandbox,
        over(quick_path, sandbox.origin, sandbox.keys, clock) as (made, ports),
    ):
        market = with_fields(made, app=App.of(watched(ports, watch)), sandbox=sandbox)
        market._wiring = Wiring.of(market.app, [known(function, watch) for function in TABLE])
        yield market, watch


async def test_no_function_touches_what_its_row_does_not_permit(observed: tuple[Market, Watch]) -> None:
    shop, watch = observed
    await admitted(shop, "Oscar Wilde", Group.ADMINS)
    owner = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    service_id = await shop.service(await shop.provider(owner), owner=owner)
    await payday.can_be_paid(shop, owner)
    await payday.earned(shop, owner=owner)
    await shop.app.paying_out.ask(payday.wanted(shop, 5_000), owner)
    await shop.provider()
    dispute = await opened(shop)
    await says(shop, dispute, Answer.CONTESTED)
    cancelled = await shop.book(service_id, shop.tomorrow() + 5 * DAY)
    await shop.hold(service_id, shop.tomorrow())
    await shop.passes(timedelta(minutes=2))
    await shop.app.closing.cancel(CancelBooking(booking_id=cancelled.booking.booking_id), ADA)
    await shop.passes(7 * DAY)
    await shop.passes(HOUR)

    assert watch.wrong == set()
    kinds = {OnEvent: "event", OnSchedule: "schedule", OnTask: "task"}
    wanted = {f"{each.name} {kinds[kind]}" for each in TABLE for kind in kinds if each.of(kind)}
    # What webhooks and files of the bank bring is tried where they are; nobody signs up, keeps a card or decides a case.
    elsewhere = {
        "ach-processor",
        "dispute-workflow",
        "fraud-detector",
        "profile-events",
        "stripe-connect",
        "stripe-webhook",
    }
    assert wanted - watch.called <= {f"{name} event" for name in elsewhere}


async def test_what_a_row_does_not_permit_is_seen(observed: tuple[Market, Watch]) -> None:
    shop, watch = observed
    ACTING.set(replace(TABLE[0], permissions=(Permission.TABLE_READ,)))

    await shop.provider()

    assert watch.wrong == {f"{TABLE[0].name} uses table.transact, which needs table:write"}
