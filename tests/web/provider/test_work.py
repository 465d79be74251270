"""Requests, bookings and earnings of a provider: what each act does, and the words for what it does not."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import httpx
from tests.web.provider.desk import (
    FRAGMENT,
    Desk,
    csrf,
)
from tests.web.shop import Shop, hidden

from ecosystem.contexts.booking import BookingStatus, ReportNoShow, Side
from ecosystem.contexts.catalogue import ServiceFields
from ecosystem.web.provider.bookings.money import summed
from market import ADA, GUEST


async def test_a_request_is_accepted_and_another_declined_with_words_on_the_money(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    page = (await pedro.get("/provider/requests")).text
    proof = await csrf(pedro)
    waiting, urgent = desk.ids["waiting"], desk.ids["urgent"]
    accepted = await pedro.post(f"/provider/bookings/{waiting}/accept", data={"csrf_token": proof})
    news = (await pedro.get(accepted.headers["location"])).text
    wordy = await pedro.post(f"/provider/bookings/{urgent}/decline", data={"csrf_token": proof, "reason": "x" * 1_001})
    back = {"csrf_token": proof, "reason": "I am away that day.", "back": "/provider/requests"}
    declined = await pedro.post(f"/provider/bookings/{urgent}/decline", data=back)
    late = await pedro.post(f"/provider/bookings/{urgent}/accept", data={"csrf_token": proof})
    rest = (await pedro.get("/provider/requests")).text

    assert page.index(urgent) < page.index(waiting)
    assert "ada@example.org" not in page
    assert "Accept, and €120.00 is taken from the customer" in page
    assert accepted.headers["location"] == f"/provider/bookings/{waiting}"
    assert "Accepted and paid." in news
    assert "ada@example.org" in news
    assert wordy.status_code == 422
    assert declined.headers["location"] == "/provider/requests"
    assert late.status_code == 409
    assert "That was not done" in late.text
    assert "Nobody waits for you" in rest
    app = shop.market.app
    assert (await app.bookings.get(waiting, desk.owner)).status is BookingStatus.CONFIRMED
    assert (await app.bookings.get(urgent, desk.owner)).status is BookingStatus.DECLINED


async def test_a_booking_is_called_off_moved_or_reported_from_its_page(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    proof = await csrf(pedro)
    app, base = shop.market.app, "/provider/bookings"
    silent = await pedro.post(f"{base}/{desk.ids['ahead']}/cancel", data={"csrf_token": proof})
    picker = (await pedro.get(f"{base}/{desk.ids['today']}/move?day=2026-11-26")).text
    start = re.search(r'name="start" value="([^"]+)"', picker)
    assert start
    none = await pedro.post(f"{base}/{desk.ids['today']}/move", data={"csrf_token": proof}, headers=FRAGMENT)
    odd = {"csrf_token": proof, "start": "2026-11-26T03:00:00Z"}
    closed = await pedro.post(f"{base}/{desk.ids['today']}/move", data=odd, headers=FRAGMENT)
    moved = await pedro.post(f"{base}/{desk.ids['today']}/move", data={"csrf_token": proof, "start": start[1]})
    called = {"csrf_token": proof, "reason": "A burst pipe elsewhere."}
    off = await pedro.post(f"{base}/{desk.ids['ahead']}/cancel", data=called)
    absent = await pedro.post(
        f"{base}/{desk.ids['absent']}/no-show", data={"csrf_token": proof, "reason": "Nobody home."}
    )
    early = await pedro.post(f"{base}/{desk.ids['today']}/no-show", data={"csrf_token": proof})
    taken = (await pedro.get(f"{base}/{desk.ids['moving']}")).text
    answered = await pedro.post(
        f"{base}/{desk.ids['moving']}/answer", data={"csrf_token": proof, "start": hidden(taken, "start")}
    )

    assert silent.status_code == 422
    assert "Say why you cancel" in silent.text
    assert none.status_code == 422
    assert "Choose a time first." in none.text
    assert closed.status_code == 409
    assert {moved.status_code, off.status_code, absent.status_code, answered.status_code} == {303}
    assert early.status_code == 409
    status = {name: (await app.bookings.get(desk.ids[name], desk.owner)) for name in ("ahead", "absent", "moving")}
    assert status["ahead"].status is BookingStatus.CANCELLED
    assert status["absent"].status is BookingStatus.NO_SHOW
    assert status["moving"].proposal is None


async def test_a_report_against_the_provider_is_disputed_or_admitted(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    app, proof = shop.market.app, await csrf(pedro)
    booking = desk.ids["absent"]
    await app.closing.report_no_show(ReportNoShow(booking_id=booking, absent=Side.PROVIDER), GUEST)
    page = (await pedro.get(f"/provider/bookings/{booking}")).text
    mute = await pedro.post(f"/provider/bookings/{booking}/contest", data={"csrf_token": proof})
    said_so = {"csrf_token": proof, "reason": "I rang twice."}
    disputed = await pedro.post(f"/provider/bookings/{booking}/contest", data=said_so)

    assert "You were reported absent" in page
    assert mute.status_code == 422
    assert disputed.status_code == 303
    assert (await app.bookings.get(booking, desk.owner)).status is BookingStatus.DISPUTED


async def test_the_statement_is_a_file_that_no_spreadsheet_runs(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    page = (await pedro.get("/provider/earnings")).text
    file = await pedro.get("/provider/earnings/statement.csv?currency=EUR&first=2026-11-01&last=2026-11-30")
    empty = await pedro.get("/provider/earnings/statement.csv?first=2020-01-01&last=2020-01-31")
    wrong = await pedro.get("/provider/earnings/statement.csv?first=2026-12-01&last=2026-11-01")
    far = await pedro.get("/provider/earnings/statement.csv?first=0001-01-01")

    assert "€58.50" in page
    assert f"/provider/bookings/{desk.ids['earned']}" in page
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in file.headers["content-disposition"]
    head, line = file.content.decode("utf-8-sig").strip().splitlines()
    assert head == "time,zone,kind,service,booking,amount,balance,currency,transfer"
    assert "Share released,Portrait session" in line
    assert ",58.50,58.50,EUR," in line
    assert len(empty.text.strip().splitlines()) == 1
    assert (wrong.status_code, far.status_code) == (422, 422)


async def test_the_calendar_has_an_address_that_can_be_renewed(desk: Desk, pedro: httpx.AsyncClient) -> None:
    before = _feed((await pedro.get("/provider/bookings")).text)
    file = await pedro.get(f"/provider/bookings/{desk.ids['ahead']}/calendar.ics")
    await pedro.post("/provider/calendar/renew", data={"csrf_token": await csrf(pedro)})

    assert f"/api/calendars/{desk.provider_id}/" in before
    assert _feed((await pedro.get("/provider/bookings")).text) != before
    assert file.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in file.text


def _feed(page: str) -> str:
    found = re.search(r'id="feed-address" readonly value="([^"]+)"', page)
    assert found
    return unescape(found[1])


async def test_a_title_like_a_formula_is_no_formula_in_the_file(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    app, market = shop.market.app, shop.market
    await app.services.edit(desk.ids["instant"], ServiceFields(title='=HYPERLINK("x") <b>'), desk.owner)
    paid = await market.book(desk.ids["instant"], market.clock.now() + timedelta(hours=5, minutes=10), ADA)
    market.clock.advance(timedelta(hours=6))
    await app.closing.complete(paid.booking.booking_id, ADA)
    file = await pedro.get("/provider/earnings/statement.csv")
    page = await pedro.get("/provider/earnings")

    assert "'=HYPERLINK" in file.text
    assert "<b>" not in page.text


async def test_a_cursor_nobody_gave_out_is_refused_in_words(desk: Desk, pedro: httpx.AsyncClient) -> None:
    for path in ("/provider/bookings", "/provider/earnings"):
        for after in ("x", "|", "a|b", "%00", "%C3%A9", "1" * 150):
            answer = await pedro.get(f"{path}?after={after}")
            assert answer.status_code in {200, 422}, (path, after)
    assert desk.ids


async def test_what_each_booking_brings_adds_up_to_what_was_paid(desk: Desk, shop: Shop) -> None:
    market = shop.market
    for name in ("earned", "absent", "today", "ahead", "off", "waiting"):
        booking = await market.app.bookings.get(desk.ids[name], desk.owner)
        payments = [row.value for row in await market.app.payments.payments_of(booking.booking_id)]
        money = summed(booking, payments)
        assert money.rest is not None
        assert money.back + money.rest.surcharge + money.rest.commission + money.yours == money.total, name
