"""Whatever both sides, an operator, the bank and the processor do: the books hold, and nobody is left waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from ecosystem.contexts.booking import BookingStatus, CancelBooking, ReportNoShow, Side
from ecosystem.contexts.disputes import Answer, AnswerDispute, DecideDispute, Dispute, Kind, OpenDispute
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Refusal
from journeys.test_chargebacks import at_desk, hear
from journeys.test_failed_refunds import hear as hear_of_refunds
from market import ADA, GUEST, OPERATOR, OWNER, Market
from sandbox.calling import Listener, listening

CARDS = ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_refundFail", "pm_card_visa")
ACTS_MAX = 12


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


@dataclass
class Course:
    """One booking, and whatever may be done to it, at random."""

    shop: Market
    listener: Listener
    random: Random
    card: str
    customer: Actor
    log: list[str] = field(default_factory=list[str])

    async def begin(self) -> None:
        service_id = await self.shop.service(self.shop.provider_id)
        start = self.shop.clock.now() + timedelta(hours=11)
        self.paid = await self.shop.book(service_id, start, self.customer, self.card)
        self.booking_id = self.paid.booking.booking_id
        if self.random.random() < 0.75:
            self.shop.clock.advance(timedelta(hours=12, minutes=1))

    async def act(self) -> None:
        """One act; the instant stays the same now and then."""
        if self.random.random() < 0.8:
            self.shop.clock.advance(timedelta(seconds=1))
        act = self.random.choice(self.acts)
        refused = ""
        try:
            await act()
        except Refusal as no:
            refused = type(no).__name__
        self.log.append(f"{act.__name__} {refused}")

    @property
    def acts(self) -> Sequence[Callable[[], Awaitable[object]]]:
        return (
            *(self.opens, self.opens, self.answers, self.answers, self.takes, self.declines, self.withdraws),
            *(self.decides, self.decides, self.gives, self.gives, self.hears, self.hears, self.bank_decides),
            *(self.cancels, self.completes, self.reports, self.time_passes),
        )

    async def opens(self) -> None:
        who = self.random.choice((self.customer, self.customer, OPERATOR, OWNER))
        wanted = None if who is OWNER else self.random.choice((None, self._part()))
        wish = OpenDispute(dispute_id=self.shop.id("dsp"), booking_id=self.booking_id, text="So it was.", wanted=wanted)
        await self.shop.app.disputing.open(wish, who)

    async def answers(self) -> None:
        for known in await self._open():
            answer = self.random.choice(list(Answer))
            offered = self._part() if answer is Answer.OFFERED else None
            wish = AnswerDispute(
                booking_id=self.booking_id, dispute_id=known.dispute_id, answer=answer, text="No.", offered=offered
            )
            await self.shop.app.disputing.answer(wish, OWNER)

    async def takes(self) -> None:
        for known in await self._open():
            await self.shop.app.disputing.accept_offer(self.booking_id, known.dispute_id, self.customer)

    async def declines(self) -> None:
        for known in await self._open():
            await self.shop.app.disputing.decline_offer(self.booking_id, known.dispute_id, self.customer)

    async def withdraws(self) -> None:
        for known in await self._open():
            await self.shop.app.disputing.withdraw(self.booking_id, known.dispute_id, self.customer)

    async def decides(self) -> None:
        for known in await self._open():
            refund = self.random.choice((Money(0, "EUR"), self._part(), known.left))
            await self._decide(known, refund, elsewhere=self.random.random() < 0.3)

    async def gives(self) -> None:
        wish = GiveBack(refund_id=self.shop.id("rfd"), booking_id=self.booking_id, amount=self._part(), reason="So")
        await self.shop.app.refunding.give_back(wish, OPERATOR)

    async def hears(self) -> None:
        await hear(self.shop, self.listener, self.random.randrange(100))

    async def bank_decides(self) -> None:
        with suppress(AssertionError, IndexError):  # There may be nothing for it to decide.
            await at_desk(self.shop, self.paid, self.random.choice(("winning_evidence", "losing_evidence")))

    async def cancels(self) -> None:
        who = self.random.choice((self.customer, OWNER, OPERATOR))
        await self.shop.app.closing.cancel(CancelBooking(booking_id=self.booking_id, reason="So"), who)

    async def completes(self) -> None:
        await self.shop.app.closing.complete(self.booking_id, self.customer)

    async def reports(self) -> None:
        who, absent = self.random.choice(((self.customer, Side.PROVIDER), (OWNER, Side.CUSTOMER)))
        report = ReportNoShow(booking_id=self.booking_id, absent=absent, reason="Nobody came")
        await self.shop.app.closing.report_no_show(report, who)

    async def time_passes(self) -> None:
        await self.shop.passes(timedelta(hours=self.random.choice((2, 13, 25))))

    async def ends(self) -> None:
        """Everybody has had their time; the bank decides, and operators pay what the card refunds no more."""
        await hear(self.shop, self.listener)
        await self.bank_decides()
        await hear(self.shop, self.listener)
        await self.shop.passes(timedelta(days=8))
        for known in await self._open():
            await self._decide(known, min(known.wanted, known.left), elsewhere=True)
        await self.shop.passes()
        await self.shop.app.refunding.carry_out_all(self.booking_id, OPERATOR)
        await hear_of_refunds(self.shop, self.listener)

    async def _open(self) -> list[Dispute]:
        known = await self.shop.app.disputes.of_booking(self.booking_id)
        return [each for each in known if each.kind is Kind.COMPLAINT and not each.is_over]

    async def _decide(self, known: Dispute, refund: Money, *, elsewhere: bool) -> None:
        wish = DecideDispute(
            booking_id=self.booking_id,
            dispute_id=known.dispute_id,
            refund=refund,
            reason="As both say",
            elsewhere=elsewhere,
        )
        await self.shop.app.disputing.decide(wish, OPERATOR)

    def _part(self) -> Money:
        return Money(self.random.randint(1, self.paid.booking.lines.total.minor), "EUR")


@pytest.mark.parametrize("seed", range(24))
async def test_the_books_hold_and_every_dispute_ends(shop: Market, listener: Listener, seed: int) -> None:
    random = Random(seed)
    course = Course(shop, listener, random, random.choice(CARDS), random.choice((ADA, GUEST)))
    await course.begin()

    for _ in range(random.randint(4, ACTS_MAX)):
        await course.act()
    await course.ends()

    await shop.verified()
    assert (await shop.app.bookings.row(course.booking_id)).value.status is not BookingStatus.DISPUTED, course.log
    assert all(each.is_over for each in await shop.app.disputes.of_booking(course.booking_id)), course.log
