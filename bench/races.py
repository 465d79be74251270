"""Two hundred people want one time of one provider, over HTTP, again and again: as many get it as it has seats.

The product runs as anybody runs it. Each round all ask at once, each on a connection of their own and signed in as
somebody else; whoever holds the time pays for it, all at once again. At the end the calendar, the bookings and the
ledger are read and held to what was answered.

    python -m bench.races [--rounds 40] [--people 200]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import uvloop
from tests.serving import said, serving

from bench.callers import Checkout, Line, requests_of
from bench.checkout_speed import URL
from bench.stock import PRICE, Stock, Wanted, stocked
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.commands.settings import settings
from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.kernel.ids import RANDOM_BYTES, make

SEATS = (1, 3)
TAKEN = "SlotTaken"


async def drill(rounds: int, people: int, told: Callable[[str], None] = lambda _: None) -> Counter[str]:
    """Race that many times; how often which answer. Raises AssertionError when a time was sold too often or too rarely."""
    with tempfile.TemporaryDirectory(prefix="ecosystem-races-") as folder:
        data = Path(folder) / "data"
        chosen = settings({"ECOSYSTEM_DATA": str(data), "ECOSYSTEM_DEMO": "0", "ECOSYSTEM_URL": URL})
        wanted = Wanted(providers=len(SEATS), customers=people, seats=lambda number: SEATS[number % len(SEATS)])
        stock = await stocked(chosen, wanted)
        async with serving(data, "--no-demo", "--processor-profile=calm", f"--url={URL}") as served:
            answers = await _raced(int(served.url.rpartition(":")[2]), stock, rounds, people, told)
        status, report = await said(data, "verify")
        assert status == 0, report
        await _hold_to(data, rounds)
    return answers


async def _raced(port: int, stock: Stock, rounds: int, people: int, told: Callable[[str], None]) -> Counter[str]:
    loop = asyncio.get_running_loop()
    lines = [(await loop.create_connection(Line, "127.0.0.1", port))[1] for _ in range(people)]
    answers: Counter[str] = Counter()
    for number in range(rounds):
        service, seats = stock.services[number % len(SEATS)], SEATS[number % len(SEATS)]
        wanted = [_checkout(stock, person, service, number) for person in range(people)]
        began = time.perf_counter()
        held = await asyncio.gather(
            *(
                line.ask(requests_of(each, PRICE.minor, PRICE.currency)[1])
                for line, each in zip(lines, wanted, strict=True)
            )
        )
        took_ms = (time.perf_counter() - began) * 1e3
        found = Counter(map(_answer, held))
        assert found == {"held": seats, TAKEN: people - seats}, f"round {number}: {found}"
        winners = [place for place, body in enumerate(held) if _answer(body) == "held"]
        paid = await asyncio.gather(
            *(lines[place].ask(requests_of(wanted[place], PRICE.minor, PRICE.currency)[2]) for place in winners)
        )
        booked = Counter(map(_answer, paid))
        assert booked == {"confirmed": seats}, f"round {number}: {booked}"
        answers += found + booked
        told(
            f"round {number + 1}: {people} at once for {seats}: {seats} held and booked it, answered in {took_ms:.0f} ms"
        )
    for line in lines:
        line.close()
    return answers


def _checkout(stock: Stock, person: int, service_id: str, number: int) -> Checkout:
    now = SystemClock().now()
    first = (now + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    turn = number // len(SEATS)
    hold_id, booking_id, payment_id = (make(prefix, now, os.urandom(RANDOM_BYTES)) for prefix in ("hld", "bkg", "pay"))
    customer = stock.customers[(person + number) % len(stock.customers)]
    return Checkout(
        token=customer.token,
        email=customer.email,
        service_id=service_id,
        start_at=(first + timedelta(days=turn // 24, hours=turn % 24)).isoformat(),
        hold_id=hold_id,
        booking_id=booking_id,
        payment_id=payment_id,
    )


def _answer(body: bytes) -> str:
    """What an answer came to, in one word."""
    answer = msgspec.json.decode(body)
    if answer.get("errors"):
        return str(answer["errors"][0]["errorType"])
    found = answer["data"].get("takeHold") or answer["data"]["pay"]["booking"]
    return str(found["status"])


async def _hold_to(data: Path, rounds: int) -> None:
    """Every time was sold as often as it has seats, and to different people."""
    table = await EmbeddedTable.read_only(data / "table.sqlite", SystemClock())
    try:
        sold: Counter[tuple[str, str]] = Counter()
        people: set[tuple[str, str, str]] = set()
        page = await table.scan(Booking)
        while True:
            for booking in page.values:
                assert booking.status is BookingStatus.CONFIRMED, booking
                at = (booking.offer.service_id, booking.start_at.isoformat())
                sold[at] += 1
                people.add((*at, booking.customer_id))
                assert sold[at] <= booking.offer.capacity, f"{at} was sold {sold[at]} times"
            if page.next is None:
                break
            page = await table.scan(Booking, after=page.next)
    finally:
        await table.close()
    assert len(sold) == rounds, f"{len(sold)} times of {rounds} were sold"
    assert sold.total() == len(people) == sum(SEATS[number % len(SEATS)] for number in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--people", type=int, default=200)
    given = parser.parse_args()
    answers = uvloop.run(drill(given.rounds, given.people, lambda line: print(line, flush=True)))
    print(f"{given.rounds} races of {given.people}: {dict(answers)}; every time sold as often as it has seats")


if __name__ == "__main__":
    main()
