"""A customer's bookings over ASGI: found, moved, cancelled, completed, claimed, exported; and whose they are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from ecosystem.contexts.booking import BookingStatus, Reschedule, Side
from ecosystem.contexts.fraud import Compare, Effect, Kind, Operator, Rule, SetPolicy
from ecosystem.kernel.money import Money
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.wiring import Wiring
from market import OPERATOR

from .customers import GRACE, HAIRCUT, PORTUGUESE, act, ana, book, booking, choose, owner, pay
from .shop import ANA, OLGA, PASSWORD, PEDRO, Shop, hidden, open_shop, post, sign_in, token

DAY = timedelta(days=1)
FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """Ana, signed in."""
    async with shop.client() as opened:
        await sign_in(opened, ANA)
        yield opened


async def link(shop: Shop, path: str) -> str:
    """The secret link of a guest's booking."""
    booking_id = path.split("/")[2]
    return f"/b/{booking_id}/{shop.market.app.links.secret(booking_id)}"


async def test_bookings_stand_under_what_is_ahead_or_behind(shop: Shop, client: httpx.AsyncClient) -> None:
    kept, cancelled = await book(client), await book(client, nth=3)
    preview = (await client.get(f"{cancelled}/cancel")).text
    await act(client, f"{cancelled}/cancel", refund=hidden(preview, "refund"))

    upcoming, past = (await client.get("/bookings")).text, (await client.get("/bookings?tab=past")).text
    shop.market.clock.advance(5 * DAY)
    await Wiring.of(shop.market.app).caught_up()
    later, later_past = (await client.get("/bookings")).text, (await client.get("/bookings?tab=past")).text

    assert (kept in unescape(upcoming), cancelled in unescape(upcoming)) == (True, False)
    assert (kept in unescape(past), cancelled in unescape(past)) == (False, True)
    assert "Nothing booked yet" in later
    assert kept in unescape(later_past)
    assert cancelled in unescape(later_past)


async def test_many_bookings_come_page_by_page_each_once(shop: Shop, client: httpx.AsyncClient) -> None:
    service_id = (await shop.market.app.services.by_slug(HAIRCUT)).service.value.service_id
    free = await shop.market.app.offering.free_times(
        await shop.market.app.offering.offer(service_id),
        shop.market.clock.now().date(),
        (shop.market.clock.now() + 30 * DAY).date(),
        "Europe/Lisbon",
    )
    starts = [slot.start_at for day in free.days for slot in day.slots[::3]][:25]
    for start in starts:
        await shop.market.book(service_id, start, ana(shop))

    seen: list[str] = []
    path = "/bookings"
    while path:
        page = unescape((await client.get(path)).text)
        seen += re.findall(r'href="/bookings/(bkg_\w+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page) or re.search(r'href="([^"]+)" rel="next"', page)
        found = re.search(r'data-variant="outline" rel="next" href="([^"]+)"', page)
        path = found[1] if found else ""
        assert following or not path

    assert len(seen) == len(set(seen)) == len(starts)
    assert (await client.get("/bookings?after=nonsense")).status_code == 422
    assert (await client.get("/bookings?tab=other")).status_code == 422


async def test_a_booking_tells_what_happened_in_words_and_shows_its_price(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    path = await choose(client)
    await pay(client, path, "pm_card_chargeDeclined")
    await pay(client, path)
    booked = (await client.get(path)).headers["location"].removesuffix("/confirmed")
    page = unescape((await client.get(booked)).text)

    told = ["You chose the time", "Declined: Visa ending in 0002", "Paid with Visa ending in 4242", "Confirmed", "You confirm that the work is done"]  # fmt: skip
    story = page[page.index('class="timeline"') :]
    places = [story.index(words) for words in told]
    assert places == sorted(places)
    assert "Held by us until the work is done." in page
    assert "€28.00" in page
    assert "all back, €28.00" in page


async def test_a_visitor_is_led_to_the_sign_in_and_others_learn_nothing(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    unknown = f"/bookings/{shop.market.id('bkg')}"
    ends = ("", "/confirmed", "/receipt", "/calendar.ics", "/cancel", "/complete", "/no-show", "/reschedule")
    acts = ("/cancel", "/complete", "/no-show", "/reschedule", "/proposal", "/claim")

    async with shop.client() as visitor, shop.client() as other:
        led = [await visitor.get(f"{path}{end}") for path in (booked, unknown) for end in ends]
        await sign_in(other, PEDRO)
        seen = [[await other.get(f"{path}{end}") for end in ends] for path in (booked, unknown, "/bookings/x")]
        sent = [[await post(other, f"{path}{end}", seen_on="/") for end in acts] for path in (booked, unknown)]

    assert {(answer.status_code, answer.headers["location"].partition("?")[0]) for answer in led} == {(303, "/sign-in")}
    assert {answer.status_code for answers in (*seen, *sent) for answer in answers} == {404}
    bodies = [re.sub(r'bkg_\w+|csrf_token" value="[^"]+"|CSRF-Token": "[^"]+"|nonce="\w+"', "", each[0].text) for each in seen[:2]]  # fmt: skip
    assert bodies[0] == bodies[1]


async def test_the_provider_and_operators_are_led_to_their_own_pages(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    async with shop.client() as operator:
        await sign_in(operator, OLGA)
        led = await operator.get(booked)
        refused = await post(operator, f"{booked}/complete", seen_on="/")

    assert led.headers["location"] == f"/console{booked}"
    assert refused.status_code == 404


async def test_a_guest_reaches_the_booking_by_the_link_alone(shop: Shop) -> None:
    async with shop.client() as guest:
        way = await link(shop, await book(guest))
    async with shop.client() as elsewhere:
        page = await elsewhere.get(way)
        wrong = [
            await elsewhere.get(path)
            for path in (f"{way}x", way.rpartition("/")[0] + "/x", f"/b/{shop.market.id('bkg')}/{way.rpartition('/')[2]}", "/b/x/y")
        ]  # fmt: skip
        cancelled = await act(elsewhere, f"{way}/cancel", refund=3_080)

    assert page.status_code == 200
    assert f'href="{way}/cancel"' in unescape(page.text)
    assert {answer.status_code for answer in wrong} == {404}
    assert len({re.search(r"<h1.*?</p>", answer.text, re.DOTALL)[0] for answer in wrong}) == 1  # type: ignore[index]
    assert cancelled.headers["location"] == way


async def test_a_guests_booking_moves_into_an_account_and_the_link_ends(shop: Shop) -> None:
    async with shop.client() as guest:
        path = await book(guest)
        way = await link(shop, path)
        nobody = await post(guest, f"{way}/claim", seen_on=way)
    async with shop.client() as client:
        await sign_in(client, ANA)
        offered = (await client.get(way)).text
        claimed = await post(client, f"{way}/claim", seen_on=way)
        again = await client.get(way)
        listed = unescape((await client.get("/bookings")).text)
    async with shop.client() as stranger:
        ended = await stranger.get(way)

    assert nobody.headers["location"].startswith("/sign-in")
    assert "Add to your account" in offered
    assert claimed.headers["location"] == again.headers["location"] == path
    assert path in listed
    assert ended.status_code == 404


async def test_who_booked_as_a_guest_in_this_browser_claims_without_the_link(shop: Shop) -> None:
    async with shop.client() as client, shop.client() as other:
        path = await book(client)
        as_guest = (await client.get("/bookings")).text
        await sign_in(client, ANA)
        listed = unescape((await client.get("/bookings")).text)
        claimed = await post(client, f"{path}/claim", seen_on="/bookings")
        await sign_in(other, PEDRO)
        stolen = await post(other, f"{path}/claim", seen_on="/bookings")

    assert "Booked as a guest, in this browser" in as_guest
    assert f'action="{path}/claim"' in listed
    assert claimed.headers["location"] == path
    assert (await booking(shop, path)).customer_id == shop.people[ANA]
    assert stolen.status_code == 404


async def test_cancelling_shows_exactly_what_goes_back_and_gives_that_back(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    booked = await book(client, nth=5)
    whole = (await client.get(f"{booked}/cancel")).text
    shop.market.clock.advance(timedelta(hours=5))
    stale = await act(client, f"{booked}/cancel", refund=hidden(whole, "refund"), reason="It rains")
    after = await act(client, f"{booked}/cancel", refund=hidden(stale.text, "refund"), reason="It rains")
    twice = await act(client, f"{booked}/cancel", refund="1400")
    await Wiring.of(shop.market.app).settled()
    page = unescape((await client.get(booked)).text)

    assert "Cancel and get €28.00 back" in whole
    assert stale.status_code == 409
    assert "changed while this page stood open" in stale.text
    assert "Cancel and get €14.00 back" in stale.text
    assert "It rains" in stale.text
    assert after.headers["location"] == twice.headers["location"] == booked
    assert "€14.00 sent back to your card" in page
    assert "You paid in the end" in page
    assert "“It rains”" in page
    await shop.market.verified()


async def test_cancelling_a_request_lets_the_reservation_go(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client, PORTUGUESE)
    page = (await client.get(f"{booked}/cancel")).text
    gone = await act(client, f"{booked}/cancel", refund=hidden(page, "refund"))
    await Wiring.of(shop.market.app).settled()
    seen = (await client.get(booked)).text

    assert "€32.00 are reserved on Visa" in page
    assert gone.headers["location"] == booked
    assert "The reservation on your card was let go" in seen
    assert (await client.get(f"{booked}/receipt")).headers["location"] == booked
    await shop.market.verified()


async def test_a_customer_reads_that_their_payment_is_looked_at_first(shop: Shop, client: httpx.AsyncClient) -> None:
    look = Rule(
        rule_id="look",
        name="Look",
        kind=Kind.CHECKOUT,
        when=Compare(feature="amount", op=Operator.AT_LEAST, value=0),
        effect=Effect.REVIEW,
    )
    policy = SetPolicy(version=1, review_at=999, decline_at=1_000, rules=(look,))
    await shop.market.app.fraud_policies.set(policy, OPERATOR)
    booked = await book(client)
    page = unescape((await client.get(booked)).text)

    assert "We confirm your booking" in page
    assert "taken only when we have looked at it" in page
    assert "fraud" not in page.lower()
    assert "taken only when João Prata accepts" not in page


async def test_the_work_is_done_from_its_start_on_and_the_money_released_once(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    booked = await book(client)
    early = await post(client, f"{booked}/complete", seen_on=booked)
    shop.market.clock.advance(DAY + timedelta(hours=1))
    asked = (await client.get(booked)).text
    done = await act(client, f"{booked}/complete")
    twice = await post(client, f"{booked}/complete", seen_on=booked)
    page = (await client.get(booked)).text

    assert (early.status_code, "has not begun" in early.text) == (409, True)
    assert "Is the work done?" in asked
    assert done.headers["location"] == twice.headers["location"] == booked
    assert "Released to João Prata." in page
    assert "You said that the work is done" in page
    await shop.market.sequence()
    assert await shop.market.balance(f"provider:{shop.providers['João Prata']}:EUR") == 2_520
    await shop.market.verified()


async def test_that_the_provider_did_not_come_is_reported_and_waits(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    early = await client.get(f"{booked}/no-show")
    shop.market.clock.advance(DAY + timedelta(hours=1))
    long = await act(client, f"{booked}/no-show", reason="x" * 1_001)
    told = await act(client, f"{booked}/no-show", reason="Nobody opened")
    page = unescape((await client.get(booked)).text)

    assert early.status_code == 409
    assert (long.status_code, "At most 1000 characters" in long.text) == (422, True)
    assert told.headers["location"] == booked
    assert "You reported that João Prata did not come" in page
    assert (await booking(shop, booked)).absent is Side.PROVIDER


async def test_a_booking_moves_at_once_to_a_free_time(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client, nth=3)
    page = (await client.get(f"{booked}/reschedule")).text
    starts = re.findall(r'name="start" value="([^"]+)"', page)
    own = (await booking(shop, booked)).start_at
    async with shop.client() as other:
        await book(other, nth=0)
    taken = await client.post(
        f"{booked}/reschedule", data={"csrf_token": token(page), "start": starts[0]}, headers=FRAGMENT
    )
    wanted = datetime.fromisoformat(starts[-1])
    moved = await act(client, f"{booked}/reschedule", start=starts[-1], zone="Europe/Lisbon")
    again = await act(client, f"{booked}/reschedule", start=starts[-1], zone="Europe/Lisbon")
    seen = unescape((await client.get(booked)).text)

    assert own not in {datetime.fromisoformat(start) for start in starts}
    # Beside the booking itself its time is free: half an hour later overlaps with it.
    assert own + timedelta(minutes=30) in {datetime.fromisoformat(start) for start in starts}
    assert taken.status_code == 409
    assert taken.text.lstrip().startswith('<form id="mover"')
    assert starts[0] not in taken.text
    assert moved.headers["location"] == again.headers["location"] == booked
    assert (await booking(shop, booked)).start_at == wanted
    assert "Moved to" in seen
    assert "You asked for it" in seen


async def test_it_is_too_late_to_move_what_begins_soon(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    shop.market.clock.advance(timedelta(hours=5))

    page = (await client.get(booked)).text
    late = await client.get(f"{booked}/reschedule")
    sent = await post(client, f"{booked}/reschedule", seen_on=booked, start="2026-11-23T10:00:00Z")

    assert f'href="{booked}/reschedule"' not in unescape(page)
    assert late.status_code == 409
    assert "too late to move" in sent.text


async def test_nonsense_instead_of_a_new_time_is_answered_in_place(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    answers = [
        await act(client, f"{booked}/reschedule", start=start)
        for start in ("", "soon", "2026-11-23T10:00:00", "2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z")
    ]
    pages = [
        await client.get(f"{booked}/reschedule?{query}")
        for query in ("month=2026-13", "day=soon", "month=1200-01", "zone=Mars/Olympus")
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 409, 409]
    assert all('id="mover"' in answer.text for answer in answers)
    assert [page.status_code for page in pages] == [422, 422, 422, 200]


async def test_moving_a_request_is_proposed_and_may_be_taken_back(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client, PORTUGUESE, nth=3)
    found = await booking(shop, booked)
    await shop.market.app.acceptance.accept(found.booking_id, owner(found))
    page = (await client.get(f"{booked}/reschedule")).text
    wanted = re.findall(r'name="start" value="([^"]+)"', page)[0]
    asked = await act(client, f"{booked}/reschedule", start=wanted, reason="A train")
    seen = (await client.get(booked)).text
    taken_back = await post(client, f"{booked}/proposal", seen_on=booked, start=wanted, agree="0")
    late = await post(client, f"{booked}/proposal", seen_on=booked, start=wanted, agree="0")

    assert "Ask for this time" in page
    assert asked.headers["location"] == booked
    assert "You asked for another time" in seen
    assert taken_back.headers["location"] == booked
    assert (late.status_code, "no such proposal" in late.text) == (409, True)
    assert (await booking(shop, booked)).start_at == found.start_at


@pytest.mark.parametrize("agree", ["1", "0"])
async def test_a_proposal_of_the_provider_is_answered(shop: Shop, client: httpx.AsyncClient, agree: str) -> None:
    booked = await book(client)
    found = await booking(shop, booked)
    wanted = found.start_at + timedelta(hours=2)
    request = Reschedule(booking_id=found.booking_id, start_at=wanted, reason="A wedding")
    await shop.market.app.bookings.reschedule(request, owner(found))
    seen = unescape((await client.get(booked)).text)
    answered = await post(client, f"{booked}/proposal", seen_on=booked, start=wanted.isoformat(), agree=agree)
    after = unescape((await client.get(booked)).text)

    assert "João Prata proposes another time" in seen
    assert "“A wedding”" in seen
    assert answered.headers["location"] == booked
    assert (await booking(shop, booked)).start_at == (wanted if agree == "1" else found.start_at)
    assert ("Moved to" in after) == (agree == "1")


async def test_a_receipt_says_what_was_paid_and_given_back(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client, nth=2)
    receipt = (await client.get(f"{booked}/receipt")).text
    preview = (await client.get(f"{booked}/cancel")).text
    await act(client, f"{booked}/cancel", refund=hidden(preview, "refund"))
    await Wiring.of(shop.market.app).settled()
    after = (await client.get(f"{booked}/receipt")).text

    for words in ("Receipt", "Ana Ferreira", "A haircut that grows out well", "João Prata", "Visa •••• 4242", "€28.00"):
        assert words in unescape(receipt)
    assert "Given back" not in receipt
    assert "€0.00" in after


async def test_an_open_payment_is_found_again_from_the_bookings(shop: Shop, client: httpx.AsyncClient) -> None:
    path = await choose(client)
    await pay(client, path, "pm_card_chargeDeclined")
    listed = unescape((await client.get("/bookings")).text)
    found = re.search(r'href="(/bookings/bkg_\w+)"', listed)
    assert found
    page = unescape((await client.get(found[1])).text)
    asked = unescape((await client.get(f"{found[1]}/cancel")).text)
    gone = await act(client, f"{found[1]}/cancel", refund=hidden(asked, "refund"))

    assert f'href="{path}"' in page
    assert "Nothing was charged, and nothing will be." in asked
    assert gone.status_code == 303
    assert (await booking(shop, found[1])).status is BookingStatus.CANCELLED


async def test_bookings_go_into_calendars_by_file_and_by_feed(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    booking_id = booked.split("/")[2]
    file = await client.get(f"{booked}/calendar.ics")
    page = unescape((await client.get("/bookings/calendar")).text)
    address = re.search(r'value="http://127\.0\.0\.1(/api/calendars/[^"]+)"', page)
    assert address
    feed = await client.get(address[1])
    renewed = await post(client, "/bookings/calendar", seen_on="/bookings/calendar")
    void = await client.get(address[1])
    new = unescape((await client.get("/bookings/calendar")).text)

    assert file.headers["content-type"] == "text/calendar; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{booking_id}.ics"'
    assert file.text.startswith("BEGIN:VCALENDAR")
    assert f"UID:{booking_id}@" in file.text.replace("\r\n ", "")
    assert booking_id in feed.text.replace("\r\n ", "")
    assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (renewed.headers["location"], void.status_code) == ("/bookings/calendar", 404)
    assert address[1] not in new


async def test_programs_get_a_calendar_file_by_token_or_by_the_guests_secret(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    booked = await book(client)
    api = f"/api{booked}/calendar.ics"
    bearer = {"authorization": f"Bearer {client.cookies['access']}"}
    async with shop.client() as guest, shop.client() as program, shop.client() as other:
        guests = await book(guest, nth=2)
        secret = (await link(shop, guests)).rpartition("/")[2]
        await sign_in(other, PEDRO)
        others = {"authorization": f"Bearer {other.cookies['access']}"}
        own = await program.get(api, headers=bearer)
        by_secret = await program.get(f"/api{guests}/calendar.ics?secret={secret}")
        denied = await program.get(api, headers={"accept": "application/json"})
        foreign = await program.get(api, headers={**others, "accept": "application/json"})
        unknown = await program.get(
            f"/api/bookings/{shop.market.id('bkg')}/calendar.ics", headers={**others, "accept": "application/json"}
        )
        wrong = await program.get(f"/api{guests}/calendar.ics?secret=x")
        junk = [
            await program.get(path)
            for path in ("/api/bookings/x/calendar.ics?secret=x", "/api/calendars/usr_x/y.ics", "/api/calendars/x/y", "/api/calendars/gst_x/" + "a" * 43 + ".ics")
        ]  # fmt: skip

    assert (own.status_code, by_secret.status_code) == (200, 200)
    assert f"/b/{guests.split('/')[2]}/{secret}" in by_secret.text.replace("\r\n ", "")
    assert (denied.status_code, denied.json()["type"]) == (403, "TokenNeeded")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()
    assert wrong.status_code == 404
    assert {answer.status_code for answer in junk} == {404}


async def test_what_the_operator_gave_back_before_is_not_promised_twice(shop: Shop, client: httpx.AsyncClient) -> None:
    from ecosystem.journeys.refunding import GiveBack

    booked = await book(client, nth=2)
    given = GiveBack(
        refund_id=shop.market.id("rfd"), booking_id=booked.split("/")[2], amount=Money(800, "EUR"), reason="Goodwill"
    )
    await shop.market.app.refunding.give_back(given, OPERATOR)
    page = (await client.get(f"{booked}/cancel")).text
    gone = await act(client, f"{booked}/cancel", refund=hidden(page, "refund"))

    assert "Cancel and get €20.00 back" in page
    assert "Given back before" in page
    assert gone.headers["location"] == booked
    await shop.market.verified()


async def test_nothing_is_changed_without_the_token_of_our_own_page(shop: Shop, client: httpx.AsyncClient) -> None:
    booked = await book(client)
    acts = ("/cancel", "/complete", "/no-show", "/reschedule", "/proposal", "/claim")

    statuses = {(await client.post(f"{booked}{end}", data={"refund": "2800"})).status_code for end in acts}
    statuses.add((await client.post("/bookings/calendar")).status_code)

    assert statuses == {403}
    assert (await booking(shop, booked)).status is BookingStatus.CONFIRMED


async def test_a_payment_that_nobody_finished_is_not_lost_from_view(shop: Shop, client: httpx.AsyncClient) -> None:
    shop.market.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    path = await choose(client)
    await pay(client, path)
    await shop.market.passes(timedelta(minutes=2))
    led = await client.get(path)

    assert led.headers["location"].endswith("/confirmed")
    assert GRACE["email"] in (await client.get(led.headers["location"])).text
    assert PASSWORD not in (await client.get("/bookings")).text
