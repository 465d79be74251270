"""How long a checkout waits for its score: histories read, features made, model and rules asked, nothing written.

    python -m bench.fraud_scoring [SCREENINGS]

In a marketplace on disk whose customers, provider, networks and cards have histories. Alone, and with sixteen at once,
where each also waits for the others' turns. Ends with status 1 when one in a hundred takes longer than 10 ms.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from tests.market import ADA, Market, market

from bench.rows import Row
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import Booking
from ecosystem.contexts.fraud import History, Seen, Subject, digest, history_key, seen
from ecosystem.ports.table import Put

SCREENINGS = 4_000
CUSTOMERS = 500
CALLERS = 16
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
GOAL_MS = 10.0


async def _remembered(shop: Market, networks: list[str], chance: random.Random) -> None:
    """Everybody has been here before, on many days: histories as long as they become."""
    named = [(Subject.CUSTOMER, f"usr_{each}") for each in range(CUSTOMERS)]
    named += [(Subject.NETWORK, each) for each in networks] + [(Subject.PROVIDER, shop.provider_id)]
    for begin in range(0, len(named), 40):
        puts: list[Put] = []
        for subject, name in named[begin : begin + 40]:
            known = History()
            for day in range(60):
                at = AT - timedelta(days=60 - day, minutes=chance.randrange(600))
                other, card = digest(f"prv_{chance.randrange(40)}"), digest(f"pm_{chance.randrange(3)}")
                known = seen(known, Seen(at=at, attempts=1, paid=1, amount=9_000, other=other, card=card))
            puts.append(Put(key=history_key(subject, name), value=known))
        await shop.app.ports.table.transact(*puts)


async def measured(screenings: int) -> list[Row]:
    """The figures of so many screenings."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        async with market(Path(folder), VirtualClock(AT)) as shop:
            await shop.provider()
            paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow())
            addresses = [f"203.0.{each}.7" for each in range(114, 194)]
            networks = [shop.app.screening.network(each) for each in addresses]
            await _remembered(shop, networks, chance)

            async def one(number: int) -> float:
                customer = f"usr_{number % CUSTOMERS}"
                booking: Booking = replace(paid.booking, booking_id=f"bkg_{number}", customer_id=customer)
                began = time.perf_counter()
                await shop.app.screening.screen(booking, f"pay_{number}", ADA, address=chance.choice(addresses))
                return (time.perf_counter() - began) * 1_000

            alone = [await one(number) for number in range(screenings)]
            together: list[float] = []
            for begin in range(0, screenings, CALLERS):
                together += await asyncio.gather(*(one(begin + place) for place in range(CALLERS)))
    goal = f"{GOAL_MS:.0f} ms or less"
    return [
        Row(part="fraud", name="a checkout's score, median", figure=_part(alone, 0.5), unit="ms"),
        Row(part="fraud", name="a checkout's score, p99", figure=_part(alone, 0.99), unit="ms", goal=goal),
        Row(
            part="fraud",
            name=f"a checkout's score, {CALLERS} at once, p99",
            figure=_part(together, 0.99),
            unit="ms",
            goal=goal,
        ),
    ]


def _part(took: list[float], part: float) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * part))]


def run(screenings: int = SCREENINGS) -> list[Row]:
    """The figures."""
    return asyncio.run(measured(screenings))


def main() -> int:
    rows = run(int(sys.argv[1]) if len(sys.argv) > 1 else SCREENINGS)
    for row in rows:
        print(f"{row.name}: {row.figure:.3f} {row.unit}")
    return 0 if all(row.figure <= GOAL_MS for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
