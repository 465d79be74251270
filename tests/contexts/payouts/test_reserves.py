"""What can be paid out never passes the balance, and what is kept back is free in its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.payouts import NOTHING_KEPT, PayoutRules, Released, Reserve, disposable
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
releases = st.lists(
    st.builds(
        lambda minor, hours: Released(amount=Money(minor, "EUR"), at=NOON - timedelta(hours=hours)),
        st.integers(0, 10**9),
        st.integers(0, 24 * 400),
    ),
    max_size=30,
)
reserves = st.builds(lambda bps, days: Reserve(share_bps=bps, days=days), st.integers(0, 10_000), st.integers(0, 365))


@given(st.integers(-(10**10), 10**10), releases, reserves)
def test_what_is_available_and_what_is_kept_are_the_balance_and_never_more(
    units: int, released: list[Released], reserve: Reserve
) -> None:
    found = disposable(units, released, reserve, "EUR", NOON)

    assert found.available.minor + found.kept.minor == max(0, units)


@given(st.integers(0, 10**10), releases, reserves)
def test_time_alone_frees_and_never_takes(units: int, released: list[Released], reserve: Reserve) -> None:
    now = disposable(units, released, reserve, "EUR", NOON)
    later = disposable(units, released, reserve, "EUR", NOON + timedelta(days=30))
    in_the_end = disposable(units, released, reserve, "EUR", NOON + timedelta(days=366))

    assert now.available <= later.available <= in_the_end.available
    assert in_the_end.kept.minor == 0


@given(st.integers(1, 10**10), releases, reserves)
def test_what_is_kept_says_when_the_next_part_of_it_is_free(
    units: int, released: list[Released], reserve: Reserve
) -> None:
    found = disposable(units, released, reserve, "EUR", NOON)

    assert (found.free_at is not None) == bool(found.kept)
    if found.free_at:
        assert found.free_at > NOON


def test_a_quarter_of_a_fortnight_is_kept_from_the_new() -> None:
    rules = PayoutRules()
    released = [Released(amount=Money(10_000, "EUR"), at=NOON - timedelta(days=age)) for age in (1, 13, 14, 30)]

    new = rules.reserve_for(NOON - timedelta(days=89), NOON)
    old = rules.reserve_for(NOON - timedelta(days=90), NOON)

    assert disposable(40_000, released, new, "EUR", NOON).kept == Money(5_000, "EUR")
    assert disposable(40_000, released, new, "EUR", NOON).free_at == NOON + timedelta(days=1)
    assert old == NOTHING_KEPT


@pytest.mark.parametrize(
    ("amount", "fee"), [(10_000, 99), (10_100, 100), (5_000, 50), (100, 50), (20_199, 200), (50, None)]
)
def test_speed_costs_a_hundredth_and_fifty_cents_at_least(amount: int, fee: int | None) -> None:
    found = PayoutRules().instant_fee(Money(amount, "EUR"))

    assert (found.minor if found else None) == fee


@given(st.integers(51, 10**9))
def test_the_price_for_speed_covers_what_the_processor_takes_and_hardly_more(amount: int) -> None:
    fee = PayoutRules().instant_fee(Money(amount, "EUR"))

    assert fee is not None
    theirs = max(50, (amount - fee.minor) * 100 // 10_000)
    assert theirs <= fee.minor <= theirs + 1


def test_no_speed_is_sold_where_no_price_is_set() -> None:
    assert PayoutRules().instant_fee(Money(10_000, "JPY")) is None


@pytest.mark.parametrize(("bps", "days"), [(-1, 1), (10_001, 1), (1, -1), (1, 366)])
def test_a_reserve_keeps_within_its_bounds(bps: int, days: int) -> None:
    with pytest.raises(Invalid):
        Reserve(share_bps=bps, days=days)
