"""Disputes that do not go their way by themselves: an operator hears of each, and what they answer is looked at first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.disputes import Answer, Dispute, OpenDispute, Party, State
from ecosystem.contexts.payments import BadSignature
from ecosystem.journeys.answers import NotAPersonsToAnswer
from ecosystem.journeys.executions import AnswerTask
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import Awaited, ExecutionStatus, StartExecution, TaskCall
from ecosystem.workflows.definitions import definitions
from ecosystem.workflows.functions import TABLE
from journeys.test_chargebacks import at_desk
from market import ADA, SYSTEM, Market
from sandbox.calling import Listener, listening
from workflows.lives import DAY, DISPUTE, HOUR, LIFECYCLE, MINUTE, admitted, told
from workflows.test_dispute_resolution import ASKED, DECIDED, LARGE, LOOK, heard, now, opened, says, went

STUCK = ["ResolveByRule", "TimeLeft", "AwaitOperator"]


@pytest.fixture
async def oscar(lively: Market) -> Actor:
    return await admitted(lively, "Oscar Wilde", Group.ADMINS)


@pytest.fixture
async def listener(lively: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        lively.sandbox.deliver_to(listener.url)
        yield listener


async def hear(shop: Market, listener: Listener) -> None:
    await shop.passes(timedelta(seconds=10))
    await shop.sandbox.settled()
    for body, signature in listener.raw:
        with suppress(BadSignature):  # Of days ago.
            receipt = await shop.app.webhooks.receive(body, signature)
            await shop.app.hearing.act(receipt.hint.event_id)
    listener.raw.clear()
    await shop.passes()
    await shop.sandbox.settled()


async def charged_back(shop: Market, listener: Listener) -> Dispute:
    """A dispute over money that was paid out, and that the customer's bank asked for once: the card takes none back."""
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), card="pm_card_createDispute")
    await hear(shop, listener)
    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener)
    await shop.passes(40 * HOUR)
    assert (await shop.app.bookings.row(paid.booking.booking_id)).value.status is BookingStatus.COMPLETED
    request = OpenDispute(
        dispute_id=shop.id("dsp"),
        booking_id=paid.booking.booking_id,
        text="Half of it was missing.",
        wanted=Money(LARGE, "EUR"),
    )
    dispute = await shop.app.disputing.open(request, ADA)
    await shop.passes()
    return dispute


async def waiting(shop: Market, execution_id: str) -> Awaited:
    [awaited] = await shop.app.ports.workflows.awaited(execution_id)
    return awaited


async def answered(shop: Market, dispute: Dispute, oscar: Actor, *, accepted: bool, output: Any = None) -> None:
    execution_id = f"{DISPUTE}:{dispute.dispute_id}"
    [task] = (await shop.app.executions.whole(execution_id, oscar)).tasks
    answer = AnswerTask(
        execution_id=execution_id, task_id=task.task_id, accepted=accepted, reason="The pictures.", output=output
    )
    await shop.app.executions.answer(answer, oscar)
    await shop.passes()


async def test_a_banks_dispute_ends_with_the_bank_and_concludes_when_it_has_decided(
    lively: Market, listener: Listener
) -> None:
    dispute = await charged_back(lively, listener)

    [bank] = [each for each in await lively.app.disputes.of_booking(dispute.booking_id) if each.chargeback_id]

    assert await went(lively, bank) == [*LOOK, "WithTheBank", "SUCCEEDED"]
    assert bank.state is State.DECIDED


async def test_what_a_bank_has_decided_before_anybody_looked_is_concluded(lively: Market, listener: Listener) -> None:
    service_id = await lively.service(lively.provider_id)
    start_at = lively.clock.now() + timedelta(hours=11)
    paid = await lively.book(service_id, start_at, card="pm_card_createDispute")
    await lively.passes(MINUTE)
    await lively.sandbox.settled()
    await at_desk(lively, paid, "winning_evidence")
    await lively.sandbox.settled()

    lively.clock.advance(MINUTE)
    await lively.sandbox.settled()
    for body, signature in listener.raw:
        receipt = await lively.app.webhooks.receive(body, signature)
        await lively.app.hearing.act(receipt.hint.event_id)
    [bank] = await lively.app.disputes.of_booking(paid.booking.booking_id)
    was, workflows = bank.state, lively.app.ports.workflows
    given = {"booking_id": bank.booking_id, "dispute_id": bank.dispute_id}

    await workflows.start(StartExecution(machine=DISPUTE, name=bank.dispute_id, input=given), SYSTEM)
    await workflows.step()

    assert was is State.BANK_DECIDED
    assert await went(lively, bank) == [*LOOK, "ConcludeBank", *DECIDED]


async def test_a_state_that_the_machine_does_not_know_fails_and_is_told(quick_path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(quick_path / "states.sqlite", clock)
    workflows = EmbeddedWorkflows(table, clock, SeededEntropy(1))

    async def answers(_: TaskCall) -> dict[str, Any]:
        return {"state": "asleep", "due": False, "small": False, "due_in_s": 1, "decide_in_s": 1}

    workflows.bind(definitions(), dict.fromkeys((function.name for function in TABLE), answers))
    given = {"booking_id": "bkg_1", "dispute_id": "dsp_1"}
    begun = await workflows.start(StartExecution(machine=DISPUTE, name="dsp_1", input=given), SYSTEM)
    await workflows.step()

    ended = await workflows.describe(begun.execution_id)
    announced = await table.query(f"EXECUTION#{begun.execution_id}", Event, prefix="EVENT#")
    assert (ended.status, ended.error) == (ExecutionStatus.FAILED, "UnknownState")
    assert [event.type for event in announced.values] == ["ExecutionFailed"]
    await workflows.close()
    await table.close()


async def test_what_the_rule_cannot_give_back_is_an_operators_with_an_alarm(
    lively: Market, oscar: Actor, listener: Listener
) -> None:
    dispute = await charged_back(lively, listener)

    await lively.passes(DAY)

    assert await went(lively, dispute) == [*ASKED, *LOOK, *STUCK, "RUNNING"]
    assert await heard(lively, oscar) == ["dispute-escalated"]
    await answered(lively, dispute, oscar, accepted=False)
    assert (await went(lively, dispute))[-4:] == DECIDED
    row = await lively.app.bookings.row(dispute.booking_id)
    assert row.value.status is not BookingStatus.DISPUTED


async def test_one_that_nobody_decides_then_fails_which_operators_hear_of_too(
    lively: Market, oscar: Actor, listener: Listener
) -> None:
    dispute = await charged_back(lively, listener)

    await lively.passes(7 * DAY)

    assert (await went(lively, dispute))[-2:] == ["Undecided", "FAILED"]
    assert {"dispute-escalated", "execution-failed"} <= set(await told(lively, oscar))


async def test_the_sweep_tells_of_what_it_cannot_take_on_and_leaves_others_their_turn(
    lively: Market, oscar: Actor, listener: Listener
) -> None:
    dispute = await charged_back(lively, listener)
    await lively.app.ports.workflows.stop(f"{DISPUTE}:{dispute.dispute_id}", SYSTEM)
    await lively.passes(DAY + 11 * MINUTE)

    for _ in range(3):
        await lively.app.sweep.disputes_left()

    assert (await now(lively, dispute)).state is State.REVIEW
    assert await heard(lively, oscar) == ["dispute-escalated"]


async def test_all_that_are_due_are_found_however_many_are_stuck(lively: Market) -> None:
    dispute = await opened(lively)
    await lively.passes(DAY - HOUR)
    at = lively.clock.now() + DAY
    assert [each.dispute_id for each in await lively.app.disputes.due(State.REVIEW, at, 1)] == [dispute.dispute_id]
    assert len(await lively.app.disputes.due(State.REVIEW, at)) == 1


@pytest.mark.parametrize("refund_minor", [999_999, -1])
async def test_an_amount_that_was_not_paid_is_refused_before_the_answer_is_given(
    lively: Market, oscar: Actor, refund_minor: int
) -> None:
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)

    with pytest.raises(Invalid, match="refund_minor"):
        await answered(lively, dispute, oscar, accepted=True, output={"refund_minor": refund_minor})

    assert (await went(lively, dispute))[-2:] == ["Escalate", "RUNNING"]
    await answered(lively, dispute, oscar, accepted=True, output={"refund_minor": 500})
    verdict = (await now(lively, dispute)).verdict
    assert verdict
    assert verdict.refund.minor == 500


async def test_who_runs_the_marketplace_no_more_when_it_is_carried_out_has_decided_nothing(
    lively: Market, oscar: Actor
) -> None:
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)
    awaited = await waiting(lively, f"{DISPUTE}:{dispute.dispute_id}")
    said = {"decided_by": ADA.actor_id, "reason": "I was one."}
    ada = await admitted(lively, "Ada Lovelace")

    await lively.app.ports.workflows.succeed(awaited.token, said | {"decided_by": ada.actor_id})
    await lively.passes(HOUR)

    assert (await went(lively, dispute))[-4:] == ["DecideForCustomer", "TimeLeft", "AwaitOperator", "RUNNING"]
    assert (await now(lively, dispute)).verdict is None
    assert await heard(lively, oscar) == ["dispute-escalated", "dispute-escalated"]


async def test_nobody_answers_steps_that_wait_for_events(lively: Market, oscar: Actor) -> None:
    dispute = await opened(lively)
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow() + 3 * DAY)
    await lively.passes()

    for execution_id in (f"{DISPUTE}:{dispute.dispute_id}", f"{LIFECYCLE}:{hold.hold_id}"):
        whole = await lively.app.executions.whole(execution_id, oscar)
        assert whole.execution.awaiting
        assert whole.tasks == []


async def test_what_is_left_to_an_operator_may_be_rejected_and_not_accepted(
    lively: Market, oscar: Actor, listener: Listener
) -> None:
    dispute = await charged_back(lively, listener)
    await lively.passes(DAY)

    with pytest.raises(NotAPersonsToAnswer):
        await answered(lively, dispute, oscar, accepted=True)

    assert (await went(lively, dispute))[-2:] == ["AwaitOperator", "RUNNING"]


async def test_a_review_ends_a_day_after_the_opening_whenever_the_wait_was_entered(
    lively: Market, oscar: Actor
) -> None:
    dispute = await opened(lively)
    execution_id = f"{DISPUTE}:{dispute.dispute_id}"
    await lively.app.ports.workflows.stop(execution_id, SYSTEM)
    await lively.passes(20 * HOUR)
    execution = await lively.app.ports.workflows.start(
        StartExecution(
            machine=DISPUTE,
            name="later",
            input={"booking_id": dispute.booking_id, "dispute_id": dispute.dispute_id},
        ),
        SYSTEM,
    )
    await lively.passes()

    awaited = await waiting(lively, execution.execution_id)

    assert awaited.state == "AwaitAnswer"
    assert awaited.timeout_at == dispute.due_at
    await lively.passes(4 * HOUR)
    verdict = (await now(lively, dispute)).verdict
    assert verdict
    assert verdict.by is Party.RULE


async def test_of_each_execution_that_failed_operators_hear_once(lively: Market, oscar: Actor) -> None:
    workflows = lively.app.ports.workflows
    await lively.passes()
    await workflows.start(
        StartExecution(machine="ecosystem-payment-processing", name="odd", input={"kind": "?"}), SYSTEM
    )
    await lively.passes()
    await workflows.redrive("ecosystem-payment-processing:odd", SYSTEM)
    await lively.passes()

    odd = await workflows.describe("ecosystem-payment-processing:odd")
    assert (odd.status, len(odd.redrives)) == (ExecutionStatus.FAILED, 1)
    assert (await told(lively, oscar)).count("execution-failed") == 1


async def test_operators_hear_of_what_ran_out_of_time(lively: Market, oscar: Actor) -> None:
    await lively.passes(HOUR)
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    await lively.passes()

    lively.clock.advance(3 * HOUR)
    await lively.passes()

    execution = await lively.app.ports.workflows.describe(f"{LIFECYCLE}:{hold.hold_id}")
    assert execution.status is ExecutionStatus.TIMED_OUT
    assert "execution-failed" in await told(lively, oscar)
