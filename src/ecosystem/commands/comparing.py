"""`ecosystem reconcile --compare DAY UNTIL`: the reading process of a reconciliation.

It compares what was kept, writes nothing, and says how far it is as lines of JSON, its report last. It is started for
every day that is compared, so it imports what it reads with and nothing else.
"""

from __future__ import annotations

from datetime import date

import msgspec

from ecosystem.adapters.embedded.blobs import FileBlobs
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.commands.settings import Settings
from ecosystem.contexts.ach import Entries, Originators, Vault
from ecosystem.journeys.comparing import Compared, comparing
from ecosystem.journeys.reconciliation_files import DayFiles
from ecosystem.ports.inspector import Heard

TOLD_EVERY = 20


async def compare(chosen: Settings, day: date, until: date) -> int:
    """Compare the day, for a process that listens."""
    clock, entropy = SystemClock(), SystemEntropy()
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        keys = await FileKeys.open(FileSecrets(chosen.data / "secrets"), clock, entropy)
        blobs = FileBlobs(folder=chosen.data / "blobs", address="", secret=b"", clock=clock, entropy=entropy)
        entries = Entries(table, clock, Vault(table, keys), Originators(table, clock))
        told = 0
        async for said in comparing(table, clock, DayFiles(blobs), entries).compare(day, until):
            if isinstance(said, Compared):
                _line(Heard(read=said.rows, report=msgspec.to_builtins(said)))
            elif (told := told + 1) % TOLD_EVERY == 1:
                _line(Heard(read=said))
    finally:
        await table.close()
    return 0


def _line(heard: Heard) -> None:
    print(msgspec.json.encode(heard).decode(), flush=True)
