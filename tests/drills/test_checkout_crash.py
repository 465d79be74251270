"""The short form of the drill: `python -m bench.checkout_crash` kills at every point, this at some."""

import pytest
from bench.checkout_crash import SCENARIOS, drill


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_checkout_killed_anywhere_is_finished_or_returned(name: str) -> None:
    outcomes = await drill([name], every=13)

    assert outcomes.total() >= 3
    assert outcomes.keys() - {"nothing begun"}


async def test_a_process_killed_by_the_system_leaves_no_money_behind() -> None:
    outcomes = await drill(["instant"], sigkill=True, every=27)

    assert outcomes.total() >= 2
