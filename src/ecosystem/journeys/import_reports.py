"""What became of an import: counts, and every refused row with all its reasons."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from ecosystem.journeys.import_rows import Kind

SHOWN_MAX = 200


class Told(Struct, frozen=True, kw_only=True):
    """A reason for refusing a row: the column at fault (empty for the row as a whole), and what stood there."""

    column: str
    reason: str
    value: str = ""


class RefusedRow(Struct, frozen=True, kw_only=True):
    """A row that was not taken in. `kind` is empty when the row tells none."""

    row: int
    kind: str
    key: str
    problems: tuple[Told, ...]


class Tally(Struct, frozen=True, kw_only=True):
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


class ImportReport(Struct, frozen=True, kw_only=True):
    """The outcome of an import. On a dry run nothing was written, and the counts say what would be."""

    rows: int
    dry_run: bool
    providers: Tally
    services: Tally
    plans: Tally
    refused: tuple[RefusedRow, ...]

    def json(self) -> bytes:
        """The whole report, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def lines(self, shown_max: int = SHOWN_MAX) -> Iterable[str]:
        """The report as a person reads it; at most `shown_max` refused rows."""
        yield f"{self.rows:,} rows read" + (", nothing written (dry run)" if self.dry_run else "")
        for kind, tally in ((Kind.PROVIDER, self.providers), (Kind.SERVICE, self.services), (Kind.PLAN, self.plans)):
            yield (
                f"{kind + 's':10} {tally.created:>7,} created {tally.updated:>7,} updated"
                f" {tally.unchanged:>7,} unchanged {tally.refused:>7,} refused"
            )
        for refused in self.refused[:shown_max]:
            yield f"row {refused.row}" + "".join(f" {part}" for part in (refused.kind, refused.key) if part)
            for told in refused.problems:
                where = f"{told.column}: " if told.column else ""
                yield f"  {where}{told.reason}" + (f" Found: {told.value}" if told.value else "")
        if len(self.refused) > shown_max:
            yield f"... and {len(self.refused) - shown_max:,} more refused rows"
