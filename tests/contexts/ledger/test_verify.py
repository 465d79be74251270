"""Verification: a sound ledger holds, and each way to break one is found by its rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from contexts.ledger.books import NOON, a_ledger, move, settle
from ecosystem.contexts.ledger import Ledger, Recorded, Sale, Sequencer, State, TransferFlag, Verified, chart, verify
from ecosystem.contexts.ledger.accounts import Account
from ecosystem.contexts.ledger.keys import account_key, transfer_index, transfer_key
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates, quote
from ecosystem.ports.table import Add, Delete, Put

LINES = quote(Money(100_00, "EUR"), Rates(), guest=True)
HELD = {"bkg_1": Money(110_00, "EUR")}


def sale(booking_id: str) -> Sale:
    return Sale(booking_id=booking_id, provider_id="prv_1", payment_id=f"pay_{booking_id}", currency="EUR")


async def trade(ledger: Ledger) -> None:
    """One booking held, one released, one authorized, one voided."""
    await ledger.submit(*chart.charged(sale("bkg_1"), LINES))
    await ledger.submit(*chart.charged(sale("bkg_2"), LINES))
    await ledger.submit(*chart.released(sale("bkg_2"), LINES))
    await ledger.submit(*chart.authorized(sale("bkg_3"), LINES))
    await ledger.submit(*chart.authorized(sale("bkg_4"), LINES))
    await ledger.submit(*chart.voided(sale("bkg_4"), LINES))
    await ledger.submit(move("once failed", chart.escrow("bkg_4"), "provider:prv_1:EUR", 1))


async def checked(ledger: Ledger, **asked: Any) -> Verified:
    ledger.clock.advance(timedelta(hours=1))
    return await verify(ledger.table, ledger.clock, **asked)


async def test_a_sound_ledger_holds_and_tells_what_was_read() -> None:
    async with a_ledger() as ledger:
        await trade(ledger)

        report = await checked(ledger, held=HELD)

        assert report.holds, report.findings
        assert (report.accounts, report.transfers, report.failed_ids) == (8, 13, 1)
        assert (report.pending, report.settled, report.escrows_compared) == (2, 2, 4)
        assert report.ledgers["EUR"].escrow_held == 110_00
        assert report.ledgers["EUR"].debits_posted == report.ledgers["EUR"].credits_posted == 330_00


@pytest.mark.parametrize("together", [1, 2, 3])
async def test_a_ledger_of_many_accounts_is_read_in_passes(together: int) -> None:
    async with a_ledger() as ledger:
        await trade(ledger)

        report = await checked(ledger, held=HELD, accounts_together=together)

        assert report.holds, report.findings
        assert (report.passes, report.transfers) == (-(-8 // together), 13)


async def test_held_money_is_that_of_unreleased_bookings_and_no_other() -> None:
    async with a_ledger() as ledger:
        await trade(ledger)

        missing = await checked(ledger, held={"bkg_1": Money(110_00, "EUR"), "bkg_9": Money(1, "EUR")})
        too_little = await checked(ledger, held={"bkg_1": Money(109_99, "EUR")})
        forgotten = await checked(ledger, held={})

        assert [(found.rule, found.about) for found in missing.findings] == [("escrow", "bkg_9")]
        assert [(found.rule, found.about) for found in too_little.findings] == [("escrow", "escrow:bkg_1")]
        assert [found.about for found in forgotten.findings] == ["escrow:bkg_1"]


async def test_an_escrow_that_moved_after_the_bookings_were_read_is_not_judged() -> None:
    async with a_ledger() as ledger:
        await trade(ledger)
        ledger.clock.advance(timedelta(hours=1))
        read_at = ledger.clock.now()
        ledger.clock.advance(timedelta(seconds=2))
        await ledger.submit(*chart.released(sale("bkg_1"), LINES))

        report = await verify(ledger.table, ledger.clock, held=HELD, held_at=read_at)

        assert report.holds, report.findings
        assert report.moved == 1


async def test_what_nobody_settled_in_time_is_found() -> None:
    async with a_ledger() as ledger:
        await trade(ledger)

        report = await checked(ledger, pending_before=NOON + timedelta(seconds=1))

        assert {found.about for found in report.findings} == {
            "pay_bkg_3.authorize.base",
            "pay_bkg_3.authorize.surcharge",
        }


async def miscount(ledger: Ledger) -> None:
    await ledger.table.transact(Add(key=account_key("provider:prv_1:EUR"), by={"credits_posted": 1}))


async def miscount_a_total(ledger: Ledger) -> None:
    await ledger.table.transact(Add(key=account_key("processor:EUR"), by={"debits_posted": 1}))


async def overdraw(ledger: Ledger) -> None:
    await ledger.table.transact(
        Add(key=account_key("escrow:bkg_1"), by={"debits_posted": 110_01, "credit_room": -110_01})
    )


async def widen_the_room(ledger: Ledger) -> None:
    await ledger.table.transact(Add(key=account_key("escrow:bkg_1"), by={"credit_room": 5}))


async def lose_a_transfer(ledger: Ledger) -> None:
    await ledger.table.transact(Delete(key=transfer_key("bkg_2.release.provider")))


async def lose_an_account(ledger: Ledger) -> None:
    await ledger.table.transact(Delete(key=account_key("provider:prv_1:EUR")))


async def edit_a_transfer(ledger: Ledger) -> None:
    await rewrite(ledger, "bkg_2.release.provider", units="1")


async def settle_without_a_post(ledger: Ledger) -> None:
    await rewrite(ledger, "pay_bkg_3.authorize.base", state=State.POSTED, settled_by="nobody")


async def lose_a_void(ledger: Ledger) -> None:
    await ledger.table.transact(Delete(key=transfer_key("pay_bkg_4.void.base")))


async def contradict(ledger: Ledger) -> None:
    await rewrite(ledger, "pay_bkg_1.charge.base", flags=TransferFlag.PENDING)


async def rewrite(ledger: Ledger, transfer_id: str, **fields: Any) -> None:
    changed = structs.replace(await ledger.transfer(transfer_id), **fields)
    await ledger.table.transact(Put(key=transfer_key(transfer_id), value=changed, index=transfer_index(changed)))


@pytest.mark.parametrize(
    ("breaks", "rules"),
    [
        (miscount, {"sums", "balance"}),
        (miscount_a_total, {"sums", "balance"}),
        (overdraw, {"sums", "balance", "overdrawn", "escrow"}),
        (widen_the_room, {"room"}),
        (lose_a_transfer, {"sums"}),
        (lose_an_account, {"sums", "balance"}),
        (edit_a_transfer, {"sums"}),
        (settle_without_a_post, {"settled"}),
        (lose_a_void, {"sums", "settled"}),
        (contradict, {"sums", "transfer"}),
    ],
)
async def test_each_way_to_break_a_ledger_is_found(
    breaks: Callable[[Ledger], Awaitable[None]], rules: set[str]
) -> None:
    async with a_ledger() as ledger:
        await trade(ledger)

        await breaks(ledger)

        report = await checked(ledger, held=HELD)
        assert {found.rule for found in report.findings} == rules, report.findings


class Busy:
    """A table on which somebody trades before each of the reader's calls."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sales = 10

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger.table, name)

    async def scan(self, *arguments: Any, **named: Any) -> Any:
        await self._trade()
        return await self._ledger.table.scan(*arguments, **named)

    async def changes(self, *arguments: Any, **named: Any) -> Any:
        if self._sales < 20:
            await self._trade()
        return await self._ledger.table.changes(*arguments, **named)

    async def _trade(self) -> None:
        self._sales += 1
        await self._ledger.submit(*chart.charged(sale(f"bkg_{self._sales}"), LINES))
        await self._ledger.submit(*chart.released(sale(f"bkg_{self._sales}"), LINES))


@pytest.mark.parametrize("together", [3, 1000])
async def test_a_ledger_in_use_holds_while_it_is_read(together: int) -> None:
    async with a_ledger() as ledger:
        await trade(ledger)
        await Sequencer(ledger.table, ledger.clock).step(limit=20)
        ledger.clock.advance(timedelta(hours=1))

        report = await verify(Busy(ledger), ledger.clock, held=HELD, accounts_together=together)

        assert report.holds, report.findings
        assert not report.is_quiet
        assert report.moved > 0


async def test_an_empty_ledger_holds() -> None:
    async with a_ledger() as ledger:
        report = await checked(ledger, held={})

        assert report.holds
        assert report.accounts == 0


def test_the_stored_shapes_are_named() -> None:
    assert (Account.entity, Recorded.entity) == ("ledger_account", "transfer")


async def test_settling_twice_is_one_story_only() -> None:
    async with a_ledger() as ledger:
        await trade(ledger)
        await ledger.submit(settle("post", "pay_bkg_3.authorize.base", 5, TransferFlag.POST))

        report = await checked(ledger)

        assert report.holds, report.findings
        assert report.settled == 3
