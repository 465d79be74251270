"""How far somebody has followed the changes, and the cursor that says so."""

from __future__ import annotations

import re
from zlib import crc32

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.table_item import Entry, image
from ecosystem.ports.table import Change, Cursor, Key, TableDamaged, Unfit

_CURSOR = re.compile(r"(\d{1,18}\.-?\d{1,3})(\+\d{1,18}\.\d{1,3})*", re.ASCII)
_entries = msgspec.msgpack.Decoder(list[Entry])


class Position(Struct, frozen=True, order=True):
    """A place in the order of changes: a transaction's row, and one item's part of it."""

    seq: int
    ordinal: int


BEGINNING = Position(0, -1)


class Followed(Struct, frozen=True):
    """Everything up to `low` has been handed out, and `ahead` of it only those."""

    low: Position = BEGINNING
    ahead: tuple[Position, ...] = ()

    @property
    def cursor(self) -> Cursor:
        if not self.ahead:
            return cursor(self.low.seq, self.low.ordinal)
        return Cursor("+".join(f"{position.seq}.{position.ordinal}" for position in (self.low, *self.ahead)))


def followed(after: Cursor | None) -> Followed:
    """What a cursor stands for. Raises `Unfit` for what is no cursor of the changes."""
    if after is None:
        return Followed()
    if not _CURSOR.fullmatch(after):
        raise Unfit("That is not a cursor of this table's changes.", field="after")
    low, *ahead = (Position(*map(int, part.split("."))) for part in after.split("+"))
    return Followed(low, tuple(ahead))


class _Place(Struct):
    """What is read of the items in which followers keep their cursors."""

    cursor: str | None = None


def needed(body: bytes) -> int | None:
    """The first transaction that a follower with that stored value still needs; None if it says nothing of it."""
    try:
        place = msgspec.msgpack.decode(body, type=_Place)
        return None if place.cursor is None else followed(Cursor(place.cursor)).low.seq
    except (msgspec.MsgspecError, Unfit):
        return None


def entries(seq: int, body: bytes, checksum: int) -> list[Entry]:
    """The parts of one transaction's change row. Raises `TableDamaged` when its bytes are not those written."""
    if crc32(body) != checksum:
        raise TableDamaged(f"The stored bytes of change {seq} are damaged; restore a backup.")
    return _entries.decode(body)


def cursor(seq: int, ordinal: int) -> Cursor:
    """The cursor of who has followed everything up to that place."""
    return Cursor(f"{seq}.{ordinal}")


def change(cursor: Cursor, entry: Entry) -> Change:
    """The part of a transaction as followers see it, who stand at `cursor` then."""
    return Change(
        cursor=cursor,
        key=Key(entry.pk, entry.sk),
        old=image(entry.old),
        new=image(entry.new),
        expired=entry.expired,
    )
