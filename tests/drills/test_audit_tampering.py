"""The short form of the drill: `python -m bench.audit_tampering` attacks a log of a million entries, this one of some."""

from __future__ import annotations

from pathlib import Path

from bench import audit_tampering


async def test_every_attack_on_the_stored_log_is_found_and_nothing_else(quick_path: Path) -> None:
    field = await audit_tampering.drill(2_600, attacks=90, seed=7, folder=quick_path)

    assert field.missed == []
    assert field.false == []
    assert sum(field.made.values()) > 75
    assert {name.partition(":")[0] for name in field.made} >= {"chunk", "tile", "head", "checkpoint", "item", "salt"}
