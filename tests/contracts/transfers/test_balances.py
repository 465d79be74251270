"""What every processor behind the port of transfers promises: what balances hold, and what moved them."""

from __future__ import annotations

from datetime import timedelta

from contracts.transfers.benches import Bench
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import RefundOrder
from ecosystem.ports.transfers import EntryKind, PayoutOrder, ReversalOrder


async def test_a_payment_stands_in_the_balance_less_its_fee(bench: Bench) -> None:
    paid = await bench.paid("pay_1", Money(11000, "USD"), card="pm_card_visa")
    assert paid.fee

    funds = (await bench.transfers.balance(None)).of("USD")
    entries = await bench.transfers.balance_entries(None)

    assert (funds.available, funds.pending) == (0, 11000 - paid.fee.minor)
    assert entries.after is None
    [entry] = entries.items
    assert (entry.kind, entry.amount, entry.fee, entry.net) == (
        EntryKind.PAYMENT, 11000, paid.fee.minor, 11000 - paid.fee.minor,
    )  # fmt: skip
    assert (entry.source_id, entry.available) == (paid.charge_id, False)
    assert entry.available_at > entry.made_at


async def test_a_balance_that_never_had_a_currency_has_nothing_of_it(bench: Bench) -> None:
    funds = (await bench.transfers.balance(None)).of("JPY")

    assert (funds.available, funds.pending, funds.instant) == (0, 0, 0)


async def test_every_movement_is_told_by_its_kind_on_either_side(bench: Bench) -> None:
    account = await bench.funded(40_000, "000111111116")
    [transfer] = (await bench.transfers.transfers()).items
    reversal = ReversalOrder(reversal_id="rev_1", processor_id=transfer.processor_id, amount=Money(5_000, "USD"))
    await bench.transfers.reverse(reversal)
    await bench.transfers.pay_out(
        PayoutOrder(payout_id="pyo_1", account_id=account.account_id, amount=Money(30_000, "USD"))
    )
    await bench.days(3)
    paid = (await bench.cards.payments()).items[0]
    await bench.cards.refund(
        RefundOrder(
            refund_id="rfd_1",
            payment_id=paid.payment_id,
            booking_id=paid.booking_id,
            intent_id=paid.intent_id,
            amount=Money(1_000, "USD"),
        )
    )

    ours = (await bench.transfers.balance_entries(None)).items
    theirs = (await bench.transfers.balance_entries(account.account_id)).items

    told = {(each.kind, each.amount) for each in ours}
    assert {
        (EntryKind.PAYMENT, 90_000),
        (EntryKind.TRANSFER, -40_000),
        (EntryKind.TRANSFER_REVERSED, 5_000),
        (EntryKind.REFUND, -1_000),
    } <= told
    assert {(each.kind, each.amount) for each in theirs} >= {
        (EntryKind.PAYMENT, 40_000),
        (EntryKind.PAYOUT, -30_000),
        (EntryKind.PAYOUT_RETURNED, 30_000),
    }
    for entries, account_id in ((ours, None), (theirs, account.account_id)):
        funds = (await bench.transfers.balance(account_id)).of("USD")
        assert sum(each.net for each in entries if each.currency == "USD") == funds.available + funds.pending
        assert all(each.net == each.amount - each.fee for each in entries)


async def test_entries_are_listed_from_and_until_an_instant_a_page_at_a_time(bench: Bench) -> None:
    for number in range(105):
        await bench.paid(f"pay_{number}", Money(1_000, "USD"))
    await bench.days(1)
    await bench.paid("pay_late", Money(2_000, "USD"))

    first = await bench.transfers.balance_entries(None)
    assert first.after
    second = await bench.transfers.balance_entries(None, after=first.after)

    assert (len(first.items), len(second.items), second.after) == (100, 6, None)
    [late] = (await bench.transfers.balance_entries(None, since=first.items[0].made_at)).items
    assert late.amount == 2_000
    earlier = await bench.transfers.balance_entries(None, until=late.made_at - timedelta(seconds=1))
    assert all(each.amount == 1_000 for each in earlier.items)
