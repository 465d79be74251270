"""Free times of a month, for a provider with 200 bookings: the rule alone, and read from the embedded table.

python -m bench.slots
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.rows import Row, markdown
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import (
    Availability,
    Calendar,
    Hours,
    Offer,
    Plans,
    SetPlan,
    Taking,
    Week,
    Window,
    by_day,
    slots,
    take,
)
from ecosystem.kernel.actor import system
from ecosystem.kernel.money import Money
from ecosystem.kernel.time import Span, midnight

BOOKINGS = 200
DAYS = 31
ROUNDS = 200
GOAL = "under 10 ms"
ZONE = "Europe/Berlin"
NOW = datetime(2026, 10, 1, tzinfo=UTC)  # the month has a clock change
PROVIDER = "prv_01k9zzzzzzzzzzzzzzzzzzzzzz"


def offer(service_id: str, duration_min: int, *, buffers_min: int = 0, capacity: int = 1) -> Offer:
    return Offer(
        service_id=service_id,
        provider_id=PROVIDER,
        owner_id="usr_owner",
        title="A service",
        duration_min=duration_min,
        price=Money(10_000, "EUR"),
        zone=ZONE,
        buffer_before_min=buffers_min,
        buffer_after_min=buffers_min,
        capacity=capacity,
    )


MASSAGE = offer("svc_massage", 60, buffers_min=15)
CLASS = offer("svc_class", 45, capacity=10)


async def booked(table: EmbeddedTable, clock: VirtualClock) -> Calendar:
    """A provider open every day from 08:00 to 20:00 on a grid of 15 minutes, with 200 bookings in a month."""
    hours = (Window("08:00", "12:30"), Window("13:00", "20:00"))
    week = Week(
        monday=hours, tuesday=hours, wednesday=hours, thursday=hours, friday=hours, saturday=hours, sunday=hours
    )
    plans = Plans(table, clock)
    request = SetPlan(provider_id=PROVIDER, zone=ZONE, week=week, step_min=15)
    await plans.set(request, owner_id="usr_owner", actor=system("bench"))
    calendar = Calendar(table)
    for number in range(BOOKINGS):
        service = CLASS if number % 4 == 0 else MASSAGE
        day, place = divmod(number, 7)
        start_at = midnight(NOW.date() + timedelta(days=day), ZONE) + timedelta(hours=8 + 1.5 * place)
        taking = Taking(
            entry_id=f"bkg_{number:026d}",
            service_id=service.service_id,
            start_at=start_at,
            end_at=start_at + timedelta(minutes=service.duration_min),
            before_min=service.buffer_before_min,
            after_min=service.buffer_after_min,
            seats=1,
        )
        days = await calendar.days(PROVIDER, taking.span)
        await table.transact(*take(days, taking, capacity=service.capacity, at=clock.now()).writes())
    return calendar


def run() -> list[Row]:
    """The figures: medians in milliseconds."""
    return asyncio.run(on_a_table())


async def on_a_table() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clock = VirtualClock(NOW)
        table = await EmbeddedTable.open(Path(folder) / "table.sqlite", clock)
        try:
            calendar = await booked(table, clock)
            return await measured(Plans(table, clock), calendar, clock)
        finally:
            await table.close()


async def measured(plans: Plans, calendar: Calendar, clock: VirtualClock) -> list[Row]:
    wanted = Span(midnight(NOW.date(), ZONE), midnight(NOW.date() + timedelta(days=DAYS), ZONE))
    takings = await calendar.takings(PROVIDER, wanted)
    row = await plans.get(PROVIDER)
    hours = Hours(plan=row.value if row else None)
    availability = Availability(plans, calendar, clock)
    rows: list[Row] = []
    for service in (MASSAGE, CLASS):

        async def decided(service: Offer = service) -> int:
            free = slots(hours, service, takings, wanted, NOW)
            by_day(free, "America/New_York")
            return len(free)

        async def read(service: Offer = service) -> int:
            free = await availability.between(
                service, NOW.date(), NOW.date() + timedelta(days=DAYS - 1), "America/New_York"
            )
            return sum(len(day.slots) for day in free.days)

        for name, act in (("decided and grouped", decided), ("read from the table too", read)):
            took_ms, count = await timed(act)
            title = f"{DAYS} days of slots, {BOOKINGS} bookings, {count} free, {service.service_id[4:]}: {name}"
            rows.append(Row(part="booking", name=title, figure=took_ms, unit="ms", goal=GOAL))
    return rows


async def timed(act: Callable[[], Awaitable[int]]) -> tuple[float, int]:
    """The median of many rounds in milliseconds, and what the act returned."""
    took: list[float] = []
    count = 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        count = await act()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), count


if __name__ == "__main__":
    print(markdown(run()))
