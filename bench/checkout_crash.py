"""Kills a checkout before and after every port call, and shows what becomes of booking and money without a browser.

The points are generated: each scenario runs once to count its calls, then once for every call and side, and dies there.
`--sigkill` lets a child process die of SIGKILL; otherwise an exception that nothing catches ends the flow, which is
quicker and leaves the same state (nothing is flushed that was not on disk, since every acknowledged write is).
Afterwards a new process over the same folder has fifteen minutes, for its machines and schedules.

    python -m bench.checkout_crash [--sigkill] [--scenario NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace as with_fields
from tests.market import ADA, OWNER, Market, market, over, sandbox_in

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts.booking import BookingStatus, CancelBooking
from ecosystem.contexts.payments import PaymentState
from ecosystem.ports import Ports
from ecosystem.sandbox import Sandbox

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WATCHED = ("table", "cards")
MINUTES = 15


class Died(BaseException):
    """The process ends here."""


class Point(Struct, frozen=True):
    """Where to die: at which call, counted from 0, and on which side of it."""

    call: int
    after: bool


class Executioner:
    """Counts the calls of the watched ports, and ends the process at its point."""

    def __init__(self, point: Point | None, end: Callable[[], None]) -> None:
        self.point = point
        self.calls: list[str] = []
        self._end = end

    def ports(self, ports: Ports) -> Ports:
        return replace(ports, **{name: Watched(name, getattr(ports, name), self) for name in WATCHED})

    def pass_by(self, name: str, *, after: bool) -> None:
        if not after:
            self.calls.append(name)
        if self.point == Point(len(self.calls) - 1, after):
            self._end()


class Watched:
    """A port whose every asynchronous call passes the executioner twice."""

    def __init__(self, name: str, port: Any, executioner: Executioner) -> None:
        self._name, self._port, self._executioner = name, port, executioner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            self._executioner.pass_by(f"{self._name}.{name}", after=False)
            answer = await found(*arguments, **named)
            self._executioner.pass_by(f"{self._name}.{name}", after=True)
            return answer

        return call


Scenario = Callable[[Market, str], Awaitable[None]]


async def instant(shop: Market, service_id: str) -> None:
    """A card that pays at once."""
    await shop.book(service_id, shop.tomorrow())


async def challenged(shop: Market, service_id: str) -> None:
    """A challenge that the customer never passes."""
    await shop.book(service_id, shop.tomorrow(), card="pm_card_authenticationRequired")


async def second_card(shop: Market, service_id: str) -> None:
    """A declined card, and then another."""
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold, card="pm_card_chargeDeclined")
    await shop.app.checkout.pay(request, ADA)
    await shop.app.checkout.pay(with_fields(request, card="pm_card_visa", payment_id=shop.id("pay")), ADA)


async def on_request(shop: Market, service_id: str) -> None:
    """A request that the provider accepts."""
    paid = await shop.book(service_id, shop.tomorrow() + timedelta(days=1))
    await shop.app.acceptance.accept(paid.booking.booking_id, OWNER)


async def cancelled(shop: Market, service_id: str) -> None:
    """A booking that the customer calls off, with half given back."""
    paid = await shop.book(service_id, shop.clock.now() + timedelta(hours=5))
    await shop.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    for refund in await shop.app.refunds.refunds_of(paid.booking.booking_id):
        await shop.app.refunding.carry_out(paid.booking.booking_id, refund.value.refund_id, ADA)


SCENARIOS: dict[str, Scenario] = {
    "instant": instant,
    "challenged": challenged,
    "second card": second_card,
    "on request": on_request,
    "cancelled": cancelled,
}


async def prepared(folder: Path, clock: VirtualClock, name: str) -> str:
    """A marketplace with one service, in that folder; the service's id."""
    async with market(folder, clock) as shop:
        await shop.provider()
        return await shop.service(shop.provider_id, instant=name != "on request")


async def play(
    folder: Path, sandbox: Sandbox, name: str, service_id: str, point: Point | None, end: Callable[[], None]
) -> list[str]:
    """Run the scenario until its end or the point; the calls it made."""
    clock = VirtualClock(NOON)
    executioner = Executioner(point, end)
    async with over(folder, sandbox.origin, sandbox.keys, clock, seed=7) as (shop, ports):
        watched = replace(shop, app=App.of(executioner.ports(ports)), sandbox=sandbox)
        with suppress(Died):
            await SCENARIOS[name](watched, service_id)
    return executioner.calls


def die() -> None:
    raise Died


async def outcome(folder: Path, sandbox: Sandbox) -> str:
    """What becomes of it in fifteen minutes of a new process. Raises AssertionError when money is lost."""
    clock = VirtualClock(NOON)
    async with over(folder, sandbox.origin, sandbox.keys, clock, seed=8) as (shop, _):
        for _ in range(MINUTES):
            await shop.passes(timedelta(minutes=1))
        await shop.verified()
        return await _judged(shop, sandbox)


async def _judged(shop: Market, sandbox: Sandbox) -> str:
    from ecosystem.contexts.booking import Booking

    taken = sum({"captured": e.amount, "refunded": -e.amount}.get(e.what, 0) for e in sandbox.effects())
    page = await shop.app.ports.table.scan(Booking, limit=10)
    if not page.rows:
        assert taken == 0, f"{taken} taken without a booking"
        return "nothing begun"
    [booking] = page.values
    payments = [row.value for row in await shop.app.payments.payments_of(booking.booking_id)]
    kept = sum(payment.captured.minor - payment.refunded.minor for payment in payments)
    assert kept == taken, f"we say {kept}, the processor says {taken}"
    assert not any(payment.is_open for payment in payments), "a payment is still open"
    match booking.status:
        case BookingStatus.CONFIRMED:
            assert taken == booking.lines.total.minor, f"confirmed for {taken}"
            return "finished"
        case BookingStatus.AWAITING_PROVIDER:
            assert taken == 0
            assert [p.state for p in payments if p.state is PaymentState.AUTHORIZED], "asked without money held"
            return "waits for the provider"
        case BookingStatus.CANCELLED:
            assert booking.refund
            assert taken == booking.lines.total.minor - booking.refund.amount.minor, f"kept {taken}"
            return "called off"
        case BookingStatus.EXPIRED:
            assert taken == 0, f"expired, and {taken} kept"
            return "let go"
        case other:
            raise AssertionError(f"still {other} after {MINUTES} minutes")


def points(calls: int) -> Iterator[Point]:
    for call in range(calls):
        yield Point(call, after=False)
        yield Point(call, after=True)


@asynccontextmanager
async def scene(prepared_in: Path) -> AsyncGenerator[tuple[Path, Sandbox]]:
    """A copy of the prepared folder, and a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="ecosystem-crash-") as name:
        folder = Path(name)
        shutil.copytree(prepared_in, folder, dirs_exist_ok=True)
        async with sandbox_in(folder, VirtualClock(NOON)) as sandbox:
            yield folder, sandbox


async def drill(
    names: list[str], *, sigkill: bool = False, every: int = 1, said: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Kill each of the scenarios at every `every`-th point; how often which outcome. Raises AssertionError."""
    outcomes: Counter[str] = Counter()
    for name in names:
        with tempfile.TemporaryDirectory(prefix="ecosystem-crash-") as start:
            service_id = await prepared(Path(start), VirtualClock(NOON), name)
            async with scene(Path(start)) as (folder, sandbox):
                calls = await play(folder, sandbox, name, service_id, None, die)
            found: Counter[str] = Counter()
            for number, point in enumerate(points(len(calls))):
                if number % every:
                    continue
                async with scene(Path(start)) as (folder, sandbox):
                    if sigkill:
                        await _child(folder, sandbox, name, service_id, point)
                    else:
                        await play(folder, sandbox, name, service_id, point, die)
                    try:
                        found[await outcome(folder, sandbox)] += 1
                    except AssertionError as lost:
                        where = f"{'after' if point.after else 'before'} call {point.call}, {calls[point.call]}"
                        raise AssertionError(f"{name}, killed {where}: {lost}") from lost
            kinds = ", ".join(f"{call} {count}" for call, count in Counter(calls).most_common())
            said(f"{name}: {len(calls)} calls ({kinds}); {found.total()} kills: {dict(found)}")
            outcomes += found
    return outcomes


async def _child(folder: Path, sandbox: Sandbox, name: str, service_id: str, point: Point) -> None:
    side = "after" if point.after else "before"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.checkout_crash", "--child", str(folder), sandbox.origin, name, service_id,
        str(point.call), side, env=os.environ | {"CRASH_KEYS": ",".join(_keys(sandbox))},
    )  # fmt: skip
    status = await process.wait()
    assert status == -signal.SIGKILL, f"the child ended with {status}"


def _keys(sandbox: Sandbox) -> tuple[str, str, str]:
    keys = sandbox.keys
    return keys.secret_key, keys.publishable_key, keys.webhook_secret


async def _as_child(folder: Path, origin: str, name: str, service_id: str, point: Point) -> None:
    from ecosystem.sandbox import Keys

    secret, publishable, webhook = os.environ["CRASH_KEYS"].split(",")
    keys = Keys(secret_key=secret, publishable_key=publishable, webhook_secret=webhook)
    executioner = Executioner(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
    async with over(folder, origin, keys, VirtualClock(NOON), seed=7) as (shop, ports):
        await SCENARIOS[name](replace(shop, app=App.of(executioner.ports(ports))), service_id)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        folder, origin, name, service_id, call, side = sys.argv[2:]
        asyncio.run(_as_child(Path(folder), origin, name, service_id, Point(int(call), side == "after")))
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sigkill", action="store_true", help="a child process dies of SIGKILL at each point")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="only this one")
    parser.add_argument("--every", type=int, default=1, help="every so many points")
    asked = parser.parse_args()
    names = [asked.scenario] if asked.scenario else list(SCENARIOS)
    outcomes = asyncio.run(
        drill(names, sigkill=asked.sigkill, every=asked.every, said=lambda line: print(line, flush=True))
    )
    print(f"{outcomes.total()} kills, each finished or returned within {MINUTES} minutes: {dict(outcomes)}")


if __name__ == "__main__":
    main()
