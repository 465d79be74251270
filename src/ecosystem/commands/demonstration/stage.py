"""What every course has at hand."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ecosystem.app import App
from ecosystem.commands.demonstration.agenda import Agenda
from ecosystem.commands.demonstration.desk import Desk
from ecosystem.commands.demonstration.people import Cast
from ecosystem.contexts.catalogue import Service
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Refusal

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stage:
    market: App
    agenda: Agenda
    desk: Desk
    cast: Cast
    services: Sequence[Service]
    refused: Counter[str] = field(default_factory=Counter[str])
    """What people were refused, by name: as in life, they go without."""

    bookings: int = 0

    @property
    def now(self) -> datetime:
        return self.market.ports.clock.now()

    async def tried(self, act: Awaitable[T]) -> T | None:
        """What came of it; None when it was refused: somebody had the time first, or it was too late."""
        try:
            return await act
        except Refusal as refused:
            self.refused[refused.name] += 1
            log.debug("refused", extra={"refusal": refused.name, "reason": refused.message})
            return None


def provider(owner_id: str) -> Actor:
    return Actor(actor_id=owner_id, groups=(Group.CUSTOMERS, Group.PROVIDERS))
