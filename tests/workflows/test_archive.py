"""The archive finds every event of a window once and in order, and replays hand them over again, whatever ends them."""

from datetime import timedelta
from typing import ClassVar

import pytest
from msgspec.structs import replace

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from ecosystem.ports.bus import Event, Fact, Replayed, announce
from ecosystem.ports.table import Table
from ecosystem.workflows.archive import (
    RUNNING_MAX,
    SETTLED,
    Archive,
    NoSuchReplay,
    NoSuchRule,
    ReplayEnded,
    Replays,
    ReplayState,
    StartReplay,
    TooManyReplays,
    Window,
)
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.patterns import PatternRefused, of_types, pattern
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rule, Rules

OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
SOMEONE = Actor(actor_id="usr_someone")


class Rung(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "test"

    number: int


class Muted(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "test"

    number: int


async def ring(table: Table, clock: VirtualClock, count: int, *, bells: int = 7, apart: timedelta) -> None:
    """Bells ring in turn; every tenth time one is muted instead."""
    for number in range(count):
        fact = Muted(number=number) if number % 10 == 9 else Rung(number=number)
        bell, sequence = f"BELL#{number % bells}", number // bells + 1
        await table.transact(announce(fact, aggregate=bell, sequence=sequence, actor=system("test"), at=clock.now()))
        clock.advance(apart)


def numbers(events: list[Event]) -> list[int]:
    return [event.detail["number"] for event in events]


async def everything(archive: Archive, window: Window, limit: int) -> list[Event]:
    found: list[Event] = []
    after = None
    while True:
        page = await archive.events(window, OPERATOR, after=after, limit=limit)
        found += page.events
        after = page.next
        if after is None:
            return found


async def test_the_archive_has_every_event_of_a_window_once_and_in_order(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 300, apart=timedelta(minutes=20))
    clock.advance(timedelta(days=1))
    archive = Archive(table, clock)
    window = Window(start_at=began + timedelta(minutes=20), end_at=began + timedelta(minutes=20 * 299))

    found = await everything(archive, window, 33)
    muted = await everything(archive, replace(window, pattern='{"detail-type": ["Muted"]}'), 7)
    counted = await archive.count(window, OPERATOR)

    assert numbers(found) == list(range(1, 299))
    assert numbers(muted) == list(range(9, 299, 10))
    assert (counted.events, counted.by_type, counted.next) == (298, {"Rung": 269, "Muted": 29}, None)


async def test_events_of_one_instant_are_told_apart(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 500, bells=250, apart=timedelta())
    clock.advance(timedelta(minutes=1))

    found = await everything(Archive(table, clock), Window(start_at=began, end_at=clock.now()), 40)

    assert sorted(numbers(found)) == list(range(500))


async def test_a_replay_hands_over_what_matches_to_the_rules_it_names_in_order(
    table: Table, clock: VirtualClock
) -> None:
    began = clock.now()
    await ring(table, clock, 120, bells=3, apart=timedelta(seconds=1))
    heard: dict[str, list[Event]] = {"named": [], "other": [], "never": []}

    def note(name: str) -> Rule:
        async def react(event: Event) -> None:
            heard[name].append(event)

        first_time = {"source": ["test"], "replay-name": [{"exists": False}]}
        return Rule(name, pattern(first_time) if name == "never" else of_types("Rung", "Muted"), react)

    relay = Relay(table, clock, [note(name) for name in heard])
    replays = Replays(table, clock, Rules(relay.rules))
    clock.advance(timedelta(seconds=1))
    window = Window(start_at=began, end_at=clock.now(), pattern='{"detail": {"number": [{"numeric": [">=", 60]}]}}')
    await replays.start(StartReplay(name="again", window=window, rules=("named", "never")), OPERATOR)
    clock.advance(SETTLED)
    while await replays.step(relay):
        pass
    ended = await replays.replay("again", OPERATOR)

    assert sorted(numbers(heard["named"])) == list(range(60, 120))
    for bell in range(3):
        in_turn = [event.sequence for event in heard["named"] if event.aggregate == f"BELL#{bell}"]
        assert in_turn == sorted(in_turn)
    assert {event.replay_name for event in heard["named"] if isinstance(event, Replayed)} == {"again"}
    assert (heard["other"], heard["never"]) == ([], [])
    assert (ended.state, ended.read, ended.matched, ended.delivered) == (ReplayState.COMPLETED, 120, 60, 60)
    assert (ended.progress, ended.ended_at) == (1.0, clock.now())


async def test_a_replay_goes_on_after_a_restart_and_shows_how_far_it_is(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 900, bells=900, apart=timedelta(seconds=1))
    heard: list[int] = []

    async def note(event: Event) -> None:
        heard.append(event.detail["number"])

    rules = [Rule("note", of_types("Rung", "Muted"), note)]
    replays = Replays(table, clock, Rules(rules))
    window = Window(start_at=began, end_at=clock.now())
    await replays.start(StartReplay(name="again", window=window), OPERATOR)
    clock.advance(SETTLED)
    progress = [(await replays.replay("again", OPERATOR)).progress]
    while await replays.step(Relay(table, clock, rules)):  # A relay of its own for each step: nothing is remembered.
        progress.append((await replays.replay("again", OPERATOR)).progress)

    assert heard == sorted(heard)
    assert len(heard) == 900
    assert progress == sorted(progress)
    assert len(progress) > 2
    assert (progress[0], progress[-1]) == (0.0, 1.0)


async def test_a_cancelled_replay_goes_no_further(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 900, bells=900, apart=timedelta(seconds=1))
    heard: list[int] = []

    async def note(event: Event) -> None:
        heard.append(event.detail["number"])

    relay = Relay(table, clock, [Rule("note", of_types("Rung"), note)])
    replays = Replays(table, clock, Rules(relay.rules))
    await replays.start(StartReplay(name="again", window=Window(start_at=began, end_at=clock.now())), OPERATOR)
    clock.advance(SETTLED)
    await replays.step(relay)
    cancelled = await replays.cancel("again", OPERATOR)
    further = await replays.step(relay)

    assert (cancelled.state, further) == (ReplayState.CANCELLED, 0)
    assert 0 < len(heard) < 810
    assert [replay.state for replay in await replays.listed(OPERATOR)] == [ReplayState.CANCELLED]
    with pytest.raises(ReplayEnded):
        await replays.cancel("again", OPERATOR)


async def test_a_replay_up_to_now_waits_for_what_an_index_has_late(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 3, apart=timedelta(seconds=20))
    heard: list[int] = []

    async def note(event: Event) -> None:
        heard.append(event.detail["number"])

    relay = Relay(table, clock, [Rule("note", of_types("Rung"), note)])
    replays = Replays(table, clock, Rules(relay.rules))
    await replays.start(StartReplay(name="again", window=Window(start_at=began, end_at=clock.now())), OPERATOR)
    await through(replays, relay)
    at_once = (await replays.replay("again", OPERATOR)).state
    # What happened in the window and is found there only now.
    late = announce(Rung(number=3), aggregate="BELL#late", sequence=1, actor=system("test"), at=clock.now() - SECOND)
    await table.transact(late)
    clock.advance(SETTLED)
    await through(replays, relay)

    assert at_once is ReplayState.RUNNING
    assert heard == [0, 1, 2, 3]
    assert (await replays.replay("again", OPERATOR)).state is ReplayState.COMPLETED


async def through(replays: Replays, relay: Relay) -> None:
    while await replays.step(relay):
        pass


SECOND = timedelta(seconds=1)


async def test_what_fails_in_a_replay_is_tried_again_as_a_replay(table: Table, clock: VirtualClock) -> None:
    began = clock.now()
    await ring(table, clock, 1, apart=timedelta(seconds=1))
    names: list[str] = []

    async def moody(event: Event) -> None:
        names.append(event.replay_name if isinstance(event, Replayed) else "")
        if len(names) < 3:
            raise ValueError

    relay = Relay(table, clock, [Rule("moody", of_types("Rung"), moody)])
    replays = Replays(table, clock, Rules(relay.rules))
    await replays.start(StartReplay(name="again", window=Window(start_at=began, end_at=clock.now())), OPERATOR)
    clock.advance(SETTLED)
    await replays.step(relay)
    [waiting] = (await Deliveries(table, clock).retrying()).values
    for _ in range(2):
        clock.advance(timedelta(minutes=1))
        await relay.retry()

    assert (waiting.rule, waiting.replay_name) == ("moody", "again")
    assert names == ["again", "again", "again"]
    assert (await Deliveries(table, clock).retrying()).rows == []


async def test_a_name_stands_for_one_replay(table: Table, clock: VirtualClock) -> None:
    replays = Replays(table, clock, Rules([]))
    window = Window(start_at=clock.now() - timedelta(hours=1), end_at=clock.now())
    first = await replays.start(StartReplay(name="again", window=window), OPERATOR)
    again = await replays.start(StartReplay(name="again", window=window), OPERATOR)

    assert again == first
    for other in (
        StartReplay(name="again", window=Window(start_at=window.start_at, end_at=window.end_at, pattern='{"a":[1]}')),
        StartReplay(name="again", window=Window(start_at=window.start_at - timedelta(1), end_at=window.end_at)),
    ):
        with pytest.raises(IdReused):
            await replays.start(other, OPERATOR)
    with pytest.raises(NoSuchReplay):
        await replays.replay("other", OPERATOR)


async def test_a_replay_that_cannot_be_is_refused(table: Table, clock: VirtualClock) -> None:
    replays = Replays(table, clock, Rules([]))
    hour, now = timedelta(hours=1), clock.now()
    good = Window(start_at=now - hour, end_at=now)

    for name, window, rules, refusal in [
        ("again", Window(start_at=now, end_at=now), (), Invalid),
        ("again", Window(start_at=now - hour, end_at=now + hour), (), Invalid),
        ("again", Window(start_at=now - timedelta(days=800), end_at=now), (), Invalid),
        ("again", Window(start_at=now - hour, end_at=now, pattern="{}"), (), PatternRefused),
        ("not a name", good, (), Invalid),
        ("again", good, ("nobody",), NoSuchRule),
    ]:
        with pytest.raises(refusal):
            await replays.start(StartReplay(name=name, window=window, rules=rules), OPERATOR)
    for number in range(RUNNING_MAX):
        await replays.start(StartReplay(name=f"again-{number}", window=good), OPERATOR)
    with pytest.raises(TooManyReplays):
        await replays.start(StartReplay(name="one-more", window=good), OPERATOR)


async def test_only_operators_see_the_archive_and_replay(table: Table, clock: VirtualClock) -> None:
    archive, replays = Archive(table, clock), Replays(table, clock, Rules([]))
    window = Window(start_at=clock.now() - timedelta(hours=1), end_at=clock.now())

    for asked in (
        archive.events(window, SOMEONE),
        archive.count(window, SOMEONE),
        replays.start(StartReplay(name="again", window=window), SOMEONE),
        replays.replay("again", SOMEONE),
        replays.listed(SOMEONE),
        replays.cancel("again", SOMEONE),
    ):
        with pytest.raises(Denied):
            await asked


async def test_a_place_that_no_page_gave_is_refused(table: Table, clock: VirtualClock) -> None:
    window = Window(start_at=clock.now() - timedelta(hours=1), end_at=clock.now())

    for place in ("x", "2026-13-45", "2026-11-20T", "\ud800"):
        with pytest.raises(Invalid):
            await Archive(table, clock).events(window, OPERATOR, after=place)
