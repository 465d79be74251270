"""The checkout in a real browser, over the real processor's frames: paid, challenged, declined, lost, late, scriptless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.fraud import Compare, Effect, Kind, Operator, Rule, SetPolicy
from ecosystem.sandbox import Fault, What
from market import OPERATOR

from .browser import overflow, page, violations
from .customers import HAIRCUT, YOGA
from .shop import ANA, PASSWORD, Served, served

PAYS, CHALLENGED, DECLINED = "4242424242424242", "4000002500003155", "4000000000009995"
BOOKED = re.compile(r"/bookings/bkg_\w+/confirmed$")

REFUSE_ALL = Rule(
    rule_id="all",
    name="All",
    kind=Kind.CHECKOUT,
    when=Compare(feature="amount", op=Operator.AT_LEAST, value=0),
    effect=Effect.DECLINE,
)

# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("checkout-browser")


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


def choose(opened: Page, slug: str = HAIRCUT) -> None:
    opened.goto(f"/services/{slug}")
    opened.locator(".slots label").first.click()
    opened.get_by_role("button", name="Book and pay").click()
    opened.wait_for_url("**/checkout/*")


def frame(opened: Page) -> FrameLocator:
    return opened.frame_locator("[data-card-frame] iframe")


def card(opened: Page, number: str) -> None:
    frame(opened).get_by_label("Card number").fill(number)
    frame(opened).get_by_label("Expiry").fill("12/34")
    frame(opened).get_by_label("Security code").fill("123")


def introduce(opened: Page) -> None:
    opened.get_by_label("Name", exact=True).fill("Grace Hopper")
    opened.get_by_label("E-mail").fill("grace@example.org")


def height(opened: Page) -> float:
    box = opened.locator("[data-card-frame] iframe").bounding_box()
    assert box
    return box["height"]


def pay(opened: Page) -> None:
    opened.locator("#pay-act button").click()


async def ruled(shop: Served, *rules: Rule) -> None:
    """These rules, and no others, from now on."""
    policies = shop.shop.market.app.fraud_policies
    version = (await policies.latest()).version
    await policies.set(SetPolicy(version=version, review_at=999, decline_at=1_000, rules=rules), OPERATOR)


def standing(shop: Served, opened: Page) -> BookingStatus:
    booking_id = re.search(r"bkg_\w+", opened.url)
    assert booking_id
    return shop.run(shop.shop.market.app.bookings.row(booking_id[0])).value.status


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_state_of_the_checkout_is_accessible_and_fits(
    browser: Browser, shop: Served, size: str, theme: str
) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        choose(opened)
        frame(opened).get_by_label("Card number").wait_for()
        assert ("open", violations(opened), overflow(opened)) == ("open", [], 0)
        introduce(opened)
        card(opened, DECLINED)
        pay(opened)
        expect(opened.get_by_text("•••• 9995 was declined")).to_be_visible()
        assert ("declined", violations(opened), overflow(opened)) == ("declined", [], 0)
        card(opened, CHALLENGED)
        pay(opened)
        bank = opened.frame_locator("dialog[open] iframe")
        bank.get_by_role("button", name="Complete authentication").wait_for()
        assert ("challenge", violations(opened), overflow(opened)) == ("challenge", [], 0)
        bank.get_by_role("button", name="Complete authentication").click()
        opened.wait_for_url(BOOKED)
        assert ("confirmed", violations(opened), overflow(opened)) == ("confirmed", [], 0)
        choose(opened)
        opened.get_by_role("button", name="Choose another time").click()
        opened.wait_for_url("**/services/*")
        opened.go_back()
        opened.reload()
        expect(opened.get_by_role("heading", name="Your time is no longer held")).to_be_visible()
        assert ("ended", violations(opened), overflow(opened)) == ("ended", [], 0)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_what_is_refused_is_said_without_a_reason_and_another_card_is_another_attempt(
    browser: Browser, shop: Served, size: str
) -> None:
    with page(browser, size=size, bypass_csp=True, base=shop.address) as opened:
        choose(opened)
        shop.run(ruled(shop, REFUSE_ALL))
        introduce(opened)
        card(opened, PAYS)
        pay(opened)
        expect(opened.get_by_text("This payment cannot be taken here.")).to_be_visible()
        assert "fraud" not in opened.locator("main").inner_text().lower()
        assert ("refused", violations(opened), overflow(opened)) == ("refused", [], 0)
        shop.run(ruled(shop))
        card(opened, PAYS)
        pay(opened)
        opened.wait_for_url(BOOKED)

        assert standing(shop, opened) is BookingStatus.CONFIRMED


def test_from_the_search_to_a_paid_booking_without_an_account(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        opened.goto("/?q=haircut")
        opened.get_by_role("link", name="A haircut that grows out well").click()
        opened.locator(".slots label").first.click()
        opened.get_by_role("button", name="Book and pay").click()
        opened.wait_for_url("**/checkout/*")
        expect(opened.get_by_text("Sign in and save €2.80")).to_be_visible()
        introduce(opened)
        card(opened, PAYS)
        expect(opened.get_by_text("You are not charged yet.")).to_be_visible()
        opened.get_by_role("button", name="Pay €30.80").click()
        opened.wait_for_url(BOOKED)
        expect(opened.get_by_role("heading", name="You are booked, Grace")).to_be_visible()
        assert standing(shop, opened) is BookingStatus.CONFIRMED
        opened.go_back()
        opened.wait_for_url(BOOKED)


def test_no_card_number_passes_through_our_site(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        sent: list[str] = []
        opened.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
        choose(opened)
        introduce(opened)
        card(opened, PAYS)
        pay(opened)
        opened.wait_for_url(BOOKED)

    to_us = [each for each in sent if each.startswith(shop.address)]
    assert any("card=pm_" in each for each in to_us)
    assert not any(PAYS in each for each in to_us)
    assert any(PAYS in each for each in sent)


def test_who_signs_in_on_the_way_pays_less_for_the_same_time(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened, YOGA)
        when = opened.locator("#checkout").get_by_text("November").first.inner_text()
        opened.get_by_role("complementary", name="Sign in and save").get_by_role("link", name="Sign in").click()
        opened.get_by_label("E-mail").fill(ANA)
        opened.get_by_label("Password", exact=True).fill(PASSWORD)
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url("**/checkout/*")
        expect(opened.get_by_label("Name", exact=True)).to_have_value("Ana Ferreira")
        expect(opened.get_by_text(when).first).to_be_visible()
        card(opened, PAYS)
        opened.get_by_role("button", name="Pay €12.00").click()
        opened.wait_for_url(BOOKED)


def test_a_declined_card_leaves_its_fields_to_be_mended_and_takes_the_focus_to_the_reason(
    browser: Browser, shop: Served
) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, DECLINED)
        pay(opened)
        reason = opened.get_by_role("alert").filter(has_text="•••• 9995 was declined")
        expect(reason).to_be_focused()
        expect(frame(opened).get_by_label("Card number")).to_have_value("4000 0000 0000 9995")
        expect(opened.get_by_text("Sign in and save")).to_be_hidden()
        card(opened, PAYS)
        frame(opened).get_by_label("Security code").press("Enter")
        opened.wait_for_url(BOOKED)


def test_what_is_missing_is_said_where_it_is_missing(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        frame(opened).get_by_label("Card number").wait_for()
        introduce(opened)
        pay(opened)
        expect(frame(opened).get_by_text("Enter the card number.")).to_be_visible()
        expect(opened.locator("#pay-act button")).not_to_have_attribute("aria-busy", "true")
        opened.get_by_label("E-mail").fill("grace@example")
        card(opened, PAYS)
        pay(opened)
        expect(opened.get_by_label("E-mail")).to_be_focused()
        expect(opened.get_by_text("That is not an e-mail address")).to_be_visible()
        expect(opened.get_by_label("Name", exact=True)).to_have_value("Grace Hopper")
        opened.get_by_label("E-mail").fill("grace@example.org")
        pay(opened)
        opened.wait_for_url(BOOKED)


def test_a_failed_challenge_is_explained_and_another_card_pays(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, CHALLENGED)
        pay(opened)
        opened.frame_locator("dialog[open] iframe").get_by_role("button", name="Fail authentication").click()
        expect(opened.get_by_text("•••• 3155 was declined")).to_be_visible()
        card(opened, PAYS)
        pay(opened)
        opened.wait_for_url(BOOKED)


def test_a_challenge_that_was_closed_is_opened_again_or_passed_on_the_banks_own_page(
    browser: Browser, shop: Served
) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, CHALLENGED)
        pay(opened)
        opened.frame_locator("dialog[open] iframe").get_by_role("button", name="Complete authentication").wait_for()
        opened.keyboard.press("Escape")
        expect(opened.locator("dialog[open]")).to_have_count(0)
        opened.get_by_role("link", name="Confirm with your bank").click()
        opened.frame_locator("dialog[open] iframe").get_by_role("button", name="Complete authentication").wait_for()
        opened.get_by_role("link", name="Open it as a page instead").click()
        opened.wait_for_url("**/3ds/*")
        opened.get_by_role("button", name="Complete authentication").click()
        opened.wait_for_url(BOOKED)
        assert standing(shop, opened) is BookingStatus.CONFIRMED


def test_a_challenge_is_left_for_another_card(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, CHALLENGED)
        pay(opened)
        opened.get_by_role("button", name="Close").click()
        opened.get_by_role("button", name="Use another card").click()
        expect(opened.get_by_text("The last attempt was given up")).to_be_visible()
        card(opened, PAYS)
        pay(opened)
        opened.wait_for_url(BOOKED)


def test_pressing_pay_many_times_charges_once(browser: Browser, shop: Served) -> None:
    market = shop.shop.market
    before = len(market.sandbox.effects())
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, PAYS)
        opened.evaluate("() => { for (let i = 0; i < 5; i += 1) document.querySelector('#pay-act button').click(); }")
        opened.wait_for_url(BOOKED)

    assert [effect.what for effect in market.sandbox.effects()[before:]] == ["authorized", "captured"]


def test_a_silent_processor_is_waited_for(browser: Browser, shop: Served) -> None:
    shop.shop.market.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3))
    with page(browser, base=shop.address) as opened:
        choose(opened)
        introduce(opened)
        card(opened, PAYS)
        pay(opened)
        expect(opened.get_by_text("This takes a few seconds.")).to_be_visible()
        expect(opened.locator("#pay-act button")).to_be_disabled()
        opened.wait_for_url(BOOKED)


@pytest.mark.parametrize("heard", [True, False])
def test_a_lost_answer_is_asked_for_and_nothing_is_paid_twice(browser: Browser, shop: Served, heard: bool) -> None:
    market = shop.shop.market
    before = len(market.sandbox.effects())
    context = browser.new_context(base_url=shop.address)
    opened = context.new_page()

    def lose(route: Route) -> None:
        if heard:
            route.fetch(max_redirects=0)
        route.abort()

    choose(opened)
    introduce(opened)
    card(opened, PAYS)
    opened.route("**/pay", lose, times=1)
    pay(opened)
    if not heard:
        expect(opened.locator("#toasts")).to_contain_text("No connection")
        opened.wait_for_timeout(2500)
        pay(opened)
    opened.wait_for_url(BOOKED)
    context.close()

    assert [effect.what for effect in market.sandbox.effects()[before:]] == ["authorized", "captured"]


def test_when_the_hold_runs_out_the_page_says_so_and_holds_the_time_again(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as late, page(browser, base=late.address) as opened:
        opened.clock.install()
        choose(opened)
        frame(opened).get_by_label("Card number").wait_for()
        opened.clock.fast_forward("10:01")
        expect(opened.locator(".timer [role='status']")).to_have_text("")
        late.shop.market.clock.advance(timedelta(minutes=16))
        opened.clock.fast_forward("06:00")
        expect(opened.get_by_role("heading", name="Your time is no longer held")).to_be_visible()
        opened.get_by_role("button", name="Hold it again").click()
        opened.wait_for_url("**/checkout/*")
        expect(opened.get_by_role("heading", name="Confirm and pay")).to_be_visible()


def test_card_fields_that_do_not_load_are_loaded_again_on_request(browser: Browser, shop: Served) -> None:
    context = browser.new_context(base_url=shop.address)
    opened = context.new_page()
    opened.clock.install()
    opened.route("**/element?*", lambda route: route.abort(), times=1)
    choose(opened)
    opened.clock.fast_forward("00:16")
    expect(opened.get_by_text("The card processor does not answer.")).to_be_visible()
    opened.get_by_role("button", name="Load the card fields again").click()
    expect(frame(opened).get_by_label("Card number")).to_be_visible()
    expect(opened.get_by_text("The card processor does not answer.")).to_be_hidden()
    context.close()


def test_the_frame_follows_the_theme_and_its_own_height(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        frame(opened).get_by_label("Card number").wait_for()
        expect(frame(opened).locator("html")).to_have_class("light")
        low = height(opened)
        frame(opened).get_by_text("Show test cards").click()
        for _ in range(50):
            if height(opened) > low:
                break
            opened.wait_for_timeout(50)
        assert height(opened) > low
        opened.get_by_label("Appearance").click()
        opened.get_by_role("button", name="Dark").click()
        expect(frame(opened).locator("html")).to_have_class("dark")


def test_without_scripts_the_page_says_what_is_needed_and_the_rest_works(browser: Browser, shop: Served) -> None:
    with page(browser, scripts=False, base=shop.address) as opened:
        choose(opened)
        expect(opened.get_by_text("The card fields need JavaScript")).to_be_visible()
        opened.get_by_text("Change", exact=True).click()
        opened.get_by_label("Show times in").select_option("Asia/Tokyo")
        opened.get_by_role("button", name="Show", exact=True).click()
        expect(opened.get_by_text("Times in Tokyo time")).to_be_visible()
        introduce(opened)
        pay(opened)
        expect(opened.get_by_text("need JavaScript: turn it on")).to_be_visible()
        expect(opened.get_by_label("Name", exact=True)).to_have_value("Grace Hopper")
        opened.get_by_role("button", name="Choose another time").click()
        opened.get_by_role("button", name="Undo").click()
        opened.wait_for_url("**/checkout/*")


def test_the_checkout_stays_within_its_budget(browser: Browser, shop: Served) -> None:
    with page(browser, base=shop.address) as opened:
        choose(opened)
        path = opened.url
        cookies = {each["name"]: each["value"] for each in opened.context.cookies()}
    with page(browser, cookies=cookies, base=shop.address) as fresh:
        sizes: dict[str, int] = {}
        fresh.on("response", lambda answer: sizes.update({answer.url: answer.request.sizes()["responseBodySize"]}))
        fresh.goto(path, wait_until="networkidle")

    ours = {url: size for url, size in sizes.items() if url.startswith(shop.address) and "/art/" not in url}
    scripts = sum(size for url, size in ours.items() if url.endswith(".js"))
    print(f"checkout {sum(ours.values())} bytes, scripts {scripts}")
    assert 50_000 <= sum(ours.values()) <= 150_000
    assert 10_000 <= scripts <= 35_000
