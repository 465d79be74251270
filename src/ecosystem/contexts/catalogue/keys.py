"""The catalogue's corner of the table."""

from __future__ import annotations

from hashlib import sha256
from zlib import crc32

from ecosystem.ports.table import Key

SHARDS = 8
"""Partitions that things of one status are spread over, so that none is hot."""


def provider_key(provider_id: str) -> Key:
    """Access: one provider by id."""
    return Key(f"PROVIDER#{provider_id}", "METADATA")


def service_key(provider_id: str, service_id: str) -> Key:
    """Access: one service of a provider; all services of a provider by the prefix `SERVICE#`."""
    return Key(f"PROVIDER#{provider_id}", f"SERVICE#{service_id}")


def service_home_key(service_id: str) -> Key:
    """Access: whose service this is, when only its id is known."""
    return Key(f"SERVICE#{service_id}", "HOME")


def service_timeline(service_id: str) -> str:
    """Access: the events of one service (`announce` puts them there).

    A partition of its own: two services of one provider may reach the same version.
    """
    return f"SERVICE#{service_id}"


def ownership_key(user_id: str, provider_id: str) -> Key:
    """Access: the providers a user owns, by the prefix `PROVIDER#`."""
    return Key(f"USER#{user_id}", f"PROVIDER#{provider_id}")


def claim_index(email: str, provider_id: str = "") -> Key:
    """Access (customer index): the providers that wait for whoever has that address, by the address's digest."""
    return Key(f"CLAIM#{sha256(email.strip().casefold().encode()).hexdigest()}", provider_id)


def slug_key(kind: str, slug: str) -> Key:
    """Access: who an address leads to, consistent; former addresses too. One item each keeps addresses unique."""
    return Key(f"SLUG#{kind}#{slug}", "METADATA")


def slug_index(kind: str, slug: str, owner: str) -> Key:
    """Access: slug to owner in the slug index: who answers to this address now, former addresses left out."""
    return Key(f"SLUG#{kind}#{slug}", owner)


def rating_key(provider_id: str) -> Key:
    """Access: the sum and count of a provider's ratings (counters `sum` and `count`).

    An item of its own: a review that arrives must not spoil an edit of the profile.
    """
    return Key(f"PROVIDER#{provider_id}", "RATING")


def status_partitions(kind: str, status: str) -> list[str]:
    """Access: things of a status, merged from all shards of the status index."""
    return [f"{kind}S#{status}#{shard}" for shard in range(SHARDS)]


def status_index(kind: str, status: str, since: str, owner: str) -> Key:
    """Where a thing of that status stands in the status index: in order of `since`, then of its id."""
    return Key(f"{kind}S#{status}#{crc32(owner.encode()) % SHARDS}", f"{since}#{owner}")


def imported_key(kind: str, external: str) -> Key:
    """Access: what a row of an import became, by the key the row has in the system it comes from."""
    return Key(f"IMPORTED#{kind}#{external}", "METADATA")


def media_key(media_id: str) -> Key:
    """Access: one picture by its id; several in one batch."""
    return Key(f"MEDIA#{media_id}", "METADATA")


def media_index(owner: str, media_id: str) -> Key:
    """Access: an owner's pictures in the status index, in the order they were added (ids are ordered by time)."""
    return Key(f"MEDIA#{owner}", media_id)


def media_count_key(owner: str) -> Key:
    """Access: how many pictures an owner has (counter `media`), kept within a bound."""
    return Key(f"USER#{owner}", "MEDIA")
