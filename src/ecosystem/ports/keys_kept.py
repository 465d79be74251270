"""Stored items that hold envelopes: how they are found by the version of the key that wrapped them.

An item lies in the customer index under the named key and the oldest version that wrapped anything in it. So the items
a version still has are counted and re-wrapped by reading one partition, and what is left of the work is what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self
from zlib import crc32

from msgspec import Struct

from ecosystem.ports.keys import Context, KeyName
from ecosystem.ports.keys_envelope import read
from ecosystem.ports.table import Index, Key, Stored

SHARDS = 4


class Kept(Struct, frozen=True):
    """One envelope of an item, and the context in which it opens."""

    context: Context
    envelope: bytes


class Enveloped(Stored, frozen=True, kw_only=True):
    """Base of stored structs with envelopes, all of them under the one key `named_key`."""

    named_key: ClassVar[KeyName]

    def envelopes(self) -> Mapping[str, Kept]:
        """Its envelopes, by the names of the fields that hold them."""
        raise NotImplementedError

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        """The same item with these envelopes in the place of those of the same names."""
        raise NotImplementedError

    def key_version(self) -> int:
        """The oldest version that wrapped anything in it; 0 when it holds nothing."""
        return min((read(kept.envelope).version for kept in self.envelopes().values()), default=0)


def wrapped_by(kind: type[Enveloped], version: int, shard: int) -> str:
    """Access (customer index): the items of a kind that a version of their key wrapped, by their ids."""
    return f"ENVELOPES#{kind.named_key}#{version}#{kind.entity}#{shard}"


def wraps(item: Enveloped, item_id: str) -> dict[Index, Key]:
    """The place of an item among those of its version; none when it holds nothing."""
    version = item.key_version()
    if not version:
        return {}
    return {Index.CUSTOMER: Key(wrapped_by(type(item), version, crc32(item_id.encode()) % SHARDS), item_id)}
