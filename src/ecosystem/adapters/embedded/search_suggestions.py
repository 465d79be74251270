"""What somebody who types may mean: categories, services and providers, after a few letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import msgspec

from ecosystem.adapters.embedded.search_file import rows
from ecosystem.adapters.embedded.search_words import Split, Vocabulary
from ecosystem.ports.search import TEXT_MAX, WORDS_MAX, Document, Suggestion, SuggestionKind

CATEGORIES_MOST = 3
PROVIDERS_MOST = 3
READ_MOST = 40


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggests over one connection."""

    connection: apsw.Connection
    split: Split

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Categories first, then services, then providers; each text once."""
        words = self.split(text[:TEXT_MAX])[:WORDS_MAX]
        if not words or len("".join(words)) < 2:
            return []
        vocabulary = Vocabulary(self.connection, self.split)
        asked = [word if vocabulary.begins(word) else next(iter(vocabulary.corrections(word)), word) for word in words]
        categories = self._categories(asked)[:CATEGORIES_MOST]
        providers = self._found("provider", asked, SuggestionKind.PROVIDER)[:PROVIDERS_MOST]
        services = self._found("title", asked, SuggestionKind.SERVICE)
        room = max(limit - len(categories) - len(providers), 0)
        return [*categories, *services[:room], *providers][:limit]

    def _categories(self, words: Sequence[str]) -> list[Suggestion]:
        """Categories with a word that begins so for each of the words, those with most services first."""
        counts = rows(
            self.connection,
            "SELECT c.slug, c.title, sum(f.n) FROM category c JOIN member m ON m.kind = 'category' AND m.value = c.slug"
            " JOIN (SELECT category, count(*) AS n FROM facet GROUP BY category) f ON f.category = m.bag"
            " GROUP BY c.slug ORDER BY sum(f.n) DESC",
        )
        return [
            Suggestion(kind=SuggestionKind.CATEGORY, text=title, target=slug)
            for slug, title, _ in counts
            if all(any(own.startswith(word) for own in self.split(title)) for word in words)
        ]

    def _found(self, column: str, words: Sequence[str], kind: SuggestionKind) -> list[Suggestion]:
        *whole, last = words
        match = " AND ".join([*(f'"{word}"' for word in whole), f'"{last}" *'])
        bodies = rows(
            self.connection,
            "SELECT d.body FROM (SELECT f.id AS id FROM words w JOIN facet f ON f.id = w.rowid WHERE words MATCH ?"
            " ORDER BY f.quality DESC, f.id LIMIT ?) found JOIN document d ON d.id = found.id",
            (f"{column} : ({match})", READ_MOST),
        )
        suggested: dict[str, Suggestion] = {}
        for (body,) in bodies:
            document = msgspec.msgpack.decode(body, type=Document)
            one = kind is SuggestionKind.SERVICE
            text = document.title if one else document.provider_name
            suggested.setdefault(
                text.casefold(),
                Suggestion(kind=kind, text=text, target=document.slug if one else document.provider_slug),
            )
        return list(suggested.values())
