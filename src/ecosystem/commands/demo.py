"""The demo: a marketplace that has lived some weeks, made at the first start of `serve` or by `ecosystem demo`.

Its people are admitted, its catalogue is imported, and its history is lived (`demonstration/`): customers book, change,
come and quarrel through the same journeys, machines and card processor as everybody, on clocks that are moved from
event to event up to now. One that was interrupted goes on where it was.
"""

from __future__ import annotations

import base64
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, ClassVar

import msgspec
import uvloop
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.embedded import Embedded
from ecosystem.adapters.outside.clock import HeldClock
from ecosystem.app import App
from ecosystem.commands import logs
from ecosystem.commands.demonstration import newcomers, office, passage, people, scenes, standing, stories, visits
from ecosystem.commands.demonstration.agenda import Agenda
from ecosystem.commands.demonstration.desk import Desk
from ecosystem.commands.demonstration.door import door
from ecosystem.commands.demonstration.passage import Passage
from ecosystem.commands.demonstration.progress import Progress
from ecosystem.commands.demonstration.stage import Stage
from ecosystem.commands.opening import STANDS_AT, opened
from ecosystem.commands.settings import Settings, reached
from ecosystem.commands.verifying import say_of
from ecosystem.contexts.catalogue import Service, ServiceStatus
from ecosystem.journeys.import_rows import Format
from ecosystem.journeys.verification import Verification
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import Key, Put, Stored
from ecosystem.sandbox import Keys
from ecosystem.sandbox.settings import PROFILES
from ecosystem.workflows.wiring import Wiring

PASSWORD_BYTES = 10
SEED = 2026
BANK_TAKES_S = 2 * 86_400.0
"""How long after a payment a customer's bank asks for it back, and until it says what became of a slow refund."""

ARRIVALS = (timedelta(hours=9), timedelta(days=1, hours=11), timedelta(days=6, hours=10), timedelta(days=11, hours=15))
"""When each of those who become providers registers; the second finds the processor down."""

KEY = Key("BEGINNING", "METADATA")


class MarketplaceThere(Conflict):
    """In this folder is a marketplace already: choose a new one."""


class Beginning(Stored, frozen=True, kw_only=True):
    """How this folder began, and whether that is done: a first start that was interrupted goes on.

    A demo's history reaches from `began_at` to `ends_at`, with so many visits `daily`.
    """

    entity: ClassVar[str] = "beginning"

    demo: bool
    done: bool
    seed: int = SEED
    days: int = 0
    daily: int = 0
    began_at: datetime | None = None
    ends_at: datetime | None = None


class Length(Struct, frozen=True, kw_only=True):
    """How much is lived: days, visits on each of them, and by which chance. `until` is now, unless a test says when."""

    days: int
    daily: int
    seed: int = SEED
    until: datetime | None = None

    def beginning(self) -> Beginning:
        """A beginning at midnight, so many days before the end."""
        ends_at = self.until or datetime.now(UTC)
        first = (ends_at - timedelta(days=self.days)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Beginning(
            demo=True, done=False, seed=self.seed, days=self.days, daily=self.daily, began_at=first, ends_at=ends_at
        )


FIRST_START = Length(days=12, daily=4)
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
    async with opened(chosen, clock) as (market, deployment):
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
    wiring: Wiring,
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
        history = History(market, deployment, clock, wiring, chosen, say)
        await history.made(begun, password, is_stopping)
    elif clock.is_held:
        # It was ended between its last two steps.
        clock.let_go()
        (chosen.data / STANDS_AT).unlink(missing_ok=True)
    return _sign_ins(password)


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


class History:
    """Lives a beginning to its end."""

    def __init__(
        self,
        market: App,
        deployment: Embedded,
        clock: HeldClock,
        wiring: Wiring,
        chosen: Settings,
        say: Callable[[str], None],
        *,
        stays_late: bool = False,
    ) -> None:
        self._market = market
        self._deployment = deployment
        self._clock = clock
        self._wiring = wiring
        self._chosen = chosen
        self._say = say
        self._stays_late = stays_late
        self._file = chosen.data / STANDS_AT

    async def made(self, begun: Beginning, password: str, is_stopping: Callable[[], bool]) -> int:
        """Live it, from where it stands to its end; through how many instants. Told to stop, it is left as it is."""
        assert begun.began_at is not None
        passage.keep(self._file, stands := passage.stood_at(self._file) or begun.began_at)
        self._clock.hold(stands)
        with logs.hushed():
            # What goes wrong goes wrong on purpose.
            return await self._made_from(begun, stands, password, is_stopping)

    async def _made_from(
        self, begun: Beginning, stands: datetime, password: str, is_stopping: Callable[[], bool]
    ) -> int:
        chosen, keys = self._chosen, Keys.kept(self._chosen.data / "processor" / "keys.json")
        content = (files("ecosystem.commands") / "demonstration" / "catalogue.json").read_bytes()
        agenda = Agenda(self._clock)
        async with (
            door(self._market, reached(chosen.host), chosen.port),
            Desk.at(self._deployment.processor, keys.secret_key) as desk,
        ):
            profile = PROFILES[chosen.processor_profile]
            await desk.travel(replace(profile, afterwards_s=BANK_TAKES_S))
            await desk.move_clock(stands)
            cast = await people.admit(self._market, content, password)
            report = await self._market.importing.load(content, Format.JSON, people.ACTOR)
            assert not report.refused, report.refused
            passes = Passage(self._clock, self._file, desk, self._wiring, agenda)
            try:
                stage = Stage(self._market, agenda, desk, cast, await self._services(content))
                self._begin(stage, begun)
                await self._live(passes, stage, begun, is_stopping)
            finally:
                await agenda.close()
            if not is_stopping():
                await desk.travel(profile)
                await self._end(passes, begun)
            return passes.instants

    def _begin(self, stage: Stage, begun: Beginning) -> None:
        """Put every story on the agenda, those that were told in part too."""
        assert begun.began_at is not None
        assert begun.ends_at is not None
        planned = list(scenes.written(begun.seed, begun.began_at, begun.ends_at))
        for number in range(begun.days + 1):
            day = begun.began_at + timedelta(days=number)
            drawn = (visits.drawn(begun.seed, day, each) for each in range(begun.daily))
            planned += [visit for visit in drawn if visit.arrives_at < begun.ends_at]
        for visit in sorted(planned, key=lambda each: (each.arrives_at, each.name)):
            stage.agenda.begin(stories.tell(stage, visit))
        for number, (arrives, (person, who)) in enumerate(zip(ARRIVALS, stage.cast.newcomers, strict=True)):
            if (at := begun.began_at + arrives) < begun.ends_at:
                stage.agenda.begin(newcomers.tell(stage, person, who, at, processor_is_down=number == 1))
        for number, (person, name) in enumerate(stage.cast.owners):
            stage.agenda.begin(newcomers.settle(stage, person, name, number, begun.began_at))
        stage.agenda.begin(office.rounds(stage, begun.seed, begun.began_at, begun.ends_at))

    async def _live(self, passes: Passage, stage: Stage, begun: Beginning, is_stopping: Callable[[], bool]) -> None:
        assert begun.began_at is not None
        assert begun.ends_at is not None
        progress = Progress(begun.began_at, begun.days, self._say, sys.stdout.isatty())
        try:
            await passes.quiet()
            while not is_stopping() and await passes.on(begun.ends_at):
                progress.passed(self._clock.now(), stage.bookings)
        finally:
            progress.done()

    async def _end(self, passes: Passage, begun: Beginning) -> None:
        """Come to the present: what is due by now happens, and the clocks go by themselves."""
        until = begun.ends_at if self._stays_late else datetime.now(UTC)
        assert until is not None
        # Of a demo that was interrupted for days, those go by as they would have with nobody there but the system.
        while await passes.on(until):
            pass
        await passes.move(until)
        await self._market.ports.table.transact(Put(key=KEY, value=replace(begun, done=True)))
        if not self._stays_late:
            await passes.let_go()

    async def _services(self, catalogue: bytes) -> list[Service]:
        """What the catalogue offers, always in the same order."""
        listed: list[dict[str, Any]] = msgspec.json.decode(catalogue)["services"]
        titles = {one["title"] for one in listed}
        page = await self._market.services.with_status(ServiceStatus.PUBLISHED, limit=200)
        return sorted((each for each in page.values if each.title in titles), key=lambda each: each.title)


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
