"""A processor with an adapter on it."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.adapters.outside.stripe import Account
from ecosystem.ports.cards import Cards
from ecosystem.sandbox import Keys, Sandbox

KEYS = Keys.new()


@dataclass(frozen=True)
class Bench:
    """A port to ask, the sandbox behind it, and a way to open the port once more: another process, after a crash."""

    cards: Cards
    sandbox: Sandbox


def account(sandbox: Sandbox, **changes: object) -> Account:
    fields: dict[str, object] = {
        "origin": sandbox.origin,
        "browser_origin": sandbox.origin,
        "secret_key": sandbox.keys.secret_key,
        "publishable_key": sandbox.keys.publishable_key,
        "timeout_s": 2.0,
        "patience_s": 0.01,
    }
    return Account(**(fields | changes))  # pyright: ignore[reportArgumentType]
