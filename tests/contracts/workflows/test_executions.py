"""What every deployment promises of executions: started once, carried on, answered, stopped, redriven, listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ecosystem.adapters.embedded.states.definition import MachineRefused
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.kernel import trace
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.workflows import (
    ExecutionEnded,
    ExecutionStatus,
    ExecutionUnknown,
    InputUnfit,
    MachineUnknown,
    NameUnfit,
    NotRedrivable,
    TaskCall,
    TaskNotAwaited,
    TokenUnfit,
)
from workflow_samples import ACTOR, World, chain, ended, machine, types

Made = Callable[..., World]
WAITS = machine(
    {
        "Wait": {"Type": "Wait", "Seconds": 90, "Next": "Work"},
        "Work": {"Type": "Task", "Resource": "echo", "End": True},
    }
)
ASKS = machine(
    {
        "Ask": {
            "Type": "Task",
            "Resource": "ask.waitForTaskToken",
            "Parameters": {"token.$": "$$.Task.Token"},
            "HeartbeatSeconds": 600,
            "Catch": [{"ErrorEquals": ["Rejected"], "ResultPath": "$.why", "Next": "Sorry"}],
            "Next": "Work",
        },
        "Work": {"Type": "Task", "Resource": "echo", "End": True},
        "Sorry": {"Type": "Pass", "End": True},
    }
)


async def test_an_execution_runs_to_its_end_and_leaves_its_history(world: Made) -> None:
    here = world(chain("echo", "echo"))
    workflows = here.interpreter()

    began = await workflows.start(here.request({"k": 1}), ACTOR)
    await workflows.drained()

    assert began.status is ExecutionStatus.RUNNING
    assert ended(await workflows.describe("m:one")) == ("SUCCEEDED", {"k": 1}, None, None)
    found = await types(workflows)
    assert found[0] == "ExecutionStarted"
    assert found[-1] == "ExecutionSucceeded"
    assert found.count("TaskStateEntered") == found.count("TaskStateExited") == 2


async def test_history_comes_in_pages_without_gaps(world: Made) -> None:
    here = world(chain("echo", "echo", "echo"))
    workflows = here.interpreter()
    await workflows.start(here.request({"k": 1}), ACTOR)
    await workflows.drained()
    whole = await workflows.history("m:one", limit=1000)

    pages: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await workflows.history("m:one", after=after, limit=4)
        assert len(page.events) <= 4
        pages += [event.id for event in page.events]
        after = page.next

    assert whole.next is None
    assert pages == [event.id for event in whole.events] == list(range(1, len(pages) + 1))
    assert whole.events[0].details["input"] == {"k": 1}
    assert (await workflows.history("m:one", after=len(pages))).events == []


async def test_a_name_starts_once(world: Made) -> None:
    here = world(chain("echo"))
    workflows = here.interpreter()
    await workflows.start(here.request({"a": 1, "b": 2}), ACTOR)
    await workflows.drained()

    again = await workflows.start(here.request({"b": 2, "a": 1}), ACTOR)

    assert again.status is ExecutionStatus.SUCCEEDED
    assert len(here.functions.calls) == 1
    with pytest.raises(IdReused):
        await workflows.start(here.request({"a": 2}), ACTOR)
    with pytest.raises(IdReused):
        await workflows.start(here.request({"a": 1, "b": 2}), system("somebody-else"))


async def test_what_cannot_be_started_is_refused_by_name(world: Made) -> None:
    here = world(chain("echo"))
    workflows = here.interpreter()

    with pytest.raises(MachineUnknown):
        await workflows.start(here.request(machine="other"), ACTOR)
    for name in ("", "a b", "a/b", "a#b", "x" * 81, "a\n"):
        with pytest.raises(NameUnfit):
            await workflows.start(here.request(name=name), ACTOR)
    for given in ({"much": "x" * 300_000}, {"odd": object()}):
        with pytest.raises(InputUnfit):
            await workflows.start(here.request(given), ACTOR)
    for unknown in ("m:nobody", "nothing", "\ud800"):
        with pytest.raises(ExecutionUnknown):
            await workflows.describe(unknown)
        with pytest.raises(ExecutionUnknown):
            await workflows.stop(unknown, ACTOR)


async def test_a_wrong_machine_is_refused_with_file_state_and_reason(world: Made) -> None:
    wrong = machine({"A": {"Type": "Task", "Resource": "nobody", "Next": "B"}})
    here = world(wrong)

    with pytest.raises(MachineRefused) as refused:
        here.interpreter()

    assert {(problem.file, problem.state) for problem in refused.value.problems} >= {("m.asl.json", "A")}


async def test_a_wait_ends_when_its_instant_has_come_and_not_before(world: Made) -> None:
    here = world(WAITS)
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.step()

    here.clock.advance(timedelta(seconds=89))
    early = await workflows.step()
    here.clock.advance(timedelta(seconds=1))
    await workflows.step()

    assert early == 0
    assert (await workflows.describe("m:one")).status is ExecutionStatus.SUCCEEDED


async def test_a_wait_beyond_the_horizon_is_found_when_it_comes(world: Made) -> None:
    here = world(
        machine(
            {
                "Wait": {"Type": "Wait", "Seconds": 3_600, "Next": "Work"},
                "Work": {"Type": "Task", "Resource": "echo", "End": True},
            }
        )
    )
    workflows = here.interpreter()
    await workflows.step()
    await workflows.start(here.request(), ACTOR)
    assert workflows.load.timers == 0

    await here.live(workflows, 3_599, step_s=270)
    assert (await workflows.describe("m:one")).status is ExecutionStatus.RUNNING
    await here.live(workflows, 400, step_s=20)

    assert (await workflows.describe("m:one")).status is ExecutionStatus.SUCCEEDED


async def test_a_token_waits_for_its_answer(world: Made) -> None:
    here = world(ASKS)
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()
    (waits,) = await workflows.awaited("m:one")
    assert waits.token == here.functions.calls[0].token == here.functions.calls[0].input["token"]

    await workflows.succeed(waits.token, {"accepted": True})
    await workflows.drained()

    assert ended(await workflows.describe("m:one")) == ("SUCCEEDED", {"accepted": True}, None, None)
    assert await workflows.awaited("m:one") == ()
    assert "TaskSubmitted" in await types(workflows)
    with pytest.raises(TaskNotAwaited):
        await workflows.succeed(waits.token, {"accepted": False})


async def test_a_token_may_be_answered_with_a_failure(world: Made) -> None:
    here = world(ASKS)
    workflows = here.interpreter()
    await workflows.start(here.request({"k": 1}), ACTOR)
    await workflows.drained()
    (waits,) = await workflows.awaited("m:one")

    await workflows.fail(waits.token, error="Rejected", cause="not today")
    await workflows.drained()

    assert (await workflows.describe("m:one")).output == {"k": 1, "why": {"Error": "Rejected", "Cause": "not today"}}


async def test_only_the_token_itself_answers(world: Made) -> None:
    here = world(ASKS)
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()
    (waits,) = await workflows.awaited("m:one")
    forged = ("A" if waits.token[0] != "A" else "B") + waits.token[1:]

    for token in (forged, f"{waits.token}2"):
        with pytest.raises(TaskNotAwaited):
            await workflows.succeed(token, {})
    for token in ("", "nonsense", "x" * 5000):
        with pytest.raises(TokenUnfit):
            await workflows.succeed(token, {})
    with pytest.raises(InputUnfit):
        await workflows.succeed(waits.token, "x" * 300_000)

    assert (await workflows.describe("m:one")).status is ExecutionStatus.RUNNING


async def test_heartbeats_keep_a_task_waiting(world: Made) -> None:
    here = world(ASKS)
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()
    (waits,) = await workflows.awaited("m:one")

    for _ in range(4):
        await here.live(workflows, 400, step_s=100)
        await workflows.heartbeat(waits.token)
    assert (await workflows.describe("m:one")).status is ExecutionStatus.RUNNING
    await here.live(workflows, 700, step_s=100)

    execution = await workflows.describe("m:one")
    assert execution.status is ExecutionStatus.FAILED
    with pytest.raises(TaskNotAwaited):
        await workflows.heartbeat(waits.token)


async def test_stopping_ends_it_and_cancels_its_calls(world: Made) -> None:
    here = world(chain("held", "echo"))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)

    stopped = await workflows.stop("m:one", system("oscar"), error="Enough", cause="a test")
    await workflows.drained()

    assert stopped.status is ExecutionStatus.ABORTED
    assert stopped.stopped_by == system("oscar")
    assert ended(await workflows.describe("m:one")) == ("ABORTED", None, "Enough", "a test")
    assert (await workflows.stop("m:one", ACTOR)).stopped_by == system("oscar")
    assert (await types(workflows))[-1] == "ExecutionAborted"
    assert sum(here.functions.running.values()) == 0


async def test_what_ended_well_is_neither_stopped_nor_redriven(world: Made) -> None:
    here = world(chain("echo"))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()

    with pytest.raises(ExecutionEnded):
        await workflows.stop("m:one", ACTOR)
    with pytest.raises(NotRedrivable):
        await workflows.redrive("m:one", ACTOR)


async def test_a_redrive_goes_on_from_the_step_that_failed(world: Made) -> None:
    here = world(chain("echo", "fail", "echo"))
    workflows = here.interpreter()
    await workflows.start(here.request({"k": 1}), ACTOR)
    await workflows.drained()
    assert ended(await workflows.describe("m:one")) == ("FAILED", None, "Declined", "no money")
    here.functions.fail = here.functions.echo  # type: ignore[method-assign]

    repaired = here.interpreter()
    again = await repaired.redrive("m:one", system("oscar"))
    await repaired.drained()

    assert again.status is ExecutionStatus.RUNNING
    execution = await repaired.describe("m:one")
    assert ended(execution) == ("SUCCEEDED", {"k": 1}, None, None)
    assert [redrive.actor for redrive in execution.redrives] == [system("oscar")]
    assert here.functions.called("echo") == 2
    assert "ExecutionRedriven" in await types(repaired)
    page = await repaired.listed(status=ExecutionStatus.SUCCEEDED)
    assert [each.name for each in page.executions] in (["one"], [])


@pytest.mark.parametrize(
    ("function", "error", "cause"),
    [
        ("refuse", "SlotTaken", "Somebody else has it."),
        ("fail", "Declined", "no money"),
        ("break", "ZeroDivisionError", "division by zero"),
        ("odd", "Runtime.MarshalError", None),
    ],
)
async def test_what_a_function_raises_is_the_error_of_its_task(
    world: Made, function: str, error: str, cause: str | None
) -> None:
    here = world(chain(function))
    workflows = here.interpreter()

    await workflows.start(here.request(), ACTOR)
    await workflows.drained()

    execution = await workflows.describe("m:one")
    assert (execution.status, execution.error) == (ExecutionStatus.FAILED, error)
    assert cause is None or execution.cause == cause


async def test_a_function_past_its_timeout_is_cancelled_and_the_machine_goes_on(world: Made) -> None:
    here = world(
        machine(
            {
                "Slow": {
                    "Type": "Task",
                    "Resource": "held",
                    "TimeoutSeconds": 30,
                    "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
                    "End": True,
                },
                "Late": {"Type": "Pass", "Result": "late", "End": True},
            }
        )
    )
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)

    here.clock.advance(timedelta(seconds=30))
    await workflows.step()

    assert ended(await workflows.describe("m:one")) == ("SUCCEEDED", "late", None, None)
    assert here.functions.cancelled == ["m:one:1"]


async def test_a_function_without_a_timeout_is_not_waited_for_for_ever(world: Made) -> None:
    here = world(chain("held"))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    running = asyncio.create_task(workflows.run())

    for _ in range(70):
        here.clock.advance(timedelta(seconds=15))
        await asyncio.sleep(0.002)
        if here.functions.cancelled:
            break
    for _ in range(200):
        if (await workflows.describe("m:one")).status is not ExecutionStatus.RUNNING:
            break
        await asyncio.sleep(0.005)
    await workflows.close()
    await running

    assert (await workflows.describe("m:one")).error == "States.Timeout"
    assert here.functions.cancelled == ["m:one:1"]


async def test_more_data_than_fits_fails_the_execution_and_nothing_else(world: Made) -> None:
    branches = [
        {"StartAt": f"Work {n}", "States": {f"Work {n}": {"Type": "Task", "Resource": "grow", "End": True}}}
        for n in range(4)
    ]
    here = world(machine({"All": {"Type": "Parallel", "Branches": branches, "End": True}}), chain("echo", name="n"))
    workflows = here.interpreter()

    await workflows.start(here.request(), ACTOR)
    await workflows.start(here.request(machine="n"), ACTOR)
    await workflows.drained()

    execution = await workflows.describe("m:one")
    assert (execution.status, execution.error) == (ExecutionStatus.FAILED, "States.DataLimitExceeded")
    assert (await workflows.describe("n:one")).status is ExecutionStatus.SUCCEEDED


async def test_an_express_execution_keeps_its_result_alone(world: Made) -> None:
    here = world(chain("echo", "echo", express=True))
    workflows = here.interpreter()

    await workflows.start(here.request({"k": 1}), ACTOR)
    await workflows.drained()

    assert ended(await workflows.describe("m:one")) == ("SUCCEEDED", {"k": 1}, None, None)
    assert (await workflows.history("m:one")).events == []


async def test_lists_are_newest_first_and_come_in_pages(world: Made) -> None:
    here = world(chain("echo"), chain("fail", name="n"))
    workflows = here.interpreter()
    for number in range(7):
        await workflows.start(here.request(name=f"e{number}", machine="n" if number % 3 == 0 else "m"), ACTOR)
        here.clock.advance(timedelta(seconds=1))
    await workflows.drained()
    # An index may lag: later writes push it on.
    for number in range(20):
        await workflows.start(here.request(name=f"later{number}"), ACTOR)
        await workflows.drained()
        await workflows.listed()

    failed = await workflows.listed(status=ExecutionStatus.FAILED)
    first = await workflows.listed(machine="n", limit=2)
    second = await workflows.listed(machine="n", limit=2, after=first.next)
    both = await workflows.listed(machine="n", status=ExecutionStatus.SUCCEEDED)
    everything = await workflows.listed(limit=1000)

    assert [each.name for each in failed.executions] == ["e6", "e3", "e0"]
    assert [each.name for each in (*first.executions, *second.executions)] == ["e6", "e3", "e0"]
    assert both.executions == []
    assert [each.name for each in everything.executions if each.name.startswith("e")] == [
        f"e{n}" for n in range(6, -1, -1)
    ]


async def test_what_ended_is_kept_for_ninety_days_and_forgotten_with_its_history(world: Made) -> None:
    here = world(chain("echo"))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.drained()
    await workflows.step()

    here.clock.advance(timedelta(days=89))
    for _ in range(8):
        here.clock.advance(timedelta(minutes=1))
        await workflows.step()
    assert (await workflows.describe("m:one")).status is ExecutionStatus.SUCCEEDED
    here.clock.advance(timedelta(days=1))
    for _ in range(8):
        here.clock.advance(timedelta(minutes=1))
        await workflows.step()

    with pytest.raises(ExecutionUnknown):
        await workflows.describe("m:one")
    again = await workflows.start(here.request({"other": True}), ACTOR)
    assert again.input == {"other": True}


async def test_an_execution_ends_by_the_machine_it_began_with(world: Made) -> None:
    here = world(WAITS)
    await here.interpreter().start(here.request({"k": 1}), ACTOR)
    here.definitions = [chain("fail")]
    here.clock.advance(timedelta(seconds=91))

    released = here.interpreter()
    await released.step()

    assert (await released.describe("m:one")).status is ExecutionStatus.SUCCEEDED
    assert await released.definition("m:one") == WAITS.content
    await released.start(here.request(name="two"), ACTOR)
    await released.drained()
    assert (await released.describe("m:two")).status is ExecutionStatus.FAILED


async def test_a_machine_that_is_no_longer_offered_is_carried_to_its_end(world: Made) -> None:
    here = world(WAITS)
    await here.interpreter().start(here.request({"k": 1}), ACTOR)
    here.definitions = []
    here.clock.advance(timedelta(seconds=91))

    released = here.interpreter()
    await released.step()

    assert (await released.describe("m:one")).status is ExecutionStatus.SUCCEEDED


async def test_calls_carry_the_trace_of_who_started(world: Made) -> None:
    here = world(chain("echo"))
    seen: list[str] = []

    async def look(call: TaskCall) -> None:
        seen.append(trace.trace_id.get())

    here.functions.echo = look  # type: ignore[method-assign]
    workflows = here.interpreter()
    before = trace.trace_id.set("trace-1")
    await workflows.start(here.request(), ACTOR)
    trace.trace_id.reset(before)
    await workflows.drained()

    assert seen == ["trace-1"]


async def test_a_function_that_hangs_leaves_places_for_others(world: Made) -> None:
    here = world(chain("held"), chain("echo", "echo", name="n"))
    workflows = here.interpreter()

    for number in range(40):
        await workflows.start(here.request(name=f"h{number}"), ACTOR)
    for number in range(5):
        await workflows.start(here.request(name=f"e{number}", machine="n"), ACTOR)
    for _ in range(400):
        if here.functions.called("echo") == 10:
            break
        await asyncio.sleep(0.005)

    assert here.functions.called("echo") == 10
    assert here.functions.called("held") == 32
    assert workflows.load.waiting == 8
    here.functions.open.set()
    await workflows.drained()
    assert here.functions.called("held") == 40


async def test_a_function_that_hangs_holds_up_no_instant(world: Made) -> None:
    waits = {"Wait": {"Type": "Wait", "Seconds": 5, "Next": "End"}, "End": {"Type": "Succeed"}}
    here = world(chain("held", TimeoutSeconds=60), machine(waits, name="n"))
    workflows = here.interpreter()
    for number in range(300):
        await workflows.start(here.request(name=f"h{number}"), ACTOR)
    await workflows.start(here.request(machine="n"), ACTOR)
    running = asyncio.create_task(workflows.run())

    here.clock.advance(timedelta(seconds=6))
    assert await became(workflows, "n:one", ExecutionStatus.SUCCEEDED)
    here.clock.advance(timedelta(seconds=60))
    assert await became(workflows, "m:h0", ExecutionStatus.FAILED)
    assert await became(workflows, "m:h299", ExecutionStatus.FAILED)
    here.functions.open.set()
    await workflows.close()
    await running


async def test_calls_that_take_every_place_and_a_long_line_still_time_out(world: Made) -> None:
    here = world()
    hanging = [chain(f"held-{name}", name=name, TimeoutSeconds=60) for name in "mn"]
    functions = {"held-m": here.functions.held, "held-n": here.functions.held, "echo": here.functions.echo}
    workflows = here.interpreter()
    workflows.bind([*hanging, chain("echo", name="o")], functions)
    for number in range(200):
        for name in "mn":
            await workflows.start(here.request(name=f"h{number}", machine=name), ACTOR)
    await workflows.start(here.request({"k": 1}, machine="o"), ACTOR)
    running = asyncio.create_task(workflows.run())
    await asyncio.sleep(0)
    assert workflows.load.running == 64

    here.clock.advance(timedelta(seconds=61))

    for name in ("m:h0", "m:h199", "n:h0", "n:h199"):
        assert await became(workflows, name, ExecutionStatus.FAILED)
    assert await became(workflows, "o:one", ExecutionStatus.SUCCEEDED)
    here.functions.open.set()
    await workflows.close()
    await running


async def became(workflows: EmbeddedWorkflows, execution_id: str, status: ExecutionStatus) -> bool:
    """Whether the execution has that status soon."""
    for _ in range(600):
        if (await workflows.describe(execution_id)).status is status:
            return True
        await asyncio.sleep(0.005)
    return False


async def test_a_function_whose_own_work_was_cancelled_has_failed(world: Made) -> None:
    here = world()
    attempts: list[int] = []

    async def loses(call: TaskCall) -> Any:
        attempts.append(call.attempt)
        if call.attempt == 0:
            work = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(work.cancel)
            await work
        return call.input

    workflows = here.interpreter()
    again = [{"ErrorEquals": ["CancelledError"], "MaxAttempts": 1}]
    workflows.bind([chain("loses", Retry=again)], {"loses": loses})
    await workflows.start(here.request({"k": 1}), ACTOR)

    await here.live(workflows, 5)

    assert ended(await workflows.describe("m:one")) == ("SUCCEEDED", {"k": 1}, None, None)
    assert attempts == [0, 1]


async def test_a_task_that_always_fails_blocks_nobody(world: Made) -> None:
    retried = {"Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2.0}]}
    here = world(chain("break", **retried), chain("echo", name="n"))
    workflows = here.interpreter()
    await workflows.start(here.request(), ACTOR)
    await workflows.start(here.request(machine="n"), ACTOR)

    await here.live(workflows, 10)

    assert (await workflows.describe("n:one")).status is ExecutionStatus.SUCCEEDED
    poisoned = await workflows.describe("m:one")
    assert (poisoned.status, poisoned.error) == (ExecutionStatus.FAILED, "ZeroDivisionError")
    assert [call.attempt for call in here.functions.calls if call.function == "break"] == [0, 1, 2, 3]


async def test_a_graceful_close_lets_calls_finish_and_a_successor_goes_on(world: Made) -> None:
    here = world(chain("held", "echo"))
    workflows = here.interpreter()
    running = asyncio.create_task(workflows.run())
    await workflows.start(here.request(), ACTOR)
    await asyncio.sleep(0.01)

    closing = asyncio.create_task(workflows.close())
    await asyncio.sleep(0.01)
    here.functions.open.set()
    await closing
    await running
    successor = here.interpreter()
    await successor.step()

    assert (await successor.describe("m:one")).status is ExecutionStatus.SUCCEEDED
    assert [call.function for call in here.functions.calls] == ["held", "echo"]
