"""Addresses that people read: unique, and for ever leading to whoever once had them.

Each address is an item of its own that names its owner. A rename takes a new address and keeps the old: whoever comes by
the old one is sent on to the present one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.keys import slug_key
from ecosystem.kernel.refusals import Conflict, NotFound
from ecosystem.ports.table import ABSENT, Key, Put, Stored, Table

LONGEST = 60
RENAMES_MAX = 50
"""Addresses that one thing may hold: each is kept for ever."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED = frozenset(
    """about account admin api app assets book checkout console edit favicon health help home login logout me media new
    null ops privacy provider providers robots search service services settings sign-in sign-up sitemap static support
    terms undefined""".split()
)
# Letters that do not fall apart into a base letter and a mark (Unicode NFKD).
_SPELT = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "\u0131": "i", "&": " and "}
)


class SlugTaken(Conflict):
    """This address is already taken."""


class SlugUnknown(NotFound):
    """Nothing answers to this address."""


class SlugKind(StrEnum):
    PROVIDER = "provider"
    SERVICE = "service"


class Slug(Stored, frozen=True, kw_only=True):
    """An address, and who it leads to. `service_id` is set for a service's address."""

    entity: ClassVar[str] = "slug"

    slug: str
    kind: SlugKind
    provider_id: str
    service_id: str | None = None
    taken_at: datetime

    @property
    def owner(self) -> str:
        return self.service_id or self.provider_id


class Wish(Struct, frozen=True, kw_only=True):
    """The addresses somebody would have, best first. More than one when they were derived from a name."""

    kind: SlugKind
    candidates: Sequence[str]
    provider_id: str
    service_id: str | None = None


def slug_of(text: str) -> str:
    """The text as an address: `Zoë's Deep Cleaning` is `zoes-deep-cleaning`. Empty when nothing of it can be spelt."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(_SPELT)).lower()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter) and letter not in "'\u2019")
    words = re.findall(r"[a-z0-9]+", plain)
    kept = ""
    for word in words:
        longer = f"{kept}-{word}" if kept else word[:LONGEST]
        if len(longer) > LONGEST:
            break
        kept = longer
    return kept


def derived(kind: SlugKind, name: str, *, provider_id: str, service_id: str | None = None) -> Wish:
    """The wish for an address made from a name: the name itself, else with the end of the id, which nobody shares."""
    owner = service_id or provider_id
    plain = slug_of(name)[: LONGEST - 9].strip("-")
    tail = owner[-8:]
    marked = f"{plain or kind.value}-{tail}"
    free = plain and plain not in _RESERVED and len(plain) > 1
    return Wish(
        kind=kind, candidates=(plain, marked) if free else (marked,), provider_id=provider_id, service_id=service_id
    )


def chosen(findings: Findings, text: str) -> str:
    """The address a person chose, if it may be one."""
    slug = text.strip().lower()
    if not _SLUG.fullmatch(slug) or not 2 <= len(slug) <= LONGEST:
        findings.note("slug", f"It has 2 to {LONGEST} letters a to z and digits, parted by single hyphens.")
    elif slug in _RESERVED:
        findings.note("slug", "This address is kept for the marketplace itself.")
    return slug


@dataclass(frozen=True, slots=True)
class Slugs:
    """Gives addresses out, and says where one leads."""

    table: Table

    async def take(self, wish: Wish, *, at: datetime, avoid: Container[Key] = ()) -> tuple[str, list[Put]]:
        """The first address of the wish that is free or already its own, and the write that takes it.

        `avoid` are addresses about to be taken in the same commit. Raises `SlugTaken` when others have them all; the
        write does so if somebody is quicker.
        """
        keys = [slug_key(wish.kind, candidate) for candidate in wish.candidates]
        held = await self.table.batch_get(keys, Slug)
        for candidate, key, row in zip(wish.candidates, keys, held, strict=True):
            if row is not None and row.value.owner == (wish.service_id or wish.provider_id):
                return candidate, []
            if row is None and key not in avoid:
                slug = Slug(
                    slug=candidate,
                    kind=wish.kind,
                    provider_id=wish.provider_id,
                    service_id=wish.service_id,
                    taken_at=at,
                )
                return candidate, [
                    Put(key=key, value=slug, expected=ABSENT, otherwise=SlugTaken(field="slug")),
                ]
        raise SlugTaken(f"The address {wish.candidates[0]!r} is already taken.", field="slug")

    async def lookup(self, kind: SlugKind, slug: str) -> Slug:
        """Who the address leads to, now or formerly. Raises `SlugUnknown`."""
        if _SLUG.fullmatch(slug) and len(slug) <= LONGEST:
            row = await self.table.get(slug_key(kind, slug), Slug)
            if row is not None:
                return row.value
        raise SlugUnknown
