"""Two interpreters over the same executions: no step is made by both at once, and a late answer is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from ecosystem.ports.workflows import ExecutionStatus
from workflow_samples import ACTOR, LEASE, Functions, World, chain, ended, types

Made = Callable[..., World]


async def test_one_that_wakes_after_its_lease_is_refused_by_its_fence(world: Made) -> None:
    here = world(chain("held", "echo"))
    paused, other = Functions(), Functions()
    other.open.set()
    first = here.interpreter(alone=False, functions=paused)
    second = here.interpreter(alone=False, functions=other)
    await first.start(here.request(), ACTOR)
    await asyncio.sleep(0)

    # The first one stands still while time passes; the second one lives on.
    await here.live(second, 6 * LEASE.total_seconds(), step_s=20)
    paused.open.set()
    await first.drained()

    assert ended(await second.describe("m:one")) == ("SUCCEEDED", {"by": 2}, None, None)
    assert [call.fence for call in (*paused.calls, *other.calls) if call.function == "held"] == [1, 2]
    assert first.load.late == 1
    assert paused.called("echo") == 0
    assert (await types(second)).count("TaskStateExited") == 2


async def test_a_late_answer_is_refused_while_the_other_still_makes_the_call(world: Made) -> None:
    here = world(chain("held"))
    paused, other = Functions(), Functions()
    first = here.interpreter(alone=False, functions=paused)
    second = here.interpreter(alone=False, functions=other)
    await first.start(here.request(), ACTOR)
    await asyncio.sleep(0)

    here.clock.advance(6 * LEASE)
    looking = asyncio.create_task(second.step())
    for _ in range(400):
        if other.calls:
            break
        await asyncio.sleep(0.005)
    paused.open.set()
    await first.drained()
    running = await first.describe("m:one")
    other.open.set()
    await looking

    assert first.load.late == 1
    assert running.status is ExecutionStatus.RUNNING
    assert (await second.describe("m:one")).output == {"by": 2}


async def test_one_whose_claim_was_taken_does_not_begin_what_stood_in_line(world: Made) -> None:
    here = world(chain("held"))
    paused, other = Functions(), Functions()
    other.open.set()
    first = here.interpreter(alone=False, functions=paused)
    second = here.interpreter(alone=False, functions=other)
    for number in range(34):
        await first.start(here.request(name=f"{number}"), ACTOR)
    assert first.load.waiting == 2

    await here.live(second, 6 * LEASE.total_seconds(), step_s=20)
    paused.open.set()
    await first.drained()

    assert paused.called("held") == 32
    assert other.called("held") == 34
    assert first.load.late == 32


async def test_a_long_call_of_a_living_interpreter_is_left_to_it(world: Made) -> None:
    here = world(chain("held"))
    slow, other = Functions(), Functions()
    first = here.interpreter(alone=False, functions=slow)
    second = here.interpreter(alone=False, functions=other)
    await first.start(here.request(), ACTOR)
    first_runs = asyncio.create_task(first.run())

    for _ in range(40):
        here.clock.advance(timedelta(seconds=10))
        for _ in range(20):
            await asyncio.sleep(0.001)
        await second.step()
    slow.open.set()
    for _ in range(400):
        if (await first.describe("m:one")).status is not ExecutionStatus.RUNNING:
            break
        await asyncio.sleep(0.005)

    assert other.calls == []
    assert (await first.describe("m:one")).output == {"by": 1}
    closing = asyncio.create_task(first.close())
    await closing
    await first_runs


async def test_two_side_by_side_make_each_step_once(world: Made) -> None:
    here = world(chain("echo", "echo", "echo"))
    both = [here.interpreter(alone=False), here.interpreter(alone=False)]

    for number in range(6):
        await both[number % 2].start(here.request(name=f"{number}"), ACTOR)
        await both[(number + 1) % 2].start(here.request(name=f"{number}"), ACTOR)
    for _ in range(6):
        await asyncio.gather(*(each.step() for each in both))
        here.clock.advance(timedelta(seconds=10))

    assert len(here.functions.calls) == len(here.functions.effects) == 18
    assert {call.fence for call in here.functions.calls} == {1}


async def test_an_answer_given_to_the_other_interpreter_goes_on(world: Made) -> None:
    here = world(chain("ask.waitForTaskToken", "echo"))
    first, second = here.interpreter(alone=False), here.interpreter(alone=False)
    await first.start(here.request(), ACTOR)
    await first.drained()
    (waits,) = await second.awaited("m:one")

    await second.succeed(waits.token, {"answered": True})
    await second.drained()
    await first.step()

    assert ended(await first.describe("m:one")) == ("SUCCEEDED", {"answered": True}, None, None)
    assert here.functions.called("echo") == 1
