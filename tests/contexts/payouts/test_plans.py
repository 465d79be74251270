"""Payouts go out on the provider's own day, and nothing goes out while a plan rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.payouts import (
    Cadence,
    NotPaused,
    PausedBy,
    PayoutPlan,
    Rail,
    SetPayoutPlan,
    first_plan,
    next_payout_at,
    paused,
    resumed,
    set_plan,
)
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.kernel.time import local

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWNER = Actor(actor_id="usr_owner")
OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
ZONES = ("UTC", "Europe/Lisbon", "America/New_York", "Pacific/Auckland", "Pacific/Kiritimati", "America/St_Johns")


@given(
    st.sampled_from([Cadence.DAILY, Cadence.WEEKLY]),
    st.integers(1, 7),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 — made aware below
)
def test_the_next_date_is_later_within_a_week_and_on_the_right_day(
    cadence: Cadence, weekday: int, zone: str, after: datetime
) -> None:
    now = after.replace(tzinfo=UTC)

    at = next_payout_at(cadence, weekday, zone, now)

    assert at is not None
    assert now < at <= now + timedelta(days=7 if cadence is Cadence.WEEKLY else 1, hours=2)
    assert local(at, zone).hour in {5, 6, 7}
    assert cadence is Cadence.DAILY or local(at, zone).isoweekday() == weekday


def test_who_asks_for_each_has_no_date() -> None:
    assert next_payout_at(Cadence.MANUAL, 1, "UTC", NOON) is None


def test_a_provider_who_never_said_anything_is_paid_on_mondays() -> None:
    plan = first_plan("prv_1", "Europe/Lisbon", NOON)

    assert plan.next_at == datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_an_operators_pause_outlasts_the_owner() -> None:
    plan = paused(first_plan("prv_1", "UTC", NOON), PausedBy.OPERATOR, "We look into it.", OPERATOR, NOON)

    still = paused(plan, PausedBy.OWNER, "A break.", OWNER, NOON)

    assert still.pause == plan.pause
    with pytest.raises(Denied):
        resumed(still, "UTC", OWNER, NOON)
    assert resumed(still, "UTC", OPERATOR, NOON).pause is None


def test_resuming_sets_a_date_to_come() -> None:
    plan = paused(first_plan("prv_1", "UTC", NOON), PausedBy.OWNER, "A break.", OWNER, NOON)

    going = resumed(plan, "UTC", OWNER, NOON + timedelta(days=60))

    assert going.next_at is not None
    assert NOON + timedelta(days=60) < going.next_at <= NOON + timedelta(days=67)
    with pytest.raises(NotPaused):
        resumed(going, "UTC", OWNER, NOON)


def test_the_way_over_the_bank_names_a_bank_account_and_the_other_none() -> None:
    plan = first_plan("prv_1", "UTC", NOON)
    wanted = SetPayoutPlan(cadence=Cadence.DAILY, rail=Rail.STRIPE, bank_account_id="bac_1", version=0)

    assert set_plan(plan, wanted, "UTC", NOON).bank_account_id == ""
    with pytest.raises(Invalid):
        set_plan(plan, SetPayoutPlan(cadence=Cadence.DAILY, rail=Rail.ACH, version=0), "UTC", NOON)


@pytest.mark.parametrize("weekday", [0, 8])
def test_a_week_has_seven_days(weekday: int) -> None:
    with pytest.raises(Invalid):
        PayoutPlan(provider_id="prv_1", weekday=weekday, changed_at=NOON)
