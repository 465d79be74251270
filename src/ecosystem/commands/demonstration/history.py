"""A beginning lived to its end: everybody is put on the agenda, and time passes until it is now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
from msgspec.structs import replace

from ecosystem.adapters.embedded.deployment import Embedded
from ecosystem.adapters.outside.clock import HeldClock
from ecosystem.app import App
from ecosystem.commands import logs
from ecosystem.commands.demonstration import (
    cheats,
    courses,
    newcomers,
    office,
    passage,
    paydays,
    people,
    scenes,
    visits,
)
from ecosystem.commands.demonstration.agenda import Agenda
from ecosystem.commands.demonstration.beginning import KEY, Beginning
from ecosystem.commands.demonstration.desk import Desk
from ecosystem.commands.demonstration.door import door
from ecosystem.commands.demonstration.passage import Passage
from ecosystem.commands.demonstration.progress import Progress
from ecosystem.commands.demonstration.stage import Stage
from ecosystem.commands.opening import STANDS_AT
from ecosystem.commands.settings import Settings, reached
from ecosystem.contexts.catalogue import Service, ServiceStatus
from ecosystem.journeys.import_rows import Format
from ecosystem.ports.table import Put
from ecosystem.sandbox import Keys
from ecosystem.sandbox.settings import PROFILES
from ecosystem.workflows.wiring import Wiring

BANK_TAKES_S = 2 * 86_400.0
"""How long after a payment a customer's bank asks for it back, and until it says what became of a slow refund."""

ARRIVALS = (timedelta(hours=9), timedelta(days=1, hours=11), timedelta(days=6, hours=10), timedelta(days=11, hours=15))
"""When each of those who become providers registers; the second finds the processor down."""


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
        """Put every course on the agenda, those that were followed in part too."""
        assert begun.began_at is not None
        assert begun.ends_at is not None
        planned = list(scenes.written(begun.seed, begun.began_at, begun.ends_at))
        for number in range(begun.days + 1):
            day = begun.began_at + timedelta(days=number)
            drawn = (visits.drawn(begun.seed, day, each) for each in range(begun.daily))
            planned += [visit for visit in drawn if visit.arrives_at < begun.ends_at]
        for visit in sorted(planned, key=lambda each: (each.arrives_at, each.name)):
            stage.agenda.begin(courses.follow(stage, visit))
        for number, (arrives, (person, who)) in enumerate(zip(ARRIVALS, stage.cast.newcomers, strict=True)):
            if (at := begun.began_at + arrives) < begun.ends_at:
                stage.agenda.begin(newcomers.join(stage, person, who, at, processor_is_down=number == 1))
        for number, (person, name) in enumerate(stage.cast.owners):
            stage.agenda.begin(newcomers.settle(stage, person, name, number, begun.began_at))
        stage.agenda.begin(paydays.paydays(stage, begun.began_at, begun.ends_at))
        stage.agenda.begin(office.rounds(stage, begun.seed, begun.began_at, begun.ends_at))
        stage.agenda.begin(cheats.attempts(stage, begun.seed, begun.began_at, begun.ends_at))

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
