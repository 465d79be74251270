"""Verification: whatever was changed in the stored log, its items, its checkpoints or the witness is found and named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from contexts.audit.logs import OPERATOR, Log, OneKey
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.audit import Signer, Wrong, keys
from ecosystem.contexts.audit.checkpoints import signed
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, Tile
from ecosystem.contexts.audit.merkle import Frontier, leaf_hash
from ecosystem.contexts.audit.salts import Alias, Salt
from ecosystem.ports.audit import Act, act_key, record
from ecosystem.ports.table import Delete, Key, Put, Stored, Table
from ecosystem.ports.witness import WitnessLost

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
    await slipped_in(log, log.act(5_000))

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

    report = await log.verified()

    # Each item of theirs is without an entry, and each of its entries without an item.
    assert {one.wrong for one in report.findings} == {Wrong.SALT, Wrong.NOT_ENTERED}
    assert (report.found, report.erased, report.erasures) == (201, 0, 0)


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


async def test_a_witness_that_is_gone_is_found(log: Log, quick_path: Path) -> None:
    (quick_path / "witness.txt").unlink()

    assert await wrong_with(log) == {Wrong.WITNESS}


async def test_a_witness_cut_short_between_two_notes_is_found(log: Log, quick_path: Path) -> None:
    path = quick_path / "witness.txt"
    first = path.read_text().split("\n\n")[:2]
    path.write_text("\n\n".join(first) + "\n\n")

    report = await log.verified()

    assert [(one.wrong, one.index) for one in report.findings] == [(Wrong.WITNESS, SIZE)]
    assert report.witnessed == SIZE - 100


async def test_a_witness_begun_anew_does_not_pass_for_the_one_that_was_lost(log: Log, quick_path: Path) -> None:
    """Whoever takes the witness away and lets the marketplace write another must not be helped by it."""
    (quick_path / "witness.txt").unlink()
    later = Log.over(log.table, log.clock, quick_path, seed=4)
    await later.does(10, since=SIZE)
    await later.sequencer.caught_up()
    await later.sequencer.seal()
    lag = await later.sequencer.lag()
    log.clock.advance(timedelta(hours=1))

    report = await log.verified()

    assert (lag.signed, lag.witnessed) == (SIZE + 10, 0)
    assert report.witnessed == SIZE + 10
    assert [(one.wrong, one.index) for one in report.findings] == [(Wrong.WITNESS, SIZE - 100)]


async def test_a_witness_that_could_not_be_told_is_told_all_of_it_later(log: Log, quick_path: Path) -> None:
    path, kept = quick_path / "witness.txt", quick_path / "kept.txt"
    path.rename(kept)
    path.mkdir()
    for since in (SIZE, SIZE + 10):
        await log.does(10, since=since)
        await log.sequencer.caught_up()
        with pytest.raises(WitnessLost):
            await log.sequencer.seal()
    path.rmdir()
    kept.rename(path)
    await log.sequencer.seal()
    log.clock.advance(timedelta(hours=1))

    report = await log.verified()

    assert (report.holds, report.checkpoints, report.witnessed) == (True, 4, SIZE + 20), report.findings


async def test_a_log_below_the_size_that_was_written_down_is_found(log: Log) -> None:
    verifier = log.verifier()
    verifier.least = SIZE + 1

    report = await verifier.verify()

    assert [(one.wrong, one.index) for one in report.findings] == [(Wrong.TRUNCATED, SIZE)]


async def test_a_log_of_another_origin_than_the_known_one_is_found(log: Log) -> None:
    verifier = log.verifier()
    verifier.origin = "elsewhere.example/audit"

    assert Wrong.HEAD in {one.wrong for one in (await verifier.verify()).findings}


async def test_a_checkpoint_by_a_key_that_signs_no_more_is_found(log: Log) -> None:
    """The former key signed until the next one was made: what it signs for a later time is nobody's word."""
    made_at = log.clock.now()
    later = OneKey(bytes([9]) * 32)
    trusted = (
        Signer(public_key=log.key.public, until=made_at),
        Signer(public_key=later.public, since=made_at),
    )
    log.clock.advance(timedelta(hours=1))
    signed_by_former = replace_signer(log, log.key)
    await signed_by_former.does(10, since=SIZE)
    await signed_by_former.sequencer.caught_up()
    await signed_by_former.sequencer.seal()
    log.clock.advance(timedelta(hours=1))
    verifier = log.verifier()
    verifier.trusted = trusted

    report = await verifier.verify()

    assert {(one.wrong, one.about) for one in report.findings} == {
        (Wrong.CHECKPOINT, f"checkpoint {SIZE + 10}"),
        (Wrong.WITNESS, f"checkpoint {SIZE + 10}"),
    }


async def test_a_former_key_cannot_sign_for_a_time_before_its_end(log: Log) -> None:
    """Stolen after its time, it signs a longer log than there was then: later checkpoints are of later times."""
    later = OneKey(bytes([9]) * 32)
    log.clock.advance(timedelta(hours=1))
    now = replace_signer(log, later)
    await now.does(10, since=SIZE)
    await now.sequencer.caught_up()
    await now.sequencer.seal()
    await now.does(10, since=SIZE + 10)
    await now.sequencer.caught_up()
    head = await log.reader.head()
    assert head is not None
    for at in (log.clock.now() - timedelta(hours=1), log.clock.now() + timedelta(hours=1)):
        written, public = await signed(head.value.origin, SIZE + 20, head.value.frontier.root(), at, log.key)
        forged = Checkpoint(size=SIZE + 20, at=at, note=written, public_key=public)
        await log.table.transact(Put(key=keys.checkpoint(SIZE + 20), value=forged))
        verifier = log.verifier(witness=False)
        # As an operator knows them who wrote down the keys alone, the oldest first.
        verifier.trusted = (Signer(public_key=log.key.public), Signer(public_key=later.public))

        report = await verifier.verify()

        assert [(one.wrong, one.index) for one in report.findings] == [(Wrong.CHECKPOINT, SIZE + 20)]


def replace_signer(log: Log, key: OneKey) -> Log:
    """The same log, signed by another key from now on."""
    other = Log.over(log.table, log.clock, log.folder, seed=11)
    other.sequencer.signer = key  # pyright: ignore[reportAttributeAccessIssue]: all of the keys that it uses
    return other


async def test_a_row_forged_to_name_an_erased_person_is_found(log: Log) -> None:
    await log.sequencer.erase("usr_3", OPERATOR)
    await log.sequencer.caught_up()
    await log.sequencer.seal()
    log.clock.advance(timedelta(hours=1))
    honest = await log.verified()
    forged = replace(log.act(10), act_id="act_forged", detail={"number": 999})
    await slipped_in(log, forged)

    report = await log.verified()

    assert honest.holds, honest.findings
    assert (honest.erased, honest.gone, honest.erasures) == (100, 0, 1)
    assert [(one.wrong, one.about) for one in report.findings] == [(Wrong.NOT_ENTERED, "act_forged")]
    assert report.erased == 100


async def test_one_entry_of_an_erased_person_answers_for_one_item(log: Log) -> None:
    """Another act, of another type, cannot stand for the entry of the one that it took the place of."""
    await log.sequencer.erase("usr_3", OPERATOR)
    await log.sequencer.caught_up()
    await log.sequencer.seal()
    log.clock.advance(timedelta(hours=1))
    row = await log.table.get(act_key("act_00000010"), Act)
    assert row is not None
    await log.table.transact(Put(key=row.key, value=replace(row.value, action="AddressKept")))

    report = await log.verified()

    assert [(one.wrong, one.about) for one in report.findings] == [(Wrong.NOT_ENTERED, "act_00000010")]
    assert (report.erased, report.gone) == (99, 1)


async def test_an_act_decided_before_an_erasure_and_committed_after_it_is_entered(log: Log) -> None:
    late = replace(log.act(10), act_id="act_late", at=log.clock.now())
    log.clock.advance(timedelta(seconds=2))
    await log.sequencer.erase("usr_3", OPERATOR)
    await log.table.transact(record(late))
    await log.sequencer.caught_up()
    await log.sequencer.seal()
    log.clock.advance(timedelta(hours=1))

    report = await log.verified()
    placed = await log.explorer.find("act_late", OPERATOR)

    assert report.holds, report.findings
    assert (report.size, report.erased) == (SIZE + 2, 100)
    assert placed.index == SIZE + 1
    assert placed.named(placed.entry.actor) == "usr_3"


async def test_entering_anew_after_an_erasure_enters_the_late_act_and_no_other(log: Log) -> None:
    late = replace(log.act(10), act_id="act_late", at=log.clock.now())
    log.clock.advance(timedelta(seconds=2))
    await log.sequencer.erase("usr_3", OPERATOR)
    await log.sequencer.caught_up()
    await log.table.transact(record(late))
    # As if every change had been forgotten: all items are held to the log.
    await change(log, keys.head(), Head, cursor="")
    log.clock.advance(timedelta(days=3))
    assert isinstance(log.table, EmbeddedTable)
    await log.table.expire()
    later = Log.over(log.table, log.clock, log.folder, seed=6)
    await later.does(1, since=9_000, each_s=0)

    await later.sequencer.caught_up()
    await later.sequencer.seal()
    log.clock.advance(timedelta(hours=1))

    report = await later.verified()
    assert report.holds, report.findings
    assert (report.size, report.erased) == (SIZE + 3, 100)


async def test_no_erasure_opens_up_what_is_entered_after_it(log: Log) -> None:
    """A leaf under the erased name behind the erasure is nobody's: its item is not excused."""
    name = await log.explorer.salts.named("usr_3")
    assert name is not None
    salt = await log.table.get(keys.salt("usr_3"), Salt)
    assert salt is not None
    await log.sequencer.erase("usr_3", OPERATOR)
    await log.sequencer.caught_up()
    # The former salt put back, and an act entered under it.
    await log.table.transact(Put(key=salt.key, value=salt.value))
    other = Log.over(log.table, log.clock, log.folder, seed=8)
    await other.table.transact(record(replace(log.act(10), act_id="act_after")))
    await other.sequencer.caught_up()
    gone = replace(salt.value, salt=b"", erased_at=log.clock.now())
    await log.table.transact(Put(key=salt.key, value=gone))
    await log.sequencer.seal()
    log.clock.advance(timedelta(hours=1))

    report = await log.verified()

    assert {(one.wrong, one.index) for one in report.findings} == {
        (Wrong.NOT_ENTERED, None),
        (Wrong.ITEM_MISSING, SIZE + 1),
    }


async def slipped_in(log: Log, act: Act) -> None:
    """The row written, and the log's place moved past it: its sequencer never sees it."""
    await log.table.transact(record(act))
    changes = await log.table.changes(None, limit=1000)
    while more := await log.table.changes(changes[-1].cursor, limit=1000):
        changes = more
    await change(log, keys.head(), Head, cursor=changes[-1].cursor)
