"""Cards that are kept, in a real browser: kept at a checkout, chosen at the next, looked at and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .browser import overflow, page, violations
from .shop import Served, served
from .test_checkout_in_browser import BOOKED, PAYS, card, choose, enter, introduce, pay

pytestmark = pytest.mark.xdist_group("saved-cards-browser")
MASTERCARD = "5555555555554444"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("shop"))) as opened:
        yield opened


def keep(shop: Served, opened: Page, number: str) -> None:
    """Pay with a new card, and have it kept."""
    choose(opened)
    others = opened.get_by_text("Another card")
    if others.count():
        others.click()
    card(opened, number)
    opened.get_by_label("Keep this card for next time").check()
    pay(opened)
    opened.wait_for_url(BOOKED)
    shop.run(shop.shop.market.passes(timedelta(seconds=1)))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_pages_of_kept_cards_are_accessible_and_fit(browser: Browser, shop: Served, size: str, theme: str) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        enter(opened)
        opened.goto("/account/cards")
        if opened.get_by_text("You keep no card").count():
            assert ("none", violations(opened), overflow(opened)) == ("none", [], 0)
            keep(shop, opened, PAYS)
            keep(shop, opened, MASTERCARD)
            opened.goto("/account/cards")
        assert ("some", violations(opened), overflow(opened)) == ("some", [], 0)
        opened.get_by_role("button", name="Remove Visa").click()
        assert ("sure", violations(opened), overflow(opened)) == ("sure", [], 0)
        choose(opened)
        expect(opened.get_by_label("Mastercard •••• 4444")).to_be_checked()
        assert ("kept", violations(opened), overflow(opened)) == ("kept", [], 0)
        opened.get_by_text("Another card").click()
        opened.frame_locator("[data-card-frame] iframe").get_by_label("Card number").wait_for()
        assert ("new", violations(opened), overflow(opened)) == ("new", [], 0)
        opened.get_by_role("button", name="Choose another time").click()


def test_a_kept_card_pays_without_its_number_and_is_removed(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        keep(shop, opened, PAYS)
        choose(opened)
        kept = opened.get_by_label("Visa •••• 4242")
        expect(kept).to_be_checked()
        expect(opened.locator("[data-card-frame]")).to_be_hidden()

        pay(opened)
        opened.wait_for_url(BOOKED)
        opened.goto("/account/cards")
        opened.get_by_role("button", name="Remove Visa •••• 4242").click()
        opened.locator("dialog[open]").get_by_role("button", name="Remove").click()

        expect(opened.get_by_text("The card is removed.")).to_be_visible()
        expect(opened.get_by_text("Visa •••• 4242", exact=True)).to_have_count(0)
        choose(opened)
        expect(opened.get_by_label("Visa •••• 4242")).to_have_count(0)


def test_a_kept_card_pays_without_scripts(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        keep(shop, opened, PAYS)
        state = {each["name"]: each["value"] for each in opened.context.cookies()}
    with page(browser, scripts=False, base=shop.address, cookies=state) as opened:
        choose(opened)
        pay(opened)
        opened.wait_for_url(BOOKED)


def test_guests_are_offered_to_keep_nothing(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        expect(opened.frame_locator("[data-card-frame] iframe").get_by_label("Card number")).to_be_visible()

        expect(opened.get_by_label("Keep this card for next time")).to_have_count(0)
        expect(opened.get_by_text("Another card")).to_have_count(0)


def test_strangers_are_sent_to_sign_in(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        opened.goto("/account/cards")
        expect(opened).to_have_url(re.compile(r"/sign-in"))
