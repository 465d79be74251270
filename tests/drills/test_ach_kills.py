"""The short form of `bench.ach_kills`: ended at any moment, and gone on with, everything has happened once."""

from __future__ import annotations

from pathlib import Path

from bench.ach_kills import lived


async def test_ended_at_any_moment_a_payout_goes_to_the_bank_once_and_comes_back_once(quick_path: Path) -> None:
    told = await lived(quick_path, range(3, 120, 13))

    assert told.killed >= 5
    assert told.files_at_bank == 1
    assert told.wrong == []
