"""What the owner of a bank account is told: that it was added, that it is verified, that it was refused.

These protect the account, so they cannot be switched off: whoever leads money elsewhere is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ecosystem.contexts.bank_accounts import (
    BankAccountAdded,
    BankAccountRefused,
    BankAccounts,
    BankAccountVerified,
    Purpose,
)
from ecosystem.contexts.identity import NoSuchPerson, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.ports.bus import Event


@dataclass(frozen=True, slots=True)
class BankNotices:
    accounts: BankAccounts
    profiles: Profiles
    notifications: Notifications

    TOLD: ClassVar[Mapping[str, Kind]] = {
        BankAccountAdded.__name__: Kind.BANK_ACCOUNT_ADDED,
        BankAccountVerified.__name__: Kind.BANK_ACCOUNT_VERIFIED,
        BankAccountRefused.__name__: Kind.BANK_ACCOUNT_REFUSED,
    }
    """The events of which the owner is told."""

    async def tell(self, event: Event) -> None:
        """Tell the owner; the same event again tells nothing."""
        account = (await self.accounts.row(event.detail["account_id"])).value
        try:
            known = await self.profiles.addressee(account.user_id)
        except NoSuchPerson:
            return
        is_paid = account.purpose is Purpose.PAYOUT
        facts: dict[str, Known] = {"account": account.shown}
        if account.reason:
            facts["reason"] = account.reason
        if is_paid:
            facts["pays_from"] = account.paused_until
        message = Message(
            kind=self.TOLD[event.type],
            audience=Audience.PERSON,
            event_id=event.event_id,
            at=event.at,
            recipient=Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            ),
            facts=facts,
            link=f"{self.notifications.brand.url}/{'provider' if is_paid else 'account'}/bank",
        )
        await self.notifications.tell(message)
