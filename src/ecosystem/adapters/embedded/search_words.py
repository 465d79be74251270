"""The words of the search index: how text falls into them, which belong together, and which one was meant.

A word nobody uses is corrected by deletions (W. Garbe, "SymSpell"): two words within an edit distance of n have a
form in common that each reaches by leaving out at most n letters. The forms of the words of titles, categories, names
and places are kept in a table, so that a correction costs a few look-ups, and the table grows with the index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import apsw
from msgspec import Struct

from ecosystem.adapters.embedded.search_file import TOKENIZER, many, rows
from ecosystem.ports.search import TEXT_MAX, WORDS_MAX, Document

FORM_LETTERS = 7
FAMILY_MAX = 12
CORRECTIONS_MAX = 4
CANDIDATES_MAX = 500
WORD_LETTERS_MAX = 40
# Words that say nothing about a service; looked for only when there is no other.
_IDLE = frozenset(
    "a an and at by for from i in is me my near need of on or our please some the to want we with you".split()
)
_UNDOUBLED = frozenset("bdfgmnprt")
_VOWELS = frozenset("aeiouy")

Split = Callable[[str], list[str]]


class Word(Struct, frozen=True, kw_only=True):
    """A word looked for, as the words that stand for it: itself, its family, what begins with it, what was meant."""

    text: str
    exact: bool = False
    family: tuple[str, ...] = ()
    prefix: bool = False
    corrections: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        return bool(self.exact or self.family or self.prefix or self.corrections)


class Reading(Struct, frozen=True, kw_only=True):
    """What a text asks for. `corrected` is the text as it is read, where it differs."""

    words: tuple[Word, ...]
    corrected: str | None = None


def splitter(connection: apsw.Connection) -> Split:
    """What takes text apart into words exactly as the index does."""
    name, *arguments = TOKENIZER
    tokenizer = connection.fts5_tokenizer(name, arguments)

    def split(text: str) -> list[str]:
        found = tokenizer(
            text.encode("utf-8", "replace"),
            apsw.FTS5_TOKENIZE_DOCUMENT,
            None,
            include_offsets=False,
            include_colocated=False,
        )
        return [word for word in found if isinstance(word, str)]

    return split


def stem(word: str) -> str:
    """What a word has in common with its family: `plumb` for plumber and plumbing. English endings, taken off lightly."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = f"{word[:-3]}y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in ("ing", "ist", "er", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 4 and _VOWELS & set(rest):
            if rest[-1] == rest[-2] and rest[-1] in _UNDOUBLED:
                rest = rest[:-1]
            return rest
    if len(word) > 4 and word.endswith("e"):
        return word[:-1]
    if len(word) > 6 and word.endswith("y"):
        return word[:-1]
    return word


def forgiven(word: str) -> int:
    """How many edits a word of that length may be off: none up to three letters, one up to six, then two."""
    return 0 if len(word) <= 3 else 1 if len(word) <= 6 else 2


def forms(word: str) -> set[str]:
    """The beginnings of a word with as many letters left out as are forgiven."""
    reached = {word[:FORM_LETTERS]}
    fresh = set(reached)
    for _ in range(forgiven(word)):
        fresh = {form[:at] + form[at + 1 :] for form in fresh for at in range(len(form))} - reached
        reached |= fresh
    return reached


def distance(one: str, other: str, most: int) -> int:
    """Edits between two words, a swap of neighbours being one (optimal string alignment); `most + 1` when more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                edits = min(edits, earlier[j - 2] + 1)
            row.append(edits)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words in use, and in how many documents: `strong` counts those that have the word above the description."""

    connection: apsw.Connection
    split: Split

    def read(self, text: str) -> Reading | None:
        """What the text asks for; None when it asks for nothing. No words at all when it holds none."""
        if not text.strip():
            return None
        asked = [word[:WORD_LETTERS_MAX] for word in dict.fromkeys(self.split(text[:TEXT_MAX]))]
        telling = [word for word in asked if word not in _IDLE] or asked
        words: list[Word] = []
        for word in telling[:WORDS_MAX]:
            words += self._meant(word)
        corrected = " ".join(word.corrections[0] if word.corrections else word.text for word in words)
        changed = any(word.corrections for word in words) or len(words) != len(telling[:WORDS_MAX])
        return Reading(words=tuple(words), corrected=corrected if changed else None)

    def begins(self, word: str) -> bool:
        """Whether some word in use begins so."""
        return bool(
            rows(
                self.connection,
                "SELECT 1 FROM term WHERE term >= ? AND term < ? AND docs > 0 LIMIT 1",
                (word, word + "\U0010ffff"),
            )
        )

    def _meant(self, word: str) -> list[Word]:
        known = rows(self.connection, "SELECT docs, strong FROM term WHERE term = ?", (word,))
        docs, strong = known[0] if known else (0, 0)
        family = self._family(word)
        # A word of titles is meant as it is; any other may still be on its way to being typed.
        prefix = not strong and len(word) >= 2 and self.begins(word)
        meant = Word(text=word, exact=docs > 0, family=family, prefix=prefix)
        if meant.found:
            return [meant]
        if corrections := self.corrections(word) or self.corrections(stem(word)):
            return [Word(text=word, corrections=corrections)]
        if halves := self._halves(word):
            return [Word(text=half, exact=True, family=self._family(half)) for half in halves]
        return [meant]

    def corrections(self, word: str) -> tuple[str, ...]:
        """The words that may have been meant, likeliest first."""
        most = forgiven(word)
        if not most:
            return ()
        sought = tuple(forms(word))
        marks = ", ".join("?" * len(sought))
        near = rows(
            self.connection,
            f"SELECT DISTINCT v.term, t.strong FROM form v JOIN term t ON t.term = v.term"
            f" WHERE v.form IN ({marks}) AND t.strong > 0 LIMIT {CANDIDATES_MAX}",
            sought,
        )
        ranked = sorted(
            (edits, other[:1] != word[:1], -strong, other)
            for other, strong in near
            if (edits := distance(word, other, most)) <= most
        )
        # Only the nearest: a word one edit away rules out those at two.
        return tuple(other for edits, _, _, other in ranked if edits == ranked[0][0])[:CORRECTIONS_MAX]

    def _family(self, word: str) -> tuple[str, ...]:
        kin = rows(
            self.connection,
            "SELECT term FROM term WHERE stem = ? AND term <> ? AND docs > 0 ORDER BY docs DESC LIMIT ?",
            (stem(word), word, FAMILY_MAX),
        )
        return tuple(term for (term,) in kin)

    def _halves(self, word: str) -> tuple[str, str] | None:
        """Two words of titles that were written as one."""
        best: tuple[int, tuple[str, str] | None] = (0, None)
        for at in range(3, len(word) - 2):
            halves = (word[:at], word[at:])
            strengths = rows(self.connection, "SELECT strong FROM term WHERE term IN (?, ?) AND strong > 0", halves)
            if len(strengths) == 2:
                best = max(best, (min(strong for (strong,) in strengths), halves))
        return best[1]

    def counted(self, changes: Iterable[tuple[Document, int]]) -> None:
        """Take documents into the counts (1) or out of them (-1)."""
        docs, strong = Counter[str](), Counter[str]()
        for document, by in changes:
            above = {word for text in headings(document) for word in self.split(text)}
            for word in above:
                strong[word] += by
            for word in above.union(self.split(document.description)):
                docs[word] += by
        counted = [
            (word, stem(word), by, strong[word])
            for word, by in docs.items()
            if (by or strong[word]) and len(word) <= 40
        ]
        many(
            self.connection,
            "INSERT INTO term (term, stem, docs, strong) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (term) DO UPDATE SET docs = docs + excluded.docs, strong = strong + excluded.strong",
            sorted(counted),
        )
        many(
            self.connection,
            "INSERT OR IGNORE INTO form (form, term) VALUES (?, ?)",
            sorted(
                (form, word)
                for word, _, _, by in counted
                if by > 0 and word.isalpha() and forgiven(word)
                for form in forms(word)
            ),
        )


def headings(document: Document) -> Sequence[str]:
    """Title, category, provider and place: the columns above the description, in their order."""
    titles = dict.fromkeys(word for title in document.path_titles for word in title.split())
    return (document.title, " ".join(titles), document.provider_name, document.place)
