"""What the console shows: figures that agree, everything about a booking, the ledger, the outbox; masked in lists."""

from __future__ import annotations

import csv
import hmac
import json
import re
from datetime import timedelta
from io import StringIO
from urllib.parse import quote

import httpx
from tests.web.console.busy import FRAGMENT, Busy, act, said
from tests.web.shop import ANA, Shop

from ecosystem.contexts.ledger import Transfer, chart
from ecosystem.contexts.notifications import Outbox
from market import KEYS


async def test_the_dashboard_adds_up(happened: Busy, olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console?days=7")
    shown = said(page)

    held = await happened.shop.market.app.figures.now(happened.operator)
    assert held.of("money:EUR", "escrow") == 41_000
    assert "Held in escrow €410.00" in shown
    assert "Commission earned €10.00" in shown
    assert re.search(r"Disputed</span>\s*</a><span[^>]*>1<", page.text)
    assert page.text.count('<tr><td><a class="row-link') == 6
    assert 'aria-label="Line chart: €620.00 taken in 7 days"' in page.text
    assert "NaN" not in page.text


async def test_an_empty_marketplace_has_a_dashboard_too(shop: Shop, olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console?days=90")

    assert page.status_code == 200
    assert "No booking yet" in page.text
    for path in ("bookings", "ledger", "events", "mail", "webhooks", "settings", "providers?status=pending"):
        assert (await olga.get(f"/console/{path}")).status_code == 200


async def test_bookings_are_found_by_status_by_id_and_by_address(happened: Busy, olga: httpx.AsyncClient) -> None:
    ahead = happened.bookings["ahead"]
    payment = (await happened.shop.market.app.payments.payments_of(ahead))[0].value
    disputed = await olga.get("/console/bookings?status=disputed")
    by_address = await olga.get("/console/bookings?q=ada@example.org")

    assert re.findall(r'href="/console/bookings/(bkg_\w+)"', disputed.text) == [happened.bookings["disputed"]]
    for known in (ahead, payment.payment_id):
        found = await olga.get(f"/console/bookings?q={known}")
        assert found.headers["location"] == f"/console/bookings/{ahead}"
    assert set(re.findall(r'href="/console/bookings/(bkg_\w+)"', by_address.text)) == set(happened.bookings.values())
    assert "a···@example.org" in disputed.text
    assert "Lovelace" not in disputed.text


async def test_a_booking_shows_all_there_is(happened: Busy, olga: httpx.AsyncClient) -> None:
    cancelled = await olga.get(f"/console/bookings/{happened.bookings['cancelled']}")
    payment = (await happened.shop.market.app.payments.payments_of(happened.bookings["cancelled"]))[0].value
    shown = said(cancelled)

    for words in (
        "Booking placed", "Payment captured", "Refund issued", "“Ill”", payment.intent_id or "", "€110.00", "version 1",
        "charge.base", "processor:EUR", "Ada Lovelace", "ada@example.org",
    ):  # fmt: skip
        assert words in shown, words
    assert f"/console/people/{happened.operator.actor_id}" in cancelled.text
    assert shown.count("Cancelled: Portrait session") >= 1


async def test_a_statement_pages_and_goes_to_a_spreadsheet_without_formulas(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    ledger = happened.shop.market.app.ledger
    account = chart.provider(happened.provider_id, "EUR")
    nasty = Transfer(
        transfer_id='=HYPERLINK("http://x"),1', debit_account_id=account, credit_account_id="commission:EUR", amount=1,
        ledger="EUR", code=41, reference="@SUM(A1)",
    )  # fmt: skip
    happened.shop.market.clock.advance(timedelta(seconds=1))
    await ledger.submit(nasty)
    page = await olga.get(f"/console/ledger/account?id={quote(account)}")
    table = await olga.get(f"/console/ledger/account.csv?id={quote(account)}")
    rows = list(csv.DictReader(StringIO(table.text)))

    assert "€89.99" in page.text
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["posted"], row["balance"]) for row in rows] == [("-0.01", "89.99"), ("90.00", "90.00")]
    assert rows[0]["transfer"] == """'=HYPERLINK("http://x"),1"""
    assert rows[0]["reference"] == "'@SUM(A1)"
    summed = await olga.get("/console/ledger/account?id=processor:EUR&month=2026-11")
    assert summed.text.count('class="row-link font-medium"') >= 6


async def test_a_transfer_shows_its_sides_and_what_belongs_to_it(happened: Busy, olga: httpx.AsyncClient) -> None:
    booking_id = happened.bookings["done"]

    page = await olga.get(f"/console/ledger/transfer?id={booking_id}.release.provider")

    assert chart.escrow(booking_id) in page.text
    assert chart.provider(happened.provider_id, "EUR") in page.text
    assert f"{booking_id}.release.commission" in page.text
    assert "Portrait session" in page.text


async def test_a_verification_runs_beside_and_is_kept(happened: Busy, olga: httpx.AsyncClient) -> None:
    app = happened.shop.market.app
    asked = await act_verify(olga)
    waiting = await olga.get(asked.headers["location"])
    await app.inspections.step()
    fragment = await olga.get(asked.headers["location"], headers=FRAGMENT)
    overview = said(await olga.get("/console/ledger"))

    assert 'hx-trigger="every 1s"' in waiting.text
    assert "hx-trigger" not in fragment.text
    assert "Everything holds" in fragment.text
    assert "7 bookings" not in fragment.text
    assert "6 bookings" in fragment.text
    assert "€410.00" in fragment.text
    assert "Holds" in overview


async def act_verify(client: httpx.AsyncClient) -> httpx.Response:
    page = await client.get("/console/ledger")
    proof = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert proof
    return await client.post("/console/ledger/verify", data={"csrf_token": proof[1]})


async def test_events_are_filtered_and_read_whole(happened: Busy, olga: httpx.AsyncClient) -> None:
    cancelled = await olga.get("/console/events?type=BookingCancelled")
    about = await olga.get(f"/console/events?about={happened.bookings['done']}")
    event_id = re.findall(r'/console/events/detail\?id=([^"]+)"', cancelled.text)
    detail = await olga.get(f"/console/events/detail?id={event_id[0]}")

    assert len(event_id) == 1
    assert "BookingCompleted" in about.text
    assert "BookingCancelled" not in said(about).replace("placeholder", "")
    assert "&quot;type&quot;: &quot;BookingCancelled&quot;" in detail.text
    assert "notification-handler" in detail.text
    first = await olga.get("/console/events")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = await olga.get(following[1].replace("&amp;", "&"))
    ids = [re.findall(r'/console/events/detail\?id=([^"]+)"', page.text) for page in (first, second)]
    assert not set(ids[0]) & set(ids[1])


async def test_mails_are_masked_in_lists_and_whole_in_a_frame_where_nothing_runs(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    listed = await olga.get("/console/mail")
    to_ada = await olga.get("/console/mail?q=ada@example.org")
    mail_id = re.findall(r"/console/mail/(mal_\w+)", to_ada.text)[-1]
    page = await olga.get(f"/console/mail/{mail_id}")
    html = await olga.get(f"/console/mail/{mail_id}/html")
    invitation = await olga.get(f"/console/mail/{mail_id}/invitation.ics")
    again = await act(olga, f"/console/mail/{mail_id}", x="y")

    assert "ada@example.org" not in listed.text
    assert "a···@example.org" in listed.text
    assert f'src="/console/mail/{mail_id}/html" sandbox=""' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "frame-src 'self'" not in listed.headers["content-security-policy"]
    assert "sandbox" in html.headers["content-security-policy"]
    assert html.headers["x-frame-options"] == "SAMEORIGIN"
    assert invitation.text.startswith("BEGIN:VCALENDAR")
    assert again.status_code == 405
    proof = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert proof
    sent = await olga.post(f"/console/mail/{mail_id}/send", data={"csrf_token": proof[1]})
    assert sent.status_code == 409
    assert "No mail server is set" in sent.text


async def test_a_failed_mail_is_sent_again_where_there_is_a_server(happened: Busy) -> None:
    app = happened.shop.market.app
    outbox = Outbox(app.ports.table, app.ports.press, app.ports.clock)
    letter = (await outbox.to("ada@example.org", happened.operator))[0]

    await outbox.send_again(letter.mail_id, happened.operator)

    assert [each.mail_id for each in await outbox.queued(happened.operator)] == [letter.mail_id]


async def test_webhooks_wait_until_they_are_acted_upon(happened: Busy, olga: httpx.AsyncClient) -> None:
    app = happened.shop.market.app
    payment = (await app.payments.payments_of(happened.bookings["ahead"]))[0].value
    stored = await webhook(happened, "evt_news", payment.intent_id or "", payment.payment_id, payment.booking_id)
    unknown = await webhook(happened, "evt_lost", "pi_lost", "pay_lost", happened.bookings["ahead"])
    assert stored
    assert unknown
    waiting = await olga.get("/console/webhooks")
    proof = re.search(r'name="csrf_token" value="([^"]+)"', waiting.text)
    assert proof
    acted = await olga.post("/console/webhooks/evt_news/replay", data={"csrf_token": proof[1]})
    refused = await olga.post("/console/webhooks/evt_lost/replay", data={"csrf_token": proof[1]})
    page = await olga.get("/console/webhooks/evt_news")

    assert "Not acted upon yet" in waiting.text
    assert acted.status_code == 303
    assert refused.status_code == 404
    assert "There is no such payment." in refused.text
    assert "Processed" in page.text
    assert payment.booking_id in page.text
    assert len(await app.hearing.waiting(happened.operator)) == 1


async def test_what_never_arrived_and_what_nobody_knows_is_shown(happened: Busy, olga: httpx.AsyncClient) -> None:
    opened = happened.shop.market
    opened.clock.advance(timedelta(minutes=11))
    made = await opened.app.missed_events.compare()
    event = made.missed[0].thing_id
    body = json.dumps({"id": "evt_odd", "type": "charge.teleported", "created": 1, "data": {"object": {}}}).encode()
    await opened.app.webhooks.take_in(body)
    await opened.app.hearing.act("evt_odd")

    listed = await olga.get("/console/webhooks")
    missed = await olga.get(f"/console/webhooks/{event}")
    odd = await olga.get("/console/webhooks/evt_odd")

    assert made.count
    assert f"{made.count} repaired, 0 left" in listed.text
    assert event in listed.text
    assert "Types that nobody here knows" in listed.text
    assert "charge.teleported" in listed.text
    assert "Never arrived; found in the processor" in missed.text
    assert "Nobody here knows this type of event." in odd.text
    assert "Recorded" in odd.text


async def webhook(happened: Busy, event_id: str, intent_id: str, payment_id: str, booking_id: str) -> bool:
    """An event of the processor, signed and stored."""
    at = int(happened.shop.market.clock.now().timestamp())
    body = json.dumps({
        "id": event_id, "type": "payment_intent.succeeded", "created": at,
        "data": {"object": {"id": intent_id, "object": "payment_intent",
                            "metadata": {"payment_id": payment_id, "booking_id": booking_id}}},
    }).encode()  # fmt: skip
    signed = hmac.digest(KEYS.webhook_secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    receipt = await happened.shop.market.app.webhooks.receive(body, f"t={at},v1={signed}")
    return receipt.is_new


async def test_people_and_the_palette_find_without_showing_addresses(happened: Busy, olga: httpx.AsyncClient) -> None:
    people = await olga.get("/console/people?q=ana@")
    options = await olga.get("/console/find?q=ana%40", headers=FRAGMENT)
    by_id = await olga.get(f"/console/people?q={happened.shop.people[ANA]}")
    page = await olga.get(f"/console/find?q={happened.bookings['ahead']}")

    assert people.text.count('class="row-link font-medium"') == 1
    assert ANA not in people.text.replace(f'value="{ANA[:4]}"', "")
    assert options.text.startswith('<a role="option" id="found-1"')
    assert ANA not in options.text
    assert by_id.headers["location"] == f"/console/people/{happened.shop.people[ANA]}"
    assert f"/console/bookings/{happened.bookings['ahead']}" in page.text
