"""The steps beside a new provider, as a machine calls them: each may be repeated, and answers the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.identity import Admission
from ecosystem.kernel.actor import Actor, Group
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.ports.workflows import TaskCall
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.entries import notification_handler, profile_events, stripe_connect
from ecosystem.workflows.triggers import Entry
from market import SYSTEM, Market, market


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Market]:
    async with market(tmp_path, VirtualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))) as opened:
        user_id = opened.id("usr")
        groups = (Group.CUSTOMERS, Group.PROVIDERS)
        admission = Admission(
            user_id=user_id, email="paula@example.org", password="no hash", name="Paula Sousa", groups=groups
        )
        await opened.app.ports.table.transact(*opened.app.identity.people.admitting(admission, SYSTEM))
        await opened.provider(Actor(actor_id=user_id, groups=groups))
        yield opened


async def called(shop: Market, entry: Entry, act: str) -> Any:
    assert entry.tasks
    call = TaskCall(
        execution_id="exe_1",
        machine="ecosystem-provider-onboarding",
        name=shop.provider_id,
        state=act,
        call_id=1,
        function="any",
        input={"act": act, "provider_id": shop.provider_id},
        token=None,
        fence=1,
        attempt=0,
    )
    return await entry.tasks[act](shop.app, call)


async def test_each_step_answers_the_same_however_often_it_is_called(shop: Market) -> None:
    first = [await called(shop, stripe_connect.ENTRY, "request") for _ in range(2)]
    missing = await called(shop, profile_events.ENTRY, "check")
    told = [(await called(shop, notification_handler.ENTRY, "welcome"))["told"] for _ in range(2)]

    assert first[0] == first[1]
    assert (first[0]["provider_id"], first[0]["state"]) == (shop.provider_id, "pending")
    assert not missing["complete"]
    assert [lack["step"] for lack in missing["missing"]] == ["service"]
    assert told == [True, False]


async def test_a_silent_processor_fails_the_step_by_its_name_so_that_it_is_tried_again(shop: Market) -> None:
    shop.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/accounts", times=3, status=500))

    with pytest.raises(ProcessorSilent):
        await called(shop, stripe_connect.ENTRY, "request")

    assert (await called(shop, stripe_connect.ENTRY, "request"))["state"] == "pending"
