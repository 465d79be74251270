"""The table and a plain dictionary, driven through the same operations, conflicts among them, agree at every step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import (
    ABSENT,
    PRESENT,
    Absent,
    Add,
    At,
    Change,
    Check,
    Counter,
    Cursor,
    Delete,
    Index,
    Key,
    Put,
    Stored,
    Table,
    TokenReused,
    Write,
)
from ecosystem.ports.table_codec import decode
from table_samples import Note, Tables, Taken, every_change, everything

T = TypeVar("T")

PARTITIONS = ["P", "Q#é"]
SORTS = ["a", "a#1", "a#2", "b", "\uffff", "\U0001f525"]
KEYS = [Key(partition, sort) for partition in PARTITIONS for sort in SORTS]
PLACES = [Key(partition, sort) for partition in ("open", "shut") for sort in ("1", "2")]


class Kept(Struct, frozen=True, kw_only=True):
    """An item as the model keeps it. `version` is None where the port promises none: after an expiry."""

    value: Stored
    version: int | None
    counters: dict[str, int]
    index: dict[Index, Key]
    expires_at: datetime | None


State = dict[Key, Kept]


def live(state: State, key: Key, at: datetime) -> Kept | None:
    kept = state.get(key)
    return None if kept is None or (kept.expires_at is not None and kept.expires_at <= at) else kept


def carried_out(state: State, writes: Sequence[Write], at: datetime) -> tuple[State, int | None]:
    """The state after the transaction, or the same state and the position of the first write refused."""
    becomes = dict(state)
    for position, write in enumerate(writes):
        before = live(state, write.key, at)
        if not met(write, before):
            return state, position
        passed = state.get(write.key) is not None and before is None
        version = None if passed else 1 if before is None else before.version and before.version + 1
        if isinstance(write, Put):
            becomes[write.key] = Kept(
                value=write.value,
                version=version,
                counters=dict(write.counters),
                index=dict(write.index),
                expires_at=write.expires_at,
            )
        elif isinstance(write, Delete):
            becomes.pop(write.key, None)
        elif isinstance(write, Add):
            base = before or Kept(value=Counter(), version=None, counters={}, index={}, expires_at=None)
            counters = dict(base.counters)
            for name, by in write.by.items():
                counters[name] = counters.get(name, 0) + by
            if any(counters.get(name, 0) < bound for name, bound in write.at_least.items()):
                return state, position
            if any(counters.get(name, 0) > bound for name, bound in write.at_most.items()):
                return state, position
            becomes[write.key] = replace(base, version=version, counters=counters)
    return becomes, None


def met(write: Write, before: Kept | None) -> bool:
    match write.expected:
        case None:
            return True
        case Absent():
            return before is None
        case At(version):
            return before is not None and before.version == version
        case _:
            return before is not None


class Refused(Taken):
    """A write was refused; which one, its message says."""


counts = st.integers(-4, 4)
indexes = st.dictionaries(st.sampled_from([Index.SLUG, Index.STATUS]), st.sampled_from(PLACES), max_size=2)
expectations = st.none() | st.sampled_from([ABSENT, PRESENT]) | st.integers(1, 3).map(At)
counters = st.dictionaries(st.sampled_from("xy"), counts, max_size=2)
bounds = st.dictionaries(st.sampled_from("xy"), st.integers(-6, 6), max_size=1)
lives = st.none() | st.integers(-1, 4)


@st.composite
def writes(draw: st.DrawFn) -> Any:
    """One write, with its life in minutes (for a put) yet to be turned into an instant."""
    key = draw(st.sampled_from(KEYS))
    expected = draw(expectations)
    kind = draw(st.sampled_from(["put", "put", "put", "add", "add", "delete", "check"]))
    if kind == "put":
        value = Note(text=draw(st.text(max_size=3)), count=draw(counts))
        put = Put(key=key, value=value, expected=expected, index=draw(indexes), counters=draw(counters))
        return put, draw(lives)
    if kind == "add":
        by = draw(st.dictionaries(st.sampled_from("xy"), counts, min_size=1, max_size=2))
        return Add(key=key, by=by, at_least=draw(bounds), at_most=draw(bounds), expected=expected), None
    if kind == "delete":
        return Delete(key=key, expected=expected), None
    return Check(key=key, expected=expected or PRESENT), None


transactions = st.lists(writes(), min_size=1, max_size=5, unique_by=lambda write: write[0].key)


class Machine(RuleBasedStateMachine):
    """Each rule does the same to both; the invariant reads everything back."""

    tables: Tables  # given by the test

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.state: State = {}
        self.images: dict[Key, tuple[int, bytes] | None] = {}
        self.cursor: Cursor | None = None
        self.tokens: dict[str, tuple[tuple[Write, ...], datetime]] = {}

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    @initialize()
    def open(self) -> None:
        self.table: Table = self.run(self.tables.fresh())

    def teardown(self) -> None:
        self.run(self.tables.close())
        self.runner.close()

    @property
    def now(self) -> datetime:
        return self.tables.clock.now()

    def named(self, drawn: Sequence[tuple[Write, int | None]]) -> list[Write]:
        """The writes with the refusals that tell them apart, and their time."""
        return [
            replace(write, otherwise=Refused(str(position)), expires_at=self.now + timedelta(minutes=minutes))
            if minutes is not None
            else replace(write, otherwise=Refused(str(position)))
            for position, (write, minutes) in enumerate(drawn)
        ]

    async def outcome(self, writes: Sequence[Write], token: str | None = None) -> int | None:
        try:
            await self.table.transact(*writes, token=token)
        except Refused as refused:
            return int(refused.message)
        return None

    @rule(drawn=transactions)
    def transact(self, drawn: list[tuple[Write, int | None]]) -> None:
        writes = self.named(drawn)
        becomes, refused = carried_out(self.state, writes, self.now)

        assert self.run(self.outcome(writes)) == refused
        self.state = becomes
        self.learn()

    @rule(several=st.lists(transactions, min_size=2, max_size=3))
    def transact_at_once(self, several: list[list[tuple[Write, int | None]]]) -> None:
        """Whatever the order they were taken in, there was one."""

        async def together() -> list[int | None]:
            return await asyncio.gather(*(self.outcome(writes) for writes in all_writes))

        all_writes = [self.named(drawn) for drawn in several]
        outcomes = self.run(together())
        found = self.run(self.read())

        for order in permutations(range(len(all_writes))):
            state = self.state
            refusals: dict[int, int | None] = {}
            for at in order:
                state, refusals[at] = carried_out(state, all_writes[at], self.now)
            if [refusals[at] for at in range(len(all_writes))] == outcomes and self.agrees(state, found):
                self.state = state
                self.learn()
                return
        raise AssertionError(f"no order of {all_writes} gives {outcomes} and {found}")

    @rule(drawn=transactions, token=st.sampled_from(["t", "u"]))
    def transact_under_a_token(self, drawn: list[tuple[Write, int | None]], token: str) -> None:
        writes = tuple(self.named(drawn))
        earlier = self.tokens.get(token)
        if earlier is not None and earlier[1] + timedelta(minutes=10) > self.now:
            try:
                assert self.run(self.outcome(earlier[0], token)) is None
                self.run(self.outcome((*writes, Add(key=Key("never", "x"), by={"x": 1})), token))
            except TokenReused:
                return
            raise AssertionError("a token was taken for other writes")
        becomes, refused = carried_out(self.state, writes, self.now)
        assert self.run(self.outcome(writes, token)) == refused
        self.state = becomes
        self.learn()
        if refused is None:
            self.tokens[token] = (writes, self.now)

    @rule(minutes=st.integers(1, 3))
    def advance(self, minutes: int) -> None:
        self.tables.clock.advance(timedelta(minutes=minutes))

    @rule(
        partition=st.sampled_from(PARTITIONS),
        prefix=st.sampled_from(["", "a", "a#", "b", "\U0001f525", "z"]),
        start=st.none() | st.sampled_from(SORTS),
        end=st.none() | st.sampled_from(SORTS),
        descending=st.booleans(),
        limit=st.integers(1, 4),
    )
    def query(
        self, *, partition: str, prefix: str, start: str | None, end: str | None, descending: bool, limit: int
    ) -> None:
        # One kind per query is the port's rule: counters sit beside notes here, so ask for what is all notes.
        expected = [
            (key, kept)
            for key in sorted(KEYS, key=lambda key: key.sort.encode(), reverse=descending)
            if (kept := live(self.state, key, self.now)) is not None
            and key.partition == partition
            and key.sort.startswith(prefix)
            and (start is None or key.sort >= start)
            and (end is None or key.sort < end)
        ]
        if any(isinstance(kept.value, Counter) for _, kept in expected):
            return
        rows = self.run(
            everything(
                self.table,
                partition,
                Note,
                prefix=prefix,
                start=start,
                end=end,
                descending=descending,
                limit=limit,
            )
        )
        assert [(row.key, row.value, dict(row.counters)) for row in rows] == [
            (key, kept.value, kept.counters) for key, kept in expected
        ]

    @precondition(lambda self: self.state)
    @rule(index=st.sampled_from([Index.SLUG, Index.STATUS]), place=st.sampled_from(PLACES), descending=st.booleans())
    def query_index(self, index: Index, place: Key, descending: bool) -> None:
        """An index may lag, but shows what is so in the end."""
        entries = [
            (at.sort, key)
            for key in KEYS
            if (kept := live(self.state, key, self.now)) is not None
            and (at := kept.index.get(index)) is not None
            and at.partition == place.partition
        ]

        async def settled() -> None:
            rows = []
            for _ in range(60):
                rows = await everything(self.table, place.partition, Note, index=index, descending=descending, limit=2)
                shown = [(row.index[index].sort, row.key) for row in rows if index in row.index]
                fresh = all(row.value == self.state[row.key].value for row in rows if row.key in self.state)
                ordered = [sort for sort, _ in shown] == sorted((s for s, _ in shown), reverse=descending)
                if (
                    fresh
                    and ordered
                    and len(shown) == len(rows)
                    and sorted(shown, key=repr) == sorted(entries, key=repr)
                ):
                    return
            raise AssertionError(f"{index} {place.partition} shows {rows}, not {entries}")

        self.run(settled())

    @rule(limit=st.integers(1, 9))
    def follow(self, limit: int) -> None:
        """Each item's changes link up, and end in what is there."""
        for change in self.run(every_change(self.table, self.cursor, limit)):
            self.linked(change)
            self.cursor = change.cursor
        for key in KEYS:
            kept = self.state.get(key)
            image = self.images.get(key)
            if kept is None or live(self.state, key, self.now) is None:
                continue
            assert image is not None
            assert image[0] == kept.version or kept.version is None
            assert decode(type(kept.value), kept.value.entity, 1, image[1]) == kept.value

    def linked(self, change: Change) -> None:
        before = self.images.get(change.key)
        assert (change.old and (change.old.version, change.old.body)) == before, change
        self.images[change.key] = change.new and (change.new.version, change.new.body)

    @invariant()
    def everything_is_read_back(self) -> None:
        found = self.run(self.read())
        assert self.agrees(self.state, found), f"{self.state} is not {found}"

    async def read(self) -> State:
        found: State = {}
        for key in KEYS:
            try:
                row: Any = await self.table.get(key, Note)
            except Refusal:
                row = await self.table.get(key, Counter)
            if row is not None:
                found[key] = Kept(
                    value=row.value,
                    version=row.version,
                    counters=dict(row.counters),
                    index=dict(row.index),
                    expires_at=row.expires_at,
                )
        return found

    def agrees(self, state: State, found: State) -> bool:
        expected = {key: kept for key in state if (kept := live(state, key, self.now)) is not None}
        return expected.keys() == found.keys() and all(
            kept == found[key] or (kept.version is None and kept == replace(found[key], version=None))
            for key, kept in expected.items()
        )

    def learn(self) -> None:
        """Take the versions that no promise tells from what is read."""
        found = self.run(self.read())
        for key, kept in self.state.items():
            if kept.version is None and key in found:
                self.state[key] = replace(kept, version=found[key].version)


def test_the_table_agrees_with_a_plain_model(tables: Tables) -> None:
    machine = type("Agreement", (Machine,), {"tables": tables})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=tables.histories,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
