"""The tree of categories that services are sorted into."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from msgspec import Struct

from ecosystem.kernel.refusals import NotFound


class CategoryUnknown(NotFound):
    """There is no such category."""


class Category(Struct, frozen=True):
    """A kind of service. `parent` is the slug of the wider category, None at the top."""

    slug: str
    parent: str | None
    title: str


@dataclass(frozen=True, slots=True)
class Categories:
    """The tree, with its lookups. Order is that of the file, which is the order people are shown."""

    by_slug: Mapping[str, Category]
    children_of: Mapping[str | None, Sequence[Category]]

    @classmethod
    def of(cls, categories: Iterable[Category]) -> Categories:
        by_slug: dict[str, Category] = {}
        children: dict[str | None, list[Category]] = {}
        for category in categories:
            assert category.slug not in by_slug, f"{category.slug} occurs twice"
            # A parent stands above its children, so the tree has no loops.
            assert category.parent is None or category.parent in by_slug, f"{category.slug} comes before its parent"
            by_slug[category.slug] = category
            children.setdefault(category.parent, []).append(category)
        return cls(by_slug=by_slug, children_of=children)

    def __contains__(self, slug: object) -> bool:
        return slug in self.by_slug

    def get(self, slug: str) -> Category:
        """The category. Raises `CategoryUnknown`."""
        found = self.by_slug.get(slug)
        if found is None:
            raise CategoryUnknown(f"There is no category {slug!r}.", field="category")
        return found

    def roots(self) -> Sequence[Category]:
        return self.children_of.get(None, ())

    def children(self, slug: str) -> Sequence[Category]:
        return self.children_of.get(slug, ())

    def path(self, slug: str) -> tuple[Category, ...]:
        """From the top down to the category itself."""
        category = self.get(slug)
        return (*self.path(category.parent), category) if category.parent else (category,)

    def within(self, slug: str) -> tuple[Category, ...]:
        """The category and all below it."""
        return (self.get(slug), *(below for child in self.children(slug) for below in self.within(child.slug)))


@lru_cache(maxsize=1)
def categories() -> Categories:
    """The categories that ship with the product (`taxonomy.csv` beside this module), read once."""
    text = resources.files("ecosystem.contexts.catalogue").joinpath("taxonomy.csv").read_text(encoding="utf-8")
    return Categories.of(
        Category(row["slug"], row["parent"] or None, row["title"]) for row in csv.DictReader(text.splitlines())
    )
