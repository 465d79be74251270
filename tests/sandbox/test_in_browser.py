"""The card element and the challenge in a real browser, framed by a page of another origin under a strict policy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from msgspec.structs import replace
from playwright.sync_api import Browser, FrameLocator, Page, expect

from ecosystem.sandbox import CALM, Sandbox, Settings
from sandbox.calling import KEYS
from web.browser import chromium, overflow, page, violations

SHOP_PAGE = """<!doctype html><html lang="en" class="{theme}"><head><title>Shop</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/shop.css"></head><body><main><h1>Pay</h1>
<iframe id="frame" title="Card" src="{source}"></iframe><button id="pay">Pay</button><output id="told"></output></main>
<script src="/shop.js" data-processor="{processor}"></script></body></html>"""
SHOP_STYLE = """iframe { width: 100%; height: 13rem; border: 0; } body { margin: 1rem; font: 1rem sans-serif; }
.dark { color-scheme: dark; background: #0f1414; color: #fff; }"""
SHOP_SCRIPT = """
const processor = document.currentScript.dataset.processor, frame = document.getElementById("frame");
window.heard = [];
addEventListener("message", (event) => {
  if (event.origin !== processor || event.source !== frame.contentWindow) return;
  window.heard.push(event.data);
  if (event.data.type === "height") frame.style.height = event.data.height + 8 + "px";
  document.getElementById("told").textContent = JSON.stringify(event.data);
});
document.getElementById("pay").addEventListener("click", () =>
  frame.contentWindow.postMessage({ type: "submit", name: "Ana", setup: window.setup }, processor));
"""


@dataclass
class Shop:
    """A page of ours that frames the processor's, each on its own origin."""

    origin: str = ""
    processor: str = ""

    def url(self, source: str, theme: str = "light") -> str:
        return f"{self.origin}/?theme={theme}&source={quote(source, safe='')}"

    def element(self, theme: str = "light", method: str = "card") -> str:
        source = f"{self.processor}/element?theme={theme}&method={method}&embedder={quote(self.origin, safe='')}"
        return self.url(source, theme)


async def _serve(shop: Shop, folder: Path, up: threading.Event, down: asyncio.Event) -> None:
    async def show(request: web.Request) -> web.Response:
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self';"
            f" frame-src {shop.processor}"
        )
        text = SHOP_PAGE.format(
            theme=request.query["theme"], source=request.query["source"].replace("&", "&amp;"), processor=shop.processor
        )
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=SHOP_STYLE, content_type="text/css")

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=SHOP_SCRIPT, content_type="text/javascript")

    async def icon(_: web.Request) -> web.Response:
        return web.Response(status=204)

    application = web.Application()
    application.add_routes(
        [
            web.get("/", show),
            web.get("/shop.css", style),
            web.get("/shop.js", script),
            web.get("/favicon.ico", icon),
            web.get("/back", icon),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = Settings(data=folder / "sandbox.sqlite", keys=KEYS, profile=CALM)
    async with Sandbox.running(replace(settings, embedders=(shop.origin,))) as sandbox:
        shop.processor = sandbox.origin
        up.set()
        await down.wait()
    await runner.cleanup()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    loop, shop, up = asyncio.new_event_loop(), Shop(), threading.Event()
    down = asyncio.Event()
    serving = _serve(shop, tmp_path_factory.mktemp("shop"), up, down)
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,), daemon=True)
    thread.start()
    assert up.wait(20)
    yield shop
    loop.call_soon_threadsafe(down.set)
    thread.join(20)
    loop.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def fields(opened: Page) -> FrameLocator:
    return opened.frame_locator("#frame")


def heard(opened: Page, kind: str, **said: object) -> dict[str, object]:
    """The last message of that kind, once it says so."""
    for _ in range(250):
        messages = [message for message in opened.evaluate("window.heard") if message["type"] == kind]
        if messages and all(messages[-1].get(name) == value for name, value in said.items()):
            return messages[-1]
        opened.wait_for_timeout(20)
    raise AssertionError(f"{kind} {said} was not heard: {opened.evaluate('window.heard')}")


def test_a_card_typed_in_becomes_an_id_and_its_number_never_leaves_the_frame(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        sent: list[str] = []
        opened.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
        opened.goto(shop.element())
        fields(opened).get_by_label("Card number").press_sequentially("4242424242424242")
        expect(fields(opened).get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
        expect(fields(opened).get_by_text("Visa", exact=True)).to_be_visible()
        # Each field hands on to the next.
        opened.keyboard.type("1234")
        opened.keyboard.type("123")
        expect(fields(opened).get_by_label("Expiry")).to_have_value("12 / 34")
        heard(opened, "change", complete=True)
        opened.get_by_role("button", name="Pay").click()
        card = heard(opened, "card")
        assert str(card["id"]).startswith("pm_")
        assert (card["brand"], card["last4"]) == ("visa", "4242")
        assert "4242424242424242" not in str(opened.evaluate("window.heard"))
        assert [one for one in sent if "4242424242424242" in one and not one.startswith(shop.processor)] == []


def test_a_bank_account_typed_in_becomes_an_id_and_its_number_never_leaves_the_frame(
    browser: Browser, shop: Shop
) -> None:
    with page(browser) as opened:
        opened.goto(shop.element(method="us_bank_account"))
        fields(opened).get_by_label("Routing number").fill("110000001")
        opened.get_by_role("button", name="Pay").click()
        expect(fields(opened).get_by_text("Enter the name on the account.")).to_be_visible()
        expect(fields(opened).get_by_text("The routing number is not right.")).to_be_visible()

        fields(opened).get_by_label("Name on the account").fill("Ana Sousa")
        fields(opened).get_by_label("Routing number").fill("110000000")
        fields(opened).get_by_label("Account number").fill("000123456789")
        heard(opened, "change", complete=True)
        opened.get_by_role("button", name="Pay").click()
        bank = heard(opened, "bank")
        assert str(bank["id"]).startswith("pm_")
        assert bank["last4"] == "6789"
        assert "000123456789" not in str(opened.evaluate("window.heard"))


@pytest.mark.parametrize("method", ["card", "us_bank_account"])
def test_what_is_typed_in_can_be_kept_for_later_at_once(browser: Browser, shop: Shop, method: str) -> None:
    with page(browser) as opened:
        headers = {"Authorization": f"Bearer {KEYS.secret_key}"}
        made = opened.request.post(f"{shop.processor}/v1/setup_intents", headers=headers).json()
        opened.goto(shop.element(method=method))
        opened.evaluate("secret => { window.setup = secret; }", made["client_secret"])
        fields(opened).get_by_text("Test mode").click()
        fields(opened).get_by_role("listitem").first.get_by_role("button").click()
        opened.get_by_role("button", name="Pay").click()
        kept = heard(opened, "setup", status="succeeded")
        intent = opened.request.get(f"{shop.processor}/v1/setup_intents/{made['id']}", headers=headers).json()

        assert (intent["status"], intent["payment_method"]) == ("succeeded", kept["id"])
        assert (kept["intent"], kept["kind"]) == (made["id"], method)
        if method == "us_bank_account":
            mandate = opened.request.get(f"{shop.processor}/v1/mandates/{intent['mandate']}", headers=headers).json()
            assert "Mozilla" in mandate["customer_acceptance"]["online"]["user_agent"]


def test_what_is_wrong_is_said_beside_its_field_and_focused(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        opened.goto(shop.element())
        number = fields(opened).get_by_label("Card number")
        number.press_sequentially("4242424242424241")
        opened.get_by_role("button", name="Pay").click()
        expect(number).to_have_attribute("aria-invalid", "true")
        expect(number).to_have_accessible_description("The card number is not right. Check its digits.")
        expect(number).to_be_focused()
        expect(fields(opened).get_by_text("Enter the expiry date.")).to_be_visible()
        heard(opened, "problem", field="number")

        number.fill("4000000000000002")
        fields(opened).get_by_label("Expiry").fill("13 / 40")
        fields(opened).get_by_label("Security code").fill("12")
        opened.get_by_role("button", name="Pay").click()
        expect(fields(opened).get_by_text("There is no such month.")).to_be_visible()
        expect(fields(opened).get_by_text("The security code has 3 digits.")).to_be_visible()


def test_what_the_processor_refuses_is_said_in_the_frame(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        opened.goto(shop.element())
        fields(opened).get_by_label("Card number").fill("4929420573595709")
        fields(opened).get_by_label("Expiry").fill("12 / 40")
        fields(opened).get_by_label("Security code").fill("123")
        opened.get_by_role("button", name="Pay").click()
        expect(fields(opened).get_by_role("alert")).to_contain_text("non test (live) card")
        heard(opened, "problem", code="card_declined")


def test_digits_are_grouped_as_on_the_card_and_the_caret_stays(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        opened.goto(shop.element())
        number = fields(opened).get_by_label("Card number")
        number.fill("378282246310005")
        expect(number).to_have_value("3782 822463 10005")
        expect(fields(opened).get_by_text("Amex", exact=True)).to_be_visible()
        number.fill("55555555")
        number.evaluate("input => { input.focus(); input.setSelectionRange(2, 2); }")
        opened.keyboard.type("0")
        expect(number).to_have_value("5505 5555 5")
        assert number.evaluate("input => input.selectionStart") == 3
        expiry = fields(opened).get_by_label("Expiry")
        expiry.press_sequentially("7")
        expect(expiry).to_have_value("07 / ")
        expiry.press("Backspace")
        expect(expiry).to_have_value("07")


def test_the_frame_listens_to_the_page_it_was_made_for_only(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        opened.goto(f"{shop.processor}/element?embedder={quote(shop.origin, safe='')}")
        opened.get_by_label("Card number").fill("4242424242424242")
        opened.evaluate("window.postMessage({type: 'clear'}, '*')")
        expect(opened.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_element_and_challenge_are_accessible_and_fit(browser: Browser, shop: Shop, size: str, theme: str) -> None:
    challenge = _challenge(browser, shop)
    element = f"{shop.processor}/element?theme={theme}&embedder={quote(shop.origin, safe='')}"
    bank = element.replace("/element?", "/element?method=us_bank_account&")
    for path in (element, bank, f"{challenge}?theme={theme}"):
        with page(browser, size=size, theme=theme, bypass_csp=True) as opened:
            opened.goto(path)
            if path == element:
                opened.get_by_text("Show test cards").click()
                opened.get_by_role("button", name="4000 0000 0000 9995").click()
                opened.get_by_label("Card number").fill("4")
                opened.get_by_label("Card number").blur()
            assert violations(opened) == []
            assert overflow(opened) == 0


@pytest.mark.parametrize(("button", "result"), [("Complete", "succeeded"), ("Fail", "failed")])
def test_a_framed_challenge_tells_the_page_how_it_ended(browser: Browser, shop: Shop, button: str, result: str) -> None:
    challenge = _challenge(browser, shop)
    with page(browser) as opened:
        opened.goto(shop.url(challenge))
        fields(opened).get_by_role("button", name=button).click()
        heard(opened, "challenge", result=result)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_challenge_as_a_page_of_its_own_goes_back_to_the_shop(browser: Browser, shop: Shop, *, scripts: bool) -> None:
    challenge = _challenge(browser, shop)
    with page(browser, scripts=scripts) as opened:
        opened.goto(challenge)
        with opened.expect_request(f"{shop.origin}/back?*") as back:
            opened.get_by_role("button", name="Complete").click()
        assert "redirect_status=succeeded" in back.value.url


def _challenge(browser: Browser, shop: Shop) -> str:
    with page(browser) as opened:
        answer = opened.request.post(
            f"{shop.processor}/v1/payment_intents",
            headers={"Authorization": f"Bearer {KEYS.secret_key}"},
            form={
                "amount": "11000",
                "currency": "eur",
                "payment_method_types[]": "card",
                "payment_method": "pm_card_authenticationRequired",
                "confirm": "true",
                "return_url": f"{shop.origin}/back",
            },
        )
        return answer.json()["next_action"]["redirect_to_url"]["url"]


def setup_link(opened: Page, shop: Shop, country: str = "PT") -> str:
    """A link to the pages of a connected account that knows nothing yet."""
    headers = {"Authorization": f"Bearer {KEYS.secret_key}"}
    made = opened.request.post(
        f"{shop.processor}/v1/accounts", form={"type": "express", "country": country}, headers=headers
    ).json()
    form = {
        "account": made["id"],
        "type": "account_onboarding",
        "return_url": f"{shop.origin}/back",
        "refresh_url": f"{shop.origin}/",
    }
    return str(opened.request.post(f"{shop.processor}/v1/account_links", form=form, headers=headers).json()["url"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_owner_of_an_account_fills_it_in_and_goes_back(browser: Browser, shop: Shop, size: str, theme: str) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True) as opened:
        opened.goto(setup_link(opened, shop))
        assert (violations(opened), overflow(opened)) == ([], 0)
        opened.get_by_label("First name").fill("Paula")
        opened.get_by_label("IBAN", exact=True).fill("PT50 0002 0123 1234 5678 9015 5")
        opened.get_by_role("button", name="Agree and submit").click()
        expect(opened.get_by_text("Some of this needs another look.")).to_be_visible()
        assert (violations(opened), overflow(opened)) == ([], 0)
        expect(opened.get_by_label("First name")).to_have_value("Paula")
        expect(opened.get_by_label("IBAN", exact=True)).to_have_value("")
        opened.get_by_label("Last name").fill("Sousa")
        opened.get_by_label("Date of birth").fill("1901-01-01")
        opened.get_by_label("IBAN", exact=True).fill("PT50 0002 0123 1234 5678 9015 4")
        opened.get_by_label("I accept the terms").check()
        with opened.expect_response(f"{shop.origin}/back") as led:
            opened.get_by_role("button", name="Agree and submit").click()
        assert led.value.status == 204


def test_an_american_owner_is_asked_for_a_routing_number_and_no_other_is(browser: Browser, shop: Shop) -> None:
    with page(browser) as opened:
        opened.goto(setup_link(opened, shop, "US"))
        expect(opened.get_by_label("Routing number")).to_be_visible()
        opened.goto(setup_link(opened, shop))
        expect(opened.get_by_label("Routing number")).to_be_hidden()
