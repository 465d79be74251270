"""A booking from its hold to its end, one state at a time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contexts.booking.scene import (
    ADA,
    BOB,
    CONTACT,
    GUEST,
    OPERATOR,
    OWNER,
    PROVIDER,
    SWEEP,
    TEN,
    Scene,
    offer,
)
from ecosystem.contexts.booking import (
    AlreadyStarted,
    Booking,
    BookingChanged,
    BookingGone,
    BookingStatus,
    CancelBooking,
    ConcludeDispute,
    Contact,
    HoldEnded,
    Mode,
    NotInThisState,
    NotYet,
    OwnService,
    PlaceBooking,
    ReportNoShow,
    Side,
    SlotTaken,
    WrongLink,
    accept,
    await_payment,
    becomes,
    cancel,
    claim_hash,
    claim_secret,
    complete,
    conclude,
    confirm,
    decline,
    dispute,
    expire,
    guest_of,
    preview,
    report_no_show,
    settle_no_show,
)
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.rates import Rates
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from ecosystem.ports.bus import Event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ON_REQUEST = offer(instant=False)
CANCEL = CancelBooking(booking_id="")


async def told(scene: Scene, booking: Booking) -> list[str]:
    events = await scene.table.query(f"BOOKING#{booking.booking_id}", Event, prefix="EVENT#")
    return [event.type for event in events.values]


async def test_a_paid_booking_of_an_instant_service_is_confirmed(scene: Scene) -> None:
    booking = await scene.booked()

    assert booking.status is BookingStatus.CONFIRMED
    assert (booking.due_at, booking.booked_at) == (TEN, scene.clock.now())
    assert booking.lines.total == Money(10_000, "EUR")
    assert await told(scene, booking) == ["BookingPlaced", "BookingConfirmed"]


async def test_a_guest_pays_the_surcharge_and_keeps_the_rates(scene: Scene) -> None:
    rates = Rates(version=3, surcharge_bps=500)
    held = await scene.hold(actor=GUEST, of=offer(capacity=3), seats=2)
    request = PlaceBooking(booking_id=scene.mint("bkg"), hold_id=held.hold_id, contact=CONTACT)

    placement = await scene.bookings.placing(request, rates=rates, actor=GUEST, claim_hash="x")

    assert placement.booking.lines.base == Money(20_000, "EUR")
    assert placement.booking.lines.surcharge == Money(1_000, "EUR")
    assert placement.booking.rates == rates
    assert placement.booking.guest


async def test_the_same_booking_placed_again_is_the_first_as_it_is_now(scene: Scene) -> None:
    held = await scene.hold()
    request = PlaceBooking(booking_id=scene.mint("bkg"), hold_id=held.hold_id, contact=CONTACT)
    placement = await scene.bookings.placing(request, rates=Rates(), actor=ADA)
    await scene.table.transact(*placement.writes)
    await scene.pay(placement.booking)

    again = await scene.bookings.placing(request, rates=Rates(), actor=ADA)

    assert again.earlier
    assert again.booking.status is BookingStatus.CONFIRMED
    for actor, other in ((BOB, request), (ADA, replace(request, note="another"))):
        with pytest.raises(IdReused):
            await scene.bookings.placing(other, rates=Rates(), actor=actor)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"booking_id": "hld_01k9zzzzzzzzzzzzzzzzzzzzzz"}, "booking_id"),
        ({"contact": Contact(name="", email="ada@example.org")}, "contact.name"),
        ({"contact": Contact(name="Ada\nBCC: all", email="ada@example.org")}, "contact.name"),
        ({"contact": Contact(name="Ada", email="ada@example")}, "contact.email"),
        ({"contact": Contact(name="Ada", email="ada example@example.org")}, "contact.email"),
        ({"note": "n" * 2001}, "note"),
        ({"place": "  "}, "place"),
        ({"place": "p" * 501}, "place"),
    ],
)
async def test_a_request_that_is_wrong_is_refused_with_its_field(
    scene: Scene, changes: dict[str, object], field: str
) -> None:
    held = await scene.hold(of=offer(mode=Mode.AT_CUSTOMER))
    request = PlaceBooking(booking_id=scene.mint("bkg"), hold_id=held.hold_id, contact=CONTACT, place="Berlin")

    with pytest.raises(Invalid) as refused:
        await scene.bookings.placing(replace(request, **changes), rates=Rates(), actor=ADA)

    assert refused.value.field == field


async def test_a_hold_is_booked_by_its_owner_alone(scene: Scene) -> None:
    held = await scene.hold()

    with pytest.raises(Denied):
        await scene.place(held, BOB)


async def test_an_unpaid_booking_keeps_its_time_until_it_expires(scene: Scene) -> None:
    booking = await scene.place(await scene.hold())
    scene.clock.advance(timedelta(minutes=14))
    with pytest.raises(NotYet):
        await scene.does(booking.booking_id, expire)
    with pytest.raises(SlotTaken):
        await scene.hold(actor=BOB)
    scene.clock.advance(timedelta(minutes=1))
    assert await scene.bookings.due(BookingStatus.AWAITING_PAYMENT) == [booking.booking_id]

    expired = await scene.does(booking.booking_id, expire)

    assert (expired.status, expired.due_at) == (BookingStatus.EXPIRED, None)
    assert await scene.bookings.due(BookingStatus.AWAITING_PAYMENT) == []
    assert (await scene.hold(actor=BOB)).start_at == TEN


async def test_a_payment_between_due_and_swept_still_counts(scene: Scene) -> None:
    booking = await scene.place(await scene.hold())
    scene.clock.advance(timedelta(minutes=20))

    assert (await scene.pay(booking)).status is BookingStatus.CONFIRMED


async def test_payment_and_expiry_race_and_one_of_them_wins(scene: Scene) -> None:
    for number in range(6):
        booking = await scene.place(await scene.hold(TEN + number * HOUR))
        row = await scene.bookings.row(booking.booking_id)
        at = booking.due_at
        assert at is not None
        paid, confirmed = confirm(row.value, at)
        unpaid, expired = expire(row.value, at)
        commits = [
            scene.table.transact(*await scene.bookings.writes(row, paid, confirmed, actor=SWEEP, at=at)),
            scene.table.transact(*await scene.bookings.writes(row, unpaid, expired, actor=SWEEP, at=at)),
        ]

        outcomes = await asyncio.gather(*(commits if number % 2 else commits[::-1]), return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [type(None), BookingChanged]
        now = (await scene.bookings.row(booking.booking_id)).value
        entry = (await scene.calendar.days(PROVIDER, now.span)).entry(now.booking_id)
        assert (now.status is BookingStatus.CONFIRMED) == (entry is not None)


async def test_another_try_to_pay_keeps_the_booking_waiting_but_not_for_ever(scene: Scene) -> None:
    booking = await scene.place(await scene.hold())
    for _ in range(4):
        scene.clock.advance(timedelta(minutes=10))
        row = await scene.bookings.row(booking.booking_id)
        waiting = await_payment(row.value, scene.clock.now())
        await scene.table.transact(*becomes(row, waiting, None, actor=ADA, at=scene.clock.now()))

    assert waiting.due_at == booking.placed_at + timedelta(minutes=45)
    scene.clock.advance(timedelta(minutes=5))
    with pytest.raises(HoldEnded):
        await_payment(waiting, scene.clock.now())
    assert await told(scene, booking) == ["BookingPlaced"]


async def test_a_request_is_accepted_by_the_provider_alone(scene: Scene) -> None:
    booking = await scene.booked(of=ON_REQUEST)
    assert booking.status is BookingStatus.AWAITING_PROVIDER
    assert booking.due_at == scene.clock.now() + DAY
    with pytest.raises(Denied):
        await scene.does(booking.booking_id, accept, ADA)

    accepted = await scene.does(booking.booking_id, accept, OWNER)

    assert (accepted.status, accepted.due_at) == (BookingStatus.CONFIRMED, TEN)
    assert await told(scene, booking) == ["BookingPlaced", "BookingRequested", "BookingConfirmed"]


async def test_a_request_for_soon_is_answered_before_it_begins(scene: Scene) -> None:
    scene.clock.advance(TEN - 3 * HOUR - scene.clock.now())

    booking = await scene.booked(of=ON_REQUEST)

    assert booking.due_at == TEN


async def test_an_unanswered_request_expires_and_is_not_accepted_after(scene: Scene) -> None:
    booking = await scene.booked(of=ON_REQUEST)
    scene.clock.advance(DAY)
    with pytest.raises(NotInThisState):
        await scene.does(booking.booking_id, accept, OWNER)

    expired = await scene.does(booking.booking_id, expire)

    assert expired.status is BookingStatus.EXPIRED
    assert (await scene.hold(actor=BOB)).start_at == TEN


async def test_a_declined_request_frees_its_time(scene: Scene) -> None:
    booking = await scene.booked(of=ON_REQUEST)

    declined = await scene.does(booking.booking_id, decline, " on holiday ", OWNER)

    assert (declined.status, declined.reason, declined.sequence) == (BookingStatus.DECLINED, "on holiday", 1)
    assert (await scene.hold(actor=BOB)).start_at == TEN


@pytest.mark.parametrize(
    ("policy", "lead", "share"),
    [("flexible", DAY, BPS), ("flexible", HOUR, BPS // 2), ("moderate", HOUR, 0), ("strict", 2 * DAY, 0)],
)
async def test_a_customer_gets_what_the_policy_gives_as_the_preview_said(
    scene: Scene, policy: str, lead: timedelta, share: int
) -> None:
    booking = await scene.booked(of=offer(policy=policy))
    scene.clock.advance(TEN - lead - scene.clock.now())
    shown = preview(booking, Side.CUSTOMER, scene.clock.now())

    cancelled = await scene.does(booking.booking_id, cancel, CANCEL, ADA)

    assert cancelled.refund == shown
    assert shown.share_bps == share
    assert (await scene.hold(actor=BOB, of=offer())).start_at == TEN


@pytest.mark.parametrize("actor", [OWNER, OPERATOR, SWEEP])
async def test_all_is_given_back_when_anyone_else_cancels(scene: Scene, actor: object) -> None:
    booking = await scene.booked(of=offer(policy="strict"))
    scene.clock.advance(TEN - HOUR - scene.clock.now())

    cancelled = await scene.does(booking.booking_id, cancel, CANCEL, actor)

    assert cancelled.refund is not None
    assert cancelled.refund.amount == booking.lines.total


async def test_an_operator_may_decide_what_is_given_back(scene: Scene) -> None:
    booking = await scene.booked()

    with pytest.raises(Denied):
        await scene.does(booking.booking_id, cancel, replace(CANCEL, share_bps=BPS), ADA)
    with pytest.raises(Invalid):
        await scene.does(booking.booking_id, cancel, replace(CANCEL, share_bps=BPS + 1), OPERATOR)
    cancelled = await scene.does(booking.booking_id, cancel, replace(CANCEL, share_bps=2_500), OPERATOR)

    assert cancelled.refund is not None
    assert cancelled.refund.amount == Money(2_500, "EUR")


async def test_a_request_not_yet_answered_is_called_off_for_nothing(scene: Scene) -> None:
    booking = await scene.booked(of=replace(ON_REQUEST, policy="strict"))

    with pytest.raises(NotInThisState):
        await scene.does(booking.booking_id, cancel, CANCEL, OWNER)
    cancelled = await scene.does(booking.booking_id, cancel, CANCEL, ADA)

    assert cancelled.refund is not None
    assert cancelled.refund.share_bps == BPS


@pytest.mark.parametrize("swept", [True, False])
async def test_a_customer_does_not_cancel_once_it_has_begun(scene: Scene, *, swept: bool) -> None:
    booking = await scene.booked()
    scene.clock.advance(TEN - scene.clock.now())
    if swept:
        await scene.bookings.start(booking.booking_id, SWEEP)

    with pytest.raises(AlreadyStarted):
        await scene.does(booking.booking_id, cancel, CANCEL, ADA)


async def test_a_booking_starts_at_its_time_and_twice_has_one_effect(scene: Scene) -> None:
    booking = await scene.booked()
    scene.clock.advance(TEN - TICK - scene.clock.now())
    with pytest.raises(NotYet):
        await scene.bookings.start(booking.booking_id, SWEEP)
    scene.clock.advance(TICK)
    assert await scene.bookings.due(BookingStatus.CONFIRMED) == [booking.booking_id]

    await scene.bookings.start(booking.booking_id, SWEEP)
    started = await scene.bookings.start(booking.booking_id, SWEEP)

    assert (started.status, started.due_at) == (BookingStatus.IN_PROGRESS, TEN + HOUR + DAY)
    assert (await told(scene, booking)).count("BookingStarted") == 1


async def test_the_customer_completes_from_the_start_on_and_the_provider_never(scene: Scene) -> None:
    booking = await scene.booked()
    with pytest.raises(NotYet):
        complete(booking, ADA, TEN - TICK)
    with pytest.raises(Denied):
        complete(booking, OWNER, TEN + 3 * DAY)

    completed, _ = complete(booking, ADA, TEN)

    assert (completed.status, completed.ended_by) == (BookingStatus.COMPLETED, Side.CUSTOMER)


async def test_a_day_after_the_end_it_is_completed_without_a_word(scene: Scene) -> None:
    booking = await scene.booked()
    with pytest.raises(NotYet):
        complete(booking, SWEEP, TEN + HOUR + DAY - TICK)

    completed, _ = complete(booking, SWEEP, TEN + HOUR + DAY)

    assert completed.status is BookingStatus.COMPLETED


@pytest.mark.parametrize(
    ("absent", "by", "share"), [(Side.CUSTOMER, OWNER, 0), (Side.PROVIDER, ADA, BPS), (Side.PROVIDER, OPERATOR, BPS)]
)
async def test_a_no_show_settles_a_day_after_the_end(scene: Scene, absent: Side, by: object, share: int) -> None:
    booking = await scene.booked()
    missed, _ = report_no_show(booking, ReportNoShow(booking_id="", absent=absent), by, TEN)
    with pytest.raises(NotYet):
        settle_no_show(missed, SWEEP, booking.completes_at - TICK)

    settled, _ = settle_no_show(missed, SWEEP, booking.completes_at)

    assert (missed.status, missed.refund) == (BookingStatus.NO_SHOW, None)
    assert settled.refund is not None
    assert (settled.refund.share_bps, settled.due_at) == (share, None)
    with pytest.raises(NotInThisState):
        settle_no_show(settled, SWEEP, booking.completes_at)


async def test_who_was_absent_may_let_it_settle_at_once(scene: Scene) -> None:
    booking = await scene.booked()
    missed, _ = report_no_show(booking, ReportNoShow(booking_id="", absent=Side.PROVIDER), ADA, TEN)

    with pytest.raises(NotYet):
        settle_no_show(missed, ADA, TEN + HOUR)
    settled, _ = settle_no_show(missed, OWNER, TEN + HOUR)

    assert settled.settled_at == TEN + HOUR


@pytest.mark.parametrize(
    ("absent", "by", "at", "refusal"),
    [
        (Side.CUSTOMER, ADA, TEN, Denied),
        (Side.PROVIDER, OWNER, TEN, Denied),
        (Side.CUSTOMER, BOB, TEN, Denied),
        (Side.OPERATOR, OWNER, TEN, Invalid),
        (Side.CUSTOMER, OWNER, TEN - TICK, NotYet),
        (Side.CUSTOMER, OWNER, TEN + HOUR + DAY, NotInThisState),
    ],
)
async def test_a_no_show_is_reported_by_the_other_side_in_time(
    scene: Scene, absent: Side, by: object, at: datetime, refusal: type[Exception]
) -> None:
    booking = await scene.booked()

    with pytest.raises(refusal):
        report_no_show(booking, ReportNoShow(booking_id="", absent=absent), by, at)


async def test_a_customer_disputes_until_fourteen_days_after_the_end(scene: Scene) -> None:
    booking = await scene.booked()
    completed, _ = complete(booking, ADA, TEN)
    end = TEN + HOUR

    disputed, fact = dispute(completed, "bad", ADA, end + 14 * DAY - TICK)

    assert (disputed.status, disputed.disputed_from, fact.was) == (
        BookingStatus.DISPUTED,
        BookingStatus.COMPLETED,
        "completed",
    )
    for at, by, refusal in (
        (end + 14 * DAY, ADA, NotInThisState),
        (end, OWNER, NotInThisState),
        (end, BOB, Denied),
    ):
        with pytest.raises(refusal):
            dispute(completed, "bad", by, at)
    with pytest.raises(NotYet):
        dispute(booking, "bad", ADA, TEN - TICK)


async def test_a_provider_disputes_a_report_that_they_did_not_come(scene: Scene) -> None:
    booking = await scene.booked()
    missed, _ = report_no_show(booking, ReportNoShow(booking_id="", absent=Side.PROVIDER), ADA, TEN)
    settled, _ = settle_no_show(missed, SWEEP, booking.completes_at)

    assert dispute(missed, "I was there", OWNER, TEN + HOUR)[0].status is BookingStatus.DISPUTED
    for actor in (OWNER, ADA):
        with pytest.raises(NotInThisState):
            dispute(settled, "too late", actor, booking.completes_at)


@pytest.mark.parametrize(("share", "status"), [(BPS, "cancelled"), (BPS - 1, "completed"), (0, "completed")])
async def test_an_operator_concludes_a_dispute(scene: Scene, share: int, status: str) -> None:
    disputed, _ = dispute(await scene.booked(), "bad", ADA, TEN)
    decided = ConcludeDispute(booking_id="", share_bps=share)
    for actor in (ADA, OWNER):
        with pytest.raises(Denied):
            conclude(disputed, decided, actor, TEN)

    concluded, _ = conclude(disputed, decided, OPERATOR, TEN + DAY)

    assert concluded.status == status
    assert concluded.refund is not None
    assert concluded.refund.share_bps == share


async def test_a_guest_comes_back_by_the_link_and_claims_the_booking(scene: Scene) -> None:
    secret = claim_secret(scene.entropy)
    held = await scene.hold(actor=GUEST)
    booking = await scene.place(held, GUEST, claim_hash(secret))
    assert guest_of(booking, secret) == GUEST
    with pytest.raises(WrongLink):
        guest_of(booking, secret[:-1])
    with pytest.raises(WrongLink):
        await scene.bookings.claim(booking.booking_id, "guess", BOB)
    with pytest.raises(Denied):
        await scene.bookings.claim(booking.booking_id, secret, GUEST)
    with pytest.raises(OwnService):
        await scene.bookings.claim(booking.booking_id, secret, OWNER)

    await scene.bookings.claim(booking.booking_id, secret, ADA)
    claimed = await scene.bookings.claim(booking.booking_id, secret, ADA)

    assert (claimed.customer_id, claimed.claim_hash, claimed.guest) == (ADA.actor_id, None, True)
    assert secret not in repr(claimed)
    with pytest.raises(WrongLink):
        await scene.bookings.claim(booking.booking_id, secret, BOB)
    assert (await scene.bookings.of_customer(GUEST.actor_id, GUEST)).values == []
    assert [found.booking_id for found in (await scene.bookings.of_customer(ADA.actor_id, ADA)).values] == [
        booking.booking_id
    ]


async def test_a_booking_is_seen_by_its_two_sides_and_operators(scene: Scene) -> None:
    booking = await scene.booked()

    for actor in (ADA, OWNER, OPERATOR, SWEEP):
        assert await scene.bookings.get(booking.booking_id, actor) == booking
    with pytest.raises(Denied):
        await scene.bookings.get(booking.booking_id, BOB)
    with pytest.raises(BookingGone):
        await scene.bookings.get(scene.mint("bkg"), ADA)


async def test_bookings_are_listed_by_start_for_customer_and_provider(scene: Scene) -> None:
    late, early = await scene.booked(TEN + 2 * HOUR), await scene.booked()
    await scene.booked(TEN + 4 * HOUR, BOB)

    mine = await scene.bookings.of_customer(ADA.actor_id, ADA, limit=1)
    rest = await scene.bookings.of_customer(ADA.actor_id, ADA, after=mine.next)
    day = await scene.bookings.of_provider(
        PROVIDER, OWNER, owner_id=OWNER.actor_id, since=TEN + HOUR, until=TEN + 4 * HOUR, descending=True
    )

    assert [booking.booking_id for booking in [*mine.values, *rest.values]] == [early.booking_id, late.booking_id]
    assert [booking.booking_id for booking in day.values] == [late.booking_id]
    with pytest.raises(Denied):
        await scene.bookings.of_customer(ADA.actor_id, BOB)
    with pytest.raises(Denied):
        await scene.bookings.of_provider(PROVIDER, BOB, owner_id=OWNER.actor_id)


async def test_an_operator_pages_through_the_bookings_of_a_status(scene: Scene) -> None:
    made = [await scene.booked(TEN + number * HOUR) for number in range(7)]

    seen: list[str] = []
    before: str | None = None
    for _ in range(10):
        page, before = await scene.bookings.in_status(BookingStatus.CONFIRMED, OPERATOR, before=before, limit=3)
        seen += [booking.booking_id for booking in page]
        if before is None:
            break

    assert seen == [booking.booking_id for booking in reversed(made)]
    with pytest.raises(Denied):
        await scene.bookings.in_status(BookingStatus.CONFIRMED, ADA)


async def test_events_tell_what_was_before_and_name_no_person(scene: Scene) -> None:
    booking = await scene.booked()
    await scene.does(booking.booking_id, cancel, replace(CANCEL, reason="ill"), ADA, actor=ADA)

    events = (await scene.table.query(f"BOOKING#{booking.booking_id}", Event, prefix="EVENT#")).values

    assert [event.sequence for event in events] == [1, 2, 3]
    assert events[-1].previous == {"status": "confirmed"}
    assert events[-1].detail["refund"] == {"minor": 10_000, "currency": "EUR"}
    assert events[-1].actor == ADA
    for event in events:
        assert CONTACT.name not in repr(event)
        assert CONTACT.email not in repr(event)


async def test_a_lost_race_is_told_and_writes_nothing(scene: Scene) -> None:
    booking = await scene.booked(of=ON_REQUEST)
    row = await scene.bookings.row(booking.booking_id)
    await scene.does(booking.booking_id, accept, OWNER)
    declined, fact = decline(row.value, "no", OWNER, scene.clock.now())

    with pytest.raises(BookingChanged):
        await scene.table.transact(*await scene.bookings.writes(row, declined, fact, actor=OWNER, at=scene.clock.now()))

    assert (await scene.bookings.row(booking.booking_id)).value.status is BookingStatus.CONFIRMED
    with pytest.raises(SlotTaken):
        await scene.hold(actor=BOB)
