"""Reactions to what is told of payout accounts, and of cards that are kept."""

from __future__ import annotations

from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payments import Hint, PayoutState
from ecosystem.journeys.hearing.reach import ACTOR, Reach
from ecosystem.ports.table import Put


async def settle_account(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the payout account stands: what is missing, whether it can be paid, to which bank account."""
    await reach.payout_accounts.hear(hint.account_id or hint.subject_id, ACTOR, done)


async def settle_access(reach: Reach, hint: Hint, done: Put) -> None:
    """The same; an account that we may not look at any more is not paid out to, and operators are told."""
    account_id = hint.account_id or hint.subject_id
    account = await reach.payout_accounts.hear(account_id, ACTOR)
    if account and account.is_lost:
        assert account.state is PayoutState.RESTRICTED
        event_id = f"{account_id}:lost:{account.changed_at.isoformat()}"
        await reach.alarms.of_provider(Kind.ACCOUNT_LOST, account.provider_id, event_id, account.changed_at)
    await reach.table.transact(done)


async def look_at_cards(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the processor knows the cards of whoever keeps this one: renewed, or kept no more."""
    if hint.card_id:
        await reach.card_keeping.look_at(hint.card_id, ACTOR)
    await reach.table.transact(done)
