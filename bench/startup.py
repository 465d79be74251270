"""Start, memory and answers of a marketplace with much stored: services, bookings, and all that they left.

Starts `ecosystem serve` on the stored folder a few times, asks for pages and answers one after the other, lets some
customers check out, backs the table up while it serves, and verifies the ledger beside it.

    python -m bench.startup [--services 100000] [--bookings 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
from tests.serving import Serving, said, serving

from bench.processes import children, memory_mb
from bench.rows import Row, machine, markdown
from bench.stock import email
from bench.stored import URL, Kept, stored

STARTS = 3
ASKED = 30
PASSWORD = "Bench-1234-words"
SIGN_IN = "mutation ($input: SignIn!) { signIn(input: $input) { signedIn { accessToken } } }"
BOOKINGS = (
    "{ myBookings(descending: true, first: 20) { nodes { bookingId status title startAt price { total { text } } } } }"
)
LONGEST_S = 1_800.0
"""The most that a backup or a verification of much may take."""
GOAL_START = "under 3 s"
GOAL_PAGE = "2 s for a page, 500 ms for an answer"


async def measured(folder: Path, services: int, bookings: int, told: Callable[[str], None]) -> list[Row]:
    """The figures of a folder with that much stored."""
    kept = await stored(folder, services=services, bookings=bookings, told=told)
    data = folder / "data"
    what = f"{services:,} services and {bookings:,} bookings stored"
    rows = [
        Row(part="startup", name=f"{what}: the table", figure=_size_mb(data / "table.sqlite"), unit="MB"),
        Row(part="startup", name=f"{what}: items in the table", figure=kept.items, unit="items"),
    ]
    took: list[float] = []
    for _ in range(STARTS - 1):
        began = time.perf_counter()
        async with serving(data, "--no-demo", f"--url={URL}"):
            took.append(time.perf_counter() - began)
    began = time.perf_counter()
    async with serving(data, "--no-demo", f"--url={URL}") as served:
        took.append(time.perf_counter() - began)
        fresh = memory_mb(served.process.pid)
        asked = await _asked(served, kept)
        rows += [
            Row(
                part="startup",
                name=f"{what}: from the command to ready",
                figure=statistics.median(took),
                unit="s",
                goal=GOAL_START,
            ),
            Row(part="startup", name=f"{what}: memory when ready", figure=fresh, unit="MB"),
            Row(
                part="startup",
                name=f"{what}: memory after {ASKED * len(asked)} answers",
                figure=memory_mb(served.process.pid),
                unit="MB",
            ),
            Row(
                part="startup",
                name=f"{what}: memory of the card processor beside it",
                figure=sum(map(memory_mb, children(served.process.pid))),
                unit="MB",
            ),
            *asked,
        ]
        rows.append(await _timed(f"{what}: backup while it serves, read back", data, "backup", str(folder / "copy")))
        rows.append(await _timed(f"{what}: verify while it serves", data, "verify"))
    return rows


async def _asked(served: Serving, kept: Kept) -> list[Row]:
    """How long pages and answers take, one after the other."""
    rows: list[Row] = []
    async with aiohttp.ClientSession(served.url, cookie_jar=aiohttp.DummyCookieJar()) as session:
        signed = {"input": {"email": email("customer", len(kept.stock.customers) // 2), "password": PASSWORD}}
        async with session.post("/graphql", json={"query": SIGN_IN, "variables": signed}) as answer:
            token = (await answer.json())["data"]["signIn"]["signedIn"]["accessToken"]
        found = await _text(session, "/?q=cleaning")
        service = re.search(r'href="(/services/[^"?#]+)', found)
        provider = re.search(r'href="(/providers/[^"?#]+)', await _text(session, service[1])) if service else None
        pages = {
            "landing page": "/",
            "search page, words": "/?q=cleaning",
            "search page, a category": "/?category=home",
            "service page with its free times": service[1] if service else "/",
            "provider's page": provider[1] if provider else "/",
        }
        for name, path in pages.items():
            rows.append(await _told(f"{name} as a visitor", lambda path=path: session.get(path)))
        signed_in = {"Cookie": f"access={token}"}
        rows.append(await _told("bookings page, signed in", lambda: session.get("/bookings", headers=signed_in)))
        bearer = {"Authorization": f"Bearer {token}"}
        rows.append(
            await _told(
                "bookings over GraphQL", lambda: session.post("/graphql", json={"query": BOOKINGS}, headers=bearer)
            )
        )
    return rows


async def _text(session: aiohttp.ClientSession, path: str) -> str:
    async with session.get(path) as answer:
        return await answer.text()


async def _told(name: str, ask: Callable[[], object]) -> Row:
    took: list[float] = []
    for _ in range(ASKED):
        began = time.perf_counter()
        async with ask() as answer:  # type: ignore[attr-defined]
            body = await answer.read()
            assert answer.status == 200, f"{name}: {answer.status} {body[:200]!r}"
            assert b'"errors"' not in body[:10], body[:200]
        took.append((time.perf_counter() - began) * 1e3)
    return Row(
        part="startup",
        name=f"{name}, median (slowest {max(took):.0f})",
        figure=statistics.median(took),
        unit="ms",
        goal=GOAL_PAGE,
    )


async def _timed(name: str, data: Path, *command: str) -> Row:
    """How long a command takes beside the product. Raises AssertionError when it fails."""
    began = time.perf_counter()
    try:
        status, words = await said(data, *command, within_s=LONGEST_S)
    finally:
        if command[0] == "backup":
            Path(command[1]).unlink(missing_ok=True)
    took = time.perf_counter() - began
    assert status == 0, words
    return Row(part="startup", name=name, figure=took, unit="s")


def _size_mb(*paths: Path) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def run(
    build: Path,
    *,
    services: int,
    bookings: int,
    told: Callable[[str], None] = lambda line: print(f"      {line}", flush=True),
) -> Sequence[Row]:
    """Measure once."""
    return asyncio.run(measured(build / f"stored-{services}-{bookings}", services, bookings, told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=100_000)
    parser.add_argument("--bookings", type=int, default=1_000_000)
    given = parser.parse_args()
    rows = run(Path(__file__).parent.parent / "build", services=given.services, bookings=given.bookings)
    print(machine())
    print(markdown(rows))


if __name__ == "__main__":
    main()
