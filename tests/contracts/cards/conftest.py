"""The processors that the port's promises are asked of, each with an adapter on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecosystem.adapters.outside.cards import Account, CardProcessor
from ecosystem.ports.cards import Cards
from ecosystem.sandbox import CALM, Keys, Sandbox, Settings

KEYS = Keys.new()


@dataclass(frozen=True)
class Bench:
    """A port to ask, the sandbox behind it, and a way to open the port once more: another process, after a crash."""

    cards: Cards
    sandbox: Sandbox


def account(sandbox: Sandbox, **changes: object) -> Account:
    fields: dict[str, object] = {
        "origin": sandbox.origin,
        "secret_key": sandbox.keys.secret_key,
        "publishable_key": sandbox.keys.publishable_key,
        "timeout_s": 2.0,
        "patience_s": 0.01,
    }
    return Account(**(fields | changes))  # pyright: ignore[reportArgumentType]


@pytest.fixture(params=["sandbox"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    settings = Settings(data=tmp_path / "sandbox.sqlite", keys=KEYS, profile=CALM)
    async with Sandbox.running(settings) as sandbox:
        cards = await CardProcessor.open(account(sandbox))
        yield Bench(cards, sandbox)
        await cards.close()
