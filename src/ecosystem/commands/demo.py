"""The first start: a demo marketplace with a history, or a link that makes the first operator.

The demo's people are admitted, its catalogue is imported, and its history is lived: customers book through the same
checkout and the same card processor as everybody, on a clock that begins weeks ago and runs up to now.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from typing import ClassVar

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded import Embedded
from ecosystem.adapters.outside.clock import LateClock
from ecosystem.app import App
from ecosystem.commands.settings import Settings
from ecosystem.contexts.booking import BookingStatus, CancelBooking, Contact, TakeHold
from ecosystem.contexts.catalogue import Service, ServiceStatus
from ecosystem.contexts.identity import Admission
from ecosystem.journeys.checkout import PayForHold
from ecosystem.journeys.import_rows import Format
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Key, Put, Stored
from ecosystem.workflows.wiring import Wiring

ACTOR = system("demo")
HISTORY = timedelta(days=24)
MINUTES_BETWEEN = (20, 400)
STEPS_MAX = 400
PASSWORD_BYTES = 10
ZONE = "Europe/Lisbon"
CARDS = (*["pm_card_visa"] * 7, "pm_card_mastercard", "pm_card_chargeDeclined")
OPERATOR = ("olga@demo.example", "Olga Pires")
CUSTOMERS = (
    ("ana@demo.example", "Ana Ferreira"),
    ("hugo@demo.example", "Hugo Martins"),
    ("ruth@demo.example", "Ruth Keller"),
    ("sam@demo.example", "Sam Okafor"),
    ("yuki@demo.example", "Yuki Tanaka"),
    ("marta@demo.example", "Marta Gomes"),
)
PROVIDER = "teresa-sousa@demo.example"
STILL_AHEAD = (
    ("Portrait session in your neighbourhood", 0),
    ("Balcony makeover", 0),
    ("Product pictures on white", 3),
    ("Event coverage, same-night preview", 2),
)
"""What the demo's people find ahead of them: the service, and the number of the customer."""


class Beginning(Stored, frozen=True, kw_only=True):
    """How this folder began, and whether that is done: a first start that was interrupted goes on."""

    entity: ClassVar[str] = "beginning"

    demo: bool
    done: bool


class _Listed(Struct):
    name: str
    owner_email: str


class _Catalogue(Struct):
    providers: list[_Listed]


async def first_start(
    market: App, deployment: Embedded, clock: LateClock, chosen: Settings, say: Callable[[str], None]
) -> list[str]:
    """Make the demo if this folder is new and one is wanted; what to tell whoever started it."""
    key = Key("BEGINNING", "METADATA")
    row = await market.ports.table.get(key, Beginning)
    begun = row.value if row else Beginning(demo=chosen.demo, done=not chosen.demo)
    if row is None:
        await market.ports.table.transact(Put(key=key, value=begun))
    if not begun.demo:
        token = await market.identity.first_operators.invite()
        link = f"{chosen.url}/first-operator/{token}"
        return [f"Make the first operator here, once, within a day: {link}"] if token else []
    secret = await deployment.secrets.kept(
        "demo-password", lambda: base64.b32encode(market.ports.entropy.bytes(PASSWORD_BYTES)).lower()
    )
    password = f"Lx-{secret.decode()}-1"
    if not begun.done:
        say("Making the demo marketplace; this takes a few seconds, once ...")
        await _make(market, clock, password)
        await market.ports.table.transact(Put(key=key, value=Beginning(demo=True, done=True)))
    return [
        "This is the demo. Sign in with one of these addresses; the password is the same for all:",
        f"  customer  {CUSTOMERS[0][0]}",
        f"  provider  {PROVIDER}",
        f"  operator  {OPERATOR[0]}",
        f"  password  {password}",
        "Pay with card 4242 4242 4242 4242, any later month and any code. Start empty: make run DEMO=0",
    ]


async def _make(market: App, clock: LateClock, password: str) -> None:
    content = (files("ecosystem.commands") / "demonstration" / "catalogue.json").read_bytes()
    clock.hold_back(HISTORY)
    customers = await _admit(market, content, password)
    report = await market.importing.load(content, Format.JSON, ACTOR)
    assert not report.refused, report.refused
    await _live(market, clock, customers)


async def _admit(market: App, content: bytes, password: str) -> list[Actor]:
    """Accounts for everybody, confirmed; the customers. Who has one already keeps it."""
    hashed = await market.ports.passwords.hashed(password)
    owners = [(one.owner_email, one.name) for one in msgspec.json.decode(content, type=_Catalogue).providers]
    people = [
        (*OPERATOR, (Group.CUSTOMERS, Group.ADMINS)),
        *((*owner, (Group.CUSTOMERS, Group.PROVIDERS)) for owner in owners),
        *((*customer, (Group.CUSTOMERS,)) for customer in CUSTOMERS),
    ]
    for email, name, groups in people:
        if await market.identity.people.owner_of(email) is None:
            admission = Admission(
                user_id=mint("usr", market.ports.clock.now(), market.ports.entropy),
                email=email,
                password=hashed,
                name=name,
                zone=ZONE,
                groups=groups,
            )
            await market.ports.table.transact(*market.identity.people.admitting(admission, ACTOR))
    await market.identity.first_operators.close()
    ids = [await market.identity.people.owner_of(email) for email, _ in CUSTOMERS]
    return [Actor(actor_id=user_id, groups=(Group.CUSTOMERS,)) for user_id in ids if user_id]


async def _live(market: App, clock: LateClock, customers: list[Actor]) -> None:
    """Some weeks of bookings, up to now and beyond it."""
    chance = random.Random(2026)  # noqa: S311 — the same demo each time
    wiring = Wiring.of(market)
    services = list((await market.services.with_status(ServiceStatus.PUBLISHED, limit=100)).values)
    names = dict(zip((one.actor_id for one in customers), CUSTOMERS, strict=True))
    for _ in range(STEPS_MAX):
        customer = chance.choice(customers)
        email, name = names[customer.actor_id]
        await _book(market, chance, chance.choice(services), customer, Contact(name=name, email=email))
        await _pass(wiring, clock, timedelta(minutes=chance.randint(*MINUTES_BETWEEN)))
        if not clock.is_late:
            break
    else:
        await _pass(wiring, clock, HISTORY)
    for title, number in STILL_AHEAD:
        service = next(one for one in services if one.title == title)
        email, name = CUSTOMERS[number]
        await _book(market, chance, service, customers[number], Contact(name=name, email=email), answered=False)
    await wiring.settled()


async def _pass(wiring: Wiring, clock: LateClock, by: timedelta) -> None:
    await wiring.settled()
    clock.advance(by)
    await wiring.caught_up()


async def _book(
    market: App, chance: random.Random, service: Service, customer: Actor, contact: Contact, *, answered: bool = True
) -> None:
    """One customer books one service, and sometimes changes their mind; most requests are answered."""
    at = market.ports.clock.now()
    offer = await market.offering.offer(service.service_id)
    day = await market.offering.first_free_day(offer, ZONE)
    if day is None:
        return
    slot = chance.choice(day.slots)
    hold = TakeHold(
        hold_id=mint("hld", at, market.ports.entropy), service_id=service.service_id, start_at=slot.start_at, zone=ZONE
    )
    request = PayForHold(
        booking_id=mint("bkg", at, market.ports.entropy),
        payment_id=mint("pay", at, market.ports.entropy),
        hold_id=hold.hold_id,
        contact=contact,
        place="Rua da Rosa 12, Lisbon" if service.mode == "at_customer" else "",
        total=(await market.offering.quote(service.service_id, guest=False)).lines.total,
        card=chance.choice(CARDS) if answered else CARDS[0],
        return_url=f"{market.notifications.brand.url}/bookings",
    )
    try:
        await market.checkout.hold(hold, customer)
        paid = await market.checkout.pay(request, customer)
        owner = Actor(actor_id=offer.owner_id, groups=(Group.PROVIDERS,))
        if not answered:
            return
        if paid.booking.status is BookingStatus.AWAITING_PROVIDER and chance.random() < 0.8:
            await market.acceptance.accept(request.booking_id, owner)
        if chance.random() < 0.12:
            await market.closing.cancel(CancelBooking(booking_id=request.booking_id, reason="Plans changed"), customer)
    except Refusal:
        # Somebody had the time first, or too little notice: as in life, they go without.
        return
