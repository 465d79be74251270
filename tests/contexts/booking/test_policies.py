from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.booking.scene import ADA, OPERATOR, Scene, offer
from ecosystem.contexts.booking import (
    FIRST,
    PolicyChanged,
    SetPolicy,
    Side,
    Tier,
    UnknownPolicy,
    price_of,
    refund_of,
    refund_share,
)
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.rates import Rates, quote
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.bus import Event

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
ALL, HALF, NOTHING = BPS, BPS // 2, 0


@pytest.mark.parametrize(
    ("name", "before", "since", "share"),
    [
        ("flexible", 24 * HOUR, DAY, ALL),
        ("flexible", 24 * HOUR - TICK, DAY, HALF),
        ("flexible", TICK, DAY, HALF),
        ("moderate", 5 * DAY, DAY, ALL),
        ("moderate", 5 * DAY - TICK, DAY, HALF),
        ("moderate", 24 * HOUR, DAY, HALF),
        ("moderate", 24 * HOUR - TICK, DAY, NOTHING),
        ("strict", 14 * DAY, 48 * HOUR, ALL),
        ("strict", 14 * DAY - TICK, 48 * HOUR, HALF),
        ("strict", 14 * DAY, 48 * HOUR + TICK, HALF),
        ("strict", 60 * DAY, 3 * DAY, HALF),
        ("strict", 7 * DAY, HOUR, HALF),
        ("strict", 7 * DAY - TICK, HOUR, NOTHING),
    ],
)
def test_each_policy_gives_back_its_share_until_the_instant(
    name: str, before: timedelta, since: timedelta, share: int
) -> None:
    at = START - before

    assert refund_share(FIRST[name], start_at=START, booked_at=at - since, at=at, by=Side.CUSTOMER) == share


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("at", [START, START + HOUR])
def test_from_the_start_on_a_customer_gets_nothing(name: str, at: datetime) -> None:
    assert refund_share(FIRST[name], start_at=START, booked_at=START - 30 * DAY, at=at, by=Side.CUSTOMER) == NOTHING


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("by", [Side.PROVIDER, Side.OPERATOR, Side.SYSTEM])
def test_all_is_given_back_when_anyone_else_cancels(name: str, by: Side) -> None:
    assert refund_share(FIRST[name], start_at=START, booked_at=START - DAY, at=START - HOUR, by=by) == ALL


@given(
    name=st.sampled_from(sorted(FIRST)),
    lead=st.timedeltas(timedelta(0), timedelta(days=60)),
    earlier=st.timedeltas(timedelta(0), timedelta(days=10)),
    booked=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_waiting_never_gives_more_back(name: str, lead: timedelta, earlier: timedelta, booked: timedelta) -> None:
    sooner, later = START - lead - earlier, START - lead
    booked_at = sooner - booked

    shares = [
        refund_share(FIRST[name], start_at=START, booked_at=booked_at, at=at, by=Side.CUSTOMER)
        for at in (sooner, later)
    ]

    assert shares[0] >= shares[1]


@given(
    minor=st.integers(1, 10**12),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    share=st.integers(0, BPS),
    guest=st.booleans(),
)
def test_what_is_given_back_is_the_share_of_the_whole_in_proportion(
    minor: int, currency: str, share: int, guest: bool
) -> None:
    lines = quote(Money(minor, currency), Rates(), guest=guest)

    refund = refund_of(lines, Rates(), share)

    assert refund.amount == lines.total.share(share)
    assert refund.lines.base + refund.lines.surcharge == refund.amount
    assert refund.lines.provider_share + refund.lines.commission == refund.lines.base
    assert abs(refund.lines.surcharge.minor - lines.surcharge.minor * share / BPS) <= 1
    if share == BPS:
        assert refund.lines == lines


def test_a_guests_surcharge_is_given_back_too() -> None:
    lines = quote(price_of(offer(), 1), Rates(), guest=True)

    refund = refund_of(lines, Rates(), HALF)

    assert (refund.lines.base.minor, refund.lines.surcharge.minor, refund.amount.minor) == (5_000, 500, 5_500)


def test_half_a_unit_is_rounded_up() -> None:
    assert refund_of(quote(Money(5, "JPY"), Rates(), guest=False), Rates(), HALF).amount == Money(3, "JPY")


KINDER = SetPolicy(name="strict", tiers=(Tier(share_bps=BPS, before_min=60),), reschedule_min=60, version=1)


async def test_an_operator_changes_a_policy_for_later_bookings(scene: Scene) -> None:
    before = await scene.booked(of=offer(policy="strict"))

    await scene.policies.set(KINDER, OPERATOR)

    after = await scene.booked(before.start_at + HOUR, of=offer(policy="strict"))
    assert (before.policy.version, after.policy.version) == (1, 2)
    assert (await scene.bookings.row(before.booking_id)).value.policy == FIRST["strict"]
    assert [policy.version for policy in await scene.policies.all()] == [1, 1, 2]
    events = await scene.table.query("POLICY#strict", Event, prefix="EVENT#")
    assert [event.type for event in events.values] == ["PolicySet"]


async def test_an_editor_who_saw_an_older_policy_is_refused(scene: Scene) -> None:
    await scene.policies.set(KINDER, OPERATOR)

    with pytest.raises(PolicyChanged):
        await scene.policies.set(KINDER, OPERATOR)


async def test_nobody_else_changes_a_policy(scene: Scene) -> None:
    with pytest.raises(Denied):
        await scene.policies.set(KINDER, ADA)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tiers": (Tier(share_bps=10_001),)}, "tiers[0].share_bps"),
        ({"tiers": (Tier(share_bps=0), Tier(share_bps=1, before_min=-1))}, "tiers[1].before_min"),
        ({"tiers": (Tier(share_bps=0, within_min=10**9),)}, "tiers[0].within_min"),
        ({"tiers": (Tier(share_bps=0),) * 11}, "tiers"),
        ({"reschedule_min": -1}, "reschedule_min"),
    ],
)
async def test_a_policy_that_is_wrong_is_refused_with_its_field(
    scene: Scene, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await scene.policies.set(replace(KINDER, **changes), OPERATOR)

    assert refused.value.field == field


async def test_there_are_no_other_policies(scene: Scene) -> None:
    with pytest.raises(UnknownPolicy):
        await scene.policies.current("generous")
    with pytest.raises(UnknownPolicy):
        await scene.policies.set(replace(KINDER, name="generous"), OPERATOR)
