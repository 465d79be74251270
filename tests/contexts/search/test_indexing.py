from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random
from time import thread_time

import pytest
from msgspec.structs import replace

from contexts.catalogue.samples import OPERATOR, OWNER, an_id, draft, registration
from ecosystem.adapters.embedded.search import EmbeddedSearch
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.catalogue import (
    Badges,
    ProviderFields,
    Providers,
    Publishing,
    ServiceFields,
    Services,
    Shelf,
    Standings,
)
from ecosystem.contexts.catalogue.keys import rating_key
from ecosystem.contexts.search import Indexer
from ecosystem.kernel.money import Money
from ecosystem.ports.search import Document, Query, Removal
from ecosystem.ports.table import Add, Change, Table
from table_samples import Forgetful

ZOE, TAP, PIPE = an_id("prv", 1), an_id("svc", 1), an_id("svc", 2)


@pytest.fixture
async def search(tmp_path: Path) -> AsyncIterator[EmbeddedSearch]:
    index = await EmbeddedSearch.open(tmp_path / "search.sqlite")
    yield index
    await index.close()


@pytest.fixture
def indexer(table: Table, search: EmbeddedSearch, clock: VirtualClock) -> Indexer:
    return Indexer(table=table, index=search, source=Shelf(table), clock=clock)


@pytest.fixture
async def services(table: Table, clock: VirtualClock) -> Services:
    """A listed provider with two published services."""
    providers, services = Providers(table, clock), Services(table, clock)
    await providers.register(registration(), OWNER)
    await Standings(providers).submit(ZOE, OWNER)
    for number, title in ((1, "Fix a tap"), (2, "Lay a pipe")):
        await services.draft(draft(number, replace(draft().fields, title=title)), OWNER)
        await Publishing(services).publish(an_id("svc", number), OWNER)
    return services


async def found(search: EmbeddedSearch, text: str = "") -> set[str]:
    return {hit.document.service_id for hit in (await search.find(Query(text=text))).hits}


async def test_what_is_on_offer_is_found(indexer: Indexer, services: Services, search: EmbeddedSearch) -> None:
    await indexer.catch_up()

    (hit,) = (await search.find(Query(text="tap"))).hits
    assert hit.document.service_id == TAP
    assert hit.document.path == ("home", "plumbing")
    assert (hit.document.provider_name, hit.document.place) == ("Zoë Ferreira", "Lisbon")
    assert (hit.document.price, hit.document.radius_m) == (Money(4500, "EUR"), 25_000)


async def test_drafts_and_closed_services_are_not_found(
    indexer: Indexer, services: Services, search: EmbeddedSearch
) -> None:
    await services.draft(draft(3), OWNER)
    await indexer.catch_up()
    assert await found(search) == {TAP, PIPE}

    await Publishing(services).close(TAP, OWNER)
    await indexer.catch_up()
    assert await found(search) == {PIPE}

    await Publishing(services).publish(TAP, OWNER)
    await indexer.catch_up()
    assert await found(search) == {TAP, PIPE}


async def test_a_change_of_the_provider_reaches_all_its_services(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table
) -> None:
    providers = Providers(table, services.clock)
    await indexer.catch_up()

    await providers.edit(ZOE, ProviderFields(name="Zoë & Sons"), OWNER)
    await Badges(providers).award(ZOE, "identity", OPERATOR)
    await table.transact(Add(key=rating_key(ZOE), by={"sum": 9, "count": 2}))
    await indexer.catch_up()
    assert await found(search, "sons") == {TAP, PIPE}
    assert (await search.find(Query(rating_min=4.5, badges=("identity",)))).total == 2

    await Standings(providers).pause(ZOE, OWNER)
    await indexer.catch_up()
    assert await found(search) == set()

    await Standings(providers).resume(ZOE, OWNER)
    await indexer.catch_up()
    assert await found(search) == {TAP, PIPE}


async def test_it_goes_on_where_it_stopped(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table, clock: VirtualClock
) -> None:
    await indexer.catch_up()
    await services.edit(TAP, ServiceFields(title="Mend a faucet"), OWNER)

    again = Indexer(table=table, index=search, source=Shelf(table), clock=clock)
    followed = await again.catch_up()

    assert await found(search, "faucet") == {TAP}
    assert followed < 10


async def test_changes_in_any_order_and_more_than_once_end_the_same(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table
) -> None:
    publishing = Publishing(services)
    for title in ("One", "Two", "Three"):
        await services.edit(TAP, ServiceFields(title=f"{title} tap"), OWNER)
        await publishing.close(TAP, OWNER)
        await publishing.publish(TAP, OWNER)
    await publishing.close(PIPE, OWNER)
    changes = list(await table.changes(None))
    Random(7).shuffle(changes)

    for start in range(0, len(changes), 3):
        await indexer.step(changes[start : start + 5])

    assert await found(search) == {TAP}
    assert await found(search, "three") == {TAP}


async def test_other_changes_cost_no_entry(indexer: Indexer, table: Table, services: Services) -> None:
    shelf = Shelf(table)
    changes = await table.changes(None)

    touched = [shelf.touched(change) for change in changes]

    assert {one for one in touched if one} == {(ZOE, None), (ZOE, TAP), (ZOE, PIPE)}
    events = [one for change, one in zip(changes, touched, strict=True) if "EVENT#" in change.key.sort]
    assert events
    assert not any(events)


async def test_an_index_that_slept_too_long_is_built_anew(
    indexer: Indexer, services: Services, search: EmbeddedSearch, clock: VirtualClock, table: Table
) -> None:
    await indexer.catch_up()
    await Publishing(services).close(TAP, OWNER)
    clock.advance(timedelta(days=8))
    changes = await table.changes(None)

    class Forgetful:
        """The table, as it is when it has forgotten those changes."""

        def __getattr__(self, name: str) -> object:
            return getattr(table, name)

        async def changes(self, after: object, *, limit: int) -> list[Change]:
            return []

    assert changes
    forgetful: Table = Forgetful()  # type: ignore[assignment]
    await Indexer(table=forgetful, index=search, source=Shelf(table), clock=clock).catch_up()

    assert await found(search) == {PIPE}


async def test_an_index_that_missed_changes_is_built_anew_and_follows_again(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table
) -> None:
    await indexer.catch_up()
    await Publishing(services).close(TAP, OWNER)
    told = {change.cursor for change in await table.changes(None)}
    indexer.table = Forgetful(table, told)  # type: ignore[assignment]

    await indexer.catch_up()

    assert await found(search) == {PIPE}
    assert await indexer.catch_up() == 0


async def test_an_idle_index_stays_awake(
    indexer: Indexer, services: Services, search: EmbeddedSearch, clock: VirtualClock
) -> None:
    await indexer.catch_up()
    before = await search.checkpoint()

    clock.advance(timedelta(hours=2))
    await indexer.follow()

    assert await search.checkpoint() != before


async def test_drift_is_found_and_mended(indexer: Indexer, services: Services, search: EmbeddedSearch) -> None:
    await indexer.catch_up()
    assert (await indexer.check()).none

    (hit, *_) = (await search.find(Query(text="tap"))).hits
    stranger = replace(hit.document, service_id=an_id("svc", 99))
    await search.apply([replace(hit.document, title="Wrong", version=hit.document.version), stranger])
    await search.apply([Removal(service_id=PIPE, version=3)], force=True)
    drift = await indexer.check()
    assert (drift.on_offer, drift.missing, drift.outdated, drift.superfluous) == (
        2,
        (PIPE,),
        (TAP,),
        (an_id("svc", 99),),
    )

    rebuilt = await indexer.rebuild()
    assert (rebuilt.documents, rebuilt.changed) == (2, 3)
    assert (await indexer.check()).none
    assert (await indexer.rebuild()).changed == 0


async def test_a_rebuild_goes_back_where_the_catalogue_did(
    indexer: Indexer, services: Services, search: EmbeddedSearch
) -> None:
    await indexer.catch_up()
    hits = (await search.find(Query())).hits
    await search.apply([replace(hit.document, title="From the future", version=99) for hit in hits])

    await indexer.rebuild()

    assert (await indexer.check()).none
    assert await found(search, "tap") == {TAP}


async def test_an_index_built_anew_follows_a_table_that_was_restored(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table, clock: VirtualClock
) -> None:
    await search.apply([], checkpoint=f'{{"cursor":"999999.0","at":"{clock.now().isoformat()}"}}')
    assert await indexer.catch_up() == 0

    rebuilt = await indexer.build_anew()
    await services.edit(TAP, ServiceFields(title="Mend a faucet"), OWNER)
    await indexer.catch_up()

    assert rebuilt.documents == 2
    assert await found(search, "faucet") == {TAP}


async def test_a_rebuild_beside_changes_loses_none(
    indexer: Indexer, services: Services, search: EmbeddedSearch, table: Table
) -> None:
    for number in range(3, 40):
        await services.draft(draft(number), OWNER)
        await Publishing(services).publish(an_id("svc", number), OWNER)

    async def edit() -> None:
        for number in range(3, 40):
            await services.edit(an_id("svc", number), ServiceFields(title=f"Edited {number}"), OWNER)
            await asyncio.sleep(0)

    follower = asyncio.create_task(indexer.run())
    await asyncio.gather(edit(), *(indexer.rebuild() for _ in range(3)))
    follower.cancel()
    await indexer.catch_up()

    assert (await indexer.check()).none
    assert len(await found(search, "edited")) == 24


async def test_a_rebuild_in_steps_lets_others_in_and_tells_how_far_it_is(
    indexer: Indexer, services: Services, search: EmbeddedSearch
) -> None:
    words = " ".join(f"word{number}" for number in range(150))
    for number in range(3, 203):
        await services.draft(draft(number, replace(draft().fields, description=words)), OWNER)
        await Publishing(services).publish(an_id("svc", number), OWNER)
    held: list[float] = []
    done = False

    async def others() -> None:
        # What the loop's own thread does between two turns of others; what other programs take does not count.
        while not done:
            before = thread_time()
            await asyncio.sleep(0)
            held.append(thread_time() - before)

    watching = asyncio.create_task(others())
    told = [so_far.documents async for so_far in indexer.steps(40)]
    done = True
    await watching

    assert told == [50, 100, 150, 200, 202]
    assert max(held) < 0.025
    assert (await indexer.check()).none


async def test_a_damaged_index_is_built_anew_while_following(
    table: Table, services: Services, clock: VirtualClock, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.sqlite"
    index = await EmbeddedSearch.open(path)
    indexer = Indexer(table=table, index=index, source=Shelf(table), clock=clock)
    await indexer.catch_up()
    await index.close()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xa5" * (len(content) - 8192))
    index = await EmbeddedSearch.open(path)
    indexer = Indexer(table=table, index=index, source=Shelf(table), clock=clock)

    task = asyncio.create_task(indexer.run())
    for _ in range(200):
        await asyncio.sleep(0.01)
        if indexer.place is not None and await found(index) == {TAP, PIPE}:
            break
    task.cancel()

    assert await found(index) == {TAP, PIPE}
    await index.close()


async def test_the_shelf_tells_how_each_service_stands(table: Table, services: Services) -> None:
    shelf = Shelf(table)

    pages = [page async for page in shelf.everything()]

    assert [entry.service_id for page in pages for entry in page] == [TAP, PIPE]
    assert isinstance(await shelf.entry(TAP), Document)
    assert isinstance(await shelf.entry(an_id("svc", 9)), Removal)
    await Standings(Providers(table, services.clock)).suspend(ZOE, "Complaints.", OPERATOR)
    assert isinstance(await shelf.entry(TAP), Removal)
