"""Evidence in a real browser: assembled and sent at the console, read by the provider, on pages that fit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Page, expect

from ecosystem.contexts.disputes import Dispute
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from market import SYSTEM

from .browser import overflow, page, violations
from .customers import ana
from .shop import OLGA, PASSWORD, PEDRO, Served, served

PICTURES = os.environ.get("EVIDENCE_PICTURES", "")
THEMES = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]

pytestmark = pytest.mark.xdist_group("evidence-browser")


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


async def charged_back(shop: Served) -> Dispute:
    """A booking of Ana's with Pedro, delivered, whose money her bank took back."""
    market = shop.shop.market
    app = market.app
    pedro = Actor(actor_id=shop.shop.people[PEDRO], groups=(Group.CUSTOMERS, Group.PROVIDERS))
    service_id = await market.service(await market.provider(pedro), Money(4_000, "EUR"), owner=pedro)
    start = market.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    paid = await market.book(service_id, start, ana(shop.shop), "pm_card_createDispute")
    market.clock.advance(timedelta(hours=5))
    await app.closing.complete(paid.booking.booking_id, ana(shop.shop))
    await market.sandbox.settled()
    (news,) = (await app.ports.cards.chargebacks()).items
    await app.repairing.settlement.learn_chargeback(news.booking_id, news.payment_id, news, SYSTEM)
    await market.sequence()
    await app.audit.caught_up()
    await app.audit.seal()
    (dispute,) = await app.disputes.of_booking(paid.booking.booking_id)
    return dispute


def fits(opened: Page, name: str) -> None:
    if PICTURES:
        opened.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert (name, violations(opened), overflow(opened)) == (name, [], 0)


def test_evidence_is_assembled_sent_to_the_bank_and_read_by_the_provider(browser: Browser, shop: Served) -> None:
    dispute = shop.run(charged_back(shop))
    detail = f"/console/disputes/{dispute.booking_id}/{dispute.dispute_id}"
    with (
        page(browser, bypass_csp=True, base=shop.address) as desk,
        page(browser, bypass_csp=True, base=shop.address) as his,
    ):
        enter(desk, OLGA)
        enter(his, PEDRO)
        desk.goto(detail)
        expect(desk.get_by_text("None was assembled yet.")).to_be_visible()
        desk.get_by_role("button", name="Assemble it now").click()
        expect(desk.get_by_text("The evidence is assembled.")).to_be_visible()
        with desk.expect_download() as download:
            desk.get_by_role("link", name="Version 1").click()
        with ZipFile(download.value.path()) as archive:
            assert {"index.html", "evidence.pdf", "evidence.json", "booking.ics"} < set(archive.namelist())
            Path(os.environ.get("EVIDENCE_PICTURES") or download.value.path().parent, "index.html").write_bytes(
                archive.read("index.html")
            )
        desk.get_by_label("What we say to the bank").fill("Delivered as agreed.")
        desk.get_by_role("button", name="Send to the bank").click()
        expect(desk.get_by_text("The bank has the evidence.")).to_be_visible()
        expect(desk.get_by_role("button", name="Send to the bank")).to_have_count(0)

        his.goto(f"/provider/bookings/{dispute.booking_id}")
        with his.expect_download() as his_file:
            his.get_by_role("link", name="Download the evidence").click()
        assert his_file.value.path().read_bytes() == download.value.path().read_bytes()
        fits(his, "provider")


@pytest.mark.parametrize(("size", "theme"), THEMES)
def test_the_page_with_evidence_is_accessible_and_fits(browser: Browser, shop: Served, size: str, theme: str) -> None:
    dispute = shop.run(charged_back(shop))
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as desk:
        enter(desk, OLGA)
        desk.goto(f"/console/disputes/{dispute.booking_id}/{dispute.dispute_id}")
        fits(desk, f"empty-{size}-{theme}")
        desk.get_by_role("button", name="Assemble it now").click()
        expect(desk.get_by_role("button", name="Send to the bank")).to_be_visible()
        fits(desk, f"assembled-{size}-{theme}")
