"""Group commit: shared by many, harmful to none, and exact about who was answered what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import apsw
import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.table_item import Entry
from ecosystem.adapters.embedded.table_store import Store
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import ABSENT, PRESENT, Add, Check, Counter, Key, Stale
from table_samples import Note, Taken, every_change, note, texts

HOT = Key("A", "1")


class SlowDisk(apsw.VFS):
    """A file system whose syncs wait for a gate and are counted."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.gate = Event()
        self.gate.set()
        self.syncs = 0
        self.fail: Callable[[], None] | None = None

    def xOpen(self, name: Any, flags: list[int]) -> SlowFile:  # noqa: N802 — SQLite's name
        return SlowFile(self, name, flags)


class SlowFile(apsw.VFSFile):
    def __init__(self, disk: SlowDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xSync(self, flags: int) -> None:  # noqa: N802
        assert self._disk.gate.wait(10)
        self._disk.syncs += 1
        if self._disk.fail:
            self._disk.fail()
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[SlowDisk]:
    disk = SlowDisk(f"slow-{uuid4()}")
    yield disk
    disk.unregister()


@pytest.fixture
async def slow(tmp_path: Path, clock: VirtualClock, disk: SlowDisk) -> AsyncIterator[EmbeddedTable]:
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock, vfs=disk.name, upkeep=False)
    await table.transact(note("P", "first"))
    yield table
    disk.gate.set()
    await table.close()


async def test_callers_at_once_share_a_commit(slow: EmbeddedTable, disk: SlowDisk) -> None:
    before = disk.syncs

    await asyncio.gather(*(slow.transact(note("Q", str(at))) for at in range(10)))

    assert disk.syncs - before < 5
    assert len(await texts(slow, "Q")) == 10


async def test_nobody_is_answered_before_the_disk_has_it(slow: EmbeddedTable, disk: SlowDisk) -> None:
    disk.gate.clear()

    writing = asyncio.create_task(slow.transact(note("P", "a")))
    refused = asyncio.create_task(slow.transact(note("P", "a", expected=ABSENT, otherwise=Taken())))
    await asyncio.sleep(0.03)

    assert not writing.done()
    assert not refused.done()
    assert await slow.get(Key("P", "a"), Note) is None
    disk.gate.set()
    await writing
    with pytest.raises(Taken):
        await refused


async def test_the_loop_runs_on_while_the_disk_works(slow: EmbeddedTable, disk: SlowDisk) -> None:
    disk.gate.clear()
    writing = asyncio.create_task(slow.transact(note("P", "a")))

    for _ in range(50):
        await asyncio.sleep(0)
        row = await slow.get(Key("P", "first"), Note)
        assert row is not None

    assert not writing.done()
    disk.gate.set()
    await writing


async def test_a_caller_cancelled_before_its_batch_writes_nothing(slow: EmbeddedTable, disk: SlowDisk) -> None:
    disk.gate.clear()
    first = asyncio.create_task(slow.transact(note("P", "a")))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(slow.transact(note("P", "b")))
    third = asyncio.create_task(slow.transact(note("P", "c")))
    await asyncio.sleep(0.01)

    second.cancel()
    disk.gate.set()
    await asyncio.gather(first, third)

    with pytest.raises(asyncio.CancelledError):
        await second
    assert await slow.get(Key("P", "b"), Note) is None
    assert await slow.get(Key("P", "c"), Note) is not None


async def test_a_caller_cancelled_during_the_commit_has_written(slow: EmbeddedTable, disk: SlowDisk) -> None:
    disk.gate.clear()
    writing = asyncio.create_task(slow.transact(note("P", "a")))
    beside = asyncio.create_task(slow.transact(note("P", "b")))
    await asyncio.sleep(0.01)

    writing.cancel()
    await asyncio.sleep(0.01)
    disk.gate.set()
    await beside

    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await slow.get(Key("P", "a"), Note) is not None
    assert len(await every_change(slow)) == 3


async def test_many_cancellations_leave_the_table_exact(slow: EmbeddedTable) -> None:
    done = 0

    async def add() -> None:
        nonlocal done
        await slow.transact(Add(key=HOT, by={"n": 1}))
        done += 1

    for number in range(300):
        task = asyncio.create_task(add())
        for _ in range(number % 4):
            await asyncio.sleep(0)
        if number % 3 == 0:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await slow.transact(Add(key=HOT, by={"n": 0}))

    row = await slow.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] >= done
    assert row.version == row.counters["n"] + 1


async def test_a_refusal_may_rest_on_an_earlier_member_of_the_batch(slow: EmbeddedTable) -> None:
    one, two, three = await asyncio.gather(
        slow.transact(note("P", "slot", "mine", expected=ABSENT)),
        slow.transact(note("P", "slot", "yours", expected=ABSENT, otherwise=Taken())),
        slow.transact(Check(key=Key("P", "slot"), expected=PRESENT), note("P", "after")),
        return_exceptions=True,
    )

    assert one is None
    assert isinstance(two, Taken)
    assert three is None


class Poison:
    """Work that fails as no work should."""

    def __init__(self, *, after_writing: bool) -> None:
        self._after_writing = after_writing

    def carry_out(self, store: Store, now: int) -> list[Entry]:
        if self._after_writing:
            store.remember("poison", b"", now)
        raise ZeroDivisionError("poison")


@pytest.mark.parametrize("after_writing", [False, True])
async def test_one_bad_member_does_not_spoil_the_batch(slow: EmbeddedTable, after_writing: bool) -> None:
    assert slow._writer is not None
    commits = slow._writer.commits
    writes = [slow.transact(Add(key=HOT, by={"n": 1})) for _ in range(5)]
    refused = slow.transact(note("P", "first", expected=ABSENT, otherwise=Taken()))
    poison = commits.carry_out(Poison(after_writing=after_writing))

    outcomes = await asyncio.wait_for(
        asyncio.gather(*writes[:3], poison, refused, *writes[3:], return_exceptions=True), 5
    )

    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [Unavailable, Taken] + [type(None)] * 2
    row = await slow.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 5
    assert len(await every_change(slow)) == 6


async def test_a_failing_sync_is_answered_and_nothing_is_done_twice(slow: EmbeddedTable, disk: SlowDisk) -> None:
    failures = 3

    def fail() -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise apsw.IOError("the disk says no")

    disk.fail = fail
    outcomes = await asyncio.gather(
        *(slow.transact(Add(key=HOT, by={"n": 1})) for _ in range(6)), return_exceptions=True
    )

    landed = sum(outcome is None for outcome in outcomes)
    assert all(outcome is None or isinstance(outcome, Unavailable) for outcome in outcomes)
    assert 0 < landed < 6
    row = await slow.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == landed
    assert len(await every_change(slow)) == landed + 1


async def test_a_commit_that_landed_is_not_repeated_whatever_it_reported(slow: EmbeddedTable) -> None:
    assert slow._writer is not None
    commits = slow._writer.commits

    class Failing:
        """What follows a COMMIT in its thread, failing."""

        def after_commit(self) -> None:
            raise apsw.IOError("after the fact")

        def look(self) -> None:
            pass

    sound, commits._checkpoints = commits._checkpoints, Failing()  # pyright: ignore[reportAttributeAccessIssue]
    outcomes = await asyncio.gather(
        slow.transact(note("P", "a", expected=ABSENT)),
        *(slow.transact(Add(key=HOT, by={"n": 1})) for _ in range(3)),
        return_exceptions=True,
    )
    commits._checkpoints = sound

    assert outcomes == [None] * 4
    row = await slow.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 3


async def test_the_context_of_a_caller_stays_its_own(slow: EmbeddedTable) -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")
    seen: list[str] = []
    assert slow._writer is not None

    class Curious:
        def carry_out(self, store: Store, now: int) -> list[Entry]:
            seen.append(who.get())
            return []

    who.set("me")
    await slow._writer.commits.carry_out(Curious())

    assert seen == ["nobody"]


async def test_closing_finishes_what_was_asked(tmp_path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(tmp_path / "t.sqlite", clock)
    writing = [asyncio.create_task(table.transact(Add(key=HOT, by={"n": 1}))) for _ in range(50)]
    await asyncio.sleep(0)

    await table.close()

    assert all(outcome is None for outcome in await asyncio.gather(*writing))
    again = await EmbeddedTable.open(tmp_path / "t.sqlite", clock)
    row = await again.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 50
    await again.close()


async def test_a_closed_table_takes_nothing_more(tmp_path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(tmp_path / "t.sqlite", clock)
    await table.close()

    with pytest.raises(Unavailable, match="closed"):
        await table.transact(note("P", "a"))
    with pytest.raises(Unavailable, match="closed"):
        await table.get(HOT, Note)
    await table.close()


async def test_a_hot_row_takes_every_addition_of_many_callers(slow: EmbeddedTable) -> None:
    async def call() -> int:
        done = 0
        for _ in range(20):
            try:
                await slow.transact(Add(key=HOT, by={"left": -1}, at_least={"left": 0}))
                done += 1
            except Stale:
                pass
        return done

    await slow.transact(Add(key=HOT, by={"left": 500}))
    done = await asyncio.gather(*(call() for _ in range(64)))

    assert sum(done) == 500
    row = await slow.get(HOT, Counter)
    assert row is not None
    assert row.counters["left"] == 0
