"""Paying for what is held, and giving back."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.api.sheets import payment, refund, sheet
from ecosystem.contexts import booking as booked
from ecosystem.journeys.checkout import Paid, PayForHold
from ecosystem.journeys.refunding import GiveBack

ROOTS = Roots()


class Standing(Struct, frozen=True, kw_only=True):
    booking_id: str
    payment_id: str


@ROOTS.query
async def checkout_standing(ask: Ask, request: Standing) -> Plain:
    return await _checkout(ask, await ask.market.checkout.standing(request.booking_id, request.payment_id, ask.actor))


@ROOTS.query
async def card_element(ask: Ask) -> Plain:
    element = ask.market.ports.cards.element
    return {"publishableKey": element.publishable_key, "origin": element.origin, "frameUrl": element.frame_url}


@ROOTS.mutation
async def pay(ask: Ask, request: PayForHold) -> Plain:
    return await _checkout(ask, await ask.market.checkout.pay(request, ask.actor))


@ROOTS.mutation
async def give_back(ask: Ask, request: GiveBack) -> Plain:
    return refund(await ask.market.refunding.give_back(request, ask.actor))


async def _checkout(ask: Ask, paid: Paid) -> Plain:
    side = booked.side_of(paid.booking, ask.actor)
    return {"booking": await sheet(ask.within("booking"), paid.booking), "payment": payment(paid.payment, side)}
