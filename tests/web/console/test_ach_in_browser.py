"""The clearing house's pages in a real browser, with files, returns and exceptions in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.web.browser import overflow, page, shoot, violations
from tests.web.provider.test_in_browser import enter
from tests.web.shop import OLGA, Served, served

from clearing import AGREED, Clearing, agreed
from ecosystem.contexts.ach import next_window
from ecosystem.sandbank.bank import Bank
from ecosystem.sandbank.plans import Plan
from market import OPERATOR, Market

PICTURES = Path("build/pictures")
NUMBER = "9902135724"
DAYS = 6
SHORT_DAYS = 5
pytestmark = pytest.mark.xdist_group("console-ach-browser")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("shop")
    with served(folder) as opened:
        house = opened.run(_began(opened.shop.market, folder))
        for _ in range(DAYS):
            opened.run(house.until(house.clock.now() + timedelta(days=1)))
        opened.run(_short(house))
        for _ in range(SHORT_DAYS):
            opened.run(house.until(house.clock.now() + timedelta(days=1)))
        opened.run(_large(house))
        yield opened


async def _began(market: Market, folder: Path) -> Clearing:
    """Payouts of which one comes back twice, one settles, and one is corrected."""
    bank = Bank.open(folder / "data" / "bank", folder / "sandbank", Plan(wrong={"twice": 1.0}))
    house = Clearing(market, bank, market.clock)
    await agreed(market.app)
    for number, cents in ((NUMBER, 7_000), ("000123456789", 123_456), ("9801123456", 5_000)):
        await house.payout(await house.account(number), cents)
    return house


async def _short(house: Clearing) -> None:
    """A file of which the bank takes one entry out before it settles."""
    await house.payout(await house.account("000123456789"), 12_345)
    await house.payout(await house.account("9700000001"), 700)


async def _large(house: Clearing) -> None:
    """A file that the bank does not take, and one that waits for a second person."""
    await house.payout(await house.account("000555666777"), 2_500_000)
    lead = timedelta(seconds=AGREED.lead_s)
    await house.until(next_window(house.clock.now(), same_day=False, lead=lead).cutoff_at + timedelta(seconds=1))
    await house.approve_all()
    house.bank.plan = Plan(late=1.0, late_hours=1000)
    await house.step()
    await house.payout(await house.account("000555666777"), 2_500_000)
    await house.until(next_window(house.clock.now(), same_day=False, lead=lead).cutoff_at + timedelta(seconds=1))
    house.bank.books.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_files_and_returns_can_be_read_by_everybody(browser: Browser, shop: Served, size: str, theme: str) -> None:
    files = shop.run(shop.shop.market.app.ach.overview.files(OPERATOR)).values
    paths = ["/console/ach", "/console/ach/returns", "/console/ach/bank"]
    paths += [f"/console/ach/files/{file.file_id}" for file in files]
    with page(browser, size=size, theme=theme, bypass_csp=True, base=shop.address) as opened:
        enter(opened, OLGA)
        for number, path in enumerate(paths):
            opened.goto(path)
            shoot(opened, f"ach-{number}-{size}-{theme}", PICTURES)
            assert (path, violations(opened), overflow(opened)) == (path, [], 0)
            assert NUMBER not in opened.content()


def test_the_page_of_a_file_shows_its_lines_masked(browser: Browser, shop: Served) -> None:
    files = shop.run(shop.shop.market.app.ach.overview.files(OPERATOR)).values
    with page(browser, base=shop.address) as opened:
        enter(opened, OLGA)
        opened.goto(f"/console/ach/files/{files[-1].file_id}")

        said = opened.locator("main").inner_text()

    assert f"····{NUMBER[-4:]}" in said
    assert "$70.00" in said
    assert "R02" in said
