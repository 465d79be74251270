"""Finding in the search file: a query becomes words, filters and an order, and these become statements.

A document's score is the sum, over the words asked for, of the best place each word is found in: title, category,
provider, place, description, in this order; for a word of the same family, a beginning, or a correction somewhat less.
A whole title counts more than a part of one, and among equals the better rated come first. The score of a document
depends on nothing but itself, so that pages do not shift under whoever turns them.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.embedded.search_documents import ground_m, vector
from ecosystem.adapters.embedded.search_facets import SETUP as CELL
from ecosystem.adapters.embedded.search_facets import counted
from ecosystem.adapters.embedded.search_file import rows
from ecosystem.adapters.embedded.search_filters import Filter, Source, conditions, filters
from ecosystem.adapters.embedded.search_words import Reading, Split, Vocabulary, Word
from ecosystem.ports.search import Answer, CursorUnfit, Document, Hit, Query, Sort
from ecosystem.ports.table import Cursor

PLACES = (("title", 8.0), ("category", 5.0), ("provider", 4.0), ("place", 2.0), ("description", 1.0))
FAMILY, BEGINNING, CORRECTION = 0.9, 0.8, 0.6
IN_TITLE = PLACES[0][1] * FAMILY
WHOLE_TITLE = 1.5
# When not all words are found together, each word more outweighs any place of a word.
EACH_WORD = 10.0
LAST = 1e18
"""Where those stand in an order who have nothing to be ordered by."""

SETUP = (
    "CREATE TEMP TABLE hit (id INTEGER PRIMARY KEY, score REAL NOT NULL, titled INTEGER NOT NULL)",
    CELL,
)
_ORDER = {
    Sort.PRICE: "f.figure",
    Sort.PRICE_DOWN: "-f.figure",
    Sort.RATING: f"CASE WHEN f.ratings THEN -(round(f.rating, 3) * 1e6 + min(f.ratings, 999999)) ELSE {LAST} END",
    Sort.DISTANCE: f"coalesce((f.x - :x) * (f.x - :x) + (f.y - :y) * (f.y - :y) + (f.z - :z) * (f.z - :z), {LAST})",
    Sort.NEWEST: "-f.published",
}
_BEST = "-round(f.quality, 6)"
_RELEVANT = (
    f"-round(h.score + {WHOLE_TITLE} * min(h.titled, f.title_words) / f.title_words + f.quality, 6)"  # the best first
)


class Place(Struct, frozen=True, array_like=True):
    """Where a page ended: which search it was, and the last find."""

    search: str
    key: int | float
    number: int


@dataclass(frozen=True, slots=True)
class Finds:
    """Answers queries over one connection, each from one snapshot."""

    connection: apsw.Connection
    split: Split

    def find(self, query: Query) -> Answer:
        """The page of finds."""
        place = _resumed(query)
        rows(self.connection, "BEGIN")
        try:
            reading = Vocabulary(self.connection, self.split).read(query.text)
            loosened = self._score(reading) if reading else False
            narrowed = filters(query)
            source = Source(
                "temp.hit h CROSS JOIN facet f ON f.id = h.id" if reading else "facet f", _values(query, narrowed)
            )
            answer = self._page(query, source, narrowed, place)
            return replace(
                answer,
                facets=counted(self.connection, source, narrowed, query) if query.facets else None,
                corrected=reading.corrected if reading and answer.total else None,
                loosened=loosened and answer.total > 0,
            )
        finally:
            # What was put into the temporary tables goes with it.
            rows(self.connection, "ROLLBACK")

    def _score(self, reading: Reading) -> bool:
        """Put what has the words into `hit`; whether some words had to be let go."""
        if all(word.found for word in reading.words):
            self._insert(_together(reading.words), "sum(best)")
            if not reading.words or rows(self.connection, "SELECT 1 FROM temp.hit LIMIT 1"):
                return False
        found = [word for word in reading.words if word.found]
        self._insert(_apart(found), f"sum(best) + {EACH_WORD} * count(*)")
        return True

    def _insert(self, parts: Sequence[tuple[int, float, str]], score: str) -> None:
        if not parts:
            return
        union = " UNION ALL ".join(
            f"SELECT rowid AS id, {word} AS word, {weight} AS weight FROM words WHERE words MATCH ?"
            for word, weight, _ in parts
        )
        rows(
            self.connection,
            f"INSERT INTO temp.hit SELECT id, {score}, sum(best >= {IN_TITLE}) FROM"
            f" (SELECT id, max(weight) AS best FROM ({union}) GROUP BY id, word) GROUP BY id",
            tuple(match for _, _, match in parts),
        )

    def _page(self, query: Query, source: Source, narrowed: Sequence[Filter], place: Place | None) -> Answer:
        condition = conditions(narrowed)
        total: int = rows(
            self.connection,
            f"SELECT count(*) FROM {source.text} WHERE {condition}",
            source.values,
        )[0][0]
        order = _ORDER.get(query.sort) or (_RELEVANT if "temp.hit" in source.text else _BEST)
        away = _ORDER[Sort.DISTANCE] if query.near else "NULL"
        after = "(key, id) > (:key, :number)" if place else "1"
        found = rows(
            self.connection,
            f"SELECT id, key, away FROM (SELECT f.id AS id, {order} AS key, {away} AS away"
            f" FROM {source.text} WHERE {condition}) WHERE {after} ORDER BY key, id LIMIT :limit",
            {
                **source.values,
                "limit": query.limit + 1,
                **({"key": place.key, "number": place.number} if place else {}),
            },
        )
        documents = self._documents([number for number, _, _ in found[: query.limit]])
        more = len(found) > query.limit
        return Answer(
            hits=tuple(
                Hit(document=documents[number], distance_m=None if away is None or away >= LAST else ground_m(away))
                for number, _, away in found[: query.limit]
            ),
            total=total,
            next=_cursor(query, *found[query.limit - 1][1::-1]) if more else None,
        )

    def _documents(self, numbers: Sequence[int]) -> Mapping[int, Document]:
        marks = ", ".join("?" * len(numbers))
        return {
            number: _decoder.decode(body)
            for number, body in rows(
                self.connection,
                f"SELECT id, body FROM document WHERE id IN ({marks})",
                numbers,
            )
        }


_decoder = msgspec.msgpack.Decoder(Document)


def _together(words: Sequence[Word]) -> list[tuple[int, float, str]]:
    """For each word and place a weight, and what matches documents with that word there and all others anywhere."""
    return [
        (number, weight, " AND ".join([match, *(_any(other) for other in words if other is not word)]))
        for number, word in enumerate(words)
        for weight, match in _placed(word)
    ]


def _apart(words: Sequence[Word]) -> list[tuple[int, float, str]]:
    """For each word and place a weight, and what matches documents with that word there."""
    return [(number, weight, match) for number, word in enumerate(words) for weight, match in _placed(word)]


def _placed(word: Word) -> Iterator[tuple[float, str]]:
    for factor, match in _standing(word):
        for column, weight in PLACES:
            yield round(weight * factor, 3), f"({column} : {match})"


def _standing(word: Word) -> Iterator[tuple[float, str]]:
    """What stands for the word, in FTS5's notation. Words come from the tokenizer and hold no quotes."""
    if word.exact:
        yield 1.0, f'("{word.text}")'
    if word.family:
        yield FAMILY, "(" + " OR ".join(f'"{term}"' for term in word.family) + ")"
    if word.prefix:
        yield BEGINNING, f'("{word.text}" *)'
    if word.corrections:
        yield CORRECTION, "(" + " OR ".join(f'"{term}"' for term in word.corrections) + ")"


def _any(word: Word) -> str:
    return "(" + " OR ".join(match for _, match in _standing(word)) + ")"


def _values(query: Query, narrowed: Sequence[Filter]) -> dict[str, Any]:
    values = {name: value for one in narrowed for name, value in one.values.items()}
    if query.near is not None:
        values |= dict(zip("xyz", vector(query.near), strict=True))
    return values


def _fingerprint(query: Query) -> str:
    """Which search it is, whichever page of it."""
    bare = replace(query, after=None, limit=1, facets=False)
    return blake2b(msgspec.msgpack.encode(bare), digest_size=6).hexdigest()


def _cursor(query: Query, key: float, number: int) -> Cursor:
    place = Place(_fingerprint(query), key, number)
    return Cursor(urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("="))


def _resumed(query: Query) -> Place | None:
    if query.after is None:
        return None
    try:
        text = query.after.encode("ascii")
        place = msgspec.msgpack.decode(urlsafe_b64decode(text + b"=" * (-len(text) % 4)), type=Place)
    except (UnicodeEncodeError, NotBase64, msgspec.DecodeError) as unreadable:
        raise CursorUnfit(field="after") from unreadable
    if place.search != _fingerprint(query):
        raise CursorUnfit(field="after")
    return place
