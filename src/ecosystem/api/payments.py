"""Paying for what is held, and giving back."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.api.sheets import payment, refund, sheet
from ecosystem.contexts import booking as booked
from ecosystem.contexts.payments import CONSENT, Wallet
from ecosystem.journeys.checkout import Paid, PayForHold
from ecosystem.journeys.refunding import GiveBack

ROOTS = Roots()


class OneCard(Struct, frozen=True, kw_only=True):
    card_id: str


class Standing(Struct, frozen=True, kw_only=True):
    booking_id: str
    payment_id: str


@ROOTS.query
async def checkout_standing(ask: Ask, request: Standing) -> Plain:
    return await _checkout(ask, await ask.market.checkout.standing(request.booking_id, request.payment_id, ask.actor))


@ROOTS.query
async def card_element(ask: Ask) -> Plain:
    element = ask.market.ports.cards.element
    return {
        "publishableKey": element.publishable_key,
        "origin": element.origin,
        "frameUrl": element.frame_url or None,
        "scriptUrl": element.script_url,
    }


@ROOTS.query
async def saved_cards(ask: Ask) -> Plain:
    return _wallet(await ask.market.card_keeping.wallet(ask.actor))


@ROOTS.mutation
async def pay(ask: Ask, request: PayForHold) -> Plain:
    return await _checkout(ask, await ask.market.checkout.pay(request, ask.actor, address=ask.origin.address))


@ROOTS.mutation
async def forget_card(ask: Ask, request: OneCard) -> Plain:
    return _wallet(await ask.market.card_keeping.forget(request.card_id, ask.actor))


@ROOTS.mutation
async def give_back(ask: Ask, request: GiveBack) -> Plain:
    return refund(await ask.market.refunding.give_back(request, ask.actor))


def _wallet(wallet: Wallet | None) -> Plain:
    cards = wallet.cards if wallet else ()
    return {
        "cards": [
            {
                "cardId": card.card_id,
                "brand": card.brand,
                "last4": card.last4,
                "expiresMonth": card.expires_month,
                "expiresYear": card.expires_year,
                "keptAt": card.kept_at,
            }
            for card in cards
        ],
        "consent": CONSENT,
    }


async def _checkout(ask: Ask, paid: Paid) -> Plain:
    side = booked.side_of(paid.booking, ask.actor)
    return {"booking": await sheet(ask.within("booking"), paid.booking), "payment": payment(paid.payment, side)}
