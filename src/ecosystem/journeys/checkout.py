"""Checkout: hold a time, pay for it, and it is booked.

    hold            commit: the hold, the provider's day
    pay             score:  how likely it is fraud (`screening.py`): it goes on, waits for a person, or is refused
                    commit: the booking (awaiting payment), the payment (intended), the day, what was thought of it
                    call:   the card processor
                    commit: what became of it (`settlement.py`)

A process that dies in between leaves an intention. `ecosystem-payment-processing`, begun by it, or a webhook, learns what
became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct, structs

from ecosystem.contexts import booking as booked
from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus, Contact, Hold, Holds, PlaceBooking, TakeHold
from ecosystem.contexts.ledger import Tariff
from ecosystem.contexts.payments import DebitTerms, Pay, Payment, PaymentId, Payments
from ecosystem.journeys.bank_debits import BankDebits, DebitRefused, PayByBank
from ecosystem.journeys.card_keeping import CardKeeping
from ecosystem.journeys.guest_links import GuestLinks
from ecosystem.journeys.offering import Offering
from ecosystem.journeys.screening import Screening, Verdict
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Lines, quote
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.cards import Capture, Cards, Decline, OrderRefused, ProcessorSilent
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table

ANSWER_WITHIN = timedelta(seconds=60)
"""After this long without an outcome a payment is overdue."""

AUTHORIZATION_LIFE = timedelta(days=7)
"""How long a card authorization lasts. A request for a start beyond that is captured at once."""


ATTEMPTS_MAX = 20
"""Payments that one booking may see: enough for every card somebody has, too few to try out other people's."""


class TooManyCards(Conflict):
    """Too many payments were tried for this booking: choose the time again."""


class PriceChanged(Conflict):
    """The price changed while you were deciding: look at it again."""


class PayForHold(Struct, frozen=True, kw_only=True):
    """Ask to book a held time and pay for it. `card` is what the processor's element handed out.

    `saved` tells that it is one of the customer's kept cards; `keep` has it kept once it paid, as they agreed to. It is
    empty when `bank` says that a bank account pays.
    `total` is the price that the customer agreed to. The same again has one effect; with another `payment_id` it is
    another attempt, such as with another card.
    """

    booking_id: str
    payment_id: str
    hold_id: str
    contact: Contact
    total: Money
    card: str
    return_url: str
    note: str = ""
    place: str = ""
    saved: bool = False
    keep: bool = False
    bank: PayByBank | None = None


class Paid(Struct, frozen=True, kw_only=True):
    """Where a checkout stands: the booking, and its payment, which may still need a challenge or have failed."""

    booking: Booking
    payment: Payment


@dataclass(frozen=True, slots=True)
class Checkout:
    table: Table
    clock: Clock
    cards: Cards
    offering: Offering
    holds: Holds
    bookings: Bookings
    payments: Payments
    tariff: Tariff
    settlement: Settlement
    links: GuestLinks
    screening: Screening
    debits: BankDebits
    card_keeping: CardKeeping

    async def hold(self, request: TakeHold, actor: Actor) -> Hold:
        """Hold a time for fifteen minutes. Raises `SlotTaken`, `SlotNotOffered`, `NotOffered`, `IdReused`."""
        return await self.holds.take(request, await self.offering.offer(request.service_id), actor)

    async def take_over(self, hold_id: str, replaced: str, guest: Actor, actor: Actor) -> Hold:
        """What somebody held as a guest, held for them anew under `hold_id` now that they have signed in.

        Asked again it is the same hold. Raises as `hold` does; another's time is not taken over.
        """
        former = await self.holds.get(replaced, guest)
        request = structs.replace(former.request, hold_id=hold_id, replaces=replaced)
        return await self.holds.take(request, await self.offering.offer(request.service_id), actor, formerly=guest)

    async def lines(self, hold: Hold, actor: Actor) -> Lines:
        """What the held time costs this actor, line by line."""
        base, rates = booked.price_of(hold.offer, hold.seats), await self.tariff.current()
        return quote(base, rates, guest=actor.is_guest, step=hold.offer.step)

    async def pay(self, request: PayForHold, actor: Actor, *, address: str = "") -> Paid:
        """Book the held time and pay for it, once: the same request again tells where it stands.

        `address` is the network address that asks, if that is known. Raises `HoldEnded`, `HoldBooked`, `PriceChanged`,
        `UnknownCard`, `AmountUnfit`, `TooManyCards`, `IdReused`, `NotTaken` before any money moves, and `OnlyOwnCards`
        where somebody else would keep a card or pay with a kept one. A declined card is no refusal: the payment says
        why. When the processor is silent the payment stays open, and is finished or let go without the caller.
        """
        ids.check("pay", request.payment_id)
        provider_id = (await self.holds.get(request.hold_id, actor)).offer.provider_id
        payer = None
        if request.saved or request.keep:
            payer = await self.card_keeping.payer(actor, request.card if request.saved else None)
        booking, payment = await self.bookings.calendar.settle(
            provider_id, lambda: self._intend(request, actor, address, payer)
        )
        if payment.is_open and payment.challenge_url is None:
            payment = await self.ask(payment, actor)
            booking = (await self.bookings.row(booking.booking_id)).value
        return Paid(booking=booking, payment=payment)

    async def standing(self, booking_id: str, payment_id: str, actor: Actor) -> Paid:
        """Where a checkout stands, asked of the processor if it is still open: after a challenge, or a silence."""
        booking = await self.bookings.get(booking_id, actor)
        payment = (await self.payments.payment(booking_id, payment_id)).value
        if payment.is_open:
            payment = await self.ask(payment, actor)
            booking = (await self.bookings.row(booking_id)).value
        return Paid(booking=booking, payment=payment)

    async def ask(self, payment: Payment, actor: Actor) -> Payment:
        """Ask the processor for the money, or what became of it, and take the answer in. Silence leaves it as it is.

        Raises `OrderRefused` (`UnknownCard`, `AmountUnfit`) when there is nothing to ask; the payment has then failed.
        """
        try:
            return await self._asked(payment, actor)
        except ProcessorSilent:
            return payment

    async def check(self, booking_id: str, payment_id: str, actor: Actor) -> Payment:
        """The payment, after asking the processor what became of it if it is open. Raises `ProcessorSilent`."""
        payment = (await self.payments.payment(booking_id, payment_id)).value
        if not payment.is_open:
            return payment
        try:
            return await self._asked(payment, actor)
        except OrderRefused:
            return (await self.payments.payment(booking_id, payment_id)).value

    async def _asked(self, payment: Payment, actor: Actor) -> Payment:
        if payment.debit is not None:
            return await self._debited(payment, actor)
        try:
            if payment.intent_id is None:
                outcome = await self.cards.authorize(payment.order)
            else:
                outcome = await self.cards.payment(payment.intent_id)
        except OrderRefused as refused:
            await self._give_up(payment, Decline(code=refused.name, sentence=refused.message), actor)
            raise
        return await self.settlement.learn(payment.booking_id, payment.payment_id, outcome, actor)

    async def _debited(self, payment: Payment, actor: Actor) -> Payment:
        try:
            return await self.debits.carry_out(payment, actor)
        except DebitRefused as refused:
            await self._give_up(payment, Decline(code=refused.name, sentence=refused.message), actor)
            raise

    async def _intend(
        self, request: PayForHold, actor: Actor, address: str, payer: str | None
    ) -> tuple[Booking, Payment]:
        """Commit the intention to pay, and the booking with it if it is the first."""
        at = self.clock.now()
        place = PlaceBooking(
            booking_id=request.booking_id,
            hold_id=request.hold_id,
            contact=request.contact,
            note=request.note,
            place=request.place,
        )
        placement = await self.bookings.placing(
            place,
            rates=await self.tariff.current(),
            actor=actor,
            claim_hash=self.links.hash(request.booking_id) if actor.is_guest else None,
        )
        booking = placement.booking
        if booking.lines.total != request.total:
            raise PriceChanged(field="total")
        writes = placement.writes
        if placement.earlier:
            attempts = await self.payments.payments_of(request.booking_id)
            earlier = next((row.value for row in attempts if row.value.payment_id == request.payment_id), None)
            if earlier:
                wanted = self._payment(request, booking, payer, review=earlier.review, terms=_account(request))
                return booking, earlier.to(actor, wanted)
            if len(attempts) >= ATTEMPTS_MAX:
                raise TooManyCards(field="payment_id")
            row = await self.bookings.row(booking.booking_id)
            booking = booked.await_payment(row.value, at)
            writes = booked.becomes(row, booking, None, actor=actor, at=at)
        if request.bank is None:
            self.cards.payable(booking.lines.total)
        hold = await self.holds.get(request.hold_id, actor) if request.bank else None
        screened = await self.screening.screen(
            booking,
            request.payment_id,
            actor,
            address=address,
            card=await self._instrument(request, actor),
            may_wait=hold is None or await self.debits.may_wait(hold, booking.lines.total, actor),
        )
        if screened.verdict is Verdict.DECLINE:
            await self.screening.refuse(screened)
        terms: DebitTerms | None = None
        if request.bank is not None:
            assert hold is not None
            terms, mandate = await self.debits.agreed(
                request.bank,
                hold,
                booking.lines.total,
                request.payment_id,
                booking.booking_id,
                actor,
                address=address,
            )
            writes = [*writes, *paying.mandate_made(mandate, actor)]
        wanted = self._payment(request, booking, payer, review=screened.verdict is Verdict.REVIEW, terms=terms)
        payment = paying.intend(wanted, actor, at, at + ANSWER_WITHIN)
        await self.table.transact(*writes, *paying.made(payment, actor, at), *screened.writes)
        return booking, payment

    async def _instrument(self, request: PayForHold, actor: Actor) -> str:
        """The lasting name of what pays, where it is known before: a kept card, or a bank account."""
        if request.bank is not None:
            return await self.debits.instrument(request.bank)
        return await self.card_keeping.fingerprint(actor, request.card) if request.saved else ""

    def _payment(
        self, request: PayForHold, booking: Booking, payer: str | None, *, review: bool, terms: DebitTerms | None
    ) -> Pay:
        held_until = booking.placed_at + AUTHORIZATION_LIFE
        # What a person looks at first is only held on the card: that is done long before the authorization ends.
        at_once = not review and (booking.offer.instant or booking.start_at > held_until)
        return Pay(
            payment_id=PaymentId(request.payment_id),
            booking_id=request.booking_id,
            amount=booking.lines.total,
            card=request.card,
            capture=Capture.AUTOMATIC if at_once else Capture.MANUAL,
            return_url=request.return_url,
            description=booking.offer.title,
            review=review,
            customer_id=payer,
            keep=request.keep and not request.saved,
            debit=terms,
        )

    async def _give_up(self, payment: Payment, decline: Decline, actor: Actor) -> None:
        row = await self.payments.payment(payment.booking_id, payment.payment_id)
        at = self.clock.now()
        failed = paying.give_up(row.value, decline, at)
        await self.table.transact(*paying.becomes(row, failed, actor, at))

    async def let_go(self, booking_id: str, actor: Actor) -> BookingStatus:
        """End whatever payment of the booking is still open or only authorized, unless it has use for it.

        How the booking stands afterwards: a payment that turned out to be captured confirms it, if it still waited.
        Raises `ProcessorSilent`: then nothing is known, and the same again will tell.
        """
        for row in await self.payments.payments_of(booking_id):
            payment = row.value
            if payment.is_open and payment.debit is not None:
                # Nobody was asked yet: it is not asked any more.
                await self._give_up(payment, Decline(code="let_go", sentence="The booking ended first."), actor)
                continue
            if payment.is_open and payment.intent_id is None:
                # Whether the processor has ever heard of it is not known: the same order again tells.
                try:
                    payment = await self._asked(payment, actor)
                except OrderRefused:
                    continue  # It has made nothing of it: there is nothing to let go of.
            if payment.state is paying.PaymentState.AUTHORIZED and payment.debit is not None:
                await self.debits.let_go(payment, actor)
            elif (payment.is_open or payment.state is paying.PaymentState.AUTHORIZED) and payment.intent_id:
                outcome = await self.cards.cancel(payment.intent_id)
                await self.settlement.learn(booking_id, payment.payment_id, outcome, actor)
        return (await self.bookings.row(booking_id)).value.status


def _account(request: PayForHold) -> DebitTerms | None:
    """The bank account that a request names, to tell whether it is the same request."""
    return DebitTerms(account_id=request.bank.account_id, bank="", last4="") if request.bank else None
