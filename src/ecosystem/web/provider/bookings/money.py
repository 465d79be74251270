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
    """`total` is the price agreed on. Of what was taken, `back` went or goes back, and `rest` is how the rest is divided.

    `rest` is none when nothing was ever taken for good. `reserved` says that the card is only authorized, and accepting
    takes the money. `words` say where it is.
    """

    total: Money
    back: Money
    rest: Lines | None
    reserved: bool
    words: str

    @property
    def yours(self) -> Money:
        return self.rest.provider_share if self.rest else zero(self.total.currency)


def summed(booking: Booking, payments: Sequence[Payment]) -> Sum:
    """The money as it stands."""
    taken = next((payment for payment in payments if payment.took_money), None)
    reserved = taken is None and any(payment.state is PaymentState.AUTHORIZED for payment in payments)
    total = booking.lines.total
    back = min(taken.refunded + taken.refunding, total) if taken else zero(total.currency)
    over = booking.status in {_S.DECLINED, _S.EXPIRED, _S.CANCELLED}
    rest = None if over and taken is None else rates.remaining(booking.lines, booking.rates, back)
    return Sum(
        total=total, back=back, rest=rest, reserved=reserved, words=_words(booking, rest=rest, reserved=reserved)
    )


_WORDS = {
    _S.AWAITING_PAYMENT: "Not paid yet.",
    _S.AWAITING_PROVIDER: "Paid and held, since the time lies far ahead. If you decline, all of it goes back.",
    _S.CONFIRMED: "Held by the marketplace until the work is done.",
    _S.IN_PROGRESS: "Held by the marketplace until the work is done.",
    _S.DISPUTED: "Frozen until the dispute is decided.",
    _S.DECLINED: "Nothing was taken, or all of it went back.",
    _S.EXPIRED: "Nothing was taken, or all of it went back.",
}


def _words(booking: Booking, *, rest: Lines | None, reserved: bool) -> str:
    if booking.status is _S.CANCELLED:
        kept = rest is not None and rest.provider_share
        return (
            "Divided as the terms say; your part was released to you."
            if kept
            else "All of it went back, or was never taken."
        )
    if booking.status is _S.AWAITING_PROVIDER and reserved:
        return "Reserved on the customer's card. It is taken when you accept, and let go when you decline."
    if booking.status is _S.NO_SHOW and booking.settled_at is None:
        return "Held until the report stands or is disputed."
    return _WORDS.get(booking.status, "Released to your balance.")
