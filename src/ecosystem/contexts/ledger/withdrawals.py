"""What a chargeback moves in the ledger.

The card network takes a payment back from our account at the processor, and may give it back. How much it has now, of
the sale and beyond it, and the processor's fee for it, are the state; what follows from a change of state depends on
where the sale's money is at that moment:

| the network | the sale is held | the sale was released | released, and money came back to escrow |
| --- | --- | --- | --- |
| takes of the sale | escrow -> processor: base, surcharge | provider, commission, surcharge -> processor | escrow -> processor: what lies there; then as released |
| gives back of the sale | processor -> escrow: base, surcharge | processor -> provider, commission, surcharge | processor -> escrow: what the customer is owed; then as released |
| takes beyond the sale | costs -> processor | the same | the same |
| gives back beyond the sale | processor -> costs | the same | the same |
| processor takes its fee | costs -> processor | the same | the same |
| processor gives its fee back | processor -> costs | the same | the same |

Of a bank debit, clearing stands in the place of processor: a debit that comes back is a chargeback that was lost.

An inquiry takes nothing and posts nothing; a chargeback that was won gave everything back, one that was lost keeps what
it took. Base and surcharge, provider and commission bear it in proportion, as they bear a refund of the same amount.
Fees of the processor are the platform's, and so is what a network takes beyond what was left of the price.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ecosystem.contexts.ledger.chart import Sale, TransferCode, chain, commission, costs, processor, surcharge
from ecosystem.contexts.ledger.transfers import Transfer
from ecosystem.kernel import rates
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.rates import Lines, Rates

MOVEMENTS_MAX = 20
"""Money of one chargeback moves twice, or a few times with appeals."""

_Row = tuple[TransferCode, str, str, Money]


class Withdrawn(Struct, frozen=True, kw_only=True):
    """What a chargeback has taken, and the processor's fee for it, after so many movements of money at the processor."""

    chargeback_id: str
    movements: int
    of_sale: Money
    beyond: Money
    fee: Money


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where the money of a sale is before the movement.

    `gone` was given back or charged back so far. `lying` is what lies in escrow although the sale was `released`: of
    refunds that came back. `owed` is what the customer should have had by how the sale ended, and has not.
    """

    charged: Lines
    rates: Rates
    gone: Money
    released: bool
    lying: Money
    owed: Money


def nothing_of(after: Withdrawn) -> Withdrawn:
    """The chargeback before it moved anything."""
    return Withdrawn(
        chargeback_id=after.chargeback_id,
        movements=0,
        of_sale=zero(after.of_sale.currency),
        beyond=zero(after.beyond.currency),
        fee=zero(after.fee.currency),
    )


def withdrawn(sale: Sale, where: Whereabouts, before: Withdrawn, after: Withdrawn) -> list[Transfer]:
    """The transfers that follow the network from one state to the next, by the table above; none when nothing moved."""
    if after.movements == before.movements:
        return []
    cause = f"{after.chargeback_id}.{after.movements}"
    rows: list[_Row] = []
    if before.of_sale < after.of_sale:
        rows += _taken(sale, where, after.of_sale - before.of_sale)
    elif after.of_sale < before.of_sale:
        rows += _given_back(sale, where, before.of_sale - after.of_sale)
    rows += _borne(sale, before.beyond, after.beyond, TransferCode.CHARGEBACK_BEYOND, TransferCode.REINSTATE_BEYOND)
    rows += _borne(sale, before.fee, after.fee, TransferCode.CHARGEBACK_FEE, TransferCode.REINSTATE_FEE)
    return chain(sale.booking_id, cause, rows)


def share_ids(chargeback_id: str, movements: int) -> list[str]:
    """The ids that transfers may have by which the chargeback touched the shares of provider and platform."""
    return [
        f"{chargeback_id}.{movement}.{line}"
        for movement in range(1, min(movements, MOVEMENTS_MAX) + 1)
        for line in ("provider", "commission", "surcharge")
    ]


def _taken(sale: Sale, where: Whereabouts, amount: Money) -> Iterator[_Row]:
    code, to = TransferCode, sale.rail
    if not where.released:
        lines = rates.refund(where.charged, where.rates, refunded=where.gone, amount=amount)
        yield code.CHARGEBACK_BASE, sale.escrow, to, lines.base
        yield code.CHARGEBACK_SURCHARGE, sale.escrow, to, lines.surcharge
        return
    lies = min(where.lying, amount)
    lines = rates.refund(where.charged, where.rates, refunded=where.gone + lies, amount=amount - lies)
    yield code.CHARGEBACK_LYING, sale.escrow, to, lies
    yield code.CHARGEBACK_PROVIDER, sale.provider, to, lines.provider_share
    yield code.CHARGEBACK_COMMISSION, commission(sale.currency), to, lines.commission
    yield code.CHARGEBACK_SURCHARGE, surcharge(sale.currency), to, lines.surcharge


def _given_back(sale: Sale, where: Whereabouts, amount: Money) -> Iterator[_Row]:
    code, source, gone = TransferCode, sale.rail, where.gone - amount
    if not where.released:
        lines = rates.refund(where.charged, where.rates, refunded=gone, amount=amount)
        yield code.REINSTATE_BASE, source, sale.escrow, lines.base
        yield code.REINSTATE_SURCHARGE, source, sale.escrow, lines.surcharge
        return
    owed = min(where.owed, amount)
    # What lies in escrow is no part of what was released: the shares are those of the rest.
    lines = rates.refund(where.charged, where.rates, refunded=gone + where.lying + owed, amount=amount - owed)
    yield code.REINSTATE_LYING, source, sale.escrow, owed
    yield code.REINSTATE_PROVIDER, source, sale.provider, lines.provider_share
    yield code.REINSTATE_COMMISSION, source, commission(sale.currency), lines.commission
    yield code.REINSTATE_SURCHARGE, source, surcharge(sale.currency), lines.surcharge


def _borne(sale: Sale, before: Money, after: Money, took: TransferCode, gave: TransferCode) -> Iterator[_Row]:
    """What the platform bears, in the currency it is borne in."""
    currency = after.currency
    if before < after:
        yield took, costs(currency), sale.through or processor(currency), after - before
    elif after < before:
        yield gave, sale.through or processor(currency), costs(currency), before - after
