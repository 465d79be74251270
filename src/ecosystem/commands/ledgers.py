"""`ecosystem ledger replay FILE`: recorded traces of another ledger, played against ours."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.ledger import replay as replay_lines
from ecosystem.kernel.refusals import Invalid, NotFound


class Unreadable(Invalid):
    """The file cannot be read."""


class NoSuchFile(NotFound):
    """There is no such file."""


async def replay(path: Path) -> int:
    """Play the file through a ledger of its own, in a table that goes afterwards; 0 when every answer agrees."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="ecosystem-replay-") as folder:
        table = await EmbeddedTable.open(Path(folder) / "table.sqlite", clock)
        try:
            replayed = await replay_lines(_lines(path), Ledger(table, clock))
        finally:
            await table.close()
    for difference in replayed.differences:
        print(
            f"line {difference.line}: {difference.about}: recorded {difference.recorded}, answered {difference.answered}"
        )
    if replayed.earlier:
        print(f"taken as given, since the recording begins after them: {', '.join(replayed.earlier)}")
    print(
        f"{replayed.scenarios} scenarios: {replayed.accounts} accounts, {replayed.transfers} transfers and "
        f"{replayed.balances} final balances compared, {replayed.differing} differ"
    )
    return 0 if replayed.agrees else 1


def _lines(path: Path) -> Iterator[bytes]:
    """The file's lines, unpacked if it is packed, whatever it is called."""
    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.", field="file")
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as broken:
        raise Unreadable(f"{path} cannot be read: {broken}.", field="file") from broken
