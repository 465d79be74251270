"""Two hundred people want one time of one provider, over HTTP, on either table: as many get it as there are seats."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import uvicorn

from ecosystem.adapters.aws.table import Clients
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts.identity import Origin
from ecosystem.operations import Operations
from ecosystem.ports.entropy import mint
from ecosystem.site import site
from ecosystem.web.kit import Kit
from ecosystem.web.templates import Site
from market import KEYS, over, sandbox_in
from table_dynamo import DynamoTables

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = 200
TAKE = """mutation ($holdId: ID!, $serviceId: ID!, $startAt: AWSDateTime!) {
  takeHold(input: {holdId: $holdId, serviceId: $serviceId, startAt: $startAt, zone: "Europe/Lisbon"}) { holdId }
}"""


@pytest.fixture(params=["embedded", pytest.param("dynamo", marks=pytest.mark.xdist_group("amazon"))])
def tables(request: pytest.FixtureRequest) -> DynamoTables | None:
    """Where items are kept: None stands for the embedded table."""
    if request.param == "embedded":
        return None
    clients: Clients = request.getfixturevalue("dynamo_clients")
    return DynamoTables(clients, VirtualClock(NOON))


@asynccontextmanager
async def served(app: App) -> AsyncGenerator[str]:
    """The address of the whole site, in this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = Site(name="Ecosystem", url=f"http://127.0.0.1:{port}", currency="EUR")
    kit = Kit.of(place, clock=app.ports.clock, entropy=app.ports.entropy)
    whole = site(app, kit, Operations(checks={}, gauges={}))
    server = uvicorn.Server(
        uvicorn.Config(whole, port=port, lifespan="off", ws="none", log_level="error", backlog=512)  # type: ignore[arg-type]
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("seats", [1, 3])
async def test_a_time_is_sold_as_often_as_there_are_seats(
    tmp_path: Path, tables: DynamoTables | None, seats: int
) -> None:
    clock = VirtualClock(NOON)
    async with (
        sandbox_in(tmp_path, clock) as sandbox,
        over(tmp_path, sandbox.origin, KEYS, clock) as (opened, ports),
    ):
        shop = opened
        if tables is not None:
            tables.clock = clock
            shop = replace(opened, app=App.of(replace(ports, table=await tables.fresh())))
        service_id = await shop.service(await shop.provider(), capacity=seats)
        guests = [await shop.app.identity.guests.welcome(Origin(address="127.0.0.1")) for _ in range(PEOPLE)]
        wanted = shop.tomorrow().isoformat()

        async with served(shop.app) as url, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def attempt(token: str) -> str:
                variables = {
                    "holdId": mint("hld", clock.now(), shop.entropy),
                    "serviceId": service_id,
                    "startAt": wanted,
                }
                answer = await session.post(
                    f"{url}/graphql",
                    json={"query": TAKE, "variables": variables},
                    headers={"Authorization": f"Bearer {token}"},
                )
                body = await answer.json()
                return body["errors"][0]["errorType"] if body.get("errors") else "held"

            outcomes = Counter(await asyncio.gather(*(attempt(guest.token) for guest in guests)))

    if tables is not None:
        await tables.close()
    assert outcomes == {"held": seats, "SlotTaken": PEOPLE - seats}
