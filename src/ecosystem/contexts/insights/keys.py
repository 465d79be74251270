"""The corner of the table that insights have."""

from __future__ import annotations

from datetime import date

from ecosystem.ports.table import Key


def now(group: str) -> Key:
    """Access: how one group of figures stands; all groups by the partition."""
    return Key("INSIGHTS#NOW", group)


def days(group: str) -> str:
    """Access: the days of one group of figures, in order."""
    return f"INSIGHTS#DAYS#{group}"


def day(group: str, day: date) -> Key:
    """Access: what one day added to a group of figures; a stretch of days as a range."""
    return Key(days(group), day.isoformat())


def checkpoint() -> Key:
    """Access: how far the tally has come."""
    return Key("INSIGHTS#TALLY", "CHECKPOINT")


def inspections() -> str:
    """Access: every inspection in the order in which they were asked for."""
    return "INSIGHTS#INSPECTIONS"


def inspection(inspection_id: str) -> Key:
    """Access: one inspection."""
    return Key(inspections(), inspection_id)
