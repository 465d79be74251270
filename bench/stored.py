"""A data folder with many services and bookings stored, made once and kept under build/.

People, providers and services are made by the product's own acts; bookings are stamped (`bench.stencils`), in the
table's own encoding, into a file that nobody has open. What many bookings share is set to what they add up to. The
search index is then built by `ecosystem rebuild search`.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import apsw
import msgspec
from msgspec import Struct
from tests.serving import said

from bench.stencils import Cast, Shared, Stamp, Stamped, Stencil, cast, kept, lived
from bench.stock import Stock, Wanted, stocked
from ecosystem.adapters.embedded.table_file import FORMAT
from ecosystem.adapters.embedded.table_item import Item
from ecosystem.commands.settings import settings

URL = "http://127.0.0.1:8000"
SERVICES_EACH = 5
BOOKINGS_EACH_CUSTOMER = 10
COMING_IN = 5
"""One booking in so many is yet to come."""
PAST_DAYS = 700
COMING_DAYS = 30
AGE_MAX = timedelta(days=7)
"""A folder older than this is made anew: what is to come in it would have come."""
TOGETHER = 5_000
_pack = msgspec.msgpack.Encoder().encode


class Kept(Struct, frozen=True, kw_only=True):
    """What is known of a folder that is whole: `shape` is a digest of how its items look."""

    shape: str
    made_at: datetime
    took_s: float
    items: int
    stock: Stock


async def stored(folder: Path, *, services: int, bookings: int, told: Callable[[str], None] = lambda _: None) -> Kept:
    """The folder with that much in `data`, made if it is not there, is old, or was made by other code."""
    now = datetime.now(UTC)
    done, coming, shared = await lived(now)
    shape = _shape(done, coming)
    mark = folder / "stored.json"
    if mark.exists():
        found = msgspec.json.decode(mark.read_bytes(), type=Kept)
        if found.shape == shape and now - found.made_at < AGE_MAX:
            return found
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir(parents=True)
    began = time.monotonic()
    chosen = settings({"ECOSYSTEM_DATA": str(data), "ECOSYSTEM_DEMO": "0", "ECOSYSTEM_URL": URL})
    wanted = Wanted(
        providers=max(1, services // SERVICES_EACH),
        customers=max(1, bookings // BOOKINGS_EACH_CUSTOMER),
        services_each=SERVICES_EACH,
        signed_in=False,
    )
    stock = await stocked(chosen, wanted, told)
    items = _stamped(data / "table.sqlite", stock, bookings, (done, coming, shared), now, told)
    status, words = await said(data, "rebuild", "search")
    assert status == 0, words
    made = Kept(shape=shape, made_at=now, took_s=time.monotonic() - began, items=items, stock=stock)
    mark.write_bytes(msgspec.json.encode(made))
    told(f"{items:,} items in {made.took_s:.0f} s")
    return made


def _shape(*stencils: Stencil) -> str:
    """A digest of what is stored of a booking: of which kinds, and under which names."""
    found = hashlib.blake2b(str(FORMAT).encode(), digest_size=8)
    for stencil in stencils:
        for item in sorted(stencil.items.values(), key=lambda item: (item.entity, len(item.body))):
            names = sorted(msgspec.msgpack.decode(item.body))
            found.update(f"{item.entity} {item.schema} {names} {len(item.places)}\n".encode())
    return found.hexdigest()


def _stamped(
    path: Path,
    stock: Stock,
    bookings: int,
    lives: tuple[Stencil, Stencil, Shared],
    now: datetime,
    told: Callable[[str], None],
) -> int:
    """Write the bookings into the file, and what they add up to; how many items there are then."""
    connection = apsw.Connection(str(path))
    cursor = connection.cursor()
    for setting in ("journal_mode=delete", "journal_mode=off", "synchronous=off", "cache_size=-1500000"):
        cursor.execute(f"PRAGMA {setting}").fetchall()
    totals: dict[tuple[str, str], tuple[Item, Counter[str]]] = {}
    batch: list[Stamped] = []
    cursor.execute("BEGIN EXCLUSIVE")
    for number, stamped in enumerate(kept(_pressed(stock, bookings, lives, totals), now), 1):
        batch.append(stamped)
        if len(batch) == TOGETHER:
            _write(cursor, batch)
            batch = []
        if number % 100_000 == 0:
            told(f"{number:,} bookings")
    _write(cursor, batch)
    cursor.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)", _summed(totals))
    cursor.execute("COMMIT")
    [(items,)] = cursor.execute("SELECT count(*) FROM items").fetchall()
    connection.close()
    return int(items)


def _write(cursor: apsw.Cursor, batch: list[Stamped]) -> None:
    # In the order of the keys, so that each page is filled once.
    items = sorted(row for stamped in batch for row in stamped.items)
    indexed = sorted(row for stamped in batch for row in stamped.indexed)
    cursor.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", items)
    cursor.executemany("INSERT INTO indexed VALUES (?, ?, ?, ?, ?)", indexed)


def _pressed(
    stock: Stock,
    bookings: int,
    lives: tuple[Stencil, Stencil, Shared],
    totals: dict[tuple[str, str], tuple[Item, Counter[str]]],
) -> Iterator[Stamped]:
    """The bookings one after the other, the longest past first: each provider has one a day at most."""
    done, coming, shared = lives
    providers = len(stock.suppliers)
    rounds = -(-bookings // providers)
    ahead = max(1, rounds // COMING_IN)
    stamps: dict[tuple[bool, int], Stamp] = {}
    for number in range(bookings):
        turn, provider = divmod(number, providers)
        is_coming = turn >= rounds - ahead
        if is_coming:
            days = -((rounds - 1 - turn) * COMING_DAYS // ahead)
        else:
            step = max(2, PAST_DAYS // max(1, rounds - ahead))
            days = -((rounds - ahead - 1 - turn) * step + provider % (step - 1))
        stencil = coming if is_coming else done
        stamp = stamps.get((is_coming, days))
        if stamp is None:
            stamp = stamps[is_coming, days] = Stamp(stencil, days)
        played = _cast(stock, number, provider)
        _add(totals, stencil, shared, played)
        yield stamp.press(number, played)


def _cast(stock: Stock, number: int, provider: int) -> Cast:
    supplier, customer = stock.suppliers[provider], number % len(stock.customers)
    return cast(
        customer,
        provider,
        customer_id=stock.customers[customer].user_id,
        owner_id=supplier.owner_id,
        provider_id=supplier.provider_id,
        service_id=supplier.services[number % len(supplier.services)],
    )


def _add(
    totals: dict[tuple[str, str], tuple[Item, Counter[str]]], stencil: Stencil, shared: Shared, played: Cast
) -> None:
    """Add what a booking of that cast adds to items that others share."""
    others = dict(zip(shared.cast.texts, played.texts, strict=True))
    for key, by in stencil.added.items():
        pk = _recast(key[0].encode(), others).decode()
        known = totals.get((pk, key[1]))
        if known is None:
            item = shared.items[key]
            body = _recast(item.body, others)
            recast = Item(item.entity, item.schema, item.version, body, {}, item.places, item.expires)
            known = totals[pk, key[1]] = (recast, Counter(dict.fromkeys(item.counters, 0)))
        for name, units in by.items():
            known[1][name] += units


def _recast(text: bytes, others: Mapping[bytes, bytes]) -> bytes:
    for mark, other in others.items():
        if mark in text:
            text = text.replace(mark, other)
    return text


def _summed(
    totals: Mapping[tuple[str, str], tuple[Item, Counter[str]]],
) -> Iterator[tuple[str, str, bytes, int | None, int]]:
    for (pk, sk), (item, counted) in sorted(totals.items(), key=lambda each: each[0]):
        packed = _pack(
            Item(item.entity, item.schema, item.version, item.body, dict(counted), item.places, item.expires)
        )
        yield pk, sk, packed, item.expires, crc32(packed)


def main() -> None:
    services, bookings, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    asyncio.run(stored(folder, services=services, bookings=bookings, told=lambda line: print(line, flush=True)))


if __name__ == "__main__":
    main()
