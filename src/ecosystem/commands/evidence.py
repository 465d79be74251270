"""Evidence for an assessor: lines that say what was looked at, what was found, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct


class Line(Struct, frozen=True, kw_only=True):
    """One piece of evidence: the requirement, what was looked at, what was found, and what is left to do by hand.

    `holds` is None where nothing was measured.
    """

    requirement: str
    about: str
    found: str
    holds: bool | None
    by_hand: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    made_at: datetime
    marketplace: str
    measured_over_http: bool
    lines: Sequence[Line]
