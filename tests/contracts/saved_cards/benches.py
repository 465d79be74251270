"""A processor and the ports to it."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.ports.cards import Cards
from ecosystem.ports.saved_cards import SavedCards
from ecosystem.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Bench:
    saved: SavedCards
    cards: Cards
    sandbox: Sandbox
