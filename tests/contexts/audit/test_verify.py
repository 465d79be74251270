"""Verification: whatever was changed in the stored log, its items, its checkpoints or the witness is found and named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from contexts.audit.logs import Log, OneKey
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.audit import Wrong, keys
from ecosystem.contexts.audit.checkpoints import signed
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, Tile
from ecosystem.contexts.audit.merkle import Frontier, leaf_hash
from ecosystem.contexts.audit.salts import Alias, Salt
from ecosystem.ports.audit import Act, act_key, record
from ecosystem.ports.table import Delete, Key, Put, Stored, Table

SIZE = 700


@pytest.fixture
async def log(table: Table, clock: VirtualClock, quick_path: Path) -> Log:
    log = Log.over(table, clock, quick_path)
    await log.entered(SIZE - 100)
    await log.does(100, since=SIZE - 100)
    await log.sequencer.caught_up()
    await log.sequencer.seal()
    # What is young may be waiting for its entry; these are old enough to be judged.
    clock.advance(timedelta(hours=1))
    return log


async def wrong_with(log: Log) -> set[Wrong]:
    report = await log.verified()
    assert report.found == len(report.findings) or report.found > 99
    return {finding.wrong for finding in report.findings}


async def change(log: Log, key: Key, kind: type[Stored], **changes: object) -> None:
    row = await log.table.get(key, kind)
    assert row is not None
    await log.table.transact(Put(key=key, value=replace(row.value, **changes), index=row.index))


async def test_a_changed_leaf_is_found_at_its_place(log: Log) -> None:
    row = (await log.reader.chunks(1))[0]
    leaves = list(row.value.leaves)
    leaves[7] = leaves[7].replace(b'"v":1', b'"v":2')
    await change(log, row.key, Chunk, leaves=tuple(leaves))

    report = await log.verified()

    found = {(one.wrong, one.index) for one in report.findings}
    assert (Wrong.ITEM_CHANGED, row.value.first + 7) in found
    assert (Wrong.TILE, 256) in found
    assert (Wrong.FORKED, SIZE - 1) in found


async def test_two_leaves_that_changed_places_are_found(log: Log) -> None:
    row = (await log.reader.chunks(0))[0]
    leaves = list(row.value.leaves)
    leaves[3], leaves[4] = leaves[4], leaves[3]
    await change(log, row.key, Chunk, leaves=tuple(leaves))

    assert Wrong.FORKED in await wrong_with(log)


async def test_a_chunk_that_is_gone_is_found(log: Log) -> None:
    row = (await log.reader.chunks(1))[0]
    await log.table.transact(Delete(key=row.key))

    report = await log.verified()

    assert (report.findings[0].wrong, report.findings[0].index) == (Wrong.CHUNK, row.value.first)


async def test_a_changed_item_is_found_by_its_entry(log: Log) -> None:
    await change(log, act_key("act_00000321"), Act, subject="bkg_other")

    report = await log.verified()

    assert [(one.wrong, one.about) for one in report.findings] == [(Wrong.ITEM_CHANGED, "act_00000321")]


async def test_an_item_that_is_gone_is_found_by_its_entry(log: Log) -> None:
    await log.table.transact(Delete(key=act_key("act_00000321")))

    report = await log.verified()

    assert [(one.wrong, one.about) for one in report.findings] == [(Wrong.ITEM_MISSING, "act_00000321")]


async def test_an_item_that_was_slipped_in_is_found(log: Log) -> None:
    head = await log.reader.head()
    assert head is not None
    await log.table.transact(record(log.act(5_000)))
    changes = await log.table.changes(None, limit=1000)
    while more := await log.table.changes(changes[-1].cursor, limit=1000):
        changes = more
    await change(log, keys.head(), Head, cursor=changes[-1].cursor)

    assert await wrong_with(log) == {Wrong.NOT_ENTERED}


async def test_a_changed_hash_is_found(log: Log) -> None:
    row = await log.table.get(keys.tile(1, 0), Tile)
    assert row is not None
    await change(log, keys.tile(1, 0), Tile, hashes=bytes(32) + row.value.hashes[32:])

    assert await wrong_with(log) == {Wrong.TILE}


async def test_a_changed_edge_is_found(log: Log) -> None:
    head = await log.reader.head()
    assert head is not None
    await change(log, keys.head(), Head, edge=(bytes(32), *head.value.edge[1:]))

    assert await wrong_with(log) == {Wrong.HEAD}


async def test_a_log_cut_short_with_everything_made_to_fit_is_found(log: Log) -> None:
    """The head, the checkpoints and the leaves as they were at 600: the witness and the items remember the rest."""
    frontier = Frontier()
    for leaf in (await log.leaves())[:600]:
        frontier.append(leaf_hash(leaf))
    for row in [*await log.reader.chunks(2)]:
        if row.value.first + len(row.value.leaves) > 600:
            kept = row.value.leaves[: max(0, 600 - row.value.first)]
            await (change(log, row.key, Chunk, leaves=kept) if kept else log.table.transact(Delete(key=row.key)))
    await change(log, keys.head(), Head, size=600, edge=tuple(frontier.hashes))
    await log.table.transact(Delete(key=keys.checkpoint(SIZE)))

    assert {Wrong.TRUNCATED, Wrong.NOT_ENTERED} <= await wrong_with(log)
    without = await log.verifier(witness=False).verify()
    assert {one.wrong for one in without.findings} == {Wrong.NOT_ENTERED}


async def test_a_log_written_anew_and_signed_anew_is_found_by_the_witness(
    table: Table, clock: VirtualClock, quick_path: Path
) -> None:
    """Who has the key, too, can make a log that holds in itself: only the witness knows the other one."""
    honest = Log.over(table, clock, quick_path)
    await honest.entered(300)
    for block in (0, 1):
        for row in await honest.reader.chunks(block):
            await table.transact(Delete(key=row.key))
    for gone in (keys.head(), keys.tile(1, 0), keys.checkpoint(300), act_key("act_00000007")):
        await table.transact(Delete(key=gone))
    forged = Log.over(table, clock, quick_path, seed=3)
    await forged.sequencer.caught_up()
    head = await forged.reader.head()
    assert head is not None
    written, public = await signed("market.example/audit", 299, head.value.frontier.root(), clock.now(), forged.key)
    mark = Checkpoint(size=299, at=clock.now(), note=written, public_key=public)
    await table.transact(Put(key=keys.checkpoint(299), value=mark))

    assert (await forged.verifier(witness=False).verify()).holds
    assert Wrong.TRUNCATED in await wrong_with(forged)


async def test_a_checkpoint_of_another_key_is_found(log: Log) -> None:
    head = await log.reader.head()
    assert head is not None
    other = OneKey(bytes([1]) * 32)
    at = log.clock.now()
    written, public = await signed("market.example/audit", SIZE, head.value.frontier.root(), at, other)
    await change(log, keys.checkpoint(SIZE), Checkpoint, note=written, public_key=public, at=at)

    assert await wrong_with(log) == {Wrong.CHECKPOINT}


async def test_a_checkpoint_that_was_changed_is_found(log: Log) -> None:
    await change(log, keys.checkpoint(SIZE), Checkpoint, at=log.clock.now())

    assert await wrong_with(log) == {Wrong.CHECKPOINT}


async def test_a_witness_that_was_changed_is_found(log: Log, quick_path: Path) -> None:
    path = quick_path / "witness.txt"
    path.write_text(path.read_text().replace("\n700\n", "\n701\n"))

    assert await wrong_with(log) == {Wrong.WITNESS}


async def test_a_salt_taken_away_without_an_erasure_is_found(log: Log) -> None:
    row = await log.table.get(keys.salt("usr_3"), Salt)
    assert row is not None
    gone = replace(row.value, salt=b"", erased_at=log.clock.now())
    await log.table.transact(Put(key=row.key, value=gone))

    assert Wrong.ITEM_MISSING in await wrong_with(log)


async def test_a_pseudonym_given_to_somebody_else_is_found(log: Log) -> None:
    row = await log.table.get(keys.salt("usr_3"), Salt)
    assert row is not None
    name = await log.explorer.salts.named("usr_3")
    assert name is not None
    await change(log, keys.alias(name), Alias, person="usr_4")

    assert await wrong_with(log) == {Wrong.SALT}


async def test_a_log_that_grows_meanwhile_is_not_judged_for_it(log: Log) -> None:
    verifier = log.verifier()
    grown = False

    async def everything() -> object:
        nonlocal grown
        if not grown:
            grown = True
            await log.does(50, since=9_000)
            await log.sequencer.caught_up()
        async for candidate in log.auditing.everything():
            yield candidate

    verifier.everything = everything  # pyright: ignore[reportAttributeAccessIssue]: an iterator of candidates

    report = await verifier.verify()

    assert report.holds, report.findings
    assert report.waiting == 50
