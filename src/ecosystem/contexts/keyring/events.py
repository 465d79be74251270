"""What the keys publish, source `keys`: names and versions, nothing of the keys themselves."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class KeyFact(Fact, frozen=True, kw_only=True):
    """What every fact about a named key names."""

    source: ClassVar[str] = "keys"
    audited: ClassVar[AuditKind | None] = AuditKind.KEYS

    name: str
    version: int


class KeyRotated(KeyFact, frozen=True, kw_only=True):
    """A new version wraps from now on; what former ones wrapped is being re-wrapped."""


class KeyRewrapped(KeyFact, frozen=True, kw_only=True):
    """Nothing is left under former versions: `messages` were moved to this one."""

    messages: int


class KeyRetired(KeyFact, frozen=True, kw_only=True):
    """A version was taken away for ever."""
