"""The SQLite file under the table: opened, held by one writer, and its failures told in the table's words."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, cast

import apsw

from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.table import TableDamaged, TableFull, Unfit

APPLICATION = 0x45434F53  # "ECOS", in the file's header
FORMAT = 2
PAGE_BYTES = 8192
CACHE_KIB = 64 * 1024
# Above this size a whole check would make every start wait; `verify` in backup.py reads everything at any size.
CHECKED_BYTES_MAX = 64 * 1024 * 1024
OPEN_TIMEOUT_MS = 5000

# An item is packed into one value, with its expiry beside it for the queries that leave out what is past its time: a
# column more costs a tenth of a small write.
SCHEMA = """
CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, item BLOB NOT NULL, expires INTEGER, checksum INTEGER NOT NULL,
    PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE INDEX expiring ON items (expires) WHERE expires IS NOT NULL;
CREATE TABLE indexed (
    idx INTEGER NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL, item_pk TEXT NOT NULL, item_sk TEXT NOT NULL,
    PRIMARY KEY (idx, pk, sk, item_pk, item_sk)
) WITHOUT ROWID;
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL, checksum INTEGER NOT NULL
);
CREATE TABLE tokens (token TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tokens_by_age ON tokens (at);
"""


class TableHeld(Unavailable):
    """Another process writes to this table."""


class Hold:
    """The right to write to a table's file: one process has it, until it ends or lets go.

    A file of its own beside the table, because closing any descriptor of the table's file would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> Self:
        """Take it. Raises `TableHeld` naming the process that has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            pid = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            table = self._path.name.removesuffix(".lock")
            raise TableHeld(f"Process {pid} writes to {table}; only one may. Stop it, or let it do the work.") from held
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def let_go(self) -> None:
        # The file stays: removing it could take it from under a process that has just opened it.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def writer(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """The one connection that writes, to a file that is there, whole, and of this format."""
    try:
        _made(path)
        connection = apsw.Connection(str(path), vfs=vfs)
        try:
            connection.set_busy_timeout(OPEN_TIMEOUT_MS)
            rows(connection, f"PRAGMA page_size={PAGE_BYTES}")
            rows(connection, "PRAGMA journal_mode=wal")
            rows(connection, "PRAGMA synchronous=full")
            # The log is folded in by `table_checkpoint`.
            rows(connection, "PRAGMA wal_autocheckpoint=0")
            rows(connection, f"PRAGMA cache_size=-{CACHE_KIB}")
            _planned_once(connection)
            _laid_out(connection, path)
            _whole(connection, path)
            # The loop must not wait inside SQLite: from here on a busy file is asked again later.
            connection.set_busy_timeout(0)
        except BaseException:
            connection.close()
            raise
    except apsw.Error as failed:
        raise refusal(failed, path.name) from failed
    return connection


def reader(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """A connection that cannot write, safe beside the writer. The file must be there."""
    if not path.exists():
        raise Unavailable(f"There is no table at {path}.")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
        try:
            connection.set_busy_timeout(OPEN_TIMEOUT_MS)
            rows(connection, f"PRAGMA cache_size=-{CACHE_KIB}")
            _planned_once(connection)
            _known(connection, path)
            connection.set_busy_timeout(0)
        except BaseException:
            connection.close()
            raise
    except apsw.Error as failed:
        raise refusal(failed, path.name) from failed
    return connection


def checkpointer(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """A connection that folds the log into the file, beside the one that writes."""
    try:
        connection = apsw.Connection(str(path), vfs=vfs)
        rows(connection, "PRAGMA synchronous=full")
        rows(connection, "PRAGMA wal_autocheckpoint=0")
    except apsw.Error as failed:
        raise refusal(failed, path.name) from failed
    return connection


def rows(connection: apsw.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    # Always to the end: a half-read statement holds its snapshot, and the log then grows without bound.
    found = connection.execute(statement, values).fetchall()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]: apsw's stubs leave bytes unknown
    return cast("list[tuple[Any, ...]]", found)


class Answer(Protocol):
    """What a statement answers."""

    @property
    def get(self) -> tuple[Any, ...] | None:
        """The only row, None when there is none."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Statements(Protocol):
    """Statements on one cursor: making a cursor costs as much as a small read."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Answer: ...

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> Answer: ...


def statements(connection: apsw.Connection) -> Statements:
    return cast("Statements", connection.cursor())


def _planned_once(connection: apsw.Connection) -> None:
    """Plan each statement once, whatever is bound to it (SQLite, "The Query Planner Stability Guarantee").

    A range would be planned anew each time, which costs more than its answer.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def refusal(failed: Exception, name: str = "the table") -> Refusal:
    """What a failure of SQLite means to the table's callers."""
    if isinstance(failed, Refusal):
        return failed
    if isinstance(failed, apsw.CorruptError | apsw.NotADBError):
        return TableDamaged(f"The file of {name} is damaged ({failed}); restore a backup.")
    if isinstance(failed, apsw.FullError):
        return TableFull(f"There is no room left to write to {name}.")
    return Unavailable(f"The file of {name} cannot be used now: {failed}.")


def _made(path: Path) -> None:
    """Make the file readable by its owner alone before SQLite does; its log and index inherit the mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable: a new file is lost with them otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _laid_out(connection: apsw.Connection, path: Path) -> None:
    if rows(connection, "SELECT count(*) FROM sqlite_schema")[0][0] == 0:
        rows(connection, "BEGIN IMMEDIATE")
        rows(connection, SCHEMA)
        rows(connection, f"PRAGMA application_id={APPLICATION}")
        rows(connection, f"PRAGMA user_version={FORMAT}")
        rows(connection, "COMMIT")
    _known(connection, path)


def _known(connection: apsw.Connection, path: Path) -> None:
    if rows(connection, "PRAGMA application_id")[0][0] != APPLICATION:
        raise Unfit(f"{path} is a SQLite file, but not a table of this product.")
    written = rows(connection, "PRAGMA user_version")[0][0]
    if written != FORMAT:
        age = "a newer release" if written > FORMAT else "before the first release"
        raise Unfit(f"{path} has format {written}, of {age}; this one knows {FORMAT}.")


def _whole(connection: apsw.Connection, path: Path) -> None:
    pages = rows(connection, "PRAGMA page_count")[0][0]
    size = path.stat().st_size
    log = path.with_name(f"{path.name}-wal")
    # A log may still hold the pages that the file lacks; without one, a short file has lost some.
    if not (log.exists() and log.stat().st_size) and size < pages * PAGE_BYTES:
        raise TableDamaged(f"{path.name} has {size} bytes of {pages * PAGE_BYTES}; restore a backup.")
    if size <= CHECKED_BYTES_MAX:
        found = rows(connection, "PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise TableDamaged(f"{path.name} is damaged ({found}); restore a backup.")
