"""What a chargeback moves: each row of the table, and any life of a sale adds up whatever the network takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.ledger.books import a_ledger
from contexts.ledger.test_chart import RATES, nets, post, sale
from ecosystem.contexts.ledger import Ledger, Sale, Whereabouts, Withdrawn, chart, nothing_of, verify, withdrawn
from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.rates import Lines, Rates, quote, refund, remaining

EUR = zero("EUR")


def taken(of_sale: int, *, beyond: int = 0, fee: int = 0, movements: int = 1, currency: str = "EUR") -> Withdrawn:
    return Withdrawn(
        chargeback_id="dp_1",
        movements=movements,
        of_sale=Money(of_sale, currency),
        beyond=Money(beyond, currency),
        fee=Money(fee, currency),
    )


def where(*, gone: Money = EUR, released: bool = False, lying: Money = EUR, owed: Money = EUR) -> Whereabouts:
    lines = quote(Money(100_00, "EUR"), RATES, guest=True)
    return Whereabouts(charged=lines, rates=RATES, gone=gone, released=released, lying=lying, owed=owed)


def rows(whereabouts: Whereabouts, before: Withdrawn, after: Withdrawn) -> dict[str, tuple[str, str, int]]:
    """Line: from, to, amount, the accounts by their kind."""
    return {
        made.transfer_id.removeprefix(f"dp_1.{after.movements}."): (
            made.debit_account_id.partition(":")[0],
            made.credit_account_id.partition(":")[0],
            made.amount,
        )
        for made in withdrawn(sale(), whereabouts, before, after)
    }


HALF, BACK = taken(55_00), taken(0, movements=2)
NOTHING = nothing_of(HALF)
LIES = Money(11_00, "EUR")


@pytest.mark.parametrize(
    ("whereabouts", "before", "after", "posted"),
    [
        (
            where(),
            NOTHING,
            HALF,
            {"base": ("escrow", "processor", 50_00), "surcharge": ("escrow", "processor", 5_00)},
        ),
        (
            where(released=True),
            NOTHING,
            HALF,
            {
                "provider": ("provider", "processor", 45_00),
                "commission": ("commission", "processor", 5_00),
                "surcharge": ("surcharge", "processor", 5_00),
            },
        ),
        (
            where(released=True, lying=LIES),
            NOTHING,
            HALF,
            {
                "lying": ("escrow", "processor", 11_00),
                "provider": ("provider", "processor", 36_00),
                "commission": ("commission", "processor", 4_00),
                "surcharge": ("surcharge", "processor", 4_00),
            },
        ),
        (
            where(gone=Money(55_00, "EUR")),
            HALF,
            BACK,
            {"base": ("processor", "escrow", 50_00), "surcharge": ("processor", "escrow", 5_00)},
        ),
        (
            where(gone=Money(55_00, "EUR"), released=True),
            HALF,
            BACK,
            {
                "provider": ("processor", "provider", 45_00),
                "commission": ("processor", "commission", 5_00),
                "surcharge": ("processor", "surcharge", 5_00),
            },
        ),
        (
            where(gone=Money(55_00, "EUR"), released=True, owed=LIES),
            HALF,
            BACK,
            {
                "lying": ("processor", "escrow", 11_00),
                "provider": ("processor", "provider", 36_00),
                "commission": ("processor", "commission", 4_00),
                "surcharge": ("processor", "surcharge", 4_00),
            },
        ),
        (where(), NOTHING, taken(0, beyond=3_00), {"beyond": ("costs", "processor", 3_00)}),
        (where(), taken(0, beyond=3_00), BACK, {"beyond": ("processor", "costs", 3_00)}),
        (where(released=True), NOTHING, taken(0, fee=15_00), {"fee": ("costs", "processor", 15_00)}),
        (where(released=True), taken(0, fee=15_00), BACK, {"fee": ("processor", "costs", 15_00)}),
        (where(), NOTHING, taken(0, movements=0), {}),
        (where(), HALF, HALF, {}),
    ],
)
def test_each_state_and_place_of_the_money_has_its_transfers(
    whereabouts: Whereabouts, before: Withdrawn, after: Withdrawn, posted: dict[str, tuple[str, str, int]]
) -> None:
    assert rows(whereabouts, before, after) == posted


class Life:
    """A sale as it is lived: what is gone of it, whether it was released, what came back to escrow since."""

    def __init__(self, ledger: Ledger, lines: Lines, rates: Rates) -> None:
        self.ledger, self.lines, self.rates = ledger, lines, rates
        self.currency = lines.currency
        self.refunded, self.lying, self.released = zero(self.currency), zero(self.currency), False
        self.withdrawn = nothing_of(taken(0, currency=self.currency))
        self.count = 0

    @property
    def sale(self) -> Sale:
        return sale(currency=self.currency)

    @property
    def gone(self) -> Money:
        return self.refunded + self.withdrawn.of_sale

    async def give_back(self, bps: int) -> None:
        if self.lying:
            return
        amount = (self.lines.total - self.gone).share(bps)
        part = refund(self.lines, self.rates, refunded=self.gone, amount=amount)
        build = chart.returned if self.released else chart.refunded
        self.count += 1
        await post(self.ledger, build(self.sale, part, f"rfd_{self.count}"))
        self.refunded += amount

    async def release(self, _: int) -> None:
        if not self.released:
            rest = remaining(self.lines, self.rates, self.gone)
            await post(self.ledger, chart.released(self.sale, rest))
            self.released = True

    async def take(self, bps: int) -> None:
        more = (self.lines.total - self.gone).share(bps)
        await self._moves(
            of_sale=self.withdrawn.of_sale + more,
            beyond=self.withdrawn.beyond + Money(bps, self.currency),
            fee=Money(1500, self.currency),
        )
        self.lying -= min(self.lying, more) if self.released else zero(self.currency)

    async def reinstate(self, bps: int) -> None:
        nothing = zero(self.currency)
        back = self.withdrawn.of_sale.share(bps)
        owed = min(back, Money(bps, self.currency)) if self.released else nothing
        await self._moves(of_sale=self.withdrawn.of_sale - back, beyond=nothing, fee=nothing, owed=owed)
        self.lying += owed

    async def _moves(self, *, owed: Money | None = None, **funds: Money) -> None:
        after = replace(self.withdrawn, movements=self.withdrawn.movements + 1, **funds)
        place = Whereabouts(
            charged=self.lines,
            rates=self.rates,
            gone=self.gone,
            released=self.released,
            lying=self.lying,
            owed=owed or zero(self.currency),
        )
        transfers = withdrawn(self.sale, place, self.withdrawn, after)
        await post(self.ledger, transfers)
        if transfers:
            assert await self.ledger.writes(*transfers) == []
        self.withdrawn = after


ACTS: list[Callable[[Life, int], object]] = [Life.give_back, Life.release, Life.take, Life.take, Life.reinstate]


@given(
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.integers(1, 10**9),
    st.builds(Rates, provider_share_bps=st.integers(0, BPS), surcharge_bps=st.integers(0, BPS)),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, BPS)), max_size=6),
)
@settings(max_examples=30, deadline=None)
def test_any_life_of_a_sale_adds_up_whatever_the_network_takes(
    currency: str, minor: int, rates: Rates, guest: bool, acts: list[tuple[Callable[[Life, int], object], int]]
) -> None:
    async def play() -> None:
        async with a_ledger() as ledger:
            lines = quote(Money(minor, currency), rates, guest=guest)
            life = Life(ledger, lines, rates)
            await post(ledger, chart.charged(life.sale, lines))
            for act, bps in acts:
                await act(life, bps)  # pyright: ignore[reportGeneralTypeIssues]
            await life.release(0)

            found = await nets(ledger, currency)
            rest = remaining(lines, rates, life.gone + life.lying)
            borne = life.withdrawn.beyond.minor + life.withdrawn.fee.minor
            costs = (await ledger.positions([chart.costs(currency)])).get(chart.costs(currency))
            assert found.get("escrow", 0) == life.lying.minor
            assert found.get("provider", 0) == rest.provider_share.minor
            assert found.get("commission", 0) == rest.commission.minor
            assert found.get("surcharge", 0) == rest.surcharge.minor
            assert (-costs.balances.net if costs else 0) == borne
            assert found.get("processor", 0) == borne - (lines.total - life.gone).minor
            report = await verify(ledger.table, ledger.clock, held={"bkg_1": life.lying})
            assert report.holds, report.findings

    asyncio.run(play())
