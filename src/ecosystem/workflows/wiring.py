"""Everything that runs beside the pages, put together: what the function table binds, and the machinery beneath it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Self

from ecosystem.app import App
from ecosystem.workflows.bindings import followers, repeated, rules
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.runner import Follower, Loop, Runner

TOGETHER = 250
"""Changes that a follower takes in one step, so that it never has the loop for long."""
SIGNING_KEY_LIFE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Wiring:
    market: App
    relay: Relay
    deliveries: Deliveries
    runner: Runner

    @classmethod
    def of(cls, market: App) -> Self:
        """The product's background work, not yet started."""
        table, clock = market.ports.table, market.ports.clock
        relay = Relay(table, clock, rules(market))
        runner = Runner(
            table,
            clock,
            followers=[
                Follower("relay", relay.step, gather_s=0.01),
                Follower("ledger sequencer", partial(market.sequencer.step, TOGETHER), gather_s=0.1),
                Follower("figures", partial(market.tally.step, TOGETHER), gather_s=0.25),
                *followers(market),
            ],
            loops=[
                Loop("retry deliveries", 1, relay.retry),
                Loop("mail", 2, market.notifications.postman.step),
                Loop("inspections", 1, market.inspections.step),
                Loop("signing keys", 86_400, lambda: _rotated(market)),
                *repeated(market),
            ],
        )
        return cls(market=market, relay=relay, deliveries=Deliveries(table, clock), runner=runner)

    async def settled(self) -> None:
        """Deliver everything there is, once. For simulations and tests, which have no background."""
        await self.relay.drain()
        await self.relay.retry()
        while await self.market.sequencer.step():
            pass
        await self.market.tally.catch_up()
        await self.market.indexer.catch_up()


async def _rotated(market: App) -> int:
    """Whether the signing key had served its time and a new one was made."""
    return int(await market.ports.tokens.rotate_when(SIGNING_KEY_LIFE))
