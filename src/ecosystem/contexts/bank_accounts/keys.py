"""The corner of bank accounts in the table: each key with the access pattern it serves."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Index, Key

SHARDS = 4


def account(account_id: str) -> Key:
    """Access: one bank account."""
    return Key(account_timeline(account_id), "METADATA")


def account_timeline(account_id: str) -> str:
    """Access: the events of one bank account."""
    return f"BANK_ACCOUNT#{account_id}"


def holding(owner_id: str, purpose: str) -> Key:
    """Access: which accounts an owner has for a purpose, and which of them is used."""
    return Key(f"BANK_ACCOUNTS#{owner_id}", f"HOLDING#{purpose}")


def attempts_of_number(fingerprint: bytes) -> Key:
    """Access: how often micro-deposits were asked for to one account number, whoever asked."""
    return Key(f"BANK_ACCOUNT_ATTEMPTS#{fingerprint.hex()}", "ATTEMPTS")


def attempts_of_owner(owner_id: str) -> Key:
    """Access: how often an owner asked for micro-deposits."""
    return Key(f"BANK_ACCOUNTS#{owner_id}", "ATTEMPTS")


def waiting(shard: int) -> str:
    """Access (status index): accounts whose verification has an end, in order of it."""
    return f"BANK_ACCOUNT#verifying#{shard}"


def waits(account_id: str, until: datetime) -> dict[Index, Key]:
    place = crc32(account_id.encode()) % SHARDS
    return {Index.STATUS: Key(waiting(place), f"{sortable(until)}#{account_id}")}


def due(at: datetime) -> str:
    """Whatever is due at an instant sorts before this."""
    return f"{sortable(at)}$"
