"""Holding a time, giving it back, and taking it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import post
from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import (
    BookingStatus,
    CancelBooking,
    Hold,
    HoldBooked,
    HoldGone,
    HoldStatus,
    SlotNotOffered,
    SlotTaken,
    TakeHold,
    TooManyHolds,
)
from ecosystem.contexts.catalogue import NotOffered, ServiceUnknown
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, IdReused
from ecosystem.ports.entropy import mint
from ecosystem.web.answers import Answer
from ecosystem.web.bookings import zones
from ecosystem.web.checkout import attempts
from ecosystem.web.checkout.desk import held
from ecosystem.web.service import routes as services
from ecosystem.web.service.booker import Wanted
from ecosystem.web.session import customer
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

LATEST = "hold"
"""The cookie with the latest hold: who goes back and chooses another time of the service gives the former one back."""

LATEST_AGE_S = 3_600
AGAIN_MAX = 20


class Take(Struct, frozen=True, kw_only=True):
    """The time chosen. `hold_id` was minted into the form, so that sending it twice holds one time."""

    service_id: Annotated[str, Meta(max_length=64)]
    start: datetime
    hold_id: Annotated[str, Meta(max_length=64)] = ""
    seats: Annotated[int, Meta(ge=1, le=500)] = 1
    zone: Annotated[str, Meta(max_length=60)] = ""


@post("/checkout")
async def take(request: Visit) -> Answer:
    """Hold the time, and on to the checkout. Whoever is nobody yet becomes a guest."""
    form = await request.form_of(Take)
    if form.value is None and set(form.errors) == {"start"}:
        return await _nothing_chosen(request, form.text("service_id"))
    asked = form.asked
    actor = await customer(request)
    try:
        hold = await _held(request, asked, actor)
    except (SlotTaken, SlotNotOffered, TooManyHolds) as no:
        wanted = Wanted(zone=zones.known(asked.zone, ""), seats=asked.seats)
        return await services.again(request, asked.service_id, wanted, start_at=asked.start, notice=no.message)
    return _on(request, hold)


@post("/checkout/{hold_id:str}/release")
async def release(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Give the time back, and back to the service to choose another."""
    hold, actor = await held(request, hold_id)
    try:
        await request.market.holds.release(hold_id, actor)
    except HoldBooked:
        if not await _let_go(request, hold, actor):
            return request.redirect(f"/checkout/{hold_id}")
    toast = Toast(text="The time is free again for others.", undo=f"/checkout/{hold_id}/again")
    return request.redirect(await _service_page(request, hold), toast=toast)


@post("/checkout/{hold_id:str}/again")
async def again(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Hold the same time once more, if it is still free."""
    hold, actor = await held(request, hold_id)
    if request.person is not None:
        actor = request.actor
    try:
        for _ in range(AGAIN_MAX):
            if hold.owner_id == actor.actor_id and _is_live(request, hold):
                break
            wanted = replace(hold.request, hold_id=attempts.again(hold), replaces=None)
            hold = await request.market.checkout.hold(wanted, actor)
    except TooManyHolds as no:
        return request.redirect(f"/checkout/{hold_id}", toast=Toast(text=no.message, tone="bad"))
    except (SlotTaken, SlotNotOffered, NotOffered, ServiceUnknown, IdReused):
        text = "That time is gone: somebody else has it now."
        return request.redirect(f"/checkout/{hold_id}", toast=Toast(text=text, tone="bad"))
    return _on(request, hold)


async def _held(request: Visit, asked: Take, actor: Actor) -> Hold:
    """The time held; asked again with the same form, the same hold."""
    wanted = TakeHold(
        hold_id=asked.hold_id or mint("hld", request.at, request.kit.entropy),
        service_id=asked.service_id,
        start_at=asked.start,
        zone=zones.known(asked.zone, request.zone),
        seats=asked.seats,
        replaces=await _former(request, asked, actor),
    )
    try:
        return await request.market.checkout.hold(wanted, actor)
    except IdReused:
        former = await _own(request, wanted.hold_id, actor)
        if former and replace(former.request, replaces=None) == replace(wanted, replaces=None):
            return former
        # The page came back from the browser's memory, and another time was chosen on it.
        fresh = mint("hld", request.at, request.kit.entropy)
        other = replace(wanted, hold_id=fresh, replaces=former.hold_id if former else wanted.replaces)
        return await request.market.checkout.hold(other, actor)


async def _former(request: Visit, asked: Take, actor: Actor) -> str | None:
    """The hold to be given back for the new one: the latest of this browser, if it was for the same service."""
    former = await _own(request, request.cookie(LATEST), actor)
    if former is None or former.hold_id == asked.hold_id or former.request.service_id != asked.service_id:
        return None
    return former.hold_id if former.status is HoldStatus.HELD else None


async def _own(request: Visit, hold_id: str, actor: Actor) -> Hold | None:
    if not hold_id:
        return None
    try:
        hold = await request.market.holds.get(hold_id, actor)
    except (HoldGone, Denied):
        return None
    return hold if hold.owner_id == actor.actor_id else None


async def _let_go(request: Visit, hold: Hold, actor: Actor) -> bool:
    """Whether the booking that was waiting for its payment is called off; not if it turned out to be paid."""
    assert hold.booking_id is not None
    booking = (await request.market.bookings.row(hold.booking_id)).value
    if booking.status is not BookingStatus.AWAITING_PAYMENT:
        return False
    if await request.market.checkout.let_go(hold.booking_id, actor) is not BookingStatus.AWAITING_PAYMENT:
        return False
    await request.market.closing.cancel(CancelBooking(booking_id=hold.booking_id), actor)
    return True


def _on(request: Visit, hold: Hold) -> Answer:
    request.keep(LATEST, hold.hold_id, max_age_s=LATEST_AGE_S)
    return request.redirect(f"/checkout/{hold.hold_id}")


def _is_live(request: Visit, hold: Hold) -> bool:
    return hold.status is HoldStatus.HELD and request.at < hold.expires_at


async def _nothing_chosen(request: Visit, service_id: str) -> Answer:
    offered = await request.market.services.offered(service_id)
    toast = Toast(text="Choose a time first.", tone="bad")
    return request.redirect(f"/services/{offered.service.value.slug}", toast=toast)


async def _service_page(request: Visit, hold: Hold) -> str:
    try:
        return f"/services/{(await request.market.services.offered(hold.request.service_id)).service.value.slug}"
    except (NotOffered, ServiceUnknown):
        return "/"
