"""A provider's area in a real browser: from nothing to a booked and earned service, accessible in sizes and themes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.browser import overflow, page, violations
from tests.web.provider.desk import Desk, busy_desk, photograph
from tests.web.provider.test_calendars import elsewhere
from tests.web.provider.test_claim import listed
from tests.web.shop import ANA, IVO, PASSWORD, PEDRO, Served, served

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import ServiceFields
from market import ADA

BOOKINGS = ("waiting", "moving", "absent", "off")

# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("provider-browser")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(shop: Served) -> Desk:
    made = shop.run(busy_desk(shop.shop))
    shop.run(_pictured(made))
    return made


async def _pictured(desk: Desk) -> None:
    app, ids = desk.shop.market.app, []
    for colour in ("#0f766e", "#b45309", "#1d4ed8"):
        media = await app.media.upload(desk.owner.actor_id, photograph(colour, (320, 240)), colour, desk.owner)
        ids.append(media.media_id)
    await app.services.edit(desk.ids["instant"], ServiceFields(media=tuple(ids)), desk.owner)


def enter(opened: Page, address: str = PEDRO) -> None:
    opened.goto("/sign-in")
    opened.get_by_label("E-mail").fill(address)
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url(re.compile(r"/$"))


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_every_page_is_accessible_and_fits(browser: Browser, shop: Served, desk: Desk, size: str, theme: str) -> None:
    paths = """/provider /provider/requests /provider/bookings /provider/bookings?view=day /provider/services
        /provider/services/new /provider/availability /provider/availability/dates /provider/availability/calendars /provider/availability/preview
        /provider/profile /provider/earnings /provider/earnings/statement /provider/earnings/year /provider/payouts
        /provider/payouts/all /provider/bank /provider/tax /account/bank /account/cards /provider/start/photos /provider/start/service /provider/start/live""".split()
    paths += [f"/provider/services/{desk.ids['instant']}", f"/provider/bookings/{desk.ids['ahead']}/move"]
    paths += [f"/provider/bookings/{desk.ids[name]}" for name in BOOKINGS]
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        opened.goto("/provider")
        assert (violations(opened), overflow(opened)) == ([], 0)
        enter(opened)
        for path in paths:
            opened.goto(path)
            assert (path, violations(opened), overflow(opened)) == (path, [], 0)


@pytest.mark.parametrize(
    ("size", "theme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_a_listing_made_before_they_came_is_offered_to_who_has_the_address(
    browser: Browser, shop: Served, size: str, theme: str
) -> None:
    owned = shop.run(shop.shop.market.app.providers.claimable(IVO))
    if not owned:
        shop.run(listed(shop.shop, IVO, "Ivo Lind"))
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        enter(opened, IVO)
        for path in ("/provider", "/provider/claim"):
            opened.goto(path)
            expect(opened.get_by_role("heading", name="Is this you?")).to_be_visible()
            assert (path, violations(opened), overflow(opened)) == (path, [], 0)
            if pictures := os.environ.get("PICTURES"):
                opened.screenshot(
                    path=f"{pictures}/{path.strip('/').replace('/', '-')}-{size}-{theme}.png", full_page=True
                )


@pytest.mark.parametrize(
    ("size", "theme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_other_calendars_are_added_seen_and_removed(
    browser: Browser, shop: Served, desk: Desk, size: str, theme: str
) -> None:
    shop.run(_beside(desk))
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        enter(opened)
        opened.goto("/provider/availability")
        opened.get_by_role("link", name="Other calendars").click()
        opened.get_by_label("Address of the calendar").fill("http://calendar.example.org/a.ics")
        opened.get_by_role("button", name="Add calendar").click()
        expect(opened.get_by_text("it begins with https://")).to_be_visible()
        expect(opened.get_by_label("Address of the calendar")).to_be_focused()
        opened.get_by_label("Address of the calendar").fill("webcal://calendar.example.org/secret.ics")
        opened.get_by_label("What you call it").fill("Family")
        opened.get_by_role("button", name="Add calendar").click()
        expect(opened.get_by_role("listitem").filter(has_text="1 busy time")).to_be_visible()
        opened.reload()
        assert (violations(opened), overflow(opened)) == ([], 0)
        if pictures := os.environ.get("PICTURES"):
            opened.screenshot(path=f"{pictures}/calendars-{size}-{theme}.png", full_page=True)
        opened.get_by_role("main").get_by_role("button", name="Remove").click()
        expect(opened.get_by_text("No other calendar")).to_be_visible()


async def _beside(desk: Desk) -> None:
    elsewhere(desk)


def test_they_take_it_over(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened, IVO)
        opened.goto("/provider")
        opened.get_by_role("link", name="Take it over").click()
        opened.get_by_role("button", name="Take it over").click()
        opened.wait_for_url("**/provider")
        expect(opened.get_by_text("Ivo Lind is yours")).to_be_visible()
        opened.goto("/provider/claim")
        expect(opened.get_by_text("Nothing waits for you")).to_be_visible()
        assert (violations(opened), overflow(opened)) == ([], 0)


def test_somebody_becomes_a_provider_is_booked_accepts_and_earns(
    browser: Browser, shop: Served, tmp_path: Path
) -> None:
    market = shop.shop.market
    (tmp_path / "bread.png").write_bytes(photograph("#b45309"))
    with page(browser, base=shop.address) as opened:
        enter(opened, ANA)
        opened.goto("/provider")
        opened.get_by_role("link", name="Become a provider").click()

        opened.get_by_label("Headline").fill("Bread that takes its time")
        opened.get_by_role("button", name="Save and continue").click()
        expect(opened.get_by_text("Name at least one language")).to_be_visible()
        opened.get_by_label("Portuguese").check()
        opened.get_by_role("button", name="Save and finish later").click()
        opened.wait_for_url("**/provider")
        expect(opened.get_by_text("Not live yet")).to_be_visible()
        opened.get_by_role("link", name="Go on where you stopped").click()

        opened.get_by_label("Place", exact=True).fill("Graça, Lisbon")
        opened.get_by_label("Point on the map").fill("my kitchen")
        opened.get_by_label("Time zone").select_option("Europe/Lisbon")
        opened.get_by_role("button", name="Save and continue").click()
        expect(opened.get_by_label("Point on the map")).to_be_focused()
        opened.get_by_label("Point on the map").fill("38.7167, -9.1303")
        opened.get_by_role("button", name="Save and continue").click()

        opened.wait_for_url("**/start/photos")
        opened.get_by_label("Add photographs").set_input_files(tmp_path / "bread.png")
        opened.get_by_role("button", name="Send").click()
        expect(opened.get_by_text("Cover")).to_be_visible()
        opened.get_by_label("What it shows").fill("A loaf on a table")
        opened.get_by_role("button", name="Save the description of photograph 1").click()
        expect(opened.get_by_text("Description saved.")).to_be_visible()
        opened.get_by_role("link", name="Continue").click()

        opened.get_by_label("Title").fill("A loaf each Saturday")
        opened.get_by_label("Category").select_option("catering")
        opened.get_by_label("Description").fill("Sourdough, baked that morning.")
        opened.get_by_label("Price").fill("20")
        expect(opened.get_by_text("You keep €18.00 of €20.00.")).to_be_visible()
        opened.get_by_text("On request").click()
        opened.get_by_role("button", name="Save and continue").click()

        opened.wait_for_url("**/start/hours")
        opened.get_by_role("button", name="Add hours on Saturday").click()
        opened.get_by_label("Saturday, window 1: to").fill("07:00")
        opened.get_by_role("button", name="Save and continue").click()
        expect(opened.get_by_text("A window closes after it opens")).to_be_visible()
        opened.get_by_label("Saturday, window 1: to").fill("12:00")
        opened.get_by_role("button", name="Save and continue").click()

        opened.wait_for_url("**/start/live")
        opened.get_by_role("button", name="Go live").click()
        opened.wait_for_url("**/provider")
        expect(opened.get_by_text("You are live")).to_be_visible()
        expect(opened.get_by_text("No bookings yet")).to_be_visible()

        (provider,) = shop.run(market.app.providers.owned_by(shop.shop.people[ANA]))
        (service,) = shop.run(market.app.services.of(provider.value.provider_id))
        opened.goto(f"/services/{service.value.slug}")
        expect(opened.get_by_role("button", name="Request to book")).to_be_visible()
        expect(opened.locator(".slots label").first).to_be_visible()
        start = opened.locator(".slots input").first.get_attribute("value")
        assert start

        asked = shop.run(market.book(service.value.service_id, datetime.fromisoformat(start), ADA))
        opened.goto("/provider/requests")
        expect(opened.get_by_text("Ada L.")).to_be_visible()
        opened.get_by_role("button", name="Accept A loaf each Saturday").click()
        expect(opened.get_by_text("Accepted and paid.")).to_be_visible()
        expect(opened.get_by_text("Nobody waits for you")).to_be_visible()
        opened.goto("/provider/earnings")
        expect(opened.get_by_text("€18.00").first).to_be_visible()
        expect(opened.get_by_text("Nothing earned yet")).to_be_visible()

        booking = shop.run(market.app.bookings.row(asked.booking.booking_id)).value
        assert booking.status is BookingStatus.CONFIRMED
        market.clock.advance(booking.start_at - market.clock.now() + timedelta(minutes=5))
        shop.run(market.app.closing.complete(booking.booking_id, ADA))
        enter_again(opened)
        opened.goto("/provider/earnings")
        expect(opened.get_by_role("region", name="Statement").get_by_text("+€18.00")).to_be_visible()
        opened.get_by_role("region", name="Statement").get_by_role("link", name="A loaf each Saturday").click()
        expect(opened.get_by_text("€18.00 was released to you.")).to_be_visible()


def enter_again(opened: Page) -> None:
    """The clock went on by days: sign in once more if the session has ended."""
    opened.goto("/provider")
    if "/sign-in" in opened.url or opened.get_by_role("link", name="Sign in").count():
        enter(opened, ANA)


def test_photographs_are_put_in_order_by_dragging_and_by_keyboard(browser: Browser, shop: Served, desk: Desk) -> None:
    app, service = shop.shop.market.app, desk.ids["instant"]

    def order() -> tuple[str, ...]:
        return shop.run(app.services.load(desk.provider_id, service)).value.media

    first, second, third = order()
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/provider/services/{service}")
        with opened.expect_response("**/order"):
            opened.locator(f"[data-id={third}] img").drag_to(opened.locator(f"[data-id={first}] img"))
        assert order() == (third, first, second)
        with opened.expect_response("**/order"):
            opened.get_by_role("button", name="Move photograph 1 to the back").press("Enter")
        assert order() == (first, third, second)
        with opened.expect_response("**/remove"):
            opened.get_by_role("button", name="Remove photograph 1").press("Enter")
        opened.get_by_role("button", name="Undo").click()
        opened.wait_for_load_state()
        assert order() == (first, third, second)


def test_an_unsaved_week_is_not_left_by_accident_and_enter_saves_it(browser: Browser, shop: Served, desk: Desk) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto("/provider/availability")
        opened.get_by_label("Copy the hours of Saturday").click()
        opened.get_by_role("button", name="Every day").first.click()
        expect(opened.get_by_text("Not saved yet")).to_be_visible()
        expect(opened.get_by_text("Open 28 h a week")).to_be_visible()
        asked: list[str] = []
        opened.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        opened.get_by_role("link", name="Days off").click()
        opened.wait_for_timeout(200)
        assert asked == ["beforeunload"]
        opened.get_by_label("Sunday, window 1: to").fill("12:00")
        opened.get_by_label("Sunday, window 1: to").press("Enter")
        expect(opened.get_by_text("Your week is saved.")).to_be_visible()
    plan = shop.run(shop.shop.market.app.plans.get(desk.provider_id))
    assert plan is not None
    assert [(each.opens, each.closes) for each in plan.value.week.sunday] == [("09:00", "12:00")]


def test_what_cannot_be_undone_is_asked_first_by_keyboard_too(browser: Browser, shop: Served, desk: Desk) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/provider/bookings/{desk.ids['ahead']}")
        opened.get_by_role("button", name="Cancel the booking").press("Enter")
        expect(opened.get_by_text("gets all of it back, €65.00")).to_be_visible()
        opened.keyboard.press("Escape")
        expect(opened.get_by_text("gets all of it back, €65.00")).to_be_hidden()
        opened.get_by_role("button", name="Cancel the booking").click()
        dialog = opened.get_by_role("dialog")
        dialog.get_by_label("Why? The customer reads it.").fill("A burst pipe elsewhere.")
        dialog.get_by_role("button", name="Cancel the booking").click()
        expect(opened.get_by_text("Cancelled. The customer was told")).to_be_visible()
        expect(opened.get_by_text("You cancelled")).to_be_visible()


def test_the_area_works_before_its_script_has_loaded(browser: Browser, shop: Served, desk: Desk) -> None:
    with page(browser, scripts=False, base=shop.address) as opened:
        enter(opened)
        opened.goto("/provider/availability")
        windows = opened.get_by_label(re.compile(r"^Sunday, window \d: from"))
        before = windows.count()
        opened.get_by_role("button", name="Add hours on Sunday").click()
        expect(windows).to_have_count(before + 1)
        opened.goto("/provider/services/new")
        opened.get_by_label("Title").fill("Gutters cleaned")
        opened.get_by_label("Category").select_option("roofing")
        opened.get_by_label("Description").fill("Before the rain.")
        opened.get_by_label("Price").fill("much")
        opened.get_by_role("button", name="Save and publish").click()
        expect(opened.get_by_text("is not an amount such as 12.50")).to_be_visible()
        assert opened.get_by_label("Title").input_value() == "Gutters cleaned"
        opened.get_by_label("Price").fill("90")
        opened.get_by_role("button", name="Save and publish").click()
        expect(opened.get_by_text("Gutters cleaned is on offer.")).to_be_visible()
        opened.goto("/provider/availability/preview")
        expect(opened.get_by_role("heading", name="Why these times")).to_be_visible()


def test_payouts_are_set_up_on_the_processors_pages(browser: Browser, shop: Served, desk: Desk) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto("/provider/earnings")
        opened.get_by_role("link", name="See payouts").click()
        opened.get_by_role("link", name="Go on at the payment processor").click()
        expect(opened.get_by_role("heading", name="Set up payouts")).to_be_visible()
        assert not opened.url.startswith(shop.address)
        opened.get_by_label("First name").fill("Pedro")
        opened.get_by_label("Last name").fill("Ferreira")
        opened.get_by_label("Date of birth").fill("1902-01-01")
        opened.get_by_label("IBAN", exact=True).fill("PT50 0002 0123 1234 5678 9015 4")
        opened.get_by_label("I accept the terms").check()
        opened.get_by_role("button", name="Agree and submit").click()
        expect(opened.get_by_text("Ready", exact=True)).to_be_visible()
        expect(opened.get_by_text("•••• 0154")).to_be_visible()
    assert desk.provider_id
