"""Six-item transactions a second: the embedded table, PostgreSQL with everything in one statement, and the bare disk.

Each transaction puts four new items that must not be there yet, writes one item anew, adds to one counter, and logs its
change. The table does that through its port, checks and all. PostgreSQL is given its best: one prepared statement, no
old images in the log, the C collation, durable settings, a pool of the size that served it best. The three take turns
on the same disk, in one process each way round; figures are medians.
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
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

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
CALLERS = (1, 64, 256)
POOLS = (8, 16, 32, 64)
GOAL = 2.5

SCHEMA = """
CREATE TABLE items (
    pk text NOT NULL, sk text NOT NULL, entity text NOT NULL, schema int NOT NULL, version bigint NOT NULL,
    body bytea NOT NULL, debits bigint NOT NULL DEFAULT 0, expires bigint, PRIMARY KEY (pk, sk)
);
CREATE TABLE changes (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), new bytea, old bytea[]);
"""
STATEMENT = """
WITH old AS MATERIALIZED (
    SELECT array[pk, sk, entity, version::text, debits::text]::bytea[] || body AS image FROM items
    WHERE (pk = $4 AND sk = $5) OR (pk = $7 AND sk = $8) FOR UPDATE
), fresh AS (
    INSERT INTO items (pk, sk, entity, schema, version, body)
    SELECT pk, sk, 'part', 1, 1, body FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (pk, sk, body)
), whole AS (
    INSERT INTO items AS i (pk, sk, entity, schema, version, body) VALUES ($4, $5, 'part', 1, 1, $6)
    ON CONFLICT (pk, sk) DO UPDATE SET version = i.version + 1, body = excluded.body
), added AS (
    INSERT INTO items AS i (pk, sk, entity, schema, version, body, debits) VALUES ($7, $8, 'counter', 1, 1, '', $9)
    ON CONFLICT (pk, sk) DO UPDATE SET version = i.version + 1, debits = i.debits + excluded.debits
)
INSERT INTO changes (new, old) SELECT $10, (SELECT array_agg(image) FROM old)
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
        writes: list[Write] = [Put(key=Key(booking, f"PART#{at}"), value=value, expected=ABSENT) for at in range(4)]
        writes.append(Put(key=Key(f"CALENDAR#{caller}", f"DAY#{number % 50}"), value=value))
        writes.append(Add(key=Key(hot_or_own(caller, hot=hot), "BALANCE"), by={"debits": 5}))
        await table.transact(*writes)

    yield transact
    await table.close()


@asynccontextmanager
async def theirs(socket: Path, size: int) -> AsyncIterator[Transact]:
    """PostgreSQL, through so many connections."""
    connections = [await asyncpg.connect(host=str(socket), user="bench", database="postgres") for _ in range(size)]
    # Each caller keeps to one connection and takes its turn there: a shared queue of idle ones let callers starve.
    lines = [(asyncio.Lock(), await connection.prepare(STATEMENT)) for connection in connections]
    encode = msgspec.msgpack.Encoder().encode

    async def transact(caller: int, number: int, hot: bool) -> None:
        body = encode(part(caller, number))
        booking = f"BOOKING#{next(_serial):012}"
        sorts = [f"PART#{at}" for at in range(4)]
        turn, statement = lines[caller % size]
        async with turn:
            await statement.fetch(
                [booking] * 4,
                sorts,
                [body] * 4,
                f"CALENDAR#{caller}",
                f"DAY#{number % 50}",
                body,
                hot_or_own(caller, hot=hot),
                "BALANCE",
                5,
                encode([booking, sorts, body, body, body, body, body, caller, number]),
            )

    yield transact
    for connection in connections:
        await connection.close()


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
    async with ours(folder) as table:
        await pace(table, 64, seconds / 2)
        for callers, hot in [*((callers, False) for callers in CALLERS), (64, True)]:
            mine: list[Pace] = []
            other: list[Pace] = []
            for _ in range(rounds):
                disk.append(syncs_per_s(folder))
                mine.append(await pace(table, callers, seconds, hot=hot))
                if socket is not None:
                    async with theirs(socket, min(callers, pool)) as statement:
                        other.append(await pace(statement, callers, seconds, hot=hot))
            rows += _rows(callers, mine, other, hot=hot)
    at_64 = next(row.figure for row in rows if row.unit == "tx/s" and row.name.startswith("six items, 64"))
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


def _rows(callers: int, mine: list[Pace], other: list[Pace], *, hot: bool) -> list[Row]:
    what = f"six items, {callers} caller{'s' if callers > 1 else ''}{', one counter for all' if hot else ''}"
    figure = median(turn.per_s for turn in mine)
    theirs_per_s = median(turn.per_s for turn in other) if other else None
    return [
        Row(
            part="table",
            name=what,
            figure=figure,
            unit="tx/s",
            against="PostgreSQL, one statement" if other else "PostgreSQL is not installed",
            other=theirs_per_s,
            ratio=figure / theirs_per_s if theirs_per_s else None,
            goal=f"{GOAL} times" if callers == 64 and not hot else "",
        ),
        Row(
            part="table",
            name=f"{what}, p99",
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
