"""How often each named key is used, and when it was last: counted in the process, and written down now and then.

Counting is in memory, so that using a key writes nothing; a process that dies forgets its last minute of counts. What is
opened of a person's secrets is an act of the audit log by itself, committed where it is opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.keyring import keys as places
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import Context, KeyName, Keys, Signature, Version
from ecosystem.ports.table import ABSENT, Put, Stored, Table


class Uses(Stored, frozen=True, kw_only=True):
    """What was done under a named key since it is counted, by the word for it, and when last."""

    entity: ClassVar[str] = "key-use"

    counts: dict[str, int]
    last_at: datetime


class UsedKeys:
    """The keys, and a count of what is done with them. Satisfies `Keys`."""

    def __init__(self, keys: Keys, table: Table, clock: Clock) -> None:
        self._keys = keys
        self._table = table
        self._clock = clock
        self._counts: dict[KeyName, Counter[str]] = {name: Counter() for name in KeyName}
        self._last: dict[KeyName, datetime] = {}

    async def encrypt(self, name: KeyName, plain: bytes, context: Context) -> bytes:
        self._count(name, "encrypted")
        return await self._keys.encrypt(name, plain, context)

    async def decrypt(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        self._count(name, "decrypted")
        return await self._keys.decrypt(name, envelope, context)

    async def rewrap(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        self._count(name, "re-wrapped")
        return await self._keys.rewrap(name, envelope, context)

    async def digest(self, name: KeyName, purpose: str, text: str) -> bytes:
        self._count(name, "indexed")
        return await self._keys.digest(name, purpose, text)

    async def sign(self, message: bytes) -> Signature:
        self._count(KeyName.AUDIT, "signed")
        return await self._keys.sign(message)

    async def signers(self) -> Mapping[int, bytes]:
        return await self._keys.signers()

    async def versions(self, name: KeyName) -> Sequence[Version]:
        return await self._keys.versions(name)

    async def rotate(self, name: KeyName) -> Version:
        return await self._keys.rotate(name)

    async def retire(self, name: KeyName, version: int) -> None:
        await self._keys.retire(name, version)

    async def mark(self, name: KeyName) -> bytes:
        """What the key is known again by. It counts as no use."""
        return await self._keys.digest(name, "keyring", name.value)

    async def write_down(self) -> None:
        """Add what was counted since the last time to what is stored."""
        for name in KeyName:
            if not self._counts[name].total():
                continue
            counted = self._counts[name].copy()
            await self._add(name, counted, self._last[name])
            # Only now: what could not be written is counted still. What was counted meanwhile stays.
            self._counts[name].subtract(counted)

    async def used(self, name: KeyName) -> Uses | None:
        """What was done under that key, this process's own counts among it; None when nothing ever was."""
        row = await self._table.get(places.use(name), Uses)
        counted = self._counts[name] + Counter(row.value.counts if row else {})
        if not counted:
            return None
        at = max(each for each in (self._last.get(name), row.value.last_at if row else None) if each)
        return Uses(counts=dict(sorted(counted.items())), last_at=at)

    def _count(self, name: KeyName, what: str) -> None:
        self._counts[name][what] += 1
        self._last[name] = self._clock.now()

    async def _add(self, name: KeyName, counted: Counter[str], last_at: datetime) -> None:
        key = places.use(name)
        row = await self._table.get(key, Uses)
        counts = counted + Counter(row.value.counts if row else {})
        at = max(last_at, row.value.last_at) if row else last_at
        expected = row.unchanged if row else ABSENT
        await self._table.transact(Put(key=key, value=Uses(counts=dict(counts), last_at=at), expected=expected))
