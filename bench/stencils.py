"""Bookings by the million: two are lived, one done and one to come, and what they left is stamped again and again.

Everything that a booking leaves in the table is taken as it stands there: booking, payment, transfers, the account that
holds its money, events, letters, notices, the provider's day. A stamp writes the same bytes under other ids and on
other days, in the table's own encoding, so that nothing about a stamped booking tells it from a lived one. Accounts and
counters that many bookings share are left out, with what each booking adds to them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import apsw
import msgspec
from aiohttp import web
from msgspec import Struct
from tests.market import Market, market

from bench.stock import PRICE, ZONE, email, name
from ecosystem.adapters.embedded.table_item import MICROSECOND, Item, unpacked
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import keys as booking_keys
from ecosystem.contexts.identity import Admission
from ecosystem.journeys.hearing import SUBSCRIBED
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.ids import make
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.bus import SHARDS
from ecosystem.workflows.wiring import Wiring

COMING_DAYS = 45
"""How far ahead the booking to come is."""

_OURS = re.compile(rb"\b[a-z]{2,5}_[0-9a-hjkmnp-tv-z]{26}\b")
_THEIRS = re.compile(rb"\b(?:pi|ch|evt|txn|re|pm|card|cus)_[0-9A-Za-z]{14,60}\b")
_DATE = re.compile(rb"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_SECONDS = re.compile(rb"\xd6\xff(....)", re.DOTALL)
_NANOSECONDS = re.compile(rb"\xd7\xff(........)", re.DOTALL)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_pack = msgspec.msgpack.Encoder().encode
Key = tuple[str, str]
_SUMMED = ("INSIGHTS#", "AUDIT", "FRAUD#", "RECONCILIATION", "WEBHOOK_RECONCILIATION")


class Cast(Struct, frozen=True, kw_only=True):
    """Who a booking is between, and of what; texts of any two casts have the same lengths."""

    customer_id: str
    customer_email: str
    customer_name: str
    owner_id: str
    owner_email: str
    owner_name: str
    provider_id: str
    service_id: str

    @property
    def texts(self) -> list[bytes]:
        return [getattr(self, name).encode() for name in self.__struct_fields__]


class Stamped(Struct, frozen=True):
    """The rows of one stamped booking, as the table's file has them."""

    items: list[tuple[str, str, bytes, int | None, int]]
    indexed: list[tuple[int, str, str, str, str]]


class Stencil(Struct, frozen=True, kw_only=True):
    """What one booking left: its items, who it was between, and what it added to items that others share."""

    items: Mapping[Key, Item]
    cast: Cast
    lived_at: datetime
    added: Mapping[Key, Mapping[str, int]]


class Shared(Struct, frozen=True, kw_only=True):
    """Items that many bookings share, as they stood after the lived ones."""

    items: Mapping[Key, Item]
    cast: Cast


class Stamp:
    """A stencil moved by some days, ready to be pressed."""

    def __init__(self, stencil: Stencil, days: int) -> None:
        self._at = stencil.lived_at + timedelta(days=days)
        moved = [
            (tuple(_shifted(part.encode(), days) for part in key), _moved(item, days, stencil.lived_at))
            for key, item in stencil.items.items()
        ]
        found: dict[bytes, None] = dict.fromkeys(stencil.cast.texts)
        for (pk, sk), item in moved:
            for text in (pk, sk, item.body, *(part.encode() for place in item.places for part in place[1:])):
                found |= dict.fromkeys([*_OURS.findall(text), *_THEIRS.findall(text)])
        self._own = list(found)[len(stencil.cast.texts) :]
        # Longer marks first: one may begin like another.
        splitter = re.compile(b"(" + b"|".join(map(re.escape, sorted(found, key=len, reverse=True))) + b")")
        number = {mark: at for at, mark in enumerate(found)}

        def cut(text: bytes) -> tuple[list[bytes], list[int]]:
            parts = splitter.split(text)
            return parts, [number[mark] for mark in parts[1::2]]

        self._lines = [
            (cut(pk), cut(sk), cut(item.body), [(n, cut(p.encode()), cut(s.encode())) for n, p, s in item.places], item)
            for (pk, sk), item in moved
        ]

    def press(self, number: int, cast: Cast) -> Stamped:
        """The rows of a booking of that cast; `number` makes its ids unlike all others'."""
        marks = cast.texts + [_renamed(mark, self._at, number, place) for place, mark in enumerate(self._own)]
        items: list[tuple[str, str, bytes, int | None, int]] = []
        indexed: list[tuple[int, str, str, str, str]] = []
        for pk_cut, sk_cut, body_cut, places_cut, item in self._lines:
            pk, sk = _filled(pk_cut, marks).decode(), _filled(sk_cut, marks).decode()
            places = tuple(
                (n, _resharded(_filled(p, marks).decode(), pk), _filled(s, marks).decode()) for n, p, s in places_cut
            )
            packed = _pack(
                Item(
                    item.entity,
                    item.schema,
                    item.version,
                    _filled(body_cut, marks),
                    item.counters,
                    places,
                    item.expires,
                )
            )
            items.append((pk, sk, packed, item.expires, crc32(packed)))
            indexed += [(*place, pk, sk) for place in places]
        return Stamped(items, indexed)


def _filled(cut: tuple[list[bytes], list[int]], marks: list[bytes]) -> bytes:
    parts, places = cut
    if not places:
        return parts[0]
    filled = parts.copy()
    filled[1::2] = [marks[place] for place in places]
    return b"".join(filled)


def _renamed(mark: bytes, at: datetime, number: int, place: int) -> bytes:
    """Another id as long as this one."""
    prefix, _, rest = mark.partition(b"_")
    if len(rest) == 26 and _OURS.fullmatch(mark):
        return make(prefix.decode(), at, number.to_bytes(8) + place.to_bytes(2)).encode()
    tail = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(45, -1, -5)) + f"{place % 36:02d}"
    return mark[: -len(tail)] + tail.encode()


def _resharded(partition: str, pk: str) -> str:
    """An index partition with the shard that the item's own id gives it, where there is one."""
    if partition.startswith("EVENTS#"):
        return f"{partition[:-1]}{crc32(pk.encode()) % SHARDS}"
    if partition.startswith("BOOKING#"):
        return f"{partition[:-1]}{booking_keys.shard(pk.partition('#')[2])}"
    return partition


def _moved(item: Item, days: int, lived_at: datetime) -> Item:
    """The item some days earlier or later."""
    near = (lived_at - timedelta(days=400)).timestamp(), (lived_at + timedelta(days=400)).timestamp()
    ahead_s = days * 86_400

    def in_seconds(found: re.Match[bytes]) -> bytes:
        at_s = int.from_bytes(found[1])
        return b"\xd6\xff" + (at_s + ahead_s).to_bytes(4) if near[0] < at_s < near[1] else found[0]

    def in_nanoseconds(found: re.Match[bytes]) -> bytes:
        whole = int.from_bytes(found[1])
        at_s = whole & ((1 << 34) - 1)
        return b"\xd7\xff" + (whole + ahead_s).to_bytes(8) if near[0] < at_s < near[1] else found[0]

    body = _NANOSECONDS.sub(in_nanoseconds, _SECONDS.sub(in_seconds, _shifted(item.body, days)))
    places = tuple(
        (n, _shifted(p.encode(), days).decode(), _shifted(s.encode(), days).decode()) for n, p, s in item.places
    )
    expires = None if item.expires is None else item.expires + timedelta(days=days) // MICROSECOND
    return Item(item.entity, item.schema, item.version, body, item.counters, places, expires)


def _shifted(text: bytes, days: int) -> bytes:
    """The text with each date in it moved."""
    return _DATE.sub(lambda found: _date(found[0], days), text)


@lru_cache(maxsize=100_000)
def _date(text: bytes, days: int) -> bytes:
    with suppress(ValueError):
        return (date.fromisoformat(text.decode()) + timedelta(days=days)).isoformat().encode()
    return text


def cast(number_of_customer: int, number_of_provider: int, **ids: str) -> Cast:
    """A cast of people named by their numbers."""
    return Cast(
        customer_email=email("customer", number_of_customer),
        customer_name=name("customer", number_of_customer),
        owner_email=email("provider", number_of_provider),
        owner_name=name("provider", number_of_provider),
        **ids,
    )


async def lived(now: datetime) -> tuple[Stencil, Stencil, Shared]:
    """A booking that is done and one to come, as they leave the table, and what they share with others."""
    now = now.replace(minute=0, second=0, microsecond=0)
    clock = VirtualClock(now - timedelta(days=10))
    with TemporaryDirectory(prefix="stencils-") as folder:
        file = Path(folder) / "data" / "table.sqlite"
        async with market(Path(folder), clock) as shop, _door(shop):
            wiring = Wiring.of(shop.app)
            service_id, customer, played = await _begun(shop)

            async def live(start_at: datetime, until: datetime) -> None:
                await shop.book(service_id, start_at, customer)
                await shop.sandbox.settled()
                await wiring.settled()
                # Its machines see the payment through. Times are offered on the hour.
                clock.advance(timedelta(hours=1))
                await wiring.caught_up()
                while clock.now() < until:
                    clock.advance(timedelta(hours=12))
                    await wiring.caught_up()

            await live(clock.now() + timedelta(days=1), clock.now() + timedelta(days=4))
            before = _items(file)
            lived_at = clock.now()
            await live(lived_at + timedelta(days=1), lived_at + timedelta(days=4))
            between = _items(file)
            done = _stencil(before, between, played, lived_at)
            clock.advance(now - timedelta(hours=1) - clock.now())
            lived_at = clock.now()
            await live(lived_at + timedelta(days=COMING_DAYS), lived_at)
            after = _items(file)
            coming = _stencil(between, after, played, lived_at)
    shared = {key: after[key] for key in {*done.added, *coming.added}}
    return done, coming, Shared(items=shared, cast=played)


async def _begun(shop: Market) -> tuple[str, Actor, Cast]:
    """A provider, a service, a customer."""
    people: dict[str, Actor] = {}
    for role, groups in (
        ("customer", (Group.CUSTOMERS,)),
        ("provider", (Group.CUSTOMERS, Group.PROVIDERS)),
    ):
        people[role] = Actor(actor_id=shop.id("usr"), groups=groups)
        admission = Admission(
            user_id=people[role].actor_id,
            email=email(role, 9_999_999),
            password="none",
            name=name(role, 9_999_999),
            zone=ZONE,
            groups=groups,
        )
        await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, system("bench")))
    provider_id = await shop.provider(people["provider"])
    service_id = await shop.service(provider_id, PRICE, owner=people["provider"])
    played = cast(
        9_999_999,
        9_999_999,
        customer_id=people["customer"].actor_id,
        owner_id=people["provider"].actor_id,
        provider_id=provider_id,
        service_id=service_id,
    )
    return service_id, people["customer"], played


@asynccontextmanager
async def _door(shop: Market) -> AsyncGenerator[None]:
    """Lets the card processor's events in."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if msgspec.json.decode(body)["type"] in SUBSCRIBED:
            with suppress(Refusal):
                await shop.app.webhooks.receive(body, request.headers.get("Stripe-Signature", ""))
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    shop.sandbox.deliver_to(f"http://{host}:{port}/")
    try:
        yield
    finally:
        await runner.cleanup()


def _items(file: Path) -> dict[Key, Item]:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {(pk, sk): unpacked(item) for pk, sk, item in connection.execute("SELECT pk, sk, item FROM items")}
    finally:
        connection.close()


def _stencil(before: Mapping[Key, Item], after: Mapping[Key, Item], played: Cast, lived_at: datetime) -> Stencil:
    """What is new is the booking's own; of what changed, the counters are what it added."""
    own = {key: item for key, item in after.items() if key not in before and not _is_shared(key)}
    added: dict[Key, dict[str, int]] = {}
    for key, item in after.items():
        former = before.get(key)
        if key in own or _is_shared(key) or (former and former.counters == item.counters) or not item.counters:
            continue
        counted = Counter(item.counters)
        counted.subtract(former.counters if former else {})
        added[key] = {name: by for name, by in counted.items() if by}
    return Stencil(items=own, cast=played, lived_at=lived_at, added=added)


def _is_shared(key: Key) -> bool:
    """What sums up many bookings, as figures and the audit log do; and what recurs, which is about no booking."""
    return key[0].startswith(_SUMMED) or (key[0].startswith("SCHEDULE#") and "/" not in key[0])


def kept(stamps: Iterable[Stamped], now: datetime) -> Iterator[Stamped]:
    """The stamped bookings without what would have expired by now."""
    limit = (now - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
    for stamped in stamps:
        gone = {(row[0], row[1]) for row in stamped.items if row[3] is not None and row[3] <= limit}
        if not gone:
            yield stamped
            continue
        yield Stamped(
            [row for row in stamped.items if (row[0], row[1]) not in gone],
            [row for row in stamped.indexed if (row[3], row[4]) not in gone],
        )
