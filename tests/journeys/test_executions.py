"""Who may see an execution and act on it: operators, those who take part in its matter, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest

from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.journeys.executions import AnswerTask, Watching
from ecosystem.journeys.masking import MASK
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.workflows import (
    Definition,
    ExecutionStatus,
    ExecutionUnknown,
    NotRedrivable,
    StartExecution,
    TaskCall,
    TaskNotAwaited,
)
from market import ADA, OPERATOR, OWNER, Market

STRANGER = Actor(actor_id="usr_01kag2m8xw0000000000stranger", groups=(Group.CUSTOMERS,))
ACTING = Actor(actor_id=ADA.actor_id, groups=(Group.CUSTOMERS,), impersonator=OPERATOR.actor_id)
MACHINE = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "ask", "Payload": {
                "answers": ["accept", "reject"], "token.$": "$$.Task.Token", "matter.$": "$",
            }},
            "Catch": [{"ErrorEquals": ["Rejected"], "Next": "No"}], "End": True,
        },
        "No": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Begun:
    market: Market
    booking: str
    onboarding: str
    token: str
    task_id: str

    @property
    def watching(self) -> Watching:
        return self.market.app.executions


@pytest.fixture
async def begun(shop: Market) -> Begun:
    """One execution about a booking, and one about a provider; both wait for a person."""
    market, provider_id = shop, shop.provider_id
    booked = await market.book(await market.service(provider_id), market.tomorrow(9))
    tokens: list[str] = []

    async def ask(call: TaskCall) -> Any:
        tokens.append(cast("str", call.token))

    engine = cast("EmbeddedWorkflows", market.app.ports.workflows)
    engine.bind(
        [Definition(name="dispute", content=msgspec.json.encode(MACHINE), file="dispute.asl.json")], {"ask": ask}
    )
    inputs: dict[str, Any] = {
        "dispute": {
            "booking_id": booked.booking.booking_id, "contact": {"name": "Ada Lovelace", "email": "ada@example.org"},
        },
        "onboarding": {"provider_id": provider_id, "email": "paula@example.org"},
    }  # fmt: skip
    started = [
        await engine.start(StartExecution(machine="dispute", name=name, input=given), system("workflow-orchestrator"))
        for name, given in inputs.items()
    ]
    await engine.drained()
    whole = await market.app.executions.whole(started[0].execution_id, OPERATOR)
    return Begun(market, started[0].execution_id, started[1].execution_id, tokens[0], whole.tasks[0].task_id)


async def test_an_operator_sees_who_it_is_about_and_no_token(begun: Begun) -> None:
    whole = await begun.watching.whole(begun.booking, OPERATOR)

    assert whole.execution.input["contact"]["email"] == "ada@example.org"
    assert not whole.is_masked
    assert begun.token not in repr(whole)


@pytest.mark.parametrize("actor", [ADA, OWNER, ACTING])
async def test_those_who_take_part_in_a_booking_see_it_masked(begun: Begun, actor: Actor) -> None:
    whole = await begun.watching.whole(begun.booking, actor)
    page = await begun.watching.history(begun.booking, actor)

    assert whole.is_masked
    assert whole.execution.input["contact"] == MASK
    assert whole.execution.input["booking_id"].startswith("bkg_")
    assert "ada@example.org" not in repr((whole, page))
    assert begun.token not in repr((whole, page))


async def test_the_owner_of_a_provider_sees_its_onboarding_and_a_customer_does_not(begun: Begun) -> None:
    seen = await begun.watching.execution(begun.onboarding, OWNER)

    assert seen.input["email"] == MASK
    with pytest.raises(Denied):
        await begun.watching.execution(begun.onboarding, ADA)


async def test_a_stranger_is_denied_and_not_told_which_there_are(begun: Begun) -> None:
    for act in (begun.watching.execution, begun.watching.history, begun.watching.whole):
        for execution_id in (begun.booking, "dispute:nothing"):
            with pytest.raises(Denied):
                await act(execution_id, STRANGER)
    with pytest.raises(ExecutionUnknown):
        await begun.watching.execution("dispute:nothing", OPERATOR)


@pytest.mark.parametrize("actor", [ADA, OWNER, ACTING, STRANGER])
async def test_only_operators_at_their_own_desk_list_stop_redrive_and_answer(begun: Begun, actor: Actor) -> None:
    answer = AnswerTask(execution_id=begun.booking, task_id=begun.task_id, accepted=True, reason="Yes")
    for act in (
        begun.watching.listed(actor),
        begun.watching.named(["dispute"], actor),
        begun.watching.counts(actor),
        begun.watching.stop(begun.booking, "No", actor),
        begun.watching.redrive(begun.booking, actor),
        begun.watching.answer(answer, actor),
    ):
        with pytest.raises(Denied):
            await act


async def test_an_answer_hands_on_who_decided_and_why_and_is_taken_once(begun: Begun) -> None:
    answer = AnswerTask(
        execution_id=begun.booking,
        task_id=begun.task_id,
        accepted=True,
        reason=" Both agree ",
        output={"refund_minor": 5_000},
    )

    await begun.watching.answer(answer, OPERATOR)

    seen = await begun.watching.execution(begun.booking, OPERATOR)
    assert seen.status is ExecutionStatus.SUCCEEDED
    assert seen.output == {"refund_minor": 5_000, "decided_by": OPERATOR.actor_id, "reason": "Both agree"}
    with pytest.raises(TaskNotAwaited):
        await begun.watching.answer(answer, OPERATOR)


async def test_a_rejection_fails_the_task_by_name_with_the_reason_and_who_decided(begun: Begun) -> None:
    answer = AnswerTask(execution_id=begun.booking, task_id=begun.task_id, accepted=False, reason="Nothing was shown")

    await begun.watching.answer(answer, OPERATOR)

    seen = await begun.watching.execution(begun.booking, OPERATOR)
    assert seen.error == "Rejected"
    assert msgspec.json.decode(seen.cause or "") == {"decided_by": OPERATOR.actor_id, "reason": "Nothing was shown"}


async def test_those_who_take_part_do_not_see_what_was_written_about_them(begun: Begun) -> None:
    answer = AnswerTask(execution_id=begun.booking, task_id=begun.task_id, accepted=False, reason="Ada was not there")
    await begun.watching.answer(answer, OPERATOR)

    whole, page = await begun.watching.whole(begun.booking, ADA), await begun.watching.history(begun.booking, ADA)

    assert (whole.execution.error, whole.execution.cause) == ("Rejected", MASK)
    assert "Ada was" not in repr((whole, page))
    assert OPERATOR.actor_id not in repr((whole.events, page))


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ({"share_bps": 5_000}, "share_bps"),
        ({"refund_minor": "abc"}, "refund_minor"),
        ({"refund_minor": None}, "refund_minor"),
        ({"refund_minor": 12.9}, "refund_minor"),
        ({"refund_minor": True}, "refund_minor"),
        ([5_000], "refund_minor"),
    ],
)
async def test_what_may_not_be_handed_on_is_refused_by_name_and_the_task_waits_on(
    begun: Begun, output: Any, named: str
) -> None:
    answer = AnswerTask(
        execution_id=begun.booking, task_id=begun.task_id, accepted=True, reason="Half of it", output=output
    )

    with pytest.raises(Invalid, match=named) as refused:
        await begun.watching.answer(answer, OPERATOR)

    assert refused.value.field == "output"
    assert len((await begun.watching.whole(begun.booking, OPERATOR)).tasks) == 1


async def test_what_failed_as_its_machine_says_is_not_offered_to_go_on(begun: Begun) -> None:
    answer = AnswerTask(execution_id=begun.booking, task_id=begun.task_id, accepted=False, reason="No")
    await begun.watching.answer(answer, OPERATOR)
    await begun.watching.stop(begun.onboarding, "A look", OPERATOR)

    assert not (await begun.watching.whole(begun.booking, OPERATOR)).may_redrive
    assert (await begun.watching.whole(begun.onboarding, OPERATOR)).may_redrive
    with pytest.raises(NotRedrivable):
        await begun.watching.redrive(begun.booking, OPERATOR)


async def test_an_answer_needs_a_reason_and_the_name_of_a_task_that_waits(begun: Begun) -> None:
    with pytest.raises(Invalid):
        await begun.watching.answer(
            AnswerTask(execution_id=begun.booking, task_id=begun.task_id, accepted=True, reason=" "), OPERATOR
        )
    with pytest.raises(TaskNotAwaited):
        await begun.watching.answer(
            AnswerTask(execution_id=begun.booking, task_id=begun.token, accepted=True, reason="Yes"), OPERATOR
        )


async def test_what_was_stopped_names_who_and_why_and_goes_on_once(begun: Begun) -> None:
    stopped = await begun.watching.stop(begun.booking, "The customer withdrew it.", OPERATOR)
    again = await begun.watching.redrive(begun.booking, OPERATOR)

    assert (stopped.status, stopped.cause, stopped.stopped_by) == (
        ExecutionStatus.ABORTED, "The customer withdrew it.", OPERATOR,
    )  # fmt: skip
    assert again.status is ExecutionStatus.RUNNING
    with pytest.raises(NotRedrivable):
        await begun.watching.redrive(begun.booking, OPERATOR)


async def test_executions_are_found_by_day_and_by_the_name_of_their_matter(begun: Begun) -> None:
    now = begun.market.clock.now()
    today = await begun.watching.listed(OPERATOR, began_since=now - timedelta(hours=1))
    before = await begun.watching.listed(OPERATOR, began_before=now - timedelta(hours=1))
    after = await begun.watching.listed(OPERATOR, began_since=now + timedelta(hours=1))
    named = await begun.watching.named(["onboarding", "onboarding", "nothing"], OPERATOR)

    assert {each.execution_id for each in today.executions} == {begun.booking, begun.onboarding}
    assert (list(before.executions), list(after.executions)) == ([], [])
    assert [each.execution_id for each in named] == [begun.onboarding]
    assert (await begun.watching.counts(OPERATOR))[ExecutionStatus.RUNNING] == 2
