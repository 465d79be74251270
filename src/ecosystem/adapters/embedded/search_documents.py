"""Documents in the search file: taken up and put away, each in the tables that finding needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import apsw
import msgspec

from ecosystem.adapters.embedded.search_file import rows
from ecosystem.adapters.embedded.search_words import Split, Vocabulary, headings
from ecosystem.kernel.money import exponent
from ecosystem.ports.search import Document, Point, Removal, digest

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG)."""

# A provider with few ratings is taken to be like others until more come: this many ratings, of this mean.
PRIOR_COUNT, PRIOR_MEAN = 5, 4.0


@dataclass(slots=True)
class Documents:
    """Takes up and puts away documents, within a transaction of its caller."""

    connection: apsw.Connection
    split: Split
    bags: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict[tuple[str, tuple[str, ...]], int])
    titles: dict[str, str] = field(default_factory=dict[str, str])

    def apply(self, entries: Sequence[Document | Removal], checkpoint: str | None, *, force: bool = False) -> int:
        """Take up documents and removals, and keep the checkpoint; how many made a difference."""
        counted: list[tuple[Document, int]] = []
        made = sum(self._take(entry, counted, force=force) for entry in entries)
        Vocabulary(self.connection, self.split).counted(counted)
        if checkpoint is not None:
            self._run("INSERT OR REPLACE INTO meta VALUES ('checkpoint', ?)", checkpoint)
        if made:
            self._run("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
        return made

    def _take(self, entry: Document | Removal, counted: list[tuple[Document, int]], *, force: bool) -> bool:
        held = rows(
            self.connection, "SELECT id, version, digest, body FROM document WHERE service_id = ?", (entry.service_id,)
        )
        number, version, former, body = held[0] if held else (None, self._gone(entry.service_id), "", b"")
        fresh = digest(entry) if isinstance(entry, Document) else ""
        # Of two with one version the later counts: what a document is made of may be worked out anew.
        if (version > entry.version and not force) or (version, former) == (entry.version, fresh):
            return False
        if number is not None:
            counted.append((msgspec.msgpack.decode(body, type=Document), -1))
            for table in ("words WHERE rowid", "facet WHERE id", "document WHERE id"):
                self._run(f"DELETE FROM {table} = ?", number)
        if isinstance(entry, Removal):
            self._run("INSERT OR REPLACE INTO gone VALUES (?, ?)", entry.service_id, entry.version)
            return number is not None
        self._run("DELETE FROM gone WHERE service_id = ?", entry.service_id)
        counted.append((entry, 1))
        self._put(number, entry, fresh)
        return True

    def _gone(self, service_id: str) -> int:
        gone = rows(self.connection, "SELECT version FROM gone WHERE service_id = ?", (service_id,))
        return gone[0][0] if gone else -1

    def _put(self, number: int | None, document: Document, fingerprint: str) -> None:
        self._run(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?)",
            number,
            document.service_id,
            document.version,
            fingerprint,
            msgspec.msgpack.encode(document),
        )
        number = self.connection.last_insert_rowid()
        self._run("INSERT INTO words (rowid, title, category, provider, place, description) VALUES (?, ?, ?, ?, ?, ?)",
            number, *headings(document), document.description)  # fmt: skip
        x, y, z = vector(document.at) if document.at else (None, None, None)
        self._run(
            f"INSERT INTO facet VALUES ({', '.join('?' * 18)})",
            number,
            self._bag("category", document.path),
            self._bag("mode", (document.mode,)),
            self._bag("language", tuple(sorted(document.languages))),
            self._bag("badge", tuple(sorted(document.badges))),
            self._bag("currency", (document.price.currency,)),
            document.price.minor,
            document.price.minor * 10 ** (3 - exponent(document.price.currency)),
            document.instant,
            document.rating,
            document.rating_count,
            quality(document),
            int(document.published_at.timestamp() * 1_000_000),
            max(1, len(self.split(document.title))),
            x, y, z,
            chord(document.radius_m) ** 2,
        )  # fmt: skip
        for slug, title in zip(document.path, document.path_titles, strict=True):
            if self.titles.get(slug) != title:
                self._run("INSERT OR REPLACE INTO category VALUES (?, ?)", slug, title)
                self.titles[slug] = title

    def _bag(self, kind: str, members: tuple[str, ...]) -> int:
        """The number of a set of values: documents hold the number, so that a filter is one comparison."""
        known = self.bags.get((kind, members))
        if known is not None:
            return known
        text = msgspec.json.encode(members).decode()
        self._run("INSERT OR IGNORE INTO bag (kind, members) VALUES (?, ?)", kind, text)
        number: int = rows(self.connection, "SELECT no FROM bag WHERE kind = ? AND members = ?", (kind, text))[0][0]
        for value in members:
            self._run("INSERT OR IGNORE INTO member VALUES (?, ?, ?)", kind, value, number)
        self.bags[kind, members] = number
        return number

    def _run(self, statement: str, *values: object) -> None:
        rows(self.connection, statement, values)


def quality(document: Document) -> float:
    """How good a find it is, from 0 to 1, whatever is looked for: the mean of its ratings, weighed with a prior."""
    total = document.rating_total + PRIOR_COUNT * PRIOR_MEAN
    return total / (document.rating_count + PRIOR_COUNT) / 5


def vector(at: Point) -> tuple[float, float, float]:
    """The point on a sphere of radius 1: nearness in space orders as nearness on the ground does."""
    lat, lon = math.radians(at.lat), math.radians(at.lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def chord(metres: float) -> float:
    """The straight line under that way on the ground, on a sphere of radius 1."""
    return 2 * math.sin(min(metres / EARTH_M, math.pi) / 2)


def ground_m(chord_squared: float) -> int:
    """The way on the ground over a straight line, in metres."""
    return round(2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord_squared) / 2)))
