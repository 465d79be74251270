"""Thousands of seeded histories of a marketplace, each verified: bookings, refunds, expiry, crashes, lost answers.

A history is a few providers and customers who act at random for some weeks of virtual time. The card processor is the
real sandbox over HTTP; its webhooks arrive by HTTP at a door that at times loses them, takes them twice, or refuses
them for now. Banks take payments back, and decide for one side or the other. At random port calls the process dies, and another
takes over the folder. At the end the clock runs on until nothing is open, and everything must hold: the ledger's invariants, and the processor's own log of what moved.

    python -m bench.simulation [--histories 2000] [--seed 1] [--steps 25]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from tests.market import ADA, GUEST, OPERATOR, Market, over, sandbox_in

from bench import paydays
from bench.checkout_crash import Died, Executioner, Point
from bench.paydays import OWNER
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts.booking import (
    Booking,
    BookingStatus,
    CancelBooking,
    ReportNoShow,
    Reschedule,
    Side,
)
from ecosystem.contexts.disputes import (
    OVER,
    Answer,
    AnswerDispute,
    Cause,
    DecideDispute,
    Dispute,
    OpenDispute,
    State,
)
from ecosystem.contexts.payments import ChargedBack, Follow, FollowRefund
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports import Ports
from ecosystem.sandbox import Fault, What

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARDS = (
    *["pm_card_visa"] * 5,
    *["pm_card_bypassPending"] * 6,
    "pm_card_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_authenticationRequired",
    *["pm_card_createDispute"] * 3,
    *["pm_card_createDisputeInquiry"] * 2,
    "pm_card_refundFail",
    "pm_card_pendingRefund",
)
EVIDENCE = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence")
PRICES = (*[Money(10_001, "EUR")] * 4, *[Money(4_999, "EUR")] * 3, Money(1_250, "JPY"), Money(12_340, "KWD"))
STATES_OPEN = frozenset(
    {
        BookingStatus.AWAITING_PAYMENT,
        BookingStatus.AWAITING_PROVIDER,
        BookingStatus.CONFIRMED,
        BookingStatus.IN_PROGRESS,
    }
)
DAYS_AFTER = 24
CLOSES_AFTER = 10
"""So many days after the last act no payout is decided any more, so that those that were can end."""

FAULTS = (What.LOSE_ANSWER, What.LOSE_REQUEST, What.FAIL_ANSWER, What.REFUSE)


@dataclass(slots=True)
class History:
    """One seeded run. `told` counts what happened, to show that every kind does."""

    random: random.Random
    folder: Path
    told: Counter[str] = field(default_factory=Counter)
    services: list[str] = field(default_factory=list)
    bookings: list[str] = field(default_factory=list)

    async def run(self, steps: int) -> None:
        """Live it, let it come to rest, and verify it. Raises AssertionError."""
        clock = VirtualClock(BEGIN)
        async with sandbox_in(self.folder, clock, seed=self.random.randrange(1 << 30)) as sandbox, door(self) as hear:
            origin, hearing = hear
            sandbox.deliver_to(origin)
            async with over(self.folder, sandbox.origin, sandbox.keys, clock, seed=self.random.randrange(1 << 30)) as (
                opened,
                ports,
            ):
                shop = replace(opened, sandbox=sandbox)
                hearing.app = shop.app
                await self._open(shop)
                for _ in range(steps):
                    await self._step(shop, ports)
                sandbox.faults.clear()
                hearing.is_reliable = True
                await self._rest(shop)
                await self._judge(shop)

    async def _open(self, shop: Market) -> None:
        provider_id = await shop.provider(OWNER)
        for number in range(2):
            price = self.random.choice(PRICES)
            self.services.append(await shop.service(provider_id, price, owner=OWNER, instant=number == 0))
        await paydays.begin(self, shop)
        self.bookings.append(await paydays.earn(shop, self.services[0]))

    async def _step(self, shop: Market, ports: Ports) -> None:
        act = self.random.choice(ACTS)
        doomed = shop
        if self.random.random() < 0.15:
            point = Point(self.random.randrange(25), self.random.random() < 0.5)
            executioner = Executioner(point, _die)
            doomed = replace(shop, app=App.of(executioner.ports(ports)))
        if self.random.random() < 0.15:
            fault = Fault(what=self.random.choice(FAULTS), times=self.random.randint(1, 4))
            shop.sandbox.fail_next(fault)
            self.told[f"fault {fault.what}"] += 1
        try:
            await act(self, doomed)
            self.told[act.__name__] += 1
        except Refusal as refused:
            self.told[f"refused {refused.name}"] += 1
        except Died:
            self.told["died"] += 1
        if self.random.random() < 0.4:
            await self._tick(shop, timedelta(minutes=self.random.choice((1, 5, 20, 180, 1440))))

    async def _tick(self, shop: Market, by: timedelta) -> None:
        shop.clock.advance(by)
        shop.sandbox.nudge()
        await shop.wiring.caught_up()

    async def _rest(self, shop: Market) -> None:
        """Time goes on until nothing is due: first finely, then in half days."""
        for _ in range(30):
            await self._tick(shop, timedelta(minutes=1))
        for half in range(DAYS_AFTER * 2):
            if half == CLOSES_AFTER * 2:
                await paydays.close(self, shop)
            await self._tick(shop, timedelta(hours=12))
        await shop.sandbox.settled()
        await self._tick(shop, timedelta(minutes=1))
        await self._by_hand(shop)
        await paydays.call_off(self, shop)
        await self._tick(shop, timedelta(minutes=1))

    async def _by_hand(self, shop: Market) -> None:
        """Disputes over money that was paid out, and that the bank asked for once: an operator finds another way."""
        for dispute in (await shop.app.ports.table.scan(Dispute, limit=1000)).values:
            if not dispute.is_over and dispute.state is not State.AT_BANK:
                request = DecideDispute(
                    booking_id=dispute.booking_id,
                    dispute_id=dispute.dispute_id,
                    refund=zero(dispute.paid.currency),
                    reason="Paid by another way",
                )
                try:
                    await shop.app.disputing.follow(dispute.booking_id, dispute.dispute_id)
                except ChargedBack:
                    await shop.app.disputing.decide(request, OPERATOR)
                    self.told["dispute decided by hand"] += 1

    async def _judge(self, shop: Market) -> None:
        await shop.verified()
        await paydays.judge(self, shop)
        page = await shop.app.ports.table.scan(Booking, limit=1000)
        for booking in page.values:
            assert booking.status not in STATES_OPEN, f"{booking.booking_id} is still {booking.status}"
            self.told[f"ended {booking.status}"] += 1
        for dispute in (await shop.app.ports.table.scan(Dispute, limit=1000)).values:
            assert dispute.state in {*OVER, State.AT_BANK}, f"{dispute.dispute_id} is still {dispute.state}"
            self.told[f"{dispute.kind} {dispute.state}"] += 1

    async def book(self, shop: Market) -> None:
        actor = self.random.choice((ADA, GUEST))
        start = shop.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(
            hours=self.random.choice((2, 3, 26, 50, 150, 200, 400))
        )
        hold = await shop.hold(self.random.choice(self.services), start, actor)
        request = await shop.request(hold, actor, self.random.choice(CARDS))
        self.bookings.append(request.booking_id)
        await shop.app.checkout.pay(request, actor)
        if self.random.random() < 0.2:
            await shop.app.checkout.pay(request, actor)

    async def accept(self, shop: Market) -> None:
        await shop.app.acceptance.accept(self._any(), OWNER)

    async def decline(self, shop: Market) -> None:
        await shop.app.closing.decline(self._any(), "Not this week", OWNER)

    async def cancel(self, shop: Market) -> None:
        await shop.app.closing.cancel(CancelBooking(booking_id=self._any()), await self._someone(shop))

    async def reschedule(self, shop: Market) -> None:
        booking_id = self._any()
        row = await shop.app.bookings.row(booking_id)
        start = row.value.start_at + timedelta(hours=self.random.randint(-30, 60))
        await shop.app.bookings.reschedule(Reschedule(booking_id=booking_id, start_at=start), await self._someone(shop))

    async def complete(self, shop: Market) -> None:
        await shop.app.closing.complete(self._any(), await self._someone(shop))

    async def no_show(self, shop: Market) -> None:
        request = ReportNoShow(booking_id=self._any(), absent=self.random.choice((Side.CUSTOMER, Side.PROVIDER)))
        await shop.app.closing.report_no_show(request, await self._someone(shop))

    async def dispute(self, shop: Market) -> None:
        booking_id = await self._begun(shop)
        paid = (await shop.app.bookings.row(booking_id)).value.lines.total
        request = OpenDispute(
            dispute_id=shop.id("dsp"),
            booking_id=booking_id,
            cause=self.random.choice(list(Cause)),
            text="Not as agreed",
            wanted=self._part(paid),
        )
        customer = Actor(actor_id=(await shop.app.bookings.row(booking_id)).value.customer_id)
        await shop.app.disputing.open(request, self.random.choice((customer, customer, OWNER, OPERATOR)))

    async def answer_dispute(self, shop: Market) -> None:
        for dispute in await shop.app.disputes.of_booking(await self._disputed(shop)):
            request = AnswerDispute(
                booking_id=dispute.booking_id,
                dispute_id=dispute.dispute_id,
                answer=self.random.choice(list(Answer)),
                text="As I see it",
                offered=self._part(dispute.paid),
            )
            after = await shop.app.disputing.answer(request, OWNER)
            self.told[f"answer {after.state}"] += 1

    async def end_dispute(self, shop: Market) -> None:
        for dispute in await shop.app.disputes.of_booking(await self._disputed(shop)):
            customer = Actor(actor_id=dispute.parties.customer_id)
            match self.random.randrange(4):
                case 0:
                    await shop.app.disputing.accept_offer(dispute.booking_id, dispute.dispute_id, customer)
                case 1:
                    await shop.app.disputing.decline_offer(dispute.booking_id, dispute.dispute_id, customer)
                case 2:
                    await shop.app.disputing.withdraw(dispute.booking_id, dispute.dispute_id, customer)
                case _:
                    request = DecideDispute(
                        booking_id=dispute.booking_id,
                        dispute_id=dispute.dispute_id,
                        refund=self.random.choice(
                            (zero(dispute.paid.currency), self._part(dispute.paid), dispute.paid)
                        ),
                        reason="As both sides say",
                    )
                    await shop.app.disputing.decide(request, OPERATOR)

    async def _begun(self, shop: Market) -> str:
        """A booking whose time has begun, if there is one."""
        rows = [await shop.app.bookings.row(booking_id) for booking_id in self.bookings[-20:]]
        begun = [row.value.booking_id for row in rows if row.value.start_at <= shop.clock.now()]
        return self.random.choice(begun or [self._any()])

    async def _disputed(self, shop: Market) -> str:
        page = await shop.app.ports.table.scan(Dispute, limit=100)
        waiting = [each for each in page.values if not each.is_over and each.state is not State.AT_BANK]
        return self.random.choice([each.booking_id for each in waiting or page.values] or [self._any()])

    def _part(self, whole: Money) -> Money:
        """All of it or some, in steps that every card pays."""
        return Money(max(10, whole.minor // self.random.choice((1, 1, 2, 3, 9)) // 10 * 10), whole.currency)

    async def give_back(self, shop: Market) -> None:
        booking_id = self._any()
        lines = (await shop.app.bookings.row(booking_id)).value.lines
        amount = Money(max(1, lines.total.minor // self.random.randint(2, 9)), lines.currency)
        if lines.currency == "KWD":
            amount = Money(max(10, amount.minor // 10 * 10), "KWD")
        request = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=amount, reason="Goodwill")
        await shop.app.refunding.give_back(request, OPERATOR)

    async def answer_bank(self, shop: Market) -> None:
        """At the processor's own desk: a dispute is answered with evidence that wins or loses, or is given up."""
        headers = {"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}
        async with aiohttp.ClientSession(f"{shop.sandbox.origin}/v1/", headers=headers) as desk:
            with suppress(aiohttp.ClientError):  # The line may be cut, as any other.
                async with desk.get("disputes", params={"limit": "100"}) as answer:
                    disputes = [one["id"] for one in (await answer.json()).get("data", [])]
                if disputes:
                    await self._answered(desk, self.random.choice(disputes))

    async def _answered(self, desk: aiohttp.ClientSession, dispute_id: str) -> None:
        path, said = f"disputes/{dispute_id}/close", dict[str, str]()
        if self.random.random() < 0.8:
            path, said = f"disputes/{dispute_id}", {"evidence[uncategorized_text]": self.random.choice(EVIDENCE)}
        async with desk.post(path, data=said) as answer:
            self.told[f"bank {answer.status}"] += 1

    async def deal_with_failed(self, shop: Market) -> None:
        """An operator says what follows a refund that failed."""
        for owed in (await shop.app.failed_refunds.waiting(OPERATOR))[:1]:
            how = self.random.choice(tuple(Follow))
            by = "" if how is Follow.CLOSED else shop.id("rfd")
            refund = owed.refund
            request = FollowRefund(
                refund_id=refund.refund_id, booking_id=refund.booking_id, how=how, by_refund_id=by, note="As agreed"
            )
            await shop.app.failed_refunds.follow(request, OPERATOR)
            self.told[f"failed refund {how}"] += 1

    async def refund_at_desk(self, shop: Market) -> None:
        """At the processor's own desk: somebody gives back part of a payment, and we are not asked."""
        headers = {"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}
        async with aiohttp.ClientSession(f"{shop.sandbox.origin}/v1/", headers=headers) as desk:
            with suppress(aiohttp.ClientError):
                async with desk.get("charges", params={"limit": "100"}) as answer:
                    found = (await answer.json()).get("data", [])
                charges = [one for one in found if one["captured"] and not (one["refunded"] or one["disputed"])]
                if charges:
                    charge = self.random.choice(charges)
                    amount = max(1, charge["amount"] // self.random.randint(2, 9))
                    said = {"charge": charge["id"], "amount": str(max(10, amount // 10 * 10))}
                    async with desk.post("refunds", data=said) as answer:
                        self.told[f"refund at the desk {answer.status}"] += 1

    def _any(self) -> str:
        return self.random.choice(self.bookings) if self.bookings else "bkg_none"

    async def _someone(self, shop: Market) -> Actor:
        customer = (await shop.app.bookings.row(self._any())).value.customer_id if self.bookings else ADA.actor_id
        return self.random.choice((Actor(actor_id=customer), OWNER, OPERATOR))


ACTS: tuple[Callable[[History, Market], Awaitable[None]], ...] = (
    *[History.book] * 6,
    *[History.accept] * 2,
    History.decline,
    *[History.cancel] * 2,
    History.reschedule,
    *[History.complete] * 2,
    History.no_show,
    *[History.dispute] * 3,
    *[History.answer_dispute] * 2,
    *[History.end_dispute] * 2,
    History.give_back,
    *[History.answer_bank] * 3,
    *[History.deal_with_failed] * 2,
    History.refund_at_desk,
    *paydays.ACTS,
)


def _die() -> None:
    raise Died


@dataclass(slots=True)
class Door:
    """Where webhooks arrive: it may lose one, refuse it for now, or take it and say that it did not."""

    history: History
    app: App | None = None
    is_reliable: bool = False

    async def take(self, request: web.Request) -> web.Response:
        luck = 1.0 if self.is_reliable else self.history.random.random()
        if luck < 0.1 or self.app is None:
            return web.Response(status=503)
        body = await request.read()
        try:
            await self.app.webhooks.receive(body, request.headers.get("Stripe-Signature", ""))
        except Refusal:
            return web.Response(status=400)  # Signed before the clock was moved: it is sent again.
        self.history.told["webhook"] += 1
        return web.Response(status=500 if luck < 0.25 else 200)


@asynccontextmanager
async def door(history: History) -> AsyncGenerator[tuple[str, Door]]:
    """The address of a door on loopback, and the door."""
    opened = Door(history)
    application = web.Application()
    application.router.add_post("/", opened.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/", opened
    finally:
        await runner.cleanup()


async def simulate(
    histories: int, *, seed: int = 1, steps: int = 25, said: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Run and verify that many histories; what happened in them, counted. Raises AssertionError naming the seed."""
    told: Counter[str] = Counter()
    began = time.perf_counter()
    memory = Path("/dev/shm")
    for number in range(histories):
        with tempfile.TemporaryDirectory(
            prefix="ecosystem-history-", dir=memory if memory.is_dir() else None
        ) as folder:
            history = History(random.Random(f"{seed}:{number}"), Path(folder))
            try:
                await history.run(steps)
            except AssertionError as broken:
                raise AssertionError(f"history {number} of seed {seed}: {broken}") from broken
            told += history.told
        if (number + 1) % 100 == 0:
            said(f"{number + 1} histories verified in {time.perf_counter() - began:.0f} s")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=25)
    asked = parser.parse_args()
    told = asyncio.run(
        simulate(asked.histories, seed=asked.seed, steps=asked.steps, said=lambda line: print(line, flush=True))
    )
    for what, count in sorted(told.items()):
        print(f"{count:8,d} {what}")
    print(f"{asked.histories} histories, each verified.")


if __name__ == "__main__":
    main()
