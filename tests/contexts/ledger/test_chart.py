"""The product's transfers: a sale, its release and its refunds, on the ledger itself."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.ledger.books import a_ledger
from ecosystem.contexts.ledger import Ledger, Overdrawn, Sale, Sequencer, Transfer, chart, linked, reverse, verify
from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.rates import Lines, Rates, quote, refund, remaining

RATES = Rates()


def sale(booking_id: str = "bkg_1", currency: str = "EUR") -> Sale:
    return Sale(booking_id=booking_id, provider_id="prv_1", payment_id=f"pay_of_{booking_id}", currency=currency)


async def post(ledger: Ledger, transfers: list[Transfer]) -> None:
    """As a journey does: all of them in one commit."""
    if transfers:
        await ledger.table.transact(*await ledger.writes(*transfers))


async def nets(ledger: Ledger, currency: str = "EUR") -> dict[str, int]:
    """Posted credits less debits of each account of the chart that is not at nothing, once the sequencer has caught up."""
    sequencer = Sequencer(ledger.table, ledger.clock)
    while await sequencer.step():
        pass
    accounts = {
        "processor": chart.processor(currency),
        "escrow": chart.escrow("bkg_1"),
        "provider": chart.provider("prv_1", currency),
        "commission": chart.commission(currency),
        "surcharge": chart.surcharge(currency),
    }
    found = await ledger.positions(list(accounts.values()))
    nets = {kind: found[name].balances.net for kind, name in accounts.items() if name in found}
    return {kind: net for kind, net in nets.items() if net}


@pytest.fixture
def guest_lines() -> Lines:
    return quote(Money(100_00, "EUR"), RATES, guest=True)


async def test_a_sale_of_a_hundred_pays_ninety_ten_and_ten(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))
        assert await nets(ledger) == {"processor": -110_00, "escrow": 110_00}

        await post(ledger, chart.released(sale(), guest_lines))

        assert await nets(ledger) == {
            "processor": -110_00,
            "provider": 90_00,
            "commission": 10_00,
            "surcharge": 10_00,
        }


async def test_an_authorization_holds_nothing_until_it_is_captured(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.authorized(sale(), guest_lines))
        assert await nets(ledger) == {}
        with pytest.raises(Overdrawn):
            await ledger.writes(*chart.released(sale(), guest_lines))

        await post(ledger, chart.captured(sale(), guest_lines))

        assert await nets(ledger) == {"processor": -110_00, "escrow": 110_00}


async def test_a_voided_authorization_leaves_nothing_pending(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.authorized(sale(), guest_lines))

        await post(ledger, chart.voided(sale(), guest_lines))

        assert await nets(ledger) == {}
        assert (await ledger.position(chart.escrow("bkg_1"))).balances.credits_pending == 0


async def test_the_same_act_twice_has_one_effect(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))

        assert await ledger.writes(*chart.charged(sale(), guest_lines)) == []


async def test_escrow_never_pays_out_more_than_came_in(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))
        await post(ledger, chart.refunded(sale(), guest_lines, "rfd_1"))

        with pytest.raises(Overdrawn):
            await ledger.writes(*chart.released(sale(), guest_lines))


async def test_a_refund_after_the_release_may_leave_the_provider_owing(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))
        await post(ledger, chart.released(sale(), guest_lines))
        other = sale("bkg_2")
        lines = quote(Money(20_00, "EUR"), RATES, guest=False)
        await post(ledger, chart.charged(other, lines))
        await post(ledger, chart.released(other, lines))

        await post(ledger, chart.returned(sale(), guest_lines, "rfd_1"))
        await post(ledger, chart.returned(other, lines, "rfd_2"))

        assert await nets(ledger) == {}
        await post(ledger, chart.returned(sale("bkg_3"), lines, "rfd_3"))
        assert (await nets(ledger))["provider"] == -18_00


async def test_a_refund_that_failed_is_taken_back_whole(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))
        await post(ledger, chart.released(sale(), guest_lines))
        before = await nets(ledger)
        await post(ledger, chart.returned(sale(), guest_lines, "rfd_1"))

        caused = await ledger.transfers(chart.refund_ids("rfd_1"))
        await post(ledger, linked([reverse(made, f"{made.transfer_id}.failed") for made in caused]))

        assert len(caused) == 3
        assert await nets(ledger) == before


async def test_a_sale_writes_no_account_that_all_sales_share(guest_lines: Lines) -> None:
    async with a_ledger() as ledger:
        await post(ledger, chart.charged(sale(), guest_lines))
        first = await ledger.writes(*chart.charged(sale("bkg_2"), guest_lines))
        second = await ledger.writes(*chart.charged(sale("bkg_3"), guest_lines))
        release = await ledger.writes(*chart.released(sale(), guest_lines))

        assert not {write.key for write in first} & {write.key for write in second}
        assert len(release) == 5  # three transfers, escrow, provider


@given(
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.integers(1, 10**9),
    st.builds(Rates, provider_share_bps=st.integers(0, BPS), surcharge_bps=st.integers(0, BPS)),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, BPS), st.booleans()), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_any_refunds_before_and_after_the_release_add_up(
    currency: str, minor: int, rates: Rates, guest: bool, refunds: list[tuple[int, bool]]
) -> None:
    async def play() -> None:
        async with a_ledger() as ledger:
            await post(ledger, chart.charged(sale(currency=currency), lines))
            refunded, released = zero(currency), False
            for place, (bps, release) in enumerate(refunds):
                if release and not released:
                    await post(ledger, chart.released(sale(currency=currency), remaining(lines, rates, refunded)))
                    released = True
                amount = (lines.total - refunded).share(bps)
                part = refund(lines, rates, refunded=refunded, amount=amount)
                build = chart.returned if released else chart.refunded
                await post(ledger, build(sale(currency=currency), part, f"rfd_{place}"))
                refunded += amount
            rest = remaining(lines, rates, refunded)
            if not released:
                assert (await ledger.position(chart.escrow("bkg_1"))).balances.net == rest.total.minor
                await post(ledger, chart.released(sale(currency=currency), rest))

            found = await nets(ledger, currency)
            assert found.get("escrow", 0) == 0
            assert found.get("provider", 0) == rest.provider_share.minor
            assert found.get("commission", 0) == rest.commission.minor
            assert found.get("surcharge", 0) == rest.surcharge.minor
            assert found.get("processor", 0) == -rest.total.minor
            report = await verify(ledger.table, ledger.clock, held={})
            assert report.holds, report.findings

    lines = quote(Money(minor, currency), rates, guest=guest)
    asyncio.run(play())


@pytest.mark.parametrize(
    "account_id", ["", "escrow:", "processor:USD", "provider:prv_1:USD", "bank:USD", "commission", "provider"]
)
def test_what_is_not_in_the_chart_is_not_opened(account_id: str) -> None:
    assert chart.account(account_id, "EUR") is None
