"""`ecosystem verify`: does the money add up? Reads beside a serving process, writes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import msgspec

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.app import verifying
from ecosystem.commands.settings import Settings
from ecosystem.journeys.verification import Verification
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.ports.inspector import Heard
from ecosystem.ports.table import Cursor, Page, Stored, Table

S = TypeVar("S", bound=Stored)
TOLD_EVERY_S = 0.5
PAUSE_EVERY = 4
"""Pages read between two pauses: the teller, and whoever ends us, get a turn."""


async def verify(chosen: Settings, *, as_json: bool = False) -> int:
    """Print what was read and every finding; 0 when there is none."""
    clock = SystemClock()
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        if as_json:
            return await _told(table, clock)
        report = await verifying(table, clock).verify()
    finally:
        await table.close()
    say_of(report)
    return 0 if report.holds else 1


@dataclass(slots=True)
class _Counted:
    """A table that counts what is scanned of it."""

    table: Table
    read: Counter[str] = field(default_factory=Counter[str])
    pages: int = 0

    async def scan(self, kind: type[S], *, after: Cursor | None = None, limit: int = 1000) -> Page[S]:
        page = await self.table.scan(kind, after=after, limit=limit)
        self.read[kind.entity] += len(page.rows)
        self.pages += 1
        if self.pages % PAUSE_EVERY == 0:
            await asyncio.sleep(0)
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)


async def _told(table: Table, clock: SystemClock) -> int:
    """Verify, and say how far it is, for a process that listens; the last line has the report."""
    counted = _Counted(table)

    async def tell() -> None:
        while True:
            _line(Heard(read=dict(counted.read)))
            await asyncio.sleep(TOLD_EVERY_S)

    telling = asyncio.create_task(tell())
    try:
        report = await verifying(cast("Table", counted), clock).verify()
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
    _line(Heard(read=dict(counted.read), report=msgspec.to_builtins(report)))
    return 0


def _line(heard: Heard) -> None:
    print(msgspec.json.encode(heard).decode(), flush=True)


def say_of(report: Verification) -> None:
    """Print what was read, and every finding."""
    ledger = report.ledger
    print(
        f"Read {report.bookings} bookings ({report.unreleased} with money held), {report.payments} payments, "
        f"{report.refunds} refunds, {ledger.accounts} accounts, {ledger.transfers} transfers "
        f"({ledger.pending} pending, {ledger.settled} settled), {ledger.escrows_compared} escrow balances."
    )
    for currency, totals in sorted(ledger.ledgers.items()):
        held = money_text(Money(max(totals.escrow_held, 0), currency))
        print(
            f"{currency}: debits {totals.debits_posted} = credits {totals.credits_posted}, "
            f"pending {totals.debits_pending} = {totals.credits_pending}, held in escrow {held}"
        )
    for finding in ledger.findings:
        print(f"FINDING {finding.rule}: {finding.about}: {finding.detail}")
    if ledger.found > len(ledger.findings):
        print(f"... and {ledger.found - len(ledger.findings)} more")
    print("Everything holds." if report.holds else f"{ledger.found} findings.")
