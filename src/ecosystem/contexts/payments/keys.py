"""Payments' corner of the table: each key with the access pattern it serves.

What waits is found in the status index, in partitions by a shard, sorted by the instant it is due: a sweep reads only
what is due, in order, and after any downtime.
"""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Index, Key

SHARDS = 8

PAYMENT_PREFIX = "PAYMENT#"
REFUND_PREFIX = "REFUND#"


def booking(booking_id: str) -> str:
    """Access: the payments of a booking (prefix `PAYMENT#`), and its refunds (prefix `REFUND#`), oldest first."""
    return f"BOOKING#{booking_id}"


def payment(booking_id: str, payment_id: str) -> Key:
    """Access: one payment, by its booking and id."""
    return Key(booking(booking_id), f"{PAYMENT_PREFIX}{payment_id}")


def payment_timeline(payment_id: str) -> str:
    """Access: the events of one payment."""
    return f"PAYMENT#{payment_id}"


def refund(booking_id: str, refund_id: str) -> Key:
    """Access: one refund, by its booking and id."""
    return Key(booking(booking_id), f"{REFUND_PREFIX}{refund_id}")


def refund_timeline(refund_id: str) -> str:
    """Access: the events of one refund."""
    return f"REFUND#{refund_id}"


def payout_account(provider_id: str) -> Key:
    """Access: a provider's payout account."""
    return Key(f"PROVIDER#{provider_id}", "PAYOUT_ACCOUNT")


def payout_account_timeline(provider_id: str) -> str:
    """Access: the events of a provider's payout account."""
    return f"PAYOUT_ACCOUNT#{provider_id}"


def wallet(person_id: str) -> Key:
    """Access: the cards that a person keeps."""
    return Key(f"USER#{person_id}", "WALLET")


def card_timeline(card_id: str) -> str:
    """Access: when a card was kept, and when forgotten."""
    return f"CARD#{card_id}"


def webhook(event_id: str) -> Key:
    """Access: one event as the processor sent it; its being there makes a second delivery known."""
    return Key(webhook_timeline(event_id), "RECEIVED")


def webhook_timeline(event_id: str) -> str:
    """Access: what was made of one event of the processor."""
    return f"WEBHOOK#{event_id}"


def open_payments(shard: int) -> str:
    """Access (status index): payments whose end is not known, in order of the deadline of their intention."""
    return f"PAYMENT#open#{shard}"


def held_payments(shard: int) -> str:
    """Access (status index): payments authorized and not captured, in order of the end of the authorization."""
    return f"PAYMENT#authorized#{shard}"


def debits_due(shard: int) -> str:
    """Access (status index): settled bank debits, in order of the instant from which they are beyond return."""
    return f"PAYMENT#debit#{shard}"


def mandate(payment_id: str) -> Key:
    """Access: the authorization by which a payment is taken from a bank account."""
    return Key(payment_timeline(payment_id), "MANDATE")


def open_refunds(shard: int) -> str:
    """Access (status index): refunds whose end is not known, in order of the instant to ask again."""
    return f"REFUND#open#{shard}"


def failed_refunds() -> str:
    """Access (status index): refunds that failed and that nobody dealt with yet, in order of their failing."""
    return "REFUND#failed"


def waiting_webhooks(shard: int) -> str:
    """Access (status index): events of the processor not yet acted upon, in order of their arrival."""
    return f"WEBHOOK#waiting#{shard}"


def unknown_webhooks() -> str:
    """Access (status index): events of the processor of a type that nobody here knows, in order of their arrival."""
    return "WEBHOOK#unknown"


def webhooks_read() -> Key:
    """Access: how far the processor's own list of events was compared, and what was found."""
    return Key("WEBHOOK_RECONCILIATION", "CHECKPOINT")


COMPARISON = "RUN#"
"""What the places of comparisons begin with."""


def comparison(began_at: datetime) -> Key:
    """Access: one comparison of the processor's events and things with what was heard, in the order of time."""
    return Key(webhooks_read().partition, f"{COMPARISON}{sortable(began_at)}")


def payout_account_named(account_id: str) -> Key:
    """Access (slug index): the payout account that the processor knows under that id."""
    return Key(f"PAYOUT_ACCOUNT_NAMED#{account_id}", "METADATA")


def shard(entry_id: str) -> int:
    return crc32(entry_id.encode()) % SHARDS


def due(at: datetime, entry_id: str = "") -> str:
    """The place of what is due at an instant among others of its shard."""
    return f"{sortable(at)}#{entry_id}"


def waits(partition: str, at: datetime, entry_id: str) -> dict[Index, Key]:
    """The index keys of what waits in a partition until an instant."""
    return {Index.STATUS: Key(partition, due(at, entry_id))}
