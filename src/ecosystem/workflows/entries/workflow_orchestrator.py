"""`workflow-orchestrator`: begins an execution where an event calls for one, and answers the steps that wait for it.

An execution is named after its matter, so an event that comes twice begins one. Rotations of keys are long work too, for
which no machine stands: what is left of them is in an index, and each firing goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import StartExecution
from ecosystem.workflows.triggers import Entry, Firing
from ecosystem.workflows.waits import Waits

ACTOR = system("workflow-orchestrator")
Detail = Mapping[str, Any]


class Beginning(Struct, frozen=True, kw_only=True):
    """An event of that type begins an execution of the machine, unless its detail lacks a value for `wants`.

    Its input is `given` and those fields of the detail; the first of them is its matter, and names it. An input is
    ids: whoever needs more reads how things stand.
    """

    machine: str
    fields: tuple[str, ...]
    given: Mapping[str, str] = {}
    wants: str = ""


class Awaiting(Struct, frozen=True, kw_only=True):
    """Steps wait for an event of that type under the `matter` that a field of its detail names.

    `output` is what they are answered with.
    """

    matter: str
    output: Callable[[Event], Mapping[str, Any]]


def became(standing: str) -> Callable[[Event], Mapping[str, Any]]:
    """What became of a hold, in the words of `holds.standing`."""
    return lambda event: {
        "standing": standing,
        "booking_id": event.detail.get("booking_id", ""),
        "event_id": event.event_id,
    }


def happened(event: Event) -> Mapping[str, Any]:
    """That it happened: whoever waited looks how things stand."""
    return {"type": event.type}


BOOKING = "ecosystem-booking-lifecycle"
PAYMENT = "ecosystem-payment-processing"
DISPUTE = "ecosystem-dispute-resolution"
ONBOARDING = "ecosystem-provider-onboarding"

BEGINNINGS: Mapping[str, Beginning] = {
    "HoldTaken": Beginning(machine=BOOKING, fields=("hold_id",)),
    "PaymentIntended": Beginning(machine=PAYMENT, fields=("payment_id", "booking_id"), given={"kind": "charge"}),
    "RefundRequested": Beginning(machine=PAYMENT, fields=("refund_id", "booking_id"), given={"kind": "refund"}),
    "PayoutIntended": Beginning(machine=PAYMENT, fields=("payout_id",), given={"kind": "payout"}),
    "DisputeOpened": Beginning(machine=DISPUTE, fields=("dispute_id", "booking_id")),
    # What nobody has claimed yet is nobody's to be paid for.
    "ProviderRegistered": Beginning(machine=ONBOARDING, fields=("provider_id",), wants="owner_id"),
    "ProviderClaimed": Beginning(machine=ONBOARDING, fields=("provider_id",)),
}
"""Which events begin what."""

AWAITED: Mapping[str, Awaiting] = {
    "BookingConfirmed": Awaiting(matter="hold_id", output=became("booked")),
    "BookingRequested": Awaiting(matter="hold_id", output=became("requested")),
    "BookingCancelled": Awaiting(matter="hold_id", output=became("released")),
    "BookingExpired": Awaiting(matter="hold_id", output=became("expired")),
    "HoldReleased": Awaiting(matter="hold_id", output=became("released")),
    "HoldExpired": Awaiting(matter="hold_id", output=became("expired")),
    "DisputeAnswered": Awaiting(matter="dispute_id", output=happened),
    "OfferDeclined": Awaiting(matter="dispute_id", output=happened),
    "DisputeWithdrawn": Awaiting(matter="dispute_id", output=happened),
    "DisputeDecided": Awaiting(matter="dispute_id", output=happened),
    "DisputeOverdue": Awaiting(matter="dispute_id", output=happened),
}
"""Types of event that steps wait for, and what they are answered with."""

TYPES = tuple(sorted({*BEGINNINGS, *AWAITED}))


async def orchestrate(market: App, event: Event) -> None:
    if beginning := BEGINNINGS.get(event.type):
        await begin(market, beginning, event.detail)
    if (awaiting := AWAITED.get(event.type)) and (matter := event.detail.get(awaiting.matter)):
        waits = Waits(market.ports.table, market.ports.workflows)
        await waits.answer(matter, event.type, awaiting.output(event))


async def begin(market: App, beginning: Beginning, detail: Detail) -> None:
    """Begin the execution that the event calls for; one that has begun goes on as it is."""
    if beginning.wants and not detail.get(beginning.wants):
        return
    given = {**beginning.given, **{field: detail[field] for field in beginning.fields}}
    request = StartExecution(machine=beginning.machine, name=detail[beginning.fields[0]], input=given)
    await market.ports.workflows.start(request, ACTOR)


REWRAP = "rewrap-keys"
RETIRE = "retire-keys"


async def go_on(market: App, firing: Firing) -> None:
    """Go on with rotations, or retire what they left behind; and write down what the keys were used for."""
    if firing.schedule == RETIRE:
        await market.key_rings.retire_due(ACTOR)
        return
    await market.key_rings.go_on(ACTOR)
    await market.key_rings.keys.write_down()


ENTRY = Entry(event=orchestrate, schedule=go_on)
