"""Calendars that a provider keeps elsewhere: read, kept free, read again, and what is said when one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contexts.booking.scene import ADA, OWNER, PROVIDER, SWEEP, TEN, Scene
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.contexts.booking import (
    AddCalendar,
    CalendarUnknown,
    HoursFirst,
    OutsideCalendar,
    OutsideCalendars,
    SlotNotOffered,
    SlotTaken,
    TooManyCalendars,
    TooManyTries,
    keys,
)
from ecosystem.contexts.booking.outside_calendars import TRIES_IN, TRIES_MAX
from ecosystem.contexts.booking.plans import BUSY_MAX, FEEDS_MAX
from ecosystem.kernel.refusals import Denied, Refusal
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import AddressUnfit, CalendarUnreachable, Known, NotACalendar, Reading
from ecosystem.ports.table import Index

HOUR = timedelta(hours=1)
ADDRESS = "https://calendar.example.org/private-3f2a/basic.ics"


@dataclass
class Elsewhere:
    """Calendars that answer what the test puts into them, and what they were asked."""

    busy: list[Span] = field(default_factory=list)
    known: Known = field(default_factory=lambda: Known(etag='"1"'))
    refusal: Refusal | None = None
    asked: list[tuple[str, str, Known | None]] = field(default_factory=list)

    async def read(self, address: str, *, window: Span, zone: str, known: Known | None = None) -> Reading | None:
        self.asked.append((address, zone, known))
        if self.refusal:
            raise self.refusal
        if known == self.known:
            return None
        return Reading(busy=tuple(span for span in self.busy if span.overlaps(window)), known=self.known)


@dataclass
class Desk:
    scene: Scene
    elsewhere: Elsewhere
    calendars: OutsideCalendars

    async def add(self, address: str = ADDRESS, name: str = "Home") -> OutsideCalendar:
        return await self.calendars.add(
            AddCalendar(provider_id=PROVIDER, address=address, name=name), OWNER, owner_id=OWNER.actor_id
        )

    async def only(self) -> OutsideCalendar:
        (found,) = await self.calendars.of(PROVIDER, OWNER, owner_id=OWNER.actor_id)
        return found


@pytest.fixture
async def desk(scene: Scene, tmp_path: Path) -> Desk:
    secrets, entropy = FileSecrets(tmp_path / "secrets"), SeededEntropy(1)
    seal = await KeyedSeal.open(secrets, await FileKeys.open(secrets, scene.clock, entropy), entropy)
    elsewhere = Elsewhere(busy=[Span(TEN, TEN + HOUR)])
    return Desk(scene, elsewhere, OutsideCalendars(scene.table, scene.clock, scene.plans, elsewhere, seal))


def busy_at(start_at: datetime) -> list[Span]:
    return [Span(start_at, start_at + HOUR)]


async def test_busy_times_elsewhere_are_not_offered_and_not_held(desk: Desk) -> None:
    before = await desk.scene.starts()

    added = await desk.add()

    assert (added.busy, added.host, added.problem) == (1, "calendar.example.org", "")
    assert set(before) - set(await desk.scene.starts()) == {TEN - HOUR / 2, TEN, TEN + HOUR / 2}
    with pytest.raises((SlotTaken, SlotNotOffered)):
        await desk.scene.hold(TEN)


async def test_what_is_read_again_takes_the_place_of_what_was_read_before(desk: Desk) -> None:
    await desk.add()
    desk.elsewhere.busy, desk.elsewhere.known = busy_at(TEN + 3 * HOUR), Known(etag='"2"')
    desk.scene.clock.advance(timedelta(minutes=30))

    assert await desk.calendars.read_due() == 1

    starts = await desk.scene.starts()
    assert TEN in starts
    assert TEN + 3 * HOUR not in starts
    assert await desk.calendars.read_due() == 0


async def test_an_unchanged_calendar_is_read_whole_twice_a_day_all_the_same(desk: Desk) -> None:
    await desk.add()
    for _ in range(24):
        desk.scene.clock.advance(timedelta(minutes=30))
        assert await desk.calendars.read_due() == 1

    sent = [known for _, _, known in desk.elsewhere.asked[1:]]
    assert sent[:-1] == [Known(etag='"1"')] * 23
    assert sent[-1] is None
    assert TEN not in await desk.scene.starts()


async def test_a_failure_leaves_what_was_known_and_is_told_with_the_last_success(desk: Desk) -> None:
    added = await desk.add()
    desk.elsewhere.refusal = CalendarUnreachable("calendar.example.org did not answer in time.")
    waits = []
    for _ in range(6):
        due_at = (await desk.only()).due_at
        waits.append(due_at - desk.scene.clock.now())
        desk.scene.clock.advance(due_at - desk.scene.clock.now())
        assert await desk.calendars.read_due() == 1

    failing = await desk.only()
    assert failing.problem == "calendar.example.org did not answer in time."
    assert (failing.read_at, failing.failures) == (added.read_at, 6)
    assert [wait // timedelta(minutes=30) for wait in waits] == [1, 1, 2, 4, 8, 12]
    assert TEN not in await desk.scene.starts()

    desk.elsewhere.refusal = None
    mended = await desk.calendars.refresh(PROVIDER, failing.calendar_id, OWNER, owner_id=OWNER.actor_id)
    assert mended.problem == failing.problem, "tried a moment ago"
    desk.scene.clock.advance(timedelta(minutes=1))
    mended = await desk.calendars.refresh(PROVIDER, failing.calendar_id, OWNER, owner_id=OWNER.actor_id)
    assert (mended.problem, mended.failures) == ("", 0)


@pytest.mark.parametrize("refusal", [AddressUnfit(), CalendarUnreachable(), NotACalendar()])
async def test_a_calendar_that_cannot_be_read_is_not_added(desk: Desk, refusal: Refusal) -> None:
    desk.elsewhere.refusal = refusal

    with pytest.raises(type(refusal)) as no:
        await desk.add()

    assert no.value.field == "address"
    assert await desk.calendars.of(PROVIDER, OWNER, owner_id=OWNER.actor_id) == []


@pytest.mark.parametrize("address", ["http://x.org/a.ics", "file:///a", "javascript:1", "https://x.org/a b", "", "ä"])
async def test_an_address_that_is_none_is_refused_without_asking_anybody(desk: Desk, address: str) -> None:
    with pytest.raises(AddressUnfit):
        await desk.add(address)

    assert desk.elsewhere.asked == []


async def test_webcal_means_https_and_the_same_address_is_the_same_calendar(desk: Desk) -> None:
    await desk.add("webcal://calendar.example.org/private-3f2a/basic.ics", "One")
    await desk.add(ADDRESS, "Two")

    assert (await desk.only()).name == "Two"
    assert {address for address, _, _ in desk.elsewhere.asked} == {ADDRESS}


async def test_a_removed_calendar_leaves_nothing_behind(desk: Desk) -> None:
    added = await desk.add()
    for _ in range(2):
        await desk.calendars.remove(PROVIDER, added.calendar_id, OWNER, owner_id=OWNER.actor_id)

    assert TEN in await desk.scene.starts()
    with pytest.raises(CalendarUnknown):
        await desk.calendars.refresh(PROVIDER, added.calendar_id, OWNER, owner_id=OWNER.actor_id)


async def test_the_address_is_not_in_the_table(desk: Desk) -> None:
    added = await desk.add()

    row = await desk.scene.table.get(keys.outside_calendar(PROVIDER, added.calendar_id), OutsideCalendar)

    assert row is not None
    assert b"private-3f2a" not in row.value.box
    assert "private-3f2a" not in repr(row.value)


async def test_others_neither_see_nor_touch_them(desk: Desk) -> None:
    added = await desk.add()
    for act in (
        desk.calendars.of(PROVIDER, ADA, owner_id=OWNER.actor_id),
        desk.calendars.add(AddCalendar(provider_id=PROVIDER, address=ADDRESS), ADA, owner_id=OWNER.actor_id),
        desk.calendars.refresh(PROVIDER, added.calendar_id, ADA, owner_id=OWNER.actor_id),
        desk.calendars.remove(PROVIDER, added.calendar_id, ADA, owner_id=OWNER.actor_id),
    ):
        with pytest.raises(Denied):
            await act


async def test_there_are_limits_to_calendars_and_to_what_one_brings(desk: Desk) -> None:
    desk.elsewhere.busy = [Span(TEN + HOUR * 2 * at, TEN + HOUR * (2 * at + 1)) for at in range(BUSY_MAX + 5)]
    first = await desk.add()
    for number in range(FEEDS_MAX - 1):
        await desk.add(f"https://calendar.example.org/{number}.ics")

    assert (first.busy, first.left_out) == (BUSY_MAX, 5)
    with pytest.raises(TooManyCalendars):
        await desk.add("https://calendar.example.org/one-more.ics")
    await desk.add(ADDRESS, "Again")


async def test_without_hours_there_is_no_zone_to_read_it_in(desk: Desk) -> None:
    wish = AddCalendar(provider_id="prv_01k9zzzzzzzzzzzzzzzzzzzzz9", address=ADDRESS)

    with pytest.raises(HoursFirst):
        await desk.calendars.add(wish, OWNER, owner_id=OWNER.actor_id)


async def test_one_that_is_removed_while_it_is_read_stays_removed(desk: Desk) -> None:
    added = await desk.add()
    read = desk.elsewhere.read

    async def late(*given: object, **named: object) -> Reading | None:
        await desk.calendars.remove(PROVIDER, added.calendar_id, SWEEP, owner_id=OWNER.actor_id)
        return await read(*given, **named)  # type: ignore[arg-type]

    desk.elsewhere.read = late  # type: ignore[method-assign]
    desk.scene.clock.advance(timedelta(hours=1))
    await desk.calendars.read_due()

    assert await desk.calendars.of(PROVIDER, OWNER, owner_id=OWNER.actor_id) == []
    assert TEN in await desk.scene.starts()


async def test_one_that_fails_as_nothing_should_holds_up_no_other(desk: Desk) -> None:
    for number in range(6):
        await desk.add(f"https://calendar.example.org/{number}.ics", str(number))
    read = desk.elsewhere.read

    async def some(address: str, **named: object) -> Reading | None:
        if address.endswith(("/0.ics", "/1.ics", "/2.ics", "/3.ics")):
            raise IsADirectoryError(21, "Is a directory")
        return await read(address, **named)  # type: ignore[arg-type]

    desk.elsewhere.read = some  # type: ignore[method-assign]
    desk.scene.clock.advance(timedelta(hours=1))
    for _ in range(8):  # The index may lag.
        with pytest.raises(IsADirectoryError):
            await desk.calendars.read_due()

    found = await desk.calendars.of(PROVIDER, OWNER, owner_id=OWNER.actor_id)
    assert {each.name for each in found if each.read_at == desk.scene.clock.now()} == {"4", "5"}


async def test_those_due_longest_are_read_first(desk: Desk) -> None:
    for number in range(FEEDS_MAX):
        await desk.add(f"https://calendar.example.org/{number}.ics")
        desk.scene.clock.advance(timedelta(seconds=1))
    desk.elsewhere.asked.clear()
    desk.scene.clock.advance(timedelta(hours=1))
    for _ in range(20):  # The index may lag: looking lets it catch up.
        await desk.scene.table.query("nowhere", OutsideCalendar, index=Index.STATUS)

    await desk.calendars.read_due(limit=5)

    assert sorted(address[-5] for address, _, _ in desk.elsewhere.asked) == ["0", "1", "2", "3", "4"]


async def test_nobody_makes_us_fetch_again_and_again(desk: Desk) -> None:
    desk.elsewhere.refusal = NotACalendar()
    for _ in range(TRIES_MAX):
        with pytest.raises(NotACalendar):
            await desk.add()

    with pytest.raises(TooManyTries):
        await desk.add()
    assert len(desk.elsewhere.asked) == TRIES_MAX

    desk.elsewhere.refusal = None
    desk.scene.clock.advance(TRIES_IN)
    assert await desk.add()
