"""What operators look at: figures that agree with the ledger, dossiers, events of the house, the ledger explored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import BookingStatus, CancelBooking
from ecosystem.contexts.catalogue import ProviderStatus
from ecosystem.contexts.ledger import chart
from ecosystem.journeys.happenings import NoSuchEvent, Wanted
from ecosystem.journeys.lookups import Kind
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.workflows.wiring import Wiring
from market import ADA, GUEST, OPERATOR, Market, market


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(tmp_path, clock) as opened:
        yield opened


async def test_figures_follow_bookings_and_agree_with_the_ledger(shop: Market) -> None:
    app, wiring = shop.app, Wiring.of(shop.app)
    service = await shop.service(await shop.provider())
    done = await shop.book(service, shop.tomorrow(9))
    await shop.book(service, shop.tomorrow(11), GUEST)
    called_off = await shop.book(service, shop.tomorrow(13))
    await app.closing.cancel(CancelBooking(booking_id=called_off.booking.booking_id, share_bps=5000), OPERATOR)
    shop.clock.advance(timedelta(days=1))
    await app.closing.complete(done.booking.booking_id, ADA)
    await wiring.settled()

    now = await app.figures.now(OPERATOR)
    assert {name: now.of("bookings", name) for name in BookingStatus if now.of("bookings", name)} == {
        "completed": 1,
        "confirmed": 1,
        "cancelled": 1,
    }
    money = now.groups["money:EUR"]
    assert money["escrow"] == 11_000
    for kind, account in (
        ("commission", chart.commission("EUR")),
        ("providers", chart.provider(shop.provider_id, "EUR")),
    ):
        assert money[kind] == await shop.balance(account)
    yesterday = shop.clock.now().date() - timedelta(days=1)
    days = await app.figures.days("money:EUR", yesterday, shop.clock.now().date(), OPERATOR)
    assert days[yesterday] == {
        "charged": 31_000,
        "refunded": 5_000,
        "escrow": 21_000,
        "providers": 4_500,
        "commission": 500,
    }
    assert days[shop.clock.now().date()] == {"escrow": -10_000, "providers": 9_000, "commission": 1_000}
    booked = (await app.figures.days("bookings", yesterday, yesterday, OPERATOR))[yesterday]
    assert (booked["booked"], booked["h12"], booked["cancelled"]) == (3, 3, 1)
    assert (await app.figures.days("categories", yesterday, yesterday, OPERATOR))[yesterday] == {"home": 3}


async def test_a_request_counts_when_it_is_captured(shop: Market) -> None:
    wiring = Wiring.of(shop.app)
    service = await shop.service(await shop.provider(), instant=False)
    paid = await shop.book(service, shop.tomorrow(9))
    await wiring.settled()
    before = await shop.app.figures.now(OPERATOR)
    assert (before.of("money:EUR", "escrow"), before.of("bookings", "awaiting_provider")) == (0, 1)

    await shop.app.acceptance.accept(paid.booking.booking_id, OPERATOR)
    await wiring.settled()

    after = await shop.app.figures.now(OPERATOR)
    assert (after.of("money:EUR", "escrow"), after.of("bookings", "awaiting_provider")) == (10_000, 0)
    today = shop.clock.now().date()
    assert (await shop.app.figures.days("money:EUR", today, today, OPERATOR))[today]["charged"] == 10_000


async def test_a_dossier_has_all_of_it_the_mails_too(shop: Market) -> None:
    app, wiring = shop.app, Wiring.of(shop.app)
    paid = await shop.book(await shop.service(await shop.provider()), shop.tomorrow(9), GUEST)
    booking_id = paid.booking.booking_id
    await wiring.settled()
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking_id, amount=Money(1_100, "EUR"), reason="A late start")
    preview = app.dossiers.returning(await app.dossiers.of(booking_id, OPERATOR), back.amount)
    await app.refunding.give_back(back, OPERATOR)
    await wiring.settled()

    found = await app.dossiers.of(booking_id, OPERATOR)
    types = [event.type for event in found.events]
    assert types[0] == "BookingPlaced"
    assert {"PaymentCaptured", "BookingConfirmed", "RefundRequested", "RefundIssued"} <= set(types)
    assert [refund.reason for refund in found.refunds] == ["A late start"]
    assert sum(made.amount for made in found.transfers) == 11_000 + 1_100
    assert found.escrow is not None
    assert found.escrow.balances.net == 9_900
    assert (preview.left.minor, preview.lines.base.minor, preview.lines.surcharge.minor) == (9_900, 1_000, 100)
    assert not preview.released
    assert {letter.kind for letter in found.letters} == {"booking-confirmed", "refund-issued"}
    assert any(taking.entry_id == booking_id for takings in found.takings.values() for taking in takings)
    with pytest.raises(Denied):
        await app.dossiers.of(booking_id, ADA)
    with pytest.raises(Invalid):
        app.dossiers.returning(found, Money(0, "EUR"))


async def test_events_come_latest_first_page_by_page_and_once_each(shop: Market) -> None:
    app = shop.app
    service = await shop.service(await shop.provider())
    for day in range(4):
        for hour in (9, 11, 13):
            await shop.book(service, shop.tomorrow(hour))
        shop.clock.advance(timedelta(days=1 + 2 * (day == 1)))
    whole: list[str] = []
    before: str | None = None
    while True:
        page = await app.happenings.latest(OPERATOR, before=before, limit=7)
        whole += [event.event_id for event in page.events]
        before = page.next
        if before is None:
            break
    every = await app.happenings.latest(OPERATOR, limit=900)

    assert whole == [event.event_id for event in every.events]
    assert len(set(whole)) == len(whole) > 50
    placed = await app.happenings.latest(OPERATOR, Wanted(types=("BookingPlaced",)), limit=5)
    assert [event.type for event in placed.events] == ["BookingPlaced"] * 5
    assert list(placed.events) == sorted(placed.events, key=lambda event: event.at, reverse=True)
    one = await app.happenings.event(whole[3], OPERATOR)
    assert one.event_id == whole[3]
    for nonsense in ("", "x", "BOOKING#x:1", "BOOKING#x:one:Placed", ":::", "a:99999999999999:B"):
        with pytest.raises(NoSuchEvent):
            await app.happenings.event(nonsense, OPERATOR)
    for nonsense in ("x", "2026-13-40~", "0001-01-01~", "2026-11-20"):
        with pytest.raises(Invalid):
            await app.happenings.latest(OPERATOR, before=nonsense)
    with pytest.raises(Denied):
        await app.happenings.latest(ADA)


async def test_the_ledger_is_explored_from_accounts_to_transfers_and_back(shop: Market) -> None:
    app, wiring = shop.app, Wiring.of(shop.app)
    service = await shop.service(await shop.provider())
    paid = await shop.book(service, shop.tomorrow(9))
    done = await shop.book(service, shop.tomorrow(11))
    shop.clock.advance(timedelta(days=1))
    await app.closing.complete(done.booking.booking_id, ADA)
    await wiring.settled()

    platform = await app.explorer.platform(OPERATOR)
    providers = await app.explorer.of_providers(ProviderStatus.ACTIVE, OPERATOR)
    escrows = await app.explorer.escrows(BookingStatus.CONFIRMED, OPERATOR)
    assert {entry.account_id: entry.position.balances.net for entry in platform.entries} == {
        "processor:EUR": -20_000,
        "commission:EUR": 1_000,
    }
    assert [entry.position.balances.net for entry in providers.entries] == [9_000]
    assert [(entry.booking and entry.booking.booking_id) for entry in escrows.entries] == [paid.booking.booking_id]

    statement = await app.explorer.export(providers.entries[0].account_id, OPERATOR, start_at=None, end_at=None)
    movement = await app.explorer.transfer(statement.lines[0].transfer.transfer_id, OPERATOR)
    assert [made.transfer_id.rpartition(".")[2] for made in movement.together] == ["commission"]
    assert movement.booking is not None
    for act in (app.explorer.platform(ADA), app.explorer.account("commission:EUR", ADA)):
        with pytest.raises(Denied):
            await act


async def test_whatever_is_in_hand_leads_somewhere(shop: Market) -> None:
    app = shop.app
    service = await shop.service(await shop.provider())
    paid = await shop.book(service, shop.tomorrow(9), GUEST)
    await Wiring.of(app).settled()
    booking_id, payment_id = paid.booking.booking_id, paid.payment.payment_id

    async def kinds(text: str) -> list[tuple[str, str]]:
        return [(lead.kind.value, lead.id) for lead in await app.lookups.find(text, OPERATOR)]

    assert await kinds(booking_id) == [("booking", booking_id)]
    assert await kinds(payment_id) == [("booking", booking_id)]
    assert await kinds(" ada@example.org ") == [("booking", booking_id)]
    assert await kinds(service) == [("service", service)]
    assert await kinds(chart.escrow(booking_id)) == [("account", chart.escrow(booking_id))]
    assert await kinds(f"{payment_id}.charge.base") == [("transfer", f"{payment_id}.charge.base")]
    assert (await kinds("paula"))[0] == (Kind.PROVIDER, shop.provider_id)
    for nonsense in ("", "   ", "nobody@nowhere.example", "bkg_00000000000000000000000000", "x" * 5000, "::", "☃"):
        assert await kinds(nonsense) == []
    with pytest.raises(Denied):
        await app.lookups.find("ada", ADA)
