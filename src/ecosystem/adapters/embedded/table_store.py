"""What the one writing connection does inside a transaction: find, replace, log, remember, prune."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import apsw
import msgspec

from ecosystem.adapters.embedded.table_file import executing, rows
from ecosystem.adapters.embedded.table_item import Entry, Item

_encode = msgspec.msgpack.Encoder().encode

COLUMNS = "entity, schema, version, body, counters, indexed, expires, checksum"
_FIND = f"SELECT {COLUMNS} FROM items WHERE pk = ? AND sk = ?"  # noqa: S608 — a constant
_REPLACE = "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM items WHERE pk = ? AND sk = ?"
_ENTER = "INSERT OR REPLACE INTO indexed VALUES (?, ?, ?, ?, ?)"
_LEAVE = "DELETE FROM indexed WHERE idx = ? AND pk = ? AND sk = ? AND item_pk = ? AND item_sk = ?"
_LOG = "INSERT INTO changes VALUES (?, ?, ?, ?)"
_PRUNE = """DELETE FROM changes WHERE seq <= (
    SELECT max(seq) FROM (SELECT seq, at FROM changes ORDER BY seq LIMIT ?) WHERE at <= ?
) AND seq < (SELECT max(seq) FROM changes)"""


class Store:
    """Statements on one connection. Nothing here begins or ends a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = executing(connection)
        self.seq: int = rows(connection, "SELECT coalesce(max(seq), 0) FROM changes")[0][0]

    def find(self, pk: str, sk: str) -> Item | None:
        for columns in self._execute(_FIND, (pk, sk)).fetchall():
            return Item(*columns)
        return None

    def replace(self, pk: str, sk: str, old: Item | None, new: Item | None) -> None:
        """Write the item and its index entries in the place of the old one."""
        if new is None:
            self._execute(_REMOVE, (pk, sk))
        else:
            self._execute(
                _REPLACE,
                (
                    pk,
                    sk,
                    new.entity,
                    new.schema,
                    new.version,
                    new.body,
                    new.counters,
                    new.indexed,
                    new.expires,
                    new.checksum,
                ),
            )
        before = old.indexed if old else None
        after = new.indexed if new else None
        if before != after:
            self._index(pk, sk, old.places() if old else [], new.places() if new else [])

    def log(self, at: int, entries: Sequence[Entry]) -> None:
        """Append the transaction's change row."""
        body = _encode(entries)
        self._execute(_LOG, (self.seq + 1, at, body, crc32(body)))
        self.seq += 1

    def token(self, token: str) -> tuple[bytes, int] | None:
        """The fingerprint of the writes that were carried out under this token, and when."""
        for fingerprint, at in self._execute("SELECT fingerprint, at FROM tokens WHERE token = ?", (token,)).fetchall():
            return fingerprint, at
        return None

    def remember(self, token: str, fingerprint: bytes, at: int) -> None:
        self._execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, fingerprint, at))

    def due(self, at: int, limit: int) -> Sequence[tuple[str, str]]:
        """The keys of items whose time has come by `at`, the earliest first."""
        found = self._execute("SELECT pk, sk FROM items WHERE expires <= ? ORDER BY expires LIMIT ?", (at, limit))
        return [(pk, sk) for pk, sk in found.fetchall()]

    def prune(self, changes_before: int, tokens_before: int, limit: int) -> int:
        """Forget that many old changes and tokens at most; how many were forgotten.

        The newest change always stays: its number says where the next one goes on.
        """
        before = self._connection.total_changes()
        self._execute(_PRUNE, (limit, changes_before))
        self._execute(
            "DELETE FROM tokens WHERE token IN (SELECT token FROM tokens WHERE at <= ? LIMIT ?)", (tokens_before, limit)
        )
        return self._connection.total_changes() - before

    def _index(
        self, pk: str, sk: str, before: Sequence[tuple[int, str, str]], after: Sequence[tuple[int, str, str]]
    ) -> None:
        for place in before:
            if place not in after:
                self._execute(_LEAVE, (*place, pk, sk))
        for place in after:
            if place not in before:
                self._execute(_ENTER, (*place, pk, sk))
