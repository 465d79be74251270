"""The money of one booking as its provider sees it: what is theirs, and where it is now."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.contexts.payments import Payment, PaymentState
from ecosystem.kernel import rates
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.rates import Lines

_S = BookingStatus


class Sum(Struct, frozen=True, kw_only=True):
    """`lines` are what the price consisted of, `back` what went or goes back, `yours` the share of what is left.

    `reserved` says that the card is only authorized, and accepting takes the money. `words` say where it is.
    """

    lines: Lines
    back: Money
    yours: Money
    reserved: bool
    words: str


def summed(booking: Booking, payments: Sequence[Payment]) -> Sum:
    """The money as it stands."""
    taken = next((payment for payment in payments if payment.took_money), None)
    reserved = taken is None and any(payment.state is PaymentState.AUTHORIZED for payment in payments)
    back = taken.refunded + taken.refunding if taken else zero(booking.lines.currency)
    never = booking.status in {_S.DECLINED, _S.EXPIRED} or (booking.status is _S.CANCELLED and taken is None)
    left = zero(booking.lines.currency) if never else share_after(booking, back)
    return Sum(lines=booking.lines, back=back, yours=left, reserved=reserved, words=_words(booking, reserved=reserved))


def share_after(booking: Booking, back: Money) -> Money:
    """The provider's share of what is left once that much went back."""
    return rates.remaining(booking.lines, booking.rates, min(back, booking.lines.total)).provider_share


_WORDS = {
    _S.AWAITING_PAYMENT: "Not paid yet.",
    _S.AWAITING_PROVIDER: "Paid and held, since the time lies far ahead. If you decline, all of it goes back.",
    _S.CONFIRMED: "Held by the marketplace until the work is done.",
    _S.IN_PROGRESS: "Held by the marketplace until the work is done.",
    _S.DISPUTED: "Frozen until the dispute is decided.",
    _S.DECLINED: "Nothing was taken, or all of it went back.",
    _S.EXPIRED: "Nothing was taken, or all of it went back.",
    _S.CANCELLED: "Divided as the cancellation terms say.",
}


def _words(booking: Booking, *, reserved: bool) -> str:
    if booking.status is _S.AWAITING_PROVIDER and reserved:
        return "Reserved on the customer's card. It is taken when you accept, and let go when you decline."
    if booking.status is _S.NO_SHOW and booking.settled_at is None:
        return "Held until the report stands or is disputed."
    return _WORDS.get(booking.status, "Released to your balance.")
