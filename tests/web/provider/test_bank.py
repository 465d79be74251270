"""The bank account on its owner's pages: added, verified by its amounts, and never shown in whole again."""

from __future__ import annotations

import httpx
import pytest
from tests.web.provider.desk import Desk, owner_of
from tests.web.provider.test_payouts import said
from tests.web.shop import Shop, hidden, post

from ecosystem.contexts.bank_accounts import AccountState, BankAccount, Method, Purpose
from ecosystem.kernel.actor import system

NUMBER = "000398217465"
BANK = system("ach-processor")
FIELDS = {
    "holder": "Pedro Provider",
    "holder_kind": "person",
    "account_kind": "checking",
    "routing_number": "021000021",
    "account_number": NUMBER,
    "again": NUMBER,
}


async def added(client: httpx.AsyncClient, path: str = "/provider/bank", **other: str) -> httpx.Response:
    page = await client.get(path)
    fields = {**FIELDS, "account_id": hidden(page.text, "account_id"), **other}
    return await post(client, path, seen_on=path, **fields)


async def the_account(shop: Shop, desk: Desk) -> BankAccount:
    account = await shop.market.app.bank_accounts.used(desk.provider_id, Purpose.PAYOUT)
    assert account is not None
    return account


async def test_an_account_is_added_and_shown_as_its_last_four(pedro: httpx.AsyncClient, shop: Shop, desk: Desk) -> None:
    done = await added(pedro)
    page = await pedro.get("/provider/bank")

    assert done.status_code == 303
    assert "JPMorgan Chase" in page.text
    assert "7465" in page.text
    assert NUMBER not in page.text
    assert "021000021" not in page.text
    assert (await the_account(shop, desk)).user_id == owner_of(shop).actor_id


async def test_its_owner_chooses_an_entry_of_no_money_where_there_is_nothing_to_tell(
    pedro: httpx.AsyncClient, shop: Shop, desk: Desk
) -> None:
    await added(pedro, method="prenote")
    account = await the_account(shop, desk)
    await shop.market.app.bank_accounts.verifying(account.account_id, BANK)
    page = said(await pedro.get("/provider/bank"))

    assert (account.method, account.amounts) == (Method.PRENOTE, b"")
    assert "An entry of no money is on its way to it." in page
    assert "First amount, in cents" not in page


async def test_an_account_to_pay_from_is_never_verified_by_an_entry_of_no_money(pedro: httpx.AsyncClient) -> None:
    page = await pedro.get("/account/bank")
    answer = await added(pedro, "/account/bank", method="prenote")

    assert 'name="method"' not in page.text
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [("routing_number", "021000022"), ("again", "000398217466"), ("account_number", "12"), ("holder", "x" * 23)],
)
async def test_what_does_not_fit_is_said_beside_its_field_and_the_number_is_not_shown_again(
    pedro: httpx.AsyncClient, shop: Shop, desk: Desk, field: str, value: str
) -> None:
    both = {"account_number": value, "again": value} if field == "account_number" else {field: value}

    answer = await added(pedro, **both)

    assert answer.status_code in {400, 422}
    assert f'id="{field}-wrong"' in answer.text
    assert NUMBER not in answer.text
    assert await shop.market.app.bank_accounts.used(desk.provider_id, Purpose.PAYOUT) is None


async def test_its_amounts_verify_it_and_wrong_ones_say_how_many_tries_are_left(
    pedro: httpx.AsyncClient, shop: Shop, desk: Desk
) -> None:
    await added(pedro)
    book, account = shop.market.app.bank_accounts, await the_account(shop, desk)
    await book.verifying(account.account_id, BANK)
    first, second = await book.amounts(account.account_id, BANK)
    path = f"/provider/bank/{account.account_id}/confirm"

    await post(pedro, path, seen_on="/provider/bank", first=str(first % 99 + 1), second=str(second))
    told = await pedro.get("/provider/bank")
    await post(pedro, path, seen_on="/provider/bank", first=str(second), second=str(first))
    after = await pedro.get("/provider/bank")

    assert "You have 2 more tries." in told.text
    assert "Verified" in said(after)
    assert "Payouts to it begin" in after.text
    assert (await the_account(shop, desk)).state is AccountState.VERIFIED


async def test_amounts_that_cannot_be_are_refused_beside_their_field(
    pedro: httpx.AsyncClient, shop: Shop, desk: Desk
) -> None:
    await added(pedro)
    account = await the_account(shop, desk)
    await shop.market.app.bank_accounts.verifying(account.account_id, BANK)

    answer = await post(
        pedro, f"/provider/bank/{account.account_id}/confirm", seen_on="/provider/bank", first="0", second="100"
    )

    assert answer.status_code in {400, 422}
    assert "Cents, from 1 to 99" in answer.text
    assert (await the_account(shop, desk)).tries_left == 3


async def test_it_is_removed_on_a_word(pedro: httpx.AsyncClient, shop: Shop, desk: Desk) -> None:
    await added(pedro)
    account = await the_account(shop, desk)

    done = await post(pedro, f"/provider/bank/{account.account_id}/remove", seen_on="/provider/bank")

    assert done.status_code == 303
    assert "7465" not in (await pedro.get("/provider/bank")).text
    row = await shop.market.app.bank_accounts.row(account.account_id)
    assert row.value.state is AccountState.REMOVED


async def test_a_person_keeps_accounts_to_pay_from_apart(pedro: httpx.AsyncClient, shop: Shop, desk: Desk) -> None:
    done = await added(pedro, "/account/bank")

    assert done.status_code == 303
    assert "7465" in (await pedro.get("/account/bank")).text
    assert "7465" not in (await pedro.get("/provider/bank")).text
    assert await shop.market.app.bank_accounts.used(owner_of(shop).actor_id, Purpose.DEBIT) is not None
