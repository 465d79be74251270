"""Where the money of a refund is taken from: one rule, whoever decided on the refund."""

from __future__ import annotations

from ecosystem.contexts.booking import Booking
from ecosystem.contexts.ledger import Ledger, Sale, Transfer, chart
from ecosystem.contexts.payments import Payment
from ecosystem.journeys.refunding import is_released
from ecosystem.kernel import rates
from ecosystem.kernel.money import Money


async def postings(
    ledger: Ledger, booking: Booking, payment: Payment, amount: Money, refund_id: str, source: str = ""
) -> list[Transfer]:
    """The transfers of a refund, decided while `payment` does not count it yet.

    Out of escrow while the money is held. After the release what refunds that came back left lying there goes first, and
    everyone gives back their share of the rest. `source` is the account it was paid out of, when not the processor's.
    """
    sale = Sale(
        booking_id=booking.booking_id,
        provider_id=booking.provider_id,
        payment_id=payment.payment_id,
        currency=amount.currency,
    )
    if not is_released(booking):
        lines = rates.refund(booking.lines, booking.rates, refunded=payment.gone, amount=amount)
        return chart.refunded(sale, lines, refund_id, source)
    position = (await ledger.positions([sale.escrow])).get(sale.escrow)
    lying = min(amount, Money(position.balances.net if position else 0, amount.currency))
    rest = rates.refund(booking.lines, booking.rates, refunded=payment.gone + lying, amount=amount - lying)
    return chart.returned(sale, rest, refund_id, source, lying=lying)
