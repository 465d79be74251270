"""What executions wait for: the token of a step that goes on when something happens, kept until it does.

The function that a step calls with a token keeps it under the matter and the event it waits for, then looks whether that
has happened already: what happens later, `workflow-orchestrator` hears of and answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ecosystem.ports.bus import Event
from ecosystem.ports.table import Delete, Key, Put, Row, Stored, Table
from ecosystem.ports.workflows import TaskNotAwaited, TokenUnfit, Workflows

PAGE = 100


class Wait(Stored, frozen=True, kw_only=True):
    """A step that waits for an event of that type about the matter."""

    entity: ClassVar[str] = "wait"

    matter: str
    type: str
    token: str


def wait_key(matter: str, kind: str, token: str) -> Key:
    """Access: the steps that wait for one type of event about one matter, by the prefix of the type."""
    digest = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Key(f"WAIT#{matter}", f"{kind}#{digest}")


def waiting(matter: str, token: str, types: Sequence[str], *, until: datetime) -> list[Put]:
    """The writes that keep a step's token for whichever of these events comes first. `until` is when it gives up."""
    return [
        Put(
            key=wait_key(matter, kind, token),
            value=Wait(matter=matter, type=kind, token=token),
            expires_at=until,
        )
        for kind in types
    ]


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers steps that wait, once something has happened."""

    table: Table
    workflows: Workflows

    async def answer(self, matter: str, event: Event) -> int:
        """Answer whoever waits for this event about the matter: its result is type and detail. How many did."""
        found = await self.waiting_for(matter, event.type)
        for row in found:
            await self.succeed(row, {"type": event.type, "detail": event.detail})
        return len(found)

    async def waiting_for(self, matter: str, kind: str) -> Sequence[Row[Wait]]:
        """The steps that wait for an event of that type about the matter."""
        return (await self.table.query(f"WAIT#{matter}", Wait, prefix=f"{kind}#", limit=PAGE)).rows

    async def succeed(self, row: Row[Wait], output: Any) -> None:
        """Answer one step; one that waits no longer is forgotten all the same."""
        # Another event may have answered it, or its time has passed.
        with suppress(TaskNotAwaited, TokenUnfit):
            await self.workflows.succeed(row.value.token, output)
        await self.table.transact(Delete(key=row.key))
