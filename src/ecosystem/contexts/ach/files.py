"""Files: the entries of one window, with their control totals, approved where they must be, delivered once.

| state | the file |
| --- | --- |
| `building` | takes in the entries of its window |
| `needs-approval` | is complete, above the limit, and waits for a second person |
| `ready` | may go to the bank |
| `delivering` | is being put there: whether it is, its name at the bank tells |
| `delivered` | lies at the bank |
| `acknowledged` | was taken on by the bank |
| `settled` | was seen in the bank's statement |
| `rejected` | was refused by the bank, or is not there by the word of two operators: a person decides what becomes of its entries |
| `withdrawn` | never goes to the bank: its entries wait for the next window |

There is one file for a window, so the window's id is the file's. Its content is a function of its entries and of
`built_at`: composed again, it is the same, and its hash tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.entries import Direction, Entry, Purpose
from ecosystem.contexts.ach.events import (
    AchEntriesLeftOut,
    AchFileAcknowledged,
    AchFileApproved,
    AchFileBuilt,
    AchFileDelivered,
    AchFileFact,
    AchFileSettled,
    AchFileWithdrawn,
)
from ecosystem.contexts.ach.originator import Originator
from ecosystem.contexts.ach.receivers import AccountKind
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.banking import Window, eastern_day
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Write

MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""The file id modifiers of a day, in the order in which they are taken (Appendix Three, file header)."""
REASON_MAX = 200


class NoSuchFile(NotFound):
    """There is no such file."""


class FileChanging(Stale):
    """The file changed meanwhile: look at it again."""


class NotAwaitingApproval(Conflict):
    """This file does not wait for an approval."""


class NeedsSecondPerson(Denied):
    """Whoever built or changed the file cannot approve it: another operator has to, in their own name."""


class OtherContent(Conflict):
    """The file is not the one you looked at."""


class FileGone(Conflict):
    """The file is at the bank, or was withdrawn: nothing is changed about it any more."""


class ModifiersExhausted(Conflict):
    """Thirty-six files were built today; there is no modifier left for another."""


class FileState(StrEnum):
    BUILDING = "building"
    NEEDS_APPROVAL = "needs-approval"
    READY = "ready"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    SETTLED = "settled"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


HERE = frozenset({FileState.BUILDING, FileState.NEEDS_APPROVAL, FileState.READY})
"""Files that nobody has begun to give to the bank."""
AT_BANK = frozenset({FileState.DELIVERING, FileState.DELIVERED, FileState.ACKNOWLEDGED})


class Totals(Struct, frozen=True, kw_only=True):
    """The control totals: what the file's control record says."""

    batches: int = 0
    entries: int = 0
    addenda: int = 0
    debit_cents: int = 0
    credit_cents: int = 0
    hash: int = 0


class BatchTotals(Struct, frozen=True, kw_only=True):
    """One batch of the file: what it is, and its control totals."""

    number: int
    entry_class: str
    description: str
    direction: Direction
    entries: int
    cents: int
    is_dishonor: bool = False

    @property
    def kind(self) -> tuple[str, str, str, bool]:
        """What its entries have as their `batch`."""
        return (self.entry_class, self.description, self.direction.value, self.is_dishonor)


class BatchShown(Struct, frozen=True, kw_only=True):
    """A line of the bank's statement that shows a batch at another amount. `line` names it: its day and its number."""

    batch: int
    cents: int
    line: str


class LeftOut(Struct, frozen=True, kw_only=True):
    """An entry that the bank took out of a batch before it settled."""

    batch: int
    trace_number: str
    cents: int


class AchFile(Stored, frozen=True, kw_only=True):
    """A file as it stands. `name` is what it is called at the bank; `deadline_at` until when the bank takes it in time.

    `built_by` built it, `changed_by` had a hand in it since. `taken` entries of `taken_cents` were put into it while it
    was built. `given_back_by` decided that the money of a refused file goes back where it came from. `is_left`: every
    entry has left a file that was withdrawn. `shown` are batches that the bank's statement has at another amount, and
    `left_out` the entries without which an operator settled them. `missing_by` said that the bank does not have it.
    """

    entity: ClassVar[str] = "ach-file"

    file_id: str
    name: str
    modifier: str
    originator: Originator
    effective_on: date
    deadline_at: datetime
    settles_at: datetime
    is_same_day: bool
    state: FileState = FileState.BUILDING
    totals: Totals = Totals()
    batches: tuple[BatchTotals, ...] = ()
    content_sha256: str = ""
    size_bytes: int = 0
    taken: int = 0
    taken_cents: int = 0
    given_back_by: str = ""
    is_left: bool = False
    built_by: str
    changed_by: tuple[str, ...] = ()
    approved_by: str = ""
    built_at: datetime
    approved_at: datetime | None = None
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    settled_on: date | None = None
    settled_batches: tuple[int, ...] = ()
    missing_by: str = ""
    missing_reason: str = ""
    missing_at: datetime | None = None
    shown: tuple[BatchShown, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    reason: str = ""
    changed_at: datetime

    @property
    def content_id(self) -> str:
        """Where its bytes are kept: two who compose it otherwise keep theirs apart."""
        return f"file-{self.file_id}-{self.content_sha256[:16]}"

    def batch(self, number: int) -> BatchTotals | None:
        """The batch of that number, if the file has it."""
        return next((batch for batch in self.batches if batch.number == number), None)

    @property
    def is_over(self) -> bool:
        """Nothing is left to be done about it."""
        return self.state is FileState.SETTLED or (self.state is FileState.WITHDRAWN and self.is_left)

    @property
    def is_over_limit(self) -> bool:
        return max(self.totals.debit_cents, self.totals.credit_cents) > self.originator.approval_cents


class FileEntry(Stored, frozen=True, kw_only=True):
    """An entry's place in a file."""

    entity: ClassVar[str] = "ach-file-entry"

    file_id: str
    entry_id: str
    trace_number: str
    entry_class: str
    description: str
    direction: Direction
    cents: int
    is_dishonor: bool = False

    @property
    def batch(self) -> tuple[str, str, str, bool]:
        """Which batch it belongs to: entries of one class, description and direction make one, dishonoured returns another."""
        return (self.entry_class, self.description, self.direction.value, self.is_dishonor)


class Modifiers(Stored, frozen=True, kw_only=True):
    """Which modifiers of a day are taken, by which files, in order."""

    entity: ClassVar[str] = "ach-modifiers"

    files: tuple[str, ...] = ()


# Decisions


def begun(window: Window, who: Originator, modifier: str, actor: Actor, at: datetime) -> AchFile:
    """Decide a file for the window, yet without entries."""
    return AchFile(
        file_id=window.window_id,
        name=f"ACH-{window.window_id}-{modifier}.ach",
        modifier=modifier,
        originator=who,
        effective_on=window.effective_on,
        deadline_at=window.deadline_at,
        settles_at=window.settles_at,
        is_same_day=window.is_same_day,
        built_by=actor.actor_id,
        built_at=at,
        changed_at=at,
    )


def modifier(known: Modifiers, file_id: str) -> tuple[str, Modifiers]:
    """The modifier of a file, and what is taken after it. Raises `ModifiersExhausted`."""
    if file_id in known.files:
        return MODIFIERS[known.files.index(file_id)], known
    if len(known.files) >= len(MODIFIERS):
        raise ModifiersExhausted
    return MODIFIERS[len(known.files)], Modifiers(files=(*known.files, file_id))


def built(
    known: AchFile, totals: Totals, batches: Sequence[BatchTotals], content: bytes, sha: str, at: datetime
) -> AchFile:
    """The file, complete: it may go, or waits for a second person when its debits or credits are above the limit."""
    after = replace(
        known,
        totals=totals,
        batches=tuple(batches),
        content_sha256=sha,
        size_bytes=len(content),
        changed_at=at,
    )
    return replace(after, state=FileState.NEEDS_APPROVAL if after.is_over_limit else FileState.READY)


def approved(known: AchFile, content_sha256: str, actor: Actor, at: datetime) -> AchFile:
    """The file after a second person let it go. They name the content they looked at.

    Raises `Denied`, `NotAwaitingApproval`, `NeedsSecondPerson`, `OtherContent`.
    """
    if not actor.is_operator or actor.impersonator is not None:
        raise Denied("Only an operator may approve a file, and in their own name.")
    if known.state is not FileState.NEEDS_APPROVAL:
        raise NotAwaitingApproval
    if actor.actor_id in {known.built_by, known.originator.set_by, *known.changed_by}:
        raise NeedsSecondPerson
    if content_sha256 != known.content_sha256:
        raise OtherContent
    return replace(known, state=FileState.READY, approved_by=actor.actor_id, approved_at=at, changed_at=at)


def withdrawn(known: AchFile, reason: str, actor: Actor, at: datetime) -> AchFile:
    """The file, which will not go to the bank. Raises `FileGone`, `Invalid`."""
    if known.state not in HERE | {FileState.REJECTED} or known.given_back_by:
        raise FileGone
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_MAX:
        raise Invalid(f"Say why, in up to {REASON_MAX} signs.", field="reason")
    return replace(
        known,
        state=FileState.WITHDRAWN,
        reason=reason,
        changed_by=(*known.changed_by, actor.actor_id),
        changed_at=at,
    )


def giving_back(known: AchFile, actor: Actor, at: datetime) -> AchFile:
    """The refused file whose money an operator gives back; the same when that was decided. Raises `FileGone`."""
    if known.given_back_by:
        return known
    if known.state is not FileState.REJECTED:
        raise FileGone
    return replace(known, given_back_by=actor.actor_id, changed_by=(*known.changed_by, actor.actor_id), changed_at=at)


def gave_back(known: AchFile, at: datetime) -> AchFile:
    """The refused file, all of whose money is back where it came from."""
    if known.state is not FileState.REJECTED or not known.given_back_by:
        return known
    return replace(known, state=FileState.WITHDRAWN, is_left=True, changed_at=at)


def left(known: AchFile, at: datetime) -> AchFile:
    """The withdrawn file that every entry has left."""
    if known.state is not FileState.WITHDRAWN or known.is_left:
        return known
    return replace(known, is_left=True, changed_at=at)


def lapses(known: AchFile, at: datetime) -> bool:
    """Whether the bank would take it too late for the date its entries bear."""
    return known.state in HERE and at > known.deadline_at


def delivering(known: AchFile, at: datetime) -> AchFile:
    """The intention to put it at the bank."""
    assert known.state is FileState.READY
    return replace(known, state=FileState.DELIVERING, changed_at=at)


def delivered(known: AchFile, at: datetime) -> AchFile:
    """The file, at the bank; the very same value when it is further by now."""
    if known.state is not FileState.DELIVERING:
        return known
    return replace(known, state=FileState.DELIVERED, delivered_at=at, changed_at=at)


def acknowledged(known: AchFile, reason: str, at: datetime) -> AchFile:
    """The file after the bank's answer; `reason` is why the bank refused it, empty when it took it on.

    A refusal as a duplicate of a file that it took on before changes nothing. A file that the bank was said not to have,
    and that it took on after all, is at the bank unless its money was given back.
    """
    if known.state is FileState.REJECTED and known.missing_by and not known.given_back_by and not reason:
        known = replace(known, state=FileState.DELIVERED, missing_by="", missing_reason="", missing_at=None, reason="")
    if known.state not in {FileState.DELIVERING, FileState.DELIVERED}:
        return known
    if reason:
        return replace(known, state=FileState.REJECTED, reason=reason[:REASON_MAX], changed_at=at)
    return replace(
        known,
        state=FileState.ACKNOWLEDGED,
        delivered_at=known.delivered_at or at,
        acknowledged_at=at,
        changed_at=at,
    )


def reference(known: AchFile) -> str:
    """What the bank calls the file in its statements: the date and modifier of its header, `261120A`."""
    return f"{eastern_day(known.built_at):%y%m%d}{known.modifier}"


def place_of(entry: Entry) -> tuple[str, str, str, bool, str]:
    """The order in which entries are taken into a file: batch by batch."""
    return (entry.entry_class, entry.description, entry.direction.value, entry.dishonors is not None, entry.entry_id)


_CODES = {
    (AccountKind.CHECKING, Direction.CREDIT): ("22", "23", "21"),
    (AccountKind.CHECKING, Direction.DEBIT): ("27", "28", "26"),
    (AccountKind.SAVINGS, Direction.CREDIT): ("32", "33", "31"),
    (AccountKind.SAVINGS, Direction.DEBIT): ("37", "38", "36"),
}


def transaction_code(entry: Entry) -> str:
    """The transaction code: by kind of account and direction; prenotes and returns have their own."""
    live, prenote, returned = _CODES[entry.receiver.kind, entry.direction]
    match entry.purpose:
        case Purpose.PRENOTE:
            return prenote
        case Purpose.DISHONOR:
            return returned
        case _:
            return live


# Writes


def file_made(made: AchFile, row: Row[Modifiers] | None, taken: Modifiers) -> list[Write]:
    """The writes of a new file, with the modifier it takes."""
    day = eastern_day(made.built_at).isoformat()
    return [
        Put(key=keys.file(made.file_id), value=made, index=_places(made), expected=ABSENT, otherwise=FileChanging()),
        Put(
            key=keys.day(made.originator.origin, day),
            value=taken,
            expected=row.unchanged if row else ABSENT,
            otherwise=FileChanging(),
        ),
    ]


def file_takes(row: Row[AchFile], entries: int, cents: int, at: datetime) -> Put:
    """The write that goes with entries put into a file that is being built.

    Who completes or withdraws the file has read it with all its entries, or is `FileChanging`.
    """
    before = row.value
    after = replace(before, taken=before.taken + entries, taken_cents=before.taken_cents + cents, changed_at=at)
    return Put(key=row.key, value=after, index=_places(after), expected=row.unchanged, otherwise=FileChanging())


def file_becomes(row: Row[AchFile], after: AchFile, actor: Actor) -> list[Write]:
    """The writes of a file's change, with the event it makes; none when nothing changed."""
    if after == row.value:
        return []
    put = Put(key=row.key, value=after, index=_places(after), expected=row.unchanged, otherwise=FileChanging())
    fact = _left_out(row.value, after) if after.state is row.value.state else _fact(after)
    if fact is None:
        return [put]
    timeline = keys.file_timeline(after.file_id)
    previous = {"state": row.value.state.value}
    told = announce(
        fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=after.changed_at, previous=previous
    )
    return [put, told]


_FACTS: Mapping[FileState, type[AchFileFact]] = {
    FileState.NEEDS_APPROVAL: AchFileBuilt,
    FileState.READY: AchFileBuilt,
    FileState.DELIVERED: AchFileDelivered,
    FileState.ACKNOWLEDGED: AchFileAcknowledged,
    FileState.REJECTED: AchFileWithdrawn,
    FileState.WITHDRAWN: AchFileWithdrawn,
    FileState.SETTLED: AchFileSettled,
}


def _left_out(before: AchFile, after: AchFile) -> AchEntriesLeftOut | None:
    """What is told of entries that a batch settled without, in a change that leaves the file's state as it is."""
    left_out = after.left_out[len(before.left_out) :]
    if not left_out:
        return None
    traces, cents = [each.trace_number for each in left_out], sum(each.cents for each in left_out)
    return AchEntriesLeftOut(file_id=after.file_id, trace_numbers=traces, cents=cents)


def _fact(after: AchFile) -> AchFileFact | None:
    """What the file's new state is told as; nothing where it is only an intention."""
    kind = AchFileApproved if after.state is FileState.READY and after.approved_by else _FACTS.get(after.state)
    told = {
        "file_id": after.file_id,
        "window_id": after.file_id,
        "entries": after.totals.entries,
        "debit_cents": after.totals.debit_cents,
        "credit_cents": after.totals.credit_cents,
        "content_sha256": after.content_sha256,
        "needs_approval": after.state is FileState.NEEDS_APPROVAL,
        "reason": after.reason,
        "settled_on": after.settled_on,
    }
    return msgspec.convert(told, kind) if kind else None


def _places(file: AchFile) -> dict[Index, Key]:
    place = f"{sortable(file.built_at)}#{file.file_id}"
    found = {Index.STATUS: Key(keys.files(), place)}
    if not file.is_over:
        found[Index.PROVIDER] = Key(keys.open_files(), place)
    return found
