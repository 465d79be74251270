"""The relay hands events over at least once, in order per aggregate, and keeps what failed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, cast

import msgspec
import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied
from ecosystem.kernel.trace import trace_id
from ecosystem.ports.bus import Event, Fact, announce
from ecosystem.ports.table import Put, Table, TableFull, Write
from ecosystem.ports.table_codec import decode, encode
from ecosystem.workflows.deliveries import ATTEMPTS_MAX, Deliveries, Delivery, failed
from ecosystem.workflows.lines import IN_LINE_MAX
from ecosystem.workflows.patterns import of_types, pattern
from ecosystem.workflows.relay import OF_ONE_RULE, Checkpoint, Lost, Relay, behind, checkpoint_key
from ecosystem.workflows.rules import Rule
from table_samples import Forgetful

OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))


class Painted(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "test"

    colour: str


async def happen(table: Table, clock: VirtualClock, aggregate: str, sequence: int, colour: str = "red") -> None:
    fact = Painted(colour=colour)
    await table.transact(announce(fact, aggregate=aggregate, sequence=sequence, actor=system("test"), at=clock.now()))


PAINTED = of_types("Painted")


def relay(table: Table, clock: VirtualClock, *rules: Rule) -> Relay:
    return Relay(table, clock, rules)


async def test_events_of_one_aggregate_arrive_in_order_and_once_while_nothing_crashes(
    table: Table, clock: VirtualClock
) -> None:
    seen: list[tuple[str, int]] = []

    async def note(event: Event) -> None:
        seen.append((event.aggregate, event.sequence))

    for sequence in range(1, 6):
        await happen(table, clock, "WALL#a", sequence)
        await happen(table, clock, "WALL#b", sequence)
    follower = relay(table, clock, Rule("note", PAINTED, note))
    await follower.drain()
    await follower.drain()

    assert [s for a, s in seen if a == "WALL#a"] == [1, 2, 3, 4, 5]
    assert len(seen) == 10


async def test_a_relay_that_starts_again_goes_on_where_it_was(table: Table, clock: VirtualClock) -> None:
    seen: list[int] = []

    async def note(event: Event) -> None:
        seen.append(event.sequence)

    await happen(table, clock, "WALL#a", 1)
    await relay(table, clock, Rule("note", PAINTED, note)).drain()
    await happen(table, clock, "WALL#a", 2)
    await relay(table, clock, Rule("note", PAINTED, note)).drain()

    assert seen == [1, 2]


async def test_a_failing_reaction_holds_up_no_other_and_succeeds_later(table: Table, clock: VirtualClock) -> None:
    healthy: list[int] = []
    broken = True
    mended: list[int] = []

    async def fine(event: Event) -> None:
        healthy.append(event.sequence)

    async def moody(event: Event) -> None:
        if broken:
            raise RuntimeError("not today")
        mended.append(event.sequence)

    await happen(table, clock, "WALL#a", 1)
    await happen(table, clock, "WALL#a", 2)
    follower = relay(table, clock, Rule("moody", PAINTED, moody), Rule("fine", PAINTED, fine))
    await follower.drain()
    broken = False
    retried_too_soon = await follower.retry()
    clock.advance(timedelta(seconds=3))
    retried = await follower.retry()

    assert healthy == [1, 2]
    assert (retried_too_soon, retried) == (0, 2)
    assert sorted(mended) == [1, 2]
    assert await follower.retry() == 0


async def test_after_its_attempts_a_delivery_is_a_dead_letter_that_an_operator_can_replay(
    table: Table, clock: VirtualClock
) -> None:
    broken = True

    async def poisoned(event: Event) -> None:
        if broken:
            raise ValueError(f"cannot paint {event.detail['colour']}")

    await happen(table, clock, "WALL#a", 1, colour="plaid")
    follower = relay(table, clock, Rule("paint", PAINTED, poisoned))
    await follower.drain()
    for _ in range(ATTEMPTS_MAX):
        clock.advance(timedelta(hours=1))
        await follower.retry()
    letters = await Deliveries(table, clock).dead()
    [letter] = letters.values
    broken = False
    await Deliveries(table, clock).replay(letter.event.event_id, letter.rule, OPERATOR)
    await follower.retry()

    assert (letter.attempts, letter.reason) == (ATTEMPTS_MAX, "ValueError: cannot paint plaid")
    assert (await Deliveries(table, clock).dead()).rows == []


async def test_a_slow_reaction_holds_up_neither_other_aggregates_nor_other_rules(
    table: Table, clock: VirtualClock
) -> None:
    seen: list[tuple[str, str, int]] = []
    released = asyncio.Event()

    async def stuck(event: Event) -> None:
        if event.aggregate == "WALL#slow":
            await released.wait()
        seen.append(("stuck", event.aggregate, event.sequence))

    async def quick(event: Event) -> None:
        seen.append(("quick", event.aggregate, event.sequence))

    follower = Relay(table, clock, [Rule("stuck", PAINTED, stuck), Rule("quick", PAINTED, quick)], patience_s=0.01)
    await happen(table, clock, "WALL#slow", 1)
    await happen(table, clock, "WALL#slow", 2)
    await happen(table, clock, "WALL#other", 1)
    await follower.step()
    await happen(table, clock, "WALL#other", 2)
    await happen(table, clock, "WALL#slow", 3)
    await follower.step()
    meanwhile = sorted(seen)
    kept_at = await table.get(checkpoint_key("relay"), Checkpoint)
    released.set()
    await follower.drain()

    assert meanwhile == [
        ("quick", "WALL#other", 1),
        ("quick", "WALL#other", 2),
        ("quick", "WALL#slow", 1),
        ("quick", "WALL#slow", 2),
        ("quick", "WALL#slow", 3),
        ("stuck", "WALL#other", 1),
        ("stuck", "WALL#other", 2),
    ]
    assert kept_at is None
    assert [place for place in seen if place[:2] == ("stuck", "WALL#slow")] == [
        ("stuck", "WALL#slow", sequence) for sequence in (1, 2, 3)
    ]


async def test_events_behind_one_that_failed_wait_for_it_in_order(table: Table, clock: VirtualClock) -> None:
    broken = {"WALL#a:2:Painted"}
    seen: list[tuple[str, int]] = []

    async def moody(event: Event) -> None:
        if event.event_id in broken:
            raise RuntimeError("not now")
        seen.append((event.aggregate, event.sequence))

    follower = relay(table, clock, Rule("moody", PAINTED, moody))
    for sequence in (1, 2, 3):
        await happen(table, clock, "WALL#a", sequence)
        await happen(table, clock, "WALL#b", sequence)
    await follower.drain()
    before = list(seen)
    clock.advance(timedelta(seconds=3))
    await follower.retry()
    follower = relay(table, clock, Rule("moody", PAINTED, moody))  # As after a restart.
    await happen(table, clock, "WALL#a", 4)
    await follower.drain()
    broken.clear()
    clock.advance(timedelta(seconds=5))
    await follower.retry()

    assert sorted(before) == [("WALL#a", 1), ("WALL#b", 1), ("WALL#b", 2), ("WALL#b", 3)]
    assert seen[len(before) :] == [("WALL#a", 2), ("WALL#a", 3), ("WALL#a", 4)]
    assert (await Deliveries(table, clock).retrying()).rows == []


async def test_a_poisoned_event_steps_out_of_line(table: Table, clock: VirtualClock) -> None:
    seen: list[int] = []

    async def poisoned(event: Event) -> None:
        if event.sequence == 1:
            raise ValueError
        seen.append(event.sequence)

    follower = relay(table, clock, Rule("paint", PAINTED, poisoned))
    await happen(table, clock, "WALL#a", 1)
    await happen(table, clock, "WALL#a", 2)
    await follower.drain()
    for _ in range(20):
        clock.advance(timedelta(seconds=1))
        await follower.retry()
    await happen(table, clock, "WALL#a", 3)
    await follower.drain()
    [waiting] = (await Deliveries(table, clock).retrying()).values

    assert seen == [2, 3]
    assert (waiting.event.sequence, waiting.attempts) == (1, IN_LINE_MAX)


async def test_nobody_waits_for_an_event_that_was_given_up(table: Table, clock: VirtualClock) -> None:
    seen: list[int] = []

    async def poisoned(event: Event) -> None:
        if event.sequence == 1:
            raise ValueError
        seen.append(event.sequence)

    follower = relay(table, clock, Rule("paint", PAINTED, poisoned))
    await happen(table, clock, "WALL#a", 1)
    await happen(table, clock, "WALL#a", 2)
    await follower.drain()
    await Deliveries(table, clock).give_up("WALL#a:1:Painted", "paint", OPERATOR)
    clock.advance(timedelta(seconds=3))
    await follower.retry()

    assert seen == [2]


async def test_a_reaction_that_cuts_itself_off_is_delivered_again(table: Table, clock: VirtualClock) -> None:
    tried: list[int] = []

    async def cut_off(event: Event) -> None:
        tried.append(event.sequence)
        if len(tried) == 1:
            raise asyncio.CancelledError

    follower = relay(table, clock, Rule("paint", PAINTED, cut_off))
    await happen(table, clock, "WALL#a", 1)
    await follower.step()
    with pytest.raises(Lost):
        await follower.step()
    await follower.drain()

    assert tried == [1, 1]


async def test_what_was_under_way_when_the_relay_ended_is_delivered_again(table: Table, clock: VirtualClock) -> None:
    seen: list[int] = []
    healthy = False

    async def moody(event: Event) -> None:
        if event.sequence == 2 and not healthy:
            await asyncio.sleep(60)
        seen.append(event.sequence)

    ended = Relay(table, clock, [Rule("moody", PAINTED, moody)], patience_s=0.01)
    for sequence in (1, 2, 3):
        await happen(table, clock, "WALL#a", sequence)
    await ended.step()
    await ended.stop(grace_s=0.01)
    healthy = True
    await relay(table, clock, Rule("moody", PAINTED, moody)).drain()

    assert seen == [1, 1, 2, 3]


class Full:
    """A table without room for what became of a delivery, as long as `full`."""

    def __init__(self, table: Table) -> None:
        self.table, self.full = table, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    async def transact(self, *writes: Write) -> None:
        if self.full and any(isinstance(write, Put) and write.value.entity == "delivery" for write in writes):
            raise TableFull
        await self.table.transact(*writes)


async def test_an_event_whose_failure_could_not_be_kept_is_delivered_again(table: Table, clock: VirtualClock) -> None:
    tried: list[int] = []

    async def poisoned(event: Event) -> None:
        tried.append(event.sequence)
        raise ValueError

    full = Full(table)
    follower = relay(cast("Table", full), clock, Rule("paint", PAINTED, poisoned))
    await happen(table, clock, "WALL#a", 1)
    await follower.step()
    with pytest.raises(Lost):
        await follower.step()
    full.full = False
    await follower.drain()

    assert tried == [1, 1]
    assert len((await Deliveries(table, clock).retrying()).rows) == 1


async def test_deliveries_that_hang_when_tried_again_starve_no_other(
    table: Table, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecosystem.workflows.relay.RETRY_PATIENCE_S", 0.01)
    let_go, hung, delivered = asyncio.Event(), list[str](), list[str]()
    failed_once: set[str] = set()

    async def hangs(event: Event) -> None:
        if event.event_id in failed_once:
            hung.append(event.event_id)
            await let_go.wait()
        failed_once.add(event.event_id)
        raise OSError

    async def quick(event: Event) -> None:
        if event.event_id not in failed_once:
            failed_once.add(event.event_id)
            raise OSError
        delivered.append(event.event_id)

    rules = Rule("hangs", RED, hangs), Rule("quick", BLUE, quick)
    follower = relay(table, clock, *rules)
    for number in range(120):
        await happen(table, clock, f"WALL#{number}", 1)
    await follower.drain()
    clock.advance(timedelta(seconds=1))
    await happen(table, clock, "WALL#quick", 1, "blue")
    await follower.step()
    clock.advance(timedelta(seconds=3))

    for _ in range(6):
        await follower.retry()

    assert delivered == ["WALL#quick:1:Painted"]
    assert len(hung) == len(set(hung)) == OF_ONE_RULE
    let_go.set()
    await follower.stop()


RED = pattern({"detail-type": ["Painted"], "detail": {"colour": ["red"]}})
BLUE = pattern({"detail-type": ["Painted"], "detail": {"colour": ["blue"]}})


async def overrun(follower: Relay, until: Callable[[], bool]) -> None:
    """Step with small batches until that is so; fails when it never is."""
    for _ in range(300):
        await follower.step(limit=5)
        if until():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the relay stands still")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that lets little be under way, and waits little for it."""
    monkeypatch.setattr("ecosystem.workflows.relay.UNDER_WAY_MAX", 20)
    monkeypatch.setattr("ecosystem.workflows.relay.OVERDUE_S", 0.02)


@pytest.mark.usefixtures("hurried")
async def test_a_delivery_that_hangs_for_long_is_set_aside_and_made_once(table: Table, clock: VirtualClock) -> None:
    let_go, seen, others = asyncio.Event(), list[tuple[str, int]](), list[str]()

    async def hangs(event: Event) -> None:
        seen.append((event.aggregate, event.sequence))
        if (event.aggregate, event.sequence) == ("WALL#stuck", 1):
            await let_go.wait()

    async def quick(event: Event) -> None:
        others.append(event.event_id)

    follower = relay(table, clock, Rule("hangs", PAINTED, hangs), Rule("quick", PAINTED, quick))
    follower.patience_s = 0.001
    await happen(table, clock, "WALL#stuck", 1)
    await happen(table, clock, "WALL#stuck", 2)
    for number in range(60):
        await happen(table, clock, f"WALL#{number}", 1)

    await overrun(follower, lambda: len(others) == 62)
    deliveries = Deliveries(table, clock)
    waiting = [(each.event.sequence, each.attempts) for each in (await deliveries.retrying()).values]
    clock.advance(timedelta(seconds=10))
    tried = await follower.retry()
    # One that comes later waits behind both.
    await happen(table, clock, "WALL#stuck", 3)
    await follower.step()
    let_go.set()
    await follower.drain()
    clock.advance(timedelta(seconds=10))
    while await follower.retry():
        clock.advance(timedelta(seconds=10))

    assert waiting == [(1, 0), (2, 0)]
    assert tried == 0
    assert [sequence for aggregate, sequence in seen if aggregate == "WALL#stuck"] == [1, 2, 3]
    assert len(seen) == 63
    assert (await deliveries.retrying()).values == []


@pytest.mark.usefixtures("hurried")
async def test_what_was_set_aside_is_delivered_after_a_crash_and_counts_its_failures(
    table: Table, clock: VirtualClock
) -> None:
    let_go, seen = asyncio.Event(), list[tuple[str, int]]()

    async def hangs(event: Event) -> None:
        if event.aggregate == "WALL#stuck":
            await let_go.wait()
            if event.sequence == 1 and len(seen) == 60:
                seen.append(("failed", 1))
                raise OSError
        seen.append((event.aggregate, event.sequence))

    first = relay(table, clock, Rule("hangs", PAINTED, hangs))
    first.patience_s = 0.001
    await happen(table, clock, "WALL#stuck", 1)
    await happen(table, clock, "WALL#stuck", 2)
    for number in range(60):
        await happen(table, clock, f"WALL#{number}", 1)
    await overrun(first, lambda: len(seen) == 60)
    await first.stop(grace_s=0)

    let_go.set()
    second = relay(table, clock, Rule("hangs", PAINTED, hangs))
    await second.drain()
    clock.advance(timedelta(seconds=3))
    await second.retry()
    [kept, behind] = (await Deliveries(table, clock).retrying()).values
    for _ in range(5):
        clock.advance(timedelta(seconds=3))
        await second.retry()

    assert (kept.event.sequence, kept.attempts, behind.event.sequence) == (1, 1, 2)
    assert seen[60:] == [("failed", 1), ("WALL#stuck", 1), ("WALL#stuck", 2)]


@pytest.mark.usefixtures("hurried")
async def test_a_rule_whose_deliveries_all_hang_holds_up_no_other(table: Table, clock: VirtualClock) -> None:
    let_go, hung, others = asyncio.Event(), list[str](), list[str]()

    async def hangs(event: Event) -> None:
        await let_go.wait()
        hung.append(event.event_id)

    async def quick(event: Event) -> None:
        others.append(event.event_id)

    follower = relay(table, clock, Rule("hangs", PAINTED, hangs), Rule("quick", PAINTED, quick))
    follower.patience_s = 0.001
    for number in range(80):
        await happen(table, clock, f"WALL#{number}", 1)

    await overrun(follower, lambda: len(others) == 80)
    let_go.set()
    await follower.drain()
    for _ in range(10):
        clock.advance(timedelta(seconds=10))
        await follower.retry()

    assert len(hung) == len(set(hung)) == 80
    assert len(others) == 80


async def test_a_rule_gets_only_events_that_match_its_pattern(table: Table, clock: VirtualClock) -> None:
    seen: dict[str, list[str]] = {"red": [], "any": []}

    async def red(event: Event) -> None:
        seen["red"].append(event.aggregate)

    async def any_at_all(event: Event) -> None:
        seen["any"].append(event.aggregate)

    reds = pattern({"detail-type": ["Painted"], "detail": {"colour": [{"prefix": "re"}]}})
    everything = pattern({"source": ["test"]})
    await happen(table, clock, "WALL#a", 1, colour="red")
    await happen(table, clock, "WALL#b", 1, colour="blue")
    await relay(table, clock, Rule("red", reds, red), Rule("any", everything, any_at_all)).drain()

    assert seen == {"red": ["WALL#a"], "any": ["WALL#a", "WALL#b"]}


async def test_what_a_reaction_announces_bears_the_trace_of_what_it_follows(table: Table, clock: VirtualClock) -> None:
    traces: list[str] = []

    async def react(event: Event) -> None:
        if event.aggregate != "WALL#after":
            await happen(table, clock, "WALL#after", event.sequence)
        traces.append(event.trace_id)

    token = trace_id.set("req_7")
    await happen(table, clock, "WALL#a", 1)
    trace_id.reset(token)
    await happen(table, clock, "WALL#b", 2)
    await relay(table, clock, Rule("react", PAINTED, react)).drain()

    assert sorted(traces) == ["WALL#b:2:Painted", "WALL#b:2:Painted", "req_7", "req_7"]


async def test_a_delivery_stored_before_rules_had_names_is_lifted(clock: VirtualClock) -> None:
    at = clock.now()
    event = Event(
        event_id="WALL#a:1:Painted", source="test", type="Painted", at=at, aggregate="WALL#a", sequence=1,
        actor=system("test"), detail={"colour": "red"},
    )  # fmt: skip
    now: dict[str, Any] = msgspec.msgpack.decode(encode(failed(event, "notification-handler", "No", at)))
    before = {**now, "reaction": now["rule"]}
    del before["rule"]

    lifted = decode(Delivery, "delivery", 1, msgspec.msgpack.encode(before))

    assert lifted == failed(event, "notification-handler", "No", at)


async def test_a_reason_that_cannot_be_stored_is_made_storable(table: Table, clock: VirtualClock) -> None:
    await happen(table, clock, "WALL#a", 1)
    [event] = (await table.query("WALL#a", Event)).values

    delivery = failed(event, "paint", "ValueError: \ud800", clock.now())

    assert delivery.reason == "ValueError: ?"


async def test_only_an_operator_replays(table: Table, clock: VirtualClock) -> None:
    with pytest.raises(Denied):
        await Deliveries(table, clock).replay("any", "any", Actor(actor_id="usr_someone"))


async def test_far_behind_the_next_changes_are_handed_out_beside_those_before(
    table: Table, clock: VirtualClock
) -> None:
    released = asyncio.Event()
    begun: list[str] = []

    async def slow(event: Event) -> None:
        begun.append(event.aggregate)
        await released.wait()

    for number in range(3):
        await happen(table, clock, f"WALL#{number}", 1)
    follower = Relay(table, clock, [Rule("slow", PAINTED, slow)], patience_s=60)
    for _ in range(3):
        await asyncio.wait_for(follower.step(1), 10)
        await asyncio.sleep(0)
    meanwhile = list(begun)
    kept_at = await table.get(checkpoint_key("relay"), Checkpoint)
    released.set()
    await follower.drain()

    assert meanwhile == ["WALL#0", "WALL#1", "WALL#2"]
    assert kept_at is None
    assert await table.get(checkpoint_key("relay"), Checkpoint) is not None


async def test_events_forgotten_before_they_were_delivered_are_told_of_and_those_kept_go_out(
    table: Table, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def note(event: Event) -> None:
        seen.append(event.sequence)

    seen: list[int] = []
    await happen(table, clock, "WALL#a", 1)
    await relay(table, clock, Rule("note", PAINTED, note)).drain()
    told = {change.cursor for change in await table.changes(None)}
    await happen(table, clock, "WALL#a", 2)
    forgetful = cast("Table", Forgetful(table, told))
    assert (await behind(forgetful, clock, {"Painted"})).events == 1000

    await relay(forgetful, clock, Rule("note", PAINTED, note)).step()

    assert seen[-1] == 2
    assert "forgotten" in caplog.text
