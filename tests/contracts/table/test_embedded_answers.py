"""Everybody who asks the embedded table to write is answered, whatever fails and whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from ecosystem.adapters.embedded import table_commit
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import ABSENT, Add, Counter, Key
from table_samples import Taken, every_change, note

HOT = Key("A", "1")
STEPS = ["BEGIN", "COMMIT", "ROLLBACK", "fill", "flush", "submit", "after_commit", "look", "told", "clock"]
FAULTS: list[type[Exception]] = [RuntimeError, apsw.IOError, MemoryError]


class Faults:
    """Fails the steps of a commit on demand: `due` says how often each of them still does."""

    def __init__(self, table: EmbeddedTable, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        assert table._writer is not None
        commits: Any = table._writer.commits
        self.due = dict.fromkeys(STEPS, 0)
        self.fault: type[Exception] = RuntimeError
        self.failed = 0
        rows = table_commit.rows

        def statement(connection: apsw.Connection, text: str, values: Any = ()) -> Any:
            if connection is commits._connection:
                self.meet(text.split(maxsplit=1)[0])
            return rows(connection, text, values)

        monkeypatch.setattr(table_commit, "rows", statement)
        self.guard(monkeypatch, commits, "_fill", "fill")
        self.guard(monkeypatch, commits, "_told", "told")
        self.guard(monkeypatch, commits._store, "flush", "flush")
        self.guard(monkeypatch, commits._executor, "submit", "submit")
        self.guard(monkeypatch, commits._checkpoints, "after_commit", "after_commit")
        self.guard(monkeypatch, commits._checkpoints, "look", "look")
        self.guard(monkeypatch, clock, "now", "clock")

    def guard(self, monkeypatch: pytest.MonkeyPatch, thing: object, name: str, step: str) -> None:
        sound: Callable[..., Any] = getattr(thing, name)

        def guarded(*given: Any, **named: Any) -> Any:
            self.meet(step)
            return sound(*given, **named)

        monkeypatch.setattr(thing, name, guarded)

    def meet(self, step: str) -> None:
        if self.due.get(step, 0):
            self.due[step] -= 1
            self.failed += 1
            raise self.fault(f"{step} fails")


@pytest.fixture
async def table(quick_path: Path, clock: VirtualClock) -> AsyncIterator[EmbeddedTable]:
    table = await EmbeddedTable.open(quick_path / "table.sqlite", clock, upkeep=False)
    await table.transact(note("P", "first"))
    yield table
    async with asyncio.timeout(5):
        await table.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 2, 50])
@pytest.mark.parametrize("step", STEPS)
async def test_a_fault_at_any_step_answers_everybody(
    table: EmbeddedTable,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    times: int,
    fault: type[Exception],
) -> None:
    faults = Faults(table, clock, monkeypatch)
    faults.fault = fault
    faults.due[step] = times

    async with asyncio.timeout(5):
        refused = await asyncio.gather(
            table.transact(note("P", "first", expected=ABSENT, otherwise=Taken())), return_exceptions=True
        )
        outcomes = await asyncio.gather(
            *(table.transact(Add(key=HOT, by={"n": 1})) for _ in range(4)),
            table.transact(note("P", "first", expected=ABSENT, otherwise=Taken())),
            return_exceptions=True,
        )
        assert faults.failed
        faults.due[step] = 0
        await table.transact(Add(key=HOT, by={"after": 1}))

    assert all(outcome is None or isinstance(outcome, Refusal) for outcome in [*refused, *outcomes])
    row = await table.get(HOT, Counter)
    assert row is not None
    assert row.counters.get("n", 0) == outcomes[:4].count(None)
    assert row.counters["after"] == 1


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_fails_and_whoever_leaves_everybody_else_is_answered(
    table: EmbeddedTable, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    faults, random = Faults(table, clock, monkeypatch), Random(seed)
    tasks: list[asyncio.Task[None]] = []
    left: list[asyncio.Task[None]] = []

    async with asyncio.timeout(20):
        for _ in range(200):
            tasks.append(asyncio.create_task(table.transact(Add(key=HOT, by={"n": 1}))))
            if random.random() < 0.15:
                faults.fault = random.choice(FAULTS)
                faults.due[random.choice(STEPS)] += random.choice([1, 1, 1, 6])
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            if random.random() < 0.2:
                leaving = random.choice(tasks)
                if not leaving.done() and leaving.cancel():
                    left.append(leaving)
            if random.random() < 0.05:
                await asyncio.sleep(0.002)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        faults.due = dict.fromkeys(STEPS, 0)
        await table.transact(Add(key=HOT, by={"after": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    acknowledged = outcomes.count(None)
    gone = sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert gone <= len(left)
    assert acknowledged <= row.counters["n"] <= acknowledged + gone
    assert len(await every_change(table)) == row.version + 1


async def test_a_table_that_closes_among_faults_answers_who_asked_before(
    quick_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await EmbeddedTable.open(quick_path / "closing.sqlite", clock, upkeep=False)
    faults = Faults(table, clock, monkeypatch)
    writing = [asyncio.create_task(table.transact(Add(key=HOT, by={"n": 1}))) for _ in range(20)]
    await asyncio.sleep(0)

    faults.due |= {"told": 1, "look": 2, "submit": 1}
    async with asyncio.timeout(5):
        await table.close()
        outcomes = await asyncio.gather(*writing, return_exceptions=True)

    assert all(outcome is None or isinstance(outcome, Refusal) for outcome in outcomes)


async def test_a_machine_without_a_thread_to_spare_opens_no_table(
    quick_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", none_left)
        with pytest.raises(RuntimeError, match="new thread"):
            await EmbeddedTable.open(quick_path / "none.sqlite", clock, upkeep=False)

    table = await EmbeddedTable.open(quick_path / "none.sqlite", clock, upkeep=False)
    await table.transact(note("P", "a"))
    await table.close()
