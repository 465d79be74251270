"""What an execution went through, and people for a marketplace whose machines are watched."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from ecosystem.contexts.identity import Admission
from ecosystem.kernel.actor import Actor, Group
from market import SYSTEM, Market

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIFECYCLE = "ecosystem-booking-lifecycle"
PAYMENT = "ecosystem-payment-processing"
DISPUTE = "ecosystem-dispute-resolution"
ONBOARDING = "ecosystem-provider-onboarding"
EVENTS_MAX = 1_000


async def path(shop: Market, machine: str, matter: str) -> list[str]:
    """The states that the execution of that matter entered, and how it ended."""
    workflows = shop.app.ports.workflows
    execution = await workflows.describe(f"{machine}:{matter}")
    page = await workflows.history(execution.execution_id, limit=EVENTS_MAX)
    entered = [event.details["name"] for event in page.events if event.type.endswith("StateEntered")]
    return [*entered, execution.status.value]


async def ends(shop: Market, machine: str, matter: str) -> str:
    """The last state of the execution of that matter."""
    return (await path(shop, machine, matter))[-2]


async def begun(shop: Market, machine: str) -> int:
    """How many executions of that machine there are."""
    return len((await shop.app.ports.workflows.listed(machine=machine)).executions)


async def admitted(shop: Market, name: str, *groups: Group) -> Actor:
    """Somebody with a confirmed address."""
    user_id, within = shop.id("usr"), (Group.CUSTOMERS, *groups)
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    admission = Admission(user_id=user_id, email=email, password="no hash", name=name, groups=within)
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    return Actor(actor_id=user_id, groups=within)


async def told(shop: Market, actor: Actor) -> list[str]:
    """The kinds of news that somebody found, the oldest first."""
    page = await shop.app.notifications.board.latest(actor.actor_id, actor, limit=50)
    return [notice.kind.value for notice in reversed(page.notices)]


async def challenge(url: str | None) -> None:
    """Pass the challenge of a customer's bank."""
    assert url
    async with aiohttp.ClientSession() as http, http.post(url, data={"decision": "authorize"}) as answer:
        assert answer.status == 200
