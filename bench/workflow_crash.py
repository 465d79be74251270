"""Executions under kills: a child carries two hundred of them, is sent SIGKILL at random moments, and begun again.

    python -m bench.workflow_crash [--kills 100] [--executions 200] [--seed 1]

What their functions do to the world outside is written by the child into a log that outlives it, under each call's
idempotency id, as a company outside would. When all have ended, each must have ended as it does in a life without
kills, with each effect in the log exactly once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bench.rows import Row
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import SystemClock, VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.kernel.actor import system
from ecosystem.ports.workflows import Definition, ExecutionStatus, StartExecution, TaskCall, TaskFailed, TaskNotAwaited

ACTOR = system("drill")
ROUND_S_MAX = 300
MACHINE = json.dumps(
    {
        "StartAt": "Reserve",
        "States": {
            "Reserve": {
                "Type": "Task",
                "Resource": "work",
                "TimeoutSeconds": 60,
                "ResultPath": "$.reserved",
                "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.0}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "Refund"}],
                "Next": "Tell",
            },
            "Tell": {
                "Type": "Parallel",
                "ResultPath": "$.told",
                "Branches": [
                    {
                        "StartAt": f"Tell {who}",
                        "States": {f"Tell {who}": {"Type": "Task", "Resource": "work", "ResultPath": "$.told", "End": True,
                            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.told", "Next": f"Leave {who}"}]},
                            f"Leave {who}": {"Type": "Pass", "End": True}},
                    }
                    for who in ("customer", "provider")
                ],
                "Next": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Ask"},
            "Ask": {
                "Type": "Task",
                "Resource": "ask.waitForTaskToken",
                "Parameters": {"number.$": "$.number"},
                "ResultPath": "$.answer",
                "Next": "Each",
            },
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": 2,
                "ItemProcessor": {
                    "StartAt": "Charge",
                    "States": {
                        "Charge": {
                            "Type": "Task",
                            "Resource": "work",
                            "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}],
                            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Not charged"}],
                            "End": True,
                        },
                        "Not charged": {"Type": "Pass", "End": True},
                    },
                },
                "ResultPath": "$.charged",
                "Next": "Conclude",
            },
            "Conclude": {"Type": "Task", "Resource": "work", "End": True},
            "Refund": {"Type": "Task", "Resource": "work", "ResultPath": "$.refunded", "Next": "Gone"},
            "Gone": {"Type": "Fail", "Error": "Gone", "Cause": "It was given back."},
        },
    }
).encode()  # fmt: skip

Effect = tuple[str, str, int, str]
"""Of which execution, at which state, in which attempt, with what."""


class Outside:
    """The company outside: it does each thing once, under its id, and remembers it in a file."""

    def __init__(self, path: Path | None, seed: int) -> None:
        self._seed = seed
        self.effects: dict[str, Effect] = {}
        self._file = -1
        if path is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            for line in path.read_text().splitlines():
                asked, *effect = json.loads(line)
                assert asked not in self.effects, f"{asked} was done twice"
                self.effects[asked] = (effect[0], effect[1], effect[2], effect[3])

    def do(self, call: TaskCall) -> Any:
        """Do it, unless it was done before; the same answer each time."""
        effect = (call.name, call.state, call.attempt, json.dumps(call.input, sort_keys=True))
        if call.idempotency_id not in self.effects:
            self.effects[call.idempotency_id] = effect
            if self._file >= 0:
                os.write(self._file, json.dumps([call.idempotency_id, *effect]).encode() + b"\n")
        assert self.effects[call.idempotency_id] == effect, f"{call.idempotency_id} became another"
        if Random(repr((self._seed, effect))).random() < 0.25:
            raise TaskFailed("Flaky", call.state)
        return {"of": call.state, "chars": len(effect[3])}


def handlers(
    workflows: EmbeddedWorkflows, outside: Outside, pause: Callable[[], Coroutine[Any, Any, None]]
) -> dict[str, Callable[[TaskCall], Coroutine[Any, Any, Any]]]:
    answering: set[asyncio.Task[None]] = set()

    async def work(call: TaskCall) -> Any:
        await pause()
        done = outside.do(call)
        await pause()
        return done

    async def ask(call: TaskCall) -> None:
        assert call.token is not None
        task = asyncio.create_task(_answered(call.token, call.input["number"]))
        answering.add(task)
        task.add_done_callback(answering.discard)

    async def _answered(token: str, number: int) -> None:
        await pause()
        # Answered meanwhile, perhaps: whoever looks after a kill answers all that is open.
        with suppress(TaskNotAwaited):
            await workflows.succeed(token, {"yes": number % 3 != 0})

    return {"work": work, "ask": ask}


async def _again(workflows: EmbeddedWorkflows, names: list[str]) -> None:
    """Answer what was asked before the kill: whoever was asked is another, and is alive."""
    for name in names:
        for waits in await workflows.awaited(f"drill:{name}"):
            with suppress(TaskNotAwaited):
                await workflows.succeed(waits.token, {"yes": waits.input["number"] % 3 != 0})


def requests(executions: int, number: int) -> list[StartExecution]:
    return [
        StartExecution(machine="drill", name=f"r{number}-{each}", input={"number": each, "items": [1, 2, each]})
        for each in range(executions)
    ]


Ended = tuple[str, Any, str | None, str | None]


async def ended(workflows: EmbeddedWorkflows, wanted: list[StartExecution]) -> dict[str, Ended] | None:
    """How each ended; None while one has not."""
    found: dict[str, Ended] = {}
    for request in wanted:
        execution = await workflows.describe(f"drill:{request.name}")
        if execution.status is ExecutionStatus.RUNNING:
            return None
        found[request.name] = (execution.status.value, execution.output, execution.error, execution.cause)
    return found


async def child(folder: Path, executions: int, number: int, seed: int) -> None:
    """Carry one round to its end, or until killed."""
    random, clock = Random(), SystemClock()
    table = await EmbeddedTable.open(folder / "table.sqlite", clock)
    workflows = EmbeddedWorkflows(table, clock, SystemEntropy())
    outside = Outside(folder / "outside.log", seed)

    async def pause() -> None:
        await asyncio.sleep(random.uniform(0, 0.02))

    workflows.bind(
        [Definition(name="drill", content=MACHINE, file="drill.asl.json")], handlers(workflows, outside, pause)
    )
    running = asyncio.create_task(workflows.run())
    os.write(1, b"!")
    wanted = requests(executions, number)
    for request in wanted:
        await workflows.start(request, ACTOR)
    while (done := await ended(workflows, wanted)) is None:
        await asyncio.sleep(0.3)
        await _again(workflows, [request.name for request in wanted])
    (folder / f"ended-{number}.json").write_text(json.dumps(done))
    await workflows.close()
    await running
    await table.close()


async def undisturbed(executions: int, number: int, seed: int) -> tuple[dict[str, Ended], Counter[Effect]]:
    """How the round ends without a kill, on a clock moved by hand; and what it does outside."""
    with tempfile.TemporaryDirectory() as folder:
        clock = VirtualClock(datetime(2026, 11, 20, tzinfo=UTC))
        table = await EmbeddedTable.open(Path(folder) / "table.sqlite", clock, upkeep=False)
        workflows = EmbeddedWorkflows(table, clock, SystemEntropy())
        outside = Outside(None, seed)

        async def pause() -> None:
            await asyncio.sleep(0)

        workflows.bind(
            [Definition(name="drill", content=MACHINE, file="drill.asl.json")], handlers(workflows, outside, pause)
        )
        wanted = requests(executions, number)
        for request in wanted:
            await workflows.start(request, ACTOR)
        while (done := await ended(workflows, wanted)) is None:
            clock.advance(timedelta(seconds=1))
            await workflows.step()
            await _again(workflows, [request.name for request in wanted])
        await workflows.close()
        await table.close()
    return done, Counter(outside.effects.values())


def run(kills: int = 100, executions: int = 200, seed: int = 1) -> list[Row]:
    """Kill that many times; raises when an execution ends otherwise than undisturbed or an effect is not there once."""
    random = Random(seed)
    started = time.monotonic()
    killed = rounds = effects = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while killed < kills:
            rounds += 1
            killed += _round(folder, executions, rounds, seed, random, kills - killed)
            wanted, wished = asyncio.run(undisturbed(executions, rounds, seed))
            done = {each: tuple(how) for each, how in json.loads((folder / f"ended-{rounds}.json").read_text()).items()}
            differing = [each for each in wanted if wanted[each] != done[each]]
            if differing:
                raise AssertionError(
                    f"round {rounds}: {differing[0]}: {wanted[differing[0]]} became {done[differing[0]]}"
                )
            log = Outside(folder / "outside.log", seed)
            there = Counter(effect for effect in log.effects.values() if effect[0].startswith(f"r{rounds}-"))
            if there != wished:
                raise AssertionError(f"round {rounds}: effects differ: {list((there - wished) + (wished - there))[:5]}")
            effects += there.total()
            print(f"round {rounds}: {killed} kills so far, {effects} effects, each once", flush=True)
    return [
        Row(part="workflows", name="kills (SIGKILL) survived", figure=killed, unit="kills"),
        Row(
            part="workflows",
            name="executions that ended otherwise",
            figure=0,
            unit=f"of {rounds * executions}",
            goal="0",
        ),
        Row(part="workflows", name="outside effects missing or repeated", figure=0, unit=f"of {effects}", goal="0"),
        Row(part="workflows", name="the drill took", figure=time.monotonic() - started, unit="s"),
    ]


def _round(folder: Path, executions: int, number: int, seed: int, random: Random, kills_max: int) -> int:
    """Carry a round to its end, killing whoever carries it at random moments; how often."""
    killed = 0
    began = time.monotonic()
    while not (folder / f"ended-{number}.json").exists():
        assert time.monotonic() - began < ROUND_S_MAX, "a round does not end"
        command = [sys.executable, "-m", "bench.workflow_crash", "--child", str(folder)]
        command += ["--executions", str(executions), "--round", str(number), "--seed", str(seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            assert running.stdout.read(1) == b"!", "the child did not begin"
            if killed >= kills_max:
                assert running.wait() == 0
                continue
            try:
                # Some die while they take over, most in full flight.
                status = running.wait(random.choice([random.uniform(0, 0.05), random.uniform(0, 0.6)]))
                assert status == 0, "the child failed"
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                killed += running.wait() == -signal.SIGKILL
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--round", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(child(given.child, given.executions, given.round, given.seed))
        return
    for row in run(given.kills, given.executions, given.seed):
        print(f"{row.name}: {row.figure:,.0f} {row.unit}")


if __name__ == "__main__":
    main()
