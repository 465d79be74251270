"""What providers owe: listed from the ledger, by age, recovered by earnings, or given up with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import Debit, GiveUp, NothingOwed, aged
from ecosystem.journeys.payouts import NothingToPay
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from market import OPERATOR, Market
from payday import can_be_paid, earned, nothing_is_kept_back, wanted
from workflows.lives import admitted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
debits = st.lists(
    st.builds(
        lambda units, days: Debit(units=units, at=NOON - timedelta(days=days)),
        st.integers(1, 10**6),
        st.integers(0, 400),
    ),
    max_size=20,
)


@given(st.integers(0, 10**7), debits)
def test_the_ages_add_up_to_what_is_owed(owed: int, made: list[Debit]) -> None:
    newest_first = sorted(made, key=lambda each: each.at, reverse=True)

    assert aged(owed, newest_first, NOON).units == owed


def test_a_debt_is_as_old_as_the_latest_movements_that_make_it() -> None:
    made = [Debit(units=100, at=NOON - timedelta(days=days)) for days in (0, 30, 31, 60, 61, 90, 91, 200)]

    assert aged(700, made, NOON).parts == (200, 200, 200, 100)
    assert aged(150, made, NOON).since == NOON - timedelta(days=30)
    assert aged(0, made, NOON).since is None


@pytest.fixture
async def paula(shop: Market) -> Actor:
    """A provider who was paid what they earned, and then had to give it back."""
    owner = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    await shop.provider(owner)
    await can_be_paid(shop, owner)
    await nothing_is_kept_back(shop)
    booking_id = await earned(shop, owner=owner)
    await earned(shop, 30_000, owner=owner)
    await shop.app.paying_out.ask(wanted(shop, 36_000), owner)
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=Money(10_000, "EUR"), reason="Wrong.")
    await shop.app.refunding.give_back(back, OPERATOR)
    return owner


async def balance(shop: Market) -> int:
    return await shop.balance(chart.provider(shop.provider_id, "EUR"))


async def test_a_refund_after_the_payout_is_owed_and_recovered_by_what_is_earned_next(
    shop: Market, paula: Actor
) -> None:
    await shop.app.receivable_follower.catch_up()
    [owed] = await shop.app.receivables.all(OPERATOR)
    with pytest.raises(NothingToPay):
        await shop.app.paying_out.ask(wanted(shop, 1_000), paula)
    await shop.sequence()
    shop.clock.advance(timedelta(days=45))
    [older] = await shop.app.receivables.all(OPERATOR)

    await earned(shop, 20_000, owner=paula)
    await shop.app.receivable_follower.catch_up()

    assert (owed.name, owed.aged.parts) == ("Paula Sousa", (9_000, 0, 0, 0))
    assert older.aged.parts == (0, 9_000, 0, 0)
    assert await shop.app.receivables.all(OPERATOR) == []
    assert await balance(shop) == 9_000
    await shop.verified()


async def test_an_operator_gives_up_a_debt_with_a_reason_and_it_is_a_cost(shop: Market, paula: Actor) -> None:
    await shop.app.receivable_follower.catch_up()
    request = GiveUp(
        write_off_id=shop.id("wof"), provider_id=shop.provider_id, amount=Money(9_000, "EUR"), reason="They have left."
    )

    made = await shop.app.receivables.give_up(request, OPERATOR)
    again = await shop.app.receivables.give_up(request, OPERATOR)
    await shop.app.receivable_follower.catch_up()

    assert made == again
    assert await balance(shop) == 0
    await shop.sequence()
    assert -await shop.balance(chart.costs("EUR")) == 9_000
    assert await shop.app.receivables.all(OPERATOR) == []
    other = GiveUp(write_off_id=shop.id("wof"), provider_id=shop.provider_id, amount=Money(1, "EUR"), reason="More.")
    with pytest.raises(NothingOwed):
        await shop.app.receivables.give_up(other, OPERATOR)
    with pytest.raises(Denied):
        await shop.app.receivables.give_up(other, paula)
    await shop.verified()


async def test_what_a_provider_was_let_off_is_read_by_operators_only(shop: Market, paula: Actor) -> None:
    with pytest.raises(Denied):
        await shop.app.receivables.given_up(shop.provider_id, paula)
    assert await shop.app.receivables.given_up(shop.provider_id, OPERATOR) == []


async def test_more_than_is_owed_or_without_a_reason_is_not_given_up(shop: Market, paula: Actor) -> None:
    assert paula
    for amount, reason in ((9_001, "Gone."), (0, "Gone."), (9_000, " ")):
        request = GiveUp(
            write_off_id=shop.id("wof"), provider_id=shop.provider_id, amount=Money(amount, "EUR"), reason=reason
        )
        with pytest.raises(Invalid):
            await shop.app.receivables.give_up(request, OPERATOR)
    part = GiveUp(write_off_id=shop.id("wof"), provider_id=shop.provider_id, amount=Money(4_000, "EUR"), reason="Part.")
    await shop.app.receivables.give_up(part, OPERATOR)
    with pytest.raises(IdReused):
        await shop.app.receivables.give_up(
            GiveUp(write_off_id=part.write_off_id, provider_id=shop.provider_id, amount=Money(1, "EUR"), reason="x"),
            OPERATOR,
        )
    assert await balance(shop) == -5_000


async def test_the_list_can_be_made_anew_from_the_accounts(shop: Market, paula: Actor) -> None:
    assert paula

    await shop.app.receivable_follower.anew()
    await shop.app.receivable_follower.catch_up()

    assert [each.aged.units for each in await shop.app.receivables.all(OPERATOR)] == [9_000]
