"""Stored events are handed to their reactions; what is refused waits, is tried again, and can be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from ecosystem.contexts import payments as paying
from ecosystem.contexts.payments import Webhook, Webhooks
from ecosystem.journeys.hearing.reach import Reach
from ecosystem.journeys.hearing.reactions import REACTIONS, UNKNOWN, Reaction, RecordOnly
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table

_TICK = timedelta(microseconds=1)

ATTEMPTS_MAX = 8
"""After being refused so often an event waits no longer: a hundred such would hide all others from the sweep."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Acts upon what `Webhooks` stored. An event is a hint: how things stand is asked of the processor."""

    table: Table
    clock: Clock
    webhooks: Webhooks
    reach: Reach

    async def act(self, event_id: str) -> None:
        """Act upon a stored event; one that was acted upon already stays as it is.

        One that is refused `ATTEMPTS_MAX` times has failed: it waits no longer, and is there to be replayed.
        """
        row = await self.webhooks.webhook(event_id)
        if row.value.is_closed:
            return
        try:
            await self._act(row)
        except (Unavailable, Stale):
            raise  # Nothing is known of the event itself: it waits.
        except Refusal as refused:
            give_up = row.value.attempts + 1 >= ATTEMPTS_MAX
            noted = paying.troubled(row, f"{refused.name}: {refused.message}", self.clock.now(), give_up=give_up)
            with suppress(Stale):  # Somebody else had the same trouble at the same time, or none.
                await self.table.transact(noted)
            raise

    async def replay(self, event_id: str, actor: Actor) -> Webhook:
        """Act upon a stored event once more, whatever was made of it before. For operators.

        Raises `NoSuchWebhook`, and what acting upon it is refused for.
        """
        actor.must_operate()
        at = self.clock.now()
        await self.webhooks.replay(event_id, noted(AuditKind.PRIVILEGE, "WebhookRepeated", actor, event_id, at))
        await self.act(event_id)
        return (await self.webhooks.webhook(event_id)).value

    async def stored(self, event_ids: Sequence[str], actor: Actor) -> list[Webhook]:
        """Those of these events that are stored. For operators."""
        actor.must_operate()
        return await self.webhooks.among(event_ids)

    async def waiting(self, actor: Actor, limit: int = 100) -> list[Webhook]:
        """Events that nobody acted upon yet, oldest first. For operators."""
        actor.must_operate()
        # Ends are exclusive: what arrived at this very instant waits too.
        return [row.value for row in await self.webhooks.waiting(self.clock.now() + _TICK, limit)]

    async def unknown(self, actor: Actor, limit: int = 20) -> Sequence[Webhook]:
        """Events of types that stand in no table of ours, the latest first. For operators."""
        actor.must_operate()
        return await self.webhooks.unknown(limit)

    async def _act(self, row: Row[Webhook]) -> None:
        hint, at = row.value.hint, self.clock.now()
        match REACTIONS.get(hint.type):
            case Reaction(act=act):
                await act(self.reach, hint, paying.processed(row, at))
            case RecordOnly(reason=reason):
                await self.table.transact(paying.recorded(row, reason, at))
            case None:
                await self.table.transact(paying.recorded(row, UNKNOWN, at, unknown=True))
