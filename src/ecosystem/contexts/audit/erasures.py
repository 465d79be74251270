"""Erasures: which entries one opened up, and which items may stand for them.

An erasure is an entry of the log itself, which names the pseudonym whose salt is gone. The entries before it under that
pseudonym can no longer be held to any content, nor may those after it bear that name. What they say in clear stays: when,
of which kind and type, about which item. So an item counts as erased only where one of these entries says the same of
it, and each of them answers for one item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import product

from msgspec import Struct

from ecosystem.contexts.audit.entries import PERSON, PSEUDONYM, Candidate, Entry
from ecosystem.ports.audit import AuditKind

ERASED = "SaltErased"
HIDDEN = "p~"
"""What stands in an outline for somebody who was erased."""


class Outline(Struct, frozen=True):
    """What an entry says in clear, and an item says too; of the people in it, those alone who were not erased."""

    at: datetime
    kind: str
    type: str
    item_id: str
    subject: str
    actor: str
    impersonator: str


class Opened:
    """Entries that erasures opened up and that no item stands for yet."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: dict[Outline, list[tuple[int, bytes]]] = {}

    def add(self, said: Outline, place: int, hashed: bytes) -> None:
        self._places.setdefault(said, []).append((place, hashed))

    def take(self, candidate: Candidate, erased: AbstractSet[str], names: Mapping[str, str]) -> bytes | None:
        """The hash of an entry that the item stands for, which answers for no other then; None where there is none."""
        for said in outlines(candidate, erased, names):
            if places := self._places.get(said):
                return places.pop(0)[1]
        return None


def erased(said: Entry) -> str | None:
    """The pseudonym that the entry says was erased."""
    return said.subject if said.kind == AuditKind.ERASURE and said.type == ERASED else None


def is_erasure(candidate: Candidate) -> bool:
    """Whether the entry it makes will be an erasure."""
    return candidate.kind == AuditKind.ERASURE and candidate.type == ERASED


def outline(said: Entry, place: int, erasures: Mapping[str, int]) -> Outline | None:
    """The outline of an entry that an erasure after it opened up; None of any other.

    `erasures` says where each erased pseudonym's erasure stands.
    """
    opened = {name for name in said.pseudonyms if erasures.get(name, -1) > place}
    if not opened:
        return None

    def shown(text: str) -> str:
        return PSEUDONYM.sub(lambda found: HIDDEN if found[0] in opened else found[0], text)

    return Outline(
        said.at, said.kind, said.type, shown(said.id), shown(said.subject), shown(said.actor), shown(said.impersonator)
    )


def outlines(candidate: Candidate, erased: AbstractSet[str], names: Mapping[str, str]) -> Iterator[Outline]:
    """The outlines that the item's entry may have: of people who were erased, any may have had another name by then.

    `names` are the pseudonyms of the people it names, as far as they have one now.
    """
    people = sorted(erased)
    for hidden in product((True, False), repeat=len(people)):
        if not any(hidden):
            return
        known = {**names, **{person: HIDDEN for person, is_hidden in zip(people, hidden, strict=True) if is_hidden}}
        yield _outlined(candidate, known)


def _outlined(candidate: Candidate, known: Mapping[str, str]) -> Outline:
    def shown(text: str) -> str:
        return PERSON.sub(lambda found: known.get(found[0], found[0]), text)

    return Outline(
        candidate.at,
        candidate.kind,
        candidate.type,
        shown(candidate.item_id),
        shown(candidate.subject),
        shown(candidate.actor),
        shown(candidate.impersonator),
    )
