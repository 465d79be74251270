"""Bank accounts by program: whose they are is known here, numbers are never shown, and a debit takes its text."""

from __future__ import annotations

import json

from ecosystem.kernel.refusals import Denied

from .paying import NUMBER, held_in_dollars, originating, pays_by_bank, typed, verified
from .programs import ADA, EVE, OLGA, PEDRO, PEOPLE, Shop


async def test_nobody_keeps_an_account_for_somebody_elses_provider(shop: Shop) -> None:
    eve, olga, visitor = await shop.signed_in(EVE), await shop.signed_in(OLGA), shop.visitor()
    theirs = {"providerId": shop.provider_id}

    asked = [await client.refusal_of("addBankAccount", input=typed(shop, **theirs)) for client in (eve, olga, visitor)]
    looked = await eve.refusal_of("bankAccounts", **theirs)
    own = [await visitor.refusal_of("addBankAccount", input=typed(shop)), await visitor.refusal_of("bankAccounts")]

    assert {each["extensions"]["kind"] for each in (*asked, looked, *own)} == {Denied.__name__}
    assert await (await shop.signed_in(PEDRO)).all_of("bankAccounts", **theirs) == []


async def test_an_operator_who_acts_as_the_owner_leads_no_money_elsewhere(shop: Shop) -> None:
    olga, acting = await shop.signed_in(OLGA), shop.visitor()
    acted = await olga.all_of("actAs", userId=PEOPLE[PEDRO].actor_id, reason="Help")
    acting.token = acted["accessToken"]

    refused = await acting.refusal_of("addBankAccount", input=typed(shop, providerId=shop.provider_id))

    assert refused["extensions"]["kind"] == Denied.__name__


async def test_no_answer_and_no_refusal_shows_a_number(shop: Shop) -> None:
    pedro = await shop.signed_in(PEDRO)
    wanted = typed(shop, providerId=shop.provider_id)

    added = await pedro.all_of("addBankAccount", input=wanted)
    wrong = await pedro.refusal_of("addBankAccount", input=wanted | {"routingNumber": "021000022"})
    listed = await pedro.all_of("bankAccounts", providerId=shop.provider_id)

    assert (added["last4"], added["purpose"], listed) == (NUMBER[-4:], "payout", [added])
    assert wrong["extensions"]["field"] == "routingNumber"
    assert NUMBER[:-4] not in json.dumps([added, wrong, listed])


async def test_an_account_to_be_paid_to_may_be_verified_by_an_entry_of_no_money_and_one_to_pay_from_not(
    shop: Shop,
) -> None:
    pedro, ada = await shop.signed_in(PEDRO), await shop.signed_in(ADA)

    added = await pedro.all_of("addBankAccount", input=typed(shop, providerId=shop.provider_id, prenote=True))
    refused = await ada.refusal_of("addBankAccount", input=typed(shop, prenote=True))

    assert (added["prenote"], added["awaitsAmounts"], added["state"]) == (True, False, "added")
    assert refused["errorType"] == "MustShowOwner"


async def test_wrong_amounts_cost_a_try_and_the_right_ones_verify(shop: Shop) -> None:
    ada = await shop.signed_in(ADA)
    added = await ada.all_of("addBankAccount", input=typed(shop))

    early = await ada.refusal_of("confirmBankAccount", bankAccountId=added["bankAccountId"], cents=[1, 1])
    known = await verified(shop, ada, added)

    assert early["errorType"] == "NothingToConfirm"
    assert (known["state"], known["awaitsAmounts"]) == ("verified", False)


async def test_a_guest_and_a_booking_too_soon_are_told_why_no_bank_pays(shop: Shop) -> None:
    await originating(shop)
    ada, guest = await shop.signed_in(ADA), await shop.guest()

    soon = (await shop.hold(ada, shop.tomorrow()))["bank"]
    guests = (await held_in_dollars(shop, guest))["bank"]
    none = (await held_in_dollars(shop, ada, hour=14))["bank"]

    assert (soon["choices"], soon["whyNot"]) == ([], "Bank accounts pay in US dollars only.")
    assert guests["whyNot"] == "Sign in to pay from your bank account."
    assert (none["choices"], none["whyNot"]) == ([], None)


async def test_what_somebody_authorized_is_read_by_nobody_else(shop: Shop) -> None:
    payment_id = await pays_by_bank(shop)

    for client in (await shop.signed_in(EVE), await shop.signed_in(PEDRO), shop.visitor()):
        assert (await client.refusal_of("mandate", paymentId=payment_id))["extensions"]["kind"] == Denied.__name__
    assert (await (await shop.signed_in(OLGA)).all_of("mandate", paymentId=payment_id))["paymentId"] == payment_id


async def test_how_our_own_bank_account_is_filled_is_told_to_operators_only(shop: Shop) -> None:
    olga, filling = await shop.signed_in(OLGA), {"least": {"minor": 5, "currency": "USD"}}
    filling |= {"left": {"minor": 2_000, "currency": "USD"}}
    rules = await olga.all_of("payoutRules")
    await olga.all_of("setFilling", version=rules["version"], filling=filling)

    shown = [(await each.all_of("payoutRules"))["filling"] for each in (await shop.signed_in(PEDRO), shop.visitor())]

    assert (await olga.all_of("payoutRules"))["filling"]["least"]["minor"] == 5
    assert shown == [None, None]
