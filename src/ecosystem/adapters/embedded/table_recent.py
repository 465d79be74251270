"""The latest changes in memory: whoever follows closely need not read back what was just written.

Followers of one process ask for the same changes one after the other; each change is made once, and handed to all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ecosystem.adapters.embedded.table_changes import Position, change, cursor
from ecosystem.adapters.embedded.table_item import Entry
from ecosystem.ports.table import Change

TRANSACTIONS_MAX = 4096
BYTES_MAX = 16 * 1024 * 1024


class _Transaction:
    """One transaction's entries, as changes once somebody has asked for them."""

    __slots__ = ("_changes", "_entries", "seq", "size_bytes")

    def __init__(self, seq: int, entries: Sequence[Entry]) -> None:
        self.seq = seq
        self.size_bytes = 0
        for entry in entries:
            self.size_bytes += (len(entry.old) if entry.old else 0) + (len(entry.new) if entry.new else 0)
        self._entries = entries
        self._changes: list[Change] | None = None

    def changes(self) -> list[Change]:
        if self._changes is None:
            self._changes = [change(cursor(self.seq, ordinal), entry) for ordinal, entry in enumerate(self._entries)]
        return self._changes


class Recent:
    """The last transactions that were committed, up to a number and a size."""

    def __init__(self) -> None:
        self._kept: deque[_Transaction] = deque()
        self._size_bytes = 0

    def told(self, last_seq: int, transactions: Sequence[Sequence[Entry]]) -> None:
        """Keep these transactions, committed one after the other, the last of them under that number."""
        for seq, entries in enumerate(transactions, last_seq - len(transactions) + 1):
            transaction = _Transaction(seq, entries)
            self._kept.append(transaction)
            self._size_bytes += transaction.size_bytes
        while len(self._kept) > TRANSACTIONS_MAX or (self._size_bytes > BYTES_MAX and self._kept):
            self._size_bytes -= self._kept.popleft().size_bytes

    def after(self, position: Position, limit: int) -> list[Change] | None:
        """The changes after that place, in order; None when some of them may be older than what is kept."""
        if not self._kept or position.seq < self._kept[0].seq:
            return None
        # Whole lists at once, and by place: every follower comes through here for every change, and is near the end.
        found: list[Change] = []
        for place in range(position.seq - self._kept[0].seq, len(self._kept)):
            transaction = self._kept[place]
            if transaction.seq > position.seq:
                found += transaction.changes()
            else:
                found += transaction.changes()[position.ordinal + 1 :]
            if len(found) >= limit:
                del found[limit:]
                break
        return found
