"""The table in one SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import apsw
import msgspec
from msgspec import Struct

from ecosystem.kernel.refusals import Refusal
from ecosystem.ports import table_codec, table_limits
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import (
    Absent,
    Add,
    At,
    Change,
    Counter,
    Cursor,
    Delete,
    Expected,
    Image,
    Index,
    Key,
    Page,
    Put,
    Row,
    Stale,
    Stored,
    TokenReused,
    Unfit,
    Write,
)

S = TypeVar("S", bound=Stored)
SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, entity TEXT NOT NULL, schema INTEGER NOT NULL, version INTEGER NOT NULL,
    body BLOB NOT NULL, counters BLOB, indexed BLOB, expires INTEGER, PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiring ON items (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS indexed (
    idx TEXT NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL, item_pk TEXT NOT NULL, item_sk TEXT NOT NULL,
    PRIMARY KEY (idx, pk, sk, item_pk, item_sk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
"""
COLUMNS = "i.pk, i.sk, i.entity, i.schema, i.version, i.body, i.counters, i.indexed, i.expires"
TOKEN_LIFE = timedelta(minutes=10)


class _Item(Struct, frozen=True, array_like=True):
    entity: str
    schema: int
    version: int
    body: bytes
    counters: dict[str, int]
    indexed: dict[str, tuple[str, str]]
    expires: int | None


class _Entry(Struct, frozen=True, array_like=True):
    pk: str
    sk: str
    old: _Item | None
    new: _Item | None
    expired: bool = False


class EmbeddedTable:
    """The table of one process, in one file."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._changed = asyncio.Event()

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> Self:
        connection = apsw.Connection(str(path))
        for pragma in ("page_size=8192", "journal_mode=wal", "synchronous=full", "wal_autocheckpoint=250"):
            _run(connection, f"PRAGMA {pragma}")
        _run(connection, SCHEMA)
        return cls(connection, clock)

    async def close(self) -> None:
        self._connection.close()

    async def get(self, key: Key, kind: type[S]) -> Row[S] | None:
        table_limits.check_key(key)
        return self._get(key, kind)

    async def batch_get(self, keys: Sequence[Key], kind: type[S]) -> list[Row[S] | None]:
        table_limits.batch(keys)
        return [self._get(key, kind) for key in keys]

    async def query(
        self,
        partition: str,
        kind: type[S],
        *,
        index: Index | None = None,
        prefix: str = "",
        start: str | None = None,
        end: str | None = None,
        after: Cursor | None = None,
        descending: bool = False,
        limit: int = 100,
    ) -> Page[S]:
        sought = table_limits.query(
            partition,
            index=index,
            prefix=prefix,
            start=start,
            end=end,
            after=after,
            descending=descending,
            limit=limit,
        )
        if sought.empty:
            return Page([])
        source, alias = (
            ("items i", "i")
            if index is None
            else ("indexed g JOIN items i ON i.pk = g.item_pk AND i.sk = g.item_sk", "g")
        )
        where = [f"{alias}.pk = ?", f"{alias}.sk >= ?", "(i.expires IS NULL OR i.expires > ?)"]
        values: list[Any] = [partition, sought.low, _micros(self._clock.now())]
        order = [f"{alias}.sk"]
        if index is not None:
            where.append("g.idx = ?")
            values.append(index.value)
            order += ["g.item_pk", "g.item_sk"]
        if sought.high is not None:
            where.append(f"{alias}.sk < ?")
            values.append(sought.high)
        if sought.after is not None:
            place = [sought.after.sort]
            if sought.after.item is not None:
                place += [sought.after.item.partition, sought.after.item.sort]
            where.append(f"({', '.join(order)}) {'<' if descending else '>'} ({', '.join('?' * len(place))})")
            values += place
        way = " DESC" if descending else ""
        found = self._run(
            f"SELECT {COLUMNS}, {alias}.pk, {alias}.sk FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608
            f" ORDER BY {', '.join(name + way for name in order)} LIMIT ?",
            (*values, limit + 1),
        )
        rows = [_row(columns, kind) for columns in found[:limit]]
        if len(found) <= limit:
            return Page(rows)
        last = found[limit - 1]
        at = table_codec.Place(last[9], last[10], None if index is None else Key(last[0], last[1]))
        return Page(rows, table_codec.cursor(at))

    async def transact(self, *writes: Write, token: str | None = None) -> None:
        bodies = table_limits.transaction(writes, token)
        self._run("BEGIN IMMEDIATE")
        try:
            if not self._known(writes, token):
                self._carry_out(writes, bodies)
        except BaseException:
            self._run("ROLLBACK")
            raise
        self._run("COMMIT")
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self, after: Cursor | None, *, limit: int = 1000) -> Sequence[Change]:
        table_limits.page(limit)
        seq, ordinal = _resumed(after)
        changes: list[Change] = []
        for number, body in self._run(
            "SELECT seq, body FROM changes WHERE seq >= ? ORDER BY seq LIMIT ?", (seq, limit + 1)
        ):
            for place, entry in enumerate(msgspec.msgpack.decode(body, type=list[_Entry])):
                if number == seq and place <= ordinal:
                    continue
                changes.append(
                    Change(
                        cursor=Cursor(f"{number}.{place}"),
                        key=Key(entry.pk, entry.sk),
                        old=_image(entry.old),
                        new=_image(entry.new),
                        expired=entry.expired,
                    )
                )
        return changes[:limit]

    async def changed(self) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), 1)
        except TimeoutError:
            return

    async def scan(self, kind: type[S], *, after: Cursor | None = None, limit: int = 1000) -> Page[S]:
        table_limits.page(limit)
        place = table_codec.Place("", "") if after is None else table_codec.place(after)
        found = self._run(
            f"SELECT {COLUMNS} FROM items i WHERE (i.pk, i.sk) > (?, ?) AND i.entity = ?"  # noqa: S608
            " AND (i.expires IS NULL OR i.expires > ?) ORDER BY i.pk, i.sk LIMIT ?",
            (place.partition, place.sort, kind.entity, _micros(self._clock.now()), limit + 1),
        )
        rows = [_row(columns, kind) for columns in found[:limit]]
        if len(found) <= limit:
            return Page(rows)
        return Page(rows, table_codec.cursor(table_codec.Place(found[limit - 1][0], found[limit - 1][1])))

    async def expire(self, limit: int = 100) -> int:
        """Remove up to that many items whose time has come; how many they were."""
        now = self._clock.now()
        found = self._run(
            f"SELECT {COLUMNS} FROM items i WHERE i.expires <= ? ORDER BY i.expires LIMIT ?",  # noqa: S608
            (_micros(now), limit),
        )
        if not found:
            return 0
        self._run("BEGIN IMMEDIATE")
        entries: list[_Entry] = []
        for columns in found:
            old = _item(columns)
            self._replace(Key(columns[0], columns[1]), old, None)
            entries.append(_Entry(columns[0], columns[1], old, None, expired=True))
        self._log(now, entries)
        self._run("COMMIT")
        self._changed.set()
        self._changed = asyncio.Event()
        return len(found)

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return _run(self._connection, statement, values)

    def _get(self, key: Key, kind: type[S]) -> Row[S] | None:
        found = self._run(
            f"SELECT {COLUMNS} FROM items i WHERE pk = ? AND sk = ? AND (expires IS NULL OR expires > ?)",  # noqa: S608
            (key.partition, key.sort, _micros(self._clock.now())),
        )
        return _row(found[0], kind) if found else None

    def _known(self, writes: Sequence[Write], token: str | None) -> bool:
        if token is None:
            return False
        now = self._clock.now()
        self._run("DELETE FROM tokens WHERE at <= ?", (_micros(now - TOKEN_LIFE),))
        fingerprint = _fingerprint(writes)
        found = self._run("SELECT fingerprint FROM tokens WHERE token = ?", (token,))
        if found and found[0][0] != fingerprint:
            raise TokenReused
        if not found:
            self._run("INSERT INTO tokens VALUES (?, ?, ?)", (token, fingerprint, _micros(now)))
        return bool(found)

    def _carry_out(self, writes: Sequence[Write], bodies: Sequence[bytes]) -> None:
        now = self._clock.now()
        decided: list[tuple[Key, _Item | None, _Item | None]] = []
        for write, body in zip(writes, bodies, strict=True):
            found = self._run(
                f"SELECT {COLUMNS} FROM items i WHERE pk = ? AND sk = ?",  # noqa: S608
                (write.key.partition, write.key.sort),
            )
            old = _item(found[0]) if found else None
            live = None if old is not None and old.expires is not None and old.expires <= _micros(now) else old
            if not _met(write.expected, live):
                raise write.otherwise or Stale(f"{table_limits.shown(write.key)} is not as expected.")
            decided.append((write.key, old, _becomes(write, body, old, live)))
        entries: list[_Entry] = []
        for (key, old, new), write in zip(decided, writes, strict=True):
            if isinstance(write, Put | Add) or (isinstance(write, Delete) and old is not None):
                self._replace(key, old, new)
                entries.append(_Entry(key.partition, key.sort, old, new))
        if entries:
            self._log(now, entries)

    def _replace(self, key: Key, old: _Item | None, new: _Item | None) -> None:
        pk, sk = key.partition, key.sort
        if new is None:
            self._run("DELETE FROM items WHERE pk = ? AND sk = ?", (pk, sk))
        else:
            self._run(
                "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    pk,
                    sk,
                    new.entity,
                    new.schema,
                    new.version,
                    new.body,
                    msgspec.msgpack.encode(new.counters),
                    msgspec.msgpack.encode(new.indexed),
                    new.expires,
                ),
            )
        before, after = old.indexed if old else {}, new.indexed if new else {}
        for idx, place in before.items():
            if after.get(idx) != place:
                self._run(
                    "DELETE FROM indexed WHERE idx = ? AND pk = ? AND sk = ? AND item_pk = ? AND item_sk = ?",
                    (idx, *place, pk, sk),
                )
        for idx, place in after.items():
            if before.get(idx) != place:
                self._run("INSERT INTO indexed VALUES (?, ?, ?, ?, ?)", (idx, *place, pk, sk))

    def _log(self, now: datetime, entries: list[_Entry]) -> None:
        self._run("INSERT INTO changes (at, body) VALUES (?, ?)", (_micros(now), msgspec.msgpack.encode(entries)))


def _run(connection: apsw.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    # Always to the end: a half-read statement holds its snapshot, and the log then grows without bound.
    return cast("list[tuple[Any, ...]]", connection.execute(statement, values).fetchall())  # pyright: ignore[reportUnknownMemberType]: apsw calls bytes Unknown


def _met(expected: Expected | None, live: _Item | None) -> bool:
    match expected:
        case None:
            return True
        case Absent():
            return live is None
        case At(version):
            return live is not None and live.version == version
        case _:
            return live is not None


def _becomes(write: Write, body: bytes, old: _Item | None, live: _Item | None) -> _Item | None:
    version = 1 if old is None else old.version + 1
    if isinstance(write, Put):
        return _Item(
            write.value.entity,
            type(write.value).schema,
            version,
            body,
            dict(write.counters),
            {index.value: (key.partition, key.sort) for index, key in write.index.items()},
            None if write.expires_at is None else _micros(write.expires_at),
        )
    if not isinstance(write, Add):
        return None
    base = live or _Item(Counter.entity, Counter.schema, 0, table_codec.encode(Counter()), {}, {}, None)
    counters = _added(write, base.counters)
    becomes = msgspec.structs.replace(base, version=version, counters=counters)
    size = table_limits.item_bytes(
        write.key, becomes.body, counters, [Key(*place) for place in becomes.indexed.values()]
    )
    if size > table_limits.ITEM_BYTES_MAX:
        raise Unfit(f"{table_limits.shown(write.key)} would have {size} bytes.", field="by")
    return becomes


def _added(add: Add, counters: Mapping[str, int]) -> dict[str, int]:
    becomes = dict(counters)
    for name, by in add.by.items():
        becomes[name] = table_limits.counter(add.key, name, becomes.get(name, 0) + by)
    low = all(becomes.get(name, 0) >= bound for name, bound in add.at_least.items())
    high = all(becomes.get(name, 0) <= bound for name, bound in add.at_most.items())
    if not (low and high):
        refusal: Refusal = add.otherwise or Stale(f"A counter of {table_limits.shown(add.key)} would pass its bound.")
        raise refusal
    return becomes


def _item(columns: Sequence[Any]) -> _Item:
    _, _, entity, schema, version, body, counters, indexed, expires = columns[:9]
    return _Item(
        entity,
        schema,
        version,
        body,
        msgspec.msgpack.decode(counters, type=dict[str, int]),
        msgspec.msgpack.decode(indexed, type=dict[str, tuple[str, str]]),
        expires,
    )


def _row(columns: Sequence[Any], kind: type[S]) -> Row[S]:
    item = _item(columns)
    return Row(
        key=Key(columns[0], columns[1]),
        value=table_codec.decode(kind, item.entity, item.schema, item.body),
        version=item.version,
        counters=item.counters,
        index={Index(name): Key(*place) for name, place in item.indexed.items()},
        expires_at=_at(item.expires),
    )


def _image(item: _Item | None) -> Image | None:
    if item is None:
        return None
    return Image(
        entity=item.entity,
        schema=item.schema,
        version=item.version,
        body=item.body,
        counters=item.counters,
        expires_at=_at(item.expires),
    )


def _fingerprint(writes: Sequence[Write]) -> bytes:
    digest = blake2b(digest_size=16)
    for write in writes:
        digest.update(type(write).__name__.encode())
        digest.update(
            msgspec.msgpack.encode(
                {name: getattr(write, name) for name in write.__struct_fields__ if name != "otherwise"}, order="sorted"
            )
        )
    return digest.digest()


def _resumed(after: Cursor | None) -> tuple[int, int]:
    if after is None:
        return 0, -1
    seq, _, ordinal = after.partition(".")
    if not (seq.isdecimal() and ordinal.isdecimal()):
        raise Unfit("That is not a cursor of the changes.", field="after")
    return int(seq), int(ordinal)


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _at(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
