"""What the table does by itself: it removes expired items and forgets old changes, a little at a time."""

from __future__ import annotations

import asyncio
import logging

from ecosystem.adapters.embedded.table_commit import GroupCommit
from ecosystem.adapters.embedded.table_work import Expiry, Pruning
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Key

PERIOD_S = 5.0
# Small steps: each is a share of a commit that other callers wait for.
EXPIRE_STEP = 25
PRUNE_STEP = 200
STEPS_MAX = 200

_log = logging.getLogger(__name__)


class Upkeep:
    """The removal of what is past its time."""

    def __init__(self, commits: GroupCommit, clock: Clock) -> None:
        self._commits = commits
        self._clock = clock
        self.followers: set[Key] = set()

    async def run(self) -> None:
        """Keep the table tidy until cancelled."""
        while True:
            await self._clock.sleep(PERIOD_S)
            try:
                await self.expire(EXPIRE_STEP * STEPS_MAX)
                await self.prune()
            except Unavailable as refused:
                # A full disk or a busy file: the next round tries again.
                _log.warning("upkeep of the table waits", extra={"reason": refused.message})

    async def expire(self, limit: int) -> int:
        """Remove up to `limit` items whose time has come; how many were removed."""
        removed = 0
        while removed < limit:
            step = min(EXPIRE_STEP, limit - removed)
            entries = await self._commits.carry_out(Expiry(step))
            removed += len(entries)
            if len(entries) < step:
                break
            await asyncio.sleep(0)
        return removed

    async def prune(self) -> None:
        """Forget changes that are old and that no named follower waits for, and tokens older than ten minutes."""
        for _ in range(STEPS_MAX):
            pruning = Pruning(PRUNE_STEP, self.followers)
            await self._commits.carry_out(pruning)
            if not pruning.more:
                break
            await asyncio.sleep(0)
