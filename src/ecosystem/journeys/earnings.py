"""What a provider earned: what is theirs, what is held for them until the service is done, and why.

Every amount is read from the ledger; bookings only say what an amount is for and when it is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingGone, Bookings, BookingStatus
from ecosystem.contexts.catalogue import Provider, Providers
from ecosystem.contexts.ledger import Ledger, Line, Mark, NoSuchAccount, Statements, chart
from ecosystem.kernel import rates
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, currencies, zero
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor

HELD_SINCE = timedelta(days=45)
"""How long ago a booking may have begun whose money is still held: disputes end within five weeks of the service."""

PAGE = 200
PAGES_MAX = 10
EXPORT_MAX = 10_000
_HOLDING = frozenset(
    {BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.NO_SHOW, BookingStatus.DISPUTED}
)


class Balance(Struct, frozen=True, kw_only=True):
    """Where a provider stands in one currency. `units` of what is theirs, in minor units, may be below nothing."""

    currency: str
    units: int
    held: Money

    @property
    def money(self) -> Money:
        """What is theirs, or owed by them: the sign apart."""
        return Money(abs(self.units), self.currency)

    @property
    def owes(self) -> bool:
        return self.units < 0


class Release(Struct, frozen=True, kw_only=True):
    """A provider's share that is still held: for which booking, and when it is released if nobody objects.

    `at` is None while the booking is disputed: then a decision is waited for.
    """

    booking: Booking
    share: Money
    at: datetime | None


class Summary(Struct, frozen=True, kw_only=True):
    """A balance for each currency in which anything was earned or is held, and what is held, the next release first."""

    balances: Sequence[Balance]
    releases: Sequence[Release]


class Entry(Struct, frozen=True, kw_only=True):
    """A line of the statement with what it is about; `booking` is None when that is not a booking of theirs."""

    line: Line
    booking: Booking | None


class Account(Struct, frozen=True, kw_only=True):
    """A page of a provider's statement in one currency, newest first."""

    currency: str
    entries: Sequence[Entry]
    next: Mark | None


def share_left(booking: Booking, held_units: int) -> Money:
    """The provider's part of what is still in escrow for the booking."""
    gone = booking.lines.total.minor - held_units
    currency = booking.lines.currency
    if not 0 <= gone <= booking.lines.total.minor:
        return zero(currency)
    return rates.remaining(booking.lines, booking.rates, Money(gone, currency)).provider_share


def released_at(booking: Booking) -> datetime | None:
    """When the money goes to the provider if nobody objects; None while that is disputed."""
    return None if booking.status is BookingStatus.DISPUTED else booking.completes_at


@dataclass(frozen=True, slots=True)
class Earnings:
    """For the owner of a provider. Each act raises `ProviderUnknown`, `Denied`."""

    clock: Clock
    providers: Providers
    bookings: Bookings
    ledger: Ledger
    statements: Statements

    async def summary(self, provider_id: str, actor: Actor, *, currency: str) -> Summary:
        """What is theirs and what is held; `currency` stands first among the balances, and is always there."""
        provider = await self._own(provider_id, actor)
        releases = await self._releases(provider)
        held = _sums(releases)
        accounts = {name: chart.provider(provider_id, name) for name in currencies()}
        positions = await self.ledger.positions(list(accounts.values()))
        units = {name: positions[key].balances.net for name, key in accounts.items() if key in positions}
        known = sorted({currency, *units, *held}, key=lambda name: (name != currency, name))
        balances = [Balance(currency=name, units=units.get(name, 0), held=held.get(name, zero(name))) for name in known]
        return Summary(balances=balances, releases=releases)

    async def statement(
        self, provider_id: str, currency: str, actor: Actor, *, after: Mark | None = None, limit: int = 25
    ) -> Account:
        """A page of the statement; empty when nothing was earned in that currency yet. Raises `Invalid`."""
        provider = await self._own(provider_id, actor)
        account_id = chart.provider(provider.provider_id, currency)
        try:
            found = await self.statements.account(account_id, after=after, limit=limit)
        except NoSuchAccount:
            return Account(currency=currency, entries=[], next=None)
        bookings = await self._bookings(found.lines, actor)
        entries = [Entry(line=line, booking=bookings.get(line.transfer.reference)) for line in found.lines]
        return Account(currency=currency, entries=entries, next=found.next)

    async def export(
        self, provider_id: str, currency: str, actor: Actor, *, start_at: datetime, end_at: datetime
    ) -> list[Entry]:
        """The statement of `[start_at, end_at)`, oldest first, at most the latest ten thousand lines."""
        found: list[Entry] = []
        after: Mark | None = None
        for _ in range(EXPORT_MAX // PAGE):
            page = await self.statement(provider_id, currency, actor, after=after, limit=PAGE)
            found += [entry for entry in page.entries if start_at <= entry.line.transfer.at < end_at]
            after = page.next
            if after is None or page.entries[-1].line.transfer.at < start_at:
                break
        return found[::-1]

    async def balance_at(self, provider_id: str, currency: str, actor: Actor, *, at: datetime) -> int:
        """The balance as it was at that instant, in minor units."""
        after: Mark | None = None
        balance = 0
        for _ in range(EXPORT_MAX // PAGE):
            page = await self.statement(provider_id, currency, actor, after=after, limit=PAGE)
            for entry in page.entries:
                if entry.line.transfer.at < at:
                    return entry.line.balance or 0
                balance = (entry.line.balance or 0) - entry.line.posted
            after = page.next
            if after is None:
                break
        return balance

    async def _own(self, provider_id: str, actor: Actor) -> Provider:
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        return provider

    async def _releases(self, provider: Provider) -> list[Release]:
        bookings = [
            booking
            for booking in await self._since(provider, self.clock.now() - HELD_SINCE)
            if booking.status in _HOLDING and not (booking.status is BookingStatus.NO_SHOW and booking.settled_at)
        ]
        positions = await self.ledger.positions([chart.escrow(booking.booking_id) for booking in bookings])
        found: list[Release] = []
        for booking in bookings:
            position = positions.get(chart.escrow(booking.booking_id))
            share = share_left(booking, position.balances.net if position else 0)
            if share:
                found.append(Release(booking=booking, share=share, at=released_at(booking)))
        return sorted(found, key=lambda each: (each.at is None, each.at or each.booking.start_at))

    async def _since(self, provider: Provider, since: datetime) -> list[Booking]:
        owner_id = provider.owner_id or provider.provider_id
        actor, found = Actor(actor_id=owner_id), list[Booking]()
        after: Cursor | None = None
        for _ in range(PAGES_MAX):
            page = await self.bookings.of_provider(
                provider.provider_id, actor, owner_id=owner_id, since=since, after=after, limit=PAGE
            )
            found += page.values
            after = page.next
            if after is None:
                break
        return found

    async def _bookings(self, lines: Sequence[Line], actor: Actor) -> Mapping[str, Booking]:
        found: dict[str, Booking] = {}
        for booking_id in dict.fromkeys(line.transfer.reference for line in lines if line.transfer.reference):
            try:
                found[booking_id] = await self.bookings.get(booking_id, actor)
            except (BookingGone, Denied):
                continue
        return found


def _sums(releases: Sequence[Release]) -> dict[str, Money]:
    held: dict[str, Money] = {}
    for release in releases:
        currency = release.share.currency
        held[currency] = held.get(currency, zero(currency)) + release.share
    return held
