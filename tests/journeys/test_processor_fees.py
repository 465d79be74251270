"""What the processor takes is a cost of ours, once per cause, and the books agree with the processor to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import Withdraw, WithdrawalStatus
from ecosystem.journeys.processor_fees import OVERLAP, fee_of
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused
from ecosystem.ports.listing import Listed
from ecosystem.ports.transfers import BalanceEntry, EntryKind, Transfers
from ecosystem.sandbox import Fault, What
from market import OPERATOR, OWNER, Market
from payday import days, earned, of_processor

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def books(shop: Market) -> tuple[int, int]:
    """What the books say is at the processor, and what they say it cost."""
    await shop.sequence()
    processor, costs = await shop.balance(chart.processor("EUR")), await shop.balance(chart.costs("EUR"))
    return -processor, -costs


async def test_every_fee_is_posted_once_and_the_books_agree_with_the_processor(shop: Market) -> None:
    for price in (10_000, 3_333, 77_777):
        await earned(shop, price)
    booking_id = await earned(shop, 20_000)
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=Money(20_000, "EUR"), reason="Wrong.")
    await shop.app.refunding.give_back(back, OPERATOR)
    before = await books(shop)

    read = await shop.app.processor_fees.take_in()
    once = await books(shop)
    await shop.app.processor_fees.take_in()
    shop.clock.advance(timedelta(hours=2))
    await shop.app.processor_fees.take_in()

    assert read == 5
    assert before[0] > (await of_processor(shop))["EUR"]
    assert once[0] == (await of_processor(shop))["EUR"]
    assert once[1] == before[0] - once[0] > 0
    assert await books(shop) == once
    await shop.verified()


@pytest.mark.parametrize(
    ("kind", "amount", "fee", "cost"),
    [
        (EntryKind.PAYMENT, 1_000, 59, 59),
        (EntryKind.REFUND, -1_000, 0, 0),
        (EntryKind.REFUND, -1_000, -20, -20),
        (EntryKind.CHARGEBACK, -1_000, 1_500, 0),
        (EntryKind.CHARGEBACK_RETURNED, 1_000, -1_500, 0),
        (EntryKind.PAYOUT, -1_000, 25, 25),
        (EntryKind.FEE, -200, 0, 200),
        (EntryKind.TRANSFER, -1_000, 0, 0),
    ],
)
def test_each_kind_of_entry_costs_what_the_rule_says(kind: EntryKind, amount: int, fee: int, cost: int) -> None:
    entry = BalanceEntry(
        entry_id="txn_1",
        kind=kind,
        category="any",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency="EUR",
        made_at=NOON,
        available_at=NOON,
        available=True,
    )

    posted = fee_of(entry)

    moved = sum(each.amount if each.debit_account_id == "costs:EUR" else -each.amount for each in posted)
    assert moved == cost


async def test_our_own_money_arrives_at_the_bank_and_the_books_follow(shop: Market) -> None:
    await earned(shop, 50_000)
    await shop.app.processor_fees.take_in()
    request = Withdraw(withdrawal_id=shop.id("wdr"), amount=Money(30_000, "EUR"))

    asked = await shop.app.withdrawing.withdraw(request, OPERATOR)
    again = await shop.app.withdrawing.withdraw(request, OPERATOR)
    await days(shop, 5)

    [known] = (await shop.app.withdrawing.book.latest(OPERATOR)).values
    assert asked.status is again.status is WithdrawalStatus.IN_TRANSIT
    assert known.status is WithdrawalStatus.ARRIVED
    await shop.sequence()
    assert -await shop.balance(chart.bank("EUR")) == 30_000
    assert (await books(shop))[0] == (await of_processor(shop))["EUR"]
    with pytest.raises(IdReused):
        await shop.app.withdrawing.withdraw(
            Withdraw(withdrawal_id=request.withdrawal_id, amount=Money(1, "EUR")), OPERATOR
        )
    with pytest.raises(Denied):
        await shop.app.withdrawing.withdraw(request, OWNER)
    await shop.verified()


async def test_more_than_there_is_does_not_leave_and_a_lost_answer_withdraws_once(shop: Market) -> None:
    await earned(shop, 10_000)
    too_much = Withdraw(withdrawal_id=shop.id("wdr"), amount=Money(99_999, "EUR"))
    request = Withdraw(withdrawal_id=shop.id("wdr"), amount=Money(5_000, "EUR"))

    refused = await shop.app.withdrawing.withdraw(too_much, OPERATOR)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payouts", times=2))
    await shop.app.withdrawing.withdraw(request, OPERATOR)
    await days(shop, 5)

    assert refused.status is WithdrawalStatus.FAILED
    assert refused.reason
    assert len((await shop.app.ports.transfers.payouts(None)).items) == 1
    await shop.sequence()
    assert -await shop.balance(chart.bank("EUR")) == 5_000


@dataclass
class PageByPage:
    """The processor's list with one entry a page."""

    entries: Sequence[BalanceEntry]
    since: list[datetime | None] = field(default_factory=list[datetime | None])

    async def balance_entries(
        self, _account_id: str | None, *, since: datetime, after: str | None = None
    ) -> Listed[BalanceEntry]:
        self.since.append(since)
        found = [each for each in self.entries if since <= each.made_at]
        start = next((place + 1 for place, each in enumerate(found) if each.entry_id == after), 0)
        page = tuple(found[start : start + 1])
        return Listed(items=page, after=page[0].entry_id if start + 1 < len(found) else None)


async def test_a_long_list_is_read_in_parts_from_our_first_day_on(shop: Market) -> None:
    for price in (10_000, 3_333, 77_777, 5_000, 6_000):
        await earned(shop, price)
    shop.clock.advance(timedelta(minutes=1))
    listed = PageByPage((await shop.app.ports.transfers.balance_entries(None)).items)
    first = (await shop.app.providers.load(shop.provider_id)).value.created_at
    fees = replace(shop.app.processor_fees, transfers=cast("Transfers", listed))

    read = [await fees.take_in(pages=2) for _ in range(3)]

    assert read == [2, 2, 1]
    assert set(listed.since) == {first - OVERLAP}
    assert (await books(shop))[0] == (await of_processor(shop))["EUR"]
