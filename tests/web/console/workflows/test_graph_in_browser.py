"""The drawing of an execution in a browser: both sizes, both themes, by keyboard, and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.web.browser import overflow, page, shoot, violations

PICTURES = Path("build/pictures")
pytestmark = pytest.mark.xdist_group("gallery")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_drawing_can_be_read_by_everybody(browser: Browser, address: str, size: str, theme: str) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, base=address) as opened:
        opened.goto("/gallery/workflow")
        opened.locator("#graph-in-words summary").click()

        assert violations(opened) == []
        assert overflow(opened) == 0
        opened.evaluate("scrollTo(0, 0)")
        shoot(opened, f"graph-{size}-{theme}", PICTURES)


def test_states_are_reached_by_keyboard_and_say_how_they_stand(browser: Browser, address: str) -> None:
    with page(browser, base=address) as opened:
        opened.goto("/gallery/workflow")
        opened.locator(".graph").focus()

        heard = []
        for _ in range(4):
            opened.keyboard.press("Tab")
            heard.append(opened.evaluate("document.activeElement.getAttribute('aria-label')"))

        assert heard[0] == "ReadHold, Task, Succeeded, 2 retries"
        assert heard[1] == "IsItPaid, Choice, Succeeded, 3 visits"
        assert heard[2] == "TellEverybody, Parallel, Error caught"
        opened.keyboard.press("Enter")
        opened.wait_for_url("**/gallery/workflow?state=*#steps")


def test_a_wide_drawing_scrolls_in_its_own_frame_or_is_fitted(browser: Browser, address: str) -> None:
    with page(browser, size="phone", base=address) as opened:
        opened.goto("/gallery/workflow")
        opened.wait_for_function("document.querySelector('.graph').scrollLeft > 0")
        scrolled = opened.evaluate("document.querySelector('.graph').scrollWidth")
        opened.get_by_label("Fit to width").check()
        fitted = opened.evaluate("document.querySelector('.graph').scrollWidth")

        assert scrolled > 390
        assert fitted < 390


def test_the_list_says_in_words_what_the_drawing_shows(browser: Browser, address: str) -> None:
    with page(browser, base=address, scripts=False) as opened:
        opened.goto("/gallery/workflow")
        opened.locator("#graph-in-words summary").click()

        said = opened.locator("#graph-in-words li").filter(has_text="IsItPaid (Choice").inner_text()
        assert 'if hold.status = "paid" → TellEverybody' in said
        assert "otherwise → WaitForPayment" in said
