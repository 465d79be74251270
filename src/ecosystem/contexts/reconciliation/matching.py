"""Matching: rows of three sides, as they come, made into movements on which the sides agree or differ.

Rows are read once. What agrees on all its sides is let go at once, but for a number that tells a duplicate later; what
is left at the end is judged, and then looked at together (`pairing.py`). So memory grows with what differs and what is
on its way, and by some hundred bytes for each movement of the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from ecosystem.contexts.reconciliation.differences import Kind
from ecosystem.contexts.reconciliation.judging import Item, agrees, judged
from ecosystem.contexts.reconciliation.pairing import paired
from ecosystem.contexts.reconciliation.rows import ROUTES, Movement, Row


@dataclass(slots=True)
class Matched:
    """What came of it: how many rows were read and movements agreed on, what is on its way, and what differs."""

    rows: int = 0
    agreed: int = 0
    on_their_way: list[Item] = field(default_factory=list[Item])
    differing: list[Item] = field(default_factory=list[Item])


@dataclass(slots=True)
class Matching:
    """One run over a window that ends with the day `as_of`."""

    as_of: date
    rows: int = 0
    agreed: int = 0
    _open: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    _agreed: dict[int, int] = field(default_factory=dict[int, int])

    def take(self, rows: Iterable[Row]) -> None:
        """Take rows in, of whichever side, in whichever order."""
        known, done = self._open, self._agreed
        for row in rows:
            self.rows += 1
            lying = known.get(row.key)
            if lying is None:
                known[row.key] = [row]
                continue
            lying.append(row)
            if len(lying) >= _sides_of(lying) and agrees(lying):
                del known[row.key]
                done[hash(row.key)] = row.amount
                self.agreed += 1

    def is_open(self, key: str) -> bool:
        """Whether somebody has told of the movement, and not all have."""
        return key in self._open

    def end(self) -> Matched:
        """Everything was taken in: what differs, those first that are oldest."""
        found = Matched(rows=self.rows, agreed=self.agreed)
        items = [self._item(key, rows) for key, rows in self._open.items()]
        for item in paired(items, self.as_of):
            if item.kinds:
                found.differing.append(item)
            else:
                found.on_their_way.append(item)
        found.differing.sort(key=lambda item: (item.on, item.key))
        return found

    def _item(self, key: str, rows: Sequence[Row]) -> Item:
        agreed = self._agreed.get(hash(key))
        return judged(Item(key=key, rows=tuple(rows), agreed_amount=agreed), self.as_of)


def matched(rows: Iterable[Row], as_of: date) -> Matched:
    """All rows of a window matched."""
    matching = Matching(as_of=as_of)
    matching.take(rows)
    return matching.end()


def _sides_of(rows: Sequence[Row]) -> int:
    """How many rows a movement has when each side has told of it."""
    clearing = any(row.movement is Movement.ORIGINATED for row in rows)
    return len(ROUTES[rows[0].movement]) + clearing


def kinds_of(items: Iterable[Item]) -> Iterator[Kind]:
    """The kinds found, one for each time."""
    return (kind for item in items for kind in item.kinds)
