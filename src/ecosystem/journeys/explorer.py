"""The ledger explored: accounts by kind with where they stand, statements, and each transfer with what belongs to it.

No list of all accounts is kept, since every sale would write to it. The platform's few are known by name; providers'
follow from the catalogue, and those that hold a booking's money from the bookings that may have any. For operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ecosystem.contexts.audit import Acts
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus
from ecosystem.contexts.catalogue import Provider, Providers, ProviderStatus
from ecosystem.contexts.insights import Figures
from ecosystem.contexts.ledger import Ledger, Mark, Position, Recorded, Statement, Statements, chart
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import currencies
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.table_limits import BATCH_MAX

HOLDING = (
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.AWAITING_PROVIDER,
    BookingStatus.NO_SHOW,
    BookingStatus.DISPUTED,
)
"""Statuses of bookings whose money may be held."""

CURRENCIES_MAX = 20
EXPORT_MAX = 10_000
PAGE = 200


class AccountKind(StrEnum):
    PLATFORM = "platform"
    PROVIDERS = "providers"
    ESCROW = "escrow"


class Entry(Struct, frozen=True, kw_only=True):
    """An account where it stands, and whose it is: a provider's, a booking's, or the platform's own."""

    position: Position
    provider: Provider | None = None
    booking: Booking | None = None

    @property
    def account_id(self) -> str:
        return self.position.account.account_id


class Entries(Struct, frozen=True, kw_only=True):
    """Accounts, and where to go on from."""

    entries: Sequence[Entry]
    next: str | None = None


class Movement(Struct, frozen=True, kw_only=True):
    """A transfer with what belongs to it: those it was made with in one chain, what it settled, what settled it."""

    transfer: Recorded
    together: Sequence[Recorded]
    settles: Recorded | None
    settled_by: Recorded | None
    booking: Booking | None


@dataclass(frozen=True, slots=True)
class Explorer:
    ledger: Ledger
    statements: Statements
    bookings: Bookings
    providers: Providers
    figures: Figures
    acts: Acts

    async def currencies(self, actor: Actor) -> list[str]:
        """The currencies that anything was ever moved in. Raises `Denied`."""
        now = await self.figures.now(actor)
        return sorted(now.within("money:"))[:CURRENCIES_MAX]

    async def platform(self, actor: Actor) -> Entries:
        """The account at the processor and what the platform earned, in every currency there is. Raises `Denied`."""
        actor.must_operate()
        wanted = [kind(name) for name in sorted(currencies()) for kind in _PLATFORM]
        found = await self._positions(wanted)
        return Entries(entries=[Entry(position=found[name]) for name in wanted if name in found])

    async def of_providers(self, status: ProviderStatus, actor: Actor, *, after: str = "", limit: int = 50) -> Entries:
        """The balances of providers of that status, oldest provider first; those without any are left out."""
        actor.must_operate()
        page = await self.providers.with_status(status, after=after, limit=limit)
        used = await self.currencies(actor)
        wanted = {
            chart.provider(provider.provider_id, currency): provider for provider in page.values for currency in used
        }
        found = await self._positions(list(wanted))
        entries = [Entry(position=found[name], provider=who) for name, who in wanted.items() if name in found]
        return Entries(entries=entries, next=page.next)

    async def escrows(
        self, status: BookingStatus, actor: Actor, *, before: str | None = None, limit: int = 50
    ) -> Entries:
        """The accounts of bookings of that status, those whose next thing is due last first. Raises `Denied`."""
        bookings, following = await self.bookings.in_status(status, actor, before=before, limit=limit)
        wanted = {chart.escrow(booking.booking_id): booking for booking in bookings}
        found = await self._positions(list(wanted))
        entries = [Entry(position=found[name], booking=booking) for name, booking in wanted.items() if name in found]
        return Entries(entries=entries, next=following)

    async def account(self, account_id: str, actor: Actor) -> Entry:
        """One account, and whose it is. Raises `Denied`, `NoSuchAccount`."""
        actor.must_operate()
        position = await self.ledger.position(account_id)
        booking, provider = None, None
        if booking_id := chart.booking_of(account_id):
            booking = await self._booking(booking_id)
        kind, _, rest = account_id.partition(":")
        if kind == "provider":
            provider = await self._provider(rest.rpartition(":")[0])
        return Entry(position=position, booking=booking, provider=provider)

    async def statement(
        self,
        account_id: str,
        actor: Actor,
        *,
        start_at: datetime | None = None,
        end_at: datetime | None = None,
        after: Mark | None = None,
        limit: int = 50,
    ) -> Statement:
        """A page of an account's transfers, newest first. Raises `Denied`, `NoSuchAccount`, `Invalid`."""
        actor.must_operate()
        return await self.statements.account(account_id, start_at=start_at, end_at=end_at, after=after, limit=limit)

    async def export(
        self, account_id: str, actor: Actor, *, start_at: datetime | None, end_at: datetime | None
    ) -> Statement:
        """The statement in one piece, newest first: at most the latest ten thousand lines, and then `next` says so."""
        found = await self.statement(account_id, actor, start_at=start_at, end_at=end_at, limit=PAGE)
        await self.acts.note(AuditKind.ACCESS, "StatementExported", actor, account_id)
        lines, following = list(found.lines), found.next
        while following is not None and len(lines) < EXPORT_MAX:
            page = await self.statement(
                account_id, actor, start_at=start_at, end_at=end_at, after=following, limit=PAGE
            )
            lines += page.lines
            following = page.next
        return Statement(account_id=account_id, ledger=found.ledger, lines=lines, next=following)

    async def transfer(self, transfer_id: str, actor: Actor) -> Movement:
        """One transfer and what belongs to it. Raises `Denied`, `NoSuchTransfer`."""
        actor.must_operate()
        made = await self.ledger.transfer(transfer_id)
        about = await self.statements.reference(made.reference) if made.reference else []
        linked = await self.ledger.transfers([name for name in (made.pending_id, made.settled_by) if name])
        by_id = {each.transfer_id: each for each in linked}
        cause = transfer_id.rpartition(".")[0]
        return Movement(
            transfer=made,
            together=[
                each
                for each in about
                if each.at == made.at and each.transfer_id.rpartition(".")[0] == cause and each != made
            ],
            settles=by_id.get(made.pending_id),
            settled_by=by_id.get(made.settled_by),
            booking=await self._booking(made.reference) if made.reference.startswith("bkg_") else None,
        )

    async def _positions(self, wanted: Sequence[str]) -> dict[str, Position]:
        found: dict[str, Position] = {}
        for start in range(0, len(wanted), BATCH_MAX):
            found |= await self.ledger.positions(wanted[start : start + BATCH_MAX])
        return found

    async def _booking(self, booking_id: str) -> Booking | None:
        try:
            return (await self.bookings.row(booking_id)).value
        except NotFound:
            return None

    async def _provider(self, provider_id: str) -> Provider | None:
        try:
            return (await self.providers.load(provider_id)).value
        except NotFound:
            return None


_PLATFORM = (chart.processor, chart.commission, chart.surcharge, chart.costs, chart.bank)
