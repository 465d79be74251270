"""Matching: rows of three sides, as they come, made into movements on which the sides agree or differ.

Rows are read once. What agrees on all its sides is let go at once, but for a number that tells a duplicate later; what
is left at the end is judged, and then looked at together (`pairing.py`). So memory grows with what differs and what is
on its way, and by some hundred bytes for each movement of the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ecosystem.contexts.reconciliation.judging import Item, agrees, judged
from ecosystem.contexts.reconciliation.pairing import paired
from ecosystem.contexts.reconciliation.rows import EARLY_DAYS, LATE_AFTER_DAYS, ROUTES, Movement, Row


@dataclass(slots=True)
class Matched:
    """What came of it: how many rows were read and movements agreed on, what is on its way, and what differs."""

    rows: int = 0
    agreed: int = 0
    on_their_way: list[Item] = field(default_factory=list[Item])
    differing: list[Item] = field(default_factory=list[Item])


@dataclass(slots=True)
class Matching:
    """One run over a window that begins with the day `first`, if it has a beginning, and ends with the day `as_of`.

    What lies close to the beginning may have sides that told before it: it is reported only if it is known to differ.
    """

    as_of: date
    first: date | None = None
    rows: int = 0
    agreed: int = 0
    _open: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    _agreed: dict[int, int] = field(default_factory=dict[int, int])
    _known: set[str] = field(default_factory=set[str])
    _spare: dict[str, tuple[Row, ...]] = field(default_factory=dict[str, tuple[Row, ...]])

    def carry(self, key: str, rows: Sequence[Row], agreed_amount: int | None = None) -> None:
        """What differed in an earlier run, and is open: its rows of days before the window count on.

        Call it before rows are taken in.
        """
        self._known.update((key, *(row.key for row in rows)))
        if agreed_amount is not None:
            self._agreed[hash(key)] = agreed_amount
            self._spare[key] = tuple(rows)
            return
        for row in rows:
            if self.first is not None and row.on < self.first:
                self._open.setdefault(row.key, []).append(row)

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
        for key, spare in self._spare.items():
            self._open[key] = self._beyond_agreed(spare, self._open.get(key, ()))
        items = [self._item(key, rows) for key, rows in self._open.items() if rows]
        # What may have lost a side to the window would be taken for what is missing elsewhere.
        for item in paired([item for item in items if not self._is_cut(item)], self.as_of):
            if item.kinds:
                found.differing.append(item)
            else:
                found.on_their_way.append(item)
        found.differing.sort(key=lambda item: (item.on, item.key))
        return found

    def _is_cut(self, item: Item) -> bool:
        """Whether sides of it may lie before the window, and nothing says that it differs."""
        return self._is_close(item.on, item.rows) and item.key not in self._known

    def _is_close(self, on: date, rows: Sequence[Row]) -> bool:
        if self.first is None:
            return False
        days = max(max(LATE_AFTER_DAYS[row.movement], EARLY_DAYS[row.movement]) for row in rows)
        return on < self.first + timedelta(days=days)

    def _beyond_agreed(self, spare: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
        """The rows once too often: of those that lie close to the beginning, the ones that were too many before."""
        known = {row.row_id for row in spare}
        carried = [row for row in spare if self.first is not None and row.on < self.first]
        return [*carried, *(row for row in rows if row.row_id in known or not self._is_close(row.on, (row,)))]

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
