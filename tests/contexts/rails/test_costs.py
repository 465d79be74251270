"""What a month costs: the reference month to the cent, and what holds for any month."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.contexts.rails import Comparison, Cost, Costs, MonthAsked, Scenario, compare, cost_of, tables
from ecosystem.contexts.rails.costs import components_of, decimal, exact_cost
from ecosystem.contexts.rails.months import Month
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied, Invalid

REFERENCE, PUBLIC = tables()

months = st.builds(
    MonthAsked,
    volume=st.integers(0, 10**9),
    transactions=st.integers(1, 10**6),
    payouts=st.integers(0, 10**6),
    entries=st.none() | st.integers(0, 10**6),
    accounts=st.none() | st.integers(0, 10**5),
    paid_out_bps=st.integers(0, 10_000),
    own_costs=st.integers(0, 10**6),
)


def lines_of(comparison: Comparison, rail: str) -> dict[str, int]:
    scenario = comparison.scenarios[0]
    (cost,) = (each for each in scenario.rails if each.rail == rail)
    return {line.name: line.cost.minor for line in cost.lines}


def test_the_reference_month_costs_3450_on_cards_and_275_on_native_rails() -> None:
    reference = compare(MonthAsked(volume=100_000, transactions=500, payouts=1_000), tables())

    assert lines_of(reference, "cards") == {
        "percentage": 2_900_00,
        "transactions": 150_00,
        "payouts": 250_00,
        "services": 150_00,
    }
    assert lines_of(reference, "native") == {
        "entries": 125_00,
        "functions": 15_00,
        "table": 25_00,
        "keys": 45_00,
        "fraud": 30_00,
        "monitoring": 10_00,
        "objects": 5_00,
        "events": 5_00,
        "transfer": 15_00,
    }
    assert [rail.total.minor for rail in reference.scenarios[0].rails] == [3_450_00, 275_00]


def test_a_bank_debit_is_charged_no_more_than_its_most() -> None:
    small = MonthAsked(volume=100_000, transactions=500)
    large = MonthAsked(volume=1_000_000, transactions=500)

    costs = [{line.name: line for line in _rail(month, "debits").lines}["percentage"].cost for month in (small, large)]

    assert [cost.minor for cost in costs] == [800_00, 2_500_00]


def test_the_first_few_entries_may_cost_more() -> None:
    bills = [_rail(MonthAsked(entries=count), "native") for count in (4, 10, 11)]

    banks = [next(line.cost.minor for line in bill.lines if line.name == "bank") for bill in bills]

    assert banks == [4 * 2_50, 10 * 2_50, 10 * 2_50 + 15]


@settings(deadline=None)
@given(months)
def test_lines_add_up_to_the_total_and_are_computed_from_what_is_shown(asked: MonthAsked) -> None:
    for scenario in compare(asked, tables()).scenarios:
        for rail in scenario.rails:
            assert sum(line.cost.minor for line in rail.lines) == rail.total.minor
            for line in rail.lines:
                parts = [part for part in line.parts if part.title.count(" at most ") == 0]
                shown = [Fraction(part.charged) * Fraction(part.rate) / Fraction(part.per) for part in parts]
                if len(parts) == len(line.parts):
                    assert abs(sum(shown, Fraction(0)) * 100 - line.cost.minor) <= Fraction(1, 2) + Fraction(1, 1000)


@settings(deadline=None)
@given(months, months)
def test_more_of_everything_never_costs_less(one: MonthAsked, other: MonthAsked) -> None:
    less, more = (
        MonthAsked(
            volume=pick(one.volume, other.volume),
            transactions=pick(one.transactions, other.transactions),
            payouts=pick(one.payouts, other.payouts),
            entries=pick(one.entries or 0, other.entries or 0),
            accounts=pick(one.accounts or 0, other.accounts or 0),
            own_costs=pick(one.own_costs, other.own_costs),
        )
        for pick in (min, max)
    )

    for table in tables():
        for rail in table.rails:
            assert (
                cost_of(table, rail, Month.of(less, table)).total <= cost_of(table, rail, Month.of(more, table)).total
            )


@settings(deadline=None)
@given(months)
def test_from_the_break_even_on_the_one_rail_is_never_dearer(asked: MonthAsked) -> None:
    for table, scenario in zip(tables(), compare(asked, tables()).scenarios, strict=True):
        month = Month.of(asked, table)
        for found in scenario.break_evens:
            at = None if found.transactions is None else Fraction(found.transactions, asked.transactions)
            sizes = [Fraction(1, 10**6), Fraction(1, 100), Fraction(1), Fraction(100)]
            if at is None:
                far = Fraction(10**13, max(1, asked.volume))
                assert _saved(table.name, found.dearer, month.scaled(far)) < 0 or not asked.volume
                continue
            assert all(_saved(table.name, found.dearer, month.scaled(at + size)) >= 0 for size in (Fraction(0), *sizes))
            if at > 0:
                before = Fraction(found.transactions - 1, asked.transactions)  # type: ignore[operator]
                # Nothing costs nothing on either rail: what is lost before the break-even begins a moment later.
                moment = Fraction(1, 10**12)
                assert any(_saved(table.name, found.dearer, month.scaled(before + more)) < 0 for more in (0, moment))


def test_own_costs_move_the_break_even() -> None:
    without, with_some = (_scenario(MonthAsked(own_costs=own)) for own in (0, 5_000))

    assert [each.transactions for each in without.break_evens] == [0, 8]
    assert [each.transactions for each in with_some.break_evens] == [661, 1_621]


def test_the_curve_passes_through_the_month() -> None:
    for scenario in compare(MonthAsked(volume=250_000, transactions=900), tables()).scenarios:
        middle = len(scenario.volumes) // 2
        assert scenario.volumes[middle].minor == 250_000_00
        for curve, rail in zip(scenario.curves, scenario.rails, strict=True):
            assert abs(curve.costs[middle].minor - rail.total.minor) <= len(rail.lines)


@given(st.decimals(min_value=0, max_value=10**9, places=7))
def test_a_number_is_shown_as_it_is(number: Decimal) -> None:
    assert Decimal(decimal(Fraction(number))) == number


@pytest.mark.parametrize(
    ("name", "value"), [("volume", -1), ("transactions", 0), ("payouts", -1), ("entries", -1), ("paid_out_bps", 10_001)]
)
def test_a_month_that_cannot_be_is_refused(name: str, value: int) -> None:
    with pytest.raises(Invalid) as refused:
        MonthAsked(**{name: value})

    assert refused.value.field == name


async def test_costs_are_for_operators() -> None:
    operator = Actor(actor_id="usr_olga", groups=(Group.ADMINS,))

    assert await Costs().compare(MonthAsked(), operator)
    with pytest.raises(Denied):
        await Costs().compare(MonthAsked(), Actor(actor_id="usr_pedro", groups=(Group.PROVIDERS,)))


def _scenario(asked: MonthAsked) -> Scenario:
    return compare(asked, tables()).scenarios[1]


def _rail(asked: MonthAsked, name: str) -> Cost:
    return cost_of(PUBLIC, PUBLIC.rail(name), Month.of(asked, PUBLIC))


def _saved(table_name: str, dearer: str, month: Month) -> Fraction:
    table = next(table for table in tables() if table.name == table_name)
    dear, native = (
        sum((exact_cost(table, each, month) for each in components_of(table, table.rail(name))), Fraction(0))
        for name in (dearer, "native")
    )
    return dear - native
