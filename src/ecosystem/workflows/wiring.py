"""Everything that runs beside the pages, put together: followers of the changes, and schedules."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Self

from ecosystem.app import App
from ecosystem.ports.search import IndexDamaged
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.reactions import rules
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.runner import Follower, Runner
from ecosystem.workflows.schedules import Schedule

log = logging.getLogger(__name__)
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
        table, clock, sweep = market.ports.table, market.ports.clock, market.sweep
        relay = Relay(table, clock, rules(market))
        runner = Runner(
            table,
            clock,
            followers=[
                Follower("relay", relay.step, gather_s=0.01),
                Follower("ledger sequencer", partial(market.sequencer.step, TOGETHER), gather_s=0.1),
                Follower("search-indexer", lambda: _indexed(market), gather_s=0.1),
                Follower("figures", partial(market.tally.step, TOGETHER), gather_s=0.25),
            ],
            schedules=[
                Schedule("retry deliveries", 1, relay.retry),
                Schedule("webhooks", 10, sweep.webhooks_due),
                Schedule("payments", 10, sweep.payments_due),
                Schedule("refunds", 20, sweep.refunds_due),
                Schedule("holds", 10, sweep.holds_due),
                Schedule("bookings", 10, sweep.bookings_due),
                Schedule("authorizations", 60, sweep.authorizations_left),
                Schedule("mail", 2, market.notifications.postman.step),
                Schedule("inspections", 1, market.inspections.step),
                Schedule("signing keys", 86_400, lambda: _rotated(market)),
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


async def _indexed(market: App) -> int:
    """Follow the changes into the search index; a damaged one is made anew from what is on offer."""
    try:
        return await market.indexer.follow()
    except IndexDamaged:
        log.exception("the search index is damaged; it is built anew")
        await market.indexer.build_anew()
        return 1


async def _rotated(market: App) -> int:
    """Whether the signing key had served its time and a new one was made."""
    return int(await market.ports.tokens.rotate_when(SIGNING_KEY_LIFE))
