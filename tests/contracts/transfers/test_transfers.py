"""What every processor behind the port of transfers promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.transfers.benches import Bench
from ecosystem.kernel.money import Money
from ecosystem.ports.transfers import EntryKind, UnknownTransfer


async def test_a_payment_stands_in_the_balance_less_its_fee(bench: Bench) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    paid = await bench.paid("pay_1", Money(11000, "EUR"))

    funds = (await bench.transfers.balance(None)).of("EUR")
    entries = await bench.transfers.balance_entries(None, since=before)

    assert funds.available + funds.pending == 11000 - 349
    assert entries.after is None
    assert [(each.kind, each.amount, each.fee, each.net) for each in entries.items] == [
        (EntryKind.PAYMENT, 11000, 349, 10651)
    ]
    assert entries.items[0].source_id == paid.charge_id


async def test_a_balance_that_never_had_a_currency_has_nothing_of_it(bench: Bench) -> None:
    funds = (await bench.transfers.balance(None)).of("JPY")

    assert (funds.available, funds.pending, funds.instant) == (0, 0, 0)


@pytest.mark.parametrize("named", ["tr_nobody", "../balance", "", "é"])
async def test_a_transfer_nobody_made_is_unknown(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownTransfer):
        await bench.transfers.transfer_status(named)
