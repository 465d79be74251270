"""Booking's corner of the table: each key with the access pattern it serves.

What falls due is found in the status index: partitions by status and a shard, sorted by the instant it is due, so that
a sweep reads only what is due, in order, and after any downtime. Shards spread the writes of a busy status over
several partitions of the cloud's index.
"""

from __future__ import annotations

from datetime import date, datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

SHARDS = 8
BUSY = "BUSY#"
CALENDARS = "CALENDAR#"
BOOKINGS = "BOOKING#"
"""What the places of bookings in the indexes by customer and provider begin with."""


def shard(entry_id: str) -> int:
    return crc32(entry_id.encode()) % SHARDS


def plan(provider_id: str) -> Key:
    """Access: one provider's weekly plan, exceptions and time off."""
    return Key(provider(provider_id), "PLAN")


def busy(provider_id: str, feed: str) -> Key:
    """Access: the busy spans of one imported calendar; all of a provider's by the prefix `BUSY#`."""
    return Key(provider(provider_id), f"{BUSY}{feed}")


def outside_calendar(provider_id: str, calendar_id: str) -> Key:
    """Access: one calendar that a provider keeps elsewhere; all of a provider's by the prefix `CALENDAR#`."""
    return Key(provider(provider_id), f"{CALENDARS}{calendar_id}")


def calendars_due(shard: int) -> str:
    """Access (status index): calendars kept elsewhere, of a shard, in order of when they are read next."""
    return f"CALENDAR#due#{shard}"


def calendar_tries(owner_id: str) -> Key:
    """Access: when one person lately added calendars kept elsewhere."""
    return Key(customer(owner_id), "CALENDAR-TRIES")


def day(provider_id: str, day: date) -> Key:
    """Access: what is taken of one UTC day of a provider; a stretch of days as the range `DAY#from` to `DAY#to`."""
    return Key(provider(provider_id), f"DAY#{day.isoformat()}")


def provider(provider_id: str) -> str:
    """Access: all that belongs to one provider."""
    return f"PROVIDER#{provider_id}"


def plan_timeline(provider_id: str) -> str:
    """Access: the events of one provider's plan."""
    return f"PLAN#{provider_id}"


def hold(hold_id: str) -> Key:
    """Access: one hold; its events stand beside it."""
    return Key(f"HOLD#{hold_id}", "METADATA")


def hold_due(shard: int) -> str:
    """Access (status index): open holds of a shard in order of their expiry."""
    return f"HOLD#held#{shard}"


def allowance(owner_id: str) -> Key:
    """Access: the times that one customer or guest holds."""
    return Key(customer(owner_id), "HOLDS")


def booking(booking_id: str) -> Key:
    """Access: one booking; its events stand beside it."""
    return Key(f"BOOKING#{booking_id}", "METADATA")


def booking_status(status: str, shard: int) -> str:
    """Access (status index): bookings of a status in order of what is due, or of their last change when nothing is."""
    return f"BOOKING#{status}#{shard}"


def customer(customer_id: str) -> str:
    """Access (customer index): a customer's or guest's bookings by start (prefix `BOOKING#`)."""
    return f"CUSTOMER#{customer_id}"


def booking_at(start_at: datetime, booking_id: str = "") -> str:
    """The place of a booking among others of its customer or provider: by start, then by id."""
    return f"{BOOKINGS}{sortable(start_at)}#{booking_id}"


def requests(provider_id: str) -> str:
    """Access (slug index): the requests that wait for a provider's answer, in order of when it is due."""
    return f"REQUESTS#{provider_id}"


def due(at: datetime, entry_id: str = "") -> str:
    """The place of what is due at an instant among others of its shard."""
    return f"{sortable(at)}#{entry_id}"


def policy(name: str) -> Key:
    """Access: a cancellation policy as it stands now."""
    return Key(f"POLICY#{name}", "METADATA")


def policy_version(name: str, version: int) -> Key:
    """Access: a cancellation policy as it once was; all by the prefix `VERSION#`."""
    return Key(f"POLICY#{name}", f"VERSION#{version:06d}")


def feed(owner_id: str) -> Key:
    """Access: the calendar feed of one customer or provider."""
    return Key(f"FEED#{owner_id}", "METADATA")
