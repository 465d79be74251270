"""What the card processor tells of its own accord: each stored event is acted upon, once in effect."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from ecosystem.contexts import payments as paying
from ecosystem.contexts.payments import About, Hint, NoSuchPayment, Payments, Webhook, Webhooks, WebhookState
from ecosystem.journeys.adopting import Adopting
from ecosystem.journeys.payout_accounts import PayoutAccounts
from ecosystem.journeys.refunding import Refunding
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Put, Row, Stale, Table

ACTOR = system("stripe-webhook")
_TICK = timedelta(microseconds=1)

ATTEMPTS_MAX = 8
"""After being refused so often an event waits no longer: a hundred such would hide all others from the sweep."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Acts upon what `Webhooks` stored. An event is a hint: how things stand is asked of the processor."""

    table: Table
    clock: Clock
    cards: Cards
    webhooks: Webhooks
    payments: Payments
    settlement: Settlement
    refunding: Refunding
    adopting: Adopting
    payout_accounts: PayoutAccounts

    async def act(self, event_id: str) -> None:
        """Act upon a stored event; one that was acted upon already stays as it is.

        One that is refused `ATTEMPTS_MAX` times has failed: it waits no longer, and is there to be replayed.
        """
        row = await self.webhooks.webhook(event_id)
        if row.value.state is WebhookState.PROCESSED:
            return
        try:
            await self._act(row, row.value.hint)
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

    async def _act(self, row: Row[Webhook], hint: Hint) -> None:
        done = paying.processed(row, self.clock.now())
        if hint.about is About.CHARGEBACK:
            await self._charged_back(hint, done)
            return
        if hint.about is About.ACCOUNT:
            await self.payout_accounts.hear(hint.subject_id, ACTOR, done)
            return
        if hint.about is About.REFUND:
            outcome = await self.cards.refund_status(hint.subject_id)
            await self.adopting.learn(outcome, hint.booking_id, ACTOR, done)
            return
        if hint.about is About.NOTHING or not (hint.booking_id and hint.payment_id):
            await self.table.transact(done)
            return
        payment = await self.payments.payment(hint.booking_id, hint.payment_id)
        if paying.says_nothing_new(payment.value, hint):
            await self.table.transact(done)
        elif hint.intent_id:
            outcome = await self.cards.payment(hint.intent_id)
            await self.settlement.learn(hint.booking_id, hint.payment_id, outcome, ACTOR, done)
        else:
            raise NoSuchPayment

    async def _charged_back(self, hint: Hint, done: Put) -> None:
        """A chargeback is opened elsewhere and names no id of ours: whose payment it is, the processor tells.

        What it takes is measured by what is left of the payment: first we hear of the money, and of refunds under way.
        """
        outcome = await self.cards.chargeback(hint.subject_id)
        if outcome.booking_id and outcome.payment_id:
            payment = (await self.payments.payment(outcome.booking_id, outcome.payment_id)).value
            if outcome.movements and not payment.took_money:
                stands = await self.cards.payment(outcome.intent_id)
                await self.settlement.learn(outcome.booking_id, outcome.payment_id, stands, ACTOR)
            if outcome.movements:
                await self.refunding.carry_out_all(outcome.booking_id, ACTOR)
            await self.settlement.learn_chargeback(outcome.booking_id, outcome.payment_id, outcome, ACTOR, done)
        else:
            await self.table.transact(done)
