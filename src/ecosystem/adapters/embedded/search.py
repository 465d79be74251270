"""The search index in one SQLite file (FTS5), in process.

One thread writes; a few read, each with a connection of its own, a limit on how many wait, and a limit on how long one
may take. Answers are kept until the index changes, and who asks the same at the same time waits for one answer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from time import monotonic
from typing import Self, TypeVar, cast

import apsw

from ecosystem.adapters.embedded.search_documents import Documents
from ecosystem.adapters.embedded.search_file import reader, refusing, remove, rows, writer
from ecosystem.adapters.embedded.search_finds import SETUP, Finds
from ecosystem.adapters.embedded.search_suggestions import Suggestions
from ecosystem.adapters.embedded.search_words import splitter
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.search import Answer, Document, Listed, Query, Removal, SearchBusy, Suggestion, check

READERS = 2
WAITING_MAX = 64
DEADLINE_S = 5.0
ANSWERS_KEPT = 512
STEPS_BETWEEN_LOOKS = 20_000
SUGGESTIONS_MAX = 20
LISTED_MAX = 10_000
T = TypeVar("T")


class _Reading(local):
    """A reading thread's connection, and when its present search has to end. `made` tells a cleared index apart."""

    connection: apsw.Connection | None = None
    made: int = -1
    ends_at: float = 0.0


class EmbeddedSearch:
    """The index of one file. `find` and `suggest` may be asked while `apply` writes."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self._path = path
        self._writer = connection
        self._documents = Documents(connection, splitter(connection))
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="search-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="search-read")
        self._reading = _Reading()
        self._opened: list[apsw.Connection] = []
        self._made = 0
        self._waiting = 0
        self._pulse = _pulse(path)
        self._answers: OrderedDict[Query, tuple[tuple[int, int], Answer]] = OrderedDict()
        self._asked: dict[tuple[Query, tuple[int, int]], asyncio.Task[Answer]] = {}

    @classmethod
    async def open(cls, path: Path) -> Self:
        """The index in that file; a missing, foreign or outdated one begins empty."""
        with refusing():
            return cls(path, writer(path))

    async def close(self) -> None:
        await asyncio.to_thread(self._stop)

    async def find(self, query: Query) -> Answer:
        check(query)
        generation = self._generation()
        known = self._answers.get(query)
        if known is not None and known[0] == generation and generation[1] >= 0:
            self._answers.move_to_end(query)
            return known[1]
        asked = self._asked.get((query, generation))
        if asked is None:
            asked = asyncio.create_task(self._answer(query, generation))
            self._asked[query, generation] = asked
            asked.add_done_callback(lambda done: self._answered(query, generation, done))
        # Shielded: whoever goes away must not take the answer from the others.
        return await asyncio.shield(asked)

    async def suggest(self, text: str, *, limit: int = 8) -> Sequence[Suggestion]:
        if not 1 <= limit <= SUGGESTIONS_MAX:
            raise Invalid(f"There are 1 to {SUGGESTIONS_MAX} suggestions.", field="limit")
        return await self._read(lambda connection: Suggestions(connection, splitter(connection)).suggest(text, limit))

    async def apply(
        self, entries: Sequence[Document | Removal], *, checkpoint: str | None = None, force: bool = False
    ) -> int:
        return await self._write(lambda: self._apply(entries, checkpoint, force=force))

    async def checkpoint(self) -> str | None:
        found = await self._read(
            lambda connection: rows(connection, "SELECT value FROM meta WHERE name = 'checkpoint'")
        )
        return found[0][0] if found else None

    async def held(self, service_ids: Sequence[str]) -> Mapping[str, Listed]:
        marks = ", ".join("?" * len(service_ids))
        found = await self._read(
            lambda connection: rows(
                connection,
                f"SELECT service_id, version, digest FROM document WHERE service_id IN ({marks})",
                service_ids,
            )
        )
        return {one: Listed(service_id=one, version=version, digest=digest) for one, version, digest in found}

    async def listed(self, *, after: str = "", limit: int = 1000) -> Sequence[Listed]:
        if not 1 <= limit <= LISTED_MAX:
            raise Invalid(f"A page has 1 to {LISTED_MAX} entries.", field="limit")
        found = await self._read(
            lambda connection: rows(
                connection,
                "SELECT service_id, version, digest FROM document WHERE service_id > ? ORDER BY service_id LIMIT ?",
                (after, limit),
            )
        )
        return [Listed(service_id=one, version=version, digest=digest) for one, version, digest in found]

    async def clear(self) -> None:
        await self._write(self._clear)
        self._pulse.close()
        self._pulse = _pulse(self._path)

    async def _answer(self, query: Query, generation: tuple[int, int]) -> Answer:
        answer = await self._read(lambda connection: Finds(connection, splitter(connection)).find(query))
        self._answers[query] = (generation, answer)
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    def _answered(self, query: Query, generation: tuple[int, int], done: asyncio.Task[Answer]) -> None:
        del self._asked[query, generation]
        if not done.cancelled():
            # Looked at, so that a refusal which nobody waits for any more is no stray error.
            done.exception()

    def _apply(self, entries: Sequence[Document | Removal], checkpoint: str | None, *, force: bool) -> int:
        rows(self._writer, "BEGIN IMMEDIATE")
        try:
            made = self._documents.apply(entries, checkpoint, force=force)
            rows(self._writer, "COMMIT")
        except BaseException:
            # What the transaction numbered is not there any more.
            self._documents.bags.clear()
            self._documents.titles.clear()
            if self._writer.in_transaction:
                rows(self._writer, "ROLLBACK")
            raise
        return made

    def _clear(self) -> None:
        self._writer.close()
        remove(self._path)
        self._writer = writer(self._path)
        self._documents = Documents(self._writer, splitter(self._writer))
        # Readers still hold the removed file; each opens the new one when it next reads.
        self._made += 1

    async def _write(self, work: Callable[[], T]) -> T:
        with refusing():
            return await asyncio.get_running_loop().run_in_executor(self._writing, work)

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise SearchBusy
        self._waiting += 1
        ends_at = monotonic() + DEADLINE_S
        try:
            with refusing():
                return await asyncio.get_running_loop().run_in_executor(self._readers, self._within, work, ends_at)
        finally:
            self._waiting -= 1

    def _within(self, work: Callable[[apsw.Connection], T], ends_at: float) -> T:
        reading = self._reading
        if reading.connection is None or reading.made != self._made:
            reading.made = self._made
            reading.connection = self._connected(reading)
        if monotonic() > ends_at:
            raise SearchBusy
        reading.ends_at = ends_at
        return work(reading.connection)

    def _connected(self, reading: _Reading) -> apsw.Connection:
        if reading.connection is not None:
            reading.connection.close()
        connection = reader(self._path)
        for statement in SETUP:
            rows(connection, statement)
        connection.set_progress_handler(lambda: monotonic() > reading.ends_at, STEPS_BETWEEN_LOOKS)
        self._opened.append(connection)
        return connection

    def _generation(self) -> tuple[int, int]:
        """Which state of the index an answer belongs to. Another process may have changed it, so the file says."""
        try:
            found = rows(self._pulse, "SELECT value FROM meta WHERE name = 'generation'")
        except apsw.Error:
            # The search itself will tell what is wrong; this is only a look at what is known already.
            return self._made, -1
        return self._made, cast("int", found[0][0])

    def _stop(self) -> None:
        self._readers.shutdown()
        self._writing.shutdown()
        for connection in (*self._opened, self._pulse, self._writer):
            connection.close()


def _pulse(path: Path) -> apsw.Connection:
    """The connection that the loop itself reads one number with; it waits for nobody."""
    connection = reader(path)
    connection.set_busy_timeout(0)
    return connection
