"""The bank's own file: what it took, what it has yet to do, and the lines of its customer's account."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

_SCHEMA = """
create table if not exists taken (sha256 text primary key, name text not null, at text not null, reason text not null);
create table if not exists agenda (
  id integer primary key, due text not null, kind text not null, body text not null, done integer not null default 0);
create index if not exists agenda_due on agenda (done, due, id);
create table if not exists lines (
  id integer primary key, day text not null, type text not null, cents integer not null, is_in integer not null,
  reference text not null, ours text not null, words text not null);
create index if not exists lines_day on lines (day, id);
create table if not exists words (name text primary key, value text not null);
"""


class Due(Struct, frozen=True):
    """Something the bank has to do."""

    id: int
    due: str
    kind: str
    body: dict[str, Any]


class Line(Struct, frozen=True):
    """A line of the account."""

    type: str
    cents: int
    is_in: bool
    reference: str
    ours: str
    words: str


class Books:
    """One SQLite file. Whatever is done together is kept together."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("pragma journal_mode=wal")
        self._file.executescript(_SCHEMA)

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def together(self) -> Generator[None]:
        """All that is written within is kept, or nothing of it."""
        self._file.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._file.execute("rollback")
            raise
        self._file.execute("commit")

    def taken(self, sha256: str) -> str | None:
        """Why the file with these bytes was refused, empty when it was taken on; None when it never came."""
        row = self._file.execute("select reason from taken where sha256 = ?", (sha256,)).fetchone()
        return None if row is None else str(row[0])

    def take(self, sha256: str, name: str, at: str, reason: str) -> None:
        self._file.execute("insert or ignore into taken values (?, ?, ?, ?)", (sha256, name, at, reason))

    def plan(self, due: str, kind: str, body: dict[str, Any]) -> None:
        self._file.execute("insert into agenda (due, kind, body) values (?, ?, ?)", (due, kind, json.dumps(body)))

    def due(self, until: str) -> list[Due]:
        """What is due at the earliest instant up to that one, all of it."""
        first = self._file.execute("select min(due) from agenda where done = 0 and due <= ?", (until,)).fetchone()[0]
        if first is None:
            return []
        rows = self._file.execute(
            "select id, due, kind, body from agenda where done = 0 and due = ? order by id", (first,)
        ).fetchall()
        return [Due(row[0], row[1], row[2], json.loads(row[3])) for row in rows]

    def next_due(self) -> str | None:
        found = self._file.execute("select min(due) from agenda where done = 0").fetchone()[0]
        return None if found is None else str(found)

    def done(self, due: Due) -> None:
        self._file.execute("update agenda set done = 1 where id = ?", (due.id,))

    def line(self, day: str, line: Line) -> None:
        """A line of the account: the balance moves with it."""
        self._file.execute(
            "insert into lines (day, type, cents, is_in, reference, ours, words) values (?, ?, ?, ?, ?, ?, ?)",
            (day, line.type, line.cents, int(line.is_in), line.reference, line.ours, line.words),
        )
        self.say("balance", str(self.balance + (line.cents if line.is_in else -line.cents)))

    def lines(self, day: str) -> list[Line]:
        rows = self._file.execute(
            "select type, cents, is_in, reference, ours, words from lines where day = ? order by id", (day,)
        ).fetchall()
        return [Line(row[0], row[1], bool(row[2]), row[3], row[4], row[5]) for row in rows]

    @property
    def balance(self) -> int:
        return int(self.word("balance") or 0)

    def counted(self, name: str) -> int:
        """The next number of that count."""
        number = int(self.word(name) or 0) + 1
        self.say(name, str(number))
        return number

    def word(self, name: str) -> str | None:
        row = self._file.execute("select value from words where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def say(self, name: str, value: str) -> None:
        self._file.execute(
            "insert into words values (?, ?) on conflict (name) do update set value = excluded.value", (name, value)
        )
