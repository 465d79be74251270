"""What a provider offers and when: forms with nonsense, conflicts, buttons, photographs, days off."""

from __future__ import annotations

import re
from html import unescape

import httpx
from tests.web.provider.desk import (
    FRAGMENT,
    Desk,
    csrf,
    filled,
    opened_desk,
    photograph,
    said,
    sent,
)
from tests.web.shop import Shop, token

from ecosystem.contexts.catalogue import ServiceStatus
from ecosystem.kernel.money import Money

NONSENSE = {
    "/provider/profile/about": [
        ({"name": "x"}, "At least 2 characters."),
        ({"name": "Pedro", "headline": "x" * 161}, "At most 160 characters; this has 161."),
        ({"name": "Pedro", "headline": "Taps", "languages": "xx"}, "&#x27;xx&#x27; is not an ISO 639-1 code"),
        ({"name": "Pedro\u202eorreF", "headline": "Taps", "languages": "en"}, "not text (U+202E)"),
        ({"name": "Pedro", "headline": "", "languages": "en"}, "Say in one line what you do."),
    ],
    "/provider/profile/place": [
        ({"place": "Lisbon", "point": "somewhere", "zone": "Europe/Lisbon"}, "Copy two numbers such as"),
        ({"place": "Lisbon", "point": "91, 0", "zone": "Europe/Lisbon"}, "A latitude lies between -90 and 90"),
        ({"place": "Lisbon", "point": "38.7, -9.1", "zone": "Mars/Base"}, "is not an IANA time zone"),
        ({"place": "Lisbon", "point": "38.7, -9.1", "zone": "UTC", "radius_km": "999"}, "A whole number from 0 to 500."),
    ],
    "/provider/profile/address": [
        ({"slug": "Two Words!"}, "parted by single hyphens"),
        ({"slug": "teresa-sousa"}, "already taken"),
        ({"slug": "admin"}, "kept for the marketplace"),
    ],
    "/provider/services/new": [
        ({"title": "ab"}, "At least 3 characters."),
        ({"title": "Taps", "price": "lots"}, "is not an amount such as 12.50"),
        ({"title": "Taps", "price": "12.345", "currency": "EUR"}, "EUR has 2 decimals."),
        ({"title": "Taps", "price": "12.5", "currency": "JPY"}, "JPY has 0 decimals."),
        ({"title": "Taps", "price": "1", "currency": "XXX"}, "is not an ISO 4217 currency"),
        ({"title": "Taps", "price": "0"}, "It is more than nothing"),
        ({"title": "Taps", "category": "witchcraft"}, "There is no category"),
        ({"title": "Taps", "duration_min": "3"}, "A whole number from 5 to 1440."),
        ({"title": "Taps", "mode": "by_post"}, "Choose one of those offered."),
        ({"title": "Taps", "policy": "none"}, "It is one of flexible, moderate, strict."),
        ({"title": "Taps", "booking": "maybe"}, "Choose one of those offered."),
        ({"title": "Taps", "notice_min": "129600", "horizon_days": "7"}, "as long as the booking horizon"),
        ({"title": "Taps", "unknown": "1"}, "This form has no field"),
        ({"title": "Taps", "service_id": "svc_x"}, "not an id such as"),
    ],
    "/provider/availability/off": [
        ({"first": "tomorrow"}, "A date, such as 2026-11-24."),
        ({"first": "2026-12-05", "last": "2026-12-01"}, "The last day comes after the first"),
        ({"first": "9999-12-31"}, "That date is too far away."),
        ({"first": "2026-12-05", "from_time": "25:00"}, "A time of day, such as 09:30."),
        ({"first": "2026-12-05", "from_time": "14:00", "to_time": "09:00"}, "It ends after it begins."),
    ],
    "/provider/availability/hours": [
        ({"day": "2026-12-05", "opens_1": "12:00", "closes_1": "10:00"}, "A window closes after it opens"),
        ({"day": "2026-12-05", "opens_1": "09:00", "closes_1": "12:00", "opens_2": "14:00"}, "belong together"),
        (
            {"day": "2026-12-05", "opens_1": "09:00", "closes_1": "12:00", "opens_2": "11:00", "closes_2": "13:00"},
            "Windows of a day do not overlap.",
        ),
    ],
}  # fmt: skip


async def test_nonsense_in_each_form_is_told_beside_its_field_and_changes_nothing(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    desk = await opened_desk(shop)
    app = shop.market.app
    before = [await app.providers.load(desk.provider_id), await app.plans.get(desk.provider_id)]
    services = await app.services.of(desk.provider_id)
    proof = await csrf(pedro)
    for path, tries in NONSENSE.items():
        for fields, sentence in tries:
            made = {"service_id": shop.market.id("svc")} if path.endswith("new") else {}
            for headers in (FRAGMENT, {}):
                answer = await pedro.post(path, data={"csrf_token": proof, **made, **fields}, headers=headers)
                assert answer.status_code in {409, 422}, (path, fields, answer.status_code)
                assert sentence in answer.text, (path, fields, said(answer.text))
                assert ("<html" in answer.text) is not bool(headers)

    after = [await app.providers.load(desk.provider_id), await app.plans.get(desk.provider_id)]
    assert after == before
    assert await app.services.of(desk.provider_id) == services


async def test_two_windows_that_edit_one_service_are_told_and_nothing_typed_is_lost(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    desk = await opened_desk(shop)
    path = f"/provider/services/{desk.ids['instant']}"
    page = (await pedro.get(path)).text
    mine = filled(page) | {"title": "Mine", "csrf_token": token(page)}
    theirs = filled(page) | {"title": "Theirs", "price": "80", "csrf_token": token(page)}

    first = await pedro.post(path, data=theirs)
    second = await pedro.post(path, data=mine)
    again = filled(second.text) | {"csrf_token": token(second.text)}
    third = await pedro.post(path, data=again)
    row = await shop.market.app.services.load(desk.provider_id, desk.ids["instant"])

    assert first.status_code == 303
    assert second.status_code == 409
    assert "This was changed meanwhile" in second.text
    assert "Title now says: Theirs" in second.text
    assert "Price now says: 80.00" in second.text
    assert 'value="Mine"' in second.text
    assert third.status_code == 303
    assert (row.value.title, row.value.price) == ("Mine", Money(6_500, "EUR"))


async def test_a_service_sent_twice_is_made_once_and_published_closed_and_brought_back(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    desk = await opened_desk(shop)
    page = (await pedro.get("/provider/services/new")).text
    form = filled(page) | {
        "title": "Boiler check", "category": "hvac", "description": "Cleaned, tested, written down.", "price": "75,50",
        "csrf_token": token(page), "act": "draft",
    }  # fmt: skip
    first, second = [await pedro.post("/provider/services/new", data=form) for _ in range(2)]
    made = first.headers["location"]
    service_id = made.rpartition("/")[2]
    draft = await pedro.get(made)
    proof = await csrf(pedro)
    published = await pedro.post(f"{made}/publish", data={"csrf_token": proof})
    closed = await pedro.post(f"{made}/close", data={"csrf_token": proof})
    listed = unescape((await pedro.get(closed.headers["location"])).text)
    undo = re.search(r'action="(/provider/services/[^"]+/publish)">', listed)

    assert first.headers["location"] == second.headers["location"]
    assert len(await shop.market.app.services.of(desk.provider_id)) == 3
    assert "Saved as a draft" in draft.text
    assert published.headers["location"] == made
    assert undo
    await pedro.post(undo[1], data={"csrf_token": proof})
    row = await shop.market.app.services.load(desk.provider_id, service_id)
    assert (row.value.status, row.value.price) == (ServiceStatus.PUBLISHED, Money(7_550, "EUR"))


async def test_publishing_what_is_not_ready_says_what_is_missing_beside_the_fields(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    await opened_desk(shop)
    page = (await pedro.get("/provider/services/new")).text
    made = await pedro.post(
        "/provider/services/new", data=filled(page) | {"title": "Something", "csrf_token": token(page)}
    )
    refused = await pedro.post(f"{made.headers['location']}/publish", data={"csrf_token": await csrf(pedro)})

    assert refused.status_code == 422
    wrong = said(refused.text)
    for sentence in ("Describe what the customer gets.", "Choose a category.", "Name the price."):
        assert sentence in wrong


async def test_the_week_is_edited_by_its_buttons_and_told_window_by_window(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    desk = await opened_desk(shop)
    proof = await csrf(pedro)
    week = [("csrf_token", proof), ("version", "1"), ("zone", "Europe/Lisbon"), ("step", "30")]
    monday = [
        ("monday.opens", "09:00"),
        ("monday.closes", "12:00"),
        ("monday.opens", "11:00"),
        ("monday.closes", "10:00"),
    ]

    added = await sent(pedro, [*week, *monday[:2], ("act", "add:tuesday")])
    copied = await sent(pedro, [*week, *monday[:2], ("act", "copy:monday"), ("monday.onto", "sunday")])
    removed = await sent(pedro, [*week, *monday, ("act", "remove:monday:1")])
    wrong = await sent(pedro, [*week, *monday, ("friday.opens", "xx"), ("friday.closes", ""), ("act", "save")])
    unchanged = await shop.market.app.plans.get(desk.provider_id)
    late = [("saturday.opens", "20:00"), ("saturday.closes", "00:00"), ("act", "save")]
    saved = await sent(pedro, [*week, *monday[:2], *late])
    stale = await sent(pedro, [*week, *monday[:2], ("act", "save")])
    plan = await shop.market.app.plans.get(desk.provider_id)

    assert re.search(r'name="tuesday.opens" value="09:00"', added.text)
    assert "Not saved yet" in added.text
    assert re.search(r'name="sunday.closes" value="12:00"', copied.text)
    assert removed.text.count('name="monday.opens"') == 1
    assert wrong.status_code == 422
    assert re.search(r'id="monday-2-wrong".*?A window closes after it opens', wrong.text, re.DOTALL)
    assert re.search(r'id="friday-1-wrong".*?is not a time of day', wrong.text, re.DOTALL)
    assert 'id="monday-1-wrong"' not in wrong.text
    assert unchanged is not None
    assert unchanged.version == 1
    assert saved.status_code == 303
    assert plan is not None
    assert [(each.opens, each.closes) for each in plan.value.week.saturday] == [("20:00", "24:00")]
    assert stale.status_code == 422
    assert "changed meanwhile" in stale.text


async def test_nonsense_for_a_week_never_breaks_it(shop: Shop, pedro: httpx.AsyncClient) -> None:
    desk = await opened_desk(shop)
    proof = await csrf(pedro)
    for fields in (
        [("act", "save"), ("zone", "Nowhere/Land"), ("step", "30")],
        [("act", "save"), ("zone", "UTC"), ("step", "-1")],
        [("act", "save"), ("zone", "UTC"), ("step", "x" * 9_000)],
        [("act", "copy:nonday"), ("zone", "UTC"), ("step", "7")],
        [("act", "remove:monday:99999999999999999999"), ("zone", ""), ("version", "9" * 400)],
        [("act", "save"), ("zone", "UTC"), ("step", "30"), ("monday.opens", "09:00"), ("monday.closes", "99:99")],
    ):
        answer = await sent(pedro, [("csrf_token", proof), *fields])
        assert answer.status_code in {200, 422}, fields
    plan = await shop.market.app.plans.get(desk.provider_id)
    assert plan is not None
    assert plan.version == 1


async def test_days_off_are_planned_shown_with_what_stands_in_them_and_undone(
    desk: Desk, shop: Shop, pedro: httpx.AsyncClient
) -> None:
    proof = await csrf(pedro)
    off = {"csrf_token": proof, "first": "2026-11-23", "last": "2026-11-24", "note": "Lagos"}
    planned = await pedro.post("/provider/availability/off", data=off)
    shown = unescape((await pedro.get(planned.headers["location"])).text)
    gone = re.search(r'action="(/provider/availability/dates/remove[^"]+)"', shown)
    hours = {"csrf_token": proof, "day": "2026-12-05", "opens_1": "10:00", "closes_1": "12:00"}
    await pedro.post("/provider/availability/hours", data=hours)
    plan = await shop.market.app.plans.get(desk.provider_id)
    assert gone
    removed = await pedro.post(gone[1], data={"csrf_token": proof})
    back = unescape((await pedro.get(removed.headers["location"])).text)
    undo = re.search(r'action="(/provider/availability/dates/restore[^"]+)"', back)
    twice = await pedro.post(gone[1], data={"csrf_token": proof})

    assert "Monday 23 November to Tuesday 24 November" in shown
    assert "3 bookings stand in this time" in shown
    assert plan is not None
    assert len(plan.value.time_off) == len(plan.value.exceptions) == 1
    assert undo
    await pedro.post(undo[1], data={"csrf_token": proof})
    again = await shop.market.app.plans.get(desk.provider_id)
    assert again is not None
    assert again.value.time_off == plan.value.time_off
    assert twice.status_code == 422


async def test_photographs_are_sent_described_ordered_removed_and_brought_back(
    shop: Shop, pedro: httpx.AsyncClient
) -> None:
    desk = await opened_desk(shop)
    service = desk.ids["instant"]
    to, back = f"/provider/photos/{service}", f"/provider/services/{service}"
    fields = {"csrf_token": await csrf(pedro), "back": back}
    files = [("photos", (f"{at}.png", photograph(colour), "image/png")) for at, colour in enumerate(("#900", "#090"))]
    sent = await pedro.post(to, data=fields, files=files)
    mixed = [*files[:1], ("photos", ("page.html", b"<html>", "image/png"))]
    partly = await pedro.post(to, data=fields, files=mixed)
    nothing = await pedro.post(to, data=fields)

    async def media() -> tuple[str, ...]:
        return (await shop.market.app.services.load(desk.provider_id, service)).value.media

    first, second, third = await media()
    await pedro.post(f"{to}/order", data=fields | {"move": f"{first}:later"})
    assert await media() == (second, first, third)
    await pedro.post(f"{to}/order", data=fields | {"order": [third, "med_x", first]})
    assert await media() == (third, first, second)
    await pedro.post(f"{to}/{first}/alt", data=fields | {"alt": "A tap that no longer drips"})
    removed = await pedro.post(f"{to}/{first}/remove", data=fields, headers=FRAGMENT)
    assert await media() == (third, second)
    undo = re.search(rf'action="({to}/{first}/restore[^"]+)"', unescape(removed.text))
    assert undo
    await pedro.post(undo[1], data=fields)
    assert await media() == (third, first, second)
    page = (await pedro.get(back)).text

    assert (sent.status_code, sent.headers["location"]) == (303, back)
    assert partly.status_code == 422
    assert "page.html" in partly.text
    assert "That is not a picture we take" in partly.text
    assert "Choose a photograph first." in nothing.text
    assert 'alt="A tap that no longer drips"' in page
