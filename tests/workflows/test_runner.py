"""The runner keeps followers and loops going, whatever becomes of one of them, and ends them gracefully."""

import asyncio
from collections.abc import Awaitable, Callable

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import Table
from ecosystem.workflows.runner import MUCH, SOON_S, Follower, Loop, Runner


def runner(
    table: Table, clock: VirtualClock, *, follow: Callable[[], Awaitable[int]], act: Callable[[], Awaitable[int]]
) -> Runner:
    return Runner(table, clock, [Follower("follower", follow, gather_s=0.001)], [Loop("act", 60, act)])


async def idle() -> int:
    return 0


async def test_an_act_that_finds_much_is_done_again_soon_and_rests_when_there_is_little(
    table: Table, clock: VirtualClock
) -> None:
    left = [MUCH, MUCH, MUCH - 1]
    rested = asyncio.Event()

    async def act() -> int:
        found = left.pop(0)
        if not left:
            rested.set()
        return found

    running = runner(table, clock, follow=idle, act=act)
    running.start()
    await asyncio.wait_for(rested.wait(), 10 * SOON_S)
    await running.stop()

    assert left == []


async def test_a_part_that_fails_is_counted_and_tried_again_beside_the_others(
    table: Table, clock: VirtualClock
) -> None:
    tried, acted = 0, asyncio.Event()

    async def follow() -> int:
        nonlocal tried
        tried += 1
        raise ZeroDivisionError

    async def act() -> int:
        acted.set()
        return 0

    running = runner(table, clock, follow=follow, act=act)
    running.start()
    await asyncio.wait_for(acted.wait(), 5)
    while tried < 2:
        await asyncio.sleep(0.05)
    await running.stop()

    assert running.failures == {"follower": tried}


async def test_what_was_begun_is_finished_before_the_end(table: Table, clock: VirtualClock) -> None:
    begun, finished = asyncio.Event(), False

    async def act() -> int:
        nonlocal finished
        begun.set()
        await asyncio.sleep(0.1)
        finished = True
        return 0

    running = runner(table, clock, follow=idle, act=act)
    running.start()
    await begun.wait()
    await running.stop()

    assert finished
