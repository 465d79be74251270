"""`ecosystem verify`: does the money add up? Reads beside a serving process, writes nothing."""

from __future__ import annotations

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.app import verifying
from ecosystem.commands.settings import Settings
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money


async def verify(chosen: Settings) -> int:
    """Print what was read and every finding; 0 when there is none."""
    clock = SystemClock()
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        report = await verifying(table, clock).verify()
    finally:
        await table.close()
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
    return 0 if report.holds else 1
