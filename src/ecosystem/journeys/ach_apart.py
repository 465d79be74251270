"""Each thing apart: what is refused in a step of the clearing house holds up nothing else, and asks for a person.

What will pass by itself, because somebody was faster or the other side is silent, is left for the next turn. Anything
else is an exception for operators, once a day for the same thing: it is tried again meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from ecosystem.contexts.ach import REPAIRS, AchException, ExceptionKind, Returns, eastern_day
from ecosystem.journeys.ach_causes import ACTOR
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Stale

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apart:
    clock: Clock
    returns: Returns

    async def each(self, things: Iterable[T], name: Callable[[T], str], act: Callable[[T], Awaitable[object]]) -> int:
        """Do it for each of them; for how many it was done."""
        done = 0
        for thing in things:
            done += await self.one(name(thing), lambda thing=thing: act(thing))
        return done

    async def one(self, name: str, act: Callable[[], Awaitable[object]]) -> bool:
        """Do it; whether it was done. `name` says what it is about, without anything personal."""
        try:
            await act()
        except (Stale, Unavailable) as refused:
            log.info("left for the next turn", extra={"about": name, "refusal": refused.name})
        except Refusal as refused:
            log.warning("refused in the clearing house", extra={"about": name, "refusal": refused.name})
            await self.stuck(name, refused)
        else:
            return True
        return False

    async def stuck(self, name: str, refused: Refusal) -> None:
        """Ask for a person."""
        now = self.clock.now()
        exception = AchException(
            exception_id=f"{eastern_day(now).isoformat()}.{ExceptionKind.STUCK}.{name}",
            kind=ExceptionKind.STUCK,
            repair=f"{REPAIRS[ExceptionKind.STUCK]} {refused.message}",
            raised_at=now,
        )
        await self.returns.raise_(exception, ACTOR)
