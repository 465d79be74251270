"""What executions wait for: the token of a step that goes on when something happens, kept until then.

The function that a step calls with a token keeps it under the matter, and then looks whether what is waited for has
happened already; if so it answers by itself. What happens later, `workflow-orchestrator` hears of and answers. So
whichever comes first, nothing is waited for in vain.

An execution waits for one thing at a time, and is named after its matter: one item is enough, and the next wait
replaces it. An answered one is left to expire; its token answers nothing any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ecosystem.ports.table import Key, Put, Stored, Table
from ecosystem.ports.workflows import TaskNotAwaited, TokenUnfit, Workflows


class Wait(Stored, frozen=True, kw_only=True):
    """A step that waits for the first event of one of these types about the matter."""

    entity: ClassVar[str] = "wait"

    matter: str
    types: tuple[str, ...]
    token: str


def wait_key(matter: str) -> Key:
    """Access: the step that waits for something to happen to a matter."""
    return Key(f"WAIT#{matter}", "METADATA")


def waiting(matter: str, token: str, types: Sequence[str], *, until: datetime) -> Put:
    """The write that keeps a step's token for whichever of these events comes first. `until` is when it gives up."""
    wait = Wait(matter=matter, types=tuple(types), token=token)
    return Put(key=wait_key(matter), value=wait, expires_at=until)


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers steps that wait, once something has happened."""

    table: Table
    workflows: Workflows

    async def answer(self, matter: str, kind: str, output: Any) -> bool:
        """Answer the step that waits for an event of that type about the matter; whether one did."""
        row = await self.table.get(wait_key(matter), Wait)
        if row is None or kind not in row.value.types:
            return False
        return await self.succeed(row.value.token, output)

    async def succeed(self, token: str, output: Any) -> bool:
        """Answer a step. One that waits no longer was answered before, or its time has passed: that is no mistake."""
        with suppress(TaskNotAwaited, TokenUnfit):
            await self.workflows.succeed(token, output)
            return True
        return False
