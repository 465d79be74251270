"""Disputes' corner of the table: each key with the access pattern it serves."""

from __future__ import annotations

from datetime import datetime

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

DISPUTES = "DISPUTE#"
"""What the places of disputes in their booking's partition begin with."""


def booking(booking_id: str) -> str:
    """Access: the disputes of a booking (prefix `DISPUTE#`), oldest first."""
    return f"BOOKING#{booking_id}"


def dispute(booking_id: str, dispute_id: str) -> Key:
    """Access: one dispute, by its booking and id."""
    return Key(booking(booking_id), f"{DISPUTES}{dispute_id}")


def timeline(dispute_id: str) -> str:
    """Access: the events of one dispute."""
    return f"DISPUTE#{dispute_id}"


def piece(dispute_id: str, digest: str, number: int) -> Key:
    """Access: a part of the evidence, by the hash of the whole."""
    return Key(f"EVIDENCE#{dispute_id}", f"{digest}#{number:04d}")


def by_id(dispute_id: str) -> Key:
    """Access (slug index): one dispute by its id alone."""
    return Key(f"DISPUTE#{dispute_id}", "METADATA")


def state(state: str) -> str:
    """Access (status index): disputes in a state, in order of what is due, or of their last change when nothing is.

    One partition each: disputes are few beside bookings.
    """
    return f"DISPUTE#{state}"


def due(at: datetime, dispute_id: str = "") -> str:
    """The place of what is due at an instant among others of its state."""
    return f"{sortable(at)}#{dispute_id}"


def rules() -> Key:
    """Access: the rules in force."""
    return Key("RULES#disputes", "METADATA")
