"""Events are signed, come late, twice and out of order, but each at least once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import aiohttp
from msgspec.structs import replace

from ecosystem.contexts.payments import authorize
from ecosystem.sandbox import ROUGH, Profile, Sandbox, Settings
from sandbox.calling import KEYS, Caller, Listener, listening

HASTY = Profile(delay_most_s=0.03, late=0.3, late_s=0.1, twice=0.4, afterwards_s=0.0, retry_s=0.01, retry_most_s=0.05)


async def test_the_events_of_a_payment_come_once_signed_and_in_order_when_it_is_calm(
    settings: Settings, listener: Listener
) -> None:
    async with running(replace(settings, webhook_url=listener.url)) as (sandbox, api):
        await api.pay()
        await api.pay("pm_card_chargeDeclined")
        await api.pay("pm_card_authenticationRequired")
        held = await api.pay(capture_method="manual")
        await api("POST", f"/v1/payment_intents/{held['id']}/cancel")
        await sandbox.settled()

    told = Counter(listener.types)
    assert told["payment_intent.created"] == 4
    assert told["payment_intent.succeeded"] == told["payment_intent.requires_action"] == 1
    assert told["payment_intent.payment_failed"] == told["charge.failed"] == 1
    assert told["payment_intent.amount_capturable_updated"] == told["payment_intent.canceled"] == 1
    for body, signature in listener.raw:
        authorize(body, signature, (KEYS.webhook_secret,), datetime.now(UTC))


async def test_only_the_types_asked_for_are_delivered_and_all_are_listed(
    settings: Settings, listener: Listener
) -> None:
    asked = replace(settings, webhook_url=listener.url, webhook_events=("payment_intent.succeeded",))
    async with running(asked) as (sandbox, api):
        await api.pay()
        await sandbox.settled()
        listed = await api("GET", "/v1/events")
        of_charges = await api("GET", "/v1/events", {"type": "charge.*"})

    assert listener.types == ["payment_intent.succeeded"]
    assert [event["type"] for event in listed["data"]] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]
    assert [event["type"] for event in of_charges["data"]] == ["charge.succeeded"]
    assert listener.heard[0]["data"]["object"]["status"] == "succeeded"


async def test_events_come_late_twice_and_out_of_order_by_seed(settings: Settings, listener: Listener) -> None:
    rough = replace(settings, webhook_url=listener.url, profile=HASTY, seed=7)
    async with running(rough) as (sandbox, api):
        for _ in range(20):
            await api.pay()
        await sandbox.settled()

    ids = [event["id"] for event in listener.heard]
    made = list(dict.fromkeys(event["created"] for event in listener.heard))
    assert len(set(ids)) == 60
    assert len(ids) > 60
    assert made
    firsts = list(dict.fromkeys(ids))
    order = {event["id"]: event["type"] for event in listener.heard}
    assert [order[one] for one in firsts] != sorted(
        [order[one] for one in firsts],
        key=["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"].index,
    )
    assert ROUGH.twice > 0
    assert ROUGH.late > 0


async def test_an_event_is_tried_until_it_is_taken(settings: Settings, listener: Listener) -> None:
    listener.answers = [500, 404, 302, 503]
    rough = replace(settings, webhook_url=listener.url, profile=HASTY, webhook_events=("payment_intent.succeeded",))
    async with running(rough) as (sandbox, api):
        await api.pay()
        await sandbox.settled()
        assert sandbox.backlog().failed == 4

    assert len({event["id"] for event in listener.heard}) == 1
    assert len(listener.heard) >= 5


async def test_what_waits_survives_a_restart(settings: Settings) -> None:
    nobody = replace(settings, webhook_url="http://127.0.0.1:9/hook", profile=replace(HASTY, retry_s=0.2))
    async with running(nobody) as (sandbox, api):
        await api.pay("pm_card_createDispute")
        await asyncio.sleep(0.05)
        assert sandbox.backlog().deliveries >= 3

    async with listening() as listener, running(replace(nobody, webhook_url=listener.url)) as (sandbox, _):
        await sandbox.settled()

    assert {"payment_intent.succeeded", "charge.dispute.created"} <= set(listener.types)


async def test_deliveries_can_be_held_back_and_let_go(settings: Settings, listener: Listener) -> None:
    async with running(replace(settings, webhook_url=listener.url)) as (sandbox, api):
        sandbox.pause()
        await api.pay()
        await asyncio.sleep(0.02)
        assert listener.heard == []
        assert sandbox.backlog().deliveries == 3

        sandbox.pause(paused=False)
        await sandbox.settled()

    assert len(listener.heard) == 3


async def test_a_part_of_them_may_be_lost_for_good_and_is_listed_still(settings: Settings, listener: Listener) -> None:
    losing = replace(settings, webhook_url=listener.url, profile=replace(HASTY, lost=0.5, twice=0.0), seed=3)
    async with running(losing) as (sandbox, api):
        for _ in range(20):
            await api.pay()
        await sandbox.settled()
        listed = await api("GET", "/v1/events", {"limit": "100"})

    heard = {event["id"] for event in listener.heard}
    assert len(listed["data"]) == 60
    assert 15 < len(heard) < 45


async def test_endpoints_that_the_platform_names_get_their_types_under_their_own_secret(
    settings: Settings, listener: Listener
) -> None:
    form = {"url": listener.url, "enabled_events[]": "charge.*"}
    async with running(settings) as (sandbox, api):
        made = await api("POST", "/v1/webhook_endpoints", form)
        await api("POST", "/v1/webhook_endpoints", {**form, "connect": "true"})
        await api.pay()
        await sandbox.settled()
        await api("POST", f"/v1/webhook_endpoints/{made['id']}", {"disabled": "true"})
        await api.pay()
        await sandbox.settled()
        again = await api("GET", f"/v1/webhook_endpoints/{made['id']}")

    assert listener.types == ["charge.succeeded"]
    body, signature = listener.raw[0]
    authorize(body, signature, (made["secret"],), datetime.now(UTC))
    assert (again["status"], "secret" in again.body) == ("disabled", False)


class running:  # noqa: N801 — reads as the verb it is
    """A sandbox with a caller of it."""

    def __init__(self, settings: Settings) -> None:
        self.context = Sandbox.running(settings)
        self.session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> tuple[Sandbox, Caller]:
        sandbox = await self.context.__aenter__()
        self.session = aiohttp.ClientSession()
        return sandbox, Caller(sandbox.origin, self.session)

    async def __aexit__(self, *raised: object) -> None:
        assert self.session
        await self.session.close()
        await self.context.__aexit__(None, None, None)
