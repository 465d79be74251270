"""The pages in a real browser: every one accessible and within its window, in both sizes and themes; and how they behave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .browser import overflow, page, violations
from .shop import ANA, PASSWORD, Served, mailed, served

PORTRAITS = "/services/warm-documentary-portraits"
PUBLIC = (
    "/",
    "/?category=lessons&mode=remote&price=50",
    "/?q=zzzzzz",
    PORTRAITS,
    "/services/vinyasa-in-the-park?seats=2",
    "/providers/mei-nunes",
    "/sign-in",
    "/sign-up",
    "/reset-password",
    "/help",
    "/help/cancellation",
    "/help/privacy",
    "/nowhere",
)
OWN = ("/account", "/account/security", "/notices")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("shop"))) as opened:
        yield opened


def enter(opened: Page) -> None:
    opened.goto("/sign-in")
    opened.get_by_label("E-mail").fill(ANA)
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url(re.compile(r"/$"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_is_accessible_and_fits(browser: Browser, shop: Served, size: str, theme: str) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        for path in PUBLIC:
            opened.goto(path)
            assert (path, violations(opened), overflow(opened)) == (path, [], 0)
        enter(opened)
        for path in OWN:
            opened.goto(path)
            assert (path, violations(opened), overflow(opened)) == (path, [], 0)


def test_typing_and_ticking_narrow_the_finds_in_place(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        opened.goto("/")
        opened.get_by_label("What do you need?").press_sequentially("yoga")
        expect(opened.locator("#how-many")).to_contain_text("for “yoga”")
        assert opened.url.endswith("/?q=yoga")
        expect(opened.get_by_label("What do you need?")).to_be_focused()
        opened.get_by_label("What do you need?").fill("")
        expect(opened.locator("#how-many")).to_contain_text("16 services")
        opened.get_by_label("Online").check()
        expect(opened.locator("#how-many")).to_contain_text("3 services")
        expect(opened.get_by_label("Online")).to_be_checked()
        opened.get_by_role("link", name="Online remove").click()
        expect(opened.locator("#how-many")).to_contain_text("16 services")
        expect(opened.get_by_label("Online")).not_to_be_checked()
        opened.go_back()
        expect(opened.locator("#how-many")).to_contain_text("3 services")


def test_search_works_without_scripts(browser: Browser, shop: Served) -> None:
    with page(browser, scripts=False, base=shop.address) as opened:
        opened.goto("/?mode=remote")
        opened.get_by_label("What do you need?").fill("python")
        opened.get_by_role("button", name="Search").click()
        assert "q=python" in opened.url
        assert "mode=remote" in opened.url
        expect(opened.locator("#how-many")).to_contain_text("1 service")


def test_on_a_phone_the_filters_fold_and_stay_open_while_they_are_used(browser: Browser, shop: Served) -> None:
    with page(browser, size="phone", base=shop.address) as opened:
        opened.goto("/")
        expect(opened.get_by_label("Instant booking")).to_be_hidden()
        opened.get_by_text("Filters", exact=True).click()
        opened.get_by_label("Instant booking").check()
        expect(opened.locator("#how-many")).to_contain_text("14 services")
        expect(opened.get_by_label("Instant booking")).to_be_visible()


def test_a_day_a_month_a_zone_and_seats_are_chosen_in_place(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        opened.goto("/services/vinyasa-in-the-park")
        expect(opened.get_by_text("Saturday 21 November")).to_be_visible()
        opened.get_by_role("button", name=re.compile("Tuesday 24 November")).click()
        expect(opened.get_by_text("Tuesday 24 November", exact=True)).to_be_visible()
        opened.get_by_label("Seats").select_option("3")
        expect(opened.get_by_text("€39.60")).to_be_visible()
        opened.get_by_text("Change", exact=True).click()
        opened.get_by_label("Show times in").select_option("Asia/Kolkata")
        expect(opened.get_by_text("Times in Kolkata time")).to_be_visible()
        expect(opened.get_by_text("€39.60")).to_be_visible()
        opened.get_by_role("link", name="Later month").click()
        expect(opened.get_by_text("December 2026", exact=True)).to_be_visible()
        assert opened.url.endswith("/services/vinyasa-in-the-park")


def test_a_day_is_chosen_without_scripts_too(browser: Browser, shop: Served) -> None:
    with page(browser, scripts=False, base=shop.address) as opened:
        opened.goto(PORTRAITS)
        opened.get_by_role("button", name=re.compile("Tuesday 24 November")).click()
        expect(opened.get_by_text("Tuesday 24 November", exact=True)).to_be_visible()
        expect(opened.get_by_role("radio", name="09:00")).to_be_visible()


def test_somebody_signs_up_confirms_and_is_greeted(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        opened.goto("/sign-up")
        opened.get_by_label("Name").fill("Rita Nunes")
        opened.get_by_label("E-mail").fill("rita@example.org")
        opened.get_by_label("Password", exact=True).fill("rita rita")
        opened.get_by_role("button", name="Sign up").click()
        expect(opened.get_by_label("Password", exact=True)).to_be_focused()
        opened.get_by_label("Password", exact=True).fill(PASSWORD)
        opened.get_by_role("button", name="Sign up").click()
        opened.wait_for_url("**/sign-up/code")
        code, _ = shop.run(mailed(shop.shop, "rita@example.org"))
        opened.get_by_label("Code").fill(code)
        opened.get_by_role("button", name="Confirm").click()
        expect(opened.get_by_text("Welcome, Rita Nunes.")).to_be_visible()
        opened.get_by_label("Your account").click()
        opened.get_by_role("button", name="Sign out").click()
        expect(opened.get_by_text("You are signed out.")).to_be_visible()


def test_first_loads_stay_within_their_budget(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        for path in ("/", PORTRAITS):
            sizes: dict[str, int] = {}
            opened.on(
                "response",
                lambda answer, into=sizes: into.update({answer.url: answer.request.sizes()["responseBodySize"]}),
            )
            opened.goto(path, wait_until="networkidle")
            whole = sum(size for url, size in sizes.items() if "/art/" not in url)
            print(f"{path}: {whole} bytes without pictures, of them the page {sizes[opened.url]}")
            assert whole <= 150_000
