"""The audit log under attack: whatever is changed in what is stored of it, verification finds, and nothing else.

    python -m bench.audit_tampering [--entries N] [--attacks N] [--seed N]

A log of a million entries is made of transfers, events and acts, and is verified whole. Then stored bytes are changed,
directly in the file, with its checksums put right: bits flipped, items deleted, cut short, exchanged; the log cut short
or written anew with every hash made to fit. Each time the whole verification is carried out, except that it remembers
what it read of blocks and items that nobody touched. Then the bytes are put back, and it must find nothing. What no
statement of the log rests on is named in NEUTRAL, field by field; flips there are counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from zlib import crc32

import apsw
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.table_file import rows
from ecosystem.adapters.embedded.table_item import Item as Packed
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.witness import FileWitness
from ecosystem.contexts.audit import Candidate, LogReader, Report, Salts, Sequencer, Signer, Verifier, keys
from ecosystem.contexts.audit.findings import Findings
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, Tile
from ecosystem.contexts.audit.matching import UNREADABLE
from ecosystem.contexts.audit.merkle import leaf_hash, root_of
from ecosystem.contexts.audit.salts import Alias, Salt
from ecosystem.contexts.audit.verify import Block, roots_at
from ecosystem.contexts.ledger import Ledger, Recorded, State, chart
from ecosystem.contexts.ledger.keys import transfer_key
from ecosystem.journeys.auditing import Auditing, of_act, of_event, of_transfer, read
from ecosystem.kernel.actor import Actor
from ecosystem.ports.audit import Act, AuditKind, act_key
from ecosystem.ports.bus import Event, event_key
from ecosystem.ports.keys import Keys, Signature
from ecosystem.ports.table import Key, Put, Row, Stored

ENTRIES, ATTACKS = 1_000_000, 4_000
APPENDS_GOAL = 5_000
"""Entries a second, asked of the whole drill alone."""
TOGETHER, AT_ONCE = 99, 8
PEOPLE = 307
CHECKPOINTS = 40
TOLD_EVERY = 500
BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
At = tuple[str, str]
S = TypeVar("S", bound=Stored)

NEUTRAL: Mapping[type[Stored], tuple[str, ...]] = {
    # Which changes the head has seen, and when: what it makes wrong shows as acts not entered, or entered twice.
    Head: ("at", "cursor"),
    Salt: ("made_at",),
}
"""What no statement of the log rests on."""

KINDS: Mapping[str, type[Stored]] = {
    "chunk": Chunk,
    "tile": Tile,
    "head": Head,
    "checkpoint": Checkpoint,
    "salt": Salt,
    "alias": Alias,
}
ITEMS = ("chunk", "chunk", "tile", "head", "checkpoint", "salt", "alias", "item", "item", "item")
ATTACKED = (*ITEMS, *ITEMS, "cut", "anew", "witness")


class OneKey:
    """The one signing key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.public = self._key.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> Signature:
        return Signature(version=1, public_key=self.public, signature=self._key.sign(message))


def item(number: int) -> tuple[Key, Stored]:
    """The number-th audited item: six in ten are transfers, three acts, one an event."""
    at = BEGAN_AT + timedelta(seconds=number)
    person = Actor(actor_id=f"usr_{number % PEOPLE}", impersonator="usr_boss" if number % 97 == 0 else None)
    if number % 10 < 6:
        made = Recorded(
            transfer_id=f"pay_{number}.charge.base",
            debit_account_id="processor:EUR",
            credit_account_id=f"escrow:bkg_{number}",
            units=str(100 + number % 9_999),
            ledger="EUR",
            code=1,
            reference=f"bkg_{number}",
            state=State.FINAL,
            at=at,
            debit_is_summed=True,
        )
        return transfer_key(made.transfer_id), made
    if number % 10 < 9:
        act = Act(
            act_id=f"act_{number}",
            kind=AuditKind.ACCESS,
            action="AddressRevealed",
            actor=person,
            subject=f"usr_{number % 77}",
            at=at,
            detail={"field": "email"},
        )
        return act_key(act.act_id), act
    aggregate, sort = f"SERVICE#svc_{number}", "ServicePublished"
    event = Event(
        event_id=f"{aggregate}:2:{sort}",
        source="provider",
        type=sort,
        at=at,
        aggregate=aggregate,
        sequence=2,
        actor=person,
        detail={"service_id": f"svc_{number}"},
        audit="content",
    )
    return event_key(aggregate, 2, sort), event


def candidate(value: Stored) -> Candidate:
    """What the item says for the log."""
    if isinstance(value, Recorded):
        return of_transfer(value)
    return of_event(value) if isinstance(value, Event) else of_act(cast("Act", value))


@dataclass(slots=True)
class Remembering(Verifier):
    """The verifier, which reads again only the blocks and items that were touched."""

    known: dict[int, Block] = field(default_factory=dict[int, Block])
    touched_blocks: set[int] = field(default_factory=set[int])
    touched_items: set[int] = field(default_factory=set[int])
    leaves: list[bytes] = field(default_factory=list[bytes])
    """The leaf that each item has."""

    at: dict[bytes, int] = field(default_factory=dict[bytes, int])

    async def block(self, index: int, size: int) -> Block:
        known = self.known.get(index)
        count = min(BLOCK, size - index * BLOCK)
        if known is None or index in self.touched_blocks or len(known.hashes) != count:
            return await Verifier.block(self, index, size)
        return known

    def places(self, findings: Findings, blocks: Sequence[Block]) -> dict[bytes, int]:  # noqa: ARG002 — as the verifier's own has it
        """Of what was touched, and of what is another leaf than it was."""
        places = {self.leaves[number]: self.at[self.leaves[number]] for number in self.touched_items}
        changed = [block for block in blocks if block is not self.known.get(block.index)]
        return places | {
            hashed: place
            for block in changed
            for place, hashed in enumerate(block.hashes, block.index * BLOCK)
            if hashed not in self.at
        }


class Known(Salts):
    """The salts, which are read by their keys: to find a thousand among a million items, all would be read each time."""

    places: Mapping[type[Stored], Sequence[Key]] = {}

    async def _all(self, kind: type[S]) -> AsyncIterator[Sequence[Row[S]]]:
        places = self.places[kind]
        for first in range(0, len(places), TOGETHER):
            rows = await self.table.batch_get(places[first : first + TOGETHER], kind)
            yield [row for row in rows if row is not None]


class Field:
    """Where it is fought: the table as verification reads it, and the file as the attacker does."""

    def __init__(self, folder: Path, entries: int, seed: int) -> None:
        self.folder, self.entries = folder, entries
        self.path = folder / "table.sqlite"
        self.clock = VirtualClock(BEGAN_AT + timedelta(seconds=entries, days=1))
        self.key, self.random = OneKey(), random.Random(seed)
        self.witness = FileWitness(folder / "witness.txt")
        self.made, self.named, self.neutral = Counter[str](), Counter[str](), 0
        self.entered_s = 0.0
        self.missed: list[str] = []
        self.false: list[str] = []

    async def make(self) -> tuple[float, float]:
        """Write the items, then enter them; how long each took, in seconds."""
        table = await EmbeddedTable.open(self.path, self.clock, upkeep=False)
        sequencer = Sequencer(
            table,
            self.clock,
            Salts(table, self.clock, SeededEntropy(1)),
            read,
            Auditing(table, Ledger(table, self.clock, chart.account)).everything,
            origin="market.example/audit",
            signer=cast("Keys", self.key),
            witness=self.witness,
        )
        made_s = entered_s = 0.0
        every = max(1, self.entries // CHECKPOINTS)
        for first in range(0, self.entries, every):
            began = time.perf_counter()
            await self._write(table, first, min(first + every, self.entries))
            written = time.perf_counter()
            await sequencer.caught_up()
            entered_s += time.perf_counter() - written
            made_s += written - began
            await sequencer.seal()
            self.clock.advance(timedelta(seconds=5))
        await table.close()
        return made_s, entered_s

    async def _write(self, table: EmbeddedTable, start: int, end: int) -> None:
        for first in range(start, end, TOGETHER * AT_ONCE):
            some = [item(number) for number in range(first, min(first + TOGETHER * AT_ONCE, end))]
            writes = [Put(key=key, value=value) for key, value in some]
            parts = [writes[at : at + TOGETHER] for at in range(0, len(writes), TOGETHER)]
            await asyncio.gather(*(table.transact(*part) for part in parts))

    async def open(self) -> Remembering:
        # What the witness was told within the last minutes it need not have yet.
        self.clock.advance(timedelta(hours=1))
        table = await EmbeddedTable.read_only(self.path, self.clock)
        self.verifier = Remembering(
            LogReader(table),
            Known(table, self.clock, SeededEntropy(2)),
            self._touched,
            self.clock,
            Ed25519Signatures(),
            (Signer(public_key=self.key.public),),
            self.witness,
        )
        self.whole = Verifier(
            LogReader(table),
            Salts(table, self.clock, SeededEntropy(2)),
            Auditing(table, Ledger(table, self.clock, chart.account)).everything,
            self.clock,
            Ed25519Signatures(),
            (Signer(public_key=self.key.public),),
            self.witness,
        )
        self.file = apsw.Connection(str(self.path))
        self.file.set_busy_timeout(5_000)
        return self.verifier

    async def close(self) -> None:
        self.file.close()
        await cast("EmbeddedTable", self.verifier.log.table).close()

    async def learn(self) -> None:
        """Read every block and every item once."""
        verifier, findings = self.verifier, Findings()
        size = await verifier.log.size()
        blocks = await Verifier.blocks(verifier, findings, size)
        assert not findings.count
        verifier.known = {block.index: block for block in blocks}
        verifier.at = Verifier.places(verifier, findings, blocks)
        for number in range(self.entries):
            said = await verifier.salts.entry(candidate(item(number)[1]))
            assert said is not None
            verifier.leaves.append(leaf_hash(said.encoded()))
        assert set(verifier.leaves) == verifier.at.keys()
        self.size = size
        self.sizes = [one.size for one in (await verifier.log.checkpoints())[0]]
        # The first item that names each person: what their salt and pseudonym are held to.
        self.first_of = {f"usr_{number % PEOPLE}": number for number in reversed(range(9 * PEOPLE)) if number % 10 > 5}
        self.aliases, salts = (
            cast("list[At]", rows(self.file, "SELECT pk, sk FROM items WHERE pk > ? AND pk < ?", between))
            for between in (("AUDIT#ALIAS#", "AUDIT#ALIAT"), ("AUDIT#SALT#", "AUDIT#SALU"))
        )
        Known.places = {Salt: [Key(*at) for at in salts], Alias: [Key(*at) for at in self.aliases]}

    async def _touched(self) -> AsyncIterator[Candidate]:
        for number in sorted(self.verifier.touched_items):
            key, value = item(number)
            row = await self.verifier.log.table.get(key, type(value))
            if row is None or (isinstance(row.value, Event) and not row.value.audit):
                continue
            # As `everything` has it: what lies where another item should is not what was entered.
            said, there = candidate(row.value), self.place_of(row.value)
            yield said if there == key else replace(said, item_id=f"{key.partition} {key.sort}")

    def place_of(self, value: Stored) -> Key:
        """Where the item belongs."""
        match value:
            case Recorded():
                return transfer_key(value.transfer_id)
            case Event():
                return event_key(value.aggregate, value.sequence, value.type)
            case _:
                return act_key(cast("Act", value).act_id)

    # The attacker's hand: rows of the file, each with the checksum that belongs to it.

    def row(self, at: At) -> bytes | None:
        found = rows(self.file, "SELECT item FROM items WHERE pk = ? AND sk = ?", at)
        return found[0][0] if found else None

    def put(self, at: At, packed: bytes | None) -> None:
        if packed is None:
            rows(self.file, "DELETE FROM items WHERE pk = ? AND sk = ?", at)
        else:
            rows(self.file, "INSERT OR REPLACE INTO items VALUES (?, ?, ?, NULL, ?)", (*at, packed, crc32(packed)))

    def rewrite(self, at: At, kind: type[Stored], **changes: object) -> None:
        """The item with other fields, packed as the product packs it."""
        before = self.row(at)
        assert before is not None
        packed = msgspec.msgpack.decode(before, type=Packed)
        value = replace(msgspec.msgpack.decode(packed.body, type=kind), **changes)
        self.put(at, msgspec.msgpack.encode(replace(packed, body=msgspec.msgpack.encode(value))))

    @contextmanager
    def undone(self, *places: At) -> Any:
        """Whatever is done to these rows is undone at the end."""
        before = {at: self.row(at) for at in places}
        try:
            yield
        finally:
            for at, packed in before.items():
                self.put(at, packed)

    # The attacks.

    async def attack(self) -> None:
        what = self.random.choice(ATTACKED)
        self.verifier.touched_blocks.clear()
        self.verifier.touched_items.clear()
        if what == "cut":
            await self._cut()
        elif what == "anew":
            await self._anew()
        elif what == "witness":
            await self._witness()
        else:
            await self._row(what)

    async def _row(self, what: str) -> None:
        at, kind = self._target(what)
        other, _ = self._target(what)
        how = self.random.choice(("flip", "flip", "flip", "delete", "cut short", "exchange"))
        with self.undone(at, other):
            before, second = self.row(at), self.row(other)
            assert before is not None
            assert second is not None
            if how == "flip":
                bit = self.random.randrange(len(before) * 8)
                self.put(at, before[: bit // 8] + bytes([before[bit // 8] ^ 1 << bit % 8]) + before[bit // 8 + 1 :])
                if await self._is_neutral(at, kind, before):
                    self.neutral += 1
                    return
            elif how == "exchange":
                if before == second:
                    return
                self.put(at, second)
                self.put(other, before)
            else:
                self.put(at, None if how == "delete" else before[: self.random.randrange(len(before))])
            await self._judge(f"{what}: {how}", at)
        await self._acquit(f"{what}: {how}", at)

    def _target(self, what: str) -> tuple[At, type[Stored]]:
        """A random item of that kind, and what of the log is touched with it."""
        verifier, kind = self.verifier, KINDS.get(what)
        if kind is None:
            number = self.random.randrange(self.entries)
            verifier.touched_items.add(number)
            key, value = item(number)
            return (key.partition, key.sort), type(value)
        if what == "chunk":
            block = self.random.randrange(-(-self.size // BLOCK))
            verifier.touched_blocks.add(block)
            return self._chunk_of(block), kind
        if what == "alias":
            return self.random.choice(self.aliases), kind
        key = keys.head()
        if what == "tile":
            key = keys.tile(1, self.random.randrange(-(-(self.size // BLOCK) // BLOCK)))
        elif what == "checkpoint":
            key = keys.checkpoint(self.random.choice(self.sizes))
        elif what == "salt":
            person = f"usr_{self.random.randrange(PEOPLE)}"
            verifier.touched_items.add(self.first_of[person])
            key = keys.salt(person)
        return (key.partition, key.sort), kind

    async def _is_neutral(self, at: At, kind: type[Stored], before: bytes) -> bool:
        """Whether nothing that the log states is another: only a field of NEUTRAL, or what lies around the value."""
        try:
            row = await self.verifier.log.table.get(Key(*at), kind)
        except UNREADABLE:
            return False
        if row is None:
            return False
        was = msgspec.msgpack.decode(msgspec.msgpack.decode(before, type=Packed).body, type=kind)
        return replace(row.value, **{name: getattr(was, name) for name in NEUTRAL.get(kind, ())}) == was

    async def _cut(self) -> None:
        """The log as it was at a former size: leaves, tiles, edge, checkpoints and items all fit together."""
        size = self.random.randrange(max(1, self.size - 12 * BLOCK), self.size)
        block, level = size // BLOCK, self.size // BLOCK
        found = rows(
            self.file,
            "SELECT pk, sk FROM items WHERE pk >= ? AND pk <= ? AND sk >= ?",
            (keys.leaves(block), keys.leaves(level), keys.place(block * BLOCK)),
        )
        chunks = cast("list[At]", found)
        marks = [(keys.checkpoints(), keys.place(one)) for one in self.sizes if one > size]
        tiles = {
            (keys.tile(1, at // BLOCK).partition, keys.tile(1, at // BLOCK).sort) for at in range(block, level + 1)
        }
        tiles = {at for at in tiles if self.row(at) is not None}
        head = (keys.head().partition, keys.head().sort)
        with self.undone(head, *chunks, *marks, *tiles):
            for at in chunks:
                first = int(at[1])
                kept = self.leaves_of(at)[: max(0, size - first)]
                self.rewrite(at, Chunk, leaves=tuple(kept)) if kept else self.put(at, None)
            for at in tiles:
                count = max(0, block - int(at[1]) * BLOCK)
                self.rewrite(at, Tile, hashes=self.hashes_of(at)[: 32 * count]) if count else self.put(at, None)
            for at in marks:
                self.put(at, None)
            self.verifier.touched_blocks.update(range(block, level + 1))
            blocks = [await self.verifier.block(index, size) for index in range(-(-size // BLOCK))]
            self.rewrite(head, Head, size=size, edge=tuple(roots_at(blocks, set())[1].hashes))
            await self._judge("log cut short", head)
        await self._acquit("log cut short", head)

    async def _anew(self) -> None:
        """A leaf is another, or two have changed places; every hash above is made to fit, and no checkpoint is ours."""
        block = self.random.randrange(self.size // BLOCK)
        at = self._chunk_of(block)
        tile = (keys.tile(1, block // BLOCK).partition, keys.tile(1, block // BLOCK).sort)
        above = (keys.tile(2, 0).partition, keys.tile(2, 0).sort)
        head = (keys.head().partition, keys.head().sort)
        with self.undone(at, tile, above, head):
            leaves = self.leaves_of(at)
            one, two = self.random.randrange(len(leaves)), self.random.randrange(len(leaves))
            if one == two:
                leaves[one] = leaves[one].replace(b'"v":1', b'"v":1 ')
            leaves[one], leaves[two] = leaves[two], leaves[one]
            self.rewrite(at, Chunk, leaves=tuple(leaves))
            self.verifier.touched_blocks.add(block)
            blocks = [await self.verifier.block(index, self.size) for index in range(-(-self.size // BLOCK))]
            roots = [each.root for each in blocks if len(each.hashes) == BLOCK]
            first = block // BLOCK * BLOCK
            self.rewrite(tile, Tile, hashes=b"".join(roots[first : first + BLOCK]))
            if self.row(above) is not None:
                wholes = range(0, len(roots) - len(roots) % BLOCK, BLOCK)
                self.rewrite(above, Tile, hashes=b"".join(root_of(roots[each : each + BLOCK]) for each in wholes))
            self.rewrite(head, Head, edge=tuple(roots_at(blocks, set())[1].hashes))
            await self._judge("log written anew", at)
        await self._acquit("log written anew", at)

    async def _witness(self) -> None:
        """A bit of the witness file is another, notes at its end or within are gone, or all of it is."""
        path = self.folder / "witness.txt"
        before = path.read_bytes()
        how = self.random.choice(("flip", "flip", "cut", "notes gone", "gone"))
        notes = before.decode().split("\n\n")[:-1]
        pairs = ["\n\n".join(notes[at : at + 2]) + "\n\n" for at in range(0, len(notes), 2)]
        first = self.random.randrange(len(pairs))
        last = self.random.randrange(first, len(pairs)) + 1
        match how:
            case "flip":
                bit = self.random.randrange(len(before) * 8)
                path.write_bytes(before[: bit // 8] + bytes([before[bit // 8] ^ 1 << bit % 8]) + before[bit // 8 + 1 :])
            case "cut":
                path.write_bytes(before[: self.random.randrange(len(before) - 1)])
            case "notes gone":
                path.write_text("".join(pairs[:first] + pairs[last:]))
            case _:
                path.unlink()
        at = ("witness", f"{first} to {last}")
        await self._judge(f"witness: {how}", at)
        path.write_bytes(before)
        await self._acquit(f"witness: {how}", at)

    def _chunk_of(self, block: int) -> At:
        """One of the block's chunks."""
        found = rows(
            self.file,
            "SELECT pk, sk FROM items WHERE pk = ? AND sk >= ? AND sk < ?",
            (keys.leaves(block), keys.place(block * BLOCK), keys.place((block + 1) * BLOCK)),
        )
        return cast("At", self.random.choice(found))

    def leaves_of(self, at: At) -> list[bytes]:
        return list(self._value(at, Chunk).leaves)

    def hashes_of(self, at: At) -> bytes:
        return self._value(at, Tile).hashes

    def _value(self, at: At, kind: type[Any]) -> Any:
        packed = self.row(at)
        assert packed is not None
        return msgspec.msgpack.decode(msgspec.msgpack.decode(packed, type=Packed).body, type=kind)

    async def _judge(self, name: str, at: At) -> None:
        self.made[name] += 1
        report = await self.report()
        if report.holds:
            self.missed.append(f"{name} at {at}")
        else:
            self.named[report.findings[0].wrong.value] += 1

    async def _acquit(self, name: str, at: At) -> None:
        report = await self.report()
        if not report.holds:
            self.false.append(f"{name} at {at}, put back: {report.findings[0]}")

    async def report(self) -> Report:
        self.verifier.log = LogReader(self.verifier.log.table)
        return await self.verifier.verify()


async def drill(entries: int, attacks: int, seed: int, folder: Path) -> Field:
    """Make the log, verify it whole, attack it, verify it whole again."""
    field = Field(folder, entries, seed)
    made_s, field.entered_s = await field.make()
    print(
        f"{entries:,} items written in {made_s:.0f} s, entered in {field.entered_s:.0f} s: "
        f"{entries / field.entered_s:,.0f} a second, the goal is {APPENDS_GOAL:,}",
        flush=True,
    )
    await field.open()
    try:
        await _whole(field, "before")
        await field.learn()
        began = time.perf_counter()
        for number in range(1, attacks + 1):
            await field.attack()
            if number % TOLD_EVERY == 0:
                took = time.perf_counter() - began
                print(
                    f"{number:,} attacks, {len(field.missed)} missed, {len(field.false)} false, {took:.0f} s",
                    flush=True,
                )
        await _whole(field, "after")
    finally:
        await field.close()
    return field


async def _whole(field: Field, when: str) -> None:
    began = time.perf_counter()
    report = await field.whole.verify()
    took = time.perf_counter() - began
    print(
        f"verified whole {when} the attacks: {report.size:,} entries, {report.items:,} items, {report.checkpoints} "
        f"checkpoints, {report.found} findings, {took:.1f} s, {report.size / took:,.0f} entries a second",
        flush=True,
    )
    field.false.extend(f"{when}: {finding}" for finding in report.findings)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--attacks", type=int, default=ATTACKS)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        field = asyncio.run(drill(asked.entries, asked.attacks, asked.seed, Path(folder)))
    for name, count in sorted(field.made.items()):
        print(f"  {name}: {count}")
    print(f"  first findings named: {', '.join(f'{name} {count}' for name, count in field.named.most_common())}")
    for line in (*field.missed[:10], *field.false[:10]):
        print(f"  {line}")
    print(
        f"{sum(field.made.values()):,} attacks, {len(field.missed)} missed, {len(field.false)} false; "
        f"{field.neutral} flips where nothing is stated"
    )
    is_slow = asked.entries >= ENTRIES and asked.entries / field.entered_s < APPENDS_GOAL
    return 1 if field.missed or field.false or is_slow else 0


if __name__ == "__main__":
    sys.exit(main())
