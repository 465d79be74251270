"""What every reading process promises: it tells how far it is, at last its report, and is gone when nobody listens."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

import pytest

from ecosystem.adapters.embedded.inspector import ChildInspector
from ecosystem.ports.inspector import Heard, InspectorFailed


def saying(*lines: str, then: str = "") -> ChildInspector:
    program = "\n".join(["import sys, time", *(f"print({line!r}, flush=True)" for line in lines), then])
    return ChildInspector((sys.executable, "-c", program))


async def heard(inspector: ChildInspector) -> list[Heard]:
    async with aclosing(inspector.verification()) as said:
        return [each async for each in said]


async def test_it_tells_how_far_it_is_and_then_what_it_found() -> None:
    told = await heard(saying('{"read":{"booking":3}}', '{"read":{"booking":7},"report":{"found":0}}'))

    assert told == [Heard(read={"booking": 3}), Heard(read={"booking": 7}, report={"found": 0})]


@pytest.mark.parametrize(
    ("inspector", "why"),
    [
        (saying('{"read":{}}', then="sys.exit('The table is damaged.')"), "The table is damaged."),
        (saying(), "without a report"),
        (saying("Everything holds."), "cannot be understood"),
        (ChildInspector(("/nowhere/at-all",)), "could not be started"),
    ],
)
async def test_a_process_without_a_report_has_failed_and_says_why(inspector: ChildInspector, why: str) -> None:
    with pytest.raises(InspectorFailed, match=why):
        await heard(inspector)


async def test_whoever_stops_listening_ends_it() -> None:
    inspector = saying('{"read":{"booking":1}}', then="time.sleep(60)")
    async with aclosing(inspector.verification()) as said:
        await anext(said)
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 5
