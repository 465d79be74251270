"""The bench of workflows in a tiny form: that it can be measured, not how fast it is."""

import gc
from collections.abc import Iterator

import pytest

from bench import workflows


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """The bench sets the collector as the product does when it serves."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def test_steps_and_starts_are_measured() -> None:
    rows = [*await workflows.transitions(executions=6, states=3), *await workflows.starts(5)]

    assert all(row.figure > 0 for row in rows)


async def test_waiting_executions_fall_due_together_and_drain() -> None:
    rows = await workflows.waiting(executions=20, sampled_s=0.5, lead_s=1.0)

    assert [row.unit for row in rows] == ["% of a core", "s", "ms"]
