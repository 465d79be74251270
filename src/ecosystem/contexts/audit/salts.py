"""Salts: one random number per person, from which their pseudonym and the keys of their entries come.

Erasing it leaves the log as it is, and nobody can tell any more whose entries those were, nor hold them to any content.
What is entered about the same person later is under another pseudonym.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeVar

from msgspec import Struct

from ecosystem.contexts.audit import keys
from ecosystem.contexts.audit.entries import PERSON, Candidate, Entry, entered, opening, persons, pseudonym
from ecosystem.contexts.audit.erasures import ERASED
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, Unavailable
from ecosystem.ports.audit import Act, AuditKind, record
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.table import ABSENT, Cursor, Delete, Put, Row, Stored, Table

S = TypeVar("S", bound=Stored)
SALT_BYTES = 32
TOGETHER = 40
REMEMBERED_MAX = 50_000
ATTEMPTS_MAX = 8
PAGES_MAX = 1_000_000
OF_THE_LOG = "log"


class SaltsBusy(Unavailable):
    """Others made the same pseudonyms at the same time, again and again."""


class Salt(Stored, frozen=True, kw_only=True):
    """A person's salt, empty once erased, and when they were erased last. Entries from before are `erasures.py`'s."""

    entity: ClassVar[str] = "audit_salt"

    person: str
    salt: bytes
    made_at: datetime
    erased_at: datetime | None = None


class Alias(Stored, frozen=True, kw_only=True):
    """Whose pseudonym it is."""

    entity: ClassVar[str] = "audit_alias"

    pseudonym: str
    person: str


class Known(Struct, frozen=True):
    """A salt, ready for use."""

    salt: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Salts:
    table: Table
    clock: Clock
    entropy: Entropy
    _known: dict[str, Known] = field(default_factory=dict[str, Known], init=False)

    async def entry(self, candidate: Candidate) -> Entry | None:
        """The entry it makes, as the salts stand: None where one is not there. An erased person's may have been another."""
        named = persons(candidate)
        known = await self.known({*named, OF_THE_LOG}, make=False)
        return made(candidate, known) if len(known) > len(named) else None

    async def erased(self, candidate: Candidate) -> set[str]:
        """Those of the people it names who were ever erased."""
        named = sorted(persons(candidate))
        rows = await self.table.batch_get([keys.salt(person) for person in named], Salt)
        return {
            person
            for person, row in zip(named, rows, strict=True)
            if row is not None and row.value.erased_at is not None
        }

    async def opening(self, candidate: Candidate) -> bytes | None:
        """The key of its commitment; None where a salt is gone."""
        named = persons(candidate)
        known = await self.known({*named, OF_THE_LOG}, make=False)
        if len(known) <= len(named):
            return None
        return opening(known[OF_THE_LOG].salt, {person: known[person].salt for person in named}, candidate)

    async def known(self, wanted: Iterable[str], *, make: bool) -> dict[str, Known]:
        """The salts of these people, made where there is none and `make` says so. An erased one is none."""
        found = {person: self._known[person] for person in wanted if person in self._known}
        lacking = [person for person in wanted if person not in found]
        for first in range(0, len(lacking), TOGETHER):
            found.update(await self._load(lacking[first : first + TOGETHER], make=make))
        return found

    async def person(self, name: str) -> str | None:
        """Whose pseudonym that is; None when they were erased, or it is none."""
        row = await self.table.get(keys.alias(name), Alias)
        return row.value.person if row else None

    async def named(self, person: str) -> str | None:
        """The person's pseudonym, if the log has ever named them."""
        known = await self.known([person], make=False)
        return known[person].name if person in known else None

    async def erase(self, person: str, actor: Actor) -> str | None:
        """Make a person's entries nobody's. Their former pseudonym, which the log says was erased; None if unknown.

        To be asked after all that was done by then has been entered: see `Sequencer.erase`. Raises `Invalid`.
        """
        actor.must_operate()
        if not PERSON.fullmatch(person):
            raise Invalid("Only what is known of a person is erased.", field="person")
        row = await self.table.get(keys.salt(person), Salt)
        if row is None or not row.value.salt:
            return None
        at, name = self.clock.now(), pseudonym(row.value.salt)
        told = Act(
            act_id=mint("act", at, self.entropy),
            kind=AuditKind.ERASURE,
            action=ERASED,
            actor=actor,
            subject=name,
            at=at,
        )
        gone = Salt(person=person, salt=b"", made_at=row.value.made_at, erased_at=at)
        await self.table.transact(
            Put(key=row.key, value=gone, expected=row.unchanged), Delete(key=keys.alias(name)), record(told)
        )
        self._known.pop(person, None)
        return name

    async def aliases(self) -> AsyncIterator[tuple[str, str, str]]:
        """Each person with a salt or a pseudonym: who, the pseudonym that their salt makes, and that which is kept.

        Either is empty where it is not there.
        """
        async for page in self._all(Salt):
            rows = [row for row in page if row.value.salt and row.value.person != OF_THE_LOG]
            names = [pseudonym(row.value.salt) for row in rows]
            kept = await self.table.batch_get([keys.alias(name) for name in names], Alias)
            for row, name, alias in zip(rows, names, kept, strict=True):
                lies = row.key == keys.salt(row.value.person)
                is_theirs = alias is not None and alias.value.person == row.value.person
                yield row.value.person, name, name if lies and is_theirs else ""
        async for aliases in self._all(Alias):
            salts = await self.table.batch_get([keys.salt(row.value.person) for row in aliases], Salt)
            for row, salt in zip(aliases, salts, strict=True):
                lies = row.key == keys.alias(row.value.pseudonym)
                name = pseudonym(salt.value.salt) if salt and salt.value.salt and lies else ""
                yield row.value.person, name, row.value.pseudonym

    async def _all(self, kind: type[S]) -> AsyncIterator[Sequence[Row[S]]]:
        """Every item of that kind, some at a time."""
        after: Cursor | None = None
        for _ in range(PAGES_MAX):
            page = await self.table.scan(kind, after=after, limit=TOGETHER)
            yield page.rows
            after = page.next
            if after is None:
                return

    def forget(self) -> None:
        """Read them anew from now on: for whoever reads beside the process that writes."""
        self._known.clear()

    async def _load(self, wanted: list[str], *, make: bool) -> dict[str, Known]:
        if len(self._known) > REMEMBERED_MAX:
            self._known.clear()
        found: dict[str, Known] = {}
        for _ in range(ATTEMPTS_MAX):
            rows = await self.table.batch_get([keys.salt(person) for person in wanted], Salt)
            lacking: list[tuple[str, Row[Salt] | None]] = []
            for person, row in zip(wanted, rows, strict=True):
                if row is not None and row.value.salt:
                    known = Known(row.value.salt, pseudonym(row.value.salt))
                    found[person] = self._known[person] = known
                else:
                    lacking.append((person, row))
            if not lacking or not make:
                return found
            try:
                await self.table.transact(*(write for person, row in lacking for write in self._fresh(person, row)))
            except Conflict:
                continue
        raise SaltsBusy

    def _fresh(self, person: str, row: Row[Salt] | None) -> list[Put]:
        salt = self.entropy.bytes(SALT_BYTES)
        value = Salt(person=person, salt=salt, made_at=self.clock.now(), erased_at=row.value.erased_at if row else None)
        made = [Put(key=keys.salt(person), value=value, expected=row.unchanged if row else ABSENT)]
        if person != OF_THE_LOG:
            alias = Alias(pseudonym=pseudonym(salt), person=person)
            made.append(Put(key=keys.alias(alias.pseudonym), value=alias, expected=ABSENT))
        return made


def made(candidate: Candidate, known: Mapping[str, Known]) -> Entry:
    """The entry, from salts that are all at hand."""
    named = persons(candidate)
    return entered(
        candidate,
        known[OF_THE_LOG].salt,
        {person: known[person].salt for person in named},
        {person: known[person].name for person in named},
    )
