"""The compliance report: what was measured is said, what was not says so, and what people must do is listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.commands import compliance
from ecosystem.commands.settings import settings
from ecosystem.ports.audit import AuditKind
from market import OPERATOR, market


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
