"""One import under way: how far it is, what it found, and what it knows so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from ecosystem.contexts.catalogue import Outcome, Provider, excerpt
from ecosystem.journeys.import_reports import ImportReport, RefusedRow, Tally, Told
from ecosystem.journeys.import_rows import Kind, Problem, Row
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Key, Write


class Progress(Struct, frozen=True, kw_only=True):
    """How far an import has come, in rows."""

    done: int
    total: int


class Decided(Struct, frozen=True, kw_only=True):
    """What becomes of a row, and what commits it. `provider` is the provider it made, for the rows that refer to it."""

    outcome: Outcome
    writes: tuple[Write, ...] = ()
    provider: Provider | None = None


@dataclass(slots=True)
class Run:
    """One import under way.

    `providers` and `refused_providers` go by the keys of their rows, `services` counts those of each provider, and
    `taken` are the items that the commit at hand will write: on a dry run, all that would have been.
    """

    actor: Actor
    dry_run: bool
    told: Callable[[Progress], None]
    total: int = 0
    done: int = 0
    counts: Counter[tuple[Kind, str]] = field(default_factory=Counter[tuple[Kind, str]])
    refused: list[RefusedRow] = field(default_factory=list[RefusedRow])
    providers: dict[str, Provider] = field(default_factory=dict[str, Provider])
    refused_providers: set[str] = field(default_factory=set[str])
    services: dict[str, int] = field(default_factory=dict[str, int])
    taken: set[Key] = field(default_factory=set[Key])

    def refuse(self, row: Row, problems: Iterable[Problem]) -> None:
        kind, key = row.kind or "", row.cells.get("key", "")
        # What is wrong with a cell first is the reason; what follows from it is none.
        first: dict[str, str] = {}
        for problem in problems:
            first.setdefault(problem.column, problem.reason)
        told = tuple(
            Told(column=column, reason=reason, value=excerpt(row.cells.get(column, "")))
            for column, reason in first.items()
        )
        self.refused.append(RefusedRow(row=row.number, kind=kind, key=excerpt(key), problems=told))
        if row.kind is not None:
            self.counts[row.kind, "refused"] += 1
        if row.kind is Kind.PROVIDER:
            self.refused_providers.add(key.strip())

    def accept(self, row: Row, key: str, decided: Decided) -> None:
        assert row.kind is not None
        self.counts[row.kind, decided.outcome] += 1
        if decided.provider is not None:
            self.providers[key] = decided.provider

    def advance(self, by: int) -> None:
        self.done += by
        self.told(Progress(done=self.done, total=self.total))

    def report(self) -> ImportReport:
        def tally(kind: Kind) -> Tally:
            return Tally(**{name: self.counts[kind, name] for name in Tally.__struct_fields__})

        return ImportReport(
            rows=self.total,
            dry_run=self.dry_run,
            providers=tally(Kind.PROVIDER),
            services=tally(Kind.SERVICE),
            plans=tally(Kind.PLAN),
            refused=tuple(sorted(self.refused, key=lambda one: (one.row, one.kind))),
        )
