"""Executions of state machines on the embedded table: how many steps pass in a second, what waiting costs, what a
start takes, and what happens when ten thousand of them fall due together.

    python -m bench.workflows
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from bench.rows import Row, markdown
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.kernel.actor import system
from ecosystem.ports.workflows import Definition, ExecutionStatus, StartExecution, TaskCall

ACTOR = system("bench")
EXECUTIONS = 200
STATES = 25
WAITING = 10_000
SAMPLED_S = 15.0
STARTS = 200
PAYLOAD = {"booking_id": "bkg_01kag2m8xw0000000000000000", "note": "x" * 940}
"""1 kB of JSON."""


def chain(states: int) -> bytes:
    """A machine of so many tasks, one after the other."""
    names = [f"Step {number}" for number in range(1, states + 1)]
    following = [*names[1:], None]
    return json.dumps(
        {
            "StartAt": names[0],
            "States": {
                name: {"Type": "Task", "Resource": "work", **({"Next": after} if after else {"End": True})}
                for name, after in zip(names, following, strict=True)
            },
        }
    ).encode()


WAITS = json.dumps(
    {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "TimestampPath": "$.until", "Next": "Work"},
            "Work": {"Type": "Task", "Resource": "work", "End": True},
        },
    }
).encode()


@asynccontextmanager
async def engine(folder: Path, *, states: int = STATES) -> AsyncIterator[tuple[EmbeddedTable, EmbeddedWorkflows]]:
    clock = SystemClock()
    table = await EmbeddedTable.open(folder / "table.sqlite", clock)
    workflows = EmbeddedWorkflows(table, clock, SystemEntropy())

    async def work(call: TaskCall) -> Any:
        return call.input

    workflows.bind(
        [
            Definition(name="chain", content=chain(states), file="chain.asl.json"),
            Definition(name="waits", content=WAITS, file="waits.asl.json"),
        ],
        {"work": work},
    )
    running = asyncio.create_task(workflows.run())
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    yield table, workflows
    await workflows.close()
    await running
    await table.close()


async def transitions(executions: int = EXECUTIONS, states: int = STATES) -> list[Row]:
    """Steps of many executions side by side, each a task with its events in the history."""
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder), states=states) as (_, workflows):
            await workflows.start(StartExecution(machine="chain", name="warm", input=PAYLOAD), ACTOR)
            await workflows.drained()
            began, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(
                *(
                    workflows.start(StartExecution(machine="chain", name=f"{number}", input=PAYLOAD), ACTOR)
                    for number in range(executions)
                )
            )
            await workflows.drained()
            took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
            ended = await workflows.listed(machine="chain", status=ExecutionStatus.SUCCEEDED, limit=1000)
            assert len(ended.executions) == executions + 1
            history = await workflows.history("chain:0", limit=1000)
            assert sum(event.type == "TaskStateExited" for event in history.events) == states
    count = executions * states
    return [
        Row(
            part="workflows",
            name=f"transitions, {executions} executions side by side, history and 1 kB payloads",
            figure=count / took_s,
            unit="/s",
            goal="3,000 /s",
        ),
        Row(part="workflows", name="CPU a transition", figure=cpu_s / count * 1e6, unit="µs", goal="150 µs"),
    ]


async def starts(count: int = STARTS) -> list[Row]:
    """How long a start takes, one after the other."""
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder), states=1) as (_, workflows):
            for number in range(count + 10):
                began = time.perf_counter()
                await workflows.start(StartExecution(machine="chain", name=f"{number}", input=PAYLOAD), ACTOR)
                took.append(time.perf_counter() - began)
                await workflows.drained()
    took = sorted(took[10:])
    return [
        Row(
            part="workflows",
            name="start of an execution",
            figure=statistics.median(took) * 1e3,
            unit="ms",
            goal="10 ms",
        ),
        Row(part="workflows", name="start of an execution, p99", figure=took[int(len(took) * 0.99)] * 1e3, unit="ms"),
    ]


class Pulse:
    """How long the loop lets others wait."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest_s = max(self.longest_s, time.perf_counter() - before - 0.001)

    async def stop(self) -> float:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return self.longest_s


async def waiting(executions: int = WAITING, sampled_s: float = SAMPLED_S, lead_s: float = 5.0) -> list[Row]:
    """What waiting executions cost, and what happens when all fall due together."""
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as (_, workflows):
            clock = SystemClock()
            spread_s = executions / 1500
            due_at = clock.now() + timedelta(seconds=sampled_s + spread_s + lead_s)
            given = {"until": due_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "note": "x" * 900}
            for first in range(0, executions, 100):
                await asyncio.gather(
                    *(
                        workflows.start(StartExecution(machine="waits", name=f"{number}", input=given), ACTOR)
                        for number in range(first, min(first + 100, executions))
                    )
                )
            await asyncio.sleep(0.5)
            cpu = time.process_time()
            sampled = max(0.1, min(sampled_s, (due_at - clock.now()).total_seconds() - 1))
            await asyncio.sleep(sampled)
            share = (time.process_time() - cpu) / sampled * 100
            await asyncio.sleep(max(0.0, (due_at - clock.now()).total_seconds() - 0.2))
            pulse = Pulse()
            began = time.perf_counter()
            while (await workflows.listed(machine="waits", status=ExecutionStatus.RUNNING, limit=1)).executions:
                await asyncio.sleep(0.05)
            drained_s = time.perf_counter() - began
            stall_s = await pulse.stop()
    return [
        Row(part="workflows", name=f"{executions:,} waiting", figure=share, unit="% of a core", goal="under 1 %"),
        Row(part="workflows", name=f"{executions:,} due together: drained in", figure=drained_s, unit="s"),
        Row(part="workflows", name="meanwhile: the loop's longest stall", figure=stall_s * 1e3, unit="ms"),
    ]


async def measured() -> list[Row]:
    return [*await transitions(), *await starts(), *await waiting()]


def run() -> list[Row]:
    """The figures, on the event loop that serves pages."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    print(markdown(run()))


if __name__ == "__main__":
    main()
