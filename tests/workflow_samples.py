"""Machines, functions and interpreters for tests of workflows: what is called is written down, and may be held up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.kernel.actor import system
from ecosystem.ports.table import Table
from ecosystem.ports.workflows import Definition, Execution, StartExecution, TaskCall, TaskFailed

ACTOR = system("tests")
LEASE = timedelta(seconds=60)


def machine(
    states: Mapping[str, Mapping[str, Any]], *, name: str = "m", express: bool = False, **more: Any
) -> Definition:
    """A machine that begins with its first state."""
    content = json.dumps({"StartAt": next(iter(states)), "States": states, **more}).encode()
    return Definition(name=name, content=content, file=f"{name}.asl.json", express=express)


def chain(*functions: str, name: str = "m", express: bool = False, **more: Any) -> Definition:
    """A machine of tasks, one after the other, each named after its place."""
    states = {
        f"S{place}": {
            "Type": "Task",
            "Resource": function,
            **more,
            **({"Next": f"S{place + 1}"} if place < len(functions) else {"End": True}),
        }
        for place, function in enumerate(functions, 1)
    }
    return machine(states, name=name, express=express)


class Functions:
    """Functions that a machine may call. What they did is in `effects`, once per idempotency id, and in `calls`."""

    def __init__(self) -> None:
        self.calls: list[TaskCall] = []
        self.effects: dict[str, TaskCall] = {}
        self.running: Counter[str] = Counter()
        self.at_once = 0
        self.cancelled: list[str] = []
        self.open = asyncio.Event()

    def named(self) -> dict[str, Any]:
        return {
            "echo": self.echo,
            "ask": self.ask,
            "held": self.held,
            "refuse": self.refuse,
            "fail": self.fail,
            "break": self.breaks,
            "grow": self.grow,
            "odd": self.odd,
        }

    def entered(self, call: TaskCall) -> None:
        self.calls.append(call)
        self.effects.setdefault(call.idempotency_id, call)

    async def echo(self, call: TaskCall) -> Any:
        self.entered(call)
        return call.input

    async def ask(self, call: TaskCall) -> Any:
        self.entered(call)
        return {"ignored": True}

    async def held(self, call: TaskCall) -> Any:
        """Return only when let go."""
        self.entered(call)
        self.running[call.idempotency_id] += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(call.idempotency_id)
            raise
        finally:
            self.running[call.idempotency_id] -= 1
        return {"by": call.fence}

    async def refuse(self, call: TaskCall) -> Any:
        from ecosystem.kernel.refusals import Conflict

        class SlotTaken(Conflict):
            """Somebody else has it."""

        self.entered(call)
        raise SlotTaken

    async def fail(self, call: TaskCall) -> Any:
        self.entered(call)
        raise TaskFailed("Declined", "no money")

    async def breaks(self, call: TaskCall) -> Any:
        self.entered(call)
        raise ZeroDivisionError("division by zero")

    async def grow(self, call: TaskCall) -> Any:
        self.entered(call)
        return {"much": "x" * 200_000}

    async def odd(self, call: TaskCall) -> Any:
        self.entered(call)
        return object()

    def called(self, function: str) -> int:
        return sum(call.function == function for call in self.calls)


class World:
    """A table, a clock, functions, and as many interpreters as a test wants, one after the other or side by side."""

    def __init__(self, table: Table, clock: VirtualClock, definitions: Sequence[Definition] = ()) -> None:
        self.table = table
        self.clock = clock
        self.functions = Functions()
        self.definitions = list(definitions)
        self._made = 0

    def interpreter(self, *, alone: bool = True, functions: Functions | None = None) -> EmbeddedWorkflows:
        self._made += 1
        made = EmbeddedWorkflows(self.table, self.clock, SeededEntropy(self._made), alone=alone, lease=LEASE)
        made.bind(self.definitions, (functions or self.functions).named())
        return made

    def request(self, given: Any = None, *, name: str = "one", machine: str = "m") -> StartExecution:
        return StartExecution(machine=machine, name=name, input={} if given is None else given)

    async def live(self, workflows: EmbeddedWorkflows, seconds: float, *, step_s: float = 1.0) -> None:
        """Let that much time pass, acting on each instant as it comes."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            self.clock.advance(min(timedelta(seconds=step_s), end - self.clock.now()))
            await workflows.step()


async def types(workflows: EmbeddedWorkflows, execution_id: str = "m:one") -> list[str]:
    """The types of all events of a history."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = await workflows.history(execution_id, after=after, limit=1000)
        found += [event.type for event in page.events]
        after = page.next
    return found


def ended(execution: Execution) -> tuple[str, Any, str | None, str | None]:
    return execution.status.value, execution.output, execution.error, execution.cause
