"""The steps of a dispute, as `ecosystem-dispute-resolution` asks for them. Each answers how the dispute stands then.

A step that finds the dispute elsewhere than it expected, since somebody was faster, does nothing: the machine looks
again after every step.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import msgspec
from msgspec import UNSET

from ecosystem.app import App
from ecosystem.contexts.disputes import DecideDispute, Dispute, DisputeElsewhere, DisputeOver, State
from ecosystem.contexts.identity import Standing
from ecosystem.journeys.answers import Said
from ecosystem.journeys.disputes import ACTOR
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.waits import Waits, waiting

Step = Callable[[str, str, Actor], Awaitable[Dispute]]

WAITS = timedelta(days=8)
AWAITED = {
    State.REVIEW: ("DisputeAnswered", "DisputeDecided", "DisputeOverdue", "DisputeWithdrawn"),
    State.OFFERED: ("DisputeDecided", "DisputeOverdue", "DisputeWithdrawn", "OfferDeclined"),
    State.ESCALATED: ("DisputeDecided", "DisputeOverdue", "DisputeWithdrawn"),
}
"""The events that end the wait in a state."""


async def look(market: App, call: TaskCall) -> dict[str, Any]:
    """How the dispute stands: its state, whether it is due, whether the rule may decide it, the seconds until both."""
    dispute, now = await _found(market, call), market.ports.clock.now()
    return {
        "state": dispute.state.value,
        "due": dispute.due_at is not None and dispute.due_at <= now,
        "small": await market.disputing.is_small(dispute),
        "due_in_s": _seconds_until(dispute.due_at or dispute.decide_by, now),
        "decide_in_s": _seconds_until(dispute.decide_by, now),
    }


def _seconds_until(then: datetime, now: datetime) -> int:
    """As a wait has them: whole, and one at least."""
    return max(1, ceil((then - now).total_seconds()))


async def ask(market: App, call: TaskCall) -> dict[str, Any]:
    """Keep the step's token until the dispute leaves the state that the step names, and answer at once if it has."""
    return await _await(market, call, State(call.input["state"]))


async def escalate(market: App, call: TaskCall) -> dict[str, Any]:
    """Put a contested dispute before an operator, and keep the step's token until one has decided."""
    await step(market, call, act=market.disputing.escalate)
    return await _await(market, call, State.ESCALATED)


async def accept(market: App, call: TaskCall) -> dict[str, Any]:
    """Decide for the customer, in the name of the operator who accepted: what is wanted, or the part they named."""
    said = msgspec.convert(call.input["answer"], Said)
    wanted = (await _found(market, call)).wanted
    refund = wanted if said.refund_minor is UNSET else Money(said.refund_minor, wanted.currency)
    return await _decide(market, call, refund, said)


async def reject(market: App, call: TaskCall) -> dict[str, Any]:
    """Decide for the provider, as the operator did who rejected: nothing goes back."""
    said = msgspec.json.decode(call.input["answer"]["Cause"], type=Said)
    return await _decide(market, call, zero((await _found(market, call)).wanted.currency), said)


async def leave_to_operator(market: App, call: TaskCall) -> dict[str, Any]:
    """Tell operators that the dispute cannot go its way, and why; keep the step's token until one has decided."""
    dispute, refused = await _found(market, call), call.input["refused"]
    if dispute.is_over:
        assert call.token is not None
        found = {"state": dispute.state.value}
        await Waits(market.ports.table, market.ports.workflows).succeed(call.token, found)
        return found
    await market.alarms.dispute_stuck(dispute, refused.get("Cause") or refused.get("Error") or "")
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


async def _decide(market: App, call: TaskCall, refund: Money, said: Said) -> dict[str, Any]:
    """In the name of who answered, as far as they still run the marketplace. Raises `Denied`."""
    request = DecideDispute(
        booking_id=call.input["booking_id"], dispute_id=call.input["dispute_id"], refund=refund, reason=said.reason
    )
    person = await market.identity.people.person(said.decided_by, ACTOR)
    if person.standing is not Standing.ACTIVE:
        raise Denied("Who decided so may not sign in any more.")
    operator = Actor(actor_id=person.user_id, groups=person.groups)

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
