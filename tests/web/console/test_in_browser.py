"""The console in a real browser: every page accessible and within its window, and the main acts by hand and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.web.browser import overflow, page, violations
from tests.web.console.busy import Busy, busy, dead_letter
from tests.web.console.test_refunds import failed
from tests.web.shop import ANA, OLGA, PASSWORD, Served, served

from ecosystem.contexts.catalogue import ProviderStatus
from ecosystem.contexts.ledger import Transfer, chart, disbursed
from ecosystem.contexts.payouts import Destination, Origin, Payout, PayoutId, Rail, payout_made
from ecosystem.journeys.payout_passage import disbursement
from ecosystem.kernel.money import Money
from ecosystem.workflows.wiring import Wiring

# One marketplace for all of them, whose clock moves on: they run in their order, in one process.
pytestmark = pytest.mark.xdist_group("console-browser")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("console"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def happened(shop: Served) -> Busy:
    found = shop.run(busy(shop.shop))
    shop.run(failed(found))
    return found


@pytest.fixture(scope="module")
def cookies(browser: Browser, shop: Served) -> dict[str, str]:
    """Olga's session: signed in once for all tests of this module."""
    with page(browser, base=shop.address) as opened:
        enter(opened)
        return {each["name"]: each["value"] for each in opened.context.cookies()}  # type: ignore[typeddict-item]


def paths(shop: Served, happened: Busy) -> list[str]:
    """Every page there is, with something on it."""
    shop.run(dead_letter(happened))
    shop.run(shop.shop.market.app.missed_events.compare())
    payout = shop.run(paid_out(happened))
    shop.run(shop.shop.market.app.reconciling.daily())
    day = shop.shop.market.clock.now().date() - timedelta(days=1)
    app, booking = shop.shop.market.app, happened.bookings["cancelled"]
    mail = shop.run(app.notifications.outbox.latest(happened.operator, limit=1))[0]
    event = shop.run(app.happenings.latest(happened.operator, limit=1)).events[0]
    owed = shop.run(app.failed_refunds.waiting(happened.operator))[0]
    account = f"provider:{happened.provider_id}:EUR"
    return [
        "/console",
        "/console/bookings",
        "/console/bookings?q=nobody@example.org",
        f"/console/bookings/{booking}",
        f"/console/bookings/{happened.bookings['disputed']}/conclude",
        f"/console/bookings/{happened.bookings['running']}/no-show",
        f"/console/bookings/{happened.bookings['done']}/give-back",
        "/console/audit",
        "/console/audit?kind=rules&about=nothing",
        "/console/audit/entries/0",
        "/console/audit/checkpoints",
        "/console/people",
        f"/console/people/{shop.shop.people[ANA]}",
        "/console/providers",
        f"/console/providers/{happened.provider_id}",
        "/console/services",
        "/console/refunds",
        f"/console/refunds/{owed.booking.booking_id}/{owed.refund.refund_id}",
        "/console/payments",
        f"/console/payments?day={day}",
        "/console/payouts",
        f"/console/payouts/{payout.payout_id}",
        "/console/receivables",
        f"/console/receivables/{happened.provider_id}/GBP",
        "/console/ach",
        "/console/ach/bank",
        "/console/ach/returns",
        "/console/disputes",
        "/console/fraud",
        "/console/fraud/rules",
        "/console/fraud/models",
        "/console/fraud/reviewers",
        "/console/reconciliation",
        "/console/costs",
        "/console/keys",
        "/console/costs?own_costs=5000",
        "/console/ledger",
        "/console/ledger?kind=providers",
        "/console/ledger?kind=escrow",
        f"/console/ledger/account?id={account}",
        "/console/ledger/account?id=processor:EUR",
        f"/console/ledger/transfer?id={happened.bookings['done']}.release.provider",
        "/console/events",
        f"/console/events/detail?id={event.event_id.replace('#', '%23')}",
        "/console/events/dead",
        "/console/events/retrying",
        "/console/mail",
        f"/console/mail/{mail.mail_id}",
        "/console/webhooks",
        "/console/settings",
        "/console/settings/policies/moderate",
        "/console/find?q=ana",
    ]


async def paid_out(happened: Busy) -> Payout:
    """A payout that waits to be sent, and a balance below nothing."""
    market, at = happened.shop.market, happened.shop.market.clock.now()
    made = Payout(
        payout_id=PayoutId(market.id("pyt")), provider_id=happened.provider_id, amount=Money(1_000, "EUR"),
        fee=Money(0, "EUR"), destination=Destination(rail=Rail.STRIPE, account_id="acct_1", last4="6789"),
        origin=Origin.ASKED, requested_by="usr_1", rules=1, intended_at=at, send_at=at, ask_at=at,
    )  # fmt: skip
    app, taken = market.app, Transfer(
        transfer_id=f"{made.payout_id}.taken", debit_account_id=chart.provider(happened.provider_id, "GBP"),
        credit_account_id=chart.processor("GBP"), amount=700, ledger="GBP", code=1,
    )  # fmt: skip
    await app.ports.table.transact(
        *payout_made(made, happened.operator, at), *await app.ledger.writes(*disbursed(disbursement(made)))
    )
    await app.ledger.submit(taken)
    await app.receivable_follower.catch_up()
    return made


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_is_accessible_and_fits(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str], size: str, theme: str
) -> None:
    with page(browser, size=size, theme=theme, bypass_csp=True, cookies=cookies, base=shop.address) as opened:
        for path in paths(shop, happened):
            answer = opened.goto(path)
            assert answer is not None
            assert (path, answer.status, violations(opened), overflow(opened)) == (path, 200, [], 0)


def test_money_is_given_back_after_the_page_said_what_follows(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto(f"/console/bookings/{happened.bookings['done']}")
        opened.get_by_role("link", name="Give money back").click()
        opened.get_by_label("Amount in EUR").fill("1000")
        opened.get_by_label("Reason").fill("Ten minutes late")
        opened.get_by_role("button", name="See what follows").click()
        expect(opened.get_by_text("Refunds together cannot pass the amount captured.")).to_be_visible()
        expect(opened.get_by_label("Amount in EUR")).to_be_focused()
        opened.get_by_label("Amount in EUR").fill("10")
        opened.get_by_role("button", name="See what follows").click()
        expect(opened.get_by_role("heading", name="This will happen")).to_be_visible()
        expect(opened.get_by_text("€9.00")).to_be_visible()
        opened.get_by_role("button", name="Give back").click()
        expect(opened.get_by_text("The money is on its way back.")).to_be_visible()
        expect(opened.get_by_role("region", name="Payments").get_by_text("Ten minutes late")).to_be_visible()


def test_a_booking_is_cancelled_without_a_script(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, scripts=False, cookies=cookies, base=shop.address) as opened:
        opened.goto(f"/console/bookings/{happened.bookings['ahead']}/cancel")
        opened.get_by_label("Share that goes back").fill("50")
        opened.get_by_label("Reason").fill("Moved away")
        opened.get_by_role("button", name="See what follows").click()
        expect(opened.get_by_text("€55.00")).to_be_visible()
        opened.get_by_role("button", name="Cancel the booking").click()
        expect(opened.get_by_text("“Moved away”")).to_be_visible()


def test_a_dead_letter_is_replayed(browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]) -> None:
    shop.run(dead_letter(happened, "RuntimeError: the press was jammed"))
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console")
        opened.get_by_role("link", name="Dead letters").click()
        letter = opened.get_by_role("listitem").filter(has_text="the press was jammed")
        letter.get_by_role("button", name="Give up").click()
        dialog = opened.get_by_role("dialog", name="Give this delivery up?")
        dialog.get_by_role("button", name="Keep it").click()
        letter.get_by_role("button", name="Replay").click()
        expect(opened.get_by_text("It is tried again now.")).to_be_visible()
        expect(opened.get_by_text("Everything that happened was taken in.")).to_be_visible()
        shop.run(Wiring.of(shop.shop.market.app).relay.retry())
        opened.get_by_role("link", name="Tried again").click()
        expect(opened.get_by_text("Nothing waits to be tried again.")).to_be_visible()


def test_a_mail_is_read_in_its_frame(browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console/mail")
        opened.get_by_label("The address it went to").fill("ada@example.org")
        opened.get_by_role("button", name="Find").click()
        opened.get_by_role("link", name=re.compile("You are booked")).first.click()
        frame = opened.frame_locator("iframe")
        expect(frame.get_by_role("cell", name="Portrait session")).to_be_visible()
        expect(opened.get_by_role("region", name="The invitation as text")).to_contain_text("BEGIN:VCALENDAR")


def test_a_person_is_locked_out_and_let_in_again(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console/people")
        opened.get_by_role("link", name="Ana Ferreira").click()
        opened.locator("#locking-reason").fill("Chargebacks")
        opened.get_by_role("button", name="Lock out").click()
        expect(opened.get_by_text("Ana Ferreira is locked out.")).to_be_visible()
        expect(opened.get_by_text("Chargebacks").first).to_be_visible()
        opened.get_by_role("button", name="Undo").click()
        expect(opened.get_by_text("Ana Ferreira may sign in again.")).to_be_visible()
        expect(opened.get_by_role("button", name="Lock out")).to_be_visible()


def test_acting_as_somebody_is_shown_on_every_page_until_it_stops(browser: Browser, shop: Served) -> None:
    with page(browser, bypass_csp=True, base=shop.address) as opened:
        enter(opened)
        opened.goto(f"/console/people/{shop.shop.people[ANA]}")
        opened.locator("#acting-reason").fill("They asked on the telephone")
        opened.get_by_role("button", name="Act as Ana Ferreira").click()
        opened.wait_for_url(re.compile(r"/$"))
        for path in ("/", "/account", "/bookings"):
            opened.goto(path)
            expect(opened.get_by_text("You act as Ana Ferreira.")).to_be_visible()
            assert (path, violations(opened)) == (path, [])
        opened.get_by_role("button", name="Stop").click()
        expect(opened.get_by_text("You are yourself again.")).to_be_visible()
        expect(opened.get_by_text("You act as")).to_be_hidden()


def test_the_palette_leads_by_keyboard_to_pages_ids_and_people(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, bypass_csp=True, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console")
        field = palette(opened)
        opened.keyboard.type("sett")
        expect(opened.locator('#palette [role="option"]:not([hidden])')).to_have_count(1)
        assert violations(opened) == []
        opened.keyboard.press("Enter")
        opened.wait_for_url("**/console/settings")

        palette(opened)
        opened.keyboard.type(happened.bookings["missed"])
        expect(opened.locator("#found-1")).to_contain_text("Portrait session")
        opened.keyboard.press("Enter")
        opened.wait_for_url(f"**/console/bookings/{happened.bookings['missed']}")

        palette(opened)
        opened.keyboard.type("pedro@")
        expect(opened.locator("#found-1")).to_contain_text("Pedro Ferreira")
        assert violations(opened) == []
        # The first empties the field, as in any field to search with.
        opened.keyboard.press("Escape")
        opened.keyboard.press("Escape")
        expect(field).to_be_hidden()


def test_a_verification_is_watched_until_it_is_done(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console/ledger")
        opened.get_by_role("button", name="Verify now").click()
        expect(opened.get_by_text("Waiting")).to_be_visible()
        shop.run(shop.shop.market.app.inspections.step())
        expect(opened.get_by_text("Everything holds")).to_be_visible()


def test_a_verification_of_the_audit_log_is_watched_until_it_is_done(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto("/console/audit")
        opened.get_by_role("button", name="Verify the whole log").click()
        expect(opened.get_by_text("Waiting")).to_be_visible()
        shop.run(shop.shop.market.app.inspections.step())
        expect(opened.get_by_text("Everything holds")).to_be_visible()
        assert violations(opened) == []


def test_a_provider_who_waits_is_approved(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        opened.goto(f"/console/providers/{happened.provider_id}")
        opened.get_by_label("Reason").fill("We look into it")
        opened.get_by_role("button", name="Suspend").click()
        expect(opened.get_by_text("is off the market.")).to_be_visible()
        opened.get_by_role("button", name="Reinstate").click()
        expect(opened.get_by_text("Paula Sousa is back.")).to_be_visible()
    row = shop.run(shop.shop.market.app.providers.load(happened.provider_id))
    assert row.value.status is ProviderStatus.ACTIVE


def test_the_console_stays_within_its_budget(
    browser: Browser, shop: Served, happened: Busy, cookies: dict[str, str]
) -> None:
    with page(browser, cookies=cookies, base=shop.address) as opened:
        sizes: dict[str, int] = {}
        opened.on("response", lambda answer: sizes.update({answer.url: answer.request.sizes()["responseBodySize"]}))
        opened.goto("/console", wait_until="networkidle")

    scripts = sum(size for url, size in sizes.items() if url.endswith(".js"))
    print(f"/console: {sum(sizes.values())} bytes, of them {scripts} of script")
    assert scripts <= 100_000
    assert sum(sizes.values()) <= 150_000


def enter(opened: Page) -> None:
    opened.goto("/sign-in?next=/console")
    opened.get_by_label("E-mail").fill(OLGA)
    opened.get_by_label("Password", exact=True).fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    expect(opened.get_by_role("heading", name="Dashboard")).to_be_visible()


def palette(opened: Page) -> Locator:
    """The palette's field, opened by its keys once the page's script listens."""
    opened.wait_for_function("document.readyState === 'complete'")
    opened.keyboard.press("Control+k")
    field = opened.get_by_role("combobox")
    expect(field).to_be_focused()
    return field
