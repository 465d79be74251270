"""The day's reconciliation when nobody watches: it is tried again by its schedule, and operators are told."""

from __future__ import annotations

from datetime import timedelta

from ecosystem.contexts.reconciliation import RunState
from ecosystem.kernel.actor import Group
from ecosystem.sandbox import Fault, What
from market import OPERATOR, Market
from workflows.lives import HOUR, admitted, told


async def test_a_day_that_fails_is_told_to_operators_once_and_done_by_itself(lively: Market) -> None:
    oscar = await admitted(lively, "Oscar Oliva", Group.ADMINS)
    lively.sandbox.fail_next(Fault(what=What.LOSE_REQUEST, method="GET", path="/v1/balance_transactions", times=10_000))

    await lively.passes(timedelta(days=1))
    await lively.passes(3 * HOUR)
    [failed, *_] = await lively.app.reconciling.runs.latest(OPERATOR)
    heard = await told(lively, oscar)
    lively.sandbox.faults.clear()
    await lively.passes(7 * HOUR)

    done = await lively.app.reconciling.runs.of(failed.day, OPERATOR)
    assert failed.state is RunState.FAILED
    assert failed.failures >= 2
    assert heard.count("day-not-reconciled") == 1
    assert done.state is RunState.DONE
