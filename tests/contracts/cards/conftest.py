"""The processors that the port's promises are asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.cards.benches import KEYS, Bench, account
from ecosystem.adapters.outside.stripe import Stripe
from ecosystem.sandbox import CALM, Sandbox, Settings


@pytest.fixture(params=["sandbox"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    settings = Settings(data=tmp_path / "sandbox.sqlite", keys=KEYS, profile=CALM)
    async with Sandbox.running(settings) as sandbox:
        stripe = await Stripe.open(account(sandbox))
        yield Bench(stripe.cards, sandbox)
        await stripe.close()
