"""The checkout where the card processor's own script draws its fields, with a script of ours that stands for it.

What is tested is our side: that the page loads, frames and calls nothing but the processor's addresses, on this page
alone; that the number is typed into a frame of another origin; and that the way through the bank leads back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from .browser import overflow, page, violations
from .shop import Served, served
from .test_checkout_in_browser import BOOKED, choose, enter, pay

pytestmark = pytest.mark.xdist_group("card-script-browser")

SCRIPT = """
window.Stripe = (key) => ({
  elements: () => ({
    create() {
      const told = {};
      let frame;
      return {
        on: (name, heard) => { told[name] = heard; },
        update() {},
        destroy: () => frame?.remove(),
        mount(place) {
          frame = document.createElement('iframe');
          frame.title = 'Secure card payment input frame';
          frame.src = 'https://js.stripe.com/fields.html';
          frame.style = 'border: 0; width: 100%; height: 2.5rem; display: block';
          frame.addEventListener('load', () => told.ready());
          place.append(frame);
        },
      };
    },
  }),
  async createPaymentMethod(wanted) {
    const answer = await fetch('https://api.stripe.com/v1/payment_methods', {
      method: 'POST', body: JSON.stringify({ key, ...wanted.billing_details }),
    });
    return answer.json();
  },
});
"""
FIELDS = """<!doctype html><html lang="en"><title>Fields</title><body style="margin:0">
<label style="position:absolute;opacity:0" for="n">Card number</label>
<input id="n" style="width:90%;font:16px sans-serif;border:0" autocomplete="cc-number" placeholder="Card number">"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("shop")), with_script=True) as opened:
        yield opened


def stands_for(opened: Page, answer: str) -> list[str]:
    """Answer for the processor's addresses; which of them were asked."""
    asked: list[str] = []

    def fulfil(route: Route) -> None:
        address = route.request.url
        asked.append(address)
        if address.endswith("/stripe.js"):
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif address.endswith("/fields.html"):
            route.fulfill(body=FIELDS, content_type="text/html")
        else:
            headers = {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}
            route.fulfill(body=answer, content_type="application/json", headers=headers)

    opened.route(re.compile(r"https://[a-z.]*stripe\.com/.*"), fulfil)
    return asked


def test_the_script_takes_the_card_and_its_id_pays(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        asked = stands_for(opened, '{"paymentMethod": {"id": "pm_card_visa"}}')
        enter(opened)
        assert asked == []
        choose(opened)
        frame = opened.frame_locator("[data-card-mount] iframe")
        frame.get_by_label("Card number").fill("4242 4242 4242 4242")

        pay(opened)
        opened.wait_for_url(BOOKED)

        assert [address.partition("?")[0] for address in asked] == [
            "https://js.stripe.com/endive/stripe.js",
            "https://js.stripe.com/fields.html",
            "https://api.stripe.com/v1/payment_methods",
        ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_what_the_script_refuses_is_said_at_the_card(browser: Browser, shop: Served, size: str, theme: str) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        stands_for(opened, '{"error": {"message": "Your card number is incomplete."}}')
        enter(opened)
        choose(opened)
        opened.frame_locator("[data-card-mount] iframe").get_by_label("Card number").wait_for()
        assert ("fields", violations(opened), overflow(opened)) == ("fields", [], 0)

        pay(opened)

        expect(opened.get_by_role("alert").get_by_text("Your card number is incomplete.")).to_be_visible()
        expect(opened.locator("#pay-act button")).to_be_enabled()
        assert ("refused", violations(opened), overflow(opened)) == ("refused", [], 0)
        opened.get_by_role("button", name="Choose another time").click()


def test_the_banks_question_is_a_page_of_its_own_that_leads_back(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        stands_for(opened, '{"paymentMethod": {"id": "pm_card_authenticationRequired"}}')
        enter(opened)
        choose(opened)
        opened.frame_locator("[data-card-mount] iframe").get_by_label("Card number").fill("4000 0025 0000 3155")
        pay(opened)

        opened.get_by_role("link", name="Confirm with your bank").click()
        opened.get_by_role("button", name="Complete authentication").click()
        opened.wait_for_url(BOOKED)


def test_only_pages_that_take_a_card_may_load_the_script(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        stands_for(opened, "{}")
        enter(opened)
        answer = opened.goto("/account/cards")
        assert answer
        elsewhere = answer.header_value("content-security-policy") or ""
        choose(opened)
        answer = opened.reload()
        assert answer
        here = answer.header_value("content-security-policy") or ""

    assert "stripe" not in elsewhere
    assert "require-trusted-types-for 'script'" in elsewhere
    directives = {part.split()[0]: part.split()[1:] for part in here.split("; ")}
    assert {"https://js.stripe.com", "https://*.js.stripe.com"} <= {*directives["script-src"]}
    assert directives["frame-src"] == [
        "https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com",
    ]  # fmt: skip
    assert directives["connect-src"] == ["'self'", "https://api.stripe.com"]
    assert [name for name, sources in directives.items() if any("stripe" in each for each in sources)] == [
        "script-src", "connect-src", "frame-src",
    ]  # fmt: skip
