"""Payout accounts: where a provider is paid, as far as we know it. The account itself is at the payment processor.

A provider has one at most. It begins as a request, committed before the processor is asked; what the processor says
of it afterwards moves it to any state, since a verification may be taken back:

| the processor says | the payout account becomes |
| --- | --- |
| nothing yet | `requested` |
| `incomplete`, `verifying` | `pending` |
| `restricted` | `restricted` |
| `active` | `active` |
| `rejected` | `rejected`, for good |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.events import PayoutAccountChanged, PayoutAccountRequested
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, NotFound
from ecosystem.ports.accounts import AccountOrder, AccountOutcome, AccountStanding, CapabilityStanding
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Index, Put, Row, Stale, Stored, Table, Write


class NoPayoutAccount(NotFound):
    """No payout account was asked for yet."""


class OtherPayoutAccount(Conflict):
    """This news is about another payout account than the one that was asked for."""


class PayoutAccountChanging(Stale):
    """The payout account changed meanwhile."""


class PayoutState(StrEnum):
    """Whether a provider can be paid out to. One without an account has the state `none`."""

    NONE = "none"
    REQUESTED = "requested"
    PENDING = "pending"
    RESTRICTED = "restricted"
    ACTIVE = "active"
    REJECTED = "rejected"


_ACTIVE = CapabilityStanding.ACTIVE
_STATE = {
    AccountStanding.INCOMPLETE: PayoutState.PENDING,
    AccountStanding.VERIFYING: PayoutState.PENDING,
    AccountStanding.RESTRICTED: PayoutState.RESTRICTED,
    AccountStanding.ACTIVE: PayoutState.ACTIVE,
    AccountStanding.REJECTED: PayoutState.REJECTED,
}


_NO_TRANSFERS = "The payment processor takes nothing in for your account now. Its page says what is needed."
_ENDED = "You ended our access to your account at the payment processor. Connect it again to be paid."


class PayoutAccount(Stored, frozen=True, kw_only=True):
    """One provider's payout account. `order` is what was asked of the processor, the same each time.

    `reasons` say in words what stands in the way, or what will from `due_at` on; `verifying` that the owner has said
    everything and waits. `bank_last4` are the last digits of the bank account that is paid to.
    """

    entity: ClassVar[str] = "payout-account"

    provider_id: str
    order: AccountOrder
    state: PayoutState = PayoutState.REQUESTED
    account_id: str = ""
    reasons: tuple[str, ...] = ()
    verifying: bool = False
    due_at: datetime | None = None
    country: str = ""
    bank_last4: str = ""
    requested_at: datetime
    changed_at: datetime

    @property
    def is_lost(self) -> bool:
        """Whether its owner ended what we may do with it."""
        return self.reasons == (_ENDED,)

    @property
    def needs_its_owner(self) -> bool:
        """Whether its owner has something to do on the processor's pages."""
        return self.state in {PayoutState.RESTRICTED, PayoutState.REQUESTED} or (
            self.state is PayoutState.PENDING and not self.verifying
        )


def requested_payout_account(order: AccountOrder, at: datetime) -> PayoutAccount:
    """Decide the request, to be committed before the processor is asked."""
    return PayoutAccount(provider_id=order.provider_id, order=order, requested_at=at, changed_at=at)


def settled_payout_account(known: PayoutAccount, outcome: AccountOutcome, at: datetime) -> PayoutAccount:
    """The payout account after news of it; the very same value when it says nothing new. Raises `OtherPayoutAccount`."""
    if outcome.provider_id != known.provider_id or known.account_id not in {"", outcome.account_id}:
        raise OtherPayoutAccount
    state, reasons = _STATE[outcome.standing], outcome.reasons
    if state is PayoutState.ACTIVE and outcome.capabilities.get("transfers", _ACTIVE) is not _ACTIVE:
        # It could pay its bank what it has, and takes nothing from us.
        state, reasons = PayoutState.RESTRICTED, reasons or (_NO_TRANSFERS,)
    after = replace(
        known,
        state=state,
        account_id=outcome.account_id,
        reasons=reasons,
        verifying=outcome.standing is AccountStanding.VERIFYING,
        due_at=outcome.due_at,
        country=outcome.country,
        bank_last4=outcome.bank_last4,
    )
    return known if after == known else replace(after, changed_at=at)


def lost_payout_account(known: PayoutAccount, at: datetime) -> PayoutAccount:
    """The payout account whose owner ended what we may do with it: nothing is paid out until they let us again."""
    if known.state is PayoutState.REJECTED:
        return known
    after = replace(known, state=PayoutState.RESTRICTED, reasons=(_ENDED,), verifying=False, due_at=None)
    return known if after == known else replace(after, changed_at=at)


def payout_account_made(known: PayoutAccount, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new payout account. `PayoutAccountChanging` when the provider has one: then load it."""
    return [
        Put(
            key=keys.payout_account(known.provider_id),
            value=known,
            expected=ABSENT,
            otherwise=PayoutAccountChanging(),
        ),
        announce(
            PayoutAccountRequested(provider_id=known.provider_id),
            aggregate=keys.payout_account_timeline(known.provider_id),
            sequence=1,
            actor=actor,
            at=at,
        ),
    ]


def payout_account_becomes(row: Row[PayoutAccount], after: PayoutAccount, actor: Actor, at: datetime) -> list[Write]:
    """The writes of its change, with the event it makes; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    index = {Index.SLUG: keys.payout_account_named(after.account_id)} if after.account_id else {}
    put = Put(key=row.key, value=after, index=index, expected=row.unchanged, otherwise=PayoutAccountChanging())
    fact = PayoutAccountChanged(
        provider_id=after.provider_id, state=after.state, was=before.state, reasons=list(after.reasons)
    )
    timeline = keys.payout_account_timeline(after.provider_id)
    previous = {"state": before.state.value, "reasons": list(before.reasons)}
    told = announce(fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=at, previous=previous)
    return [put, told]


@dataclass(frozen=True, slots=True)
class PayoutAccountBook:
    """Finds payout accounts. What changes them is decided above and committed by journeys."""

    table: Table

    async def of(self, provider_id: str) -> Row[PayoutAccount] | None:
        """The provider's payout account, if one was asked for."""
        return await self.table.get(keys.payout_account(provider_id), PayoutAccount)

    async def named(self, account_id: str) -> PayoutAccount | None:
        """The payout account that the processor knows under that id. From an index: a moment behind."""
        key = keys.payout_account_named(account_id)
        page = await self.table.query(key.partition, PayoutAccount, index=Index.SLUG, limit=1)
        return page.values[0] if page.rows else None
