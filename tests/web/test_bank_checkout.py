"""Paying from a bank account on the checkout's pages: read, agreed to, confirmed, and read again."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.web.shop import ANA, Shop, hidden, open_shop, post, sign_in

from ecosystem.contexts.ach import SetOriginator
from ecosystem.contexts.bank_accounts import AccountKind, AddBankAccount, HolderKind, Purpose
from ecosystem.contexts.booking import BookingStatus, TakeHold
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money
from market import OPERATOR


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def prepared(shop: Shop) -> tuple[str, str]:
    """A time that Ana holds, whose price is in dollars, and the id of her verified account."""
    market, app = shop.market, shop.market.app
    ana = Actor(actor_id=shop.people[ANA], groups=(Group.CUSTOMERS,))
    bank = SetOriginator(
        odfi="091000019",
        destination="091000019",
        destination_name="FIRST BANK",
        origin="1234567890",
        origin_name="ECOSYSTEM",
        company_name="ECOSYSTEM",
        company_identification="1234567890",
    )
    await app.ach.agreement.say(bank, OPERATOR)
    added = await app.bank_accounts.add(
        AddBankAccount(
            account_id=market.id("bac"),
            owner_id=ana.actor_id,
            purpose=Purpose.DEBIT,
            routing_number="021000021",
            account_number="000398217465",
            holder="Ana Silva",
            holder_kind=HolderKind.PERSON,
            kind=AccountKind.CHECKING,
        ),
        ana,
        user_id=ana.actor_id,
    )
    await app.bank_accounts.verifying(added.account_id, system("test"))
    await app.bank_accounts.verified(added.account_id, system("test"))
    provider_id = await market.provider()
    service_id = await market.service(provider_id, Money(12_345, "USD"))
    request = TakeHold(
        hold_id=market.id("hld"),
        service_id=service_id,
        start_at=market.tomorrow() + timedelta(days=12),
        zone="Europe/Lisbon",
    )
    return (await app.checkout.hold(request, ana)).hold_id, added.account_id


async def test_a_booking_is_paid_from_a_bank_account_and_its_authorization_read_again(shop: Shop) -> None:
    hold_id, account_id = await prepared(shop)
    async with shop.client() as client:
        await sign_in(client, ANA)
        checkout = await client.get(f"/checkout/{hold_id}")
        path = f"/checkout/{hold_id}/bank"
        page = await client.get(path)
        fields = {"account": account_id, "text_sha256": hidden(page.text, "text_sha256"), "total": "12345"}
        unread = await post(client, path, seen_on=path, **fields)
        done = await post(client, path, seen_on=path, **fields, agreed="1")
        end = await client.get(f"/checkout/{hold_id}")
        booking_id = re.search(r"/bookings/(bkg_\w+)/confirmed", end.headers["location"])
        assert booking_id
        (payment,) = await shop.market.app.payments.payments_of(booking_id[1])
        copy = await client.get(f"/payments/{payment.value.payment_id}/mandate")

    assert path in checkout.text
    assert "I authorize Ecosystem to debit my checking account at JPMorgan Chase ending in 7465" in html.unescape(
        page.text
    )
    assert "000398217465" not in page.text
    assert (unread.status_code, 'id="agreed-wrong"' in unread.text) == (422, True) or unread.status_code == 400
    assert done.status_code == 303
    assert (await shop.market.app.bookings.row(booking_id[1])).value.status is BookingStatus.CONFIRMED
    assert "USD 123.45" in copy.text


async def test_a_debit_that_is_not_sent_yet_is_revoked_by_cancelling(shop: Shop) -> None:
    hold_id, account_id = await prepared(shop)
    async with shop.client() as client:
        await sign_in(client, ANA)
        path = f"/checkout/{hold_id}/bank"
        page = await client.get(path)
        fields = {"account": account_id, "text_sha256": hidden(page.text, "text_sha256"), "total": "12345"}
        await post(client, path, seen_on=path, **fields, agreed="1")
        [row] = (await shop.market.app.bookings.of_customer(shop.people[ANA], OPERATOR)).values
        here = f"/bookings/{row.booking_id}"
        booking, asked = await client.get(here), await client.get(f"{here}/cancel")
        done = await post(client, f"{here}/cancel", seen_on=f"{here}/cancel", refund=hidden(asked.text, "refund"))

    assert "until it is, cancelling revokes it" in booking.text
    assert "Cancelling revokes it: nothing is debited." in asked.text
    assert done.status_code == 303
    assert (await shop.market.app.bookings.row(row.booking_id)).value.status is BookingStatus.CANCELLED


async def test_an_authorization_is_nobody_elses(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, ANA)
        unknown: httpx.Response = await client.get("/payments/pay_01kag2m8xw0000000000000000/mandate")
        nonsense = await client.get("/payments/x/mandate")

    assert (unknown.status_code, nonsense.status_code) == (404, 404)
