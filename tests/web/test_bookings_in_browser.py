"""A customer's bookings in a real browser: every page accessible and fitting; moved, cancelled, completed, claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ecosystem.contexts.booking import Booking, BookingStatus, Reschedule
from ecosystem.journeys.checkout import Paid
from ecosystem.kernel.actor import Actor
from ecosystem.workflows.wiring import Wiring
from market import GUEST

from .browser import overflow, page, violations
from .customers import HAIRCUT, PORTUGUESE, ana, owner
from .shop import ANA, PASSWORD, Served, served

PAGE = re.compile(r"/bookings/bkg_\w+$")

# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("bookings-browser")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as opened:
        yield opened


def enter(opened: Page) -> None:
    opened.goto("/sign-in")
    opened.get_by_label("E-mail").fill(ANA)
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url(re.compile(r"/$"))


def booked(shop: Served, slug: str = HAIRCUT, *, nth: int = 2, actor: Actor | None = None) -> Booking:
    """A booking of Ana's, made below the pages."""
    return shop.run(_booked(shop, slug, nth, actor or ana(shop.shop))).booking


async def _booked(shop: Served, slug: str, nth: int, actor: Actor) -> Paid:
    app = shop.shop.market.app
    service_id = (await app.services.by_slug(slug)).service.value.service_id
    free = await app.availability.first(await app.offering.offer(service_id), "Europe/Lisbon")
    assert free
    return await shop.shop.market.book(service_id, free.slots[nth].start_at, actor)


def now(shop: Served, found: Booking) -> Booking:
    return shop.run(shop.shop.market.app.bookings.row(found.booking_id)).value


def guest_link(shop: Served, found: Booking) -> str:
    return f"/b/{found.booking_id}/{shop.shop.market.app.links.secret(found.booking_id)}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_of_a_booking_is_accessible_and_fits(browser: Browser, shop: Served, size: str, theme: str) -> None:
    market = shop.shop.market
    confirmed, requested = booked(shop), booked(shop, PORTUGUESE)
    guests = guest_link(shop, booked(shop, nth=3, actor=GUEST))
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:

        def fits(*paths: str) -> None:
            for path in paths:
                opened.goto(path)
                assert (path, violations(opened), overflow(opened)) == (path, [], 0)

        fits(guests)
        enter(opened)
        fits("/bookings", "/bookings?tab=past", "/bookings/calendar", guests)
        for found in (confirmed, requested):
            base = f"/bookings/{found.booking_id}"
            fits(base, f"{base}/confirmed", f"{base}/cancel")
        base = f"/bookings/{confirmed.booking_id}"
        fits(f"{base}/reschedule", f"{base}/receipt")
        wish = Reschedule(booking_id=confirmed.booking_id, start_at=confirmed.start_at + timedelta(hours=1))
        shop.run(market.app.bookings.reschedule(wish, owner(confirmed)))
        fits(base)
        opened.get_by_text("Add to calendar").click()
        expect(opened.get_by_role("link", name="Google Calendar")).to_be_visible()
        assert ("menu", violations(opened), overflow(opened)) == ("menu", [], 0)
        market.clock.advance(timedelta(days=1, hours=4))
        fits(base, f"{base}/complete", f"{base}/no-show")


def test_a_booking_is_moved_by_keyboard_to_a_later_month(browser: Browser, shop: Served) -> None:
    found = booked(shop)
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto("/bookings")
        opened.get_by_role("link", name="A haircut that grows out well").press("Enter")
        opened.get_by_role("link", name="Change the time").press("Enter")
        opened.get_by_role("link", name="Later month").press("Enter")
        expect(opened.get_by_text("December 2026")).to_be_visible()
        opened.locator("#mover-2026-12-01").focus()
        opened.keyboard.press("ArrowRight")
        opened.keyboard.press("Enter")
        expect(opened.get_by_text("Wednesday 2 December")).to_be_visible()
        opened.get_by_role("radio", name="09:30").press("Space")
        opened.get_by_label("Why? João Prata reads this").fill("A train")
        opened.get_by_role("button", name="Change the time").press("Enter")
        opened.wait_for_url(PAGE)
        expect(opened.get_by_text("Wednesday 2 December")).to_be_visible()
        expect(opened.get_by_text("Your booking has its new time.")).to_be_visible()

    assert now(shop, found).start_at.isoformat() == "2026-12-02T09:30:00+00:00"


def test_a_time_taken_meanwhile_is_said_in_place(browser: Browser, shop: Served) -> None:
    found = booked(shop, nth=5)
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/bookings/{found.booking_id}/reschedule")
        opened.locator(".slots label").first.click()
        other = booked(shop, nth=0, actor=GUEST)
        opened.get_by_role("button", name="Change the time").click()
        expect(opened.locator("#mover .notice")).to_be_visible()
        assert opened.url.endswith("/reschedule")
        assert opened.locator(".slots label").count() > 0

    assert other.start_at < now(shop, found).start_at == found.start_at


def test_cancelling_shows_the_refund_first_and_gives_it_back(browser: Browser, shop: Served) -> None:
    found = booked(shop)
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/bookings/{found.booking_id}")
        opened.get_by_role("link", name="Cancel the booking").click()
        expect(opened.get_by_text("Goes back to Visa •••• 4242")).to_be_visible()
        opened.get_by_role("link", name="Keep the booking").click()
        opened.get_by_role("link", name="Cancel the booking").click()
        opened.get_by_role("button", name="Cancel and get €28.00 back").click()
        opened.wait_for_url(PAGE)
        expect(opened.get_by_text("Cancelled. €28.00 goes back to your card.")).to_be_visible()
        shop.run(Wiring.of(shop.shop.market.app).settled())
        opened.reload()
        expect(opened.get_by_text("€28.00 sent back to your card")).to_be_visible()

    assert now(shop, found).status is BookingStatus.CANCELLED


def test_the_work_is_done_and_the_payment_released(browser: Browser, shop: Served) -> None:
    found = booked(shop)
    shop.shop.market.clock.advance(timedelta(days=1, hours=4))
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/bookings/{found.booking_id}")
        opened.get_by_role("link", name="The work is done").click()
        opened.get_by_role("button", name="The work is done, release the payment").click()
        opened.wait_for_url(PAGE)
        expect(opened.get_by_text("Released to João Prata.", exact=True)).to_be_visible()

    assert now(shop, found).status is BookingStatus.COMPLETED


def test_a_guest_keeps_the_link_and_later_claims_the_booking(browser: Browser, shop: Served) -> None:
    found = booked(shop, actor=GUEST)
    with page(browser, base=shop.address) as opened:
        opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.goto(guest_link(shop, found))
        opened.get_by_role("button", name="Copy the link").click()
        expect(opened.get_by_text("Link copied")).to_be_visible()
        assert opened.evaluate("navigator.clipboard.readText()").endswith(guest_link(shop, found))
        opened.get_by_role("region", name="Your way back").get_by_role("link", name="Sign in").click()
        opened.get_by_label("E-mail").fill(ANA)
        opened.get_by_label("Password", exact=True).fill(PASSWORD)
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url("**/b/*/*")
        opened.get_by_role("button", name="Add to your account").click()
        opened.wait_for_url(PAGE)
        expect(opened.get_by_text("The booking is in your account now.")).to_be_visible()

    assert now(shop, found).customer_id == ana(shop.shop).actor_id


def test_without_scripts_bookings_are_moved_answered_and_cancelled(browser: Browser, shop: Served) -> None:
    found = booked(shop)
    with page(browser, scripts=False, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/bookings/{found.booking_id}")
        opened.get_by_role("link", name="Change the time").click()
        opened.get_by_role("link", name="Later month").click()
        opened.locator(".calendar a.day").nth(3).click()
        opened.locator(".slots label").first.click()
        opened.get_by_role("button", name="Change the time").click()
        opened.wait_for_url(PAGE)
        moved = now(shop, found)
        wish = Reschedule(booking_id=found.booking_id, start_at=moved.start_at + timedelta(hours=1))
        shop.run(shop.shop.market.app.bookings.reschedule(wish, owner(found)))
        opened.reload()
        opened.get_by_role("button", name="Accept").click()
        expect(opened.get_by_text("Agreed: your booking has its new time.")).to_be_visible()
        opened.get_by_text("Add to calendar").click()
        with opened.expect_download() as file:
            opened.get_by_role("link", name="Any calendar").click()
        opened.get_by_role("link", name="Cancel the booking").click()
        opened.get_by_role("button", name=re.compile("Cancel and get")).click()
        opened.wait_for_url(PAGE)

    assert moved.start_at != found.start_at
    assert file.value.suggested_filename == f"{found.booking_id}.ics"
    assert now(shop, found).status is BookingStatus.CANCELLED


def test_a_receipt_prints_without_what_stands_around_it(browser: Browser, shop: Served) -> None:
    found = booked(shop)
    with page(browser, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/bookings/{found.booking_id}/receipt")
        opened.evaluate("window.print = () => { window.printed = true }")
        opened.get_by_role("button", name="Print").click()
        assert opened.evaluate("window.printed")
        opened.emulate_media(media="print")
        expect(opened.get_by_role("heading", name="Receipt")).to_be_visible()
        expect(opened.get_by_role("button", name="Print")).to_be_hidden()
        expect(opened.get_by_role("banner")).to_be_hidden()
        assert len(opened.pdf()) > 5_000
