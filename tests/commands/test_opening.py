"""Commands about a marketplace that is not there: they say so, and make none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem.__main__ import main


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "list"),
        ("keys", "rotate", "payments"),
        ("reconcile", "--date", "2026-01-05"),
        ("webhooks", "reconcile"),
        ("ach", "files"),
        ("rebuild", "search"),
        ("verify",),
        ("audit", "verify"),
    ],
    ids=" ".join,
)
def test_a_folder_without_a_marketplace_is_refused_and_left_alone(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mistyped"

    assert main([*command, "--data", str(folder)]) == 1

    assert "table" in (said := capsys.readouterr().err) or "--data" in said
    assert not folder.exists()
