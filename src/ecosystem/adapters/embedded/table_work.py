"""What the writer is asked to do: a transaction, the removal of expired items, the pruning of what is old."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Protocol

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.table_changes import needed
from ecosystem.adapters.embedded.table_item import MICROSECOND, Entry, Kept, added, met, put, refused
from ecosystem.adapters.embedded.table_store import Store
from ecosystem.ports.table import Add, Check, Key, Put, TokenReused, Write

TOKENS_KEPT = timedelta(minutes=10) // MICROSECOND
CHANGES_KEPT = timedelta(days=7) // MICROSECOND
CHANGES_HELD = timedelta(days=90) // MICROSECOND
"""How long changes are kept for a named follower who has not read them."""


class Work(Protocol):
    """One caller's share of a commit: what changed when it was carried out at `now`.

    All conditions are checked before the first write, so a refusal leaves nothing to undo.
    """

    def carry_out(self, store: Store, now: int) -> Sequence[Entry]: ...


class Transaction(Struct, frozen=True):
    """The writes of one `transact`, already found fit, with their encoded values."""

    writes: Sequence[Write]
    bodies: Sequence[bytes]
    token: str | None = None

    def carry_out(self, store: Store, now: int) -> Sequence[Entry]:
        fingerprint = b""
        if self.token is not None:
            fingerprint = _fingerprint(self.writes, self.bodies)
            if _done_before(store, self.token, fingerprint, now):
                return ()
        decided = [_decided(store, write, body, now) for write, body in zip(self.writes, self.bodies, strict=True)]
        entries: list[Entry] = []
        for write, change in zip(self.writes, decided, strict=True):
            if change is not None:
                pk, sk = write.key.partition, write.key.sort
                old, new = change
                store.replace(pk, sk, old, new)
                entries.append(Entry(pk, sk, old and old.packed, new and new.packed))
        if entries:
            store.log(now, entries)
        if self.token is not None:
            store.remember(self.token, fingerprint, now)
        return entries


class Expiry(Struct, frozen=True):
    """Remove up to `limit` items whose time has come."""

    limit: int

    def carry_out(self, store: Store, now: int) -> Sequence[Entry]:
        entries: list[Entry] = []
        for pk, sk in store.due(now, self.limit):
            old = store.find(pk, sk)
            # An earlier member of the batch may have written or removed it since.
            if old is not None and old.item.expires is not None and old.item.expires <= now:
                store.replace(pk, sk, old, None)
                entries.append(Entry(pk, sk, old.packed, None, expired=True))
        if entries:
            store.log(now, entries)
        return entries


class Pruning:
    """Forget up to `limit` changes, and as many tokens, that nobody may ask for any more.

    `followers` are the items in which those keep their cursors for whom changes are held back.
    """

    def __init__(self, limit: int, followers: Iterable[Key] = ()) -> None:
        self._limit = limit
        self._followers = followers
        self.more = False

    def carry_out(self, store: Store, now: int) -> Sequence[Entry]:
        places = [store.find(key.partition, key.sort) for key in self._followers]
        held = [seq for place in places if place is not None and (seq := needed(place.item.body)) is not None]
        pruned = store.prune(now - CHANGES_KEPT, now - TOKENS_KEPT, self._limit, held_from=min(held, default=None))
        if held:
            pruned += store.prune(now - CHANGES_HELD, now - TOKENS_KEPT, self._limit)
        self.more = pruned >= self._limit
        return ()


def _decided(store: Store, write: Write, body: bytes, now: int) -> tuple[Kept | None, Kept | None] | None:
    """What one write makes of its item: before and after, None when nothing changes.

    Raises the write's refusal when the item is not as expected.
    """
    old = store.find(write.key.partition, write.key.sort)
    live = None if old is None or (old.item.expires is not None and old.item.expires <= now) else old.item
    if write.expected is not None and not met(write.expected, live):
        raise refused(write)
    version = 1 if old is None else old.item.version + 1
    if isinstance(write, Put):
        return old, put(write, body, version)
    if isinstance(write, Add):
        return old, added(write, live, version)
    if isinstance(write, Check) or old is None:
        return None
    return old, None


def _done_before(store: Store, token: str, fingerprint: bytes, now: int) -> bool:
    """Whether these writes were carried out under this token lately. Raises `TokenReused` when others were."""
    earlier = store.token(token)
    if earlier is None or earlier[1] <= now - TOKENS_KEPT:
        return False
    if earlier[0] != fingerprint:
        raise TokenReused
    return True


def _fingerprint(writes: Sequence[Write], bodies: Sequence[bytes]) -> bytes:
    """A digest of what the writes do; the refusals they stand for are not part of it."""
    digest = blake2b(digest_size=16)
    for write, body in zip(writes, bodies, strict=True):
        plain = {name: getattr(write, name) for name in write.__struct_fields__ if name not in {"otherwise", "value"}}
        entity = write.value.entity if isinstance(write, Put) else ""
        digest.update(msgspec.msgpack.encode((type(write).__name__, entity, body, plain), order="sorted"))
    return digest.digest()
