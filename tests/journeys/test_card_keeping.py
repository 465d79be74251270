"""Cards that are kept: at a payment, paid with again, removed; over the real table and the real sandbox processor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecosystem.contexts.payments import CARDS_MAX, NoSuchSavedCard, OnlyOwnCards, PaymentState, Wallet
from ecosystem.kernel.actor import Actor
from ecosystem.ports.bus import Event
from ecosystem.ports.cards import ProcessorSilent, UnknownCard
from ecosystem.sandbox import Fault, What
from market import ADA, GUEST, OWNER, Market

MASTERCARD = "pm_card_mastercard"


async def pay(
    shop: Market, service_id: str, hour: int, *, card: str = "pm_card_visa", actor: Actor = ADA, **wish: bool
) -> PaymentState:
    """Pay for an hour of tomorrow, and have done what follows."""
    hold = await shop.hold(service_id, shop.tomorrow(hour), actor)
    request = replace(await shop.request(hold, actor, card), **wish)
    paid = await shop.app.checkout.pay(request, actor)
    await shop.passes()
    return paid.payment.state


async def wallet(shop: Market, actor: Actor = ADA) -> Wallet:
    kept = await shop.app.card_keeping.wallet(actor)
    assert kept
    return kept


async def test_a_card_that_paid_is_kept_pays_again_and_is_forgotten(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    assert await pay(shop, service_id, 9, keep=True) is PaymentState.CAPTURED
    [card] = (await wallet(shop)).cards

    again = await pay(shop, service_id, 11, card=card.card_id, saved=True)
    left = await shop.app.card_keeping.forget(card.card_id, ADA)
    await shop.passes()

    assert (card.brand, card.last4) == ("visa", "4242")
    assert "remove it at any time" in card.consent
    assert again is PaymentState.CAPTURED
    assert left.cards == ()
    assert await shop.app.ports.saved_cards.cards(left.customer_id) == ()
    with pytest.raises(UnknownCard):
        await pay(shop, service_id, 13, card=card.card_id, saved=True)
    with pytest.raises(NoSuchSavedCard):
        await shop.app.card_keeping.forget(card.card_id, ADA)
    told = (await shop.app.ports.table.query(f"CARD#{card.card_id}", Event, limit=10)).values
    assert [(event.type, event.audit) for event in told] == [("CardKept", "consent"), ("CardForgotten", "consent")]


async def test_a_card_of_a_request_is_kept_once_the_money_is_held(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)

    assert await pay(shop, service_id, 9, keep=True) is PaymentState.AUTHORIZED

    assert len((await wallet(shop)).cards) == 1


async def test_a_declined_card_is_not_kept(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)

    assert await pay(shop, service_id, 9, card="pm_card_chargeDeclined", keep=True) is PaymentState.FAILED

    assert (await wallet(shop)).cards == ()


async def test_a_card_that_nobody_wants_kept_is_not(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await pay(shop, service_id, 9)

    assert await shop.app.card_keeping.wallet(ADA) is None


async def test_the_same_card_kept_again_takes_the_place_of_the_former(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await pay(shop, service_id, 9, keep=True)
    await pay(shop, service_id, 11, card=MASTERCARD, keep=True)
    await pay(shop, service_id, 13, keep=True)

    kept = await wallet(shop)

    assert [card.last4 for card in kept.cards] == ["4242", "4444"]
    there = await shop.app.ports.saved_cards.cards(kept.customer_id)
    assert {card.card_id for card in there} == {card.card_id for card in kept.cards}


async def test_nobody_keeps_or_uses_a_card_for_somebody_else(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await pay(shop, service_id, 9, keep=True)
    [card] = (await wallet(shop)).cards
    acting = replace(ADA, impersonator="usr_operator")

    with pytest.raises(OnlyOwnCards):
        await pay(shop, service_id, 11, actor=GUEST, keep=True)
    with pytest.raises(OnlyOwnCards):
        await pay(shop, service_id, 13, actor=acting, card=card.card_id, saved=True)
    with pytest.raises(UnknownCard):
        await pay(shop, service_id, 15, actor=replace(OWNER, actor_id="usr_other"), card=card.card_id, saved=True)


async def test_a_kept_card_without_its_owners_word_does_not_pay(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await pay(shop, service_id, 9, keep=True)
    [card] = (await wallet(shop)).cards

    with pytest.raises(UnknownCard):
        await pay(shop, service_id, 11, card=card.card_id, actor=replace(ADA, actor_id="usr_other"))


async def test_a_processor_that_is_silent_after_the_payment_is_asked_again(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow(9))
    await shop.app.checkout.pay(replace(await shop.request(hold), keep=True), ADA)
    shop.sandbox.fail_next(Fault(what=What.REFUSE, method="GET", path="/v1/payment_methods", times=3, status=503))

    await shop.passes(timedelta(minutes=10))

    assert len((await wallet(shop)).cards) == 1


async def test_a_processor_that_makes_no_customer_leaves_nothing_begun(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow(9))
    request = replace(await shop.request(hold), keep=True)
    shop.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/customers", times=3, status=503))

    with pytest.raises(ProcessorSilent):
        await shop.app.checkout.pay(request, ADA)
    assert shop.sandbox.effects() == []

    assert (await shop.app.checkout.pay(request, ADA)).payment.state is PaymentState.CAPTURED


async def test_what_the_processor_renewed_or_dropped_is_taken_in(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    await pay(shop, service_id, 9, keep=True)
    await pay(shop, service_id, 11, card=MASTERCARD, keep=True)
    mastercard, visa = (await wallet(shop)).cards
    await shop.app.ports.saved_cards.forget(mastercard.card_id)

    await shop.app.card_keeping.look_again(ADA.actor_id, ADA)

    assert (await wallet(shop)).cards == (visa,)


def test_ten_cards_are_enough() -> None:
    assert CARDS_MAX == 10
