"""`ecosystem backup`, `restore` and `rebuild`: the stored files, copied, put back, and derived anew."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from ecosystem.adapters.embedded import backup as copies
from ecosystem.adapters.embedded import backup_envelope, search_file
from ecosystem.adapters.embedded.backup import Copied, Progress
from ecosystem.adapters.embedded.keys import FILE, FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.control import Arguments
from ecosystem.commands.opening import must_be_there, without_processor
from ecosystem.commands.settings import Settings
from ecosystem.contexts.search import BESIDE, Drift, Rebuilt
from ecosystem.kernel.refusals import NotFound

REBUILD = "rebuild"
TOLD_EVERY = 10_000


class NoBackup(NotFound):
    """There is no such backup."""


def table_path(data: Path) -> Path:
    return data / "table.sqlite"


async def backup(chosen: Settings, to: Path, *, encrypted: bool = False) -> int:
    """Copy the table as it is at this instant, whether or not a process serves it, and read the copy back.

    `encrypted` writes it under the key `backups`; in clear it is in the data folder alone, and no longer than that takes.
    """
    if not encrypted:
        _say(await copies.backup(table_path(chosen.data), to, told=_told), "Backed up to")
        return 0
    _must_be_free(to)
    keys, entropy = await _keys(chosen), SystemEntropy()
    with _passing(chosen.data) as plain:
        copied = await copies.backup(table_path(chosen.data), plain, told=_told)
        await backup_envelope.encrypt(plain, to, keys, entropy)
    _say(replace(copied, path=to, size_bytes=to.stat().st_size), "Backed up, encrypted, to")
    print(f"It opens with {chosen.data / 'secrets' / FILE} alone: keep a copy of that elsewhere.")
    return 0


async def restore(chosen: Settings, copy: Path, *, overwrite: bool) -> int:
    """Put the copy in the table's place; a table that was there is kept beside it.

    The search index goes: it has followed the changes of another table further than this one has any.
    """
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not copy.is_file():
        raise NoBackup(f"{copy} is no file.")
    if backup_envelope.is_encrypted(copy):
        keys = await _keys(chosen)
        with _passing(chosen.data) as plain:
            await backup_envelope.decrypt(copy, plain, keys)
            restored = await copies.restore(plain, table_path(chosen.data), overwrite=overwrite, told=_told)
    else:
        restored = await copies.restore(copy, table_path(chosen.data), overwrite=overwrite, told=_told)
    _say(restored, "Restored to")
    if restored.kept:
        print(f"What was there is kept as {restored.kept}.")
    search_file.remove(chosen.data / "search.sqlite")
    print("The search index is built anew when the marketplace starts.")
    return 0


def _must_be_free(to: Path) -> None:
    if to.exists():
        raise copies.WouldOverwrite(f"{to} is there already: name another file.")
    to.parent.mkdir(parents=True, exist_ok=True)


async def _keys(chosen: Settings) -> FileKeys:
    """The keys of that folder. Raises `KeysMissing` where there are none: put a copy of their file back first."""
    secrets = FileSecrets(chosen.data / "secrets")
    return await FileKeys.open(secrets, SystemClock(), SystemEntropy(), may_make=False)


@contextmanager
def _passing(data: Path) -> Generator[Path]:
    """A name in the data folder for a copy in clear, which is gone at the end; what an earlier one left goes first."""
    plain = data / "backup-passing.sqlite"
    plain.unlink(missing_ok=True)
    try:
        yield plain
    finally:
        plain.unlink(missing_ok=True)


async def rebuild_search(chosen: Settings, *, check_only: bool) -> int:
    """Make the search index true to the catalogue, or say where it is not; 1 when it is not and was left so."""
    code = await control.ask(chosen.data, REBUILD, {"check": check_only}, print)
    if code is not None:
        return code
    must_be_there(chosen.data)
    async with without_processor(chosen) as (market, _):
        if not check_only:
            rebuilt = await market.indexer.build_anew()
            print(f"{rebuilt.documents:,} services are in the index, built anew.")
            return 0
        drift = await market.indexer.check()
        print(_drifted(drift))
        return 0 if drift.none else 1


async def rebuilding(market: App, arguments: Arguments) -> AsyncGenerator[str]:
    """The same, in the process that serves: in place, while it is searched, in small steps that tell how far it is."""
    if arguments["check"]:
        yield _drifted(await market.indexer.check())
        return
    rebuilt, told = Rebuilt(documents=0, changed=0), 0
    async for rebuilt in market.indexer.steps(BESIDE):
        if rebuilt.documents - told >= TOLD_EVERY:
            told = rebuilt.documents
            yield f"{told:,} services so far, {rebuilt.changed:,} of them mended."
    yield f"{rebuilt.documents:,} services are in the index, {rebuilt.changed:,} of them were mended."


def _drifted(drift: Drift) -> str:
    if drift.none:
        return f"{drift.on_offer:,} services are on offer, and the index agrees."
    return (
        f"{drift.on_offer:,} services are on offer; in the index {len(drift.missing):,} are missing, "
        f"{len(drift.outdated):,} outdated, {len(drift.superfluous):,} too many. Mend it: ecosystem rebuild search"
    )


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
