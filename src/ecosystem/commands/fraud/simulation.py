"""A market made up: customers who book, and people who cheat, in ways that are named.

Everything follows from the seed. What is genuine overlaps with what is fraud on purpose: genuine customers travel,
spend much once in a while, mistype, come as guests, share networks, book several things at a sitting; most join because
they want to book and do it within minutes; providers who open bring customers along. `UNSEEN` patterns are for asking how a
model does on what it never learned; none of them is trained on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from msgspec import Struct, field

from ecosystem.contexts.fraud import CheckoutSeen, PayoutSeen

GROWN_DAYS = 700
"""How far back the histories of a market reach that did not open on the first day."""
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR_S, DAY_S = 3_600, 86_400
TRAINED = ("card-testing", "stolen-card", "account-takeover", "collusion", "payout-takeover")
UNSEEN = ("slow-testing", "triangulation", "bust-out", "friendly", "mule-bank")


class World(Struct, frozen=True, kw_only=True):
    """How large a market, and for how long. `patterns` are what is cheated by."""

    seed: int = 2026
    days: int = 150
    customers: int = 3_000
    providers: int = 160
    daily_frauds: float = 1.6
    patterns: tuple[str, ...] = TRAINED
    is_young: bool = False
    """Whether it opens on the first day, with nobody in it before."""


class Made(Struct, frozen=True, kw_only=True):
    """One checkout or payout with its truth. `card` is what the payment turns out to be made with. `known_at` is when a bank says so; None when nobody ever does."""

    what: CheckoutSeen | PayoutSeen
    card: str = ""
    declined: bool = False
    fraud: bool = False
    pattern: str = ""
    known_at: datetime | None = None

    @property
    def at(self) -> datetime:
        return self.what.at


class _Shop(Struct, kw_only=True):
    name: str
    opened: float
    price: float
    zone: int
    remote: bool
    bank: str
    popularity: float
    hurries: bool = False
    """Whether it draws what it earned at once, and often."""
    earned: int = 0


class _Person(Struct, kw_only=True):
    name: str
    joined: float
    rate: float
    spends: float
    zone: int
    cards: list[str]
    networks: list[str]
    favourites: list[int] = field(default_factory=list[int])


class _Market:
    """The market as it unfolds: a heap of instants with what happens then."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = random.Random(world.seed)  # noqa: S311 -- chance that can be repeated is the point
        self.count = 0
        self.due: list[tuple[float, int, Made]] = []
        draw = self.draw
        past = 0 if world.is_young else 400
        self.shops = [self.shop(draw.uniform(-past, world.days * 0.7)) for _ in range(world.providers)]
        self.carriers = [self.name("net") for _ in range(60)]
        self.people = [self._person() for _ in range(world.customers)]
        self.proxies = [self.name("net") for _ in range(25)]

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def shop(self, opened: float) -> _Shop:
        draw = self.draw
        return _Shop(
            name=self.name("prv"),
            opened=opened,
            price=draw.lognormvariate(8.6, 0.7),
            zone=draw.choice((0, 0, 0, 0, 0, 1, 1, 2, -1)),
            remote=draw.random() < 0.25,
            bank=self.name("bank"),
            popularity=draw.lognormvariate(0, 1),
            hurries=draw.random() < 0.3,
        )

    def _person(self) -> _Person:
        draw = self.draw
        networks = [self.name("net")] + ([draw.choice(self.carriers)] if draw.random() < 0.5 else [])
        return _Person(
            name=self.name("usr"),
            joined=draw.uniform(0 if self.world.is_young else -700, self.world.days),
            rate=draw.expovariate(1 / 0.13),
            spends=draw.lognormvariate(0, 0.35),
            zone=draw.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, -1, 6)),
            cards=[self.name("pm") for _ in range(1 + (draw.random() < 0.25))],
            networks=networks,
            favourites=[self.any_shop() for _ in range(3)],
        )

    def any_shop(self) -> int:
        weights = [shop.popularity for shop in self.shops]
        return self.draw.choices(range(len(self.shops)), weights)[0]

    def hour(self) -> float:
        """Seconds into a day at which people pay."""
        return min(DAY_S - 1.0, max(0.0, self.draw.gauss(15.0, 4.5) * HOUR_S))

    def lead_h(self) -> float:
        """How far ahead somebody books who means it: for days ahead, and quite often for the next free hour."""
        return self.draw.uniform(1, 6) if self.draw.random() < 0.3 else self.draw.expovariate(1 / 110)

    def put(self, made: Made) -> None:
        self.count += 1
        heappush(self.due, ((made.at - START).total_seconds(), self.count, made))

    def pay(
        self,
        second: float,
        shop: _Shop,
        *,
        customer: str,
        joined: float,
        card: str,
        network: str,
        amount: float,
        zone: int = 0,
        guest: bool = False,
        lead_h: float = 48.0,
        declined: bool = False,
        pattern: str = "",
        known: float = 0.8,
        saved: float = 0.0,
    ) -> None:
        """Put one checkout down. `saved` is how likely the card was kept before, `known` how likely a paid fraud comes back as a chargeback."""
        draw, at = self.draw, START + timedelta(seconds=second)
        comes_back = bool(pattern) and not declined and draw.random() < known
        seats = 1 if draw.random() < 0.93 else draw.randint(2, 4)
        what = CheckoutSeen(
            at=at,
            payment_id=self.name("pay"),
            booking_id=self.name("bkg"),
            customer_id=customer,
            provider_id=shop.name,
            card=card if draw.random() < saved else "",
            amount=max(100, round(amount)),
            currency="EUR",
            guest=guest,
            network=network if draw.random() < 0.75 else "",
            market_days=second / DAY_S + (0 if self.world.is_young else GROWN_DAYS),
            account_days=max(0.0, second / DAY_S - joined),
            lead_h=max(1.0, lead_h),
            zone_gap_h=float(abs(zone - shop.zone)),
            local_hour=float(int(second % DAY_S / HOUR_S + zone) % 24),
            remote=shop.remote,
            seats=seats,
        )
        known_at = at + timedelta(days=draw.uniform(3, 28)) if comes_back else None
        self.put(Made(what=what, card=card, declined=declined, fraud=bool(pattern), pattern=pattern, known_at=known_at))
        if not declined:
            shop.earned += round(what.amount * 0.9)

    def amount(self, shop: _Shop, spends: float = 1.0) -> float:
        return shop.price * spends * self.draw.lognormvariate(0, 0.3)


def made(world: World) -> Iterator[Made]:
    """Everything that is attempted, in order."""
    market = _Market(world)
    for day in range(world.days):
        _genuine(market, day)
        _openings(market, day)
        for _ in range(_poisson(market.draw, world.daily_frauds)):
            _CHEATS[market.draw.choice(world.patterns)](market, day)
        _payouts(market, day)
        until = (day + 1) * DAY_S
        while market.due and market.due[0][0] < until:
            yield heappop(market.due)[2]
    while market.due:
        yield heappop(market.due)[2]


def _genuine(market: _Market, day: int) -> None:
    draw = market.draw
    for person in market.people:
        joins = day <= person.joined < day + 1 and draw.random() < 0.7
        if not joins and (person.joined > day or draw.random() > person.rate):
            continue
        # Most who join want to book something, and do it then and there.
        second = (person.joined + draw.expovariate(1 / 0.02)) * DAY_S if joins else day * DAY_S + market.hour()
        number = draw.choice(person.favourites) if draw.random() < 0.6 else market.any_shop()
        shop = market.shops[number]
        if shop.opened > day:
            continue
        if draw.random() < 0.02:
            person.cards = [*person.cards[1:], market.name("pm")]
        travels = draw.random() < 0.04
        network = market.name("net") if travels else draw.choice(person.networks)
        # Once in a while somebody treats themselves, or books for a whole family.
        amount = market.amount(shop, person.spends) * (draw.uniform(2, 5) if draw.random() < 0.03 else 1)
        guest = draw.random() < 0.12
        name = market.name("gst") if guest else person.name
        joined = second / DAY_S if guest else max(person.joined, -700)
        card = draw.choice(person.cards)
        again = 0
        while again < 3 and draw.random() < 0.05:
            _booked(market, second, shop, person, name, joined, card, network, amount, travels, guest, declined=True)
            second, again = second + draw.uniform(30, 400), again + 1
            card = market.name("pm") if draw.random() < 0.3 else draw.choice(person.cards)
        _booked(market, second, shop, person, name, joined, card, network, amount, travels, guest, declined=False)
        while again < 6 and draw.random() < (0.08 if again else 0.06):
            # Several things at a sitting: a family's lessons, a move.
            second, again, shop = second + draw.uniform(60, 2_000), again + 1, _open_shop(market, day)
            amount = market.amount(shop, person.spends)
            _booked(market, second, shop, person, name, joined, card, network, amount, travels, guest, declined=False)


def _booked(
    market: _Market,
    second: float,
    shop: _Shop,
    person: _Person,
    name: str,
    joined: float,
    card: str,
    network: str,
    amount: float,
    travels: bool,
    guest: bool,
    *,
    declined: bool,
) -> None:
    zone = person.zone + (market.draw.randint(-6, 6) if travels else 0)
    market.pay(
        second,
        shop,
        customer=name,
        joined=joined,
        card=card,
        network=network,
        amount=amount,
        zone=zone,
        guest=guest,
        lead_h=market.lead_h(),
        declined=declined,
        saved=0.0 if guest else 0.5,
    )


def _openings(market: _Market, day: int) -> None:
    """Half of the providers who open bring customers along, who join for it; some do so at the provider's own place."""
    draw = market.draw
    for shop in market.shops:
        if not day <= shop.opened < day + 1 or draw.random() < 0.5:
            continue
        place = market.name("net")
        for _ in range(draw.randint(2, 14)):
            guest = draw.random() < 0.3
            second = (shop.opened + draw.expovariate(1 / 2.5)) * DAY_S
            market.pay(
                second,
                shop,
                customer=market.name("gst" if guest else "usr"),
                joined=second / DAY_S - (0 if guest else draw.expovariate(1 / 0.3)),
                card=market.name("pm"),
                network=place if draw.random() < 0.3 else market.name("net"),
                amount=market.amount(shop),
                zone=shop.zone,
                guest=guest,
                lead_h=market.lead_h(),
                declined=draw.random() < 0.04,
            )


def _open_shop(market: _Market, day: int) -> _Shop:
    for _ in range(50):
        shop = market.shops[market.any_shop()]
        if shop.opened <= day:
            return shop
    return market.shops[0]


def _card_testing(market: _Market, day: int) -> None:
    """Bought card numbers are tried with small sums, one after another, from a new account or as guests."""
    draw = market.draw
    shop = min((_open_shop(market, day) for _ in range(4)), key=lambda each: each.price)
    second, network = day * DAY_S + draw.uniform(0, DAY_S), draw.choice([*market.proxies, market.name("net")])
    as_guests = draw.random() < 0.4
    account, joined = market.name("usr"), second / DAY_S - draw.uniform(0, 0.5)
    for _ in range(draw.randint(4, 22)):
        name = market.name("gst") if as_guests else account
        market.pay(
            second,
            shop,
            customer=name,
            joined=second / DAY_S if as_guests else joined,
            card=market.name("pm"),
            network=network,
            amount=market.amount(shop) * draw.uniform(0.3, 0.9),
            zone=draw.randint(-8, 8),
            guest=as_guests,
            lead_h=draw.uniform(2, 200),
            declined=draw.random() < 0.7,
            pattern="card-testing",
        )
        second += draw.expovariate(1 / 150)


def _stolen_card(market: _Market, day: int) -> None:
    """A stolen card pays for something dear and soon, from an account made for it."""
    draw = market.draw
    second, guest = day * DAY_S + draw.uniform(0, DAY_S), draw.random() < 0.35
    account, joined = market.name("gst" if guest else "usr"), second / DAY_S - draw.expovariate(1 / 1.5)
    network, zone, card = draw.choice([*market.proxies, market.name("net")]), draw.randint(-9, 9), market.name("pm")
    for _ in range(draw.randint(1, 4)):
        shop = _open_shop(market, day)
        market.pay(
            second,
            shop,
            customer=account,
            joined=second / DAY_S if guest else joined,
            card=card,
            network=network,
            amount=market.amount(shop) * draw.uniform(1.5, 4.5),
            zone=zone,
            guest=guest,
            lead_h=draw.expovariate(1 / 14),
            declined=draw.random() < 0.3,
            pattern="stolen-card",
        )
        second += draw.expovariate(1 / 2_400)


def _account_takeover(market: _Market, day: int) -> None:
    """Somebody else has the password of an old account, and uses it quickly."""
    draw = market.draw
    person = draw.choice(market.people)
    if person.joined > day - 30:
        return
    second, network, zone = day * DAY_S + draw.uniform(0, DAY_S), market.name("net"), draw.randint(-9, 9)
    card = draw.choice(person.cards) if draw.random() < 0.5 else market.name("pm")
    for _ in range(draw.randint(2, 5)):
        shop = _open_shop(market, day)
        market.pay(
            second,
            shop,
            customer=person.name,
            joined=person.joined,
            card=card,
            network=network,
            amount=market.amount(shop) * draw.uniform(1.8, 5),
            zone=zone,
            lead_h=draw.expovariate(1 / 16),
            declined=draw.random() < 0.25,
            pattern="account-takeover",
            known=0.95,
            saved=float(card in person.cards),
        )
        second += draw.expovariate(1 / 3_600)


def _collusion(market: _Market, day: int) -> None:
    """A provider made for it is paid with stolen cards, and draws the money out before the cards' owners notice."""
    draw = market.draw
    shop = market.shop(day - draw.uniform(0, 6))
    shop.price *= draw.uniform(1.2, 2.5)
    networks = [market.name("net") for _ in range(draw.randint(1, 3))]
    for _ in range(draw.randint(6, 16)):
        second = (day + draw.uniform(0, 4)) * DAY_S
        market.pay(
            second,
            shop,
            customer=market.name("usr"),
            joined=second / DAY_S - draw.expovariate(1 / 0.8),
            card=market.name("pm"),
            network=draw.choice(networks),
            amount=market.amount(shop) * draw.uniform(0.8, 2),
            zone=shop.zone,
            lead_h=draw.expovariate(1 / 20),
            declined=draw.random() < 0.2,
            pattern="collusion",
            known=0.9,
        )
    _pay_out(market, (day + 4.5) * DAY_S, shop, instant=draw.random() < 0.7, pattern="collusion")


def _payout_takeover(market: _Market, day: int) -> None:
    """Somebody else has the password of a provider, names another bank account, and asks for everything at once."""
    draw = market.draw
    shop = _open_shop(market, day)
    other = _Shop(
        name=shop.name,
        opened=shop.opened,
        price=shop.price,
        zone=shop.zone,
        remote=shop.remote,
        bank=market.name("bank"),
        popularity=0,
        earned=round(max(shop.earned, shop.price) * draw.uniform(0.8, 1)),
    )
    _pay_out(
        market, day * DAY_S + draw.uniform(0, DAY_S), other, instant=draw.random() < 0.8, pattern="payout-takeover"
    )


def _slow_testing(market: _Market, day: int) -> None:
    """Card numbers tried over days, each from another account and another network, one shop after another."""
    draw = market.draw
    for _ in range(draw.randint(6, 14)):
        second = (day + draw.uniform(0, 5)) * DAY_S
        shop = min((_open_shop(market, day) for _ in range(3)), key=lambda each: each.price)
        account, joined = market.name("usr"), second / DAY_S - draw.uniform(0, 3)
        for _ in range(draw.randint(1, 3)):
            market.pay(
                second,
                shop,
                customer=account,
                joined=joined,
                card=market.name("pm"),
                network=market.name("net"),
                amount=market.amount(shop) * draw.uniform(0.5, 1),
                lead_h=draw.expovariate(1 / 80),
                declined=draw.random() < 0.7,
                pattern="slow-testing",
            )
            second += draw.uniform(3_600, 40_000)


def _triangulation(market: _Market, day: int) -> None:
    """Somebody sells the bookings on, and pays each with another stolen card, as guests, at usual prices."""
    draw = market.draw
    networks = [market.name("net") for _ in range(2)]
    for _ in range(draw.randint(5, 12)):
        shop, second = _open_shop(market, day), (day + draw.uniform(0, 3)) * DAY_S
        market.pay(
            second,
            shop,
            customer=market.name("gst"),
            joined=second / DAY_S,
            card=market.name("pm"),
            network=draw.choice(networks),
            amount=market.amount(shop),
            zone=draw.choice((0, 0, 1)),
            guest=True,
            lead_h=draw.expovariate(1 / 60),
            declined=draw.random() < 0.15,
            pattern="triangulation",
        )


def _bust_out(market: _Market, day: int) -> None:
    """An account pays small sums honestly for weeks, and then large ones within a day."""
    draw = market.draw
    account, card, network = market.name("usr"), market.name("pm"), market.name("net")
    shop = min((_open_shop(market, day) for _ in range(4)), key=lambda each: each.price)
    for step in range(draw.randint(4, 8)):
        market.pay(
            (day + step * draw.uniform(2, 4)) * DAY_S + market.hour(),
            shop,
            customer=account,
            joined=day - 2,
            card=card,
            network=network,
            amount=market.amount(shop) * 0.6,
        )
    second = (day + draw.uniform(30, 40)) * DAY_S
    for _ in range(draw.randint(3, 6)):
        dear = max((_open_shop(market, day) for _ in range(4)), key=lambda each: each.price)
        market.pay(
            second,
            dear,
            customer=account,
            joined=day - 2,
            card=card,
            network=network,
            amount=market.amount(dear) * draw.uniform(1.5, 3),
            lead_h=draw.expovariate(1 / 20),
            declined=draw.random() < 0.1,
            pattern="bust-out",
        )
        second += draw.uniform(600, 12_000)


def _friendly(market: _Market, day: int) -> None:
    """A customer who had what was booked tells the bank that it was not them. Nothing tells it beforehand."""
    draw = market.draw
    person = draw.choice(market.people)
    if person.joined > day:
        return
    shop = _open_shop(market, day)
    market.pay(
        day * DAY_S + market.hour(),
        shop,
        customer=person.name,
        joined=person.joined,
        card=draw.choice(person.cards),
        network=draw.choice(person.networks),
        amount=market.amount(shop, person.spends) * draw.uniform(1, 1.8),
        zone=person.zone,
        lead_h=draw.expovariate(1 / 90),
        pattern="friendly",
        known=1.0,
    )


def _mule_bank(market: _Market, day: int) -> None:
    """One bank account takes the money of several new providers."""
    draw, bank = market.draw, market.name("bank")
    for _ in range(draw.randint(3, 6)):
        shop = market.shop(day - draw.uniform(3, 25))
        shop.bank, shop.earned = bank, round(shop.price * draw.uniform(3, 12))
        _pay_out(market, (day + draw.uniform(0, 6)) * DAY_S, shop, instant=draw.random() < 0.5, pattern="mule-bank")


_CHEATS = {
    "card-testing": _card_testing,
    "stolen-card": _stolen_card,
    "account-takeover": _account_takeover,
    "collusion": _collusion,
    "payout-takeover": _payout_takeover,
    "slow-testing": _slow_testing,
    "triangulation": _triangulation,
    "bust-out": _bust_out,
    "friendly": _friendly,
    "mule-bank": _mule_bank,
}


def _payouts(market: _Market, day: int) -> None:
    """Providers are paid weekly; some at once and often, some change their bank."""
    draw = market.draw
    for place, shop in enumerate(market.shops):
        at_once = draw.random() < (0.2 if shop.hurries else 0.01)
        if shop.opened > day or shop.earned < 500 or not (at_once or (day + place) % 7 == 0):
            continue
        if draw.random() < 0.015:
            shop.bank = market.name("bank")
        _pay_out(
            market, day * DAY_S + draw.uniform(0, DAY_S), shop, instant=at_once or draw.random() < 0.05, pattern=""
        )
        shop.earned = 0


def _pay_out(market: _Market, second: float, shop: _Shop, *, instant: bool, pattern: str) -> None:
    at = START + timedelta(seconds=second)
    what = PayoutSeen(
        at=at,
        payout_id=market.name("pout"),
        provider_id=shop.name,
        bank=shop.bank,
        amount=max(100, shop.earned),
        currency="EUR",
        instant=instant,
        market_days=second / DAY_S + (0 if market.world.is_young else GROWN_DAYS),
        provider_days=max(0.0, second / DAY_S - shop.opened),
    )
    known_at = at + timedelta(days=market.draw.uniform(2, 15)) if pattern else None
    market.put(Made(what=what, fraud=bool(pattern), pattern=pattern, known_at=known_at))


def _poisson(draw: random.Random, mean: float) -> int:
    """Knuth's method: fine for small means."""
    limit, count, product = math.exp(-mean), 0, draw.random()
    while product > limit:
        count, product = count + 1, product * draw.random()
    return count
