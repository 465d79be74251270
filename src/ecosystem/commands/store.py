"""`ecosystem backup`, `restore` and `rebuild`: the stored files, copied, put back, and derived anew."""

from __future__ import annotations

import sys
from pathlib import Path

from ecosystem.adapters.embedded import backup as copies
from ecosystem.adapters.embedded.backup import Copied, Progress
from ecosystem.commands.settings import Settings


def table_path(data: Path) -> Path:
    return data / "table.sqlite"


async def backup(chosen: Settings, to: Path) -> int:
    """Copy the table as it is at this instant, whether or not a process serves it, and read the copy back."""
    _say(await copies.backup(table_path(chosen.data), to, told=_told), "Backed up to")
    return 0


async def restore(chosen: Settings, copy: Path, *, replace: bool) -> int:
    """Put the copy in the table's place; a table that was there is kept beside it."""
    chosen.data.mkdir(parents=True, exist_ok=True)
    restored = await copies.restore(copy, table_path(chosen.data), overwrite=replace, told=_told)
    _say(restored, "Restored to")
    if restored.kept:
        print(f"What was there is kept as {restored.kept}.")
    print("Build the search index anew with `ecosystem rebuild search`, then start the marketplace.")
    return 0


def _told(progress: Progress) -> None:
    if sys.stderr.isatty():
        share = 100 * progress.done // max(progress.total, 1)
        print(f"\r{progress.step}: {share:3d} %", end="", file=sys.stderr, flush=True)


def _say(copied: Copied, done: str) -> None:
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(copied.inventory.items.items()))
    print(f"{done} {copied.path}: {copied.size_bytes:,} bytes, read back and equal.")
    print(f"{copied.inventory.count:,} items ({kinds}), checksum {copied.inventory.checksum:08x}.")
