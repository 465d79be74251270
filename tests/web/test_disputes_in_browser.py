"""Disputes in a real browser, on both sides and at the console: accessible, fitting, and carried through."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.contexts.disputes import Answer, AnswerDispute, Cause, Dispute, OpenDispute
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money

from .browser import overflow, page, violations
from .customers import ana
from .shop import ANA, OLGA, PASSWORD, PEDRO, Served, served

PICTURES = os.environ.get("DISPUTE_PICTURES", "")

# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("disputes-browser")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as opened:
        yield opened


def enter(opened: Page, email: str) -> None:
    opened.goto("/sign-in")
    opened.get_by_label("E-mail").fill(email)
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url(re.compile(r"/(provider|console)?$"))


def pedro(shop: Served) -> Actor:
    groups = (Group.CUSTOMERS, Group.PROVIDERS)
    return Actor(actor_id=shop.shop.people[PEDRO], groups=groups)


def ended(shop: Served) -> Booking:
    """A booking of Ana's with Pedro that has just ended."""
    found = shop.run(_booked(shop))
    behind = found.end_at + timedelta(minutes=5) - shop.shop.market.clock.now()
    shop.shop.market.clock.advance(max(timedelta(0), behind))
    return found


async def _booked(shop: Served) -> Booking:
    market, owner = shop.shop.market, pedro(shop)
    provider_id = await market.provider(owner)
    service_id = await market.service(provider_id, Money(4_000, "EUR"), owner=owner)
    start = market.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    return (await market.book(service_id, start, ana(shop.shop))).booking


def disputed(shop: Served, found: Booking) -> Dispute:
    request = OpenDispute(
        dispute_id=shop.shop.market.id("dsp"),
        booking_id=found.booking_id,
        cause=Cause.CUT_SHORT,
        text="He left after twenty minutes, with one side still long. I had to have it finished elsewhere.",
        wanted=Money(found.lines.total.minor // 2, found.lines.total.currency),
    )
    return shop.run(shop.shop.market.app.disputing.open(request, ana(shop.shop)))


def answered(shop: Served, found: Booking, dispute: Dispute, answer: Answer, offered: Money | None = None) -> Dispute:
    request = AnswerDispute(
        booking_id=found.booking_id,
        dispute_id=dispute.dispute_id,
        answer=answer,
        text="The hour was nearly full: she came late, and I had told her so.",
        offered=offered,
    )
    return shop.run(shop.shop.market.app.disputing.answer(request, pedro(shop)))


def status(shop: Served, found: Booking) -> BookingStatus:
    return shop.run(shop.shop.market.app.bookings.row(found.booking_id)).value.status


def fits(opened: Page, path: str, name: str) -> None:
    opened.goto(path)
    if PICTURES:
        opened.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert (path, violations(opened), overflow(opened)) == (path, [], 0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_of_a_dispute_is_accessible_and_fits(browser: Browser, shop: Served, size: str, theme: str) -> None:
    found = ended(shop)
    base, mark = f"/bookings/{found.booking_id}", f"{size}-{theme}"
    with (
        page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as hers,
        page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as his,
        page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as desk,
    ):
        enter(hers, ANA)
        enter(his, PEDRO)
        enter(desk, OLGA)
        fits(hers, base, f"customer-ended-{mark}")
        fits(hers, f"{base}/dispute", f"customer-form-{mark}")
        dispute = disputed(shop, found)
        theirs = f"/provider/bookings/{found.booking_id}"
        fits(hers, base, f"customer-review-{mark}")
        fits(his, theirs, f"provider-review-{mark}")
        answered(shop, found, dispute, Answer.OFFERED, Money(500, found.lines.total.currency))
        fits(hers, base, f"customer-offered-{mark}")
        fits(his, theirs, f"provider-offered-{mark}")
        fits(desk, "/console/disputes?state=offered", f"console-list-{mark}")
        fits(desk, f"/console/disputes/{found.booking_id}/{dispute.dispute_id}", f"console-detail-{mark}")


def test_a_dispute_is_opened_answered_and_taken_back_by_its_two_sides(browser: Browser, shop: Served) -> None:
    found = ended(shop)
    with page(browser, base=shop.address) as hers, page(browser, base=shop.address) as his:
        enter(hers, ANA)
        enter(his, PEDRO)
        hers.goto(f"/bookings/{found.booking_id}")
        hers.get_by_role("link", name="Dispute the booking").click()
        hers.get_by_label("What was wrong?").select_option("cut_short")
        hers.get_by_label("What happened?").fill("He left after twenty minutes.")
        hers.get_by_role("radio", name="A part").check()
        hers.get_by_label("Amount, if it is a part").fill("10.00")
        hers.get_by_role("button", name="Open the dispute").click()
        expect(hers.get_by_text("Your dispute is open. The money waits.")).to_be_visible()
        assert status(shop, found) is BookingStatus.DISPUTED

        his.goto(f"/provider/bookings/{found.booking_id}")
        expect(his.get_by_text("He left after twenty minutes.").first).to_be_visible()
        his.get_by_role("button", name="Contest it").click()
        expect(his.get_by_text("Say how you see it")).to_be_visible()
        his.get_by_label("Offer a part").fill("4.00")
        his.get_by_role("button", name="Offer this part").click()
        expect(his.get_by_text("Offered. The customer has a day to answer.")).to_be_visible()

        hers.goto(f"/bookings/{found.booking_id}")
        hers.get_by_role("button", name="Take €4.00").click()
        expect(hers.get_by_text("Agreed. The money is on its way back.")).to_be_visible()

    assert status(shop, found) is BookingStatus.COMPLETED


def test_an_operator_sees_what_follows_and_decides(browser: Browser, shop: Served) -> None:
    found = ended(shop)
    dispute = disputed(shop, found)
    answered(shop, found, dispute, Answer.CONTESTED)
    shop.run(shop.shop.market.app.disputing.escalate(found.booking_id, dispute.dispute_id))
    with page(browser, base=shop.address) as desk:
        enter(desk, OLGA)
        desk.goto("/console/disputes")
        desk.get_by_role("link", name=found.offer.title).click()
        desk.get_by_label("What goes back to the customer").fill("7.00")
        desk.get_by_label("Reason").fill("The visit was half as long as agreed.")
        desk.get_by_role("button", name="See what follows").click()
        expect(desk.get_by_text("This will happen")).to_be_visible()
        expect(desk.get_by_text("€7.00").first).to_be_visible()
        desk.get_by_role("button", name="Decide it").click()
        expect(desk.get_by_text("The dispute is decided.")).to_be_visible()
        expect(desk.get_by_text("The visit was half as long as agreed.")).to_be_visible()

    assert status(shop, found) is BookingStatus.COMPLETED
