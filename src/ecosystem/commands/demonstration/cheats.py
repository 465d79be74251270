"""Attempts at fraud, some hours before the demo ends: what the queue, the reasons and the rules then show is theirs.

From one network two guests try card after card until they are refused. A customer of long standing who pays from there
soon after is held, and let through by the operator; a third stranger is held too, and waits for whoever looks at the
demo. Nothing is made but by paying.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ecosystem.commands.demonstration.odds import Card
from ecosystem.commands.demonstration.people import ZONE
from ecosystem.commands.demonstration.stage import Stage
from ecosystem.contexts.booking import Contact, Hold, HoldGone, TakeHold
from ecosystem.contexts.fraud import Verdict
from ecosystem.journeys.casework import DecideCase
from ecosystem.journeys.checkout import PayForHold
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor

BEFORE_END = timedelta(hours=6)
OFF_BEAT = timedelta(seconds=11)
"""Visits and their faults fall on half minutes: what the processor is to do to them does not happen to these."""
ADDRESS = "192.88.99.7"
"""In a network that is nobody's any more (RFC 7526), and still not a private one."""
CARDS_TRIED = 10
STRANGERS = (("Alex Grey", "a.grey@guest.example"), ("Kim Black", "k.black@guest.example"))
LAST = ("Robin White", "r.white@guest.example")
KNOWN = "Known to us for weeks; somebody else tried cards from the same network."


class Cheats:
    """Those who try, and what they try with; the same each time, so that a demo that was interrupted goes on."""

    def __init__(self, stage: Stage, seed: int, begins: datetime) -> None:
        self.stage, self.seed, self.begins = stage, seed, begins

    def id(self, prefix: str, name: str) -> str:
        chance = random.Random(f"{self.seed}:cheats:{name}")  # noqa: S311 — the same each time
        return ids.make(prefix, self.begins, chance.randbytes(ids.RANDOM_BYTES))

    async def held(self, who: Actor, name: str, service: int) -> Hold | None:
        """A time that they hold: the first there is in some days."""
        market, stage = self.stage.market, self.stage
        hold_id = self.id("hld", name)
        try:
            return await market.holds.get(hold_id, who)
        except HoldGone:
            pass
        instant = [each for each in stage.services if each.instant]
        wanted = instant[service % len(instant)].service_id
        offer = await stage.tried(market.offering.offer(wanted))
        day = offer and await market.availability.first(offer, ZONE, since=stage.now + timedelta(days=3))
        if not day:
            return None
        request = TakeHold(hold_id=hold_id, service_id=wanted, start_at=day.slots[0].start_at, zone=ZONE)
        return await stage.tried(market.checkout.hold(request, who))

    async def pays(self, hold: Hold, who: Actor, contact: Contact, name: str, card: Card, attempt: int = 0) -> None:
        lines = await self.stage.tried(self.stage.market.checkout.lines(hold, who))
        if lines is None:
            return
        request = PayForHold(
            booking_id=self.id("bkg", name),
            payment_id=self.id("pay", f"{name}:{attempt}"),
            hold_id=hold.hold_id,
            contact=contact,
            place="Rua da Rosa 12, Lisbon" if hold.offer.mode == "at_customer" else "",
            total=lines.total,
            card=card,
            return_url=f"{self.stage.market.notifications.brand.url}/bookings",
        )
        await self.stage.tried(self.stage.market.checkout.pay(request, who, address=ADDRESS))


async def attempts(stage: Stage, seed: int, first: datetime, until: datetime) -> None:
    """The whole of it. A demo that is shorter has none."""
    begins = (until - BEFORE_END).replace(second=0, microsecond=0) + OFF_BEAT
    if begins < first:
        return
    cheats, agenda = Cheats(stage, seed, begins), stage.agenda
    await agenda.until(begins)
    trying: list[tuple[Hold, Actor, Contact, str]] = []
    for number, (name, email) in enumerate(STRANGERS):
        who, contact = Actor(actor_id=cheats.id("gst", name)), Contact(name=name, email=email)
        if hold := await cheats.held(who, name, number):
            trying.append((hold, who, contact, name))
            for attempt in range(CARDS_TRIED):
                await cheats.pays(hold, who, contact, name, Card.DECLINED, attempt)
    await agenda.until(begins + timedelta(minutes=2))
    for hold, who, contact, name in trying:
        await cheats.pays(hold, who, contact, name, Card.VISA, CARDS_TRIED)
    await agenda.until(begins + timedelta(minutes=20))
    customer, contact = stage.cast.customers[0]
    if hold := await cheats.held(customer, "known", len(STRANGERS)):
        await cheats.pays(hold, customer, contact, "known", Card.VISA)
    await agenda.until(begins + timedelta(hours=1))
    await look(stage)
    await agenda.until(begins + timedelta(hours=2))
    name, email = LAST
    who = Actor(actor_id=cheats.id("gst", name))
    if hold := await cheats.held(who, name, len(STRANGERS) + 1):
        await cheats.pays(hold, who, Contact(name=name, email=email), name, Card.VISA)


async def look(stage: Stage) -> None:
    """The operator lets through what waits of people who are known, and what providers have earned."""
    market, operator = stage.market, stage.cast.operator
    waiting = await market.casework.waiting(operator, limit=50)
    known = {customer.actor_id for customer, _ in stage.cast.customers}
    ordinary = [each for each in waiting.values if each.customer_id in known or not each.booking_id]
    if ordinary and not await market.reviewers.may_decide(operator):
        await stage.tried(market.casework.train(operator.actor_id, operator, trained=True))
    for case in ordinary:
        assert case.verdict is Verdict.REVIEW
        note = KNOWN if case.booking_id else "Known to us, and earned by bookings."
        request = DecideCase(subject_id=case.subject_id, booking_id=case.booking_id, approve=True, note=note)
        await stage.tried(market.casework.decide(request, operator))
