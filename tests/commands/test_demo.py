"""The demo lives its days through the product's own machines, and everything in it holds."""

import asyncio
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.commands.demo import lived
from ecosystem.commands.demonstration.beginning import Length
from ecosystem.commands.settings import settings
from ecosystem.contexts.booking import Booking, BookingStatus, Hold
from ecosystem.contexts.disputes import Dispute
from ecosystem.contexts.payments import Payment, Refund
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import Execution, ExecutionStatus
from serving import environment, said

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOLD_IN_THREE_DAYS = {
    "BookingCancelled", "BookingCompleted", "BookingConfirmed", "BookingDeclined", "BookingDisputed", "BookingExpired",
    "BookingPlaced", "BookingRequested", "BookingRescheduled", "BookingResumed", "BookingStarted", "ChallengeRequired",
    "ChargebackMoved", "ChargebackOpened", "DisputeAnswered", "DisputeConcluded", "DisputeDecided", "DisputeEscalated",
    "DisputeOpened", "DisputeWithdrawn", "HoldExpired", "HoldReleased", "HoldTaken", "NoShowReported", "NoShowSettled",
    "OfferDeclined", "PaymentAuthorized", "PaymentCancelled", "PaymentCaptured", "PaymentDeclined", "PaymentIntended",
    "PayoutAccountChanged", "PayoutAccountRequested", "ProviderRegistered", "RefundFailed", "RefundIssued",
    "RefundRequested", "RequestAccepted", "RescheduleDeclined", "RescheduleProposed", "ScheduleFired", "WebhookStored",
}  # fmt: skip
LEFT_OPEN = {
    "bookings": {"awaiting_payment", "awaiting_provider", "confirmed", "in_progress", "disputed"},
    "refunds": {"failed", "pending"},
    "disputes": {"complaint review", "complaint offered", "complaint escalated"},
    "payout accounts": {"active", "pending", "restricted"},
    "cases of fraud": {"refused", "released", "waiting"},
}
NOTHING_MISSING: dict[str, set[str]] = {kind: set() for kind in LEFT_OPEN}


async def test_three_days_bring_about_whatever_can_occur_in_them_and_everything_holds(tmp_path: Path) -> None:
    days: list[str] = []
    length = Length(days=3, daily=3, seed=7, until=NOON)
    made = await lived(settings({"ECOSYSTEM_DATA": str(tmp_path / "demo")}), length, days.append)
    told, running = await _told(tmp_path / "demo")

    assert made.report.holds, made.report.findings
    assert not made.counts["dead letters"]
    assert TOLD_IN_THREE_DAYS - told.keys() == set()
    assert {kind: wanted - made.counts[kind].keys() for kind, wanted in LEFT_OPEN.items()} == NOTHING_MISSING
    assert made.counts["cases of fraud"]["waiting"] == 1
    assert sum(line.startswith("Day ") for line in days) == 4
    assert {name.split()[-1] for name in made.counts["executions"]} - {"RUNNING", "SUCCEEDED", "FAILED"} == set()
    assert [each.execution_id for each in running if not await _waits(tmp_path / "demo", each)] == []


async def test_a_demo_whose_process_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    how = ("demo", "--days=1", "--daily=4", "--seed=11")
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ecosystem", *how, f"--data={tmp_path / 'demo'}",
        env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert killed.stdout
    async with asyncio.timeout(60):
        while (line := await killed.stdout.readline()) and not line.startswith(b"Day 1 of 1"):
            pass
        await asyncio.sleep(0.7)
        os.kill(killed.pid, signal.SIGKILL)
        await killed.wait()
    stood = (tmp_path / "demo" / "stands-at").read_text()
    other = await said(tmp_path / "demo", "demo", "--days=1", "--seed=12")
    status, output = await said(tmp_path / "demo", *how)
    again = await said(tmp_path / "demo", *how)

    assert float(stood) < datetime.now(UTC).timestamp()
    assert (other[0], "MarketplaceThere" in other[1]) == (1, True)
    assert (status, "Everything holds." in output) == (0, True), output
    assert "dead letters" not in output
    assert (again[0], "MarketplaceThere" in again[1]) == (1, True)


async def _told(folder: Path) -> tuple[Counter[str], list[Execution]]:
    """How often what was told, and the executions that have not ended."""
    table = await EmbeddedTable.read_only(folder / "table.sqlite", SystemClock())
    try:
        told: Counter[str] = Counter()
        after = None
        while True:
            page = await table.scan(Event, after=after, limit=1000)
            told.update(event.type for event in page.values)
            after = page.next
            if after is None:
                break
        workflows = EmbeddedWorkflows(table, SystemClock(), SystemEntropy())
        running = await workflows.listed(status=ExecutionStatus.RUNNING)
        return told, list(running.executions)
    finally:
        await table.close()


async def _waits(folder: Path, execution: Execution) -> bool:
    """Whether the matter that the execution is named by is still open."""
    table = await EmbeddedTable.read_only(folder / "table.sqlite", SystemClock())
    try:
        bookings = {each.booking_id: each for each in (await table.scan(Booking, limit=1000)).values}
        waiting = {
            *(each.hold_id for each in (await table.scan(Hold, limit=1000)).values if each.status == "held"),
            *(
                each.request.hold_id
                for each in bookings.values()
                if each.status in {BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER}
            ),
            *(each.payment_id for each in (await table.scan(Payment, limit=1000)).values if each.is_open),
            *(each.refund_id for each in (await table.scan(Refund, limit=1000)).values if each.is_open),
            *(each.dispute_id for each in (await table.scan(Dispute, limit=1000)).values if not each.is_over),
        }
    finally:
        await table.close()
    return execution.name in waiting
