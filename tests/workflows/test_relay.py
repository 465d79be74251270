"""The relay hands events over at least once, in order per aggregate, and keeps what failed."""

from datetime import timedelta
from typing import ClassVar

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.bus import Event, Fact, announce
from ecosystem.ports.table import Table
from ecosystem.workflows.deliveries import ATTEMPTS_MAX, Deliveries
from ecosystem.workflows.patterns import of_types
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rule

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


async def test_only_an_operator_replays(table: Table, clock: VirtualClock) -> None:
    with pytest.raises(Denied):
        await Deliveries(table, clock).replay("any", "any", Actor(actor_id="usr_someone"))
