"""The whole checkout over HTTP: sixteen callers quote, hold, pay and confirm, and everything that follows happens too.

The product runs as anybody runs it, `ecosystem serve` with the card processor beside it; the callers are a third
process. Every checkout has a customer, a time and a session of its own. The clock stops when nothing waits any more:
events, webhooks, the processor's deliveries, the ledger's sums. Afterwards `ecosystem verify` reads the ledger.

    python -m bench.checkout_speed [--checkouts 4000] [--callers 16]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct
from tests.serving import Serving, said, serving

from bench.callers import REQUESTS, Checkout, Made, Plan
from bench.processes import Cost, children, cost, memory_mb
from bench.rows import Row, markdown
from bench.stock import Stock, Wanted, stocked
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.commands.settings import settings
from ecosystem.contexts.ledger import Sequencer
from ecosystem.contexts.payments import Webhooks
from ecosystem.kernel.ids import RANDOM_BYTES, make
from ecosystem.ports.bus import Event, type_of
from ecosystem.sandbox import Keys
from ecosystem.workflows.bindings import awaited
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.relay import Checkpoint, checkpoint_key

CHECKOUTS = 4000
CALLERS = 16
PROVIDERS = 200
WARM = 320
URL = "http://127.0.0.1:8000"
"""The public address, which names the issuer of sessions: the same while they are made and while they are used."""
GOAL_A_SECOND = "at least 250"
GOAL_P99 = "50 ms or less"
DRAINED_S_MAX = 60.0
FIRST_DAY = 3
SEEN_AFTER_S = 33.0
"""Half a minute after each intention to pay a machine looks what became of it."""
AWAITED = awaited()
"""Types of event that some function waits for."""


class Backlog(Struct, frozen=True, kw_only=True):
    """What has happened and not had its consequences yet."""

    events: int
    deliveries: int
    webhooks: int
    processor: int
    transfers: int

    @property
    def total(self) -> int:
        return self.events + self.deliveries + self.webhooks + self.processor + self.transfers


class Run(Struct, frozen=True, kw_only=True):
    """A run as measured. `drained_s` is from the first checkout until the backlog was no longer than before it."""

    made: Made
    before: Backlog
    at_end: Backlog
    after: Backlog
    drained_s: float
    checkouts: int
    product: Cost
    later: Cost
    """What the product's machines did after that: half a minute later they see that each payment went through."""
    processor: Cost
    callers_s: float
    memory_mb: tuple[float, float]
    verified: str

    @property
    def a_second(self) -> float:
        return self.made.confirmed / self.drained_s


def planned(stock: Stock, port: int, callers: int, warm: int) -> Plan:
    """A checkout for each customer: providers take turns, each at another time every time."""
    now = SystemClock().now()
    first = (now + timedelta(days=FIRST_DAY)).replace(hour=0, minute=0, second=0, microsecond=0)
    checkouts: list[Checkout] = []
    for number, customer in enumerate(stock.customers):
        turn, provider = divmod(number, len(stock.services))
        start_at = first + timedelta(days=turn % 25, hours=turn // 25)
        hold_id, booking_id, payment_id = (
            make(prefix, now + timedelta(milliseconds=number), os.urandom(RANDOM_BYTES))
            for prefix in ("hld", "bkg", "pay")
        )
        checkouts.append(
            Checkout(
                token=customer.token,
                email=customer.email,
                service_id=stock.services[provider],
                start_at=start_at.isoformat().replace("+00:00", "Z"),
                hold_id=hold_id,
                booking_id=booking_id,
                payment_id=payment_id,
            )
        )
    return Plan(port=port, callers=callers, warm=warm, checkouts=checkouts)


async def backlog(data: Path, processor_url: str) -> Backlog:
    """What waits, read beside the product from its folder, and asked of the processor."""
    clock = SystemClock()
    table = await EmbeddedTable.read_only(data / "table.sqlite", clock)
    try:
        checkpoint = await table.get(checkpoint_key("relay"), Checkpoint)
        changes = await table.changes(checkpoint.value.cursor if checkpoint else None)
        return Backlog(
            events=sum(
                change.old is None
                and change.new is not None
                and change.new.entity == Event.entity
                and type_of(change.key) in AWAITED
                for change in changes
            ),
            deliveries=len((await Deliveries(table, clock).retrying(limit=1000)).rows),
            webhooks=len(await Webhooks(table, clock, ()).waiting(clock.now(), limit=1000)),
            processor=await asyncio.to_thread(_undelivered, data, processor_url),
            transfers=(await Sequencer(table, clock).lag()).transfers,
        )
    finally:
        await table.close()


def _undelivered(data: Path, processor_url: str) -> int:
    keys = Keys.kept(data / "processor" / "keys.json")
    asked = Request(f"{processor_url}/_sandbox/backlog", headers={"Authorization": f"Bearer {keys.secret_key}"})
    with urlopen(asked, timeout=10) as answer:
        found: dict[str, float] = msgspec.json.decode(answer.read())
    return int(found["deliveries"] + found["timers"])


async def drained(data: Path, processor_url: str, no_longer_than: int) -> tuple[Backlog, float]:
    """Wait until no more waits than that; what waits then, and when one began to look."""
    end = time.time() + DRAINED_S_MAX
    while True:
        looked_at = time.time()
        found = await backlog(data, processor_url)
        if found.total <= no_longer_than or looked_at > end:
            return found, looked_at
        await asyncio.sleep(0.02)


async def measured(folder: Path, checkouts: int, callers: int, providers: int, warm: int) -> Run:
    """Stock the folder, serve it, check out, wait for everything to follow, stop, verify."""
    data = folder / "data"
    chosen = settings({"ECOSYSTEM_DATA": str(data), "ECOSYSTEM_DEMO": "0", "ECOSYSTEM_URL": URL})
    stock = await stocked(chosen, Wanted(providers=providers, customers=warm + checkouts))
    async with serving(data, "--no-demo", "--processor-profile=calm", f"--url={URL}") as served:
        run = await _run(folder, data, served, stock, callers, warm)
    status, report = await said(data, "verify")
    verified = report.strip().splitlines()[-1] if report.strip() else ""
    return msgspec.structs.replace(run, verified=verified if status == 0 else f"status {status}: {report}")


async def _run(folder: Path, data: Path, served: Serving, stock: Stock, callers: int, warm: int) -> Run:
    port = int(served.url.rpartition(":")[2])
    processor_url = served.processor_url
    plan = folder / "plan.json"
    plan.write_bytes(msgspec.json.encode(planned(stock, port, callers, warm)))
    before, _ = await drained(data, processor_url, 0)
    [sandbox, *_] = children(served.process.pid)
    product, processor = cost(served.process.pid), cost(sandbox)
    began_mb = memory_mb(served.process.pid)
    calling = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.callers", str(plan), stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await calling.communicate()
    made = msgspec.json.decode(answer, type=Made)
    at_end = await backlog(data, processor_url)
    after, drained_at = at_end, made.ended_at
    if at_end.total > before.total:
        after, drained_at = await drained(data, processor_url, before.total)
    spent, asked = cost(served.process.pid), cost(sandbox)
    await asyncio.sleep(SEEN_AFTER_S)
    return Run(
        made=made,
        before=before,
        at_end=at_end,
        after=after,
        drained_s=drained_at - made.ended_at + made.elapsed_s,
        checkouts=made.confirmed + warm,
        product=spent.since(product),
        later=cost(served.process.pid).since(spent),
        processor=asked.since(processor),
        callers_s=made.cpu_s,
        memory_mb=(began_mb, memory_mb(served.process.pid)),
        verified="",
    )


def rows(run: Run, callers: int) -> list[Row]:
    """The run as figures. Raises when checkouts were refused, something still waits, or the ledger does not hold."""
    made = run.made
    assert not made.refused, f"{made.refused} checkouts were refused, the first with {made.trouble[0]}"
    assert run.after.total <= run.before.total, f"still waiting after {DRAINED_S_MAX} s: {run.after}"
    assert run.verified.startswith("Everything holds"), run.verified
    found = [
        Row(
            part="checkout",
            name=f"whole checkouts over HTTP, {callers} callers, until nothing waits any more",
            figure=run.a_second,
            unit="/s",
            goal=GOAL_A_SECOND,
        ),
        Row(
            part="checkout",
            name=f"what waited at the end of {made.confirmed:,} checkouts, and when it was done",
            figure=(run.drained_s - made.elapsed_s) * 1e3,
            unit=f"ms for {run.at_end.total}",
        ),
    ]
    for place, name in enumerate(REQUESTS):
        took = sorted(each[place] for each in made.took_s)
        found += [
            Row(part="checkout", name=f"{name}, median", figure=_part(took, 0.5) * 1e3, unit="ms"),
            Row(part="checkout", name=f"{name}, p99", figure=_part(took, 0.99) * 1e3, unit="ms", goal=GOAL_P99),
        ]
    costs = (
        ("the product", run.product.cpu_s, run.checkouts),
        ("the product's event loop", run.product.loop_s, run.checkouts),
        ("the product, half a minute later", run.later.cpu_s, run.checkouts),
        ("the card processor", run.processor.cpu_s, run.checkouts),
        ("the callers", run.callers_s, made.confirmed),
    )
    for name, cpu_s, checkouts in costs:
        found.append(Row(part="checkout", name=f"CPU a checkout: {name}", figure=cpu_s / checkouts * 1e3, unit="ms"))
    before_mb, after_mb = run.memory_mb
    found.append(
        Row(
            part="checkout",
            name=f"memory of the product after {run.checkouts:,} checkouts ({before_mb:.0f} before)",
            figure=after_mb,
            unit="MB",
        )
    )
    return found


def _part(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run(checkouts: int = CHECKOUTS, callers: int = CALLERS, providers: int = PROVIDERS, warm: int = WARM) -> list[Row]:
    """Measure once."""
    with tempfile.TemporaryDirectory(prefix="checkout-speed-") as folder:
        return rows(asyncio.run(measured(Path(folder), checkouts, callers, providers, warm)), callers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=int, default=CHECKOUTS)
    parser.add_argument("--callers", type=int, default=CALLERS)
    parser.add_argument("--providers", type=int, default=PROVIDERS)
    given = parser.parse_args()
    print(markdown(run(given.checkouts, given.callers, given.providers)))


if __name__ == "__main__":
    main()
