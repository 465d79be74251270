"""The processor's file: its tables, its connections, and what is read from them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import apsw
import msgspec

from ecosystem.sandbox.acts import Answer, Asked, Effect, Record

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
    body BLOB NOT NULL, inside BLOB
);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS link (
    name TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, value, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    request_id TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL, first REAL NOT NULL,
    endpoint TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS timer (
    seq INTEGER PRIMARY KEY, what TEXT NOT NULL, subject TEXT NOT NULL, due REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS effect (
    seq INTEGER PRIMARY KEY, what TEXT NOT NULL, subject TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, idempotency_key TEXT, request_id TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS effect_key ON effect (idempotency_key);
CREATE TABLE IF NOT EXISTS funds (
    account TEXT NOT NULL, currency TEXT NOT NULL, day INTEGER NOT NULL, net INTEGER NOT NULL,
    PRIMARY KEY (account, currency, day)
) WITHOUT ROWID;
"""
_FROM_ONE_ACCOUNT = """
INSERT INTO funds SELECT '', currency, day, net FROM banked;
DROP TABLE banked;
"""
"""Files of before there were balances of connected accounts."""


class DataInUse(Exception):
    """Another sandbox works on this file."""


class Rows(Protocol):
    """What a statement finds."""

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Run(Protocol):
    """Runs one statement."""

    def __call__(self, statement: str, values: Sequence[Any] = ..., /) -> Rows: ...


def locked(path: Path) -> int:
    """The descriptor of the lock that this process now holds on the file. Raises `DataInUse`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        os.close(lock)
        raise DataInUse(f"Another sandbox works on {path}.") from held
    return lock


def writer(path: Path) -> apsw.Connection:
    """The connection that writes, with the tables there."""
    connection = apsw.Connection(str(path))
    run = runner(connection)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=1000", "cache_size=-16000"):
        run(f"PRAGMA {pragma}").fetchall()
    run(_SCHEMA)
    if not run("SELECT 1 FROM pragma_table_info('delivery') WHERE name = 'endpoint'").fetchall():
        run("ALTER TABLE delivery ADD COLUMN endpoint TEXT NOT NULL DEFAULT ''")
    if run("SELECT 1 FROM sqlite_master WHERE name = 'banked'").fetchall():
        run("BEGIN;" + _FROM_ONE_ACCOUNT + "COMMIT")
    return connection


def reader(path: Path) -> apsw.Connection:
    """A connection that only reads: it sees every act that was kept, and none that is under way."""
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


def runner(connection: apsw.Connection) -> Run:
    """Statements on one cursor of the connection: making a cursor costs as much as a small read.

    What is found is always fetched whole: a half-read statement would hold its snapshot, and the log would grow.
    """
    return cast("Run", connection.cursor().execute)


@dataclass(slots=True)
class Books:
    """Reads through one connection."""

    run: Run

    def record(self, record_id: str) -> Record | None:
        rows = self.run("SELECT seq, id, kind, body, inside FROM object WHERE id = ?", (record_id,)).fetchall()
        return record_of(rows[0]) if rows else None

    def linked(self, name: str, value: str, limit: int) -> Sequence[Record]:
        rows = self.run(
            "SELECT o.seq, o.id, o.kind, o.body, o.inside FROM link l JOIN object o ON o.seq = l.seq"
            " WHERE l.name = ? AND l.value = ? ORDER BY l.seq DESC LIMIT ?",
            (name, value, limit),
        ).fetchall()
        return [record_of(row) for row in rows]

    def answer(self, key: str, since: int) -> Answer | None:
        """What was answered under the key, at that instant or after."""
        asked = "SELECT status, body, fingerprint, request_id FROM answer WHERE key = ? AND at >= ?"
        rows = self.run(asked, (key, since)).fetchall()
        return Answer(*rows[0]) if rows else None

    def page(self, asked: Asked) -> Sequence[Record]:
        order = "DESC" if asked.after is None else "ASC"
        columns = "SELECT o.seq, o.id, o.kind, o.body, o.inside FROM"
        bounds = f"AND o.created BETWEEN ? AND ? ORDER BY o.seq {order} LIMIT ?"
        before, after = asked.before if asked.before is not None else 1 << 62, asked.after or 0
        created = (asked.since, asked.until, asked.limit)
        kind = spelled(asked.kind, asked.account)
        if asked.link:
            rows = self.run(
                f"{columns} link l JOIN object o ON o.seq = l.seq"
                f" WHERE l.name = ? AND l.value = ? AND o.kind = ? AND l.seq < ? AND l.seq > ? {bounds}",
                (*asked.link, kind, before, after, *created),
            ).fetchall()
        else:
            rows = self.run(
                f"{columns} object o WHERE o.kind = ? AND o.seq < ? AND o.seq > ? {bounds}",
                (kind, before, after, *created),
            ).fetchall()
        records = [record_of(row) for row in rows]
        return records if asked.after is None else records[::-1]

    def balance(self, account: str, today: int) -> Sequence[tuple[str, int, int]]:
        """Per currency of an account: what is available on that day, and what is not yet."""
        return self.run(
            "SELECT currency, sum(iif(day <= ?1, net, 0)), sum(iif(day > ?1, net, 0)) FROM funds"
            " WHERE account = ?2 GROUP BY currency",
            (today, account),
        ).fetchall()

    def effects(self, idempotency_key: str | None = None, *, limit: int = 10_000) -> list[Effect]:
        """What moved, oldest first: all of it, or under one idempotency key."""
        asked = "SELECT what, subject, amount, currency, idempotency_key, request_id, at FROM effect"
        if idempotency_key is None:
            rows = self.run(f"{asked} ORDER BY seq LIMIT ?", (limit,)).fetchall()
        else:
            where = f"{asked} WHERE idempotency_key = ? ORDER BY seq LIMIT ?"
            rows = self.run(where, (idempotency_key, limit)).fetchall()
        return [Effect(*row) for row in rows]

    def event_body(self, event_id: str) -> bytes | None:
        """An event as it was encoded, to be sent as it is."""
        rows = self.run("SELECT body FROM object WHERE id = ?", (event_id,)).fetchall()
        return rows[0][0] if rows else None


def record_of(row: Sequence[Any]) -> Record:
    """The thing that a row of its columns holds."""
    seq, record_id, spelling, body, inside = row
    kind, _, account = spelling.partition("@")
    decode = msgspec.json.decode
    return Record(
        seq=seq, id=record_id, kind=kind, body=decode(body), inside=decode(inside) if inside else {}, account=account
    )


def spelled(kind: str, account: str) -> str:
    """How a kind is kept: with the connected account that things of it belong to, if any."""
    return f"{kind}@{account}" if account else kind
