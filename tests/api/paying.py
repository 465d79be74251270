"""Being paid out, and paying from a bank account, by program."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ecosystem.contexts.ach import SetOriginator
from ecosystem.contexts.ledger import Transfer, chart
from ecosystem.contexts.payouts import Destination, Origin, Payout, PayoutId, Rail, payout_made
from ecosystem.kernel.actor import system
from ecosystem.kernel.money import Money
from market import OPERATOR
from payday import can_be_paid

from .programs import ADA, PEDRO, PEOPLE, Client, Shop, text_of

BANK = system("ach-processor")
NUMBER = "000398217465"
EUR = {"currency": "EUR"}


async def originating(shop: Shop) -> None:
    """Our bank has agreed to send our files."""
    agreed = SetOriginator(
        odfi="091000019",
        destination="091000019",
        destination_name="FIRST BANK",
        origin="1234567890",
        origin_name="ECOSYSTEM",
        company_name="ECOSYSTEM",
        company_identification="1234567890",
    )
    await shop.market.app.ach.agreement.say(agreed, OPERATOR)


def typed(shop: Shop, **more: Any) -> dict[str, Any]:
    """A bank account as its owner types it."""
    return {
        "bankAccountId": shop.id("bac"),
        "routingNumber": "021000021",
        "accountNumber": NUMBER,
        "holder": "Ada Lovelace",
        **more,
    }


async def verified(shop: Shop, client: Client, account: dict[str, Any]) -> dict[str, Any]:
    """The account, after its owner told the amounts that arrived."""
    accounts = shop.market.app.bank_accounts
    await accounts.verifying(account["bankAccountId"], BANK)
    cents = await accounts.amounts(account["bankAccountId"], BANK)
    return await client.all_of("confirmBankAccount", bankAccountId=account["bankAccountId"], cents=list(cents))


async def held_in_dollars(shop: Shop, client: Client, hour: int = 9) -> dict[str, Any]:
    """A time in ten days, at 100 USD."""
    service_id = await shop.market.service(shop.provider_id, Money(10_000, "USD"), owner=PEOPLE[PEDRO])
    return await shop.hold(client, text_of(shop.market.tomorrow(hour) + timedelta(days=10)), service_id)


async def pays_by_bank(shop: Shop) -> str:
    """Ada pays from her bank account, word for word as she was shown. The payment's id."""
    await originating(shop)
    ada = await shop.signed_in(ADA)
    added = await ada.all_of("addBankAccount", input=typed(shop))
    assert (added["state"], added["purpose"], added["last4"]) == ("added", "debit", NUMBER[-4:])
    assert (await verified(shop, ada, added))["state"] == "verified"
    assert [each["state"] for each in await ada.all_of("bankAccounts")] == ["verified"]

    held = await held_in_dollars(shop, ada)
    (choice,) = held["bank"]["choices"]
    assert "100.00" in choice["text"]
    bank = {"accountId": choice["account"]["bankAccountId"], "textSha256": choice["textSha256"]}
    wanted = shop.payment(held, card="") | {"bank": bank}
    paid = await ada.all_of("pay", input=wanted)
    assert (paid["booking"]["status"], paid["payment"]["card"]["last4"]) == ("confirmed", NUMBER[-4:])
    assert (await ada.all_of("mandate", paymentId=wanted["paymentId"]))["text"] == choice["text"]
    removed = await ada.all_of("removeBankAccount", bankAccountId=bank["accountId"])
    assert removed["state"] == "removed"
    return wanted["paymentId"]


async def is_paid_out(shop: Shop, operator: Client) -> None:
    await can_be_paid(shop.market, PEOPLE[PEDRO])
    pedro, provider = await shop.signed_in(PEDRO), {"providerId": shop.provider_id}
    nothing = {"shareBps": 0, "days": 0}
    assert (await operator.all_of("keepBack", **provider, reserve=nothing))["reserve"]["shareBps"] == 0
    outlook = await pedro.all_of("payoutOutlook", **provider, currency="EUR")
    (funds,) = outlook["funds"]
    assert (outlook["hindered"], outlook["destination"]["rail"]) == (None, "stripe")
    assert funds["available"] == funds["balance"]
    plan = {"cadence": "manual", "minimum": EUR | {"minor": 2_000}, "version": outlook["plan"]["version"]}
    assert (await pedro.all_of("setPayoutPlan", **provider, plan=plan))["nextAt"] is None

    wanted = {"payoutId": shop.id("pyt"), **provider, "amount": EUR | {"minor": 3_000}}
    asked = await pedro.all_of("askPayout", input=wanted)
    assert (asked["status"], asked["mayBeCancelled"]) == ("intended", True)
    assert await pedro.all_of("payout", payoutId=wanted["payoutId"]) == asked
    month = shop.clock.now().date().isoformat()
    assert (await operator.all_of("payoutsInMonth", month=month))["nodes"] == [asked]
    assert (await pedro.all_of("cancelPayout", payoutId=wanted["payoutId"]))["status"] == "cancelled"
    assert [each["status"] for each in (await pedro.all_of("payouts", **provider))["nodes"]] == ["cancelled"]
    year = await pedro.all_of("earningsYear", **provider, currency="EUR", year=shop.clock.now().year)
    assert (len(year["months"]), year["total"]["paidOut"]) == (12, "0")

    reason = "We look into something."
    assert (await operator.all_of("pausePayouts", **provider, reason=reason))["pause"]["by"] == "operator"
    assert (await pedro.refusal_of("resumePayouts", **provider))["extensions"]["kind"] == "Denied"
    assert (await operator.all_of("resumePayouts", **provider))["pause"] is None
    rules = await pedro.all_of("payoutRules")
    changed = await operator.all_of("setPayoutRules", input={"version": rules["version"], "newForDays": 30})
    assert (changed["newForDays"], changed["minimums"]) == (30, rules["minimums"])
    filling = {"least": {"minor": 5_000, "currency": "USD"}, "left": {"minor": 2_000, "currency": "USD"}}
    filled = await operator.all_of("setFilling", version=changed["version"], filling=filling)
    assert (filled["filling"]["least"]["minor"], filled["newForDays"]) == (5_000, 30)
    assert (await operator.all_of("payoutRules"))["filling"] == filled["filling"]
    assert [(await each.all_of("payoutRules"))["filling"] for each in (pedro, shop.visitor())] == [None, None]
    assert (await operator.all_of("setFilling", version=filled["version"]))["filling"] is None


async def owes(shop: Shop, operator: Client) -> None:
    """What a provider owes is seen and given up; our own money goes to our bank."""
    app, units = shop.market.app, Money(700, "GBP")
    books = app.receivables.ledger
    await books.submit(_taken(shop.provider_id, units))
    await app.receivable_follower.catch_up()
    (owed,) = await operator.all_of("receivables")
    assert (owed["providerId"], owed["owed"]["minor"], owed["ages"][0]["minor"]) == (shop.provider_id, 700, 700)
    given = {"writeOffId": shop.id("wof"), "providerId": shop.provider_id, "reason": "They closed"}
    written = await operator.all_of("giveUpReceivable", input=given | {"amount": {"minor": 700, "currency": "GBP"}})
    assert written["actorId"]
    assert await operator.all_of("receivables") == []
    wanted = {"withdrawalId": shop.id("wdr"), "amount": EUR | {"minor": 100_000_000}}
    assert (await operator.all_of("withdraw", input=wanted))["status"] == "failed"
    assert len((await operator.all_of("withdrawals"))["nodes"]) == 1


def _taken(provider_id: str, amount: Money) -> Transfer:
    return Transfer(
        transfer_id="taken.1",
        debit_account_id=chart.provider(provider_id, amount.currency),
        credit_account_id=chart.processor(amount.currency),
        amount=amount.minor,
        ledger=amount.currency,
        code=1,
    )


async def intended(shop: Shop) -> str:
    """The id of a payout of Pedro's that nobody has begun to send."""
    at, amount = shop.clock.now(), Money(1_000, "EUR")
    made = Payout(
        payout_id=PayoutId(shop.id("pyt")),
        provider_id=shop.provider_id,
        amount=amount,
        fee=Money(0, "EUR"),
        destination=Destination(rail=Rail.STRIPE, account_id="acct_1", last4="6789"),
        origin=Origin.ASKED,
        requested_by=PEOPLE[PEDRO].actor_id,
        rules=1,
        intended_at=at,
        send_at=at,
        ask_at=at,
    )
    await shop.market.app.ports.table.transact(*payout_made(made, PEOPLE[PEDRO], at))
    return made.payout_id
