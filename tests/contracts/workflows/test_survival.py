"""Executions that are killed at every boundary end as if nothing had happened, and no finished step is repeated."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import Key, Table
from ecosystem.ports.workflows import Definition, ExecutionStatus, StartExecution, TaskCall, TaskFailed
from workflow_samples import ACTOR, World, chain, ended, machine

Made = Callable[..., World]
LIVES_MAX = 60
INSTANTS_MAX = 300


class Death:
    """The moment at which a process dies: so many commits and calls from its start on."""

    def __init__(self, after: int | None) -> None:
        self.left = after
        self.came = asyncio.Event()

    async def boundary(self) -> None:
        """Go on, unless this is the end: then for ever."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.came.set()
        if self.came.is_set():
            await asyncio.Future()


class Mortal:
    """A table as a process sees it that will die before or after one of its commits."""

    def __init__(self, table: Table, death: Death) -> None:
        self._table = table
        self._death = death

    async def transact(self, *writes: Any, token: str | None = None) -> None:
        await self._death.boundary()
        await self._table.transact(*writes, token=token)
        await self._death.boundary()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


@dataclass
class Outside:
    """What functions do to the world outside: once under each idempotency id, failing as the seed says."""

    seed: int
    effects: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def handler(self, death: Death) -> Callable[[TaskCall], Any]:
        async def work(call: TaskCall) -> Any:
            await death.boundary()
            told = (call.state, call.attempt, repr(call.input))
            assert self.effects.setdefault(call.idempotency_id, told) == told
            await death.boundary()
            if Random(repr((self.seed, told))).random() < 0.3:
                raise TaskFailed("Flaky", call.state)
            return {"of": call.state, "had": len(told[2]) % 7}

        return work


def states(random: Random, depth: int, prefix: str) -> dict[str, Any]:
    """Some states, one after the other; every failure within a branch is caught there."""
    made: dict[str, Any] = {}
    names = [f"{prefix}{number}" for number in range(random.randint(1, 3))]
    for name, after in zip(names, [*names[1:], None], strict=True):
        state = one(random, depth, name)
        state |= {"Next": after} if after else {"End": True}
        if state["Type"] in {"Task", "Parallel", "Map"}:
            state["ResultPath"] = f"$.{name}"
        if state["Type"] == "Task":
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": f"$.{name}", "Next": after or f"{name}!"}]
            if random.random() < 0.6:
                state["Retry"] = [
                    {"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 2.0}
                ]
            if not after:
                made[f"{name}!"] = {"Type": "Pass", "End": True}
        made[name] = state
    return made


def one(random: Random, depth: int, name: str) -> dict[str, Any]:
    kind = random.choice(["Task", "Task", "Task", "Wait", "Pass", *(["Parallel", "Map"] if depth else [])])
    if kind == "Task":
        return {"Type": "Task", "Resource": "work", "TimeoutSeconds": 3600}
    if kind == "Wait":
        return {"Type": "Wait", "Seconds": random.randint(0, 40)}
    if kind == "Pass":
        return {"Type": "Pass", "Result": random.randint(0, 9), "ResultPath": f"$.{name}"}
    inner = [states(random, depth - 1, f"{name}{letter}") for letter in "ab"]
    branches = [
        {"StartAt": next(each for each in inner_ if not each.endswith("!")), "States": inner_} for inner_ in inner
    ]
    if kind == "Parallel":
        return {"Type": "Parallel", "Branches": branches}
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": random.randint(0, 2),
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "items.$": "$.items"},
        "ItemProcessor": branches[0],
    }


def random_machine(seed: int) -> Definition:
    random = Random(seed)
    made = states(random, 2, "S")
    last = {"Type": "Task", "Resource": "work", "End": True}
    first = next(name for name in made if not name.endswith("!"))
    for state in made.values():
        if state.pop("End", None):
            state["Next"] = "Last"
    # The last one may fail the whole.
    return machine({first: made.pop(first), **made, "Last": last})


async def lived(
    table: Table, clock: VirtualClock, definition: Definition, outside: Outside, deaths: Sequence[int]
) -> tuple[tuple[Any, ...], Counter[tuple[str, int, str]]]:
    """Carry one execution to its end through so many deaths; how it ended, and what it did outside."""
    request = StartExecution(machine="m", name="one", input={"items": [1, 2, 3]})
    for number in range(LIVES_MAX):
        death = Death(deaths[number] if number < len(deaths) else None)
        workflows = EmbeddedWorkflows(Mortal(table, death), clock, SeededEntropy(number))
        workflows.bind([definition], {"work": outside.handler(death)})
        living = asyncio.create_task(_life(workflows, clock, request))
        dying = asyncio.create_task(death.came.wait())
        await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED)
        if not dying.done():
            dying.cancel()
            await living
            execution = await workflows.describe("m:one")
            return (
                (execution.status, execution.output, execution.error, execution.cause),
                Counter(outside.effects.values()),
            )
        left = [living, *workflows.at_work]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    raise AssertionError("it lived too often")


async def _life(workflows: EmbeddedWorkflows, clock: VirtualClock, request: StartExecution) -> None:
    await workflows.start(request, ACTOR)
    for _ in range(INSTANTS_MAX):
        await workflows.step()
        if (await workflows.describe("m:one")).status is not ExecutionStatus.RUNNING:
            return
        next_at = await workflows.next_at()
        assert next_at is not None, "it waits for nothing and does not end"
        clock.advance(max(next_at - clock.now(), timedelta(0)))
    raise AssertionError("it does not end")


async def compared(seed: int, deaths: Sequence[int]) -> int:
    """Hold a life with deaths to one without; how many effects there were."""
    definition = random_machine(seed)
    results: list[Any] = []
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        for name, killed in (("whole", ()), ("killed", deaths)):
            clock = VirtualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
            table = await EmbeddedTable.open(Path(folder) / f"{name}.sqlite", clock, upkeep=False)
            try:
                results.append(await lived(table, clock, definition, Outside(seed), killed))
            finally:
                await table.close()
    assert results[1] == results[0]
    return results[0][1].total()


@given(seed=st.integers(0, 2**32), deaths=st.lists(st.integers(1, 12), min_size=1, max_size=40))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_killed_anywhere_it_ends_as_if_it_had_lived(seed: int, deaths: list[int]) -> None:
    asyncio.run(compared(seed, deaths))


@pytest.mark.parametrize("every", [1, 2, 3, 4])
async def test_killed_at_each_boundary_in_turn_it_ends_as_if_it_had_lived(every: int) -> None:
    # Each life gets a little further than the last; dying at the first boundary of all lives would never end.
    effects = await compared(11, [every + number // 2 for number in range(40)])

    assert effects > 3


async def test_on_every_table_a_killed_execution_goes_on(world: Made) -> None:
    here = world()
    outside = Outside(3)

    result, _ = await lived(here.table, here.clock, random_machine(3), outside, [3, 4, 5, 6, 7])

    assert result[0] in {ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED}


class Failing:
    """A table that now and then can be neither read nor written, or says so though it was written."""

    def __init__(self, table: Table, random: Random) -> None:
        self._table = table
        self.random = random

    async def transact(self, *writes: Any, token: str | None = None) -> None:
        how = self.random.random()
        if how < 0.2:
            raise Unavailable("Not now.")
        await self._table.transact(*writes, token=token)
        if how < 0.4:
            raise Unavailable("Nobody knows whether it was written.")

    async def get(self, key: Key, kind: type[Any], **how: Any) -> Any:
        if self.random.random() < 0.2:
            raise Unavailable("Too much is read.")
        return await self._table.get(key, kind, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


@pytest.mark.parametrize("seed", range(3))
async def test_a_table_that_fails_now_and_then_loses_and_repeats_nothing(
    world: Made, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecosystem.adapters.embedded.workflows_interpreter.RETRY_S", 0.001)
    definition = machine(
        {
            "A": {"Type": "Task", "Resource": "echo", "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": 5, "Next": "All"},
            "All": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": name, "States": {name: {"Type": "Task", "Resource": "echo", "End": True}}}
                    for name in "BCDE"
                ],
                "Next": "F",
            },
            "F": {"Type": "Task", "Resource": "echo", "End": True},
        }
    )
    here = world(definition)
    here.table = Failing(here.table, Random(seed))
    workflows = here.interpreter()

    for number in range(4):
        request = here.request({"k": number}, name=f"{number}")
        for _ in range(100):
            try:
                await workflows.start(request, ACTOR)
                break
            except Unavailable:
                continue
    await here.live(workflows, 8)
    here.table.random = Fixed(0.9)

    for number in range(4):
        assert (await workflows.describe(f"m:{number}")).output == [{"k": number}] * 4
    assert Counter(call.state for call in here.functions.calls) == dict.fromkeys("ABCDEF", 4)


async def test_a_former_machine_that_cannot_be_read_now_is_read_again(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecosystem.adapters.embedded.workflows_interpreter.RETRY_S", 0.001)
    waits = {"Wait": {"Type": "Wait", "Seconds": 90, "Next": "End"}, "End": {"Type": "Succeed"}}
    here = world(machine(waits))
    await here.interpreter().start(here.request({"k": 1}), ACTOR)
    here.definitions = [chain("fail")]
    here.table = Throttled(here.table, "MACHINE#", times=3)
    released = here.interpreter()

    await here.live(released, 100, step_s=10)

    assert ended(await released.describe("m:one")) == ("SUCCEEDED", {"k": 1}, None, None)


class Throttled:
    """A table in which what begins so cannot be read so often."""

    def __init__(self, table: Table, prefix: str, *, times: int) -> None:
        self._table = table
        self._prefix = prefix
        self._left = times

    async def get(self, key: Key, kind: type[Any], **how: Any) -> Any:
        if self._left and key.partition.startswith(self._prefix):
            self._left -= 1
            raise Unavailable("Too much is read.")
        return await self._table.get(key, kind, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


async def test_a_start_that_was_written_though_it_seemed_to_fail_is_carried_out(world: Made) -> None:
    here = world(chain("echo"))
    here.table = failing = Failing(here.table, Fixed(0.9))
    workflows = here.interpreter()
    await workflows.start(here.request(name="before"), ACTOR)
    await workflows.step()
    failing.random = Fixed(0.3)

    with pytest.raises(Unavailable):
        await workflows.start(here.request({"k": 1}), ACTOR)
    failing.random = Fixed(0.9)
    await here.live(workflows, 300, step_s=20)

    assert (await workflows.describe("m:one")).output == {"k": 1}
    assert len(here.functions.calls) == 2


async def test_an_answer_that_was_written_though_it_seemed_to_fail_has_its_calls_made(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecosystem.adapters.embedded.workflows_interpreter.RETRY_S", 0.001)
    here = world(chain("ask.waitForTaskToken", "echo"))
    here.table = failing = Failing(here.table, Fixed(0.9))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()
    (waits,) = await workflows.awaited("m:one")

    failing.random = Fixed(0.3)
    with pytest.raises(Unavailable):
        await workflows.succeed(waits.token, {"yes": True})
    failing.random = Fixed(0.9)
    await workflows.drained()

    assert (await workflows.describe("m:one")).output == {"yes": True}
    assert here.functions.called("echo") == 1


class Fixed(Random):
    """Chance that is none."""

    def __init__(self, always: float) -> None:
        super().__init__()
        self.always = always

    def random(self) -> float:
        return self.always


async def test_an_execution_that_never_ends_fails_when_its_history_is_full(world: Made) -> None:
    never = [{"Variable": "$.never", "IsPresent": True, "Next": "End"}]
    endless = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": never, "Default": "A"},
        "End": {"Type": "Succeed"},
    }
    here = world(machine(endless), machine(endless, name="n", express=True))
    workflows = here.interpreter()
    for name in "mn":
        await workflows.start(here.request(machine=name), ACTOR)

    for _ in range(100):
        await workflows.step()

    for name in "mn":
        execution = await workflows.describe(f"{name}:one")
        assert (execution.status, execution.error) == (ExecutionStatus.FAILED, "States.Runtime")
        assert "25000" in (execution.cause or "")
