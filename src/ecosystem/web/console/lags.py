"""How far what follows the changes is behind them."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.contexts.ledger import Lag
from ecosystem.web.visit import Visit
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.relay import Behind, behind
from ecosystem.workflows.rules import Rules

LATE_S = 30


class Lags(Struct, frozen=True, kw_only=True):
    """The sequencer of the ledger, the relay of events, and the tally of the figures."""

    sequencer: Lag
    relay: Behind
    tally: int

    @property
    def is_late(self) -> bool:
        return max(self.sequencer.seconds, self.relay.seconds) > LATE_S


async def lags(request: Visit) -> Lags:
    """How far each follower is behind."""
    market = request.market
    table, clock = market.ports.table, market.ports.clock
    return Lags(
        sequencer=await market.sequencer.lag(),
        relay=await behind(table, clock, Rules(rules(market))),
        tally=await market.tally.lag(),
    )
