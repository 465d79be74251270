"""What every clock promises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from ecosystem.adapters.outside.clock import SystemClock, VirtualClock
from ecosystem.ports.clock import Clock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Watched(NamedTuple):
    """A clock, and how a test lets time pass on it."""

    clock: Clock
    passes: Callable[[timedelta], Awaitable[None]]


@pytest.fixture(params=["system", "virtual"])
def watched(request: pytest.FixtureRequest) -> Watched:
    if request.param == "system":
        return Watched(SystemClock(), lambda by: asyncio.sleep(by.total_seconds()))
    virtual = VirtualClock(NOON)

    async def passes(by: timedelta) -> None:
        virtual.advance(by)

    return Watched(virtual, passes)


def test_now_is_aware_and_in_utc(watched: Watched) -> None:
    assert watched.clock.now().utcoffset() == timedelta(0)


async def test_time_never_goes_back(watched: Watched) -> None:
    clock, passes = watched
    seen = []
    for _ in range(20):
        seen.append(clock.now())
        await passes(timedelta(microseconds=100))

    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


async def test_a_sleeper_wakes_when_its_time_has_passed_and_not_before(watched: Watched) -> None:
    clock, passes = watched
    started = clock.now()
    sleeper = asyncio.create_task(clock.sleep(0.02))
    await asyncio.sleep(0)
    assert not sleeper.done()

    await passes(timedelta(seconds=0.03))
    await asyncio.wait_for(sleeper, 1)

    assert clock.now() - started >= timedelta(seconds=0.02)


async def test_sleepers_wake_in_the_order_of_their_time(watched: Watched) -> None:
    clock, passes = watched
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    sleepers = [asyncio.create_task(sleep(seconds)) for seconds in (0.03, 0.01, 0.02)]
    await asyncio.sleep(0)
    await passes(timedelta(seconds=0.05))
    await asyncio.wait_for(asyncio.gather(*sleepers), 1)

    assert woken == [0.01, 0.02, 0.03]


async def test_a_sleeper_may_be_cancelled(watched: Watched) -> None:
    clock, passes = watched
    sleeper = asyncio.create_task(clock.sleep(0.01))
    await asyncio.sleep(0)

    sleeper.cancel()
    await passes(timedelta(seconds=0.02))

    with pytest.raises(asyncio.CancelledError):
        await sleeper


def test_the_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(NOON)

    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(days=400))
    assert clock.now() == NOON + timedelta(days=400)
