"""Cancellation policies: data with versions, copied whole into each booking when it is made.

Times before the start and after the booking are in minutes; shares in basis points of what was paid. The base price
and the guest's surcharge are given back in the same proportion, the whole rounded half up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import msgspec
from msgspec import Struct

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.events import PolicySet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS, Money, round_half_up, zero
from ecosystem.kernel.rates import Lines, Rates, refund
from ecosystem.kernel.refusals import Invalid, NotFound
from ecosystem.kernel.time import DAY_MIN
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table

TIERS_MAX = 10
_YEAR_MIN = 366 * DAY_MIN


class UnknownPolicy(NotFound):
    """There is no cancellation policy of that name."""


class PolicyChanged(Stale):
    """The policy was changed meanwhile: read it again."""


class Side(StrEnum):
    """On whose behalf somebody acts on a booking."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    SYSTEM = "system"


class Tier(Struct, frozen=True, kw_only=True):
    """A share given back to a customer who cancels at least `before_min` before the start.

    With `within_min`, only within that long after booking. Both ends count.
    """

    share_bps: int
    before_min: int = 0
    within_min: int | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """The first tier that holds decides; none, nothing. Customers move a booking until `reschedule_min` before it."""

    name: str
    version: int
    tiers: tuple[Tier, ...]
    reschedule_min: int


class PolicyItem(Stored, frozen=True, kw_only=True):
    """A policy as stored."""

    entity: ClassVar[str] = "policy"

    policy: Policy
    set_at: datetime


class SetPolicy(Struct, frozen=True, kw_only=True):
    """Ask for a policy for later bookings. `version` is that of the policy the asker saw."""

    name: str
    tiers: tuple[Tier, ...]
    reschedule_min: int
    version: int


class Refund(Struct, frozen=True, kw_only=True):
    """What is given back: the share of the total, rounded half up, and the part of each price line in it."""

    share_bps: int
    lines: Lines

    @property
    def amount(self) -> Money:
        return self.lines.total


_DAY = DAY_MIN
FLEXIBLE = Policy(
    name="flexible",
    version=1,
    tiers=(Tier(share_bps=BPS, before_min=_DAY), Tier(share_bps=BPS // 2)),
    reschedule_min=_DAY,
)
MODERATE = Policy(
    name="moderate",
    version=1,
    tiers=(Tier(share_bps=BPS, before_min=5 * _DAY), Tier(share_bps=BPS // 2, before_min=_DAY)),
    reschedule_min=_DAY,
)
STRICT = Policy(
    name="strict",
    version=1,
    tiers=(
        Tier(share_bps=BPS, before_min=14 * _DAY, within_min=2 * _DAY),
        Tier(share_bps=BPS // 2, before_min=7 * _DAY),
    ),
    reschedule_min=7 * _DAY,
)
FIRST = {policy.name: policy for policy in (FLEXIBLE, MODERATE, STRICT)}
"""The policies as they are until an operator changes them."""


def refund_share(policy: Policy, *, start_at: datetime, booked_at: datetime, at: datetime, by: Side) -> int:
    """The share, in basis points, that cancelling now gives back; all of it unless the customer cancels.

    From the start on a customer gets nothing this way.
    """
    if by is not Side.CUSTOMER:
        return BPS
    if at >= start_at:
        return 0
    for tier in policy.tiers:
        early = start_at - at >= timedelta(minutes=tier.before_min)
        soon = tier.within_min is None or at - booked_at <= timedelta(minutes=tier.within_min)
        if early and soon:
            return tier.share_bps
    return 0


def refund_of(charged: Lines, rates: Rates, share_bps: int) -> Refund:
    """That share of the total, rounded half up to what cards pay, and how base and surcharge bear it in proportion."""
    nothing = zero(charged.currency)
    return Refund(
        share_bps=share_bps,
        lines=refund(charged, rates, refunded=nothing, amount=charged.share(share_bps)),
    )


def refund_amounting(charged: Lines, rates: Rates, amount: Money) -> Refund:
    """That very amount of the total, and how base and surcharge bear it in proportion. Raises `ExceedsCharge`."""
    nothing = zero(charged.currency)
    share_bps = round_half_up(amount.minor * BPS, charged.total.minor) if charged.total else 0
    return Refund(share_bps=share_bps, lines=refund(charged, rates, refunded=nothing, amount=amount))


def checked(request: SetPolicy) -> Policy:
    """The policy asked for, as the next version. Raises `Invalid` naming the field."""
    if request.name not in FIRST:
        raise UnknownPolicy(field="name")
    if len(request.tiers) > TIERS_MAX:
        raise Invalid(f"A policy has at most {TIERS_MAX} tiers.", field="tiers")
    for place, tier in enumerate(request.tiers):
        if not 0 <= tier.share_bps <= BPS:
            raise Invalid(f"A share lies between 0 and {BPS} basis points.", field=f"tiers[{place}].share_bps")
        if not 0 <= tier.before_min <= _YEAR_MIN:
            raise Invalid("A tier lies within a year before the start.", field=f"tiers[{place}].before_min")
        if tier.within_min is not None and not 0 <= tier.within_min <= _YEAR_MIN:
            raise Invalid("A tier lies within a year after booking.", field=f"tiers[{place}].within_min")
    if not 0 <= request.reschedule_min <= _YEAR_MIN:
        raise Invalid("Moving ends within a year before the start.", field="reschedule_min")
    return Policy(
        name=request.name,
        version=request.version + 1,
        tiers=request.tiers,
        reschedule_min=request.reschedule_min,
    )


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in force."""

    table: Table
    clock: Clock

    async def current(self, name: str) -> Policy:
        """The policy that a booking made now gets. Raises `UnknownPolicy`."""
        row = await self._row(name)
        if row:
            return row.value.policy
        if name not in FIRST:
            raise UnknownPolicy(field="policy")
        return FIRST[name]

    async def all(self) -> list[Policy]:
        return [await self.current(name) for name in FIRST]

    async def set(self, request: SetPolicy, actor: Actor) -> Policy:
        """Change a policy for later bookings; operators only. Raises `PolicyChanged` when the asker saw an older one."""
        actor.must_operate()
        becomes = checked(request)
        row = await self._row(request.name)
        if request.version != (row.value.policy.version if row else FIRST[request.name].version):
            raise PolicyChanged(field="version")
        at = self.clock.now()
        item = PolicyItem(policy=becomes, set_at=at)
        await self.table.transact(
            Put(
                key=keys.policy(becomes.name),
                value=item,
                expected=row.unchanged if row else ABSENT,
                otherwise=PolicyChanged(field="version"),
            ),
            Put(key=keys.policy_version(becomes.name, becomes.version), value=item, expected=ABSENT),
            announce(
                PolicySet(policy=becomes.name, version=becomes.version),
                aggregate=keys.policy(becomes.name).partition,
                sequence=becomes.version,
                actor=actor,
                at=at,
                previous=msgspec.to_builtins(row.value.policy if row else FIRST[request.name]),
            ),
        )
        return becomes

    async def _row(self, name: str) -> Row[PolicyItem] | None:
        return await self.table.get(keys.policy(name), PolicyItem) if name in FIRST else None
