"""How payouts stand for a provider: what is on the balance, what of it can go out, when, where to, and what hinders it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from ecosystem.contexts import payouts as paying
from ecosystem.contexts.catalogue import Provider, Providers
from ecosystem.contexts.identity import NoSuchPerson, Profiles
from ecosystem.contexts.ledger import Ledger, NoSuchAccount, Statements, chart
from ecosystem.contexts.payouts import (
    Destination,
    Disposable,
    PayoutBook,
    PayoutPlan,
    PayoutPlans,
    PayoutRuleBook,
    PayoutRules,
    Rail,
    Released,
    Reserve,
)
from ecosystem.journeys.payout_destinations import Destinations, NoDestination
from ecosystem.journeys.payout_holds import hold
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, currencies, zero
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock

LINES = 200
PAGES_MAX = 25
OPEN_MAX = 200


class Funds(Struct, frozen=True, kw_only=True):
    """Where a provider stands in one currency: what is on the balance, and what of it can go out.

    `under_way` is what payouts carry that have not ended. `minimum` is the least that goes out.
    """

    currency: str
    disposable: Disposable
    under_way: Money
    minimum: Money
    instant_fee: Money | None

    @property
    def available(self) -> Money:
        return self.disposable.available

    @property
    def goes_out(self) -> bool:
        """Whether it is enough for a payout."""
        return bool(self.available) and self.minimum <= self.available


class Outlook(Struct, frozen=True, kw_only=True):
    """How payouts stand for a provider. `hindered` says in words what keeps them from going out; empty: nothing does.

    `held` is what of that holds up those too that were intended before.
    """

    provider: Provider
    zone: str
    plan: PayoutPlan
    plan_version: int
    rules: PayoutRules
    reserve: Reserve
    destination: Destination | None
    held: str
    hindered: str
    funds: Sequence[Funds]

    def of(self, currency: str) -> Funds | None:
        return next((each for each in self.funds if each.currency == currency), None)


@dataclass(frozen=True, slots=True)
class Outlooks:
    """For the owner of a provider, and for operators. Raises `ProviderUnknown`, `Denied`."""

    clock: Clock
    providers: Providers
    profiles: Profiles
    ledger: Ledger
    statements: Statements
    book: PayoutBook
    plans: PayoutPlans
    rules: PayoutRuleBook
    destinations: Destinations
    cards: Cards

    async def of(self, provider_id: str, actor: Actor, *, currency: str = "") -> Outlook:
        """How payouts stand; `currency`, if named, stands first among the funds and is always there."""
        provider = await self.own(provider_id, actor)
        row, zone, at = await self.plans.find(provider_id), await self.zone_of(provider), self.clock.now()
        plan = row.value if row else paying.first_plan(provider_id, zone, at)
        rules = await self.rules.current()
        reserve = plan.reserve or rules.reserve_for(provider.created_at, at)
        destination, hindered = await self._destination(plan)
        positions = await self._units(provider_id)
        under_way = await self._under_way(provider_id)
        names: set[str] = {*positions, *under_way} | ({currency} if currency else set())
        known = sorted(names, key=lambda name: (name != currency, name))
        funds = [
            await self._funds(provider_id, name, positions.get(name, 0), plan, rules, reserve, under_way, at)
            for name in known
        ]
        held = hold(plan, provider.status)
        return Outlook(
            provider=provider,
            zone=zone,
            plan=plan,
            plan_version=row.version if row else 0,
            rules=rules,
            reserve=reserve,
            destination=destination,
            held=held,
            hindered=held or hindered,
            funds=funds,
        )

    async def own(self, provider_id: str, actor: Actor) -> Provider:
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        return provider

    async def held(self, provider_id: str, actor: Actor) -> str:
        """What holds payouts up that were intended already, in words; empty: nothing does."""
        provider, row = await self.own(provider_id, actor), await self.plans.find(provider_id)
        return hold(row.value if row else None, provider.status)

    def step(self, currency: str) -> int:
        """What every payout in the currency is a multiple of, in minor units: as the processor counts it."""
        return self.cards.step(currency).minor

    async def zone_of(self, provider: Provider) -> str:
        """The zone in which a provider lives by the calendar: that of their place, else of their owner."""
        if provider.location:
            return provider.location.zone
        try:
            return (await self.profiles.addressee(provider.owner_id)).zone if provider.owner_id else "UTC"
        except NoSuchPerson:
            return "UTC"

    async def _destination(self, plan: PayoutPlan) -> tuple[Destination | None, str]:
        try:
            return await self.destinations.of(plan), ""
        except NoDestination as no:
            return None, no.message

    async def _units(self, provider_id: str) -> dict[str, int]:
        accounts = {name: chart.provider(provider_id, name) for name in currencies()}
        positions = await self.ledger.positions(list(accounts.values()))
        return {name: positions[key].balances.net for name, key in accounts.items() if key in positions}

    async def _under_way(self, provider_id: str) -> dict[str, Money]:
        found: dict[str, Money] = {}
        page = await self.book.of_provider(provider_id, limit=OPEN_MAX)
        for payout in page.values:
            if payout.is_open:
                currency = payout.amount.currency
                found[currency] = found.get(currency, zero(currency)) + payout.amount
        return found

    async def _funds(
        self,
        provider_id: str,
        currency: str,
        units: int,
        plan: PayoutPlan,
        rules: PayoutRules,
        reserve: Reserve,
        under_way: dict[str, Money],
        at: datetime,
    ) -> Funds:
        releases = await self._released(provider_id, currency, reserve, at) if units > 0 else []
        found = paying.disposable(units, releases, reserve, currency, at, step=self.step(currency))
        own = plan.minimum if plan.minimum and plan.minimum.currency == currency else zero(currency)
        return Funds(
            currency=currency,
            disposable=found,
            under_way=under_way.get(currency, zero(currency)),
            minimum=max(own, rules.minimum(currency), key=lambda each: each.minor),
            instant_fee=rules.instant_fee(found.available) if plan.rail is Rail.STRIPE else None,
        )

    async def _released(self, provider_id: str, currency: str, reserve: Reserve, at: datetime) -> list[Released]:
        """What was released so lately that a part of it is kept back."""
        if not reserve.share_bps:
            return []
        found: list[Released] = []
        after = None
        for _ in range(PAGES_MAX):
            try:
                page = await self.statements.account(
                    chart.provider(provider_id, currency), start_at=reserve.since(at), after=after, limit=LINES
                )
            except NoSuchAccount:
                return []
            found += [
                Released(amount=Money(line.posted, currency), at=line.transfer.at)
                for line in page.lines
                if line.transfer.code == chart.TransferCode.RELEASE_PROVIDER and not line.is_debit
            ]
            after = page.next
            if after is None:
                break
        return found
