"""What the one writing connection does inside a transaction: find, replace, log, remember, prune."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import apsw
import msgspec

from ecosystem.adapters.embedded.table_file import rows, statements
from ecosystem.adapters.embedded.table_item import Entry, Kept, kept

_encode = msgspec.msgpack.Encoder().encode

# What one buffered row will take when it is written, roughly: batches end by time.
WRITE_S = 2e-6

_FIND = "SELECT item, checksum FROM items WHERE pk = ? AND sk = ?"
_REPLACE = "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM items WHERE pk = ? AND sk = ?"
_ENTER = "INSERT OR REPLACE INTO indexed VALUES (?, ?, ?, ?, ?)"
_LEAVE = "DELETE FROM indexed WHERE idx = ? AND pk = ? AND sk = ? AND item_pk = ? AND item_sk = ?"
_LOG = "INSERT INTO changes VALUES (?, ?, ?, ?)"
_REMEMBER = "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)"
_PRUNE = """DELETE FROM changes WHERE seq <= (
    SELECT max(seq) FROM (SELECT seq, at FROM changes ORDER BY seq LIMIT ?1) WHERE at <= ?2
) AND seq < (SELECT max(seq) FROM changes) AND (?3 IS NULL OR seq < ?3)"""
_FORGET = "DELETE FROM tokens WHERE token IN (SELECT token FROM tokens WHERE at <= ? LIMIT ?)"


class Store:
    """The state of a batch: what is in the file, and over it what the batch has decided so far.

    Writes are kept until `flush`, then carried out together; an item that many members wrote is written once. Nothing
    here begins or ends a transaction.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._statements = statements(connection)
        self._touched: dict[tuple[str, str], tuple[Kept | None, Kept | None]] = {}
        self._logged: list[tuple[int, int, bytes, int]] = []
        self._tokens: dict[str, tuple[bytes, int]] = {}
        self._pruned = False
        self.seq: int = rows(connection, "SELECT coalesce(max(seq), 0) FROM changes")[0][0]

    def find(self, pk: str, sk: str) -> Kept | None:
        touched = self._touched.get((pk, sk))
        if touched is not None:
            return touched[1]
        found = self._statements.execute(_FIND, (pk, sk)).get
        if found is None:
            return None
        packed, checksum = found
        return kept(packed, checksum, pk, sk)

    def replace(self, pk: str, sk: str, old: Kept | None, new: Kept | None) -> None:
        """Let the new item take the place of the old one, in the indexes too."""
        touched = self._touched.get((pk, sk))
        self._touched[pk, sk] = (old if touched is None else touched[0], new)

    def log(self, at: int, entries: Sequence[Entry]) -> None:
        """Append the transaction's change row."""
        body = _encode(entries)
        self.seq += 1
        self._logged.append((self.seq, at, body, crc32(body)))

    def token(self, token: str) -> tuple[bytes, int] | None:
        """The fingerprint of the writes that were carried out under this token, and when."""
        if token in self._tokens:
            return self._tokens[token]
        found = self._statements.execute("SELECT fingerprint, at FROM tokens WHERE token = ?", (token,)).get
        return None if found is None else (found[0], found[1])

    def remember(self, token: str, fingerprint: bytes, at: int) -> None:
        self._tokens[token] = (fingerprint, at)

    def due(self, at: int, limit: int) -> Sequence[tuple[str, str]]:
        """The keys of items whose time had come by `at` before this batch, the earliest first."""
        found = self._statements.execute(
            "SELECT pk, sk FROM items WHERE expires <= ? ORDER BY expires LIMIT ?", (at, limit)
        )
        return [(pk, sk) for pk, sk in found.fetchall()]

    def prune(self, changes_before: int, tokens_before: int, limit: int, *, held_from: int | None = None) -> int:
        """Forget that many old changes, and tokens, at most; how many were forgotten.

        The newest change always stays: its number says where the next one goes on. So do those from `held_from` on.
        """
        before = self._connection.total_changes()
        self._statements.execute(_PRUNE, (limit, changes_before, held_from))
        self._statements.execute(_FORGET, (tokens_before, limit))
        pruned = self._connection.total_changes() - before
        self._pruned = self._pruned or pruned > 0
        return pruned

    @property
    def pending_s(self) -> float:
        """How long `flush` will take, roughly."""
        return (len(self._touched) + len(self._logged)) * WRITE_S

    def flush(self) -> bool:
        """Write what was decided; whether there was anything."""
        wrote = self._pruned
        if self._touched:
            self._write_items()
            wrote = True
        if self._logged:
            self._statements.executemany(_LOG, self._logged)
            wrote = True
        if self._tokens:
            self._statements.executemany(_REMEMBER, [(token, *value) for token, value in self._tokens.items()])
            wrote = True
        self.forget()
        return wrote

    def forget(self) -> None:
        """Drop what was decided but not written."""
        self._touched = {}
        self._logged = []
        self._tokens = {}
        self._pruned = False

    def _write_items(self) -> None:
        puts: list[tuple[str, str, bytes, int | None, int]] = []
        leaving: list[tuple[int, str, str, str, str]] = []
        entering: list[tuple[int, str, str, str, str]] = []
        for (pk, sk), (before, after) in self._touched.items():
            if after is not None:
                puts.append((pk, sk, after.packed, after.item.expires, crc32(after.packed)))
            elif before is not None:
                self._statements.execute(_REMOVE, (pk, sk))
            left = before.item.places if before else ()
            entered = after.item.places if after else ()
            if left != entered:
                # A place names its item too: in which order items leave and enter does not matter.
                leaving += [(*place, pk, sk) for place in left if place not in entered]
                entering += [(*place, pk, sk) for place in entered if place not in left]
        self._statements.executemany(_REPLACE, puts)
        self._statements.executemany(_LEAVE, leaving)
        self._statements.executemany(_ENTER, entering)
