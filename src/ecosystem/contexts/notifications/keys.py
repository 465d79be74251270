"""Notifications' corner of the table."""

from __future__ import annotations

from datetime import date, datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

SHARDS = 4
NOTICES = "NOTIFICATION#"


def notices_partition(user_id: str) -> str:
    """Access: one person's notices, in order of time (prefix `NOTIFICATION#`)."""
    return f"USER#{user_id}"


def notice_key(user_id: str, notice_id: str) -> Key:
    """Access: one notice. Its id begins with its time, so the order of keys is the order of time."""
    return Key(notices_partition(user_id), f"{NOTICES}{notice_id}")


def unread_key(user_id: str) -> Key:
    """Access: how many notices a person has not read; shown on every page."""
    return Key(notices_partition(user_id), "UNREAD_NOTIFICATIONS")


def unread_place(user_id: str, notice_id: str) -> Key:
    """Where a notice stands while it is unread (customer index): what "mark all as read" finds."""
    return Key(unread_partition(user_id), notice_id)


def unread_partition(user_id: str) -> str:
    """Access (customer index): one person's unread notices, the oldest first."""
    return f"UNREAD#{user_id}"


def preferences_key(user_id: str) -> Key:
    """Access: which mails a person wants."""
    return Key(notices_partition(user_id), "PREFERENCES#NOTIFICATIONS")


def letter_key(mail_id: str) -> Key:
    """Access: one letter by the id of its mail."""
    return Key(f"MAIL#{mail_id}", "METADATA")


def due_place(mail_id: str, due_at: datetime) -> Key:
    """Where a letter stands while it is to be sent (status index)."""
    return Key(due_partition(crc32(mail_id.encode()) % SHARDS), f"{sortable(due_at)}#{mail_id}")


def due_partition(shard: int) -> str:
    """Access (status index): letters to be sent, in the order in which they are due."""
    return f"MAILS_DUE#{shard}"


def day_place(mail_id: str, at: datetime) -> Key:
    """Where a letter stands among those of its day (slug index)."""
    return Key(day_partition(at.date(), crc32(mail_id.encode()) % SHARDS), mail_id)


def day_partition(day: date, shard: int) -> str:
    """Access (slug index): the letters written on a day (UTC), merged from `SHARDS` partitions, for the console."""
    return f"MAILS#{day:%Y-%m-%d}#{shard}"


def recipient_place(address: str, mail_id: str) -> Key:
    """Where a letter stands among those to one address (customer index)."""
    return Key(recipient_partition(address), mail_id)


def recipient_partition(address: str) -> str:
    """Access (customer index): the letters to one address, for the console."""
    return f"MAILS_TO#{address.strip().lower()}"
