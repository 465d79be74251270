"""The histories follow what happens: each change of the table counts once, after the fact.

No sale writes a history that others write too: a single follower reads the changes, and commits the histories together
with how far it has come. If it dies, or two of them run, what happened still counts once. What a checkout is told is
therefore a moment old: the follower's lag, which is a metric.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.assessments import (
    Assessment,
    Label,
    LabelSource,
    Standing,
    Verdict,
    becomes,
    labelled,
    lapse,
)
from ecosystem.contexts.fraud.features import Kind
from ecosystem.contexts.fraud.history import NOTHING, History, Seen, Subject, digest, seen
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Conflict, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Change, ChangesForgotten, Cursor, Key, Put, Row, Stored, Table, Write
from ecosystem.ports.table_codec import decoded

log = logging.getLogger(__name__)
ACTOR = system("fraud-detector")
KEYS_MAX = 80
"""Writes in one commit, below a transaction's limit by more than one change adds."""
SKIPPED_MAX = 5_000
ATTEMPTS_MAX = 8
STEPS_MAX = 200


class LearningBusy(Unavailable):
    """Others took in the same changes at the same time, again and again."""


class Lesson(Struct, frozen=True, kw_only=True):
    """What a change teaches of one subject."""

    subject: Subject
    name: str
    seen: Seen


class News(Struct, frozen=True, kw_only=True):
    """What became of a checkout's payment, as who knows payments reads it off a change.

    With no booking it is about a payout. `card` is the processor's lasting name of the card, where it tells one.
    `ended`: there is no more use for it; `unpaid`: and no money moved. `fraud` is from where it is known as fraud.
    """

    booking_id: str
    payment_id: str
    at: datetime
    declined: bool = False
    paid: bool = False
    ended: bool = False
    unpaid: bool = False
    fraud: LabelSource | None = None
    card: str = ""


class Place(Stored, frozen=True, kw_only=True):
    """How far the histories have come. `began_at` is the instant of the first thing that they tell."""

    entity: ClassVar[str] = "fraud_checkpoint"

    cursor: Cursor
    at: datetime
    began_at: datetime | None = None


def subjects(assessment: Assessment) -> list[tuple[Subject, str]]:
    """Whom it is about."""
    named = (
        (Subject.CUSTOMER, assessment.customer_id),
        (Subject.CARD, assessment.card),
        (Subject.PROVIDER, assessment.provider_id),
        (Subject.NETWORK, assessment.network),
        (Subject.BANK, assessment.bank),
    )
    return [(subject, name) for subject, name in named if name]


def of_new(assessment: Assessment) -> list[Lesson]:
    """What a new assessment teaches: that it was attempted."""
    at = assessment.at
    if assessment.kind is Kind.PAYOUT:
        provider = digest(assessment.provider_id)
        return [
            Lesson(subject=Subject.BANK, name=assessment.bank, seen=Seen(at=at, paid=1, other=provider)),
            Lesson(
                subject=Subject.PROVIDER, name=assessment.provider_id, seen=Seen(at=at, card=digest(assessment.bank))
            ),
        ]
    # What is refused counts as declined, so that whoever goes on trying meets the limits; not against the provider, whom
    # strangers' attempts would harm.
    refused = int(assessment.verdict is Verdict.DECLINE)
    once = Seen(at=at, attempts=1, declined=refused, amount=assessment.worth or 0, other=digest(assessment.customer_id))
    customer = Seen(
        at=at,
        attempts=1,
        declined=refused,
        amount=assessment.worth or 0,
        card=digest(assessment.card),
        network=digest(assessment.network),
    )
    by_subject = {Subject.CUSTOMER: customer, Subject.PROVIDER: replace(once, declined=0)}
    return [
        Lesson(subject=subject, name=name, seen=by_subject.get(subject, once)) for subject, name in subjects(assessment)
    ]


def of_label(before: Assessment, after: Assessment) -> list[Lesson]:
    """What it teaches that something became known as fraud, or turned out not to be."""
    was, now = before.label is Label.FRAUD, after.label is Label.FRAUD
    if was == now or after.labelled_at is None:
        return []
    once = Seen(at=after.labelled_at, frauds=1 if now else -1)
    return [Lesson(subject=subject, name=name, seen=once) for subject, name in subjects(after)]


def of_news(assessment: Assessment, news: News) -> list[Lesson]:
    """What it teaches that a payment was made or declined."""
    lessons: list[Lesson] = []
    if news.declined or news.paid:
        other = digest(assessment.provider_id) if news.paid else ""
        for subject, name in subjects(assessment):
            mine = subject is Subject.CUSTOMER
            once = Seen(at=news.at, declined=int(news.declined), paid=int(news.paid), other=other if mine else "")
            lessons.append(Lesson(subject=subject, name=name, seen=once))
    if news.card and not assessment.card:
        # Which card it was is known only now: it was attempted with this one.
        once = Seen(
            at=news.at,
            attempts=1,
            amount=assessment.worth or 0,
            declined=int(news.declined),
            paid=int(news.paid),
            other=digest(assessment.customer_id),
        )
        customer = Seen(at=news.at, card=digest(news.card))
        lessons += [
            Lesson(subject=Subject.CARD, name=news.card, seen=once),
            Lesson(subject=Subject.CUSTOMER, name=assessment.customer_id, seen=customer),
        ]
    return lessons


@dataclass(slots=True)
class _Taken:
    """Some changes as what they write."""

    cursor: Cursor
    changes: int = 0
    lessons: list[Lesson] = field(default_factory=list[Lesson])
    cases: dict[Key, Row[Assessment]] = field(default_factory=dict[Key, Row[Assessment]])
    told: dict[Key, Assessment] = field(default_factory=dict[Key, Assessment])

    names: set[tuple[Subject, str]] = field(default_factory=set[tuple[Subject, str]])
    facts: set[Key] = field(default_factory=set[Key])

    @property
    def touched(self) -> int:
        """How much they write: asked for at every change."""
        return len(self.names) + len(self.told) + 2 * len(self.facts)

    def learn(self, lessons: Sequence[Lesson]) -> None:
        self.lessons += lessons
        self.names.update((lesson.subject, lesson.name) for lesson in lessons)

    def tell(self, key: Key, after: Assessment) -> None:
        """The case as it becomes; that it is known now, or needs no decision any more, is told by events besides."""
        before = self.cases[key].value
        self.told[key] = after
        if after.label is not before.label or after.standing is not before.standing:
            self.facts.add(key)


@dataclass(slots=True)
class Learning:
    """One at a time does the work. `read` tells what a change of somebody else's items says about a payment."""

    table: Table
    clock: Clock
    read: Callable[[Change], News | None]
    _place: Row[Place] | None = field(default=None, init=False)
    _cursor: Cursor | None = field(default=None, init=False)
    _skipped: int = field(default=0, init=False)
    _is_loaded: bool = field(default=False, init=False)

    async def step(self, limit: int = 250) -> int:
        """Take in up to that many changes. How many there were: 0 when there is nothing new."""
        for _ in range(ATTEMPTS_MAX):
            await self._load()
            try:
                changes = await self.table.changes(self._cursor, limit=limit)
            except ChangesForgotten:
                log.exception("changes were forgotten before fraud's histories took them in; some counts are too low")
                await self._forgotten()
                return 1
            if not changes:
                return 0
            taken = await self._take(changes)
            skipped = self._skipped + taken.changes
            if (taken.touched or skipped >= SKIPPED_MAX) and not await self._commits(taken):
                continue
            self._cursor = taken.cursor
            self._skipped = 0 if taken.touched or skipped >= SKIPPED_MAX else skipped
            return taken.changes
        raise LearningBusy

    async def catch_up(self) -> int:
        """Take in what is new; how many changes there were."""
        total = 0
        for _ in range(STEPS_MAX):
            found = await self.step()
            total += found
            if not found:
                break
        return total

    async def lag(self, limit: int = 1000) -> int:
        """How many changes that teach something are still to be taken in, among the next `limit`."""
        await self._load()
        try:
            changes = await self.table.changes(self._cursor, limit=limit)
        except ChangesForgotten:
            return limit
        return sum(_concerns(change) or self.read(change) is not None for change in changes)

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self.table.hold_for(keys.place_of_learning())
        self._place = await self.table.get(keys.place_of_learning(), Place)
        self._cursor = self._place.value.cursor if self._place else None
        self._skipped, self._is_loaded = 0, True

    async def _take(self, changes: Sequence[Change]) -> _Taken:
        taken = _Taken(cursor=changes[0].cursor)
        for change in changes:
            taken.cursor = change.cursor
            taken.changes += 1
            if change.new is not None and change.new.entity == Assessment.entity:
                after = decoded(change.new, Assessment)
                before = decoded(change.old, Assessment) if change.old else None
                taken.learn(of_label(before, after) if before else of_new(after))
            elif (news := self.read(change)) is not None:
                await self._hear(news, taken)
            else:
                continue  # Most teach nothing, and every change of every checkout comes by here.
            if taken.touched > KEYS_MAX:
                break
        return taken

    async def _hear(self, news: News, taken: _Taken) -> None:
        key = keys.checkout(news.booking_id, news.payment_id) if news.booking_id else keys.payout(news.payment_id)
        row = taken.cases.get(key) or await self.table.get(key, Assessment)
        if row is None:
            return
        taken.cases[key] = row
        known = taken.told.get(key, row.value)
        taken.learn(of_news(known, news))
        after = labelled(known, Label.FRAUD, news.fraud, news.at) if news.fraud else known
        if news.ended and after.standing is Standing.WAITING:
            after = lapse(after, news.at)
        if news.card and not after.card:
            after = replace(after, card=news.card)
        if news.unpaid and not after.unpaid:
            after = replace(after, unpaid=True)
        if after is not known:
            taken.tell(key, after)

    async def _commits(self, taken: _Taken) -> bool:
        """Commit what was learned and the checkpoint together; False when another follower was faster."""
        before, at = self._place, self.clock.now()
        began_at = before.value.began_at if before else None
        if began_at is None and taken.lessons:
            began_at = min(lesson.seen.at for lesson in taken.lessons)
        place = Place(cursor=taken.cursor, at=at, began_at=began_at)
        self._is_loaded = False
        writes = await self._histories(taken.lessons)
        for key, after in taken.told.items():
            writes += becomes(taken.cases[key], after, ACTOR, at)
        try:
            await self.table.transact(
                Put(key=keys.place_of_learning(), value=place, expected=before.unchanged if before else ABSENT),
                *writes,
            )
        except Conflict:
            return False
        self._place = Row(key=keys.place_of_learning(), value=place, version=before.version + 1 if before else 1)
        self._is_loaded = True
        return True

    async def _histories(self, lessons: Sequence[Lesson]) -> list[Write]:
        named = dict.fromkeys(keys.history(lesson.subject, lesson.name) for lesson in lessons)
        rows = await self.table.batch_get(list(named), History) if named else []
        after = {key: row.value if row else NOTHING for key, row in zip(named, rows, strict=True)}
        for lesson in lessons:
            key = keys.history(lesson.subject, lesson.name)
            after[key] = seen(after[key], lesson.seen)
        return [Put(key=key, value=history) for key, history in after.items()]

    async def _forgotten(self) -> None:
        """Go on from the oldest change that is kept."""
        self._cursor = None
        changes = await self.table.changes(None, limit=1)
        if changes:
            self._cursor = changes[0].cursor


def _concerns(change: Change) -> bool:
    return change.new is not None and change.new.entity == Assessment.entity
