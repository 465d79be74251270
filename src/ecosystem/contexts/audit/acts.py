"""Acts that nothing else tells of, noted by themselves: reading what is masked, exporting, using a key."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.kernel.actor import Actor
from ecosystem.ports.audit import Act, AuditKind, record
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.table import Put, Table


@dataclass(frozen=True, slots=True)
class Acts:
    table: Table
    clock: Clock
    entropy: Entropy

    def told(self, kind: AuditKind, action: str, actor: Actor, subject: str, **detail: str | int) -> Put:
        """The write that makes this act an entry, for the commit that carries it out."""
        at = self.clock.now()
        return record(
            Act(
                act_id=mint("act", at, self.entropy),
                kind=kind,
                action=action,
                actor=actor,
                subject=subject,
                at=at,
                detail=detail,
            )
        )

    async def note(self, kind: AuditKind, action: str, actor: Actor, subject: str, **detail: str | int) -> None:
        """Commit the act by itself, before what it allows is done: nothing is shown or used that is not noted."""
        await self.table.transact(self.told(kind, action, actor, subject, **detail))
