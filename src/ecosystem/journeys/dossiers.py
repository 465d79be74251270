"""Dossiers: all there is about one booking, for the operator who has to answer for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from ecosystem.contexts import payments as paying
from ecosystem.contexts.audit import Acts
from ecosystem.contexts.booking import Booking, Bookings, Taking
from ecosystem.contexts.catalogue import Provider, Providers, ProviderUnknown
from ecosystem.contexts.identity import NoSuchPerson, People, Person
from ecosystem.contexts.ledger import Ledger, Position, Recorded, Statements, chart
from ecosystem.contexts.notifications import Audience, Kind, LetterView, Outbox, told_id
from ecosystem.contexts.payments import Payment, Payments, Refund, Refunds
from ecosystem.journeys.closing import due_back
from ecosystem.journeys.given_back import is_released, taken
from ecosystem.journeys.happenings import Happenings
from ecosystem.journeys.telling import BOTH, TOLD
from ecosystem.kernel import rates
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Lines
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Event

LETTERS_MAX = 400
TOGETHER = 100

_NEWS: Mapping[str, tuple[tuple[Kind, tuple[Audience, ...]], ...]] = {
    **TOLD,
    "BookingRequested": ((Kind.BOOKING_REQUESTED, BOTH), (Kind.BOOKING_LOOKED_AT, BOTH)),
    "BookingDeclined": ((Kind.BOOKING_DECLINED, BOTH), (Kind.BOOKING_NOT_CONFIRMED, BOTH)),
    "BookingExpired": (
        (Kind.BOOKING_UNPAID, BOTH),
        (Kind.BOOKING_UNANSWERED, BOTH),
        (Kind.BOOKING_NOT_CONFIRMED, BOTH),
    ),
    "RescheduleProposed": ((Kind.RESCHEDULE_PROPOSED, BOTH),),
    "RefundIssued": ((Kind.REFUND_ISSUED, BOTH), (Kind.REFUND_PAID_ELSEWHERE, BOTH)),
}
"""What people may have been told of each event."""


class Dossier(Struct, frozen=True, kw_only=True):
    """One booking with everything about it. `takings` are those of the days it stands in, everybody's."""

    booking: Booking
    version: int
    provider: Provider | None
    customer: Person | None
    events: Sequence[Event]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    transfers: Sequence[Recorded]
    escrow: Position | None
    takings: Mapping[date, Sequence[Taking]]
    letters: Sequence[LetterView]

    @property
    def held(self) -> int:
        """What lies in escrow for it, in minor units."""
        return self.escrow.balances.net if self.escrow else 0

    @property
    def charge(self) -> Payment | None:
        """The payment that the money came from, if any of it may still be given back."""
        return next((each for each in self.payments if each.took_money and each.left), None)

    @property
    def paid(self) -> Payment | None:
        """The payment that took the money."""
        return next((each for each in self.payments if each.took_money), None)


class Return(Struct, frozen=True, kw_only=True):
    """What giving back an amount would take: `lines` out of escrow, or once `released` from each one's share.

    `lying` is what comes out of escrow after the release, before anyone's share.
    """

    amount: Money
    lying: Money
    lines: Lines
    left: Money
    released: bool


class Division(Struct, frozen=True, kw_only=True):
    """What ending a booking does with its money: `back` goes to the customer, `rest` is released to its owners.

    Once it was released there is no rest, and what goes back is `taken` from each one's share, but for what is `lying`
    in escrow.
    """

    back: Money
    lying: Money
    taken: Lines | None
    rest: Lines | None


@dataclass(frozen=True, slots=True)
class Dossiers:
    """For operators. Each act raises `Denied`, `BookingGone`."""

    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    statements: Statements
    providers: Providers
    people: People
    outbox: Outbox
    happenings: Happenings
    acts: Acts

    async def of(self, booking_id: str, actor: Actor) -> Dossier:
        """The whole dossier, in a bounded number of reads."""
        actor.must_operate()
        row = await self.bookings.row(booking_id)
        booking = row.value
        if not actor.is_system:
            await self.acts.note(AuditKind.ACCESS, "BookingRead", actor, booking_id)
        payments = [each.value for each in await self.payments.payments_of(booking_id)]
        refunds = [each.value for each in await self.refunds.refunds_of(booking_id)]
        events = await self._events(row.key.partition, payments, refunds, actor)
        escrow_id = chart.escrow(booking_id)
        days = await self.bookings.calendar.days(booking.provider_id, booking.span)
        return Dossier(
            booking=booking,
            version=row.version,
            provider=await self._provider(booking),
            customer=await self._customer(booking, actor),
            events=events,
            payments=payments,
            refunds=refunds,
            transfers=await self.statements.reference(booking_id),
            escrow=(await self.ledger.positions([escrow_id])).get(escrow_id),
            takings=days.takings,
            letters=await self._letters(booking, events, actor),
        )

    def returning(self, dossier: Dossier, amount: Money) -> Return:
        """What giving back that amount would do.

        Raises `Invalid`, `ExceedsCharge`, `CurrencyMismatch`.
        """
        booking, charge = dossier.booking, dossier.charge
        if charge is None:
            raise Invalid("Nothing is left that could be given back.", field="amount")
        if not amount:
            raise Invalid("A refund is more than nothing.", field="amount")
        if not charge.refundable:
            raise paying.ChargedBack
        if charge.refundable < amount:
            raise paying.ExceedsCharge(field="amount")
        takes = taken(booking, charge, amount, dossier.held)
        return Return(
            amount=amount,
            lying=takes.lying,
            lines=takes.lines,
            left=charge.refundable - amount,
            released=takes.released and takes.lying < amount,
        )

    def division(self, dossier: Dossier, after: Booking, *, elsewhere: bool = False) -> Division | None:
        """What the decided end would do with the money; None when there is none to divide."""
        charge, before = dossier.charge, dossier.booking
        if charge is None:
            return None
        (back, owed), given = due_back(after, charge, elsewhere=elsewhere), charge.gone
        was_released = is_released(before)
        if owed and was_released:
            raise paying.ChargedBack
        takes = taken(before, charge, back, dossier.held)
        rest = None if was_released else rates.remaining(before.lines, before.rates, given + back + owed)
        from_shares = was_released and takes.lying < back
        return Division(back=back, lying=takes.lying, taken=takes.lines if from_shares else None, rest=rest)

    async def _events(
        self, partition: str, payments: Sequence[Payment], refunds: Sequence[Refund], actor: Actor
    ) -> Sequence[Event]:
        """What happened to the booking, its payments and its refunds, oldest first."""
        aggregates = [
            partition,
            *(paying.payment_timeline(each.payment_id) for each in payments),
            *(paying.refund_timeline(each.refund_id) for each in refunds),
        ]
        found = [(await self.happenings.about(aggregate, actor)).values for aggregate in aggregates]
        return sorted((event for part in found for event in part), key=lambda event: (event.at, event.sequence))

    async def _provider(self, booking: Booking) -> Provider | None:
        try:
            return (await self.providers.load(booking.provider_id)).value
        except ProviderUnknown:
            return None

    async def _customer(self, booking: Booking, actor: Actor) -> Person | None:
        if not booking.customer_id.startswith("usr_"):
            return None
        try:
            return await self.people.person(booking.customer_id, actor)
        except (NoSuchPerson, Invalid):
            return None

    async def _letters(self, booking: Booking, events: Sequence[Event], actor: Actor) -> Sequence[LetterView]:
        wanted = list(dict.fromkeys(_letter_ids(booking, events)))[:LETTERS_MAX]
        found: list[LetterView] = []
        for start in range(0, len(wanted), TOGETHER):
            found += await self.outbox.among(wanted[start : start + TOGETHER], actor)
        return sorted(found, key=lambda letter: letter.mail_id)


def _letter_ids(booking: Booking, events: Sequence[Event]) -> Iterator[str]:
    """The ids that letters about the booking may have: made from event, recipient and kind, they need no index."""
    whom = {
        Audience.CUSTOMER: {booking.customer_id, booking.contact.email.strip().lower()},
        Audience.PROVIDER: {booking.offer.owner_id, booking.provider_id},
    }
    former = {event.previous["customer_id"] for event in events if "customer_id" in event.previous}
    whom[Audience.CUSTOMER] |= former
    for event in events:
        for kind, audiences in _NEWS.get(event.type, ()):
            for audience in audiences:
                for one in sorted(whom[audience]):
                    yield told_id("mal", event_id=event.event_id, at=event.at, whom=one, kind=kind, audience=audience)
