"""Payout accounts: those whom the platform pays out to have an account of their own at the payment processor.

The platform opens the account under an id of ours and sends its owner to the processor's own pages by a link. Who they
are and where they are paid is said there, and never passes here: what comes back is whether money can be paid out, and
in words what stands in the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.ports.listing import Listed


class AccountRefused(Invalid):
    """The payment processor does not open such an account. The same request never will."""


class UnknownAccount(NotFound):
    """The payment processor knows no such account."""


class AccountClosed(Conflict):
    """The payment processor has closed this account for good."""


class NotFilledIn(Conflict):
    """The owner has not said everything yet, so there is nothing to look at."""


class AccountOrder(Struct, frozen=True, kw_only=True):
    """The account that is asked for. The same order twice is one account: `provider_id` is the idempotency key.

    `zone` is the time zone that the owner lives in, by which their country is known; `page` is where their customers
    find them, when there is such a place.
    """

    provider_id: str
    name: str
    email: str = ""
    zone: str = ""
    page: str = ""


class AccountStanding(StrEnum):
    """How an account stands at the processor.

    `incomplete`: the owner has not said everything yet. `verifying`: what they said is looked into. `restricted`: it
    was, and something more is needed. `rejected`: nothing will ever be paid out to it.
    """

    INCOMPLETE = "incomplete"
    VERIFYING = "verifying"
    RESTRICTED = "restricted"
    ACTIVE = "active"
    REJECTED = "rejected"


class CapabilityStanding(StrEnum):
    """Whether an account may do something: yes, not yet, or not."""

    ACTIVE = "active"
    PENDING = "pending"
    INACTIVE = "inactive"


class Urgency(StrEnum):
    """By when something is needed: it is overdue, due now, due later, or looked into already."""

    OVERDUE = "overdue"
    NOW = "now"
    LATER = "later"
    VERIFYING = "verifying"


class Need(Struct, frozen=True, kw_only=True):
    """Something the processor wants of the owner: its name there, what the owner has to do, and by when.

    `trouble` says in words what was wrong with what they gave before.
    """

    name: str
    sentence: str
    urgency: Urgency
    trouble: str = ""


class AccountOutcome(Struct, frozen=True, kw_only=True):
    """An account as the processor knows it now.

    `provider_id` is ours, empty when the account was not opened by us. `reasons` say in words what stands in the way,
    or what will from `due_at` on; `needs` tell each thing that is asked. `bank_last4` are the last digits of the bank
    account that is paid to, `instant` whether it takes payouts at once. `capabilities` are what the account may do, by
    the processor's names: `transfers` is to be paid by us.
    """

    account_id: str
    provider_id: str
    standing: AccountStanding
    reasons: tuple[str, ...] = ()
    due_at: datetime | None = None
    country: str = ""
    bank_last4: str = ""
    currency: str = ""
    instant: bool = False
    capabilities: Mapping[str, CapabilityStanding] = {}
    needs: tuple[Need, ...] = ()
    made_at: datetime | None = None


class AccountLink(Struct, frozen=True, kw_only=True):
    """Where the owner fills in what is missing, or looks: good once, until then."""

    url: str
    expires_at: datetime


class Accounts(Protocol):
    async def open(self, order: AccountOrder) -> AccountOutcome:
        """Open an account, or answer how the one that was opened by the same order stands now.

        Another order under that id raises `IdReused`. Raises `AccountRefused`, `ProcessorSilent`.
        """
        ...

    async def account(self, account_id: str) -> AccountOutcome:
        """How the account stands now. Raises `UnknownAccount`, `ProcessorSilent`."""
        ...

    async def link(self, account_id: str, *, back: str, again: str) -> AccountLink:
        """A link to the processor's pages. They lead `back` when the owner is done, and to `again` for another link.

        Raises `UnknownAccount`, `AccountClosed`, `ProcessorSilent`.
        """
        ...

    async def sign_in(self, account_id: str) -> str:
        """A link to the owner's own pages at the processor, good once and for a short time.

        Raises `UnknownAccount`, `AccountClosed`, `NotFilledIn` while they have not said who they are,
        `ProcessorSilent`.
        """
        ...

    async def accounts(self, *, after: str | None = None) -> Listed[AccountOutcome]:
        """Every account that the platform opened, newest first. Raises `ProcessorSilent`."""
        ...
