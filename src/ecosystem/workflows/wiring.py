"""Everything that runs beside the pages, put together: what the function table binds, and the machinery beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Self

from ecosystem.app import App
from ecosystem.kernel.refusals import Unavailable
from ecosystem.workflows.archive import Replays
from ecosystem.workflows.bindings import declared, followers, rules, tasks
from ecosystem.workflows.definitions import definitions
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.functions import TABLE, Function
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rules
from ecosystem.workflows.runner import Engine, Follower, Loop, Runner
from ecosystem.workflows.scheduler import Scheduler

TOGETHER = 250
"""Changes that a follower takes in one step, so that it never has the loop for long."""
ROUNDS_MAX = 1_000
CHECKPOINT_S = 5.0
SIGNING_KEY_LIFE = timedelta(days=90)


class NeverDone(Unavailable):
    """What follows from what has no end."""


@dataclass(frozen=True, slots=True)
class Wiring:
    market: App
    relay: Relay
    deliveries: Deliveries
    scheduler: Scheduler
    runner: Runner

    @classmethod
    def of(cls, market: App, functions: Sequence[Function] = TABLE) -> Self:
        """The product's background work, not yet started."""
        table, clock, workflows = market.ports.table, market.ports.clock, market.ports.workflows
        handed = rules(market, functions)
        relay, scheduler = Relay(table, clock, handed), Scheduler(table, clock, declared(functions))
        replays = Replays(table, clock, Rules(handed))
        workflows.bind(definitions(), tasks(market, functions))
        runner = Runner(
            table,
            clock,
            followers=[
                Follower("relay", relay.step, gather_s=0.01),
                Follower("ledger sequencer", partial(market.sequencer.step, TOGETHER), gather_s=0.1),
                Follower("audit sequencer", partial(market.audit.step, TOGETHER), gather_s=0.5),
                Follower("figures", partial(market.tally.step, TOGETHER), gather_s=0.25),
                *followers(market, functions),
            ],
            loops=[
                Loop("retry deliveries", 1, relay.retry),
                Loop("replays", 1, partial(replays.step, relay)),
                Loop("schedules", 1, scheduler.fire),
                Loop("audit checkpoints", CHECKPOINT_S, market.audit.seal),
                Loop("mail", 2, market.notifications.postman.step),
                Loop("inspections", 1, market.inspections.step),
                Loop("signing keys", 86_400, lambda: _rotated(market)),
            ],
            engines=[Engine("workflows", workflows.run, workflows.close)],
        )
        return cls(market=market, relay=relay, deliveries=Deliveries(table, clock), scheduler=scheduler, runner=runner)

    async def stop(self, grace_s: float) -> None:
        """End what the runner started, and let go of deliveries that take longer: they are made again."""
        await self.runner.stop(grace_s)
        await self.relay.stop(grace_s)

    async def settled(self) -> None:
        """Deliver everything there is, and do what follows from it. For tests, which have no background."""
        for _ in range(ROUNDS_MAX):
            await self.relay.drain()
            await self.relay.retry()
            if not await self.market.ports.workflows.step() and not await self.relay.step():
                break
        while await self.market.sequencer.step():
            pass
        await self.market.audit.caught_up()
        await self.market.audit.seal()
        await self.market.tally.catch_up()
        await self.market.learning.catch_up()
        await self.market.indexer.catch_up()
        await self.market.receivable_follower.catch_up()

    async def caught_up(self, *, recurring: bool = True) -> None:
        """Do everything that is due by now, and all that follows from it. For whoever moves a clock by hand.

        Schedules fire, executions go on, deliveries that failed are tried again if it is time. Who moves the clock in
        small steps may leave the `recurring` schedules out of most of them.
        """
        for _ in range(ROUNDS_MAX):
            await self.settled()
            if not await self.scheduler.fire(recurring=recurring):
                return
        raise NeverDone


async def _rotated(market: App) -> int:
    """Whether the signing key had served its time and a new one was made."""
    return int(await market.ports.tokens.rotate_when(SIGNING_KEY_LIFE))
