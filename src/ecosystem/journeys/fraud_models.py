"""The models: the champion decides, a challenger scores beside it, and an operator promotes it having compared them.

Once a day what was seen is held beside what the champion learned from; where the score has moved far, operators are
told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts import fraud
from ecosystem.contexts.fraud import (
    NAMES,
    Assessment,
    Assessments,
    Drifts,
    DriftsSeen,
    Kind,
    Label,
    Policy,
    PolicyBook,
    Rehearsal,
    Rule,
    ScoresDrifted,
    SetPolicy,
    Verdict,
)
from ecosystem.journeys.screening import Screening
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.blobs import Blobs
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.scoring import ModelCard, ModelId, ModelUnfit
from ecosystem.ports.table import Put, Stale, Table

COMPARED = 5_000
"""On so many cases the two models are compared, or on all since the challenger came."""
LOOKED_AT = 20_000
"""So many cases of the week tell how far it has moved."""
AT_ONCE = 500
"""Cases worked through before others get their turn."""
DRIFT_DAYS = 7


class Side(Struct, frozen=True, kw_only=True):
    """How one of two models did: how many it would have looked at and refused, and of known frauds and genuine ones."""

    model: ModelId
    reviewed: int
    declined: int
    frauds_caught: int
    genuine_stopped: int

    def __add__(self, other: Side) -> Side:
        return Side(
            model=self.model,
            reviewed=self.reviewed + other.reviewed,
            declined=self.declined + other.declined,
            frauds_caught=self.frauds_caught + other.frauds_caught,
            genuine_stopped=self.genuine_stopped + other.genuine_stopped,
        )


class Comparison(Struct, frozen=True, kw_only=True):
    """Both models on the same cases, those that both have scored. `frauds` and `genuine` are known by now."""

    cases: int
    frauds: int
    genuine: int
    champion: Side
    challenger: Side

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            cases=self.cases + other.cases,
            frauds=self.frauds + other.frauds,
            genuine=self.genuine + other.genuine,
            champion=self.champion + other.champion,
            challenger=self.challenger + other.challenger,
        )


class Models(Struct, frozen=True, kw_only=True):
    """What an operator sees: both cards, how they compare, how far what is seen had moved at `looked_at`."""

    policy: Policy
    champion: ModelCard
    challenger: ModelCard | None
    comparison: Comparison | None
    drifts: tuple[Drifts, ...]
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class FraudModels:
    table: Table
    clock: Clock
    blobs: Blobs
    screening: Screening
    policies: PolicyBook
    assessments: Assessments

    async def overview(self, actor: Actor) -> Models:
        """For operators."""
        actor.must_operate()
        policy = await self.policies.latest()
        champion = self.screening.scoring.card(await self.screening.ready(policy.champion))
        challenger = comparison = None
        if policy.challenger:
            challenger = self.screening.scoring.card(await self.screening.ready(policy.challenger))
            comparison = await self._compared(policy, champion.model)
        seen = await self.table.get(fraud.drift_seen(), DriftsSeen)
        known = seen.value if seen and seen.value.model == champion.model else await self._seen(champion)
        return Models(
            policy=policy,
            champion=champion,
            challenger=challenger,
            comparison=comparison,
            drifts=known.drifts,
            looked_at=known.at,
        )

    async def take_in(self, body: bytes, actor: Actor) -> ModelCard:
        """Keep the model and let it score beside the champion. Operators only.

        Raises `ModelUnfit` for what is no model, or scores by other features than the product has.
        """
        actor.must_operate()
        card = self.screening.scoring.take(body)
        for kind in Kind:
            if kind.value not in card.kinds or card.kinds[kind.value].features != NAMES[kind]:
                raise ModelUnfit(f"This model scores {kind}s by other features than this release has: train it anew.")
        if card.model == await self.screening.ready((await self.policies.latest()).champion):
            raise Invalid("That is the model that decides already.", field="model")
        await self.blobs.put(fraud.model_blob(card.model), body)
        await self.policies.challenge(card.model, actor)
        return card

    async def dismiss(self, actor: Actor) -> Policy:
        """Let no challenger score any more. Operators only."""
        return await self.policies.challenge(ModelId(""), actor)

    async def promote(self, version: int, actor: Actor) -> Policy:
        """Let the challenger decide from now on. `version` is the one that the asker compared under. Operators only."""
        return await self.policies.promote(version, actor)

    async def rehearse(self, request: SetPolicy, rule: Rule | None, kind: Kind, actor: Actor) -> Rehearsal:
        """What those rules and thresholds would have done to past cases. Operators only. Raises `Invalid`."""
        actor.must_operate()
        known = await self.policies.latest()
        policy = fraud.proposed(known, request)
        waiting = await self.assessments.waiting(actor, limit=100)
        past = [*waiting.values, *await self.assessments.newest(fraud.REHEARSED_MAX)]
        return fraud.rehearse(past, kind, rule, policy)

    async def look(self, actor: Actor) -> tuple[Drifts, ...]:
        """How far what was seen lately has moved; announced, once a day, when the score has moved alarmingly."""
        at = self.clock.now()
        policy = await self.policies.latest()
        champion = self.screening.scoring.card(await self.screening.ready(policy.champion))
        former = await self.table.get(fraud.drift_seen(), DriftsSeen)
        seen = await self._seen(champion)
        await self.table.transact(Put(key=fraud.drift_seen(), value=seen))
        for each in seen.drifts:
            score = each.score
            if not each.is_enough or score is None or not score.is_alarming:
                continue
            worst = next(drift for drift in each.drifts if drift.feature != "score")
            fact = ScoresDrifted(
                day=at.date().isoformat(),
                kind=each.kind.value,
                feature=worst.feature,
                index_milli=round(score.index * 1000),
                model=champion.model,
            )
            try:
                await self.table.transact(
                    announce(
                        fact,
                        aggregate=fraud.drift_timeline(each.kind),
                        sequence=at.date().toordinal(),
                        actor=actor,
                        at=at,
                        previous={"index_milli": _index_milli(former.value.drifts if former else (), each.kind)},
                    )
                )
            except Stale:
                continue  # Told today.
        return seen.drifts

    async def _seen(self, champion: ModelCard) -> DriftsSeen:
        at = self.clock.now()
        week = await self.assessments.sample(at - timedelta(days=DRIFT_DAYS), LOOKED_AT)
        mine = [each for each in week if each.model == champion.model]
        found: list[Drifts] = []
        for kind in Kind:
            found.append(fraud.drifts(kind, champion.kinds[kind.value], mine))
            await asyncio.sleep(0)
        return DriftsSeen(at=at, model=champion.model, drifts=tuple(found))

    async def _compared(self, policy: Policy, champion: ModelId) -> Comparison:
        """Both models on what both have scored since the challenger came, under the rules in force."""
        since = await self.policies.challenged_at(policy.challenger)
        cases = await self.assessments.sample(since, COMPARED)
        whole = compared([], policy, champion)
        for begin in range(0, len(cases), AT_ONCE):
            whole += compared(cases[begin : begin + AT_ONCE], policy, champion)
            await asyncio.sleep(0)
        return whole


def _index_milli(drifts: Sequence[Drifts], kind: Kind) -> int:
    """The score's stability index in thousandths; nothing where it was not known."""
    score = next((each.score for each in drifts if each.kind is kind), None)
    return round(score.index * 1000) if score else 0


def compared(recent: Sequence[Assessment], policy: Policy, champion: ModelId) -> Comparison:
    """Both models on those that both have scored, under the rules in force."""
    mine = [
        each
        for each in recent
        if each.shadow is not None and each.challenger == policy.challenger and each.model == champion
    ]
    return Comparison(
        cases=len(mine),
        frauds=sum(each.label is Label.FRAUD for each in mine),
        genuine=sum(each.label is Label.GENUINE for each in mine),
        champion=_side(champion, mine, [each.chance for each in mine], policy),
        challenger=_side(policy.challenger, mine, [each.shadow or 0.0 for each in mine], policy),
    )


def _side(model: ModelId, some: Sequence[Assessment], chances: Sequence[float], policy: Policy) -> Side:
    verdicts = [
        fraud.decide(chance, fraud.fired(policy.rules, fraud.facts_of(each)), policy).verdict
        for each, chance in zip(some, chances, strict=True)
    ]
    stopped = [each.label for each, verdict in zip(some, verdicts, strict=True) if verdict is not Verdict.APPROVE]
    return Side(
        model=model,
        reviewed=verdicts.count(Verdict.REVIEW),
        declined=verdicts.count(Verdict.DECLINE),
        frauds_caught=stopped.count(Label.FRAUD),
        genuine_stopped=stopped.count(Label.GENUINE),
    )
