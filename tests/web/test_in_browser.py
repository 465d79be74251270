"""The frame in a real browser: both sizes, both themes, with and without scripts, under the policy it ships with."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from .browser import overflow, page, violations

WHO = {"provider": "pedro", "console": "olga"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_component_is_accessible_and_fits(browser: Browser, address: str, size: str, theme: str) -> None:
    for path in ("/gallery", "/gallery/provider", "/gallery/console", "/gallery/refuse/missing"):
        who = WHO.get(path.rpartition("/")[2], "")
        with page(
            browser, size=size, theme=theme, bypass_csp=True, cookies={"who": who} if who else None, base=address
        ) as opened:
            opened.goto(path)
            assert violations(opened) == []
            assert overflow(opened) == 0


def test_a_theme_chosen_is_there_on_the_next_page_with_scripts_and_without(browser: Browser, address: str) -> None:
    for scripts in (True, False):
        with page(browser, scripts=scripts, base=address) as opened:
            opened.goto("/gallery")
            opened.get_by_label("Appearance").click()
            opened.get_by_role("button", name="Dark").click()
            opened.goto("/gallery")
            assert opened.locator("html").get_attribute("data-theme") == "dark"
            assert opened.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_a_form_sent_by_htmx_shows_its_errors_in_place_and_takes_the_focus_there(
    browser: Browser, address: str
) -> None:
    with page(browser, base=address) as opened:
        opened.goto("/gallery/form")
        opened.get_by_label("E-mail").fill("taken@example.org")
        opened.get_by_label("Password", exact=True).fill("x")
        opened.get_by_role("button", name="Send").click()
        expect(opened.get_by_text("Somebody was faster.")).to_be_visible()
        opened.get_by_label("E-mail").fill("free@example.org")
        opened.get_by_label("Password", exact=True).fill("x")
        opened.get_by_role("button", name="Send").click()
        opened.wait_for_url("**/gallery")
        expect(opened.get_by_text("Thank you.")).to_be_visible()


def test_the_same_form_works_without_scripts(browser: Browser, address: str) -> None:
    with page(browser, scripts=False, base=address) as opened:
        opened.goto("/gallery/form")
        opened.get_by_label("E-mail").fill("taken@example.org")
        opened.get_by_label("Password", exact=True).fill("x")
        opened.get_by_role("button", name="Send").click()
        expect(opened.get_by_text("Somebody was faster.")).to_be_visible()
        assert opened.get_by_label("E-mail").input_value() == "taken@example.org"


def test_dialogs_menus_and_the_calendar_work_by_keyboard(browser: Browser, address: str) -> None:
    with page(browser, base=address) as opened:
        opened.goto("/gallery")
        opened.get_by_role("button", name="Open a dialog").press("Enter")
        expect(opened.get_by_role("heading", name="Cancel this booking?")).to_be_visible()
        opened.keyboard.press("Escape")
        expect(opened.get_by_role("heading", name="Cancel this booking?")).to_be_hidden()
        opened.get_by_label("Appearance").press("ArrowDown")
        expect(opened.get_by_role("button", name="Light")).to_be_focused()
        opened.keyboard.press("Escape")
        expect(opened.get_by_role("button", name="Light")).to_be_hidden()
        opened.locator("[data-date='2026-11-24']").focus()
        opened.keyboard.press("ArrowLeft")
        assert opened.evaluate("document.activeElement.dataset.date") == "2026-11-23"


def test_the_palette_opens_by_its_keys_and_leads_where_it_says(browser: Browser, address: str) -> None:
    with page(browser, cookies={"who": "olga"}, base=address) as opened:
        opened.route("**/console/find*", lambda route: route.fulfill(body=""))
        opened.goto("/gallery/console")
        opened.keyboard.press("Control+k")
        opened.get_by_role("combobox").fill("mail")
        expect(opened.get_by_role("option", name="Mail System")).to_have_attribute("aria-selected", "true")
        opened.keyboard.press("Enter")
        opened.wait_for_url("**/console/mail")


def test_what_somebody_injects_does_not_run(browser: Browser, address: str) -> None:
    def tainted(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace(
            "</main>", "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'></main>"
        )
        route.fulfill(response=answer, body=body)

    context = browser.new_context(base_url=address)
    opened = context.new_page()
    opened.route("**/gallery", tainted)
    opened.goto("/gallery")
    opened.wait_for_timeout(100)
    assert opened.evaluate("window.ran ?? 0") == 0
    refused = opened.evaluate("() => { try { document.body.innerHTML = '<b>x</b>' } catch (no) { return no.name } }")
    assert refused == "TypeError"
    context.close()


def test_a_public_page_stays_within_its_budget(browser: Browser, address: str) -> None:
    with page(browser, base=address) as opened:
        sizes: dict[str, int] = {}
        opened.on("response", lambda answer: sizes.update({answer.url: answer.request.sizes()["responseBodySize"]}))
        opened.goto("/gallery", wait_until="networkidle")

    by_kind = {
        kind: sum(size for url, size in sizes.items() if kind in url) for kind in (".js", ".css", ".woff2", "/art/")
    }
    whole = sum(sizes.values()) - by_kind["/art/"]
    print(f"page {whole} bytes without pictures: {by_kind}")
    assert whole <= 150_000
    assert by_kind[".js"] <= 35_000
    assert by_kind[".css"] <= 25_000
