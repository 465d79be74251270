"""The processors that the port's promises are asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.cards.benches import KEYS, account
from contracts.transfers.benches import MONDAY_10H, Bench, Told
from ecosystem.adapters.outside.stripe import Stripe
from ecosystem.sandbox import CALM, Sandbox, Settings
from ecosystem.sandbox.clock import StandingClock


@pytest.fixture(params=["sandbox"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    clock = StandingClock(MONDAY_10H)
    settings = Settings(data=tmp_path / "sandbox.sqlite", keys=KEYS, profile=CALM)
    async with Sandbox.running(settings, now=clock) as sandbox:
        stripe = await Stripe.open(account(sandbox), Told(clock))
        yield Bench(stripe.transfers, stripe.cards, stripe.accounts, sandbox, clock)
        await stripe.close()
