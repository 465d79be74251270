"""Where a booking's money is, and where that of a refund is taken from: one rule, whoever decided on the refund.

| the money | a refund of it is taken |
| --- | --- |
| is held | out of escrow, base and surcharge in proportion |
| was released | from everyone's share of it, in proportion |
| was released, and some lies in escrow | out of escrow what lies there, and the rest from everyone's share |

What lies in escrow after the release came back with a refund that failed, or is owed to the customer.
"""

from __future__ import annotations

from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.contexts.ledger import Ledger, Sale, Transfer, chart
from ecosystem.contexts.payments import Payment
from ecosystem.kernel import rates
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.rates import Lines


class Taken(Struct, frozen=True, kw_only=True):
    """What a refund takes: `lying` of what lies in escrow after the release, and `lines` of what is held or shared."""

    released: bool
    lying: Money
    lines: Lines


def is_released(booking: Booking) -> bool:
    """Whether what was held for the booking has gone to the provider and to the platform."""
    released = booking.disputed_from if booking.status is BookingStatus.DISPUTED else booking.status
    return released in {BookingStatus.COMPLETED, BookingStatus.CANCELLED} or (
        released is BookingStatus.NO_SHOW and booking.settled_at is not None
    )


def sale_of(booking: Booking, payment: Payment) -> Sale:
    """The sale, as the ledger calls a booking that is paid."""
    return Sale(
        booking_id=booking.booking_id,
        provider_id=booking.provider_id,
        payment_id=payment.payment_id,
        currency=payment.amount.currency,
        through=chart.clearing(payment.amount.currency) if payment.debit else "",
    )


def taken(booking: Booking, payment: Payment, amount: Money, in_escrow: int) -> Taken:
    """What a refund would take that `payment` does not count yet; so many minor units are in escrow for the booking."""
    released = is_released(booking)
    lying = min(amount, Money(in_escrow, amount.currency)) if released else zero(amount.currency)
    # What lies in escrow is no part of what was released: the shares are those of the rest.
    lines = rates.refund(booking.lines, booking.rates, refunded=payment.gone + lying, amount=amount - lying)
    return Taken(released=released, lying=lying, lines=lines)


async def postings(
    ledger: Ledger, booking: Booking, payment: Payment, amount: Money, refund_id: str, source: str = ""
) -> list[Transfer]:
    """The transfers of a refund that `payment` does not count yet, by the table above.

    `booking` is as it was before what is decided with the refund. `source` is the account it was paid out of, when not
    the processor's.
    """
    sale = sale_of(booking, payment)
    takes = taken(booking, payment, amount, await in_escrow(ledger, booking.booking_id))
    if takes.released:
        return chart.returned(sale, takes.lines, refund_id, source, lying=takes.lying)
    return chart.refunded(sale, takes.lines, refund_id, source)


async def in_escrow(ledger: Ledger, booking_id: str) -> int:
    """What is in escrow for the booking, in minor units."""
    escrow = chart.escrow(booking_id)
    position = (await ledger.positions([escrow])).get(escrow)
    return position.balances.net if position else 0
