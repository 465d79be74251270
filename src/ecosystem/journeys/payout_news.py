"""What a provider is told of their payouts: that one is on its way, there, or back, and that they are paused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.identity import NoSuchPerson, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.contexts.payouts import (
    PausedBy,
    PayoutBook,
    PayoutFailed,
    PayoutMoving,
    PayoutPaid,
    PayoutReturned,
    PayoutSent,
    PayoutsPaused,
    Rail,
)
from ecosystem.ports.bus import Event


@dataclass(frozen=True, slots=True)
class PayoutNewsTelling:
    book: PayoutBook
    providers: Providers
    profiles: Profiles
    notifications: Notifications

    TOLD: ClassVar[dict[str, Kind]] = {
        PayoutSent.__name__: Kind.PAYOUT_SENT,
        PayoutMoving.__name__: Kind.PAYOUT_SENT,
        PayoutPaid.__name__: Kind.PAYOUT_PAID,
        PayoutFailed.__name__: Kind.PAYOUT_FAILED,
        PayoutReturned.__name__: Kind.PAYOUT_FAILED,
        PayoutsPaused.__name__: Kind.PAYOUTS_PAUSED,
    }
    """The events of which a provider is told."""

    async def tell(self, event: Event) -> None:
        """Tell the provider; the same event again tells nothing."""
        detail = event.detail
        facts: dict[str, Known] | None
        facts = self._of_pause(event) if event.type == PayoutsPaused.__name__ else await self._of_payout(event)
        if facts is None:
            return
        provider = (await self.providers.load(detail["provider_id"])).value
        if provider.owner_id is None:
            return
        try:
            known = await self.profiles.addressee(provider.owner_id)
        except NoSuchPerson:
            return
        message = Message(
            kind=self.TOLD[event.type],
            audience=Audience.PROVIDER,
            event_id=event.event_id,
            at=event.at,
            recipient=Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            ),
            facts={"provider": provider.name, **facts},
            link=f"{self.notifications.brand.url}/provider/payouts",
        )
        await self.notifications.tell(message)

    def _of_pause(self, event: Event) -> dict[str, Known] | None:
        """A failed payout tells of the pause by itself, and what its owner pauses they know."""
        if event.detail["by"] != PausedBy.OPERATOR:
            return None
        return {"reason": event.detail["reason"]}

    async def _of_payout(self, event: Event) -> dict[str, Known] | None:
        payout = (await self.book.row(event.detail["payout_id"])).value
        # Through the processor money is on its way once the account's own payout is; in a file, once it is built.
        begins = PayoutSent if payout.rail is Rail.ACH else PayoutMoving
        if self.TOLD[event.type] is Kind.PAYOUT_SENT and event.type != begins.__name__:
            return None
        failed = self.TOLD[event.type] is Kind.PAYOUT_FAILED
        facts: dict[str, Known] = {"amount": payout.amount if failed else payout.net}
        if event.detail.get("reason"):
            facts["reason"] = event.detail["reason"]
        if payout.expected_at:
            facts["expected_at"] = payout.expected_at
        return facts
