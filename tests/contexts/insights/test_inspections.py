"""An inspection is asked for once, carried out beside, and kept with its report."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.contexts.insights import InspectionGone, Inspections, InspectionState
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied, Invalid, Unavailable
from ecosystem.ports.entropy import mint
from ecosystem.ports.inspector import Heard, InspectorFailed, Whole
from ecosystem.ports.table import Table

OPERATOR = Actor(actor_id="usr_olga", groups=(Group.ADMINS,))


class Reader:
    """A reading process that says what it is told to."""

    def __init__(self, *says: Heard, fails: str = "") -> None:
        self.says, self.fails = says, fails

    async def verification(self, _: Whole = Whole.LEDGER) -> AsyncGenerator[Heard, None]:
        for each in self.says:
            yield each
        if self.fails:
            raise InspectorFailed(self.fails)


def new(clock: VirtualClock) -> str:
    return mint("ins", clock.now(), SeededEntropy(4))


async def test_it_is_carried_out_and_its_report_is_kept(table: Table, clock: VirtualClock) -> None:
    reader = Reader(Heard(read={"booking": 3}), Heard(read={"booking": 9}, report={"bookings": 9}))
    inspections = Inspections(table, clock, reader)

    asked = await inspections.ask(new(clock), OPERATOR)
    again = await inspections.ask(mint("ins", clock.now(), SeededEntropy(5)), OPERATOR)
    assert again == asked
    assert await inspections.step() == 1

    done = await inspections.inspection(asked.inspection_id, OPERATOR)
    assert (done.state, done.total, done.report) == (InspectionState.DONE, 9, {"bookings": 9})
    assert await inspections.step() == 0
    assert (await inspections.ask(mint("ins", clock.now(), SeededEntropy(6)), OPERATOR)).is_open


async def test_a_reading_process_that_fails_says_why(table: Table, clock: VirtualClock) -> None:
    inspections = Inspections(table, clock, Reader(fails="The table is damaged."))
    asked = await inspections.ask(new(clock), OPERATOR)

    await inspections.step()

    failed = await inspections.inspection(asked.inspection_id, OPERATOR)
    assert (failed.state, failed.failure) == (InspectionState.FAILED, "The table is damaged.")


async def test_one_whose_process_was_killed_is_not_waited_for(table: Table, clock: VirtualClock) -> None:
    class Killed(Reader):
        async def verification(self, _: Whole = Whole.LEDGER) -> AsyncGenerator[Heard, None]:
            yield Heard(read={"booking": 1})
            raise KeyboardInterrupt

    asked = await Inspections(table, clock, Killed()).ask(new(clock), OPERATOR)
    with pytest.raises(KeyboardInterrupt):
        await Inspections(table, clock, Killed()).step()
    clock.advance(timedelta(minutes=2))

    inspections = Inspections(table, clock, Reader())
    await inspections.step()

    assert (await inspections.inspection(asked.inspection_id, OPERATOR)).state is InspectionState.FAILED


async def test_it_is_for_operators_and_needs_a_process(table: Table, clock: VirtualClock) -> None:
    inspections = Inspections(table, clock, None)

    with pytest.raises(Denied):
        await inspections.ask(new(clock), Actor(actor_id="usr_ana"))
    with pytest.raises(Denied):
        await inspections.latest(Actor(actor_id="usr_ana"))
    with pytest.raises(Unavailable):
        await inspections.ask(new(clock), OPERATOR)
    with pytest.raises(Invalid):
        await inspections.inspection("nonsense", OPERATOR)
    with pytest.raises(InspectionGone):
        await inspections.inspection(new(clock), OPERATOR)
