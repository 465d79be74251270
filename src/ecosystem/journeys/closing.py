"""How a booking ends, and where its money goes: completed, called off, declined, expired, nobody came, disputed.

What was captured is divided in the same commit that ends the booking: the customer's part is on its way back, the rest
is released to the provider and the platform. What was only authorized is let go by the reaction to the event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from ecosystem.contexts import booking as booked
from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import (
    Booking,
    BookingFact,
    Bookings,
    BookingStatus,
    CancelBooking,
    ConcludeDispute,
    Refund,
    ReportNoShow,
)
from ecosystem.contexts.ledger import Ledger, Transfer, chart
from ecosystem.contexts.payments import ChargedBack, IssueRefund, Payment, Payments, RefundId
from ecosystem.journeys import given_back
from ecosystem.journeys.bank_debits import BankDebits, funds_wait
from ecosystem.journeys.checkout import Checkout
from ecosystem.journeys.given_back import is_released, sale_of
from ecosystem.journeys.refunding import NothingPaid, charge_of
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel import rates
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.table import Check, Row, Stale, Table, Write

LIFTING = system("dispute-workflow")
"""Who completes a booking when the dispute over it falls away."""

Also = Callable[[datetime], Awaitable[Sequence[Write]]]
"""What else is decided at that instant: its writes."""

Decision = Callable[[Booking, Payment | None, datetime], tuple[Booking, BookingFact]]
"""How a booking ends, by what was paid for it and may still be given back, if anything."""


class DebitJustSent(Stale):
    """The debit has just been sent to the bank: now the cancellation terms hold. Look at them before you cancel."""


async def nothing(_: datetime) -> Sequence[Write]:
    return ()


@dataclass(frozen=True, slots=True)
class Closing:
    table: Table
    clock: Clock
    entropy: Entropy
    bookings: Bookings
    payments: Payments
    ledger: Ledger
    settlement: Settlement
    checkout: Checkout
    debits: BankDebits

    async def preview(self, booking_id: str, actor: Actor) -> Refund:
        """What calling the booking off now would give back to the customer: all of a debit that is not sent yet."""
        booking = await self.bookings.get(booking_id, actor)
        by_policy = booked.preview(booking, booked.side_of(booking, actor), self.clock.now())
        if await self._undrawable(booking_id):
            return booked.refund_of(booking.lines, booking.rates, BPS)
        return by_policy

    async def cancel(self, request: CancelBooking, actor: Actor) -> Booking:
        """Call the booking off: the policy's part goes back, the rest is released. Called off already, it stays so.

        Before it is paid all goes back: whoever asks whether a payment was made may be the one who makes it. So it does
        while a bank debit waits to be sent: calling off revokes it. Raises `DebitJustSent` when it was too late for that.
        """
        booking = await self.bookings.get(request.booking_id, actor)
        if booking.status is BookingStatus.CANCELLED:
            return booking
        was_unpaid = booking.status is BookingStatus.AWAITING_PAYMENT
        if was_unpaid:
            await self.checkout.let_go(request.booking_id, actor)
        undrawn = not was_unpaid and await self._undrawable(request.booking_id)
        wanted = replace(request, share_bps=None) if undrawn else request
        return await self._close(
            request.booking_id,
            lambda known, _, at: booked.cancel(known, wanted, actor, at, was_unpaid=was_unpaid or undrawn),
            actor,
            "cancelled",
            undrawn=undrawn,
        )

    async def decline(self, booking_id: str, reason: str, actor: Actor) -> Booking:
        """Decline a request: all of what was paid or held goes back."""
        booking = await self.bookings.get(booking_id, actor)
        if booking.status is BookingStatus.DECLINED:
            return booking
        return await self._close(
            booking_id, lambda known, _, at: booked.decline(known, reason, actor, at), actor, "declined by the provider"
        )

    async def expire(self, booking_id: str, actor: Actor) -> Booking:
        """Let a booking expire that nobody paid for, or that the provider did not answer; all goes back.

        First the processor is asked to let go of what is open: a payment that turns out to be there confirms the
        booking instead.
        """
        booking = (await self.bookings.row(booking_id)).value
        if booking.status is BookingStatus.AWAITING_PAYMENT:
            status = await self.checkout.let_go(booking_id, actor)
            if status is not BookingStatus.AWAITING_PAYMENT:
                return (await self.bookings.row(booking_id)).value
        return await self._close(
            booking_id, lambda known, _, at: booked.expire(known, at), actor, "nobody answered in time"
        )

    async def complete(self, booking_id: str, actor: Actor, reason: str = "") -> Booking:
        """Complete the booking and release its money. Completed already, it stays so."""
        booking = await self.bookings.row(booking_id)
        if booking.value.status is BookingStatus.COMPLETED:
            booked.side_of(booking.value, actor)
            return booking.value
        return await self._close(booking_id, lambda known, _, at: booked.complete(known, actor, at, reason), actor, "")

    async def report_no_show(self, request: ReportNoShow, actor: Actor) -> Booking:
        """Say that the other side did not come. The money waits until that stands."""

        async def act() -> Booking:
            row = await self.bookings.row(request.booking_id)
            at = self.clock.now()
            changed, fact = booked.report_no_show(row.value, request, actor, at)
            await self.table.transact(*booked.becomes(row, changed, fact, actor=actor, at=at))
            return changed

        return await self._settle(request.booking_id, act)

    async def settle_no_show(self, booking_id: str, actor: Actor, reason: str = "") -> Booking:
        """Let a reported no-show stand: all goes back, or all is released."""
        return await self._close(
            booking_id, lambda known, _, at: booked.settle_no_show(known, actor, at, reason), actor, "did not come"
        )

    async def dispute(self, booking_id: str, reason: str, actor: Actor, *, also: Also = nothing) -> Booking:
        """Dispute the booking: what is still held stays so until it is concluded. `also` is committed with it."""

        async def act() -> Booking:
            row = await self.bookings.row(booking_id)
            at = self.clock.now()
            changed, fact = booked.dispute(row.value, reason, actor, at)
            writes = await self.bookings.writes(row, changed, fact, actor=actor, at=at)
            await self.table.transact(*writes, *await also(at))
            return changed

        return await self._settle(booking_id, act)

    async def conclude(self, request: ConcludeDispute, actor: Actor, *, also: Also = nothing) -> Booking:
        """Decide a dispute, and divide what is held, or take back what was released. `also` is committed with it.

        An `amount` goes back besides what refunds gave back before: see `in_all`.
        """
        return await self._close(
            request.booking_id,
            lambda known, paid, at: booked.conclude(known, in_all(request, paid), actor, at),
            actor,
            "dispute",
            also,
            elsewhere=request.elsewhere,
        )

    async def lift(self, booking_id: str, actor: Actor, *, also: Also = nothing) -> Booking:
        """Let a dispute fall away: the booking goes on where it still can, else it is completed."""

        def decide(known: Booking, _: Payment | None, at: datetime) -> tuple[Booking, BookingFact]:
            if booked.may_resume(known, at):
                return booked.resume(known, actor, at)
            return booked.conclude(known, ConcludeDispute(booking_id=booking_id), LIFTING, at)

        return await self._close(booking_id, decide, actor, "dispute", also)

    async def _close(
        self,
        booking_id: str,
        decide: Decision,
        actor: Actor,
        reason: str,
        also: Also = nothing,
        *,
        elsewhere: bool = False,
        undrawn: bool = False,
    ) -> Booking:
        """Decide the end, and commit it with the division of the money, and with what is `also` decided."""

        async def act() -> Booking:
            row = await self.bookings.row(booking_id)
            charge = await self._charge(booking_id)
            at = self.clock.now()
            changed, fact = decide(row.value, charge.value if charge else None, at)
            writes = await self.bookings.writes(row, changed, fact, actor=actor, at=at)
            divided: list[Write] = []
            if charge:
                divided = await self._divided(
                    charge, row.value, changed, actor, at, reason, elsewhere=elsewhere, undrawn=undrawn
                )
            await self.table.transact(*writes, *divided, *await also(at))
            return changed

        return await self._settle(booking_id, act)

    async def _undrawable(self, booking_id: str) -> bool:
        """Whether what was paid is a bank debit that is not sent yet."""
        charge = await self._charge(booking_id)
        return charge is not None and await self.debits.waits(charge.value)

    async def _charge(self, booking_id: str) -> Row[Payment] | None:
        try:
            return await charge_of(self.payments, booking_id)
        except NothingPaid:
            return None

    async def _divided(
        self,
        row: Row[Payment],
        before: Booking,
        after: Booking,
        actor: Actor,
        at: datetime,
        reason: str,
        *,
        elsewhere: bool,
        undrawn: bool,
    ) -> list[Write]:
        """The writes that divide what was captured."""
        if row.value.debit is not None and after.status is BookingStatus.CANCELLED:
            stopped = await self._undrawn(row, before, after, actor, at, reason)
            if stopped is not None:
                return stopped
            if undrawn:
                raise DebitJustSent
        back, owed = due_back(after, row.value, elsewhere=elsewhere)
        was_released = is_released(before)
        if owed and was_released:
            raise ChargedBack
        paid = replace(row.value, owed=owed) if owed and is_released(after) else row.value
        writes: list[Write] = []
        postings: list[Transfer] = []
        if back:
            request = IssueRefund(
                refund_id=RefundId(mint("rfd", at, self.entropy)),
                payment_id=paid.payment_id,
                booking_id=after.booking_id,
                amount=back,
                reason=after.reason or reason,
            )
            paid, writes, postings = await self.settlement.given_back(
                paid, before, request, actor, at, elsewhere=elsewhere
            )
        if not was_released and is_released(after):
            if paid.debit is not None and funds_wait(paid, at):
                # Shared out when the debit is beyond return: until then all of it lies in escrow.
                paid = replace(paid, debit=replace(paid.debit, unreleased=True))
            else:
                rest = rates.remaining(after.lines, after.rates, paid.gone + owed)
                postings = [*postings, *chart.released(sale_of(after, paid), rest)]
        # The payment must be as it was read: a refund decided meanwhile would change what remains.
        payment = paying.becomes(row, paid, actor, at) or [Check(key=row.key, expected=row.unchanged)]
        return [*payment, *writes, *await self.ledger.writes(*postings)]

    async def _undrawn(
        self, row: Row[Payment], before: Booking, after: Booking, actor: Actor, at: datetime, reason: str
    ) -> list[Write] | None:
        """The writes that call a bank debit off before it is sent: all of it back, and nothing to share out."""
        stopped = await self.debits.stopped(row.value, actor, at)
        if stopped is None:
            return None
        paid, writes = stopped.payment, list(stopped.writes)
        if paid.left:
            request = IssueRefund(
                refund_id=RefundId(mint("rfd", at, self.entropy)),
                payment_id=paid.payment_id,
                booking_id=after.booking_id,
                amount=paid.left,
                reason=after.reason or reason,
            )
            back = await given_back.postings(self.ledger, before, paid, paid.left, request.refund_id)
            paid, refund = paying.undrawn(paid, request, stopped.entry_id, actor, at)
            writes += [*paying.refund_made(refund, actor, at), *await self.ledger.writes(*back)]
        return [*paying.becomes(row, paid, actor, at), *writes]

    async def _settle(self, booking_id: str, act: Callable[[], Awaitable[Booking]]) -> Booking:
        provider_id = (await self.bookings.row(booking_id)).value.provider_id
        return await self.bookings.calendar.settle(provider_id, act)


def in_all(request: ConcludeDispute, payment: Payment | None) -> ConcludeDispute:
    """The decision with its amount as all that goes back, with what refunds gave back before.

    What the customer's bank took counts towards the amount: it was asked for the same money.
    """
    if request.amount is None or payment is None:
        return request
    total = min(payment.captured, payment.refunded + payment.refunding + request.amount)
    return replace(request, amount=total)


def due_back(after: Booking, payment: Payment, *, elsewhere: bool = False) -> tuple[Money, Money]:
    """What goes back to the customer now, and what is owed to them besides: all of it when the booking never came about.

    What the customer's bank took counts as given back. What the processor would not refund, since the bank asked for it
    once, is owed: it stays in escrow, unless it was paid `elsewhere`.
    """
    nothing = zero(payment.amount.currency)
    never_came_about = after.status in {BookingStatus.DECLINED, BookingStatus.EXPIRED}
    wanted = payment.captured if never_came_about else after.refund.amount if after.refund else nothing
    due = wanted - payment.gone if payment.gone < wanted else nothing
    back = due if elsewhere else min(due, payment.refundable)
    return back, due - back
