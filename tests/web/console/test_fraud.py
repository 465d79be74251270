"""Cases, rules, models and reviewers on the console: looked at in a browser, decided and tried by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.web.browser import overflow, page, violations
from tests.web.console.busy import Busy, busy
from tests.web.console.test_in_browser import enter
from tests.web.shop import Served, served

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.fraud import FIRST, Compare, Effect, Kind, Operator, Rule, SetPolicy, Standing
from ecosystem.journeys.checkout import Paid
from ecosystem.kernel.money import Money
from market import ADA, GUEST, SYSTEM

pytestmark = pytest.mark.xdist_group("console-browser")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("fraud"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def happened(shop: Served) -> Busy:
    return shop.run(busy(shop.shop))


@pytest.fixture(scope="module")
def held(shop: Served, happened: Busy) -> list[Paid]:
    return shop.run(_held(happened))


@pytest.fixture(scope="module")
def cookies(browser: Browser, shop: Served) -> dict[str, str]:
    with page(browser, base=shop.address) as opened:
        enter(opened)
        return {each["name"]: each["value"] for each in opened.context.cookies()}  # type: ignore[typeddict-item]


async def _held(happened: Busy) -> list[Paid]:
    """Two checkouts and a payout that wait for a person, and the rules as they ship again."""
    app, opened = happened.shop.market.app, happened.shop.market
    before = await app.fraud_policies.latest()
    look = [
        Rule(
            rule_id=f"look-{kind}",
            name="Looked at for a test",
            kind=kind,
            when=Compare(feature="amount", op=Operator.AT_LEAST, value=1),
            effect=Effect.REVIEW,
        )
        for kind in Kind
    ]
    changed = await app.fraud_policies.set(
        SetPolicy(version=before.version, review_at=300, decline_at=850, rules=tuple(look)), happened.operator
    )
    paid = [
        await opened.book(happened.service_id, opened.tomorrow(8 + 2 * at), actor)
        for at, actor in enumerate((ADA, GUEST))
    ]
    payout = await app.screening.screen_payout(
        opened.id("pout"), happened.provider_id, Money(90_000, "EUR"), "index", SYSTEM
    )
    await app.screening.table.transact(*payout.writes)
    await app.fraud_policies.set(
        SetPolicy(version=changed.version, review_at=300, decline_at=850, rules=FIRST.rules), happened.operator
    )
    await happened.settle()
    return paid


def case_of(paid: Paid) -> str:
    return f"/console/fraud/cases/{paid.booking.booking_id}/{paid.payment.payment_id}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_about_fraud_is_accessible_and_fits(
    browser: Browser,
    shop: Served,
    held: list[Paid],
    cookies: dict[str, str],
    size: str,
    theme: str,
    tmp_path: Path,
) -> None:
    paths = [
        "/console/fraud",
        "/console/fraud?view=all",
        "/console/fraud?view=stopped",
        case_of(held[0]),
        "/console/fraud/rules",
        "/console/fraud/rules/new",
        "/console/fraud/rules/many-declined",
        "/console/fraud/models",
        "/console/fraud/reviewers",
    ]
    with page(browser, base=shop.address, size=size, theme=theme, cookies=cookies, bypass_csp=True) as opened:
        for path in paths:
            answer = opened.goto(path)
            assert answer is not None
            assert answer.ok, (path, answer.status, opened.locator("main").inner_text()[:400])
            assert overflow(opened) == 0, path
            assert violations(opened) == [], path


def test_an_operator_becomes_trained_and_decides_a_case(
    browser: Browser, shop: Served, happened: Busy, held: list[Paid], cookies: dict[str, str]
) -> None:
    app = happened.shop.market.app
    with page(browser, base=shop.address, cookies=cookies) as opened:
        opened.goto("/console/fraud")
        expect(opened.locator("tbody tr")).to_have_count(3)
        opened.goto(case_of(held[0]))
        expect(opened.get_by_text("Deciding is for operators who are trained for it.")).to_be_visible()
        opened.goto("/console/fraud/reviewers")
        opened.get_by_role("button", name="Is trained").first.click()
        expect(opened.get_by_text("Until").first).to_be_visible()
        opened.goto(case_of(held[0]))
        expect(opened.get_by_text("asks for a look")).to_be_visible()
        opened.get_by_label("Let it through").check()
        opened.get_by_label("What decided it").fill("Called the customer.")
        opened.get_by_role("button", name="Decide it").click()
        expect(opened.get_by_text("The case is let through.")).to_be_visible()

    row = shop.run(app.assessments.case(held[0].booking.booking_id, held[0].payment.payment_id))
    booking = shop.run(app.bookings.row(held[0].booking.booking_id))
    assert row.value.standing is Standing.RELEASED
    assert booking.value.status is BookingStatus.CONFIRMED


def test_a_rule_is_tried_on_history_and_then_kept(
    browser: Browser, shop: Served, happened: Busy, held: list[Paid], cookies: dict[str, str]
) -> None:
    assert held
    with page(browser, base=shop.address, cookies=cookies) as opened:
        opened.goto("/console/fraud/rules/new")
        opened.get_by_label("Name", exact=True).fill("Guests wait")
        opened.get_by_label("What it does").select_option("review")
        opened.get_by_label("What is compared").first.select_option("checkout:guest")
        opened.get_by_label("How").first.select_option("=")
        opened.get_by_label("Number").first.fill("1")
        opened.get_by_role("button", name="Try it on history").click()
        expect(opened.get_by_text("What it would have done")).to_be_visible()
        expect(opened.get_by_text("It holds for")).to_be_visible()
        opened.get_by_role("button", name="Keep it").click()
        expect(opened.get_by_text("The rule holds from now on.")).to_be_visible()
        expect(opened.get_by_role("link", name="Guests wait")).to_be_visible()
        opened.get_by_role("link", name="Guests wait").click()
        opened.get_by_role("button", name="Take it away").click()
        expect(opened.get_by_text("The rule is taken away.")).to_be_visible()

    policy = shop.run(happened.shop.market.app.fraud_policies.latest())
    assert all(rule.name != "Guests wait" for rule in policy.rules)
