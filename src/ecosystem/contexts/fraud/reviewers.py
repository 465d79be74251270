"""Who may decide cases: operators who were trained for it, and whose training is not too long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.events import ReviewerSet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Stored, Table

TRAINING_LIFE = timedelta(days=365)
SHOWN_MAX = 200


class NotTrained(Denied):
    """Deciding cases is for operators who are trained for it. Another operator can say that you are, under Reviewers."""


class Reviewer(Stored, frozen=True, kw_only=True):
    """An operator who was said to be trained, until when, and by whom."""

    entity: ClassVar[str] = "fraud_reviewer"

    operator_id: str
    trained: bool
    set_at: datetime
    set_by: str
    until: datetime

    def may_decide(self, at: datetime) -> bool:
        return self.trained and at < self.until


@dataclass(frozen=True, slots=True)
class Reviewers:
    table: Table
    clock: Clock

    async def all(self, actor: Actor) -> list[Reviewer]:
        """Everybody who was ever said to be trained or not. For operators."""
        actor.must_operate()
        page = await self.table.query(keys.reviewer("").partition, Reviewer, limit=SHOWN_MAX)
        return page.values

    async def may_decide(self, actor: Actor) -> bool:
        """Whether this actor may decide cases now."""
        if not actor.is_operator or actor.impersonator is not None:
            return False
        row = await self.table.get(keys.reviewer(actor.actor_id), Reviewer)
        return row is not None and row.value.may_decide(self.clock.now())

    async def must_decide(self, actor: Actor) -> None:
        """Pass for trained operators. Raises `NotTrained`."""
        if not await self.may_decide(actor):
            raise NotTrained

    async def set(self, operator_id: str, actor: Actor, *, trained: bool) -> Reviewer:
        """Say that an operator is trained, for a year, or is not any more. Operators only; it is an event."""
        actor.must_operate()
        row = await self.table.get(keys.reviewer(operator_id), Reviewer)
        at = self.clock.now()
        after = Reviewer(
            operator_id=operator_id,
            trained=trained,
            set_at=at,
            set_by=actor.actor_id,
            until=at + TRAINING_LIFE if trained else at,
        )
        await self.table.transact(
            Put(key=keys.reviewer(operator_id), value=after, expected=row.unchanged if row else ABSENT),
            announce(
                ReviewerSet(operator_id=operator_id, trained=trained),
                aggregate=keys.reviewer_timeline(operator_id),
                sequence=row.version + 1 if row else 1,
                actor=actor,
                at=at,
                previous={"trained": row.value.trained if row else False},
            ),
        )
        return after
