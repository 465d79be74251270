"""What every processor behind the port of saved cards promises."""

from __future__ import annotations

import aiohttp
import pytest
from msgspec.structs import replace

from contracts.saved_cards.benches import PERSON, Bench, order
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import Standing, UnknownCard, UnknownIntent
from ecosystem.ports.saved_cards import SavingOrder, SavingStanding, UnknownCustomer, UnknownSavedCard


def saving(customer_id: str, card: str = "pm_card_visa", saving_id: str = "sav_1") -> SavingOrder:
    return SavingOrder(saving_id=saving_id, customer_id=customer_id, card=card, return_url="http://127.0.0.1:8000/back")


async def test_a_person_is_one_customer(bench: Bench) -> None:
    first = await bench.saved.customer("usr_1")

    assert await bench.saved.customer("usr_1") == first
    assert await bench.saved.customer("usr_2") != first
    assert await bench.saved.cards(first) == ()


@pytest.mark.parametrize("named", ["cus_nobody", "../balance", "", "é"])
async def test_what_nobody_knows_is_unknown(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownCustomer):
        await bench.saved.cards(named)
    with pytest.raises(UnknownSavedCard):
        await bench.saved.card(named)
    with pytest.raises(UnknownIntent):
        await bench.saved.saving(named)
    await bench.saved.forget(named)


async def test_a_card_that_pays_may_be_kept_and_pays_again(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    paid = await bench.cards.authorize(order("pay_1", customer_id=customer_id, keep=True))

    assert paid.card_id
    kept = await bench.saved.card(paid.card_id)
    again = await bench.cards.authorize(order("pay_2", card=paid.card_id, customer_id=customer_id))

    assert (kept.customer_id, kept.brand, kept.last4) == (customer_id, "visa", "4242")
    assert kept.fingerprint
    assert await bench.saved.cards(customer_id) == (kept,)
    assert (again.standing, again.card_id, again.customer_id) == (Standing.CAPTURED, paid.card_id, customer_id)


async def test_a_card_that_was_not_to_be_kept_is_not(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    paid = await bench.cards.authorize(order("pay_1", customer_id=customer_id))

    assert paid.card_id
    assert await bench.saved.cards(customer_id) == ()
    with pytest.raises(UnknownSavedCard):
        await bench.saved.card(paid.card_id)


async def test_a_card_pays_for_nobody_but_who_keeps_it(bench: Bench) -> None:
    customer_id, other = await bench.saved.customer(PERSON), await bench.saved.customer("usr_2")
    kept = await bench.saved.save(saving(customer_id))
    assert kept.card_id

    with pytest.raises(UnknownCard):
        await bench.cards.authorize(order("pay_1", card=kept.card_id, customer_id=other))
    with pytest.raises(UnknownCard):
        await bench.cards.authorize(order("pay_2", card=kept.card_id))


async def test_a_card_is_kept_without_paying_and_pays_while_its_owner_is_away(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    kept = await bench.saved.save(saving(customer_id))

    assert (kept.standing, kept.saving_id, kept.customer_id) == (SavingStanding.KEPT, "sav_1", customer_id)
    assert kept.card_id
    assert await bench.saved.save(saving(customer_id)) == kept
    assert await bench.saved.saving(kept.processor_id) == kept
    with pytest.raises(IdReused):
        await bench.saved.save(saving(customer_id, "pm_card_mastercard"))
    paid = await bench.cards.authorize(order("pay_1", card=kept.card_id, customer_id=customer_id, off_session=True))
    assert paid.standing is Standing.CAPTURED


async def test_a_bank_that_wants_its_customer_declines_while_they_are_away(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)

    declined = await bench.cards.authorize(
        order("pay_1", card="pm_card_authenticationRequired", customer_id=customer_id, off_session=True)
    )

    assert declined.standing is Standing.DECLINED
    assert declined.decline
    assert declined.decline.code == "authentication_required"


async def test_the_bank_may_ask_for_the_owner_when_a_card_is_kept(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    asked = await bench.saved.save(saving(customer_id, "pm_card_authenticationRequiredOnSetup"))
    assert asked.standing is SavingStanding.REQUIRES_ACTION
    assert asked.challenge_url
    assert await bench.saved.cards(customer_id) == ()

    async with aiohttp.ClientSession() as browser, browser.post(asked.challenge_url, data={"decision": "authorize"}):
        pass

    kept = await bench.saved.saving(asked.processor_id)
    assert kept.standing is SavingStanding.KEPT
    assert [card.card_id for card in await bench.saved.cards(customer_id)] == [kept.card_id]


async def test_a_card_that_the_bank_declines_is_not_kept(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    declined = await bench.saved.save(saving(customer_id, "pm_card_chargeDeclined"))

    assert declined.standing is SavingStanding.DECLINED
    assert declined.decline
    assert declined.decline.sentence.endswith(".")
    assert declined.card_id is None
    assert await bench.saved.cards(customer_id) == ()


async def test_nothing_is_kept_for_nobody_nor_of_nothing(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)

    with pytest.raises(UnknownCustomer):
        await bench.saved.save(saving("cus_nobody"))
    with pytest.raises(UnknownCard):
        await bench.saved.save(replace(saving(customer_id), card="pm_nobody", saving_id="sav_2"))


async def test_a_card_that_is_forgotten_pays_no_more(bench: Bench) -> None:
    customer_id = await bench.saved.customer(PERSON)
    kept = await bench.saved.save(saving(customer_id))
    assert kept.card_id

    await bench.saved.forget(kept.card_id)
    await bench.saved.forget(kept.card_id)

    assert await bench.saved.cards(customer_id) == ()
    with pytest.raises(UnknownSavedCard):
        await bench.saved.card(kept.card_id)
    with pytest.raises(UnknownCard):
        await bench.cards.authorize(order("pay_1", card=kept.card_id, customer_id=customer_id))
