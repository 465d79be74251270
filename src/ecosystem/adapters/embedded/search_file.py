"""The file of the search index: its tables, its connections, and its failures told in the port's words.

Everything in it can be made again from the catalogue: a file of another format or a damaged one is simply replaced.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import apsw

from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.search import IndexDamaged, SearchBusy

APPLICATION = 0x45434F58  # "ECOX", in the file's header
FORMAT = 1
BUSY_TIMEOUT_MS = 10_000
CACHE_KIB = 32 * 1024
# Marks belong to words: without them, scripts of India fall apart at each vowel sign.
TOKENIZER: Sequence[str] = ("unicode61", "remove_diacritics", "2", "categories", "L* N* Co Mn Mc")

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE document (
    id INTEGER PRIMARY KEY, service_id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, digest TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE gone (service_id TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facet (
    id INTEGER PRIMARY KEY, category INTEGER NOT NULL, mode INTEGER NOT NULL, languages INTEGER NOT NULL,
    badges INTEGER NOT NULL, currency INTEGER NOT NULL, price INTEGER NOT NULL, figure INTEGER NOT NULL,
    instant INTEGER NOT NULL, rating REAL, ratings INTEGER NOT NULL, quality REAL NOT NULL,
    published INTEGER NOT NULL, title_words INTEGER NOT NULL, x REAL, y REAL, z REAL, reach REAL
);
CREATE INDEX facet_category ON facet (category);
CREATE TABLE bag (no INTEGER PRIMARY KEY, kind TEXT NOT NULL, members TEXT NOT NULL, UNIQUE (kind, members));
CREATE TABLE member (
    kind TEXT NOT NULL, value TEXT NOT NULL, bag INTEGER NOT NULL, PRIMARY KEY (kind, value, bag)
) WITHOUT ROWID;
CREATE TABLE category (slug TEXT PRIMARY KEY, title TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE term (
    term TEXT PRIMARY KEY, stem TEXT NOT NULL, docs INTEGER NOT NULL, strong INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX term_stem ON term (stem);
CREATE TABLE form (form TEXT NOT NULL, term TEXT NOT NULL, PRIMARY KEY (form, term)) WITHOUT ROWID;
"""
# Columns are told apart when ranking, positions are not: without them the index is half the size.
WORDS = f"""
CREATE VIRTUAL TABLE words USING fts5 (
    title, category, provider, place, description,
    content='', contentless_delete=1, detail=column, prefix='2 3',
    tokenize="{" ".join(f"'{part}'" for part in TOKENIZER)}"
);
"""


def writer(path: Path) -> apsw.Connection:
    """The connection that writes; the file is made, or made anew when it is of another format."""
    try:
        connection = _connected(path)
        if _format(connection) not in {None, (APPLICATION, FORMAT)}:
            connection.close()
            remove(path)
            connection = _connected(path)
    except (apsw.NotADBError, apsw.CorruptError):
        remove(path)
        connection = _connected(path)
    if _format(connection) is None:
        with connection:
            for statement in (
                SCHEMA,
                WORDS,
                "INSERT INTO meta VALUES ('generation', 0)",
                f"PRAGMA application_id={APPLICATION}",
                f"PRAGMA user_version={FORMAT}",
            ):
                rows(connection, statement)
    return connection


def reader(path: Path) -> apsw.Connection:
    """A connection that reads."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for pragma in (f"cache_size=-{CACHE_KIB}", "temp_store=memory"):
        rows(connection, f"PRAGMA {pragma}")
    return connection


def remove(path: Path) -> None:
    """The file is gone, its log too."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def rows(
    connection: apsw.Connection, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """All rows: a statement read half holds its snapshot, and the log then grows without bound."""
    return cast("list[tuple[Any, ...]]", connection.execute(statement, values).fetchall())  # pyright: ignore[reportUnknownMemberType]: apsw calls bytes Unknown


def many(connection: apsw.Connection, statement: str, values: Iterable[Sequence[Any]]) -> None:
    """The statement once for each of the values."""
    connection.executemany(statement, values)  # pyright: ignore[reportUnknownMemberType]: apsw calls bytes Unknown


@contextmanager
def refusing() -> Generator[None]:
    """Tells SQLite's failures in the port's words."""
    try:
        yield
    except apsw.Error as failed:
        raise _refusal(failed) from failed


def _refusal(failed: apsw.Error) -> Refusal:
    match failed:
        case apsw.InterruptError():
            return SearchBusy("This search took too long.")
        case apsw.BusyError() | apsw.LockedError():
            return SearchBusy("The search index is being written to.")
        case apsw.CorruptError() | apsw.NotADBError():
            return IndexDamaged()
        case apsw.FullError():
            return Unavailable("There is no room left to write the search index.")
        case apsw.IOError() | apsw.CantOpenError() | apsw.ReadOnlyError():
            return Unavailable(f"The search index cannot be read or written: {failed}.")
        case _:
            raise failed


def _connected(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Not synchronous=full: what a loss of power takes is followed again from the checkpoint that went with it.
    for pragma in (
        "page_size=8192",
        "journal_mode=wal",
        "synchronous=normal",
        f"cache_size=-{CACHE_KIB}",
        "temp_store=memory",
    ):
        rows(connection, f"PRAGMA {pragma}")
    return connection


def _format(connection: apsw.Connection) -> tuple[int, int] | None:
    application, written = (rows(connection, f"PRAGMA {name}")[0][0] for name in ("application_id", "user_version"))
    empty = not rows(connection, "SELECT 1 FROM sqlite_schema LIMIT 1")
    return None if empty and not application and not written else (application, written)
