"""A checkout as it stands: the time held, the booking it became, the attempts to pay, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ecosystem.contexts.booking import FREED, Booking, BookingStatus, Hold, HoldGone, HoldStatus
from ecosystem.contexts.fraud import Standing
from ecosystem.contexts.payments import Payment
from ecosystem.journeys.checkout import AUTHORIZATION_LIFE
from ecosystem.journeys.screening import REFUSALS_MAX
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.rates import Lines, Rates
from ecosystem.kernel.refusals import Denied, Invalid, NotFound
from ecosystem.web.bookings.way import actors
from ecosystem.web.checkout import attempts
from ecosystem.web.visit import Visit


class NoSuchCheckout(NotFound):
    """There is no such checkout in this browser. Choose a time again, with cookies allowed."""


class Stage(StrEnum):
    """What the page is for: to fill in and pay, to confirm with the bank, to wait, to choose again, or to go on."""

    OPEN = "open"
    CHALLENGE = "challenge"
    WAITING = "waiting"
    ENDED = "ended"
    BOOKED = "booked"


@dataclass(frozen=True, slots=True)
class Desk:
    """`payments` are the attempts so far, oldest first. `actor` holds the time: a person, or the guest they were."""

    hold: Hold
    actor: Actor
    booking: Booking | None
    payments: Sequence[Payment]
    rates: Rates
    lines: Lines
    at: datetime

    @property
    def stage(self) -> Stage:
        if self.booking is None:
            is_held = self.hold.status is HoldStatus.HELD and self.at < self.hold.expires_at
            return Stage.OPEN if is_held else Stage.ENDED
        if self.booking.status is not BookingStatus.AWAITING_PAYMENT:
            never = self.booking.booked_at is None and self.booking.status in FREED
            return Stage.ENDED if never else Stage.BOOKED
        last = self.last
        if last is None or not last.is_open:
            return Stage.OPEN
        return Stage.CHALLENGE if last.challenge_url else Stage.WAITING

    @property
    def last(self) -> Payment | None:
        """The latest attempt to pay."""
        return self.payments[-1] if self.payments else None

    @property
    def until(self) -> datetime:
        """Until when the time is kept."""
        return (self.booking.due_at if self.booking else None) or self.hold.expires_at

    @property
    def booking_id(self) -> str:
        return self.booking.booking_id if self.booking else attempts.booking_id(self.hold)

    @property
    def payment_id(self) -> str:
        """The id of the attempt that stands open, or of the next one."""
        last = self.last
        if last is not None and last.is_open:
            return last.payment_id
        return attempts.payment_id(self.hold, len(self.payments))

    def given(self, payment_id: str) -> str:
        """The id of the next attempt as a form was given it: after refusals it is another one."""
        after = (attempts.payment_id(self.hold, len(self.payments), each) for each in range(1, REFUSALS_MAX + 1))
        return payment_id if payment_id != self.payment_id and payment_id in after else self.payment_id

    @property
    def at_once(self) -> bool:
        """Whether the card is charged at once, and not only when the provider accepts."""
        placed_at = self.booking.placed_at if self.booking else self.at
        return self.hold.offer.instant or self.hold.start_at > placed_at + AUTHORIZATION_LIFE


async def desk(request: Visit, hold_id: str) -> Desk:
    """The checkout of a hold, for who holds it. Raises `NoSuchCheckout` for everybody else."""
    hold, actor = await held(request, hold_id)
    market = request.market
    booking: Booking | None = None
    payments: list[Payment] = []
    if hold.booking_id is not None:
        booking = (await market.bookings.row(hold.booking_id)).value
        payments = [row.value for row in await market.payments.payments_of(hold.booking_id)]
    return Desk(
        hold=hold,
        actor=actor,
        booking=booking,
        payments=payments,
        rates=booking.rates if booking else await market.tariff.current(),
        lines=booking.lines if booking else await market.checkout.lines(hold, actor),
        at=request.at,
    )


async def held(request: Visit, hold_id: str) -> tuple[Hold, Actor]:
    """The hold, and as whom this browser has it. Raises `NoSuchCheckout`."""
    try:
        ids.check("hld", hold_id)
    except Invalid:
        raise NoSuchCheckout from None
    for actor in actors(request):
        with suppress(HoldGone, Denied):
            hold = await request.market.holds.get(hold_id, actor)
            # An operator may see every hold; the page is for who holds the time.
            if hold.owner_id == actor.actor_id:
                return hold, actor
    raise NoSuchCheckout


async def after_refusals(request: Visit, at: Desk) -> str:
    """The id of the next attempt to pay, now that some may have been refused before there was a payment."""
    thought = await request.market.assessments.of_booking(at.booking_id)
    refused = sum(each.standing is Standing.REFUSED for each in thought)
    return attempts.payment_id(at.hold, len(at.payments), min(refused, REFUSALS_MAX))
