"""The keyring's corner of the table: each key with the access pattern it serves."""

from __future__ import annotations

from ecosystem.ports.keys import KeyName
from ecosystem.ports.table import Key


def ring(name: KeyName) -> Key:
    """Access: how a named key stands."""
    return Key(ring_timeline(name), "STATE")


def ring_timeline(name: KeyName) -> str:
    """Access: the events of a named key."""
    return f"KEYRING#{name}"


def use(name: KeyName) -> Key:
    """Access: how often a named key was used, and when last."""
    return Key(ring_timeline(name), "USE")


def marks() -> Key:
    """Access: by what the keys are known again."""
    return Key("KEYRING", "MARKS")
