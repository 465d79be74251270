"""Fraud's corner of the table: each key with the access pattern it serves."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

SHARDS = 8


def history(kind: str, subject: str) -> Key:
    """Access: what is remembered of one customer, card, provider, network or bank account."""
    return Key(f"FRAUD#{kind}#{subject}", "HISTORY")


THOUGHTS = "FRAUD#"
"""What the places of assessments in their booking's partition begin with."""


def booking(booking_id: str) -> str:
    """Access: what was thought of the payments of a booking (prefix `FRAUD#`), the oldest first."""
    return f"BOOKING#{booking_id}"


def checkout(booking_id: str, payment_id: str) -> Key:
    """Access: what was thought of one payment, beside it in its booking's partition."""
    return Key(booking(booking_id), f"{THOUGHTS}{payment_id}")


def payout(payout_id: str) -> Key:
    """Access: what was thought of one payout."""
    return Key(f"PAYOUT#{payout_id}", "FRAUD")


def timeline(subject_id: str) -> str:
    """Access: the events of what was thought of one payment or payout."""
    return f"FRAUD#{subject_id}"


def queue() -> str:
    """Access (status index): what waits for a decision, the oldest first."""
    return "FRAUD#review"


def stopped() -> str:
    """Access (status index): what was refused, decided or lapsed, by time."""
    return "FRAUD#stopped"


def assessed(shard: int) -> str:
    """Access (status index): everything that was let through at once, by time; a shard is a random part of it."""
    return f"FRAUD#assessed#{shard}"


def shard(subject_id: str) -> int:
    return crc32(subject_id.encode()) % SHARDS


def place(at: datetime, subject_id: str = "") -> str:
    """The place of what was assessed at an instant."""
    return f"{sortable(at)}#{subject_id}"


def policy() -> Key:
    """Access: thresholds, rules and models in force."""
    return Key("POLICY#fraud", "METADATA")


def policy_version(version: int) -> Key:
    """Access: what was in force under a version (prefix `VERSION#`)."""
    return Key("POLICY#fraud", f"VERSION#{version:08d}")


def reviewer(operator_id: str) -> Key:
    """Access: who may decide cases."""
    return Key("FRAUD#reviewers", operator_id)


def reviewer_timeline(operator_id: str) -> str:
    """Access: when an operator was said to be trained, and when not."""
    return f"FRAUD#reviewer#{operator_id}"


def place_of_learning() -> Key:
    """Access: how far the histories have followed the changes."""
    return Key("FRAUD#learning", "CHECKPOINT")


def drift_timeline(kind: str) -> str:
    """Access: when what is seen had moved far from what the model learned."""
    return f"FRAUD#drift#{kind}"


def drift_seen() -> Key:
    """Access: how far what is seen lay from what was learned when it was last looked at."""
    return Key("FRAUD#drift", "LATEST")


def model_blob(model_id: str) -> str:
    """Access (blobs): the bytes of a model."""
    return f"system/fraud/{model_id}.json"
