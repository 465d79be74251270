"""Everything that may happen to holds and bookings of one provider, in any order, against a plain account of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from contexts.booking.scene import ADA, BOB, GUEST, OPERATOR, OWNER, PROVIDER, SWEEP, Scene, offer, week
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import (
    FREED,
    NEXT,
    AnswerProposal,
    Booking,
    BookingStatus,
    CancelBooking,
    ConcludeDispute,
    Hold,
    HoldStatus,
    ReportNoShow,
    Reschedule,
    Side,
    Window,
    accept,
    cancel,
    complete,
    conclude,
    confirm,
    decline,
    dispute,
    expire,
    report_no_show,
    settle_no_show,
)
from ecosystem.kernel.refusals import Refusal
from ecosystem.kernel.time import Span
from ecosystem.ports.bus import Event

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
OFFERS = {
    "svc_massage": offer(buffer_after_min=15, zone="Etc/UTC"),
    "svc_class": offer(service_id="svc_class", capacity=3, duration_min=90, zone="Etc/UTC", policy="moderate"),
    "svc_visit": offer(service_id="svc_visit", instant=False, buffer_before_min=30, zone="Etc/UTC", policy="strict"),
}
ACTORS = st.sampled_from([ADA, ADA, BOB, GUEST, OWNER, OWNER, OPERATOR, SWEEP])
STARTS = st.integers(0, 40).map(lambda step: MONDAY + timedelta(hours=18, minutes=30 * step))
MINUTES = st.sampled_from([1, 5, 10, 15, 60, 12 * 60, 24 * 60])


class BookingMachine(RuleBasedStateMachine):
    """Each rule asks for something, sensible or not; a refusal must change nothing, all else must stay consistent."""

    held = Bundle("held")
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = VirtualClock(MONDAY - timedelta(hours=30))
        self.table = self.run(EmbeddedTable.open(Path(self.folder.name) / "table.sqlite", self.clock))
        self.scene = Scene(self.table, self.clock)
        self.run(self.scene.open("Etc/UTC", week(Window("00:00", "24:00"))))
        self.holds: set[str] = set()
        self.statuses: dict[str, BookingStatus] = {}

    def teardown(self) -> None:
        self.run(self.table.close())
        self.runner.close()
        self.folder.cleanup()

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(act)

    def tries(self, act: Coroutine[Any, Any, Any]) -> Any:
        """What the act returns, or its refusal."""
        try:
            return self.run(act)
        except Refusal as refused:
            return refused

    def decides(self, booking_id: str, decision: Callable[..., Any], *arguments: object) -> None:
        outcome = self.tries(self.scene.does(booking_id, decision, *arguments))
        if isinstance(outcome, Booking):
            self.follows(outcome)

    def follows(self, booking: Booking) -> None:
        former = self.statuses[booking.booking_id]
        assert booking.status is former or booking.status in NEXT[former]
        self.statuses[booking.booking_id] = booking.status

    @rule(
        target=held,
        start_at=STARTS,
        service=st.sampled_from(sorted(OFFERS)),
        actor=st.sampled_from([ADA, BOB, GUEST]),
        seats=st.integers(1, 2),
    )
    def take(self, start_at: datetime, service: str, actor: Any, seats: int) -> Any:
        of = OFFERS[service]
        outcome = self.tries(self.scene.hold(start_at, actor, of, min(seats, of.capacity)))
        if isinstance(outcome, Hold):
            self.holds.add(outcome.hold_id)
            return outcome.hold_id, actor
        return multiple()

    @initialize(target=made, start_at=STARTS, service=st.sampled_from(sorted(OFFERS)))
    def opens(self, start_at: datetime, service: str) -> Any:
        return self.book(start_at, service, ADA, 1)

    @rule(hold=held)
    def release(self, hold: tuple[str, Any]) -> None:
        self.tries(self.scene.holds.release(*hold))

    @rule(target=made, hold=held)
    def place(self, hold: tuple[str, Any]) -> Any:
        row = self.run(self.scene.holds.row(hold[0]))
        outcome = self.tries(self.scene.place(row.value, hold[1]))
        if isinstance(outcome, Booking):
            self.statuses[outcome.booking_id] = outcome.status
            return outcome.booking_id
        return multiple()

    @rule(booking_id=made)
    def pay(self, booking_id: str) -> None:
        self.decides(booking_id, confirm)

    @rule(
        target=made,
        start_at=STARTS,
        service=st.sampled_from(sorted(OFFERS)),
        actor=st.sampled_from([ADA, BOB, GUEST]),
        seats=st.integers(1, 2),
    )
    def book(self, start_at: datetime, service: str, actor: Any, seats: int) -> Any:
        hold = self.take(start_at, service, actor, seats)
        if not isinstance(hold, tuple):
            return hold
        booking_id = self.place(hold)
        self.pay(booking_id)
        if self.statuses[booking_id] is BookingStatus.AWAITING_PROVIDER:
            self.reply(booking_id, OWNER, agreed=True)
        return booking_id

    @rule(booking_id=made)
    def begins(self, booking_id: str) -> None:
        start_at = self.run(self.scene.bookings.row(booking_id)).value.start_at
        self.clock.advance(max(timedelta(0), start_at - self.clock.now()))

    @rule(booking_id=made, actor=ACTORS, agreed=st.booleans())
    def reply(self, booking_id: str, actor: Any, *, agreed: bool) -> None:
        if agreed:
            self.decides(booking_id, accept, actor)
        else:
            self.decides(booking_id, decline, "no", actor)

    @rule(booking_id=made, actor=ACTORS)
    def cancel(self, booking_id: str, actor: Any) -> None:
        self.decides(booking_id, cancel, CancelBooking(booking_id=booking_id), actor)

    @rule(booking_id=made, actor=ACTORS, start_at=STARTS)
    def reschedule(self, booking_id: str, actor: Any, start_at: datetime) -> None:
        self.tries(self.scene.bookings.reschedule(Reschedule(booking_id=booking_id, start_at=start_at), actor))

    @rule(booking_id=made, actor=ACTORS, agree=st.booleans())
    def answer(self, booking_id: str, actor: Any, *, agree: bool) -> None:
        proposal = self.run(self.scene.bookings.row(booking_id)).value.proposal
        if proposal:
            request = AnswerProposal(booking_id=booking_id, start_at=proposal.start_at, agree=agree)
            self.tries(self.scene.bookings.answer(request, actor))

    @rule(booking_id=made, actor=ACTORS, absent=st.sampled_from([Side.CUSTOMER, Side.PROVIDER]))
    def misses(self, booking_id: str, actor: Any, absent: Side) -> None:
        self.decides(booking_id, report_no_show, ReportNoShow(booking_id=booking_id, absent=absent), actor)

    @rule(booking_id=made, actor=ACTORS)
    def completes(self, booking_id: str, actor: Any) -> None:
        self.decides(booking_id, complete, actor)

    @rule(booking_id=made, actor=ACTORS, share_bps=st.sampled_from([0, 5_000, 10_000]))
    def disputes(self, booking_id: str, actor: Any, share_bps: int) -> None:
        self.decides(booking_id, dispute, "bad", actor)
        self.decides(booking_id, conclude, ConcludeDispute(booking_id=booking_id, share_bps=share_bps), actor)

    @rule(minutes=MINUTES)
    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def sweep(self) -> None:
        for hold_id in self.run(self.scene.holds.due()):
            assert self.run(self.scene.holds.expire(hold_id, SWEEP)).status is HoldStatus.EXPIRED
        due: dict[BookingStatus, tuple[Callable[..., Any], tuple[object, ...]]] = {
            BookingStatus.AWAITING_PAYMENT: (expire, ()),
            BookingStatus.AWAITING_PROVIDER: (expire, ()),
            BookingStatus.IN_PROGRESS: (complete, (SWEEP,)),
            BookingStatus.NO_SHOW: (settle_no_show, (SWEEP,)),
        }
        for booking_id in self.run(self.scene.bookings.due(BookingStatus.CONFIRMED)):
            self.follows(self.run(self.scene.bookings.start(booking_id, SWEEP)))
        for status, (decision, arguments) in due.items():
            for booking_id in self.run(self.scene.bookings.due(status)):
                self.follows(self.run(self.scene.does(booking_id, decision, *arguments)))
        for status in (*due, BookingStatus.CONFIRMED):
            left = self.run(self.scene.bookings.due(status))
            assert not left or status is BookingStatus.IN_PROGRESS

    @invariant()
    def no_time_is_sold_twice(self) -> None:
        now = self.clock.now()
        takings = self.run(self.scene.calendar.takings(PROVIDER, Span(MONDAY, MONDAY + timedelta(days=2))))
        alive = list({taking.entry_id: taking for taking in takings if not taking.lapsed(now)}.values())
        for taking in alive:
            together = [other for other in alive if other.shares(taking)]
            assert sum(other.seats for other in together) <= OFFERS[taking.service_id].capacity
            for other in alive:
                if other.entry_id.split(":")[0] != taking.entry_id.split(":")[0] and not other.shares(taking):
                    assert not other.span.overlaps(taking.span)

    @invariant()
    def the_calendar_holds_what_stands_and_nothing_else(self) -> None:
        now = self.clock.now()
        takings = self.run(self.scene.calendar.takings(PROVIDER, Span(MONDAY, MONDAY + timedelta(days=2))))
        alive = {(taking.entry_id, taking.start_at, taking.seats) for taking in takings if not taking.lapsed(now)}
        stands: set[tuple[str, datetime, int]] = set()
        for hold_id in self.holds:
            hold = self.run(self.scene.holds.row(hold_id)).value
            if hold.status is HoldStatus.HELD and now < hold.expires_at:
                stands.add((hold_id, hold.start_at, hold.seats))
        for booking_id in self.statuses:
            booking = self.run(self.scene.bookings.row(booking_id)).value
            event(booking.status)
            if booking.status not in FREED:
                stands.add((booking_id, booking.start_at, booking.seats))
            proposal = booking.open_proposal(now)
            if proposal and booking.status is BookingStatus.CONFIRMED:
                stands.add((f"{booking_id}:proposal", proposal.start_at, booking.seats))
        assert alive == stands

    @invariant()
    def every_booking_tells_its_story(self) -> None:
        for booking_id, status in self.statuses.items():
            row = self.run(self.scene.bookings.row(booking_id))
            booking = row.value
            assert booking.status is status
            events = self.run(self.table.query(f"BOOKING#{booking_id}", Event, prefix="EVENT#", limit=200)).values
            assert [event.sequence for event in events] == list(range(1, row.version + 1))
            if booking.refund is not None:
                assert booking.refund.lines.total <= booking.lines.total
            found = self.run(self.scene.bookings.of_provider(PROVIDER, OWNER, owner_id=OWNER.actor_id, limit=200))
            assert booking in found.values


BookingMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestBookingMachine = BookingMachine.TestCase
