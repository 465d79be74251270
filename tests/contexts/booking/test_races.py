"""The last word on double booking: many at once for one time, on each table, index lag and all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from msgspec.structs import replace

from contexts.booking.scene import ADA, TEN, Scene, offer
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import BookingStatus, Hold, SlotTaken
from ministack_server import serving
from table_dynamo import Clients, DynamoTables, clients

ATTEMPTS = 200


@pytest.fixture(scope="session")
def booking_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with serving(tmp_path_factory.mktemp("booking")) as account, clients(account) as made:
        yield made


@pytest.fixture(
    params=["embedded", "adversarial", pytest.param("dynamo", marks=pytest.mark.xdist_group("amazon"))],
)
async def anywhere(request: pytest.FixtureRequest, clock: VirtualClock) -> AsyncIterator[Scene]:
    """The scene on each table; the embedded one also with indexes that lag."""
    if request.param == "dynamo":
        tables = DynamoTables(request.getfixturevalue("booking_clients"), clock)
        table = await tables.fresh()
        close = tables.close
    else:
        lag = 7 if request.param == "adversarial" else None
        table = await EmbeddedTable.open(request.getfixturevalue("tmp_path") / "table.sqlite", clock, index_lag=lag)
        close = table.close
    scene = Scene(table, clock)
    await scene.open()
    yield scene
    await close()


@pytest.mark.parametrize("capacity", [1, 5])
async def test_as_many_hold_a_time_as_it_has_seats(anywhere: Scene, capacity: int) -> None:
    of = offer(capacity=capacity)
    people = [replace(ADA, actor_id=f"usr_{number}") for number in range(ATTEMPTS)]
    before = await anywhere.starts(of)

    outcomes = await asyncio.gather(*(anywhere.hold(TEN, person, of) for person in people), return_exceptions=True)

    held = [outcome for outcome in outcomes if isinstance(outcome, Hold)]
    assert len(held) == capacity
    assert {type(outcome) for outcome in outcomes if not isinstance(outcome, Hold)} == {SlotTaken}
    assert TEN in before
    assert TEN not in await anywhere.starts(of)


async def test_two_processes_sell_a_time_once(anywhere: Scene) -> None:
    desks = [Scene(anywhere.table, anywhere.clock, entropy=anywhere.entropy) for _ in range(8)]
    people = [replace(ADA, actor_id=f"usr_{number}") for number in range(len(desks))]

    outcomes = await asyncio.gather(
        *(desk.hold(TEN, person) for desk, person in zip(desks, people, strict=True)), return_exceptions=True
    )

    held = [outcome for outcome in outcomes if isinstance(outcome, Hold)]
    assert len(held) == 1
    assert {type(outcome) for outcome in outcomes if not isinstance(outcome, Hold)} == {SlotTaken}
    booking = await anywhere.pay(await anywhere.place(held[0], replace(ADA, actor_id=held[0].owner_id)))
    assert booking.status is BookingStatus.CONFIRMED
