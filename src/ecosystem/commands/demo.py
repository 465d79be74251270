"""The demo: a marketplace that has lived some weeks, made at the first start of `serve` or by `ecosystem demo`.

Its people are admitted, its catalogue is imported, and its history is lived (`demonstration/`): customers book, change,
come and quarrel through the same journeys, machines and card processor as everybody, on clocks that are moved from
event to event up to now. One that was interrupted goes on where it was.
"""

from __future__ import annotations

import base64
import dataclasses
import socket
import time
from collections.abc import Callable

import uvloop
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.embedded.deployment import Embedded
from ecosystem.adapters.outside.clock import HeldClock
from ecosystem.app import App
from ecosystem.commands import logs
from ecosystem.commands.demonstration import passage, people, standing
from ecosystem.commands.demonstration.beginning import KEY, Beginning, Length
from ecosystem.commands.demonstration.history import History
from ecosystem.commands.opening import STANDS_AT, opened, product
from ecosystem.commands.settings import Settings
from ecosystem.commands.verifying import say_of
from ecosystem.journeys.verification import Verification
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import Put
from ecosystem.workflows.wiring import Wiring

PASSWORD_BYTES = 10


class MarketplaceThere(Conflict):
    """In this folder is a marketplace already: choose a new one."""


FIRST_START = Length(days=12, daily=3)
"""What the first start of `serve` makes: some seconds' worth."""


class Made(Struct, frozen=True, kw_only=True):
    """What came of it."""

    counts: standing.Counts
    report: Verification
    instants: int
    seconds: float


def demo(chosen: Settings, length: Length, say: Callable[[str], None] = print) -> int:
    """Make a demo in a new folder, or go on with one that was interrupted; 0 when everything in it holds."""
    logs.configure("warning" if chosen.log_level == "info" else chosen.log_level)
    file = chosen.data / STANDS_AT
    if (chosen.data / "table.sqlite").exists() and not file.exists():
        raise MarketplaceThere(field="data")
    try:
        made = uvloop.run(lived(chosen, length, say))
    except KeyboardInterrupt:
        say(f"Interrupted. The same again goes on, and so does: ecosystem serve --data {chosen.data}")
        raise
    for line in standing.lines(made.counts):
        say(line)
    say_of(made.report)
    say(f"Made in {made.seconds:.0f} s, {made.instants} instants. Look at it: ecosystem serve --data {chosen.data}")
    return 0 if made.report.holds else 1


async def lived(chosen: Settings, length: Length, say: Callable[[str], None]) -> Made:
    """A demo in that folder, to its end. Raises `MarketplaceThere` for a folder that began otherwise."""
    began = time.perf_counter()
    port, processor_port = _free_ports()
    chosen = replace(chosen, host="127.0.0.1", port=port, processor_host="127.0.0.1", processor_port=processor_port)
    file = chosen.data / STANDS_AT
    wanted = length.beginning()
    assert wanted.began_at is not None
    if not file.exists():
        chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        passage.keep(file, wanted.began_at)
    clock = HeldClock(passage.stood_at(file))
    async with opened(chosen, clock) as (_, deployment):
        market = _alone(deployment, chosen)
        row = await market.ports.table.get(KEY, Beginning)
        beginning = row.value if row else wanted
        if not beginning.demo or beginning.done or beginning.seed != length.seed:
            raise MarketplaceThere(field="data")
        if row is None:
            await market.ports.table.transact(Put(key=KEY, value=beginning))
        password = await _password(market, deployment)
        wiring = Wiring.of(market)
        history = History(market, deployment, clock, wiring, chosen, say, stays_late=length.until is not None)
        instants = await history.made(beginning, password, lambda: False)
        counts, report = await standing.counted(market, wiring), await market.verifying.verify()
        for line in _sign_ins(password):
            say(line)
    return Made(counts=counts, report=report, instants=instants, seconds=time.perf_counter() - began)


async def first_start(
    market: App,
    deployment: Embedded,
    clock: HeldClock,
    chosen: Settings,
    say: Callable[[str], None],
    is_stopping: Callable[[], bool],
) -> list[str]:
    """Make the demo if this folder is new and one is wanted; what to tell whoever started it."""
    row = await market.ports.table.get(KEY, Beginning)
    begun = row.value if row else FIRST_START.beginning() if chosen.demo else Beginning(demo=False, done=True)
    if begun.demo and not begun.done and begun.began_at is None:
        begun = FIRST_START.beginning()
    if row is None:
        await market.ports.table.transact(Put(key=KEY, value=begun))
    if not begun.demo:
        token = await market.identity.first_operators.invite()
        link = f"{chosen.url}/first-operator/{token}"
        return [f"Make the first operator here, once, within a day: {link}"] if token else []
    password = await _password(market, deployment)
    if not begun.done:
        stands = passage.stood_at(chosen.data / STANDS_AT)
        say(
            f"Going on with the demo marketplace, from {stands.day} {stands:%B} ..."
            if stands
            else "Making the demo marketplace; this takes some seconds, once ..."
        )
        alone = _alone(deployment, chosen)
        history = History(alone, deployment, clock, Wiring.of(alone), chosen, say)
        await history.made(begun, password, is_stopping)
    elif clock.is_held:
        # It was ended between its last two steps.
        clock.let_go()
        (chosen.data / STANDS_AT).unlink(missing_ok=True)
    return _sign_ins(password)


def _alone(deployment: Embedded, chosen: Settings) -> App:
    """The product that compares days in this process: nobody is served yet who would have to wait for it."""
    return product(dataclasses.replace(deployment.ports, comparer=None), chosen)


def _sign_ins(password: str) -> list[str]:
    return [
        "This is the demo. Sign in with one of these addresses; the password is the same for all:",
        f"  customer  {people.CUSTOMERS[0][0]}",
        f"  provider  {people.PROVIDER}",
        f"  operator  {people.OPERATOR[0]}",
        f"  password  {password}",
        "Pay with card 4242 4242 4242 4242, any later month and any code. Start empty: make run DEMO=0",
    ]


async def _password(market: App, deployment: Embedded) -> str:
    secret = await deployment.secrets.kept(
        "demo-password", lambda: base64.b32encode(market.ports.entropy.bytes(PASSWORD_BYTES)).lower()
    )
    return f"Lx-{secret.decode()}-1"


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
