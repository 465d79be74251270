"""Callers of the GraphQL API: a process of its own that checks out again and again, each caller on one connection.

    python -m bench.callers PLAN

PLAN is a file with a `Plan`; what each checkout came to is written to standard output. Requests are put together
before the clock runs, so that the callers cost little beside what they measure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

QUOTE = (
    "query Quote($service: ID!) { quote(serviceId: $service) { title instant "
    "price { base { minor currency text } surcharge { minor currency text } total { minor currency text } } } }"
)
HOLD = (
    "mutation Hold($input: TakeHold!) { takeHold(input: $input) { holdId status startAt endAt expiresAt "
    "price { total { minor currency text } } } }"
)
PAY = (
    "mutation Pay($input: PayForHold!) { pay(input: $input) { booking { bookingId status startAt endAt title } "
    "payment { paymentId state amount { minor currency } challengeUrl decline { code sentence } } } }"
)
BOOKING = (
    "query Booking($booking: ID!) { booking(bookingId: $booking) { bookingId status title startAt endAt zone place "
    "price { base { text } surcharge { text } total { text } } policy { name tiers { shareBps beforeMin withinMin } } "
    "} }"
)
REQUESTS = ("quote", "hold", "pay", "confirm")


class Checkout(Struct, frozen=True, kw_only=True):
    """One customer, one time of one provider, and the ids under which it is asked for."""

    token: str
    email: str
    service_id: str
    start_at: str
    hold_id: str
    booking_id: str
    payment_id: str


class Plan(Struct, frozen=True, kw_only=True):
    """What to do: `warm` of the checkouts come before the clock runs."""

    port: int
    callers: int
    warm: int
    checkouts: list[Checkout]


class Made(Struct, frozen=True, kw_only=True):
    """What came of it. `took_s` has the seconds of each request of each checkout; `trouble` the first few refusals."""

    confirmed: int
    refused: int
    elapsed_s: float
    ended_at: float
    cpu_s: float
    took_s: list[tuple[float, float, float, float]]
    trouble: list[str]


class Line(asyncio.Protocol):
    """One connection, kept open: a request, its answer, the next request."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._came += data
        head_end = self._came.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._came.lower().find(b"content-length: ", 0, head_end)
        length = int(self._came[at + 16 : self._came.index(b"\r\n", at)])
        if len(self._came) >= head_end + 4 + length and self._answer and not self._answer.done():
            self._answer.set_result(bytes(self._came[head_end + 4 : head_end + 4 + length]))
            self._came.clear()

    async def ask(self, request: bytes) -> bytes:
        """The answer's body."""
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def posted(token: str, query: str, variables: object) -> bytes:
    """A request as it goes over the line."""
    body = msgspec.json.encode({"query": query, "variables": variables})
    head = (
        "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests_of(each: Checkout, price: int, currency: str) -> tuple[bytes, bytes, bytes, bytes]:
    """The four requests of a checkout at that price."""
    held = {"holdId": each.hold_id, "serviceId": each.service_id, "startAt": each.start_at, "zone": "Europe/Lisbon"}
    paid = {
        "bookingId": each.booking_id,
        "paymentId": each.payment_id,
        "holdId": each.hold_id,
        "contact": {"name": "Ada Lovelace", "email": each.email},
        "total": {"minor": price, "currency": currency},
        "card": "pm_card_visa",
        "returnUrl": "http://127.0.0.1/bookings",
    }
    return (
        posted(each.token, QUOTE, {"service": each.service_id}),
        posted(each.token, HOLD, {"input": held}),
        posted(each.token, PAY, {"input": paid}),
        posted(each.token, BOOKING, {"booking": each.booking_id}),
    )


async def call(plan: Plan) -> Made:
    """Check everything out, so many callers side by side."""
    from bench.stock import PRICE

    prepared = [requests_of(each, PRICE.minor, PRICE.currency) for each in plan.checkouts]
    lines = [await _connected(plan.port) for _ in range(plan.callers)]
    await _all(lines, iter(prepared[: plan.warm]), [], [])
    took: list[tuple[float, float, float, float]] = []
    trouble: list[str] = []
    began, cpu_s = time.perf_counter(), time.process_time()
    await _all(lines, iter(prepared[plan.warm :]), took, trouble)
    elapsed_s = time.perf_counter() - began
    for line in lines:
        line.close()
    return Made(
        confirmed=len(took),
        refused=len(trouble),
        elapsed_s=elapsed_s,
        ended_at=time.time(),
        cpu_s=time.process_time() - cpu_s,
        took_s=took,
        trouble=trouble[:5],
    )


async def _connected(port: int) -> Line:
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def _all(
    lines: list[Line],
    waiting: Iterator[tuple[bytes, bytes, bytes, bytes]],
    took: list[tuple[float, float, float, float]],
    trouble: list[str],
) -> None:
    async def caller(line: Line) -> None:
        for quote, hold, pay, booking in waiting:
            marks = [time.perf_counter()]
            body = b""
            for request in (quote, hold, pay, booking):
                body = await line.ask(request)
                marks.append(time.perf_counter())
                if b'"errors"' in body:
                    break
            if b'"status":"confirmed"' in body and len(marks) == 5:
                took.append((marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2], marks[4] - marks[3]))
            else:
                trouble.append(body[:300].decode())

    await asyncio.gather(*map(caller, lines))


def main() -> None:
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    print(msgspec.json.encode(uvloop.run(call(plan))).decode())


if __name__ == "__main__":
    main()
