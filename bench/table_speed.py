"""Six-item transactions a second: the embedded table, PostgreSQL with everything in one statement, and the bare disk.

Each transaction puts four new items that must not be there yet, writes one item anew, adds to one counter, and logs its
change. The table does that through its port. PostgreSQL does the same by one prepared statement that keeps the port's
promises, with the C collation, durable settings, and a pool of the size that served it best; a last row has a statement
made for this transaction alone, which promises less. All take turns on the same disk; figures are medians. PostgreSQL
spreads over all cores and the table does not, so a machine busy with other things favours PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import msgspec
import uvloop
from msgspec import Struct

from bench.rows import Row
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.ports.table import ABSENT, Add, Key, Put, Stored, Write

ROUNDS = 3
SECONDS = 1.2
ATTEMPTS_MAX = 10
POOLS = (8, 16, 32, 64)

SCHEMA = """
CREATE TABLE items (
    pk text NOT NULL, sk text NOT NULL, entity text NOT NULL, schema int NOT NULL, version bigint NOT NULL,
    body bytea NOT NULL, debits bigint NOT NULL DEFAULT 0, expires bigint, PRIMARY KEY (pk, sk)
);
CREATE TYPE change AS (
    pk text, sk text, old_version bigint, old_body bytea, old_debits bigint, version bigint, body bytea, debits bigint
);
CREATE TABLE changes (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), items change[]);
CREATE TABLE told (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), items bytea);
"""
# What the port promises, in one statement: any items, each with what it expects and a floor for its counter; all or
# nothing; which one was refused; every item's change, old and new.
SAME = """
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[])
    WITH ORDINALITY AS a (pk, sk, entity, expected, body, by, at_least, n)
), old AS MATERIALIZED (
    SELECT a.n, i.version, i.body, i.debits FROM asked a JOIN items i ON i.pk = a.pk AND i.sk = a.sk FOR UPDATE OF i
), state AS MATERIALIZED (
    SELECT a.*, o.version AS old_version, o.body AS old_body, o.debits AS old_debits,
        coalesce(o.debits, 0) + coalesce(a.by, 0) AS debits
    FROM asked a LEFT JOIN old o ON o.n = a.n
), refused AS MATERIALIZED (
    SELECT min(n) AS n FROM state WHERE debits < at_least OR CASE expected
        WHEN 0 THEN old_version IS NOT NULL WHEN -1 THEN old_version IS NULL
        ELSE expected IS NOT NULL AND old_version IS DISTINCT FROM expected END
), written AS (
    INSERT INTO items AS i (pk, sk, entity, schema, version, body, debits)
    SELECT pk, sk, entity, 1, coalesce(old_version, 0) + 1, coalesce(s.body, old_body, ''), debits
    FROM state s, refused r WHERE r.n IS NULL
    ON CONFLICT (pk, sk) DO UPDATE SET body = excluded.body, debits = excluded.debits,
        -- An item that came to be since it was looked for: the statement fails, and is sent again.
        version = CASE i.version WHEN excluded.version - 1 THEN excluded.version ELSE 1 / (i.version - i.version) END
), logged AS (
    INSERT INTO changes (items)
    SELECT array_agg((pk, sk, old_version, old_body, old_debits, coalesce(old_version, 0) + 1,
        coalesce(s.body, old_body, ''), debits)::change)
    FROM state s, refused r WHERE r.n IS NULL HAVING count(*) > 0
)
SELECT n FROM refused
"""
# Made for this very transaction: it keeps no old images, has no floor, and does not say what it refused.
TAILORED = """
WITH fresh AS (
    INSERT INTO items (pk, sk, entity, schema, version, body)
    SELECT pk, sk, 'part', 1, 1, body FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (pk, sk, body)
), whole AS (
    INSERT INTO items AS i (pk, sk, entity, schema, version, body) VALUES ($4, $5, 'part', 1, 1, $6)
    ON CONFLICT (pk, sk) DO UPDATE SET version = i.version + 1, body = excluded.body
), added AS (
    INSERT INTO items AS i (pk, sk, entity, schema, version, body, debits) VALUES ($7, $8, 'counter', 1, 1, '', $9)
    ON CONFLICT (pk, sk) DO UPDATE SET version = i.version + 1, debits = i.debits + excluded.debits
)
INSERT INTO told (items) VALUES ($10)
"""
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
    "jit": "off",
}

# Bookings have time-ordered ids, here as in the product.
_serial = itertools.count()
_encode = msgspec.msgpack.Encoder().encode
SORTS = [f"PART#{at}" for at in range(4)]

Transact = Callable[[int, int, bool], Awaitable[None]]


class Part(Stored, frozen=True, kw_only=True):
    entity = "part"

    name: str
    number: int
    note: str
    tags: list[str]


class Pace(Struct, frozen=True):
    """What one turn showed: transactions a second, and the slowest hundredth's milliseconds."""

    per_s: float
    p99_ms: float


class Case(Struct, frozen=True, kw_only=True):
    """So many callers at once; `hot` when all of them add to one counter."""

    name: str
    callers: int
    hot: bool = False
    tailored: bool = False
    goal: str = ""


CASES = (
    Case(name="six items, 1 caller", callers=1),
    Case(name="six items, 64 callers", callers=64, goal="2.5 times"),
    Case(name="six items, 256 callers", callers=256),
    Case(name="six items, 64 callers, one counter for all", callers=64, hot=True),
    Case(name="six items, 64 callers, against less", callers=64, tailored=True),
)


def part(caller: int, number: int) -> Part:
    return Part(name=f"caller {caller}", number=number, note="x" * 150, tags=["first", "second"])


def hot_or_own(caller: int, *, hot: bool) -> str:
    return "ACCOUNT#shared" if hot else f"ACCOUNT#{caller}"


@asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[Transact]:
    """The embedded table, through its port."""
    table = await EmbeddedTable.open(folder / "table.sqlite", SystemClock())

    async def transact(caller: int, number: int, hot: bool) -> None:
        value = part(caller, number)
        booking = f"BOOKING#{next(_serial):012}"
        writes: list[Write] = [Put(key=Key(booking, sort), value=value, expected=ABSENT) for sort in SORTS]
        writes.append(Put(key=Key(f"CALENDAR#{caller}", f"DAY#{number % 50}"), value=value))
        writes.append(Add(key=Key(hot_or_own(caller, hot=hot), "BALANCE"), by={"debits": 5}))
        await table.transact(*writes)

    yield transact
    await table.close()


@asynccontextmanager
async def theirs(socket: Path, size: int, *, tailored: bool = False) -> AsyncIterator[Transact]:
    """PostgreSQL, through so many connections."""
    connections = [await asyncpg.connect(host=str(socket), user="bench", database="postgres") for _ in range(size)]
    text = TAILORED if tailored else SAME
    # Each caller keeps to one connection and takes its turn there: a shared queue of idle ones let callers starve.
    lines = [(asyncio.Lock(), await connection.prepare(text)) for connection in connections]
    arguments = _tailored if tailored else _same

    async def transact(caller: int, number: int, hot: bool) -> None:
        given = arguments(caller, number, hot=hot)
        turn, statement = lines[caller % size]
        async with turn:
            for _ in range(ATTEMPTS_MAX):
                with suppress(asyncpg.DivisionByZeroError):
                    assert await statement.fetchval(*given) is None
                    return
        raise AssertionError("an item kept coming to be")

    yield transact
    for connection in connections:
        await connection.close()


def _same(caller: int, number: int, *, hot: bool) -> list[Any]:
    body = _encode(part(caller, number))
    booking = f"BOOKING#{next(_serial):012}"
    return [
        [*[booking] * 4, f"CALENDAR#{caller}", hot_or_own(caller, hot=hot)],
        [*SORTS, f"DAY#{number % 50}", "BALANCE"],
        [*["part"] * 5, "counter"],
        [*[0] * 4, None, None],
        [*[body] * 5, None],
        [*[None] * 5, 5],
        [None] * 6,
    ]


def _tailored(caller: int, number: int, *, hot: bool) -> list[Any]:
    body = _encode(part(caller, number))
    booking = f"BOOKING#{next(_serial):012}"
    told = _encode([booking, SORTS, body, body, body, body, body, caller, number])
    own = [f"CALENDAR#{caller}", f"DAY#{number % 50}", body, hot_or_own(caller, hot=hot), "BALANCE", 5, told]
    return [[booking] * 4, SORTS, [body] * 4, *own]


async def pace(transact: Transact, callers: int, seconds: float, *, hot: bool = False) -> Pace:
    """So many callers at once, each waiting for its transaction before the next."""
    end = time.perf_counter() + seconds
    took: list[float] = []

    async def call(caller: int) -> None:
        number = 0
        while (begun := time.perf_counter()) < end:
            await transact(caller, number, hot)
            took.append(time.perf_counter() - begun)
            number += 1

    begun = time.perf_counter()
    await asyncio.gather(*map(call, range(callers)))
    elapsed = time.perf_counter() - begun
    took.sort()
    return Pace(len(took) / elapsed, took[int(len(took) * 0.99)] * 1000)


def syncs_per_s(folder: Path) -> float:
    """How often a second this disk makes 8 KB durable, one after the other."""
    with (folder / "syncs").open("wb") as file:
        file.write(bytes(8192 * 64))
        file.flush()
        os.fsync(file.fileno())
        took: list[float] = []
        for at in range(300):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 8192, 8192 * (at % 64))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return 1 / median(took)


@contextmanager
def postgres(folder: Path) -> Iterator[Path | None]:
    """A PostgreSQL of our own on a socket in that folder; None when none is installed."""
    found = shutil.which("initdb") or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")))), None
    )
    if found is None:
        yield None
        return
    programs = Path(found).resolve().parent
    # PostgreSQL refuses to run as root; its own user then owns what it writes.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    data = folder / "postgres"
    data.mkdir()
    if os.geteuid() == 0:
        folder.chmod(0o755)
        shutil.chown(data, user)
    subprocess.run(
        [programs / "initdb", "-D", data / "data", "-U", "bench", "--locale=C", "-E", "UTF8", "--auth=trust"],
        user=user,
        cwd=data,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    settings = [f"--{name}={value.strip(chr(39))}" for name, value in SETTINGS.items()]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data / "data", f"--unix_socket_directories={data}", *settings],
            user=user,
            cwd=data,
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(200):
            if (data / ".s.PGSQL.5432").exists():
                break
            time.sleep(0.05)
        time.sleep(0.2)
        yield data
    finally:
        server.terminate()
        server.wait(30)


def run(rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Row]:
    """Take turns and compare."""
    with tempfile.TemporaryDirectory(prefix="table-speed-") as name, postgres(Path(name)) as socket, _settled():
        return uvloop.run(_measured(Path(name), socket, rounds, seconds))


async def _measured(folder: Path, socket: Path | None, rounds: int, seconds: float) -> list[Row]:
    pool = 1
    if socket is not None:
        connection = await asyncpg.connect(host=str(socket), user="bench", database="postgres")
        await connection.execute(SCHEMA)
        await connection.close()
        pool = await _best_pool(socket, seconds / 2)
    rows: list[Row] = []
    disk: list[float] = []
    mine: dict[str, list[Pace]] = {}
    other: dict[str, list[Pace]] = {}
    async with ours(folder) as table:
        await pace(table, 64, seconds / 2)
        for case in CASES:
            for _ in range(rounds):
                disk.append(syncs_per_s(folder))
                mine.setdefault(case.name, []).append(await pace(table, case.callers, seconds, hot=case.hot))
                if socket is not None:
                    size = min(case.callers, pool)
                    async with theirs(socket, size, tailored=case.tailored) as statement:
                        turn = await pace(statement, case.callers, seconds, hot=case.hot)
                    other.setdefault(case.name, []).append(turn)
            rows += _rows(case, mine[case.name], other.get(case.name, []))
    at_64 = median(turn.per_s for turn in mine[CASES[1].name])
    rows.append(
        Row(
            part="table",
            name="six items, 64 callers, beside one sync after the other",
            figure=at_64,
            unit="tx/s",
            against="fdatasync of 8 KB/s",
            other=median(disk),
            ratio=at_64 / median(disk),
        )
    )
    return rows


def _rows(case: Case, mine: list[Pace], other: list[Pace]) -> list[Row]:
    figure = median(turn.per_s for turn in mine)
    beside = median(turn.per_s for turn in other) if other else None
    promises = "tailored statement" if case.tailored else "one statement"
    return [
        Row(
            part="table",
            name=case.name,
            figure=figure,
            unit="tx/s",
            against=f"PostgreSQL, {promises}" if other else "PostgreSQL is not installed",
            other=beside,
            ratio=figure / beside if beside else None,
            goal=case.goal,
        ),
        Row(
            part="table",
            name=f"{case.name}, p99",
            figure=median(turn.p99_ms for turn in mine),
            unit="ms",
            against="PostgreSQL" if other else "",
            other=median(turn.p99_ms for turn in other) if other else None,
        ),
    ]


async def _best_pool(socket: Path, seconds: float) -> int:
    """The number of connections with which PostgreSQL does most for 64 callers."""
    rates: dict[int, float] = {}
    for size in POOLS:
        async with theirs(socket, size) as statement:
            await pace(statement, 64, seconds / 2)
            rates[size] = (await pace(statement, 64, seconds)).per_s
    return max(rates, key=lambda size: rates[size])


@contextmanager
def _settled() -> Iterator[None]:
    """The collector as the product sets it after start-up."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    for row in run(given.rounds, given.seconds):
        beside = f"  {row.against} {row.other:,.1f}" if row.other is not None else ""
        ratio = f"  ratio {row.ratio:.2f}" if row.ratio is not None else ""
        print(f"{row.name}: {row.figure:,.1f} {row.unit}{beside}{ratio}")


if __name__ == "__main__":
    main()
