"""The sandbox's clock may stand, and be moved from event to event by whoever lives a history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import msgspec
import pytest

from ecosystem.sandbox import Keys, Settings
from ecosystem.sandbox.clock import StandingClock
from ecosystem.sandbox.process import Child, child
from ecosystem.sandbox.server import Sandbox
from sandbox.calling import Caller, Listener

AUTUMN = 1_790_000_000.0
DAY = 86_400.0
LATER = msgspec.json.encode({"profile": {"delay_most_s": 0.0, "late": 0.0, "twice": 0.0, "afterwards_s": 2 * DAY}})


@pytest.fixture
async def api(settings: Settings, listener: Listener) -> AsyncIterator[Caller]:
    settings = msgspec.structs.replace(settings, webhook_url=listener.url)
    async with (
        Sandbox.running(settings, now=StandingClock(AUTUMN)) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(sandbox.origin, session)


async def moved(api: Caller, at: float | None) -> dict[str, object]:
    return (await api("POST", "/_sandbox/clock", msgspec.json.encode({"at": at}))).body


async def test_what_is_due_by_then_has_happened_when_the_clock_was_moved(api: Caller, listener: Listener) -> None:
    await api("POST", "/_sandbox/webhooks", LATER)
    charged = await api.pay("pm_card_createDispute")
    at_once = await moved(api, AUTUMN + DAY)
    before = list(listener.types)
    await moved(api, AUTUMN + 2 * DAY)

    assert charged["created"] == AUTUMN
    assert at_once["next_at"] == (AUTUMN + 2 * DAY) // DAY * DAY
    assert "charge.dispute.created" not in before
    assert "charge.dispute.created" in listener.types
    assert listener.heard[-1]["created"] == AUTUMN + 2 * DAY
    assert f"t={int(AUTUMN + 2 * DAY)}," in listener.raw[-1][1]


async def test_a_clock_that_is_let_go_goes_with_the_machine(api: Caller) -> None:
    standing = await moved(api, AUTUMN)
    going = await moved(api, None)

    assert standing["at"] == AUTUMN
    assert going["at"] != AUTUMN


async def test_the_desk_wants_its_key_and_a_clock_that_can_stand(api: Caller, settings: Settings) -> None:
    unknown = await replace(api, secret="sk_other")("POST", "/_sandbox/clock", b'{"at": 1}')
    own = msgspec.structs.replace(settings, data=settings.data.with_name("other.sqlite"))
    async with Sandbox.running(own, now=lambda: AUTUMN) as other:
        refused = await replace(api, origin=other.origin)("POST", "/_sandbox/clock", b'{"at": 1}')

    assert unknown.status == 401
    assert (refused.status, "another clock" in refused.error["message"]) == (400, True)


async def test_a_program_that_was_ended_goes_on_where_its_clock_stood(tmp_path: Path, listener: Listener) -> None:
    stands = tmp_path / "stands-at"
    stands.write_text(repr(AUTUMN))
    how = Child(
        data=tmp_path / "sandbox",
        keys=tmp_path / "keys.json",
        port=0,
        webhook_url=listener.url,
        embedders=(),
        profile="calm",
        clock=stands,
    )
    async with child(how) as origin, aiohttp.ClientSession() as session:
        paid = await Caller(origin, session, Keys.kept(how.keys).secret_key).pay()

    assert paid["created"] == AUTUMN


async def test_a_key_may_serve_again_after_a_day(api: Caller) -> None:
    first = await api.pay(key="k1")
    await moved(api, AUTUMN + DAY - 1)
    same = await api.pay(key="k1")
    await moved(api, AUTUMN + DAY + 1)
    other = await api.pay(key="k1", amount="500")

    assert same["id"] == first["id"]
    assert (other.status, other["amount"]) == (200, 500)
