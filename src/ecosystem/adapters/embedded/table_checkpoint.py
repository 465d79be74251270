"""Folding the log into the file, beside the commits instead of inside them.

A checkpoint waits for the disk several times. Done by SQLite itself it would fall into a COMMIT that callers wait for;
here a thread with a connection of its own does it while further commits append to the log. Under unbroken load the log
then never comes to its end, so at `LOG_PAGES_MAX` the commit that reaches it folds in the little that is left, and the
log begins anew.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import apsw

from ecosystem.adapters.embedded.table_file import checkpointer

# 8 MB: what a restart after a crash reads through in a blink, and a disk writes in a few of them.
STEP_PAGES = 1000
LOG_PAGES_MAX = 4000


class Checkpoints:
    """Watches the length of the log that `connection` appends to, and keeps it short."""

    def __init__(self, connection: apsw.Connection, path: Path, *, vfs: str | None) -> None:
        self._connection = connection
        self._beside = checkpointer(path, vfs=vfs)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="table-checkpoint")
        self._running: Future[None] | None = None
        self._pages = 0
        self._folded = 0

    def after_commit(self) -> None:
        """In the committing thread: count what was appended, and fold in what is left when the log is too long."""
        # Asked of the connection, not told by a hook: a hook would wait for the interpreter within COMMIT.
        self._pages += self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]
        if self._pages < LOG_PAGES_MAX:
            return
        # The commit has landed whatever comes of this; a disk that is full will tell the next one.
        with suppress(apsw.Error):
            length, folded = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            # All of it: the next write begins the log anew. Else somebody still reads, and it is tried again later.
            self._pages = 0 if folded == length else self._pages - STEP_PAGES
            self._folded = 0

    def look(self) -> None:
        """On the loop, after a commit: have the log folded in, if it has grown."""
        if self._pages - self._folded < STEP_PAGES or not (self._running is None or self._running.done()):
            return
        self._folded = self._pages
        self._running = self._executor.submit(self._fold)

    def close(self) -> None:
        self._executor.shutdown()
        self._beside.close()

    def _fold(self) -> None:
        with suppress(apsw.Error):
            self._beside.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
