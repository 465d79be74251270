"""The compliance report: what was measured is said, what was not says so, and what people must do is listed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.commands import compliance
from ecosystem.commands.evidence import Line
from ecosystem.commands.page_evidence import CHECKOUT, card_data, scripts
from ecosystem.commands.settings import Settings, settings
from ecosystem.commands.visitor import Answer, Visitor
from ecosystem.contexts.booking import HoldStatus
from ecosystem.ports.audit import AuditKind
from market import OPERATOR, Market, market
from web.shop import served


async def test_the_report_says_what_was_measured_and_what_was_not(
    quick_path: Path, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with market(quick_path, clock) as made:
        await made.provider()
        await made.app.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, "usr_ana")
        await made.app.audit.caught_up()
        await made.app.audit.seal()
        # Nobody listens on this port: what is asked over HTTP is not measured, and says so.
        chosen = settings({"ECOSYSTEM_DATA": str(quick_path / "data"), "ECOSYSTEM_PORT": "1"})

        await compliance.report(chosen, quick_path / "saq-a.md")

    capsys.readouterr()
    text = (quick_path / "saq-a.md").read_text()
    evidence = json.loads((quick_path / "saq-a.json").read_text())
    found = {line["about"]: line for line in evidence["lines"]}
    log = next(line for about, line in found.items() if about.startswith("audit log"))
    assert evidence["measured_over_http"] is False
    assert found["scripts and their integrity"]["holds"] is None
    assert log["holds"] is True
    assert log["found"].startswith("2 entries")
    assert "not measured: the marketplace did not answer" in text
    assert "11.3.2" in text


def chosen(folder: Path, **more: str) -> Settings:
    # Nobody listens on this port: what is asked over HTTP is not measured.
    return settings({"ECOSYSTEM_DATA": str(folder / "data"), "ECOSYSTEM_PORT": "1", **more})


@pytest.fixture
async def opened(quick_path: Path) -> AsyncIterator[Market]:
    async with market(quick_path, VirtualClock(datetime.now(UTC))) as made:
        await made.app.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, "usr_ana")
        await made.app.audit.caught_up()
        await made.app.audit.seal()
        yield made


async def line(asked: Settings, about: str) -> Line:
    lines = (await compliance.gathered(asked)).lines
    return next(each for each in lines if each.about.startswith(about))


@pytest.mark.parametrize(
    ("days", "changes", "holds", "said"),
    [
        (3, {}, True, "3 days ago:"),
        (91, {}, False, "91 days ago, more than 90"),
        (3, {"hits": 1}, False, "1 hits"),
        (3, {"leak_found_everywhere": False}, False, "WAS NOT FOUND EVERYWHERE"),
        (3, {"numbers": None}, False, "is not what the search writes"),
        (None, {}, False, "never run here"),
    ],
)
async def test_a_canary_counts_while_it_is_young(
    opened: Market, quick_path: Path, monkeypatch: pytest.MonkeyPatch, days: int | None, changes: dict[str, Any], holds: bool, said: str,
) -> None:  # fmt: skip
    assert opened
    monkeypatch.setattr(compliance, "ROOT", quick_path)
    if days is not None:
        at = datetime.now(UTC) - timedelta(days=days, hours=1)
        kept = {"at": at.isoformat(), "numbers": 4, "size_bytes": 10, "hits": 0, "leak_found_everywhere": True}
        (quick_path / "build").mkdir()
        (quick_path / "build" / "canary.json").write_text(json.dumps(kept | changes))

    found = await line(chosen(quick_path), "card numbers typed in a browser")

    assert found.holds is holds
    assert said in found.found


async def test_the_retention_line_says_how_far_back_the_log_goes(opened: Market, quick_path: Path) -> None:
    later = VirtualClock(datetime.now(UTC) + timedelta(days=400))
    keys = compliance.FileKeys
    made = await keys.open(compliance.FileSecrets(quick_path / "data" / "secrets"), later, opened.app.ports.entropy)

    lines = await compliance._log(chosen(quick_path), opened.app.ports.table, made, later.now())
    kept = next(each for each in lines if each.requirement.startswith("10.5.1"))

    assert (kept.holds, "400 days" in kept.found) == (True, True), kept


async def test_a_witness_beside_the_data_does_not_hold_and_a_lost_one_is_named(
    opened: Market, quick_path: Path
) -> None:
    assert opened
    beside = await line(chosen(quick_path), "witness")
    lost = await line(chosen(quick_path, ECOSYSTEM_AUDIT_WITNESS=str(quick_path / "none.txt")), "witness")

    assert (beside.holds, "the file system of the data" in beside.found) == (False, True)
    assert (lost.holds, "not there" in lost.found) == (False, True)


def test_the_checkout_is_measured_as_a_visitor_sees_it_and_its_time_given_back(tmp_path: Path) -> None:
    with served(tmp_path) as shop:
        port = shop.address.rpartition(":")[2]
        asked = chosen(
            tmp_path,
            ECOSYSTEM_PORT=port,
            ECOSYSTEM_URL=shop.address,
            ECOSYSTEM_PROCESSOR_URL=shop.shop.market.app.ports.cards.element.origin,
        )
        evidence = asyncio.run(compliance.gathered(asked))
        without = asyncio.run(compliance.gathered(asked, with_checkout=False))
        path, _ = Visitor(asked).checkout() or ("", None)
        hold = shop.run(shop.shop.market.app.holds.row(path.rpartition("/")[2]))

    checkout = [each for each in evidence.lines if each.about.startswith(CHECKOUT)]
    assert [(each.about.partition(": ")[2], each.holds) for each in checkout] == [
        ("where the page may send or frame", True),
        ("card fields of ours", True),
        ("what may run", True),
    ], checkout
    assert not [each for each in evidence.lines if each.about.startswith("/") and not each.holds]
    left_out = next(each for each in without.lines if each.about.startswith(CHECKOUT))
    assert (left_out.holds, left_out.found) == (None, "not measured: it was to be left out")
    assert hold.value.status is HoldStatus.RELEASED


def test_a_page_that_takes_cards_or_runs_strangers_does_not_hold(tmp_path: Path) -> None:
    policy = (
        "default-src 'none'; script-src 'nonce-abc' https://evil.example; connect-src 'self' https://evil.example; "
        "form-action 'self'; frame-src 'none'"
    )
    body = b'<script src="https://evil.example/skim.js"></script><input autocomplete="cc-number">'
    pages = {CHECKOUT: Answer(status=200, policy=policy, body=body)}
    asked = chosen(tmp_path)

    lines = [*card_data(asked, pages, with_checkout=True), *scripts(asked, pages, Visitor(asked))]

    assert [each.holds for each in lines if each.about.startswith((CHECKOUT, "https://evil"))] == [False] * 4
