"""Import: providers, services and weekly plans from a file, as many of its rows as are fit.

Rows carry keys of their own. A row is taken in together with its key in one commit, so that running the import again
goes on where it stopped, a changed row updates exactly its item, and an unchanged one writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from ecosystem.contexts.booking import Plans, plan_writes, planned
from ecosystem.contexts.catalogue import (
    SERVICES_MAX,
    FieldsRefused,
    Findings,
    Imported,
    Intake,
    NotReady,
    Outcome,
    Provider,
    Services,
    TakeProvider,
    TakeService,
    keyed,
)
from ecosystem.journeys.import_cells import Cells, plan_row, provider_row, service_row
from ecosystem.journeys.import_reports import ImportReport
from ecosystem.journeys.import_rows import Format, Kind, Problem, Row, rows
from ecosystem.journeys.import_runs import Decided, Progress, Run
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Refusal, Unavailable
from ecosystem.ports import table as stored
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table

TOGETHER = 12
"""Rows that are committed together: each is seven writes at most, and a transaction takes a hundred."""

ATTEMPTS = 3
READ_BETWEEN_PAUSES = 50
COLUMN_OF = {"location": "place"}

OwnerOf = Callable[[str], Awaitable[str | None]]
"""Finds the user who confirmed that e-mail address."""

Known = stored.Row[Imported] | None


class ImportInterrupted(Unavailable):
    """The import stopped before its end. What it took in stays; run it again to go on."""


class RowRefused(Exception):
    """A row is not taken in, for these reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Importing:
    """Takes files in. For operators."""

    table: Table
    clock: Clock
    intake: Intake
    services: Services
    plans: Plans
    owner_of: OwnerOf

    async def load(
        self,
        content: bytes,
        form: Format,
        actor: Actor,
        *,
        dry_run: bool = False,
        told: Callable[[Progress], None] = lambda _: None,
    ) -> ImportReport:
        """Take in every fit row, and report every other. A dry run decides all the same, and writes nothing.

        Raises `FileUnreadable` for what is no table, `ImportInterrupted` when the store fails on the way.
        """
        actor.must_operate()
        run = Run(actor=actor, dry_run=dry_run, told=told)
        by_kind = await self._sorted(rows(content, form), run)
        try:
            for kind in Kind:
                for start in range(0, len(by_kind[kind]), TOGETHER):
                    chunk = by_kind[kind][start : start + TOGETHER]
                    await self._take(kind, chunk, run)
                    run.advance(len(chunk))
                    await asyncio.sleep(0)
        except Unavailable as stopped:
            raise ImportInterrupted(
                f"Stopped after {run.done:,} of {run.total:,} rows: {stopped.message} Run it again to go on."
            ) from stopped
        return run.report()

    async def _sorted(self, read: Iterator[Row], run: Run) -> dict[Kind, list[Row]]:
        """The rows by kind; those that cannot be told apart are refused."""
        by_kind: dict[Kind, list[Row]] = {kind: [] for kind in Kind}
        first: dict[tuple[Kind, str, str], int] = {}
        for row in read:
            run.total += 1
            if run.total % READ_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            if row.kind is None or any(not problem.column for problem in row.problems):
                run.refuse(row, row.problems)
                continue
            # A provider has one plan, so the provider tells plans apart as well as their keys do.
            names = [("key", key_of(row)), *([("provider", _cell(row, "provider"))] if row.kind is Kind.PLAN else [])]
            earlier = [(column, first.setdefault((row.kind, column, name), row.number)) for column, name in names]
            again = [
                Problem(column, f"Row {number} has this {column} already.")
                for (column, number), (_, name) in zip(earlier, names, strict=True)
                if name and number != row.number
            ]
            if again:
                run.refuse(row, [*row.problems, *again])
            else:
                by_kind[row.kind].append(row)
        run.advance(run.total - sum(map(len, by_kind.values())))
        return by_kind

    async def _take(self, kind: Kind, chunk: Sequence[Row], run: Run) -> None:
        """Take these rows in with one commit; if that is refused, one by one, so that only the unfit stay out."""
        keys = [key for row in chunk if (key := key_of(row))]
        known = dict(zip(keys, await self.intake.known(kind, keys), strict=True))
        decided: list[tuple[Row, Decided]] = []
        for row in chunk:
            try:
                decision = await self._decide(kind, row, known.get(key_of(row)), run)
            except RowRefused as refused:
                run.refuse(row, refused.problems)
                continue
            run.taken.update(write.key for write in decision.writes)
            decided.append((row, decision))
        try:
            await self._commit([decision for _, decision in decided], run)
        except Unavailable:
            raise
        except Refusal:
            run.taken.clear()
            for row, _ in decided:
                await self._take_alone(kind, row, run)
        else:
            for row, decision in decided:
                run.accept(row, key_of(row), decision)

    async def _take_alone(self, kind: Kind, row: Row, run: Run) -> None:
        for left in reversed(range(ATTEMPTS)):
            (earlier,) = await self.intake.known(kind, [key_of(row)])
            try:
                decision = await self._decide(kind, row, earlier, run)
                await self._commit([decision], run)
            except RowRefused as refused:
                run.refuse(row, refused.problems)
            except Unavailable:
                raise
            except Refusal as refused:
                if left and isinstance(refused, Conflict):
                    continue
                run.refuse(row, [_problem(refused)])
            else:
                run.accept(row, key_of(row), decision)
            return

    async def _commit(self, decided: Sequence[Decided], run: Run) -> None:
        writes = [write for decision in decided for write in decision.writes]
        if run.dry_run:
            # Nothing is written, so what was decided stays in mind for the whole run.
            return
        if writes:
            await self.table.transact(*writes)
        run.taken.clear()

    async def _decide(self, kind: Kind, row: Row, known: Known, run: Run) -> Decided:
        """What becomes of the row. Raises `RowRefused` with every reason."""
        if known is not None and known.value.digest == digest_of(row):
            return Decided(outcome=Outcome.UNCHANGED)
        findings = Findings()
        for problem in row.problems:
            findings.note(problem.column, problem.reason)
        cells = Cells(row.cells, findings)
        cells.expect(kind)
        cells.key("key")
        decide = {Kind.PROVIDER: self._provider, Kind.SERVICE: self._service, Kind.PLAN: self._plan}[kind]
        try:
            decision = await decide(row, cells, known, run)
        except NotReady as unready:
            # What a field lacks is often only what could not be read of it.
            found = findings.problems or unready.problems
            raise RowRefused([Problem(_column(one.field), one.reason) for one in found]) from unready
        except FieldsRefused as refused:
            found = [*findings.problems, *refused.problems]
            raise RowRefused([Problem(_column(one.field), one.reason) for one in found]) from refused
        except Unavailable:
            raise
        except Refusal as refused:
            found = [Problem(_column(one.field), one.reason) for one in findings.problems]
            raise RowRefused([*found, _problem(refused)]) from refused
        if findings.problems:
            raise RowRefused([Problem(_column(one.field), one.reason) for one in findings.problems])
        return decision

    async def _provider(self, row: Row, cells: Cells, known: Known, run: Run) -> Decided:
        former = (await self.intake.providers([known.value.provider_id]))[0] if known else None
        told = provider_row(cells, former.value.location if former else None)
        request = TakeProvider(
            key=key_of(row),
            digest=digest_of(row),
            fields=told.fields,
            owner_id=await self.owner_of(told.owner_email) if told.owner_email else None,
            owner_email=told.owner_email,
            status=told.status,
        )
        taken = await self.intake.provider(request, known, run.actor, avoid=run.taken)
        return Decided(outcome=taken.outcome, writes=taken.writes, provider=taken.provider)

    async def _service(self, row: Row, cells: Cells, known: Known, run: Run) -> Decided:
        told = service_row(cells)
        provider = await self._referred(cells, run)
        if provider is None:
            self.intake.check(told.fields)
            return Decided(outcome=Outcome.UNCHANGED)
        if known is None:
            await self._count(provider, cells.findings, run)
        request = TakeService(key=key_of(row), digest=digest_of(row), fields=told.fields, status=told.status)
        taken = await self.intake.service(request, known, provider, run.actor, avoid=run.taken)
        return Decided(outcome=taken.outcome, writes=taken.writes)

    async def _plan(self, row: Row, cells: Cells, known: Known, run: Run) -> Decided:
        provider = await self._referred(cells, run)
        if provider is None:
            plan_row(cells, "", "Etc/UTC", None)
            return Decided(outcome=Outcome.UNCHANGED)
        former = await self.plans.get(provider.provider_id)
        zone = provider.location.zone if provider.location else ""
        request = plan_row(cells, provider.provider_id, zone, former.value if former else None)
        cells.findings.settle()
        at = self.clock.now()
        writes = plan_writes(former, planned(request), actor=run.actor, at=at)
        kept = keyed(known, Kind.PLAN, key_of(row), digest_of(row), provider_id=provider.provider_id, at=at)
        outcome = Outcome.UNCHANGED if not writes else Outcome.UPDATED if former else Outcome.CREATED
        return Decided(outcome=outcome, writes=(*writes, kept))

    async def _referred(self, cells: Cells, run: Run) -> Provider | None:
        """The provider that a row refers to by its key: of this file, or taken in earlier. Noted when there is none."""
        key = cells.key("provider")
        if key and key not in run.providers:
            (imported,) = await self.intake.known(Kind.PROVIDER, [key])
            (row,) = await self.intake.providers([imported.value.provider_id]) if imported else [None]
            if row is not None:
                run.providers[key] = row.value
        if key and key not in run.providers:
            refused = " Its own row was refused." if key in run.refused_providers else ""
            cells.findings.note("provider", f"No provider has this key.{refused}")
        return run.providers.get(key)

    async def _count(self, provider: Provider, findings: Findings, run: Run) -> None:
        """Count a service to be made; noted when the provider has as many as one may have."""
        who = provider.provider_id
        if who not in run.services:
            run.services[who] = len(await self.services.of(who))
        run.services[who] += 1
        if run.services[who] > SERVICES_MAX:
            findings.note("provider", f"This provider has {SERVICES_MAX} services already, as many as one may have.")


def key_of(row: Row) -> str:
    """The row's key, in normal form; empty when it has none that is fit."""
    return _cell(row, "key")


def digest_of(row: Row) -> str:
    """A fingerprint of what the row says."""
    said = sorted((column, cell.strip()) for column, cell in row.cells.items())
    return sha256(msgspec.msgpack.encode(said)).hexdigest()[:32]


def _cell(row: Row, column: str) -> str:
    findings = Findings()
    key = Cells(row.cells, findings).key(column)
    return "" if findings.problems else key


def _column(name: str) -> str:
    return COLUMN_OF.get(name, name)


def _problem(refused: Refusal) -> Problem:
    return Problem(_column(refused.field or ""), refused.message)
