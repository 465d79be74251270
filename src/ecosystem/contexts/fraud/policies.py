"""What is in force: thresholds, rules, which model decides and which scores beside it; in versions, never edited."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.events import FraudPolicySet
from ecosystem.contexts.fraud.features import Kind
from ecosystem.contexts.fraud.rules import All, Compare, Effect, Operator, Rule, checked
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.scoring import ModelId
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table

SCORE_MAX = 1_000
REMEMBERED = timedelta(seconds=2)
"""How long a process goes by what it last read: a change is in force everywhere after that."""
VERSIONS_SHOWN = 50
NOTE_MAX = 500


class PolicyChanged(Stale):
    """The rules were changed meanwhile: look at them again."""


class NoSuchPolicy(NotFound):
    """There are no rules of that version."""


class Policy(Stored, frozen=True, kw_only=True):
    """One version. From `review_at` points a person looks, from `decline_at` on it is refused.

    An empty `champion` is the model that ships; an empty `challenger` is none. A `sparing` policy lets the score only
    advise while the marketplace is young; thresholds that an operator sets hold from then on.
    """

    entity: ClassVar[str] = "fraud_policy"

    version: int
    review_at: int
    decline_at: int
    rules: tuple[Rule, ...]
    sparing: bool = False
    champion: ModelId = ModelId("")
    challenger: ModelId = ModelId("")
    set_at: datetime | None = None
    set_by: str = ""
    note: str = ""


class SetPolicy(Struct, frozen=True, kw_only=True):
    """Ask for other thresholds and rules. `version` is the one that the asker saw."""

    version: int
    review_at: Annotated[int, Meta(ge=1, le=SCORE_MAX)]
    decline_at: Annotated[int, Meta(ge=1, le=SCORE_MAX)]
    rules: tuple[Rule, ...]
    note: Annotated[str, Meta(max_length=NOTE_MAX)] = ""


def _all(*parts: tuple[str, Operator, float]) -> All:
    return All(of=tuple(Compare(feature=feature, op=op, value=value) for feature, op, value in parts))


SHIPPED: tuple[Rule, ...] = (
    Rule(
        rule_id="card-tried-by-many",
        name="One card, many customers",
        kind=Kind.CHECKOUT,
        # Where the marketplace is young a card's age is not known, and the rule rests: test cards are everybody's.
        when=_all(("card_customers", Operator.AT_LEAST, 4), ("card_days", Operator.AT_LEAST, 0)),
        effect=Effect.REVIEW,
    ),
    Rule(
        rule_id="card-with-fraud",
        name="A card known from fraud",
        kind=Kind.CHECKOUT,
        when=_all(("card_frauds", Operator.AT_LEAST, 1)),
        effect=Effect.DECLINE,
    ),
    Rule(
        rule_id="many-declined",
        name="Declined again and again within a day",
        kind=Kind.CHECKOUT,
        when=_all(("customer_declined_24h", Operator.AT_LEAST, 10)),
        effect=Effect.DECLINE,
    ),
    Rule(
        rule_id="network-tries-on",
        name="Declined again and again from one network",
        kind=Kind.CHECKOUT,
        when=_all(("network_declined_24h", Operator.AT_LEAST, 20)),
        effect=Effect.REVIEW,
    ),
    Rule(
        rule_id="network-with-fraud",
        name="A network with fraud this month",
        kind=Kind.CHECKOUT,
        when=_all(("network_frauds_30d", Operator.AT_LEAST, 1)),
        effect=Effect.POINTS,
        points=200,
    ),
    Rule(
        rule_id="customer-in-good-standing",
        name="A customer of long standing",
        kind=Kind.CHECKOUT,
        when=_all(
            ("account_days", Operator.AT_LEAST, 180),
            ("customer_paid", Operator.AT_LEAST, 10),
            ("customer_frauds", Operator.EQUAL, 0),
            ("network_new_to_customer", Operator.EQUAL, 0),
        ),
        effect=Effect.POINTS,
        points=-100,
    ),
    Rule(
        rule_id="bank-of-many-providers",
        name="One bank account, several providers",
        kind=Kind.PAYOUT,
        when=_all(("bank_providers", Operator.AT_LEAST, 3)),
        effect=Effect.REVIEW,
    ),
    Rule(
        rule_id="payout-after-fraud",
        name="Payout after fraud among the provider's sales",
        kind=Kind.PAYOUT,
        when=_all(("provider_fraud_part_30d", Operator.AT_LEAST, 0.1), ("provider_frauds", Operator.AT_LEAST, 2)),
        effect=Effect.REVIEW,
    ),
)
FIRST = Policy(version=1, review_at=300, decline_at=850, rules=SHIPPED, sparing=True)
"""What is in force until an operator changes it."""


def proposed(known: Policy, request: SetPolicy) -> Policy:
    """The policy as it would be. Raises `Invalid` for rules or thresholds that cannot be."""
    if request.review_at > request.decline_at:
        raise Invalid("What is refused scores at least as high as what is looked at.", field="decline_at")
    return replace(
        known,
        review_at=request.review_at,
        decline_at=request.decline_at,
        rules=checked(request.rules),
        sparing=False,
    )


@dataclass(slots=True)
class PolicyBook:
    """The versions of what is in force."""

    table: Table
    clock: Clock
    _known: tuple[datetime, Policy] | None = field(default=None, init=False)

    async def current(self) -> Policy:
        """What is in force, at most two seconds old: every checkout asks."""
        at = self.clock.now()
        if self._known and timedelta() <= at - self._known[0] < REMEMBERED:
            return self._known[1]
        policy = await self.latest()
        self._known = (at, policy)
        return policy

    async def latest(self) -> Policy:
        """What is in force now."""
        row = await self._row()
        return row.value if row else FIRST

    async def version(self, version: int) -> Policy:
        """What was in force under that version. Raises `NoSuchPolicy`."""
        if version == FIRST.version:
            return FIRST
        row = await self.table.get(keys.policy_version(version), Policy)
        if row is None:
            raise NoSuchPolicy(field="version")
        return row.value

    async def challenged_at(self, model: ModelId) -> datetime:
        """Since when the model scores beside the champion; as far back as versions are looked at."""
        page = await self.table.query(
            keys.policy().partition, Policy, prefix="VERSION#", descending=True, limit=VERSIONS_SHOWN
        )
        since = self.clock.now()
        for policy in page.values:
            if policy.challenger != model or policy.set_at is None:
                break
            since = policy.set_at
        return since

    async def versions(self, actor: Actor) -> list[Policy]:
        """The versions, the latest first. For operators."""
        actor.must_operate()
        page = await self.table.query(
            keys.policy().partition, Policy, prefix="VERSION#", descending=True, limit=VERSIONS_SHOWN
        )
        return [*page.values, FIRST]

    async def set(self, request: SetPolicy, actor: Actor) -> Policy:
        """Other thresholds and rules from now on; operators only. Raises `PolicyChanged`, `Invalid`."""
        wanted = proposed(await self.latest(), request)
        return await self._put(
            request.version,
            actor,
            review_at=wanted.review_at,
            sparing=wanted.sparing,
            decline_at=wanted.decline_at,
            rules=wanted.rules,
            note=request.note.strip(),
        )

    async def challenge(self, model: ModelId, actor: Actor) -> Policy:
        """Let the model score beside the champion; an empty name lets none."""
        return await self._put(None, actor, challenger=model, note="Challenger set" if model else "Challenger removed")

    async def promote(self, version: int, actor: Actor) -> Policy:
        """Let the challenger decide. Raises `Invalid` when there is none, `PolicyChanged`."""
        latest = await self.latest()
        if not latest.challenger:
            raise Invalid("There is no challenger to promote.", field="challenger")
        note = f"Promoted {latest.challenger}"
        return await self._put(version, actor, champion=latest.challenger, challenger=ModelId(""), note=note)

    async def _put(self, version: int | None, actor: Actor, **changes: Any) -> Policy:
        actor.must_operate()
        row = await self._row()
        known = row.value if row else FIRST
        if version is not None and version != known.version:
            raise PolicyChanged(field="version")
        at = self.clock.now()
        after = replace(known, version=known.version + 1, set_at=at, set_by=actor.actor_id, **changes)
        await self.table.transact(
            Put(
                key=keys.policy(),
                value=after,
                expected=row.unchanged if row else ABSENT,
                otherwise=PolicyChanged(field="version"),
            ),
            Put(key=keys.policy_version(after.version), value=after, expected=ABSENT),
            announce(
                FraudPolicySet(
                    version=after.version,
                    review_at=after.review_at,
                    decline_at=after.decline_at,
                    rules=len(after.rules),
                    champion=after.champion,
                    challenger=after.challenger,
                ),
                aggregate=keys.policy().partition,
                sequence=after.version,
                actor=actor,
                at=at,
                previous={"version": known.version},
            ),
        )
        self._known = None
        return after

    async def _row(self) -> Row[Policy] | None:
        return await self.table.get(keys.policy(), Policy)
