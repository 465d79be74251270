"""`ecosystem fraud train`: a model from a market made up, or from what this marketplace has seen, with a report.

The same streams go through the same functions as a checkout does: numbers from histories before it, histories by what
happened since, frauds from the instant at which they became known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.outside.boosting import Cases, bundled, learn, measured, mixed
from ecosystem.adapters.outside.scoring import BoostedScoring
from ecosystem.commands.fraud.simulation import START, TRAINED, UNSEEN, Made, World, made
from ecosystem.contexts import fraud
from ecosystem.contexts.fraud import (
    FIRST,
    NAMES,
    NOTHING,
    Assessment,
    CheckoutSeen,
    History,
    Kind,
    Label,
    LabelSource,
    News,
    Past,
    Subject,
    Verdict,
)
from ecosystem.ports.scoring import Metrics, ModelCard, ModelId

WARM_UP_DAYS = 25
"""Days at the start of a grown market that only fill histories, which would reach further back there."""
YOUNG = {"days": 60, "customers": 1_500, "providers": 120, "daily_frauds": 0.8, "is_young": True}
"""The young market beside it: it opens, and is learned from until some weeks after it has grown."""


class Row(Struct, frozen=True):
    """One case: what it was, its numbers, its truth."""

    kind: Kind
    at: datetime
    numbers: tuple[float, ...]
    fraud: bool
    pattern: str


def rows(events: Iterable[Made]) -> Iterator[Row]:
    """The numbers of each event as a checkout would have had them, in order."""
    remembered: dict[tuple[Subject, str], History] = {}
    known: list[tuple[datetime, int, Assessment]] = []

    def taught(lessons: Sequence[fraud.Lesson]) -> None:
        for lesson in lessons:
            key = (lesson.subject, lesson.name)
            remembered[key] = fraud.seen(remembered.get(key, NOTHING), lesson.seen)

    for count, event in enumerate(events):
        while known and known[0][0] <= event.at:
            at, _, assessment = heappop(known)
            taught(fraud.of_label(assessment, fraud.labelled(assessment, Label.FRAUD, LabelSource.CHARGEBACK, at)))
        assessment, numbers = _assessed(event, remembered)
        yield Row(assessment.kind, event.at, numbers, event.fraud, event.pattern)
        taught(fraud.of_new(assessment))
        if assessment.kind is Kind.CHECKOUT:
            news = News(
                booking_id=assessment.booking_id,
                payment_id=assessment.subject_id,
                at=event.at,
                declined=event.declined,
                paid=not event.declined,
                card=event.card,
            )
            taught(fraud.of_news(assessment, news))
            assessment = replace(assessment, card=event.card)
        if event.known_at is not None:
            heappush(known, (event.known_at, count, assessment))


def _assessed(event: Made, remembered: Mapping[tuple[Subject, str], History]) -> tuple[Assessment, tuple[float, ...]]:
    what = event.what
    if isinstance(what, CheckoutSeen):
        kind, subject_id, booking_id = Kind.CHECKOUT, what.payment_id, what.booking_id
        names = {
            Subject.CUSTOMER: what.customer_id,
            Subject.CARD: what.card,
            Subject.PROVIDER: what.provider_id,
            Subject.NETWORK: what.network,
        }
    else:
        kind, subject_id, booking_id = Kind.PAYOUT, what.payout_id, ""
        names = {Subject.PROVIDER: what.provider_id, Subject.BANK: what.bank}
    past = Past(of={subject: remembered.get((subject, name), NOTHING) for subject, name in names.items() if name})
    numbers = fraud.of_checkout(what, past) if isinstance(what, CheckoutSeen) else fraud.of_payout(what, past)
    assessment = Assessment(
        kind=kind,
        subject_id=subject_id,
        booking_id=booking_id,
        at=what.at,
        customer_id=names.get(Subject.CUSTOMER, ""),
        provider_id=names[Subject.PROVIDER],
        card=names.get(Subject.CARD, ""),
        network=names.get(Subject.NETWORK, ""),
        bank=names.get(Subject.BANK, ""),
        amount=int(what.amount),
        currency=what.currency,
        worth=int(what.amount),
        numbers=numbers,
        model=ModelId(""),
        policy=1,
        chance=0.0,
        score=0,
        verdict=Verdict.APPROVE,
        standing=fraud.first_standing(Verdict.APPROVE),
    )
    return assessment, numbers


def cases(found: Iterable[Row]) -> dict[Kind, Cases]:
    """Rows as what a model learns from, by kind."""
    sorted_out: dict[Kind, list[Row]] = {kind: [] for kind in Kind}
    for row in found:
        sorted_out[row.kind].append(row)
    return {kind: _cases(kind, some) for kind, some in sorted_out.items()}


def _cases(kind: Kind, some: Sequence[Row]) -> Cases:
    return Cases(
        features=NAMES[kind],
        rows=np.array([row.numbers for row in some], dtype=np.float32).reshape(len(some), len(NAMES[kind])),
        labels=np.array([row.fraud for row in some], dtype=np.int64),
        patterns=[row.pattern for row in some],
    )


def simulated(world: World) -> dict[Kind, Cases]:
    """What two markets made up teach: a grown one after its first weeks, and a young one from its first day on."""
    grown = cases(row for row in rows(made(world)) if (row.at - START).days >= WARM_UP_DAYS)
    young = cases(rows(made(replace(world, seed=world.seed + 100, **YOUNG))))
    return {kind: mixed(grown[kind], young[kind]) for kind in grown}


def trained(taught: Mapping[Kind, Cases], source: str, seed: int, made_at: datetime) -> bytes:
    """A model's file from those cases."""
    thresholds = (FIRST.review_at / 1000, FIRST.decline_at / 1000)
    learned = {kind.value: learn(kind.value, some, seed, thresholds) for kind, some in taught.items()}
    return bundled(learned, source, seed, made_at)


def unseen(body: bytes, world: World) -> dict[Kind, Metrics]:
    """How the model does in another market, cheated in ways that it never learned."""
    thresholds = (FIRST.review_at / 1000, FIRST.decline_at / 1000)
    scoring = BoostedScoring(body)
    told: dict[Kind, Metrics] = {}
    for kind, some in simulated(replace(world, seed=world.seed + 1, patterns=UNSEEN)).items():
        chances = np.array([scoring.score(scoring.shipped, kind.value, list(row)) for row in some.rows])
        told[kind] = measured(chances, some.labels, some.patterns, thresholds, trained=False)
    return told


def with_unseen(body: bytes, told: Mapping[Kind, Metrics]) -> bytes:
    """The model's file, its card telling also of patterns that it never learned."""
    plain: dict[str, Any] = msgspec.json.decode(body)
    for kind, metrics in told.items():
        patterns = plain["card"]["kinds"][kind.value]["metrics"]["patterns"]
        plain["card"]["kinds"][kind.value]["metrics"]["patterns"] = [
            *patterns,
            *msgspec.to_builtins(metrics.patterns),
        ]
    return msgspec.json.encode(plain)


def shipped(world: World, made_at: datetime) -> bytes:
    """The model that ships: of a market made up, with how it does on what it never saw."""
    body = trained(simulated(world), f"simulated, {world.days} days, {', '.join(TRAINED)}", world.seed, made_at)
    return with_unseen(body, unseen(body, world))


def report(card: ModelCard) -> str:
    """What is known of the model, as a page: the model card."""
    lines = [
        "# The fraud model",
        "",
        f"`{card.model}`, made {card.made_at:%Y-%m-%d} from: {card.source}; seed {card.seed}.",
        "",
    ]
    for kind, known in card.kinds.items():
        metrics = known.metrics
        lines += [
            f"## {kind.capitalize()}s",
            f"Learned from {known.learned:,} cases, {known.frauds:,} of them fraud.",
            f"Held to {metrics.cases:,} later ones, {metrics.frauds:,} of them fraud.",
            "",
            "| measure | value |",
            "| --- | --- |",
            f"| AUC | {metrics.auc:.4f} |",
            f"| average precision | {metrics.average_precision:.4f} |",
            f"| Brier score | {metrics.brier:.5f} |",
            f"| genuine ones looked at | {metrics.false_reviewed:.3%} |",
            f"| genuine ones refused | {metrics.false_declined:.3%} |",
            "",
            "| pattern | cases | learned from | AUC | looked at or refused | refused |",
            "| --- | --- | --- | --- | --- | --- |",
            *(
                f"| {each.name} | {each.cases} | {'yes' if each.trained else 'never'} | {each.auc:.3f} | "
                f"{each.reviewed:.1%} | {each.declined:.1%} |"
                for each in metrics.patterns
            ),
            "",
            "| thought | cases | expected | was fraud |",
            "| --- | --- | --- | --- |",
            *(
                f"| {each.expected:.3f} | {each.cases:,} | {each.expected:.1%} | {each.observed:.1%} |"
                for each in metrics.reliability
            ),
            "",
        ]
    return "\n".join(lines)


def write(body: bytes, path: Path) -> None:
    path.write_bytes(body)
