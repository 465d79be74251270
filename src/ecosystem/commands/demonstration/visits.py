"""One customer's visit as it will be, drawn by the odds before it begins.

A visit depends on its seed and its number alone, and so do the ids it uses. Followed again from its beginning, after
the process was ended, it finds what it did before.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct

from ecosystem.commands.demonstration import odds
from ecosystem.commands.demonstration.odds import (
    After,
    Card,
    Challenge,
    Change,
    Coming,
    Decision,
    Errand,
    Evidence,
    Line,
    Offered,
    Reply,
    Request,
)
from ecosystem.kernel import ids

T = TypeVar("T")
OPEN_HOURS = (7, 23)
"""Between these hours, UTC, people look for a service."""

LEADS = {1: 30, 2: 22, 3: 14, 5: 12, 8: 10, 13: 8, 21: 4}
"""How many days ahead people book, and how likely."""


class Visit(Struct, frozen=True, kw_only=True):
    """What will be. Customer, service and slot are given as parts of one: of those there are.

    `instant` and `dear` tell which services come into question, where that matters; `title` names the only one.
    """

    name: str
    arrives_at: datetime
    customer: float = 0.0
    as_guest: bool = False
    service: float = 0.0
    title: str = ""
    instant: bool | None = None
    dear: bool = False
    lead: timedelta = timedelta(days=1)
    slot: float = 0.0
    errand: Errand = Errand.BOOKS
    card: Card = Card.VISA
    another_card: bool = True
    challenge: Challenge = Challenge.CONFIRMS
    line: Line = Line.GOOD
    request: Request = Request.ACCEPTS
    answers_after: timedelta = timedelta(hours=2)
    change: Change = Change.NONE
    changes_at: float = 0.5
    agreed: bool = True
    coming: Coming = Coming.BOTH
    absence_disputed: bool = False
    after: After = After.NOTHING
    says_after: timedelta = timedelta(hours=3)
    withdraws: bool = False
    wants: float = 1.0
    reply: Reply = Reply.CONTESTS
    replies_after: timedelta = timedelta(hours=5)
    offered: Offered = Offered.TAKES
    decision: Decision = Decision.HALF
    decides_after: timedelta = timedelta(hours=30)
    evidence: Evidence = Evidence.WINNING

    def id(self, prefix: str, number: int = 0) -> str:
        """The id that this visit gives to the thing of that kind, and of that number where there are several."""
        chance = random.Random(f"{self.name}:{prefix}:{number}")  # noqa: S311 — the same each time it is followed
        return ids.make(prefix, self.arrives_at, chance.randbytes(ids.RANDOM_BYTES))


def drawn(seed: int, day: datetime, number: int) -> Visit:
    """The visit of that number on the day that begins then."""
    name = f"{seed}:{day:%Y-%m-%d}:{number}"
    chance = random.Random(name)  # noqa: S311 — the same demo each time
    card = _one_of(chance, odds.CARD)
    return Visit(
        name=name,
        arrives_at=day + timedelta(minutes=chance.randint(OPEN_HOURS[0] * 60, OPEN_HOURS[1] * 60)),
        customer=chance.random(),
        as_guest=chance.random() < odds.AS_GUEST,
        service=chance.random(),
        lead=timedelta(days=_one_of(chance, LEADS)),
        slot=chance.random(),
        errand=_one_of(chance, odds.ERRAND),
        card=card,
        another_card=chance.random() < odds.ANOTHER_CARD,
        challenge=_one_of(chance, odds.CHALLENGE),
        line=_one_of(chance, odds.LINE),
        request=_one_of(chance, odds.REQUEST),
        answers_after=_between(chance, 10, 20 * 60),
        change=_one_of(chance, odds.CHANGE),
        changes_at=chance.random(),
        agreed=chance.random() < odds.MOVE_AGREED,
        coming=_one_of(chance, odds.COMING),
        absence_disputed=chance.random() < odds.ABSENCE_DISPUTED,
        after=_one_of(chance, odds.AFTER),
        says_after=_between(chance, 10, 72 * 60),
        withdraws=chance.random() < odds.WITHDRAWN,
        wants=chance.choice((1.0, 1.0, 0.5, 0.25)),
        reply=_one_of(chance, odds.REPLY),
        replies_after=_between(chance, 30, 22 * 60),
        offered=_one_of(chance, odds.OFFERED),
        decision=_one_of(chance, odds.DECISION),
        decides_after=_between(chance, 5 * 60, 96 * 60),
        evidence=Evidence.ESCALATING if card is Card.INQUIRED_ABOUT else _one_of(chance, odds.EVIDENCE),
    )


def _one_of(chance: random.Random, among: Mapping[T, int]) -> T:
    return chance.choices(list(among), weights=list(among.values()))[0]


def _between(chance: random.Random, least_min: int, most_min: int) -> timedelta:
    return timedelta(minutes=chance.randint(least_min, most_min))
