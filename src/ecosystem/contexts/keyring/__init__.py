"""The named keys as operators see them: their versions, what each still has, how a rotation goes on, when they were used."""

from __future__ import annotations

from ecosystem.contexts.keyring.events import KeyRetired, KeyRewrapped, KeyRotated
from ecosystem.contexts.keyring.rotations import KeyBusy, KeyRings, Ring, RingVersion, Rotation, StillNeeded, TooEarly
from ecosystem.contexts.keyring.use import UsedKeys, Uses

__all__ = [
    "KeyBusy",
    "KeyRetired",
    "KeyRewrapped",
    "KeyRings",
    "KeyRotated",
    "Ring",
    "RingVersion",
    "Rotation",
    "StillNeeded",
    "TooEarly",
    "UsedKeys",
    "Uses",
]
