"""The steps of a dispute, as `ecosystem-dispute-resolution` asks for them. Each answers how the dispute stands then.

A step that finds the dispute elsewhere than it expected, since somebody was faster, does nothing: the machine looks
again after every step.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.disputes import DecideDispute, Dispute, DisputeElsewhere, DisputeOver, State
from ecosystem.journeys.disputes import ACTOR
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money, zero
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.waits import Waits, waiting

_DECIDED = re.compile(r"(.*) \(decided by ([a-z]{3}_[0-9a-z]+)\)", re.DOTALL)
"""The cause of a rejection, as `Watching.answer` gives it."""

Step = Callable[[str, str, Actor], Awaitable[Dispute]]

WAITS = timedelta(days=8)
AWAITED = {
    State.REVIEW: ("DisputeAnswered", "DisputeDecided", "DisputeOverdue", "DisputeWithdrawn"),
    State.OFFERED: ("DisputeDecided", "DisputeOverdue", "DisputeWithdrawn", "OfferDeclined"),
    State.ESCALATED: ("DisputeDecided", "DisputeOverdue", "DisputeWithdrawn"),
}
"""The events that end the wait in a state."""


async def look(market: App, call: TaskCall) -> dict[str, Any]:
    """How the dispute stands: its state, whether it is due, whether the rule may decide it, the seconds to decide."""
    dispute, now = await _found(market, call), market.ports.clock.now()
    left = dispute.decide_by - now
    return {
        "state": dispute.state.value,
        "due": dispute.due_at is not None and dispute.due_at <= now,
        "small": await market.disputing.is_small(dispute),
        "decide_in_s": max(1, ceil(left.total_seconds())),
    }


async def ask(market: App, call: TaskCall) -> dict[str, Any]:
    """Keep the step's token until the dispute leaves the state that the step names, and answer at once if it has."""
    return await _await(market, call, State(call.input["state"]))


async def escalate(market: App, call: TaskCall) -> dict[str, Any]:
    """Put a contested dispute before an operator, and keep the step's token until one has decided."""
    await step(market, call, act=market.disputing.escalate)
    return await _await(market, call, State.ESCALATED)


async def accept(market: App, call: TaskCall) -> dict[str, Any]:
    """Decide for the customer, in the name of the operator who accepted: what is wanted, or the part they named."""
    answer, wanted = call.input["answer"], (await _found(market, call)).wanted
    refund = Money(int(answer["refund_minor"]), wanted.currency) if "refund_minor" in answer else wanted
    return await _decide(market, call, refund, answer["decided_by"], answer["reason"])


async def reject(market: App, call: TaskCall) -> dict[str, Any]:
    """Decide for the provider, as the operator did who rejected: nothing goes back."""
    answer = call.input["answer"]
    nothing = zero((await _found(market, call)).wanted.currency)
    said = _DECIDED.fullmatch(answer["Cause"])
    reason, decider = said.groups() if said else (answer["Cause"], ACTOR.actor_id)
    return await _decide(market, call, nothing, decider, reason)


async def leave_to_operator(market: App, call: TaskCall) -> dict[str, Any]:
    """Tell operators that the dispute cannot go its way, and why; keep the step's token until one has decided."""
    dispute, why = await _found(market, call), call.input["refused"].get("Cause", "")
    await market.alarms.dispute_stuck(dispute, why)
    return await _await(market, call, dispute.state, AWAITED[State.ESCALATED])


async def step(market: App, call: TaskCall, *, act: Step) -> dict[str, Any]:
    """Do what the machine found due, unless somebody was faster."""
    try:
        dispute = await act(call.input["booking_id"], call.input["dispute_id"], ACTOR)
    except (DisputeElsewhere, DisputeOver):
        dispute = await _found(market, call)
    return {"state": dispute.state.value}


async def _await(market: App, call: TaskCall, state: State, types: Sequence[str] = ()) -> dict[str, Any]:
    assert call.token is not None
    ports, dispute_id = market.ports, call.input["dispute_id"]
    await ports.table.transact(
        waiting(dispute_id, call.token, types or AWAITED[state], until=ports.clock.now() + WAITS)
    )
    found = {"state": (await _found(market, call)).state.value}
    if found["state"] != state:
        await Waits(ports.table, ports.workflows).succeed(call.token, found)
    return found


async def _decide(market: App, call: TaskCall, refund: Money, decider: str, reason: str) -> dict[str, Any]:
    request = DecideDispute(
        booking_id=call.input["booking_id"], dispute_id=call.input["dispute_id"], refund=refund, reason=reason
    )
    operator = Actor(actor_id=decider, groups=(Group.ADMINS,))

    async def decide(_: str, __: str, ___: Actor) -> Dispute:
        return await market.disputing.decide(request, operator)

    return await step(market, call, act=decide)


async def _found(market: App, call: TaskCall) -> Dispute:
    return (await market.disputes.row(call.input["booking_id"], call.input["dispute_id"])).value


async def rule(market: App, call: TaskCall) -> dict[str, Any]:
    return await step(market, call, act=market.disputing.resolve_by_rule)


async def lapse(market: App, call: TaskCall) -> dict[str, Any]:
    return await step(market, call, act=market.disputing.lapse_offer)


async def overdue(market: App, call: TaskCall) -> dict[str, Any]:
    return await step(market, call, act=market.disputing.overdue)


async def bank(market: App, call: TaskCall) -> dict[str, Any]:
    return await step(market, call, act=market.disputing.conclude_bank)


ACTS: Mapping[str, Callable[[App, TaskCall], Awaitable[Any]]] = {
    "accept": accept,
    "ask": ask,
    "bank": bank,
    "escalate": escalate,
    "lapse": lapse,
    "leave-to-operator": leave_to_operator,
    "look": look,
    "overdue": overdue,
    "reject": reject,
    "rule": rule,
}
"""What a step may ask for."""
