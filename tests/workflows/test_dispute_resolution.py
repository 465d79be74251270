"""Disputes: each way through the machine, with everybody who may act and with nobody who does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.disputes import (
    Answer,
    AnswerDispute,
    DecideDispute,
    Dispute,
    OpenDispute,
    Party,
    State,
)
from ecosystem.journeys.executions import AnswerTask
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event
from ecosystem.workflows.entries.workflow_orchestrator import orchestrate
from market import ADA, OPERATOR, OWNER, Market
from workflows.lives import DAY, DISPUTE, HOUR, MINUTE, SECOND, admitted, begun, path, told

LOOK = ["Look", "WhereItStands"]
ASKED = [*LOOK, "AwaitAnswer"]
DECIDED = [*LOOK, "Decided", "SUCCEEDED"]
LARGE, SMALL = 6_000, 2_000


async def opened(shop: Market, wanted: int = LARGE, actor: Actor = ADA) -> Dispute:
    """A dispute over a booking of a hundred that has just begun."""
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=11), ADA)
    await shop.passes(timedelta(hours=12, minutes=1))
    request = OpenDispute(
        dispute_id=shop.id("dsp"),
        booking_id=paid.booking.booking_id,
        text="Half of it was missing.",
        wanted=Money(wanted, "EUR"),
    )
    dispute = await shop.app.disputing.open(request, actor)
    await shop.passes()
    return dispute


async def says(shop: Market, dispute: Dispute, answer: Answer, offered: int | None = None) -> None:
    request = AnswerDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        answer=answer,
        text="It was all there.",
        offered=None if offered is None else Money(offered, "EUR"),
    )
    await shop.app.disputing.answer(request, OWNER)
    await shop.passes()


async def now(shop: Market, dispute: Dispute) -> Dispute:
    return (await shop.app.disputes.row(dispute.booking_id, dispute.dispute_id)).value


async def went(shop: Market, dispute: Dispute) -> list[str]:
    return await path(shop, DISPUTE, dispute.dispute_id)


async def heard(shop: Market, actor: Actor) -> list[str]:
    """What an operator was told of disputes."""
    return [kind for kind in await told(shop, actor) if kind.startswith("dispute")]


async def held(shop: Market, dispute: Dispute) -> tuple[int, int]:
    """What the processor holds for us and kept as its fees, and what the provider has, once everything holds."""
    await shop.passes(MINUTE)
    await shop.verified()
    held_or_kept = -await shop.balance("processor:EUR") - await shop.balance("costs:EUR")
    return held_or_kept, await shop.balance(f"provider:{shop.provider_id}:EUR")


async def test_what_nobody_answers_for_a_day_goes_back_by_rule(lively: Market) -> None:
    dispute = await opened(lively)

    await lively.passes(DAY - SECOND)
    waits = await went(lively, dispute)
    await lively.passes(SECOND)

    assert waits == [*ASKED, "RUNNING"]
    assert await went(lively, dispute) == [*ASKED, *LOOK, "ResolveByRule", *DECIDED]
    after = await now(lively, dispute)
    assert after.verdict
    assert after.verdict.by is Party.RULE
    assert await held(lively, dispute) == (4_000, 3_600)


@pytest.mark.parametrize(
    ("answer", "wanted", "then"),
    [
        (Answer.ACCEPTED, LARGE, DECIDED),
        (Answer.CONTESTED, SMALL, [*LOOK, "ResolveByRule", *DECIDED]),
        (Answer.CONTESTED, LARGE, [*LOOK, "Escalate", "RUNNING"]),
        (Answer.OFFERED, LARGE, [*LOOK, "AwaitCustomer", "RUNNING"]),
    ],
)
async def test_the_providers_answer_decides_what_is_next(
    lively: Market, answer: Answer, wanted: int, then: Sequence[str]
) -> None:
    dispute = await opened(lively, wanted)

    await says(lively, dispute, answer, 1_000 if answer is Answer.OFFERED else None)

    assert await went(lively, dispute) == [*ASKED, *then]


@pytest.mark.parametrize(
    ("act", "then"),
    [
        ("accept_offer", DECIDED),
        ("decline_offer", [*LOOK, "Escalate", "RUNNING"]),
        ("", [*LOOK, "LetOfferLapse", *LOOK, "Escalate", "RUNNING"]),
    ],
)
async def test_an_offer_is_taken_or_declined_or_lapses_and_never_hangs(
    lively: Market, act: str, then: Sequence[str]
) -> None:
    dispute = await opened(lively)
    await says(lively, dispute, Answer.OFFERED, 1_000)

    if act:
        await getattr(lively.app.disputing, act)(dispute.booking_id, dispute.dispute_id, ADA)
    await lively.passes(DAY)

    assert await went(lively, dispute) == [*ASKED, *LOOK, "AwaitCustomer", *then]


async def test_one_taken_back_ends_and_the_booking_goes_on(lively: Market) -> None:
    dispute = await opened(lively)

    await lively.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, ADA)
    await lively.passes()

    assert await went(lively, dispute) == [*ASKED, *LOOK, "Withdrawn", "SUCCEEDED"]
    row = await lively.app.bookings.row(dispute.booking_id)
    assert row.value.status is BookingStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("accepted", "output", "refund"), [(True, None, LARGE), (True, {"refund_minor": 500}, 500), (False, None, 0)]
)
async def test_an_operator_accepts_or_rejects_the_task_that_waits_for_one(
    lively: Market, accepted: bool, output: dict[str, int] | None, refund: int
) -> None:
    oscar = await admitted(lively, "Oscar Wilde", Group.ADMINS)
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)
    execution_id = f"{DISPUTE}:{dispute.dispute_id}"
    [task] = (await lively.app.executions.whole(execution_id, oscar)).tasks

    answer = AnswerTask(
        execution_id=execution_id,
        task_id=task.task_id,
        accepted=accepted,
        reason="The pictures show it.",
        output=output,
    )
    await lively.app.executions.answer(answer, oscar)
    await lively.passes()

    after = await now(lively, dispute)
    assert after.verdict
    assert (after.verdict.by, after.verdict.refund.minor) == (Party.OPERATOR, refund)
    assert after.verdict.reason == "The pictures show it."
    assert after.verdict.decider == oscar.actor_id
    assert await heard(lively, oscar) == ["dispute-escalated"]
    assert (await went(lively, dispute))[-4:] == DECIDED
    assert (await held(lively, dispute))[0] == 10_000 - refund


async def test_what_an_operator_decides_at_the_dispute_itself_ends_the_wait(lively: Market) -> None:
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)
    request = DecideDispute(
        booking_id=dispute.booking_id, dispute_id=dispute.dispute_id, refund=Money(2_500, "EUR"), reason="A half."
    )

    await lively.app.disputing.decide(request, OPERATOR)
    await lively.passes()

    assert await went(lively, dispute) == [*ASKED, *LOOK, "Escalate", "WhoDecided", *DECIDED]


async def test_what_nobody_decides_is_refunded_within_the_seven_days_and_operators_are_alarmed(lively: Market) -> None:
    oscar = await admitted(lively, "Oscar Wilde", Group.ADMINS)
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)

    for _ in range(13):
        await lively.passes(12 * HOUR)
    waits = (await now(lively, dispute)).state
    await lively.passes(12 * HOUR)

    assert waits is State.ESCALATED
    assert (await now(lively, dispute)).overdue
    assert await went(lively, dispute) == [*ASKED, *LOOK, "Escalate", *LOOK, "RefundUndecided", *DECIDED]
    assert await heard(lively, oscar) == ["dispute-escalated", "dispute-overdue"]
    assert await held(lively, dispute) == (4_000, 3_600)


async def test_what_an_operator_opens_is_theirs_from_the_beginning(lively: Market) -> None:
    oscar = await admitted(lively, "Oscar Wilde", Group.ADMINS)
    dispute = await opened(lively, actor=oscar)

    assert await went(lively, dispute) == [*LOOK, "Escalate", "RUNNING"]
    assert await heard(lively, oscar) == ["dispute-escalated"]


async def test_answers_late_again_and_out_of_order_change_nothing_any_more(lively: Market) -> None:
    dispute = await opened(lively)
    await says(lively, dispute, Answer.CONTESTED)
    timeline = await lively.app.ports.table.query(f"DISPUTE#{dispute.dispute_id}", Event, prefix="EVENT#")
    before = await went(lively, dispute)

    for event in [*timeline.values, *reversed(timeline.values)]:
        await orchestrate(lively.app, event)
    await lively.passes()

    assert await went(lively, dispute) == before == [*ASKED, *LOOK, "Escalate", "RUNNING"]
    assert await begun(lively, DISPUTE) == 1
