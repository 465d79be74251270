"""Copies of the table's file: made while it is written, read back before they are trusted, put back with care.

A backup reads one instant of the table through a transaction of its own, in small steps in a thread, so neither the
event loop nor the writer waits. It works from the serving process and from another one alike.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from time import sleep
from typing import Any
from zlib import crc32

import apsw
from msgspec import Struct

from ecosystem.adapters.embedded.table_changes import entries as changed
from ecosystem.adapters.embedded.table_file import Hold, reader, refusal, rows, sync_folder, writer
from ecosystem.adapters.embedded.table_item import kept
from ecosystem.kernel.refusals import Conflict, Refusal
from ecosystem.ports.table import Key, TableDamaged
from ecosystem.ports.table_limits import shown

# A step copies 2 MB; the pause leaves the disk to those who serve.
STEP_PAGES = 256
PAUSE_S = 0.002
READ_STEP = 1000
BUSY_TIMEOUT_MS = 5000

_ITEMS = "SELECT pk, sk, item, expires, checksum FROM items WHERE (pk, sk) > (?, ?) ORDER BY pk, sk LIMIT ?"
_INDEXED = """SELECT idx, pk, sk, item_pk, item_sk FROM indexed
WHERE (idx, pk, sk, item_pk, item_sk) > (?, ?, ?, ?, ?) ORDER BY idx, pk, sk, item_pk, item_sk LIMIT ?"""
_CHANGES = "SELECT seq, body, checksum FROM changes WHERE seq > ? ORDER BY seq LIMIT ?"


class WouldOverwrite(Conflict):
    """There is a file already; say so if it shall be replaced."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far the work is: `done` of `total`, in pages while copying, in items while reading back."""

    step: str
    done: int
    total: int


Told = Callable[[Progress], None]


class Inventory(Struct, frozen=True, kw_only=True):
    """What a table holds: items by kind, index entries, changes kept, and a checksum over all items in order."""

    items: dict[str, int]
    index_entries: int
    changes: int
    checksum: int

    @property
    def count(self) -> int:
        return sum(self.items.values())


class Copied(Struct, frozen=True, kw_only=True):
    """A copy that was read back and found equal. `kept` is where a replaced file went."""

    path: Path
    size_bytes: int
    inventory: Inventory
    kept: Path | None = None


def quiet(progress: Progress) -> None:
    """For who does not want to be told."""


async def backup(table: Path, to: Path, *, overwrite: bool = False, told: Told = quiet) -> Copied:
    """Copy the table to one file, as it is at this instant, and read the copy back.

    Raises `WouldOverwrite` when the file is there, `TableDamaged` when the table or the copy is not whole.
    """
    return await asyncio.to_thread(_backup, table, to, overwrite=overwrite, told=told)


async def restore(copy: Path, table: Path, *, overwrite: bool = False, told: Told = quiet) -> Copied:
    """Put a verified copy in the place of the table. What was there is kept beside it, under `.replaced`.

    Raises `TableHeld` while a process serves the table, `WouldOverwrite` when there is one and nobody said to.
    """
    return await asyncio.to_thread(_restore, copy, table, overwrite=overwrite, told=told)


async def verify(path: Path, *, told: Told = quiet) -> Inventory:
    """Read the whole file: its structure, every item's checksum, every index entry. Raises `TableDamaged`."""
    return await asyncio.to_thread(_verified, path, told)


def _backup(table: Path, to: Path, *, overwrite: bool, told: Told) -> Copied:
    if to.exists() and not overwrite:
        raise WouldOverwrite(f"{to} is there already; say that it shall be replaced, or name another file.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(to) as partial, _failures(table), _closing(reader(table)) as source:
        # One instant, for the copy and for the inventory it is held against, however much is written meanwhile. It is
        # the first read that fixes it.
        rows(source, "BEGIN")
        rows(source, "SELECT 1 FROM sqlite_schema")
        _copy(source, partial, told)
        expected = _inventory(source, told, "reading the table")
        rows(source, "COMMIT")
        found = _verified(partial, told)
        if found != expected:
            raise TableDamaged(f"The copy has {found}, the table {expected}.")
        return _placed(partial, to, found)


def _restore(copy: Path, table: Path, *, overwrite: bool, told: Told) -> Copied:
    expected = _verified(copy, told)
    hold = Hold(table).take()
    try:
        if table.exists() and table.stat().st_size and not overwrite:
            raise WouldOverwrite(f"{table} is there already; say that it shall be replaced.")
        with _unfinished(table) as partial, _failures(copy):
            with _closing(reader(copy)) as source:
                _copy(source, partial, told)
            found = _verified(partial, told)
            if found != expected:
                raise TableDamaged(f"What was restored has {found}, the copy {expected}.")
            kept = _set_aside(table)
            placed = _placed(partial, table, found)
            return Copied(path=placed.path, size_bytes=placed.size_bytes, inventory=found, kept=kept)
    finally:
        hold.let_go()


def _copy(source: apsw.Connection, to: Path, told: Told) -> None:
    with _closing(apsw.Connection(str(to))) as destination:
        with destination.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(STEP_PAGES)
                told(Progress(step="copying", done=copying.page_count - copying.remaining, total=copying.page_count))
                sleep(PAUSE_S)
        # One file, complete in itself: the log of the source is folded in.
        rows(destination, "PRAGMA journal_mode=delete")


def _verified(path: Path, told: Told) -> Inventory:
    with _failures(path), _closing(reader(path)) as connection:
        rows(connection, "BEGIN")
        told(Progress(step="checking", done=0, total=1))
        found = [row[0] for row in rows(connection, "PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise TableDamaged(f"{path.name} is damaged: {'; '.join(found)}.")
        inventory = _inventory(connection, told, "reading back")
        rows(connection, "COMMIT")
        return inventory


def _inventory(connection: apsw.Connection, told: Told, step: str) -> Inventory:
    """Read everything: items against their checksums, index entries against the items, changes against theirs."""
    total = rows(connection, "SELECT count(*) FROM items")[0][0]
    items: dict[str, int] = {}
    wanted = checksum = done = 0
    pk = sk = ""
    while found := rows(connection, _ITEMS, (pk, sk, READ_STEP)):
        for pk, sk, packed, expires, sum_of_item in found:
            item = kept(packed, sum_of_item, pk, sk).item
            if item.expires != expires:
                raise TableDamaged(f"The expiry of {shown(Key(pk, sk))} is damaged.")
            items[item.entity] = items.get(item.entity, 0) + 1
            for place in item.places:
                wanted ^= _mark((*place, pk, sk))
            checksum = crc32(packed, crc32(repr((pk, sk)).encode(), checksum))
        done += len(found)
        told(Progress(step=step, done=done, total=total))
    entries = indexed = 0
    last: tuple[Any, ...] = (0, "", "", "", "")
    while found := rows(connection, _INDEXED, (*last, READ_STEP)):
        for last in found:
            indexed ^= _mark(last)
        entries += len(found)
    if indexed != wanted:
        raise TableDamaged("The indexes do not agree with the items.")
    return Inventory(items=items, index_entries=entries, changes=_changes(connection), checksum=checksum)


def _changes(connection: apsw.Connection) -> int:
    count = seq = 0
    while found := rows(connection, _CHANGES, (seq, READ_STEP)):
        for seq, body, checksum in found:
            changed(seq, body, checksum)
        count += len(found)
    return count


def _mark(place: tuple[Any, ...]) -> int:
    """A number for an index entry. The numbers of all, by exclusive or, tell whether two sets of them are the same."""
    return int.from_bytes(blake2b(repr(place).encode(), digest_size=16).digest(), "big")


def _placed(partial: Path, to: Path, inventory: Inventory) -> Copied:
    """Give the finished file its name, durably."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(to)
    sync_folder(to.parent)
    return Copied(path=to, size_bytes=to.stat().st_size, inventory=inventory)


def _set_aside(table: Path) -> Path | None:
    """Move the old file away together with its log: a log left behind would be played into the new file."""
    if not table.exists():
        return None
    # Fold the log in first, where the file is whole enough for that.
    with suppress(Refusal):
        writer(table).close()
    kept = table.with_name(f"{table.name}.replaced")
    for ending in ("-wal", "-shm", ""):
        old = table.with_name(f"{table.name}{ending}")
        if old.exists():
            old.replace(kept.with_name(f"{kept.name}{ending}"))
        else:
            kept.with_name(f"{kept.name}{ending}").unlink(missing_ok=True)
    return kept


@contextmanager
def _unfinished(to: Path) -> Generator[Path]:
    """A file beside the one that shall be, gone again if it is not finished."""
    partial = to.with_name(f"{to.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield partial
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            partial.with_name(f"{partial.name}{ending}").unlink(missing_ok=True)


@contextmanager
def _closing(connection: apsw.Connection) -> Generator[apsw.Connection]:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _failures(path: Path) -> Generator[None]:
    """Tell SQLite's failures in the table's words."""
    try:
        yield
    except Refusal:
        raise
    except apsw.Error as failed:
        raise refusal(failed, path.name) from failed
