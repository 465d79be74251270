"""What a call of the card processor costs us in CPU, by the ways in which its official SDK can be used.

    python -m bench.processor_calls [CALLS]

A payment is authorized and captured in one call, over and over, at the sandbox in a process of its own; what is counted
is the CPU time of this process, the connection's work included. The SDK alone is measured with the objects that it makes
of an answer, over its own way out and over ours; in threads, as its synchronous half is used; and as the product uses it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import stripe

from bench.rows import Row
from ecosystem.adapters.outside.stripe import API_VERSION, Account, Stripe
from ecosystem.adapters.outside.stripe.answers import CHARGED
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import Capture, Order
from ecosystem.sandbox import Keys
from ecosystem.sandbox.process import Child, child

CALLS = 300
ROUNDS = 3
CALLERS = 8
GOAL_US = 500

Ask = Callable[[Order], Awaitable[object]]


def order(number: int) -> Order:
    return Order(
        payment_id=f"pay_{number}",
        booking_id=f"bkg_{number}",
        amount=Money(11_000, "EUR"),
        card="pm_card_visa",
        capture=Capture.AUTOMATIC,
        return_url="http://127.0.0.1:8000/return",
    )


def parameters(asked: Order) -> dict[str, Any]:
    """What the product sends, as the SDK is told it."""
    return {
        "amount": asked.amount.minor,
        "currency": "eur",
        "payment_method": asked.card,
        "payment_method_types": ["card"],
        "capture_method": "automatic",
        "confirm": True,
        "return_url": asked.return_url,
        "metadata": {"payment_id": asked.payment_id, "booking_id": asked.booking_id},
        "transfer_group": asked.booking_id,
        "expand": ["latest_charge.balance_transaction"],
    }


async def cpu_us(ask: Ask, numbers: itertools.count[int], calls: int) -> float:
    """Microseconds of this process's CPU that a call takes: the least of some rounds."""
    found: list[float] = []
    gate = asyncio.Semaphore(CALLERS)

    async def one() -> None:
        async with gate:
            await ask(order(next(numbers)))

    for _ in range(ROUNDS + 1):
        began = time.process_time()
        await asyncio.gather(*(one() for _ in range(calls)))
        found.append((time.process_time() - began) / calls * 1e6)
    return min(found[1:])  # The first round opens connections.


async def measured(calls: int = CALLS) -> list[Row]:
    """Each way, in microseconds a call."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        kept = Keys.kept(keys)
        how = Child(
            data=Path(folder) / "sandbox",
            keys=keys,
            port=0,
            webhook_url="http://127.0.0.1:9/",
            embedders=("http://127.0.0.1:8000",),
            profile="calm",
        )
        async with child(how) as origin, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            return await _ways(origin, kept, session, calls)


async def _ways(origin: str, kept: Keys, session: aiohttp.ClientSession, calls: int) -> list[Row]:
    numbers = itertools.count()
    ours = await Stripe.open(
        Account(origin=origin, secret_key=kept.secret_key, publishable_key=kept.publishable_key, timeout_s=30)
    )
    addresses: Any = {"api": origin, "files": origin}
    named: dict[str, Any] = {"stripe_version": API_VERSION, "base_addresses": addresses}
    client: Any = stripe.StripeClient(kept.secret_key, http_client=stripe.AIOHTTPClient(session=session), **named)
    threaded: Any = stripe.StripeClient(kept.secret_key, **named)

    async def objects(asked: Order) -> None:
        await client.v1.payment_intents.create_async(parameters(asked), {"idempotency_key": asked.payment_id})

    async def raw(asked: Order) -> None:
        answer = await client.raw_request_async(
            "post", "/v1/payment_intents", idempotency_key=asked.payment_id, **parameters(asked)
        )
        CHARGED.decode(answer.body).outcome()

    with ThreadPoolExecutor(CALLERS) as threads:

        async def synchronous(asked: Order) -> None:
            loop = asyncio.get_running_loop()
            key = {"idempotency_key": asked.payment_id}
            await loop.run_in_executor(threads, threaded.v1.payment_intents.create, parameters(asked), key)

        product = await cpu_us(ours.cards.authorize, numbers, calls)
        found = {
            "the SDK's raw request, read by us": await cpu_us(raw, numbers, calls),
            "the SDK's objects": await cpu_us(objects, numbers, calls),
            "the SDK's synchronous half, in threads": await cpu_us(synchronous, numbers, calls),
        }
    await ours.close()
    first = Row(part="processor", name="a payment's call", figure=product, unit="us CPU", goal=f"<= {GOAL_US} us")
    others = [
        Row(
            part="processor",
            name="a payment's call",
            figure=product,
            unit="us CPU",
            against=name,
            other=figure,
            ratio=figure / product,
        )
        for name, figure in found.items()
    ]
    return [first, *others]


def run() -> list[Row]:
    """What a call costs, and what it would."""
    return asyncio.run(measured())


if __name__ == "__main__":
    for row in asyncio.run(measured(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS)):
        print(f"{row.against or 'as the product does it':42} {row.other or row.figure:7.0f} us")
