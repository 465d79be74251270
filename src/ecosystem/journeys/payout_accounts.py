"""Where providers are paid: their accounts at the payment processor, from the request until money can be paid out.

The step `request` is safe to repeat: the machine that brings a provider in calls it, and so does the provider who asks
for it first. What becomes of the account is learned from the processor's events, which are hints, and by asking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts import payments as paying
from ecosystem.contexts.catalogue import EditedMeanwhile, Provider, Providers
from ecosystem.contexts.identity import NoSuchPerson, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.contexts.payments import (
    NoPayoutAccount,
    PayoutAccount,
    PayoutAccountBook,
    PayoutAccountChanged,
    PayoutState,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.accounts import AccountClosed, AccountLink, AccountOrder, AccountOutcome, Accounts, UnknownAccount
from ecosystem.ports.bus import Event
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table, Write

ATTEMPTS_MAX = 5

_NEWS = {
    PayoutState.ACTIVE: Kind.PAYOUTS_READY,
    PayoutState.RESTRICTED: Kind.PAYOUTS_RESTRICTED,
    PayoutState.REJECTED: Kind.PAYOUTS_REJECTED,
}


class NotYourPayouts(Conflict):
    """Somebody has to claim this provider before payouts can be set up."""


class Payouts(Struct, frozen=True, kw_only=True):
    """Whether a provider can be paid out to, as they are shown it. `account` is None while none was asked for."""

    provider: Provider
    account: PayoutAccount | None

    @property
    def state(self) -> PayoutState:
        return self.account.state if self.account else PayoutState.NONE

    @property
    def reasons(self) -> Sequence[str]:
        return self.account.reasons if self.account else ()

    @property
    def may_be_filled_in(self) -> bool:
        """Whether there is something for the owner to do on the processor's pages."""
        return self.account is None or self.account.needs_its_owner


@dataclass(frozen=True, slots=True)
class PayoutAccounts:
    table: Table
    clock: Clock
    accounts: Accounts
    providers: Providers
    profiles: Profiles
    book: PayoutAccountBook
    notifications: Notifications

    TOLD: ClassVar[frozenset[str]] = frozenset({PayoutAccountChanged.__name__})
    """The events of which the provider is told."""

    async def request(self, provider_id: str, actor: Actor) -> PayoutAccount:
        """Have a payout account opened, once per provider: a repeatable step, `stripe-connect` calls it.

        Raises `ProviderUnknown`, `Denied`, `NotYourPayouts`, `AccountRefused`, `ProcessorSilent`: then try again later.
        """
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        known = await self.book.of(provider_id)
        if known is None:
            known = await self._intended(provider, actor)
        if known.value.account_id:
            return known.value
        order = known.value.order
        return await self._learned(provider_id, lambda: self.accounts.open(order), actor)

    async def ask(self, provider_id: str, actor: Actor) -> PayoutAccount:
        """Ask the processor how the account stands. Raises `NoPayoutAccount`, `ProcessorSilent`."""
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        known = await self.book.of(provider_id)
        if known is None:
            raise NoPayoutAccount
        if not known.value.account_id:
            return await self.request(provider_id, actor)
        account_id = known.value.account_id
        return await self._learned(provider_id, lambda: self.accounts.account(account_id), actor)

    async def hear(self, account_id: str, actor: Actor, *also: Write) -> PayoutAccount | None:
        """Take in what an event points at: the account's present state is fetched. None when it is not one of ours."""
        try:
            outcome = await self.accounts.account(account_id)
        except (UnknownAccount, AccountClosed):
            return await self._lost(account_id, actor, *also)
        if not outcome.provider_id or await self.book.of(outcome.provider_id) is None:
            if also:
                await self.table.transact(*also)
            return None
        # Asked once more below, with our own account read before: else older news could be written over newer.
        return await self._learned(outcome.provider_id, lambda: self.accounts.account(account_id), actor, *also)

    async def _lost(self, account_id: str, actor: Actor, *also: Write) -> PayoutAccount | None:
        """We may not even look at the account any more: its owner ended that."""
        known = await self.book.named(account_id)
        for left in reversed(range(ATTEMPTS_MAX)):
            row = await self.book.of(known.provider_id) if known else None
            if row is None or row.value.account_id != account_id:
                if also:
                    await self.table.transact(*also)
                return None
            at = self.clock.now()
            after = paying.lost_payout_account(row.value, at)
            provider = await self.providers.load(row.value.provider_id)
            changed = paying.payout_account_becomes(row, after, actor, at)
            try:
                if changed or also:
                    await self.table.transact(*changed, *self.providers.payout_becomes(provider, after.state), *also)
            except (Stale, EditedMeanwhile):
                if not left:
                    raise
                continue
            return after
        raise AssertionError

    async def link(self, provider_id: str, actor: Actor, *, back: str, again: str) -> AccountLink:
        """Where the owner fills in what is missing, having asked for an account if need be.

        Raises `AccountClosed`, and what `request` raises.
        """
        account = await self.request(provider_id, actor)
        return await self.accounts.link(account.account_id, back=back, again=again)

    async def renewed_link(self, provider_id: str, actor: Actor, *, back: str, again: str) -> AccountLink:
        """The same for an account that is there already: nothing is opened. Raises `NoPayoutAccount` otherwise."""
        known = (await self.of(provider_id, actor)).account
        if known is None or not known.account_id:
            raise NoPayoutAccount
        return await self.link(provider_id, actor, back=back, again=again)

    async def of(self, provider_id: str, actor: Actor) -> Payouts:
        """How it stands, for the owner and for operators, as far as we know. Raises `ProviderUnknown`, `Denied`."""
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        row = await self.book.of(provider_id)
        return Payouts(provider=provider, account=row.value if row else None)

    async def tell(self, event: Event) -> None:
        """Tell the provider that money can be paid out to them, or what keeps it; the same event again tells nothing."""
        kind = _NEWS.get(PayoutState(event.detail["state"]))
        if kind is None or event.detail["state"] == event.detail["was"]:
            return
        provider = (await self.providers.load(event.detail["provider_id"])).value
        if provider.owner_id is None:
            return
        try:
            known = await self.profiles.addressee(provider.owner_id)
        except NoSuchPerson:
            return
        facts: dict[str, Known] = {"provider": provider.name}
        if event.detail["reasons"]:
            facts["reason"] = " ".join(event.detail["reasons"])
        message = Message(
            kind=kind,
            audience=Audience.PROVIDER,
            event_id=event.event_id,
            at=event.at,
            recipient=Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            ),
            facts=facts,
            link=f"{self.notifications.brand.url}/provider/payouts",
        )
        await self.notifications.tell(message)

    async def _intended(self, provider: Provider, actor: Actor) -> Row[PayoutAccount]:
        """The request, committed before the processor is asked; the one that is there, if somebody was faster."""
        order = await self._order(provider)
        at = self.clock.now()
        with_provider = self.providers.payout_becomes(
            await self.providers.load(provider.provider_id), PayoutState.REQUESTED
        )
        try:
            await self.table.transact(
                *paying.payout_account_made(paying.requested_payout_account(order, at), actor, at), *with_provider
            )
        except (Stale, EditedMeanwhile):
            if await self.book.of(provider.provider_id) is None:
                raise
        row = await self.book.of(provider.provider_id)
        assert row
        return row

    async def _order(self, provider: Provider) -> AccountOrder:
        if provider.owner_id is None:
            raise NotYourPayouts
        owner = await self.profiles.addressee(provider.owner_id)
        url = self.notifications.brand.url
        return AccountOrder(
            provider_id=provider.provider_id,
            name=provider.name,
            email=owner.email,
            zone=provider.location.zone if provider.location else owner.zone,
            # Where customers find them. A processor takes only addresses that the world can reach.
            page=f"{url}/providers/{provider.slug}" if url.startswith("https:") else "",
        )

    async def _learned(
        self,
        provider_id: str,
        ask: Callable[[], Awaitable[AccountOutcome]],
        actor: Actor,
        *also: Write,
    ) -> PayoutAccount:
        """The account after the processor's news, which is fetched anew when somebody else was faster."""
        for left in reversed(range(ATTEMPTS_MAX)):
            row = await self.book.of(provider_id)
            if row is None:
                raise NoPayoutAccount
            outcome = await ask()
            at = self.clock.now()
            after = paying.settled_payout_account(row.value, outcome, at)
            provider = await self.providers.load(provider_id)
            writes = [
                *paying.payout_account_becomes(row, after, actor, at),
                *self.providers.payout_becomes(provider, after.state),
                *also,
            ]
            try:
                if writes:
                    await self.table.transact(*writes)
            except (Stale, EditedMeanwhile):
                if not left:
                    raise
                continue
            return after
        raise AssertionError
