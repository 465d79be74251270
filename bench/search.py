"""The embedded search index with 100,000 services: how fast it is built, asked and changed.

python -m bench.search [--documents 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from bench.rows import Row, machine, markdown
from ecosystem.adapters.embedded.search import EmbeddedSearch
from ecosystem.contexts.catalogue import categories
from ecosystem.kernel.money import Money
from ecosystem.ports.search import Document, Point, Query, Sort

DOCUMENTS = 100_000
TOGETHER = 500
ROUNDS = 15
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SYLLABLES = "ka ri to mo ne sa lu pe di vo ran mel tor bis gan hul a e i o u".split()
FIRST = (
    "Ana Ben Carla David Eva Felix Greta Hugo Ines Jonas Klara Leo Mia Noah Olga Paul Rosa Sam Tina Uwe Vera".split()
)
STYLE = "Deep Quick Gentle Expert Weekend Family Premium Basic Express Complete Private Group Mobile".split()
USUAL = "the and with for your home service professional experience quality friendly fast help work time price".split()
PLACES = ("Lisbon", "Porto", "Berlin", "Paris", "Madrid", "Rome", "Chicago", "Leeds", "Kolkata")
LANGUAGES = (("en",), ("en", "pt"), ("de",), ("en", "fr"), ("es",), ("it",), ("pt",), ("de", "en"), ("en", "hi"))
MODES = ("at_provider", "at_customer", "remote")

ASKED = {
    "one word": Query(text="plumbing"),
    "one word of a family": Query(text="plumber"),
    "two words": Query(text="guitar lessons"),
    "three words": Query(text="deep house cleaning"),
    "a word and a place": Query(text="yoga lisbon"),
    "a name": Query(text="rosa"),
    "two typos": Query(text="gutiar lesons"),
    "no word in use": Query(text="zzzzqqqq"),
    "words, filters and a distance": Query(
        text="cleaning",
        near=Point(38.5, -8.5),
        within_m=10_000,
        price_max=Money(5000, "EUR"),
        languages=("en",),
        rating_min=4.0,
        instant=True,
    ),
    "a word that most have": Query(text="professional"),
    "everything": Query(),
    "everything, next page (no counts)": Query(facets=False),
    "a category": Query(category="home"),
    "everything within 10 km, nearest first": Query(near=Point(38.5, -8.5), within_m=10_000, sort=Sort.DISTANCE),
}


def documents(count: int, seed: int = 7) -> Iterator[Document]:
    """Services of invented providers, in words that are as often as words are (Zipf)."""
    chance = random.Random(seed)
    words = ["".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 5))) for _ in range(30_000)]
    weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(words))))
    surnames = ["".join(chance.choice(SYLLABLES) for _ in range(4)).title() for _ in range(2_000)]
    leaves = [one for one in categories().by_slug.values() if one.parent]
    for number in range(count):
        path = categories().path(chance.choice(leaves).slug)
        provider = random.Random(number // 3)
        rated = chance.random() < 0.9
        yield Document(
            service_id=f"svc_{number:026d}",
            provider_id=f"prv_{number // 3:026d}",
            version=1,
            title=f"{chance.choice(STYLE)} {path[-1].title.lower()} {chance.choices(words, cum_weights=weights)[0]}",
            slug=f"service-{number}",
            description=" ".join(chance.choices(words, cum_weights=weights, k=40) + chance.choices(USUAL, k=20)),
            path=tuple(one.slug for one in path),
            path_titles=tuple(one.title for one in path),
            provider_name=f"{provider.choice(FIRST)} {provider.choice(surnames)}",
            provider_slug=f"provider-{number // 3}",
            place=provider.choice(PLACES),
            at=Point(38 + chance.random(), -9 + chance.random()),
            radius_m=20_000,
            languages=provider.choice(LANGUAGES),
            price=Money(chance.randint(1_000, 20_000), "EUR"),
            duration_min=60,
            mode=chance.choice(MODES),
            instant=chance.random() < 0.6,
            rating_total=chance.randint(60, 100) if rated else 0,
            rating_count=20 if rated else 0,
            published_at=BEGAN + timedelta(minutes=number),
        )


async def measured(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "search.sqlite"
        search = await EmbeddedSearch.open(path)
        rows = [
            await _built(search, count),
            Row(part="search", name="size of the index", figure=path.stat().st_size / 1e6, unit="MB"),
        ]
        for name, query in ASKED.items():
            rows.append(await _timed(search, query, name))
        rows.append(await _told("asked again, unchanged", lambda: search.find(Query()), 1_000))
        rows += [
            await _told(f"suggestions for {text!r}", lambda text=text: search.suggest(text), ROUNDS)
            for text in ("gui", "plum", "re")
        ]
        rows.append(await _changed(search, count))
        await search.close()
        began = time.perf_counter()
        search = await EmbeddedSearch.open(path)
        await search.find(Query(text="plumbing"))
        rows.append(
            Row(part="search", name="opened, and the first find", figure=(time.perf_counter() - began) * 1e3, unit="ms")
        )
        await search.close()
        return rows


async def _built(search: EmbeddedSearch, count: int) -> Row:
    spent = 0.0
    made = documents(count)
    while batch := list(itertools.islice(made, TOGETHER)):
        began = time.perf_counter()
        await search.apply(batch)
        spent += time.perf_counter() - began
    return Row(part="search", name=f"{count:,} documents applied, {TOGETHER} a commit", figure=count / spent, unit="/s")


async def _timed(search: EmbeddedSearch, query: Query, name: str) -> Row:
    # Each round asks for another length of page, so that no answer is one kept from before.
    answer = await search.find(query)
    spent: list[float] = []
    for extra in range(ROUNDS):
        began = time.perf_counter()
        answer = await search.find(replace(query, limit=24 + extra + 1))
        spent.append(time.perf_counter() - began)
    return Row(part="search", name=f"{name}: {answer.total:,} found", figure=statistics.median(spent) * 1e3, unit="ms")


async def _told(name: str, ask: Callable[[], Awaitable[object]], rounds: int) -> Row:
    spent: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await ask()
        spent.append(time.perf_counter() - began)
    return Row(part="search", name=name, figure=statistics.median(spent) * 1e3, unit="ms")


async def _changed(search: EmbeddedSearch, count: int) -> Row:
    spent: list[float] = []
    for version, document in enumerate(documents(min(count, 200)), 2):
        began = time.perf_counter()
        await search.apply([replace(document, version=version, title=f"{document.title} again")])
        spent.append(time.perf_counter() - began)
    return Row(
        part="search", name="one document changed and committed", figure=statistics.median(spent) * 1e3, unit="ms"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    print(machine())
    print(markdown(asyncio.run(measured(parser.parse_args().documents))))
