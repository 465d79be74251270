"""A visit carried out: somebody finds a time, pays, changes their mind or not, and both come or do not.

Each step looks at how things stand, does what the visit says, and waits for the next. Followed again, each finds what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ecosystem.commands.demonstration import disputes
from ecosystem.commands.demonstration.odds import (
    After,
    Card,
    Challenge,
    Change,
    Coming,
    Errand,
    Evidence,
    Line,
    Request,
)
from ecosystem.commands.demonstration.people import ZONE
from ecosystem.commands.demonstration.stage import Stage, provider
from ecosystem.commands.demonstration.visits import Visit
from ecosystem.contexts.booking import (
    AnswerProposal,
    Booking,
    BookingStatus,
    CancelBooking,
    Contact,
    Hold,
    HoldGone,
    ReportNoShow,
    Reschedule,
    Side,
    TakeHold,
)
from ecosystem.contexts.catalogue import Service
from ecosystem.contexts.payments import Payment, PaymentState
from ecosystem.journeys.checkout import Paid, PayForHold
from ecosystem.kernel.actor import Actor
from ecosystem.sandbox import Fault, What

TYPES_FOR = timedelta(minutes=3)
"""How long it takes to type a card's number."""

CONFIRMS_AFTER = timedelta(minutes=1)
DEAR = 5_000
"""Minor units beyond which a disputed service is nothing that a rule gives back."""

_FAULTS = {
    Line.CUT: Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3),
    Line.DOWN: Fault(what=What.REFUSE, path="/v1/payment_intents", times=3, status=503),
}
_GOING_ON = frozenset({BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS})
_ABSENT = frozenset({BookingStatus.NO_SHOW, BookingStatus.DISPUTED})
_DISPUTED = frozenset({BookingStatus.COMPLETED, BookingStatus.DISPUTED})
"""How a booking may stand when its course is followed again from the beginning."""

_BANK_ASKS_AFTER = timedelta(days=2, hours=1)
_EVIDENCE_AFTER = timedelta(days=1, hours=20)


async def follow(stage: Stage, visit: Visit) -> None:
    """The visit from its beginning to its end."""
    await stage.agenda.until(visit.arrives_at)
    await Course(stage, visit).followed()


@dataclass(slots=True)
class Course:
    stage: Stage
    visit: Visit

    async def followed(self) -> None:
        stage, visit = self.stage, self.visit
        customer, contact = stage.cast.customer(visit.customer, as_guest=visit.as_guest, guest_id=visit.id("gst"))
        hold = await self._held(customer)
        if hold is None:
            return
        if visit.errand is not Errand.BOOKS:
            if visit.errand is Errand.GIVES_BACK:
                await stage.agenda.until(hold.taken_at + TYPES_FOR)
                await stage.tried(stage.market.holds.release(hold.hold_id, customer))
            return
        await stage.agenda.until(hold.taken_at + TYPES_FOR)
        paid = await self._paid(hold, customer, contact)
        if paid is None:
            return
        stage.bookings += 1
        owner = provider(hold.offer.owner_id)
        await self._answered(owner)
        await self._changed(customer, owner)
        await self._came(customer, owner)
        await self._said(customer, owner)
        await self._bank()

    # To find a time, and to pay

    async def _held(self, customer: Actor) -> Hold | None:
        holds, visit = self.stage.market.holds, self.visit
        hold_id = visit.id("hld")
        try:
            return await holds.get(hold_id, customer)
        except HoldGone:
            pass
        service = self._service()
        offer = await self.stage.tried(self.stage.market.offering.offer(service.service_id))
        if offer is None:
            return None
        day = await self.stage.market.availability.first(offer, ZONE, since=self.stage.now + visit.lead)
        if day is None:
            return None
        start_at = day.slots[int(visit.slot * len(day.slots))].start_at
        request = TakeHold(hold_id=hold_id, service_id=service.service_id, start_at=start_at, zone=ZONE)
        return await self.stage.tried(self.stage.market.checkout.hold(request, customer))

    def _service(self) -> Service:
        visit = self.visit
        fitting = [
            each
            for each in self.stage.services
            if visit.title in {"", each.title}
            and visit.instant in {None, each.instant}
            and (not visit.dear or (each.price is not None and each.price.minor > DEAR))
        ]
        return fitting[int(visit.service * len(fitting))]

    async def _paid(self, hold: Hold, customer: Actor, contact: Contact) -> Paid | None:
        stage, visit = self.stage, self.visit
        if fault := _FAULTS.get(visit.line):
            await stage.desk.fail_next(fault)
        paid = await self._pay(hold, customer, contact, visit.card, 0)
        if paid is not None and paid.payment.state is PaymentState.FAILED and visit.another_card:
            await stage.agenda.until(hold.taken_at + 2 * TYPES_FOR)
            paid = await self._pay(hold, customer, contact, Card.VISA, 1)
        if paid is not None and paid.payment.challenge_url and visit.challenge is not Challenge.WALKS_AWAY:
            await stage.agenda.until(paid.payment.intended_at + CONFIRMS_AFTER)
            confirms = visit.challenge is Challenge.CONFIRMS
            await stage.desk.answer_challenge(paid.payment.challenge_url, confirms=confirms)
            booking_id, payment_id = paid.booking.booking_id, paid.payment.payment_id
            return await stage.tried(stage.market.checkout.standing(booking_id, payment_id, customer))
        return paid

    async def _pay(self, hold: Hold, customer: Actor, contact: Contact, card: Card, attempt: int) -> Paid | None:
        market = self.stage.market
        if known := await self._known(self.visit.id("pay", attempt)):
            return known
        lines = await self.stage.tried(market.checkout.lines(hold, customer))
        if lines is None:
            return None
        request = PayForHold(
            booking_id=self.visit.id("bkg"),
            payment_id=self.visit.id("pay", attempt),
            hold_id=hold.hold_id,
            contact=contact,
            place="Rua da Rosa 12, Lisbon" if hold.offer.mode == "at_customer" else "",
            total=lines.total,
            card=card,
            return_url=f"{market.notifications.brand.url}/bookings",
        )
        return await self.stage.tried(market.checkout.pay(request, customer))

    async def _known(self, payment_id: str) -> Paid | None:
        """The payment of that id, with its booking, if it was begun."""
        market = self.stage.market
        for row in await market.payments.payments_of(self.visit.id("bkg")):
            if row.value.payment_id == payment_id:
                return Paid(booking=await self._booking(), payment=row.value)
        return None

    # From the booking to its time

    async def _answered(self, owner: Actor) -> None:
        booking = await self._booking()
        if booking.status is not BookingStatus.AWAITING_PROVIDER:
            return
        await self.stage.agenda.until(booking.placed_at + self.visit.answers_after)
        market = self.stage.market
        if self.visit.request is Request.ACCEPTS:
            await self.stage.tried(market.acceptance.accept(booking.booking_id, owner))
        elif self.visit.request is Request.DECLINES:
            await self.stage.tried(market.closing.decline(booking.booking_id, "I am away that week.", owner))

    async def _changed(self, customer: Actor, owner: Actor) -> None:
        booking, change = await self._booking(), self.visit.change
        if change is Change.NONE or booking.status not in {BookingStatus.CONFIRMED, BookingStatus.AWAITING_PAYMENT}:
            return
        await self.stage.agenda.until(
            booking.placed_at + (booking.start_at - booking.placed_at) * self.visit.changes_at
        )
        by_customer = change in {Change.CUSTOMER_CANCELS, Change.CUSTOMER_MOVES}
        actor = customer if by_customer else owner
        if change in {Change.CUSTOMER_CANCELS, Change.PROVIDER_CANCELS}:
            reason = "Plans changed" if by_customer else "I have hurt my back; I am sorry."
            request = CancelBooking(booking_id=booking.booking_id, reason=reason)
            await self.stage.tried(self.stage.market.closing.cancel(request, actor))
        else:
            await self._moved(booking, actor, owner if by_customer else customer)

    async def _moved(self, booking: Booking, actor: Actor, other: Actor) -> None:
        """Ask for another time; where the other side has a say, it has it some hours later."""
        bookings, stage = self.stage.market.bookings, self.stage
        if booking.moves or booking.proposal:
            return
        since = booking.start_at + timedelta(days=1)
        day = await stage.market.availability.first(booking.offer, ZONE, since=since, beside=booking.booking_id)
        if day is None:
            return
        start_at = day.slots[int(self.visit.slot * len(day.slots))].start_at
        request = Reschedule(booking_id=booking.booking_id, start_at=start_at, reason="Something came up")
        moved = await stage.tried(bookings.reschedule(request, actor))
        if moved is None or moved.proposal is None:
            return
        await stage.agenda.until(moved.proposal.proposed_at + timedelta(hours=3))
        answer = AnswerProposal(
            booking_id=booking.booking_id, start_at=moved.proposal.start_at, agree=self.visit.agreed
        )
        await stage.tried(bookings.answer(answer, other))

    # Its time, and afterwards

    async def _came(self, customer: Actor, owner: Actor) -> None:
        booking = await self._booking()
        if self.visit.coming is Coming.BOTH or booking.status not in {*_GOING_ON, *_ABSENT}:
            return
        await self.stage.agenda.until(booking.start_at + timedelta(minutes=40))
        absent = Side.CUSTOMER if self.visit.coming is Coming.NO_CUSTOMER else Side.PROVIDER
        reports, other = (owner, customer) if absent is Side.CUSTOMER else (customer, owner)
        request = ReportNoShow(
            booking_id=booking.booking_id, absent=absent, reason="I waited for half an hour, and nobody came."
        )
        if booking.status in _GOING_ON:
            await self.stage.tried(self.stage.market.closing.report_no_show(request, reports))
        if self.visit.absence_disputed:
            await self.stage.agenda.until(booking.start_at + timedelta(hours=4))
            await disputes.carried_out(self.stage, self.visit, other, owner, "I was there; the door was shut.")

    async def _said(self, customer: Actor, owner: Actor) -> None:
        booking = await self._booking()
        disputes_it = self.visit.after is After.DISPUTES
        stands = _GOING_ON | _DISPUTED if disputes_it else _GOING_ON
        if self.visit.coming is not Coming.BOTH or self.visit.after is After.NOTHING or booking.status not in stands:
            return
        await self.stage.agenda.until(booking.end_at + self.visit.says_after)
        if not disputes_it:
            await self.stage.tried(self.stage.market.closing.complete(booking.booking_id, customer))
        else:
            await disputes.carried_out(self.stage, self.visit, customer, owner, "It was not what we had agreed.")

    async def _bank(self) -> None:
        """What we say to the bank of a customer who had it take the money back."""
        payment = await self._payment()
        if payment is None or payment.captured_at is None or self.visit.evidence is Evidence.NONE:
            return
        if self.visit.card not in {Card.CHARGED_BACK, Card.INQUIRED_ABOUT}:
            return
        await self.stage.agenda.until(payment.captured_at + _BANK_ASKS_AFTER)
        for number, chargeback in enumerate((await self._payment() or payment).chargebacks):
            await self.stage.agenda.until(payment.captured_at + _BANK_ASKS_AFTER + _EVIDENCE_AFTER * (number + 1))
            await self.stage.desk.give_evidence(chargeback.chargeback_id, self.visit.evidence)
            if self.visit.evidence is Evidence.ESCALATING:
                await self.stage.agenda.until(self.stage.now + _EVIDENCE_AFTER)
                await self.stage.desk.give_evidence(chargeback.chargeback_id, Evidence.WINNING)

    async def _booking(self) -> Booking:
        return (await self.stage.market.bookings.row(self.visit.id("bkg"))).value

    async def _payment(self) -> Payment | None:
        """The payment that took the money, if one did."""
        rows = await self.stage.market.payments.payments_of(self.visit.id("bkg"))
        return next((row.value for row in rows if row.value.took_money), None)
