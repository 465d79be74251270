"""The checkout over ASGI: what it costs whom, what is repeated, declined, late or nonsense, and whose it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from ecosystem.contexts.booking import BookingStatus, HoldStatus
from ecosystem.contexts.catalogue import ServiceFields
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates
from ecosystem.sandbox import Fault, What
from market import OPERATOR, SYSTEM

from .customers import FRAGMENT, GRACE, HAIRCUT, PORTUGUESE, TAP, YOGA, book, booking, choose, form, pay, times
from .shop import ANA, OLGA, PEDRO, Shop, hidden, open_shop, post, sign_in, token

CHALLENGED = "pm_card_authenticationRequired"
DECLINED = "pm_card_chargeDeclined"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def test_a_visitor_books_as_a_guest_with_the_fee_and_is_told_how_to_save_it(shop: Shop) -> None:
    async with shop.client() as visitor:
        path = await choose(visitor)
        page = (await visitor.get(path)).text
        answer = await pay(visitor, path)
        booked = (await visitor.get(path)).headers["location"]
        confirmed = (await visitor.get(booked)).text

    for words in (
        "Sign in and save €2.80",
        "Guest fee (10 %)",
        "€30.80",
        "all back, €30.80",
        "You are not charged yet",
    ):
        assert words in page
    assert f"/sign-in?next={path}".replace("/", "%2F").replace("%2Fsign-in", "/sign-in") in page
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    found = await booking(shop, booked)
    assert (found.status, found.lines.total, found.guest) == (BookingStatus.CONFIRMED, Money(3_080, "EUR"), True)
    assert f"/b/{found.booking_id}/{shop.market.app.links.secret(found.booking_id)}" in unescape(confirmed)
    assert "You are booked, Grace" in unescape(confirmed)


async def test_who_is_signed_in_pays_no_fee_and_is_known_by_name(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, ANA)
        path = await choose(client)
        page = (await client.get(path)).text
        booked = await book(client, nth=3)

    assert 'value="Ana Ferreira"' in page
    assert "save-panel" not in page
    assert (await booking(shop, booked)).lines.total == Money(2_800, "EUR")


async def test_who_signs_in_at_the_checkout_goes_on_with_the_same_time_without_the_fee(shop: Shop) -> None:
    async with shop.client() as client:
        as_guest = await choose(client)
        signed = await post(client, "/sign-in", seen_on=f"/sign-in?next={as_guest}", email=ANA, password="Quiet-Harbour-93", next=as_guest)  # fmt: skip
        led = [await client.get(signed.headers["location"]) for _ in range(2)]
        page = (await client.get(led[0].headers["location"])).text

    assert signed.headers["location"] == as_guest
    assert led[0].headers["location"] == led[1].headers["location"] != as_guest
    assert hidden(page, "total") == "2800"
    assert (await shop.market.app.holds.row(as_guest.rpartition("/")[2])).value.status is HoldStatus.RELEASED


async def test_a_form_sent_many_times_books_and_charges_once(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path)
        answers = await asyncio.gather(*(client.post(f"{path}/pay", data=filled) for _ in range(6)))
        late = await client.post(f"{path}/pay", data=filled)
        reloaded = await client.get(path)

    assert {answer.status_code for answer in (*answers, late)} == {303}
    assert reloaded.headers["location"] == f"/bookings/{filled['booking_id']}/confirmed"
    assert [effect.what for effect in shop.market.sandbox.effects()] == ["authorized", "captured"]
    await shop.market.verified()


async def test_another_card_under_the_ids_of_a_sent_form_pays_nothing_more(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path)
        await asyncio.gather(
            *(
                client.post(f"{path}/pay", data=filled | {"card": card})
                for card in ("pm_card_visa", "pm_card_mastercard")
            )
        )
        again = await client.post(f"{path}/pay", data=filled | {"card": "pm_card_amex"})

    assert again.headers["location"] == path
    assert [effect.what for effect in shop.market.sandbox.effects()] == ["authorized", "captured"]
    await shop.market.verified()


async def test_a_declined_card_is_explained_in_place_and_another_one_books(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path, DECLINED)
        declined = await client.post(f"{path}/pay", data=filled, headers=FRAGMENT)
        page = (await client.get(path)).text
        gone_back = await client.post(f"{path}/pay", data=filled)
        first_again = await form(client, path, "pm_card_visa")
        paid = await client.post(f"{path}/pay", data=first_again, headers=FRAGMENT)

    assert declined.status_code == 200
    assert "was declined" in declined.text
    assert "Nothing was charged" in declined.text
    assert "grace@example.org" in declined.text
    assert 'name="email"' not in page
    assert gone_back.headers["location"] == path
    assert hidden(declined.text, "payment_id") == first_again["payment_id"] != filled["payment_id"]
    assert paid.headers["hx-redirect"] == f"/bookings/{filled['booking_id']}/confirmed"
    await shop.market.verified()


async def test_going_back_after_a_decline_and_paying_with_another_card_books(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        stale = await form(client, path, DECLINED)
        await client.post(f"{path}/pay", data=stale)
        await client.post(f"{path}/pay", data=stale | {"card": "pm_card_visa"})
        reloaded = await client.get(path)

    assert reloaded.headers["location"].endswith("/confirmed")
    await shop.market.verified()


async def test_a_challenge_is_shown_and_what_became_of_it_is_asked_of_the_processor(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        fragment = await client.post(f"{path}/pay", data=await form(client, path, CHALLENGED), headers=FRAGMENT)
        page = (await client.get(path)).text
        lied = await client.get(f"{path}/return?redirect_status=succeeded")
        still = (await client.get(path)).text

    origin = shop.market.app.ports.cards.element.origin
    for shown in (fragment.text, page, still):
        assert re.search(rf'<a class="btn" data-size="sm" href="{origin}/3ds/\w+"', unescape(shown))
        assert 'id="challenge"' in shown
    assert lied.headers["location"] == path


async def test_a_challenge_may_be_left_for_another_card(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        await pay(client, path, CHALLENGED)
        left = await post(client, f"{path}/another-card", seen_on=path)
        page = (await client.get(path)).text
        paid = await pay(client, path)
        booked = (await client.get(path)).headers["location"]

    assert left.headers["location"] == path
    assert "The last attempt was given up" in page
    assert paid.status_code == 303
    assert (await booking(shop, booked)).status is BookingStatus.CONFIRMED
    await shop.market.verified()


async def test_when_the_processor_is_silent_the_page_waits_and_finds_out(shop: Shop) -> None:
    shop.market.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    async with shop.client() as client:
        path = await choose(client)
        waits = await client.post(f"{path}/pay", data=await form(client, path), headers=FRAGMENT)
        page = await client.get(path)
        long = await client.get(f"{path}/standing?asked=500", headers=FRAGMENT)

    assert "We wait for the card processor" in waits.text
    assert f'hx-get="{path}/standing?asked=1"' in waits.text
    assert "disabled" in waits.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert long.headers["hx-redirect"].endswith("/confirmed")
    assert [effect.what for effect in shop.market.sandbox.effects()] == ["authorized", "captured"]
    await shop.market.verified()


async def test_a_page_that_asked_long_enough_asks_no_more(shop: Shop) -> None:
    shop.market.sandbox.fail_next(Fault(what=What.LOSE_REQUEST, times=20))
    async with shop.client() as client:
        path = await choose(client)
        await pay(client, path)
        tired = await client.get(f"{path}/standing?asked=20", headers=FRAGMENT)
        nonsense = await client.get(f"{path}/standing?asked=-1", headers=FRAGMENT)

    assert "This takes longer than usual" in tired.text
    assert "grace@example.org" in tired.text
    assert "load delay" not in tired.text
    assert nonsense.status_code == 422


async def test_a_time_that_was_just_taken_is_answered_with_the_others(shop: Shop) -> None:
    async with shop.client() as slow, shop.client() as fast:
        page = (await slow.get(f"/services/{HAIRCUT}")).text
        fields = {name: hidden(page, name) for name in ("csrf_token", "service_id", "hold_id")}
        start = (await times(slow))[0]
        await choose(fast)
        late = await slow.post("/checkout", data={**fields, "start": start, "zone": "Europe/Lisbon"}, headers=FRAGMENT)
        whole = await slow.post("/checkout", data={**fields, "start": start})

    assert (late.status_code, whole.status_code) == (409, 409)
    assert start not in late.text
    assert 'name="start"' in late.text
    assert "<html" in whole.text


async def test_choosing_twice_holds_one_time_and_choosing_another_gives_the_first_back(shop: Shop) -> None:
    async with shop.client() as client:
        page = (await client.get(f"/services/{HAIRCUT}")).text
        starts = re.findall(r'name="start" value="([^"]+)"', page)
        fields = {name: hidden(page, name) for name in ("csrf_token", "service_id", "hold_id")}
        first = [await client.post("/checkout", data={**fields, "start": starts[0]}) for _ in range(2)]
        other = await client.post("/checkout", data={**fields, "start": starts[4]})
        left = (await client.get(first[0].headers["location"])).text

    assert first[0].headers["location"] == first[1].headers["location"]
    assert other.headers["location"] != first[0].headers["location"]
    assert "Your time is no longer held" in left
    assert "Hold it again" in left


async def test_a_time_whose_hold_ran_out_can_be_held_again_or_another_chosen(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        shop.market.clock.advance(timedelta(minutes=16))
        filled = {**GRACE, "booking_id": "x", "payment_id": "x", "total": "3080", "card": "pm_card_visa"}
        late = await post(client, f"{path}/pay", seen_on="/sign-in", **filled)
        ended = await client.get(path)
        in_place = await client.get(path, headers=FRAGMENT)
        again = await post(client, f"{path}/again", seen_on=path)
        twice = await post(client, f"{path}/again", seen_on=path)
        page = await client.get(again.headers["location"])

    assert late.headers["location"] == path
    assert "Hold it again" in ended.text
    assert len(re.findall(r'name="start"', ended.text)) > 5
    assert (in_place.headers["hx-retarget"], "<html" in in_place.text) == ("#checkout", False)
    assert again.headers["location"] == twice.headers["location"] != path
    assert "Confirm and pay" in page.text


async def test_a_time_given_back_is_free_and_can_be_taken_again_by_undo(shop: Shop) -> None:
    async with shop.client() as client, shop.client() as other:
        path = await choose(client)
        start = (await shop.market.app.holds.row(path.rpartition("/")[2])).value.start_at
        left = await post(client, f"{path}/release", seen_on=path)
        page = await client.get(left.headers["location"])
        undo = re.search(r'action="(/checkout/[^"]+/again)"', unescape(page.text))
        assert undo
        held = await post(client, undo[1], seen_on="/sign-in")
        await post(client, f"{held.headers['location']}/release", seen_on=path)
        await choose(other)
        gone = await post(client, f"{held.headers['location']}/again", seen_on=path)

    assert left.headers["location"] == f"/services/{HAIRCUT}"
    assert (await shop.market.app.holds.row(held.headers["location"].rpartition("/")[2])).value.start_at == start
    assert gone.headers["location"] == held.headers["location"]


async def test_choosing_another_time_after_a_declined_card_leaves_nothing_behind(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path, DECLINED)
        await client.post(f"{path}/pay", data=filled)
        left = await post(client, f"{path}/release", seen_on=path)
        page = (await client.get(path)).text

    found = (await shop.market.app.bookings.row(filled["booking_id"])).value
    assert left.headers["location"] == f"/services/{HAIRCUT}"
    assert found.status is BookingStatus.CANCELLED
    assert "Your time is no longer held" in page
    await shop.market.verified()


async def test_a_booking_that_was_paid_is_not_given_back_by_an_old_page(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        await pay(client, path)
        left = await post(client, f"{path}/release", seen_on="/bookings")
        led = await client.get(left.headers["location"])

    assert led.headers["location"].endswith("/confirmed")


async def test_a_request_is_reserved_and_says_so(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client, PORTUGUESE)
        page = (await client.get(path)).text
        booked = await book(client, PORTUGUESE, nth=3)
        confirmed = (await client.get(f"{booked}/confirmed")).text

    assert "Request and reserve €35.20" in page
    assert "until Mateus Haddad accepts" in page
    assert "Your card is charged only if they accept" in unescape(confirmed)
    assert (await booking(shop, booked)).status is BookingStatus.AWAITING_PROVIDER


async def test_who_is_visited_says_where_and_is_asked_again_in_place(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client, TAP)
        lacking = await client.post(f"{path}/pay", data=await form(client, path, note="Second floor"), headers=FRAGMENT)
        booked = await book(client, TAP, nth=2, place="Rua da Rosa 7, Lisbon")

    assert lacking.status_code == 422
    assert 'aria-describedby="place-wrong"' in lacking.text
    assert "Second floor" in lacking.text
    assert (await booking(shop, booked)).place == "Rua da Rosa 7, Lisbon"


async def test_seats_are_counted_in_the_price(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client, YOGA, seats=3)
        page = (await client.get(path)).text
        many = (await client.get(f"/services/{YOGA}")).text
        fields = {name: hidden(many, name) for name in ("csrf_token", "service_id", "hold_id")}
        start = re.findall(r'name="start" value="([^"]+)"', many)[0]
        crowd = await client.post("/checkout", data={**fields, "start": start, "seats": 9})

    assert "€12.00 \N{MULTIPLICATION SIGN} 3 seats" in page
    assert hidden(page, "total") == "3960"
    assert crowd.status_code == 422


async def test_another_price_than_the_page_said_is_shown_before_anything_is_paid(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path)
        await shop.market.app.tariff.change(Rates(surcharge_bps=2_000), OPERATOR)
        changed = await client.post(f"{path}/pay", data=filled)
        paid = await client.post(f"{path}/pay", data=filled | {"total": hidden(changed.text, "total")})

    assert changed.status_code == 409
    assert "The price changed" in changed.text
    assert 'value="Grace Hopper"' in changed.text
    assert hidden(changed.text, "total") == "3360"
    assert paid.status_code == 303


async def test_nonsense_is_named_beside_its_field_and_nothing_is_booked(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        filled = await form(client, path)
        wrong = {
            "name": ("x" * 300, "At most 200 characters"),
            "email": ("grace", "An address such as"),
            "total": ("many", "A whole number"),
            "card": ("4242424242424242", "That is no card of the processor"),
            "note": ("x" * 2_001, "At most 2000 characters"),
        }
        answers = {
            name: await client.post(f"{path}/pay", data=filled | {name: text}) for name, (text, _) in wrong.items()
        }
        empty = await client.post(f"{path}/pay", data=filled | {"card": ""})
        strange = await client.post(f"{path}/pay", data=filled | {"price": "1"})
        other = await client.post(f"{path}/pay", data=filled | {"booking_id": shop.market.id("bkg")})
        unknown = await client.post(f"{path}/pay", data=filled | {"card": "pm_unknown"})

    for name, (_, said) in wrong.items():
        assert (answers[name].status_code, said in answers[name].text) == (422, True), name
    assert "4242424242424242" not in answers["card"].text
    assert (empty.status_code, "need JavaScript" in empty.text) == (422, True)
    assert strange.status_code == 422
    assert other.status_code == 409
    # What the processor does not know is an attempt that failed; the time is still there.
    assert unknown.headers["location"] == path
    assert shop.market.sandbox.effects() == []


async def test_nonsense_instead_of_a_time_is_answered(shop: Shop) -> None:
    async with shop.client() as client:
        page = (await client.get(f"/services/{HAIRCUT}")).text
        fields = {name: hidden(page, name) for name in ("csrf_token", "service_id", "hold_id")}
        start = (await times(client))[0]
        none = await client.post("/checkout", data=fields)
        past = await client.post("/checkout", data={**fields, "start": "2020-01-01T00:00:00Z"})
        local = await client.post("/checkout", data={**fields, "start": "2026-11-21T10:00:00"})
        no_service = await client.post(
            "/checkout", data={**fields, "start": start, "service_id": shop.market.id("svc")}
        )
        no_seats = await client.post("/checkout", data={**fields, "start": start, "seats": "0"})
        junk_id = await client.post("/checkout", data={**fields, "start": start, "hold_id": "x#y"})
        junk_zone = await client.post("/checkout", data={**fields, "start": start, "zone": "Mars/Olympus"})

    assert none.headers["location"] == f"/services/{HAIRCUT}"
    assert past.status_code == 409
    assert (local.status_code, no_service.status_code, no_seats.status_code) == (422, 404, 422)
    assert junk_id.status_code == 422
    assert junk_zone.status_code == 303


async def test_a_checkout_is_its_holders_alone_and_says_nothing_to_others(shop: Shop) -> None:
    async with shop.client() as client, shop.client() as other, shop.client() as operator:
        path = await choose(client)
        await choose(other, YOGA)
        await sign_in(operator, OLGA)
        unknown = f"/checkout/{shop.market.id('hld')}"
        seen = [await other.get(each) for each in (path, unknown, "/checkout/x", f"{path}/standing", f"{path}/return")]
        sent = [
            await post(other, f"{each}/{act}", seen_on="/sign-in")
            for each in (path, unknown)
            for act in ("pay", "release", "again", "another-card")
        ]
        watched = await operator.get(path)

    assert {answer.status_code for answer in (*seen, *sent, watched)} == {404}
    assert "There is no such checkout in this browser" in seen[0].text
    held = (await shop.market.app.holds.row(path.rpartition("/")[2])).value
    assert held.status is HoldStatus.HELD


async def test_nothing_is_changed_without_the_token_of_our_own_page(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        start = (await times(client))[1]
        filled = await form(client, path)
        del filled["csrf_token"]
        statuses = [
            (await client.post(f"{path}/{act}", data=filled)).status_code
            for act in ("pay", "release", "again", "another-card")
        ]
        statuses.append((await client.post("/checkout", data={"service_id": "x", "start": start})).status_code)

    assert set(statuses) == {403}
    assert shop.market.sandbox.effects() == []


async def test_the_owner_of_a_service_is_told_that_it_is_theirs(shop: Shop) -> None:
    found = (await shop.market.app.services.by_slug(HAIRCUT)).service.value
    async with shop.client() as guest_then_owner:
        await sign_in(guest_then_owner, PEDRO)
        mine = await shop.market.provider(_person(shop, PEDRO))
        service_id = await shop.market.service(mine, owner=_person(shop, PEDRO))
        slug = (await shop.market.app.services.find(service_id)).service.value.slug
        page = (await guest_then_owner.get(f"/services/{slug}")).text
        start = re.findall(r'name="start" value="([^"]+)"', page)[0]
        own = await guest_then_owner.post(
            "/checkout", data={"csrf_token": token(page), "service_id": service_id, "start": start}
        )

    assert found.status == "published"
    assert own.status_code == 403
    assert "do not book their own" in own.text


async def test_a_service_that_left_the_market_meanwhile_keeps_what_was_held(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        hold = (await shop.market.app.holds.row(path.rpartition("/")[2])).value
        await shop.market.app.services.edit(hold.offer.service_id, ServiceFields(title="Another cut"), SYSTEM)
        page = (await client.get(path)).text

    assert "A haircut that grows out well" in page
    assert "Another cut" not in page


async def test_times_may_be_shown_in_another_zone(shop: Shop) -> None:
    async with shop.client() as client:
        path = await choose(client)
        page = (await client.get(f"{path}?zone=Asia/Tokyo")).text
        junk = await client.get(f"{path}?zone=Mars/Olympus")

    assert "19:00 \N{EN DASH} 19:45" in page
    assert "Tokyo time" in page
    assert "for the provider, Lisbon time" in page
    assert junk.status_code == 200


async def test_the_page_frames_the_processor_alone_and_takes_no_card_number(shop: Shop) -> None:
    async with shop.client() as client:
        answer = await client.get(await choose(client))

    origin = shop.market.app.ports.cards.element.origin
    assert f"frame-src {origin};" in answer.headers["content-security-policy"]
    names = set(re.findall(r'<(?:input|textarea|select)[^>]* name="([^"]+)"', answer.text))
    assert names == {
        "csrf_token",
        "booking_id",
        "payment_id",
        "total",
        "card",
        "name",
        "email",
        "note",
        "zone",
        "back",
    }


def _person(shop: Shop, address: str) -> Actor:
    return Actor(actor_id=shop.people[address], groups=(Group.CUSTOMERS, Group.PROVIDERS))
