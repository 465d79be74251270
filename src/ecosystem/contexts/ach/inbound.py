"""Files that the bank puts out for us: kept first, then worked through, each once in effect.

A file's id is made of its bytes: the same file under another name is the same file. How far it was worked through
stands in it, and each thing in it has an id of its own, so that whoever goes on after a crash does nothing twice.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.returns import Told
from ecosystem.contexts.ach.vault import Vault
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.nacha import Category, Fault, Reading, Record
from ecosystem.kernel.nacha import Entry as FileEntry
from ecosystem.kernel.nacha.layouts import BATCH_HEADER, FILE_HEADER
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table

REOPENED_MAX = 20
ACK_FIELDS = ["file", "sha256", "result", "reason", "entries", "debit_cents", "credit_cents", "received_at"]


class NoSuchInbound(NotFound):
    """The bank sent no such file."""


class AcknowledgementRefused(Invalid):
    """This is no acknowledgement as it was agreed."""


class NotRefused(Conflict):
    """This file was not refused: it is worked through, or will be."""


class InboundKind(StrEnum):
    """`entries`: returns and changes, in the network's own format. `acknowledgement`, `statement`: as agreed."""

    ENTRIES = "entries"
    ACKNOWLEDGEMENT = "acknowledgement"
    STATEMENT = "statement"
    UNKNOWN = "unknown"


class InboundState(StrEnum):
    KEPT = "kept"
    DONE = "done"
    REFUSED = "refused"


class Inbound(Stored, frozen=True, kw_only=True):
    """A file of the bank. `position` is how many things in it are dealt with; `faults` what is wrong with it.

    `reopened_by` are the operators who had it worked through again after it was refused.
    """

    entity: ClassVar[str] = "ach-inbound"

    inbound_id: str
    names: tuple[str, ...]
    kind: InboundKind
    size_bytes: int
    content_sha256: str
    state: InboundState = InboundState.KEPT
    position: int = 0
    things: int = 0
    faults: tuple[str, ...] = ()
    reopened_by: tuple[str, ...] = ()
    kept_at: datetime
    changed_at: datetime

    @property
    def content_id(self) -> str:
        return f"inbound-{self.inbound_id}"


class Emptied(Stored, frozen=True, kw_only=True):
    """When we last took everything that the bank had for us."""

    entity: ClassVar[str] = "ach-inbox"

    emptied_at: datetime


class Notice(Struct, frozen=True, kw_only=True):
    """A notification of change as the file says it; `corrected` is what is right, in clear for as long as it takes."""

    code: str
    original_trace: str
    trace_number: str
    corrected: str
    is_refusal: bool = False

    def __repr__(self) -> str:
        return f"Notice({self.code})"


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """What the bank says of one of our files."""

    name: str
    sha256: str
    is_accepted: bool
    reason: str
    entries: int
    debit_cents: int
    credit_cents: int


class Others(Struct, frozen=True, kw_only=True):
    """An entry in a file of the bank that is neither: a payment to us, for example."""

    trace_number: str
    cents: int


Thing = Told | Notice | Others


def inbound_id(content: bytes) -> str:
    """The id that these bytes have, whatever the file is called."""
    return sha256(content).hexdigest()[:32]


def kind_of(content: bytes) -> InboundKind:
    """What a file is, by how it begins."""
    if content.lstrip(b"\r\n").startswith(b"101"):
        return InboundKind.ENTRIES
    if content.startswith(b"01,"):
        return InboundKind.STATEMENT
    if content.startswith(b"file,sha256,"):
        return InboundKind.ACKNOWLEDGEMENT
    return InboundKind.UNKNOWN


def faults_of(content: bytes) -> list[Fault]:
    """What is wrong with a file in the network's format, as strictly as our own are held to it."""
    reading = Reading()
    for _ in reading.items([content]):
        pass
    return reading.faults


def things(content: bytes) -> Iterator[Thing]:
    """What is in a file of returns and changes, in order."""
    made_on: date | None = None
    settles_on: date | None = None
    for item in Reading().items([content]):
        if isinstance(item, FileEntry):
            thing = _thing(item)
            yield replace(thing, stated_on=settles_on or made_on) if isinstance(thing, Told) else thing
        elif item.layout.name == FILE_HEADER.name:
            made_on = _day(item["file_creation_date"])
        elif item.layout.name == BATCH_HEADER.name:
            settles_on = settlement_day(item["settlement_date"], made_on)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%y%m%d").date()  # noqa: DTZ007 - a date alone
    except ValueError:
        return None


def settlement_day(text: str, made_on: date | None) -> date | None:
    """The day that the operator put into a batch header: its number within the year, next to when the file was made."""
    if made_on is None or not (len(text) == 3 and text.isascii() and text.isdigit() and 1 <= int(text) <= 366):
        return None
    around = [date(made_on.year + years, 1, 1) + timedelta(days=int(text) - 1) for years in (-1, 0, 1)]
    return min(around, key=lambda day: abs(day - made_on))


def _thing(entry: FileEntry) -> Thing:
    record = entry.record
    addenda = next((each for each in entry.addenda if each.layout.name.startswith("addenda_9")), None)
    if addenda is None:
        return Others(trace_number=record["trace_number"], cents=entry.amount_cents)
    match entry.category:
        case Category.CHANGE:
            refused = addenda.layout.name.endswith("refused")
            return Notice(
                code=addenda["change_code"],
                original_trace=addenda["original_trace"],
                trace_number=addenda["trace_number"],
                corrected=addenda.raw("corrected_data").rstrip(),
                is_refusal=refused,
            )
        case Category.CONTESTED:
            return _told(record, addenda, "R" + addenda["return_reason_code"], addenda["contested_return_code"])
        case Category.DISHONORED:
            return _told(record, addenda, addenda["dishonored_return_reason_code"], "")
        case _:
            return Told(
                code=addenda["return_code"],
                original_trace=addenda["original_trace"],
                trace_number=addenda["trace_number"],
                cents=entry.amount_cents,
                routing_eight=addenda["original_dfi"],
                last4=record["dfi_account_number"][-4:],
                information=addenda["addenda_information"],
            )


def _told(record: Record, addenda: Record, code: str, contested: str) -> Told:
    return Told(
        code=code,
        original_trace=addenda["original_entry_trace_number"],
        trace_number=addenda["return_trace_number"],
        cents=record.number("amount"),
        routing_eight=addenda["original_receiving_dfi_identification"],
        last4=record["dfi_account_number"][-4:],
        contested_code=contested,
    )


def acknowledgements(content: bytes) -> Sequence[Acknowledgement]:
    """What the bank says of our files. Raises `AcknowledgementRefused`."""
    rows = list(csv.reader(io.StringIO(content.decode("ascii", "replace"))))
    if not rows or rows[0] != ACK_FIELDS:
        raise AcknowledgementRefused
    try:
        return [
            Acknowledgement(
                name=row[0],
                sha256=row[1],
                is_accepted={"accepted": True, "rejected": False}[row[2]],
                reason=row[3],
                entries=int(row[4]),
                debit_cents=int(row[5]),
                credit_cents=int(row[6]),
            )
            for row in rows[1:]
        ]
    except (ValueError, IndexError, KeyError) as broken:
        raise AcknowledgementRefused from broken


def reopened(known: Inbound, actor: Actor, at: datetime) -> Inbound:
    """The refused file, to be worked through again. Raises `Denied`, `NotRefused`."""
    actor.must_operate()
    if known.state is not InboundState.REFUSED:
        raise NotRefused
    by = (*known.reopened_by, actor.actor_id)[-REOPENED_MAX:]
    return replace(known, state=InboundState.KEPT, position=0, faults=(), reopened_by=by, changed_at=at)


@dataclass(frozen=True, slots=True)
class Inbox:
    """Keeps what the bank sends."""

    table: Table
    clock: Clock
    vault: Vault

    async def keep(self, name: str, content: bytes) -> Inbound:
        """Keep a file; the one that was kept before, when it is the same."""
        file_id, at = inbound_id(content), self.clock.now()
        if row := await self.table.get(keys.inbound(file_id), Inbound):
            if name not in row.value.names and len(row.value.names) < 20:
                after = replace(row.value, names=(*row.value.names, name))
                await self.table.transact(self._put(after, row))
                return after
            return row.value
        made = Inbound(
            inbound_id=file_id,
            names=(name,),
            kind=kind_of(content),
            size_bytes=len(content),
            content_sha256=sha256(content).hexdigest(),
            kept_at=at,
            changed_at=at,
        )
        await self.vault.keep(made.content_id, content)
        try:
            await self.table.transact(self._put(made, None))
        except Stale:
            return (await self.row(file_id)).value
        return made

    async def content(self, inbound: Inbound) -> bytes:
        return await self.vault.kept(inbound.content_id)

    async def row(self, file_id: str) -> Row[Inbound]:
        """The file. Raises `NoSuchInbound`."""
        row = await self.table.get(keys.inbound(file_id), Inbound)
        if row is None:
            raise NoSuchInbound
        return row

    async def advance(self, file_id: str, position: int, things: int) -> None:
        """How far the file was worked through."""
        row = await self.row(file_id)
        after = replace(
            row.value, position=max(position, row.value.position), things=things, changed_at=self.clock.now()
        )
        await self.table.transact(self._put(after, row))

    async def end(self, file_id: str, state: InboundState, faults: Sequence[str] = ()) -> Inbound:
        """The file is dealt with, or was refused for these faults."""
        row = await self.row(file_id)
        after = replace(row.value, state=state, faults=tuple(faults[:20]), changed_at=self.clock.now())
        await self.table.transact(self._put(after, row))
        return after

    async def reopen(self, file_id: str, actor: Actor) -> Inbound:
        """Have a refused file worked through again: what was done with it before has no second effect.

        Raises `Denied`, `NoSuchInbound`, `NotRefused`.
        """
        row = await self.row(file_id)
        after = reopened(row.value, actor, self.clock.now())
        await self.table.transact(self._put(after, row))
        return after

    async def open_files(self) -> list[Inbound]:
        """Files that were not worked through yet, oldest first."""
        page = await self.table.query(keys.open_inbounds(), Inbound, index=Index.PROVIDER, limit=1000)
        return page.values

    async def emptied(self, at: datetime) -> None:
        """Everything that the bank had put out by then is kept."""
        await self.table.transact(Put(key=keys.inbox(), value=Emptied(emptied_at=at)))

    async def heard_until(self) -> datetime | None:
        """Until when we know everything that the bank said; None when it was never asked.

        A file that is kept and not worked through may say anything.
        """
        row = await self.table.get(keys.inbox(), Emptied)
        if row is None:
            return None
        waiting = [file.kept_at for file in await self.open_files()]
        return min([row.value.emptied_at, *waiting])

    def _put(self, made: Inbound, row: Row[Inbound] | None) -> Put:
        place = f"{sortable(made.kept_at)}#{made.inbound_id}"
        index = {Index.STATUS: Key(keys.inbounds(), place)}
        if made.state is InboundState.KEPT:
            index[Index.PROVIDER] = Key(keys.open_inbounds(), place)
        return Put(
            key=keys.inbound(made.inbound_id), value=made, index=index, expected=row.unchanged if row else ABSENT
        )
