"""The way to a booking: by being its customer, or by the secret link of a guest.

What is another's and what is not there look the same from outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import Booking, BookingGone, Side
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, Invalid, NotFound
from ecosystem.web.session import GUEST
from ecosystem.web.visit import SignInNeeded, Visit


class LinkGone(NotFound):
    """This link leads to no booking. If the booking was added to an account, sign in to see it."""


class OtherSide(NotFound):
    """This page is for the customer of the booking."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


@dataclass(frozen=True, slots=True)
class Way:
    """A booking, as whom one came to it, and the address that its pages begin with."""

    booking: Booking
    actor: Actor
    base: str
    by_link: bool = False

    @property
    def as_guest(self) -> bool:
        return self.actor.is_guest


def guest(request: Visit) -> Actor | None:
    """The guest that this browser was, or still is beside whoever signed in."""
    if token := request.cookie(GUEST):
        with suppress(Denied):
            return request.market.identity.guests.identified(token).actor
    return None


def actors(request: Visit) -> Iterator[Actor]:
    """As whom the browser may come: who is signed in, and the guest it was."""
    if request.actor.actor_id != "visitor":
        yield request.actor
    before = guest(request)
    if before is not None and before != request.actor:
        yield before


async def way(request: Visit, booking_id: str) -> Way:
    """The way that the address names. Raises `BookingGone`, `LinkGone`, `OtherSide`, `SignInNeeded`."""
    secret = str(request.path_params.get("secret", ""))
    if secret:
        return await _by_link(request, booking_id, secret)
    if _is_id(booking_id):
        for actor in actors(request):
            with suppress(BookingGone, Denied):
                booking = await request.market.bookings.get(booking_id, actor)
                return _as(booked.side_of(booking, actor), booking, actor)
    if request.person is None:
        raise SignInNeeded
    raise BookingGone


def _as(side: Side, booking: Booking, actor: Actor) -> Way:
    if side is Side.PROVIDER:
        raise OtherSide(f"/provider/bookings/{booking.booking_id}")
    if side is not Side.CUSTOMER:
        raise OtherSide(f"/console/bookings/{booking.booking_id}")
    return Way(booking=booking, actor=actor, base=f"/bookings/{booking.booking_id}")


async def _by_link(request: Visit, booking_id: str, secret: str) -> Way:
    if not _is_id(booking_id):
        raise LinkGone
    try:
        booking = (await request.market.bookings.row(booking_id)).value
        if booking.customer_id == request.actor.actor_id and not request.actor.is_guest:
            return Way(booking=booking, actor=request.actor, base=f"/bookings/{booking_id}")
        actor = booked.guest_of(booking, secret)
    except (BookingGone, Denied):
        raise LinkGone from None
    return Way(booking=booking, actor=actor, base=f"/b/{booking_id}/{secret}", by_link=True)


def _is_id(text: str) -> bool:
    try:
        ids.check("bkg", text)
    except Invalid:
        return False
    return True
