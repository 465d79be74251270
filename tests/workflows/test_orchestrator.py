"""Events begin executions, once each, and answer the steps that wait for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.ports.workflows import Definition, ExecutionStatus, TaskCall
from ecosystem.workflows.bindings import tasks
from ecosystem.workflows.entries.workflow_orchestrator import Beginning, begin
from ecosystem.workflows.functions import Function
from ecosystem.workflows.triggers import Entry, OnTask
from ecosystem.workflows.waits import Waits, waiting
from market import Market, market

MACHINE = {
    "StartAt": "Hear",
    "States": {
        "Hear": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "TimeoutSeconds": 600,
            "Parameters": {
                "FunctionName": "${hearer}",
                "Payload": {"act": "hear", "token.$": "$$.Task.Token", "booking_id.$": "$.booking_id"},
            },
            "End": True,
        }
    },
}
BEGINNING = Beginning(machine="listening", fields=("booking_id",), given={"kind": "any"}, wants="owner_id")


async def hear(app: App, call: TaskCall) -> Any:
    """Keep the token until the booking is called off."""
    until = app.ports.clock.now() + timedelta(minutes=10)
    assert call.token
    await app.ports.table.transact(waiting(call.input["booking_id"], call.token, ["BookingCancelled"], until=until))


HEARER = Function(
    name="hearer",
    entry=Entry(tasks={"hear": hear}),
    triggers=(OnTask(acts=("hear",)),),
    timeout_s=5,
    permissions=(),
)


@pytest.fixture
async def shop(quick_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(quick_path, clock) as opened:
        await opened.provider()
        document = Definition(name="listening", content=msgspec.json.encode(MACHINE), file="listening.asl.json")
        opened.app.ports.workflows.bind([document], tasks(opened.app, [HEARER]))
        yield opened


async def test_an_event_that_comes_twice_begins_one_execution_named_after_its_matter(shop: Market) -> None:
    placed = {"booking_id": "bkg_1", "owner_id": "usr_1", "total": 5}

    await begin(shop.app, BEGINNING, placed)
    await begin(shop.app, BEGINNING, placed)
    await begin(shop.app, BEGINNING, {"booking_id": "bkg_2", "owner_id": None})
    found = (await shop.app.ports.workflows.listed(machine="listening")).executions

    assert [(each.name, each.input) for each in found] == [("bkg_1", {"kind": "any", "booking_id": "bkg_1"})]


async def test_a_step_that_waits_goes_on_with_the_event_it_waits_for_and_no_other(shop: Market) -> None:
    workflows, waits = shop.app.ports.workflows, Waits(shop.app.ports.table, shop.app.ports.workflows)
    await begin(shop.app, BEGINNING, {"booking_id": "bkg_1", "owner_id": "usr_1"})
    await workflows.step()

    others = [await waits.answer("bkg_1", "BookingConfirmed", {}), await waits.answer("bkg_2", "BookingCancelled", {})]
    answered = await waits.answer("bkg_1", "BookingCancelled", {"by": "customer"})
    again = await waits.answer("bkg_1", "BookingCancelled", {"by": "provider"})
    await workflows.step()
    execution = await workflows.describe("listening:bkg_1")

    assert (others, answered, again) == ([False, False], True, False)
    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.output == {"by": "customer"}
