"""What every processor behind the port of saved cards promises."""

from __future__ import annotations

import pytest

from contracts.saved_cards.benches import Bench
from ecosystem.ports.saved_cards import UnknownCustomer, UnknownSavedCard


async def test_a_person_is_one_customer(bench: Bench) -> None:
    first = await bench.saved.customer("usr_1")

    assert await bench.saved.customer("usr_1") == first
    assert await bench.saved.customer("usr_2") != first
    assert await bench.saved.cards(first) == ()


@pytest.mark.parametrize("named", ["cus_nobody", "../balance", "", "é"])
async def test_what_nobody_knows_is_unknown(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownCustomer):
        await bench.saved.cards(named)
    with pytest.raises(UnknownSavedCard):
        await bench.saved.card(named)
    await bench.saved.forget(named)
