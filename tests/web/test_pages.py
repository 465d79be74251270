"""The public pages and a person's own, over ASGI: what they show, what they refuse, where they lead."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from ecosystem.contexts.booking import Policy, Tier
from ecosystem.contexts.catalogue import ServiceFields
from ecosystem.kernel.actor import Actor, Group
from ecosystem.web.service.terms import terms

from .bazaar import indexed
from .shop import ANA, OLGA, PASSWORD, Shop, hidden, mailed, open_shop, post, sign_in, token

FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}
PORTRAITS = "/services/warm-documentary-portraits"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def test_the_start_shows_what_is_on_offer_with_counts(shop: Shop) -> None:
    async with shop.client() as visitor:
        page = await visitor.get("/")

    assert page.status_code == 200
    assert page.text.count('class="service-card"') == 16
    assert "€12" in page.text
    assert re.search(r"Online<span class=\"count\">3</span>", page.text)


async def test_filters_in_the_address_narrow_the_finds_and_can_be_taken_back(shop: Shop) -> None:
    async with shop.client() as visitor:
        page = await visitor.get("/?category=lessons&mode=remote&price=50&instant=1")
        fragment = await visitor.get(
            "/?q=&category=lessons&mode=remote&price=&rating=&sort=relevance", headers=FRAGMENT
        )

    assert page.text.count('class="service-card"') == 1
    assert "Mathematics, calm and clear" in page.text
    for words in ("Instant booking", "Online", "Up to €50"):
        assert re.search(rf'id="without-\d">{words}', page.text)
    assert fragment.headers["hx-push-url"] == "/?category=lessons&mode=remote"
    assert "<html" not in fragment.text
    assert fragment.text.count('class="service-card"') == 2


async def test_what_nobody_offers_leads_back(shop: Shop) -> None:
    async with shop.client() as visitor:
        page = await visitor.get("/?q=zzzzzz")

    assert "No match yet" in page.text
    assert "See everything" in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("category=nonsense", "There is no such category."),
        ("price=cheap", "A whole number from 0 to 10000000."),
        ("mode=telepathy", "none of those offered"),
        ("near=here", "A place is written like 38.72,-9.14."),
        ("sort=luck", "Choose one of those offered."),
        ("after=nonsense", ""),
    ],
)
async def test_an_address_that_asks_for_nonsense_says_what_is_wrong(shop: Shop, query: str, said: str) -> None:
    async with shop.client() as visitor:
        page = await visitor.get(f"/?{query}")

    assert page.status_code == 422
    assert said in page.text


async def test_further_finds_take_the_place_of_the_button(shop: Shop) -> None:
    async with shop.client() as visitor:
        start = await visitor.get("/?near=38.72,-9.14&sort=distance")
        more = await visitor.get("/?sort=newest", headers=FRAGMENT | {"hx-target": "li#more"})

    assert " km" in start.text or " m<" in start.text
    assert more.text.lstrip().startswith('<li class="service-card">')


async def test_a_service_shows_its_free_times_in_a_zone_that_is_named_and_changeable(shop: Shop) -> None:
    async with shop.client() as visitor:
        here = await visitor.get(PORTRAITS)
        there = await visitor.get(f"{PORTRAITS}?zone=Asia/Kolkata")

    assert "Times in Lisbon time (WET, UTC+0)" in here.text
    assert 'value="2026-11-21T10:00:00.000000Z" required><span>10:00</span>' in here.text
    assert "Times in Kolkata time (IST, UTC+5:30)" in there.text
    assert 'value="2026-11-21T10:00:00.000000Z" required><span>15:30</span>' in there.text


async def test_days_seats_and_months_redraw_the_box_alone(shop: Shop) -> None:
    async with shop.client() as visitor:
        day = await visitor.get(f"{PORTRAITS}?day=2026-11-24", headers=FRAGMENT | {"hx-target": "form#booker"})
        later = await visitor.get(f"{PORTRAITS}?month=2026-12", headers=FRAGMENT | {"hx-target": "form#booker"})
        yoga = await visitor.get(
            "/services/vinyasa-in-the-park?seats=3", headers=FRAGMENT | {"hx-target": "form#booker"}
        )
        nonsense = await visitor.get(f"{PORTRAITS}?day=tomorrow", headers=FRAGMENT | {"hx-target": "form#booker"})

    assert day.text.startswith('<form id="booker"')
    assert "Tuesday 24 November" in day.text
    assert "December 2026" in later.text
    assert "€12.00 \N{MULTIPLICATION SIGN} 3" in yoga.text
    assert "€39.60" in yoga.text
    assert (nonsense.status_code, nonsense.headers["hx-retarget"]) == (422, "#notices")


async def test_the_guest_fee_is_shown_and_falls_away_for_who_is_signed_in(shop: Shop) -> None:
    async with shop.client() as visitor:
        as_guest = await visitor.get(PORTRAITS)
        await sign_in(visitor, ANA)
        as_ana = await visitor.get(PORTRAITS)

    assert "Guest fee (10 %)" in as_guest.text
    assert "€90.75" in as_guest.text
    assert "Guest fee" not in as_ana.text


async def test_machines_find_the_service_described(shop: Shop) -> None:
    async with shop.client() as visitor:
        page = await visitor.get(PORTRAITS)

    found = re.search(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page.text)
    assert found
    assert json.loads(found[1])["offers"] == {"@type": "Offer", "price": "82.50", "priceCurrency": "EUR"}


async def test_a_former_address_leads_to_the_present_one_and_a_draft_is_seen_by_its_owner_alone(shop: Shop) -> None:
    app = shop.market.app
    found = await app.services.by_slug("balcony-makeover")
    owner = Actor(actor_id=found.provider.value.owner_id or "", groups=(Group.PROVIDERS,))
    await app.services.edit(found.service.value.service_id, ServiceFields(slug="terrace-makeover"), owner)
    await app.publishing.close(found.service.value.service_id, owner)
    await indexed(shop.market)

    async with shop.client() as visitor:
        assert (await visitor.get("/services/balcony-makeover")).headers["location"] == "/services/terrace-makeover"
        assert (await visitor.get("/services/terrace-makeover")).status_code == 404
        assert (await visitor.get("/services/nothing-of-the-kind")).status_code == 404
        assert "Balcony" not in (await visitor.get("/")).text
        await sign_in(visitor, OLGA)
        assert "Only you see this page" in (await visitor.get("/services/terrace-makeover")).text


async def test_a_provider_s_page_shows_all_they_offer(shop: Shop) -> None:
    async with shop.client() as visitor:
        page = await visitor.get("/providers/mei-nunes")

    assert page.text.count('class="service-card"') == 2
    assert all(language in page.text for language in ("English", "Portuguese", "Chinese"))


def test_cancellation_terms_are_told_from_their_numbers() -> None:
    day = 1440
    strict = Policy(
        name="strict", version=1, reschedule_min=0,
        tiers=(Tier(share_bps=10_000, before_min=14 * day, within_min=2 * day), Tier(share_bps=5_000, before_min=7 * day)),
    )  # fmt: skip

    said = terms(strict)

    assert said.short == "Half back until 7 days before"
    assert said.sentences == (
        "All of what you paid back within 48 hours of booking, if the start is 14 days away or more.",
        "Half of what you paid back until 7 days before.",
        "After that, nothing.",
        "If the provider cancels or does not come, all of it.",
    )


async def test_signing_up_confirming_and_coming_back(shop: Shop) -> None:
    async with shop.client() as visitor:
        form = await visitor.get("/sign-up?next=/account")
        wish = {
            "user_id": hidden(form.text, "user_id"),
            "name": "Rita Nunes",
            "email": "rita@example.org",
            "next": "/account",
        }
        weak = await visitor.post("/sign-up", data=wish | {"csrf_token": token(form.text), "password": "rita"})
        asked = await visitor.post("/sign-up", data=wish | {"csrf_token": token(form.text), "password": PASSWORD})
        code, path = await mailed(shop, "rita@example.org")
        wrong = await post(
            visitor, "/sign-up/code", seen_on="/sign-up/code", code="000000" if code != "000000" else "1" * 6
        )
        right = await post(visitor, "/sign-up/code", seen_on="/sign-up/code", code=code, next="/account")
        account = await visitor.get("/account")

    assert (weak.status_code, asked.headers["location"]) == (422, "/sign-up/code")
    assert path.startswith("/confirm?token=")
    assert wrong.status_code == 422
    assert right.headers["location"] == "/account"
    assert "rita@example.org" in account.text
    assert "Welcome, Rita Nunes." in account.text


async def test_the_mail_s_link_waits_for_a_press_and_works_in_another_browser(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as elsewhere:
        form = await visitor.get("/sign-up")
        await visitor.post("/sign-up", data={
            "csrf_token": token(form.text), "user_id": hidden(form.text, "user_id"), "name": "Rita", "email": "rita@example.org", "password": PASSWORD,
        })  # fmt: skip
        _, path = await mailed(shop, "rita@example.org")
        seen = await elsewhere.get(path)
        seen_again = await elsewhere.get(path)
        confirmed = await elsewhere.post(
            "/confirm", data={"csrf_token": token(seen.text), "token": hidden(seen.text, "token")}
        )
        twice = await post(elsewhere, "/confirm", seen_on=path, token=hidden(seen.text, "token"))
        await post(elsewhere, "/sign-in", seen_on="/sign-in", email="rita@example.org", password=PASSWORD)

        assert seen.status_code == seen_again.status_code == 200
        assert confirmed.headers["location"] == "/sign-in"
        assert twice.headers["location"] == "/sign-in"
        assert "rita@example.org" in (await elsewhere.get("/account")).text


async def test_a_wrong_password_is_told_without_saying_whether_the_address_is_known(shop: Shop) -> None:
    async with shop.client() as visitor:
        known = await post(visitor, "/sign-in", seen_on="/sign-in", email=ANA, password="Wrong-One-1")
        unknown = await post(
            visitor, "/sign-in", seen_on="/sign-in", email="nobody@example.org", password="Wrong-One-1"
        )

    assert known.status_code == unknown.status_code == 403
    said = [re.search(r'role="alert".*?<p>(.*?)</p>', page.text, re.DOTALL)[1] for page in (known, unknown)]  # type: ignore[index]
    assert said[0] == said[1]


async def test_signing_in_leads_on_but_never_off_the_site(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as other:
        on = await post(visitor, "/sign-in", seen_on="/sign-in", email=ANA, password=PASSWORD, next="/account/security")
        off = await post(other, "/sign-in", seen_on="/sign-in", email=ANA, password=PASSWORD, next="//evil.example/")

    assert on.headers["location"] == "/account/security"
    assert off.headers["location"] == "/"


async def test_tokens_of_before_signing_in_no_longer_hold(shop: Shop) -> None:
    async with shop.client() as visitor:
        before = token((await visitor.get("/sign-in")).text)
        await sign_in(visitor, ANA)

        assert (await visitor.post("/sign-out", data={"csrf_token": before})).status_code == 403


async def test_a_session_is_renewed_in_passing_and_ends_when_it_is_ended(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as phone:
        await sign_in(visitor, ANA)
        await sign_in(phone, ANA)
        shop.market.clock.advance(timedelta(minutes=20))
        renewed = await visitor.get("/account/security")
        assert renewed.status_code == 200
        assert "access=" in renewed.headers["set-cookie"]
        assert renewed.text.count("/sessions/") >= 2
        await post(visitor, "/account/sessions/end-all", seen_on="/account/security")

        assert (await phone.get("/account")).headers["location"] == "/sign-in?next=/account"
        assert (await visitor.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_signing_out_ends_the_session_at_the_server_too(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as thief:
        await sign_in(visitor, ANA)
        thief.cookies.update(visitor.cookies)
        out = await post(visitor, "/sign-out", seen_on="/account")

        assert out.headers["location"] == "/"
        assert (await thief.get("/account")).status_code == 303


async def test_a_second_step_is_set_up_asked_for_and_turned_off(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as other:
        await sign_in(visitor, ANA)
        refused = await post(visitor, "/account/second-step/begin", seen_on="/account/security", password="Wrong-One-1")
        begun = await post(visitor, "/account/second-step/begin", seen_on="/account/security", password=PASSWORD)
        secret = re.search(r'<code class="code[^"]*">([A-Z2-7 ]+)</code>', begun.text)
        assert secret
        app = pyotp.TOTP(secret[1].replace(" ", ""))
        now = shop.market.clock.now()
        enabled = await visitor.post(
            "/account/second-step/enable", data={"csrf_token": token(begun.text), "code": app.at(now)}
        )
        codes = re.findall(r"<li>([0-9a-z-]{29})</li>", enabled.text)

        assert refused.status_code == 403
        assert "not your present password" in refused.text
        assert len(codes) == 10

        first = await post(other, "/sign-in", seen_on="/sign-in", email=ANA, password=PASSWORD, next="/account")
        wrong = await post(other, "/sign-in/code", seen_on="/sign-in/code", code="123456", next="/account")
        right = await post(other, "/sign-in/code", seen_on="/sign-in/code", code=codes[0], next="/account")
        assert (first.headers["location"], wrong.status_code, right.headers["location"]) == (
            "/sign-in/code",
            422,
            "/account",
        )

        shop.market.clock.advance(timedelta(minutes=1))
        code = app.at(shop.market.clock.now())
        off = await post(
            other, "/account/second-step/disable", seen_on="/account/security", password=PASSWORD, code=code
        )
        assert off.headers["location"] == "/account/security"


async def test_a_forgotten_password_is_replaced_by_code_or_link(shop: Shop) -> None:
    async with shop.client() as visitor:
        nobody = await post(visitor, "/reset-password", seen_on="/reset-password", email="nobody@example.org")
        asked = await post(visitor, "/reset-password", seen_on="/reset-password", email=ANA)
        code, path = await mailed(shop, ANA)
        weak = await visitor.post(
            "/reset-password/code", data={"csrf_token": token(asked.text), "email": ANA, "code": code, "password": "x"}
        )
        new = await visitor.get(path)
        done = await visitor.post(
            "/reset-password/link",
            data={"csrf_token": token(new.text), "token": hidden(new.text, "token"), "password": "Other-Harbour-94"},
        )
        signed = await post(visitor, "/sign-in", seen_on="/sign-in", email=ANA, password="Other-Harbour-94")

    assert nobody.status_code == asked.status_code == 200
    assert weak.status_code == 422
    assert path.startswith("/reset-password?token=")
    assert done.headers["location"] == "/sign-in"
    assert signed.status_code == 303


async def test_the_profile_is_edited_with_faults_beside_their_fields(shop: Shop) -> None:
    async with shop.client() as visitor:
        await sign_in(visitor, ANA)
        wrong = await post(visitor, "/account", seen_on="/account", name="Ana", zone="Mars/Base", phone="12")
        right = await post(
            visitor, "/account", seen_on="/account", name="Ana Maria", zone="Europe/Berlin", phone="+351 912 345 678"
        )
        mails = await post(visitor, "/account/mails", seen_on="/account", mail="money")
        page = await visitor.get("/account")

    assert wrong.status_code == 422
    assert right.headers["location"] == mails.headers["location"] == "/account"
    assert 'value="+351912345678"' in page.text
    assert re.search(r'id="mail-money"[^>]*checked', page.text)
    assert not re.search(r'id="mail-bookings"[^>]*checked', page.text)


async def test_the_first_operator_is_made_by_the_printed_link_once(shop: Shop) -> None:
    invited = await shop.market.app.identity.first_operators.invite()
    async with shop.client() as visitor, shop.client() as late:
        form = await visitor.get(f"/first-operator/{invited}")
        wish = {
            "user_id": hidden(form.text, "user_id"),
            "name": "Olivia",
            "email": "olivia@example.org",
            "password": PASSWORD,
        }
        made = await visitor.post(f"/first-operator/{invited}", data=wish | {"csrf_token": token(form.text)})
        again = await late.get(f"/first-operator/{invited}")
        second = {
            "user_id": hidden(again.text, "user_id"),
            "name": "Eve",
            "email": "eve@example.org",
            "password": PASSWORD,
        }
        refused = await late.post(f"/first-operator/{invited}", data=second | {"csrf_token": token(again.text)})

    assert made.headers["location"] == "/console"
    assert refused.status_code == 422


async def test_notices_are_counted_and_read(shop: Shop) -> None:
    async with shop.client() as visitor:
        await sign_in(visitor, ANA)
        empty = await visitor.get("/notices")
        read = await post(visitor, "/notices/read", seen_on="/notices")

    assert "Nothing yet" in empty.text
    assert read.headers["location"] == "/notices"


async def test_pictures_come_in_the_size_asked_for(shop: Shop) -> None:
    from io import BytesIO

    from PIL import Image

    drawn = BytesIO()
    Image.new("RGB", (1600, 1200), "#0f766e").save(drawn, "PNG")
    app = shop.market.app
    ana = Actor(actor_id=shop.people[ANA])
    media = await app.media.upload(ana.actor_id, drawn.getvalue(), "A wall", ana)

    async with shop.client() as visitor:
        small = await visitor.get(f"/media/{media.media_id}/320.webp")
        again = await visitor.get(f"/media/{media.media_id}/320.webp", headers={"if-none-match": small.headers["etag"]})
        missing = await visitor.get("/media/med_01kag2m8xw0000000000000000/320.webp")
        odd = await visitor.get(f"/media/{media.media_id}/x.webp")

    assert small.headers["content-type"] == "image/webp"
    assert "immutable" in small.headers["cache-control"]
    assert (again.status_code, missing.status_code, odd.status_code) == (304, 404, 404)


async def test_clocks_of_visitors_are_taken_from_their_device(shop: Shop) -> None:
    async with shop.client() as visitor:
        visitor.cookies.set("zone", "Asia/Tokyo")
        remote = await visitor.get("/services/python-and-data-one-to-one")
        visitor.cookies.set("zone", "Nowhere/Land")
        nonsense = await visitor.get("/services/python-and-data-one-to-one")

    assert "Times in Tokyo time" in remote.text
    assert "Times in Lisbon time" in nonsense.text
    assert datetime(2026, 11, 20, tzinfo=UTC) < shop.market.clock.now()
