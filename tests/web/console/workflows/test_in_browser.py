"""Workflows and the bus in a real browser: every page accessible and within its window, and the main acts by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.browser import overflow, page, shoot, violations
from tests.web.console.busy import Busy, busy, dead_letter
from tests.web.console.workflows.running import MACHINE, Running, running
from tests.web.shop import OLGA, PASSWORD, Served, served

from ecosystem.workflows.bindings import declared
from ecosystem.workflows.scheduler import Scheduler

PICTURES = Path("build/pictures")
# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("workflows-browser")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("workflows"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def happened(shop: Served) -> Busy:
    found = shop.run(busy(shop.shop))
    shop.run(dead_letter(found))
    scheduler = Scheduler(shop.shop.market.app.ports.table, shop.shop.market.clock, declared())
    shop.run(scheduler.compare())
    return found


@pytest.fixture(scope="module")
def ran(shop: Served, happened: Busy) -> Running:
    return shop.run(running(shop.shop))


@pytest.fixture(scope="module")
def cookies(browser: Browser, shop: Served, ran: Running) -> dict[str, str]:
    """Olga's session: signed in once for all tests of this module."""
    with page(browser, base=shop.address) as opened:
        opened.goto("/console")
        opened.get_by_label("E-mail").fill(OLGA)
        opened.get_by_label("Password", exact=True).fill(PASSWORD)
        opened.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(opened.get_by_role("heading", name="Dashboard")).to_be_visible()
        return {each["name"]: each["value"] for each in opened.context.cookies()}  # type: ignore[typeddict-item]


def pages(ran: Running) -> dict[str, str]:
    """Every page, by the name of its picture."""
    at = "/console/workflows"
    window = "start=2026-11-19T00:00&end=2026-11-21T12:00"
    pattern = '{"detail-type": ["BookingConfirmed"], "source": ["booking"]}'
    event = '{"detail-type": "BookingPlaced", "source": "booking", "detail": {}}'
    return {
        "executions": at,
        "executions-none": f"{at}?status=TIMED_OUT",
        "execution-paid": f"{at}/{ran.executions['paid']}",
        "execution-declined": f"{at}/{ran.executions['declined']}?state=Charge",
        "execution-asked": f"{at}/{ran.executions['asked']}",
        "execution-broken": f"{at}/{ran.executions['broken']}",
        "execution-slow": f"{at}/{ran.executions['slow']}",
        "machine": f"{at}/machines/{MACHINE}",
        "functions": f"{at}/functions",
        "schedules": f"{at}/schedules",
        "rules": f"/console/events/rules?pattern={pattern}&event={event}",
        "archive": f"/console/events/archive?{window}",
        "dead": "/console/events/dead?rule=notification-handler",
        "booking": f"/console/bookings/{ran.booking_id}",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_is_accessible_and_fits(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str], size: str, theme: str
) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, cookies=cookies, base=shop.address) as opened:
        for name, path in pages(ran).items():
            answer = opened.goto(path)
            assert answer is not None
            opened.evaluate(
                "[...document.querySelectorAll('main details')].slice(0, 3).forEach((each) => (each.open = true))"
            )
            assert (path, answer.status, violations(opened), overflow(opened)) == (path, 200, [], 0)
            opened.evaluate("scrollTo(0, 0)")
            shoot(opened, f"workflows-{name}-{size}-{theme}", PICTURES)


def opened_at(browser: Browser, shop: Served, cookies: dict[str, str], path: str) -> Iterator[Page]:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto(path)
        yield opened


def test_a_state_of_the_drawing_leads_to_its_steps(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, pages(ran)["execution-paid"]):
        opened.get_by_role("link", name="Charge, Task, Succeeded, 2 retries").press("Enter")

        expect(opened.get_by_role("heading", name="Steps of Charge")).to_be_visible()
        expect(opened.get_by_role("region", name="Input of Charge")).to_be_visible()
        expect(opened.locator(".state[aria-current]")).to_have_count(1)


def test_a_page_that_is_left_open_follows_what_happens(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, pages(ran)["execution-slow"]):
        expect(opened.get_by_role("link", name="WaitForRail, Wait, Waiting")).to_be_visible()
        opened.get_by_text("The same in words").click()
        opened.get_by_label("Fit to width").check()
        shop.run(ran.go_on(31))

        expect(opened.get_by_role("link", name="CheckStatus, Task, Succeeded")).to_be_visible(timeout=6_000)
        expect(opened.get_by_text("on CardDeclined")).to_be_visible()
        expect(opened.get_by_label("Fit to width")).to_be_checked()


def test_an_operator_answers_what_waits_for_a_person(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, pages(ran)["execution-asked"]):
        opened.get_by_label("Why").first.fill("The bank confirmed it.")
        opened.get_by_role("button", name="Accept").click()
        expect(opened.get_by_text("Accepted: it goes on.")).to_be_visible()
        shop.run(ran.go_on())

        expect(opened.get_by_role("link", name="AskOperator, Task, Succeeded")).to_be_visible(timeout=6_000)


def test_an_execution_is_stopped_and_goes_on_after_asking_twice(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, pages(ran)["execution-slow"]):
        opened.get_by_role("button", name="Stop", exact=True).click()
        opened.get_by_role("dialog").get_by_label("Why").fill("The rail is down.")
        opened.get_by_role("button", name="Stop it").click()
        expect(opened.get_by_text("The rail is down.").first).to_be_visible()
        opened.get_by_role("button", name="Go on from where it failed").click()
        opened.get_by_role("button", name="Go on", exact=True).click()

        expect(opened.get_by_text("It goes on from where it had failed.")).to_be_visible()


def test_a_pattern_is_tried_in_place(browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]) -> None:
    for opened in opened_at(browser, shop, cookies, "/console/events/rules"):
        opened.get_by_label("Pattern", exact=True).fill('{"source": ["payment"]}')
        opened.get_by_label("Or paste one").fill('{"source": "booking"}')
        opened.get_by_role("button", name="Try", exact=True).click()

        expect(opened.get_by_text("The pattern does not match this event.")).to_be_visible()
        expect(opened.get_by_text('wants ["payment"], has "booking"')).to_be_visible()


def test_a_window_is_replayed_after_a_look(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, pages(ran)["archive"]):
        opened.get_by_role("button", name="Replay these").click()
        opened.get_by_label("Name").fill("by-hand")
        opened.get_by_role("button", name="Start the replay").click()

        expect(opened.get_by_text("0 % of the window").first).to_be_visible()
        opened.get_by_role("button", name="Cancel", exact=True).click()
        opened.get_by_role("button", name="Cancel it").click()
        expect(opened.get_by_text("Cancelled: no more is handed out.")).to_be_visible()


def test_a_schedule_is_paused_resumed_and_fired_at_once(
    browser: Browser, shop: Served, ran: Running, cookies: dict[str, str]
) -> None:
    for opened in opened_at(browser, shop, cookies, "/console/workflows/schedules"):
        opened.get_by_role("button", name="Pause").first.click()
        expect(opened.get_by_text("It rests until somebody lets it go on.")).to_be_visible()
        opened.get_by_role("button", name="Resume").first.click()
        expect(opened.get_by_text("It goes on with its next time.")).to_be_visible()
        opened.get_by_role("button", name="Fire now").first.click()
        expect(opened.get_by_text("It fires now.")).to_be_visible()
