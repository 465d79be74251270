"""What comes back: returns of our entries, contested returns, notifications of change, and what fits nothing.

A return that is wrong we do not accept: we dishonour it within five banking days of its settlement (subsection 3.8.5).

| the return | we say |
| --- | --- |
| of an entry that came back before | R67 |
| later than its code allows | R68 |
| of another amount or account than the entry | R69 |
| as if we had asked for it, when we did not | R70 |

Until the receiving bank contests that (R71 to R77, within two banking days), its money lies in clearing. When it does,
the return holds after all, and is acted upon as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.actions import AccountAction, MoneyAction
from ecosystem.contexts.ach.entries import Entry, EntryState
from ecosystem.contexts.ach.events import AchChangeReceived, AchExceptionRaised, AchReturnReceived
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.banking import banking_days_after, eastern_day, return_due_at
from ecosystem.kernel.nacha import CHANGES, Reason
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import Context, KeyName
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table, Write

DISHONOR_BANKING_DAYS = 5
CHANGE_BANKING_DAYS = 6
"""Within how many banking days a correction is made, or before the next entry (subsection 2.12.1)."""
NOTE_MAX = 300


class NoSuchReturn(NotFound):
    """There is no such return."""


class NoSuchException(NotFound):
    """There is no such exception."""


class ExceptionClosed(Conflict):
    """Somebody dealt with this already."""


class ReturnState(StrEnum):
    """How far a return is.

    `received`: kept, not acted upon. `acted`: what follows is done. `dishonored`: not accepted. `contested`: the
    receiving bank stood by it, and it holds.
    """

    RECEIVED = "received"
    ACTED = "acted"
    DISHONORED = "dishonored"
    CONTESTED = "contested"


class Told(Struct, frozen=True, kw_only=True):
    """A return as the file says it. `trace_number` is the return's own, `original_trace` our entry's.

    `contested_code` is that of a receiving bank that stands by a return which we dishonoured. `stated_on` is the day that
    the bank gives it: on which the return settles, or the file was made.
    """

    code: str
    original_trace: str
    trace_number: str
    cents: int
    routing_eight: str
    last4: str
    information: str = ""
    contested_code: str = ""
    stated_on: date | None = None


class Return(Stored, frozen=True, kw_only=True):
    """One return. `action` and `account_action` are what follows it; `dishonor_code` is why we do not accept it.

    `dishonor_by` is the last day on which we may say so.
    """

    entity: ClassVar[str] = "ach-return"

    return_id: str
    inbound_id: str
    entry_id: str
    code: str
    cents: int
    original_trace: str
    trace_number: str
    information: str
    action: MoneyAction
    account_action: AccountAction
    state: ReturnState = ReturnState.RECEIVED
    dishonor_code: str = ""
    dishonor_by: date | None = None
    contested_code: str = ""
    acted: bool = False
    received_at: datetime
    changed_at: datetime


class Change(Enveloped, frozen=True, kw_only=True):
    """One notification of change. `corrected_box` are the corrected data, encrypted; `due_on` the last day to obey."""

    entity: ClassVar[str] = "ach-change"
    named_key: ClassVar[KeyName] = KeyName.BANK_ACCOUNTS

    change_id: str
    inbound_id: str
    entry_id: str
    bank_account_id: str
    owner_id: str
    code: str
    corrected_box: bytes
    due_on: date
    applied_at: datetime | None = None
    received_at: datetime

    def envelopes(self) -> Mapping[str, Kept]:
        return {"corrected_box": Kept(corrected_context(self.change_id, self.owner_id), self.corrected_box)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, corrected_box=envelopes["corrected_box"])


class ExceptionKind(StrEnum):
    """What a person has to look at."""

    UNKNOWN_TRACE = "unknown-trace"
    WRONG_AMOUNT = "wrong-amount"
    WRONG_ACCOUNT = "wrong-account"
    DUPLICATE_RETURN = "duplicate-return"
    UNTIMELY_RETURN = "untimely-return"
    UNASKED_RETURN = "unasked-return"
    UNFIT_CODE = "unfit-code"
    FILE_REJECTED = "file-rejected"
    FILE_UNREADABLE = "file-unreadable"
    UNKNOWN_FILE = "unknown-file"
    SETTLED_OTHERWISE = "settled-otherwise"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    TAKEN_AFTER_ALL = "taken-after-all"
    CODE_ASKS_FOR_A_PERSON = "code-asks-for-a-person"
    WINDOW_MISSED = "window-missed"
    STUCK = "stuck"


REPAIRS: Mapping[ExceptionKind, str] = {
    ExceptionKind.UNKNOWN_TRACE: "No entry of ours has this trace number. Ask the bank whose it is; dishonour as R61.",
    ExceptionKind.WRONG_AMOUNT: "The amount is not the entry's. The return was dishonoured as R69; wait for R74 or R76.",
    ExceptionKind.WRONG_ACCOUNT: "The account is not the entry's. The return was dishonoured as R69; wait for R74.",
    ExceptionKind.DUPLICATE_RETURN: "The entry came back before. The return was dishonoured as R67; wait for R75.",
    ExceptionKind.UNTIMELY_RETURN: "It came too late for its code. It was dishonoured as R68; wait for R73.",
    ExceptionKind.UNASKED_RETURN: "Say whether we asked for it or agreed: accept the return, or dishonour it as R70.",
    ExceptionKind.UNFIT_CODE: "Such an entry cannot come back under this code. Ask the bank which one it meant.",
    ExceptionKind.FILE_REJECTED: "Send its entries again in the next file, or give their money back.",
    ExceptionKind.FILE_UNREADABLE: "Ask the bank for the file again; if it was right, have it worked through again once we can read it.",
    ExceptionKind.UNKNOWN_FILE: "The bank speaks of a file that we did not send. Ask them.",
    ExceptionKind.SETTLED_OTHERWISE: "The statement shows another amount than the batch has. Ask the bank which entries it took out, and name them at the file.",
    ExceptionKind.NOT_ACKNOWLEDGED: "The bank has not answered for four hours. Call it; if it does not have the file, say so there.",
    ExceptionKind.TAKEN_AFTER_ALL: "The bank took on a file that was given up. Have it take the file out, or it pays twice.",
    ExceptionKind.CODE_ASKS_FOR_A_PERSON: "See what the code asks for.",
    ExceptionKind.WINDOW_MISSED: "The file was not complete in time. Its entries go with the next; tell who waits.",
    ExceptionKind.STUCK: "It is tried again at every turn; mend what stops it.",
}


class AchException(Stored, frozen=True, kw_only=True):
    """Something for a person, with the repair that is offered. No account number stands in it."""

    entity: ClassVar[str] = "ach-exception"

    exception_id: str
    kind: ExceptionKind
    inbound_id: str = ""
    file_id: str = ""
    entry_id: str = ""
    return_id: str = ""
    code: str = ""
    cents: int = 0
    repair: str
    raised_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    note: str = ""


class CloseException(Struct, frozen=True, kw_only=True):
    """The request to close an exception, with what was done."""

    exception_id: str
    note: str


# Decisions


class Faulty(Struct, frozen=True, kw_only=True):
    """Why a return is not accepted: the dishonour code, and what an operator is shown. Without a code, a person says."""

    kind: ExceptionKind
    dishonor_code: str = ""


def fault_of(entry: Entry, routing_number: str, told: Told, reason: Reason, at: datetime) -> Faulty | None:
    """What is wrong with a return of this entry, which went to that bank; None when it holds. `at`, we read it."""
    if entry.state in {EntryState.RETURNED, EntryState.DISHONORED}:
        return Faulty(kind=ExceptionKind.DUPLICATE_RETURN, dishonor_code="R67")
    if told.cents != entry.cents:
        return Faulty(kind=ExceptionKind.WRONG_AMOUNT, dishonor_code="R69")
    if told.last4 != entry.receiver.last4 or told.routing_eight != routing_number[:8]:
        return Faulty(kind=ExceptionKind.WRONG_ACCOUNT, dishonor_code="R69")
    if is_late(entry, reason, min(told.stated_on or eastern_day(at), eastern_day(at))):
        return Faulty(kind=ExceptionKind.UNTIMELY_RETURN, dishonor_code="R68")
    if reason.code in {"R06", "R31"}:
        return Faulty(kind=ExceptionKind.UNASKED_RETURN)
    return None


def is_late(entry: Entry, reason: Reason, day: date) -> bool:
    """Whether the code's time was over when the bank sent the return, whenever we read it. The day itself counts."""
    if entry.settled_on is None:
        return False
    due = return_due_at(entry.settled_on, banking_days=reason.banking_days, calendar_days=reason.calendar_days)
    return due is not None and day > eastern_day(due)


def corrected_context(change_id: str, owner_id: str) -> Context:
    return Context(owner_id, f"ach change {change_id}")


def change_due_on(at: datetime) -> date:
    """The last day on which a correction that arrived then is obeyed in time."""
    return banking_days_after(eastern_day(at), CHANGE_BANKING_DAYS)


def corrected_fields(code: str, data: str) -> dict[str, str]:
    """What the corrected data say, by field: the columns that Appendix Five gives to each code.

    C03 and C07 have the routing number in the first nine; then C03 three blanks and the account number, C07 the account
    number in seventeen columns and the transaction code. C06 has the account number in 17, three blanks, and the code.
    """
    data = data.ljust(29)
    match code:
        case "C01":
            found = {"dfi_account_number": data[:17]}
        case "C02":
            found = {"routing_number": data[:9]}
        case "C03":
            found = {"routing_number": data[:9], "dfi_account_number": data[12:29]}
        case "C04":
            found = {"individual_name": data[:22]}
        case "C05":
            found = {"transaction_code": data[:2]}
        case "C06":
            found = {"dfi_account_number": data[:17], "transaction_code": data[20:22]}
        case "C07":
            found = {
                "routing_number": data[:9],
                "dfi_account_number": data[9:26],
                "transaction_code": data[26:28],
            }
        case "C09":
            found = {"identification_number": data[:22]}
        case _:
            found = {}
    return {name: text.strip() for name, text in found.items() if text.strip()}


def closed(known: AchException, request: CloseException, actor: Actor, at: datetime) -> AchException:
    """The exception, dealt with. Raises `Denied`, `ExceptionClosed`, `Invalid` without a note."""
    actor.must_operate()
    if known.closed_at is not None:
        raise ExceptionClosed
    note = " ".join(request.note.split())
    if not 1 <= len(note) <= NOTE_MAX:
        raise Invalid(f"Say what was done, in up to {NOTE_MAX} signs.", field="note")
    return replace(known, closed_at=at, closed_by=actor.actor_id, note=note)


# Writes


def return_made(made: Return, entry: Entry, actor: Actor) -> list[Write]:
    """The writes of a return that was received."""
    fact = AchReturnReceived(
        return_id=made.return_id,
        entry_id=made.entry_id,
        purpose=entry.purpose,
        cause_id=entry.cause_id,
        cents=made.cents,
        code=made.code,
        action=made.action,
    )
    return [
        Put(key=keys.returned(made.return_id), value=made, index=_return_places(made), expected=ABSENT),
        announce(fact, aggregate=keys.return_timeline(made.return_id), sequence=1, actor=actor, at=made.received_at),
    ]


def return_becomes(row: Row[Return], after: Return) -> list[Write]:
    if after == row.value:
        return []
    return [Put(key=row.key, value=after, index=_return_places(after), expected=row.unchanged)]


def change_made(made: Change, actor: Actor) -> list[Write]:
    """The writes of a notification of change."""
    fact = AchChangeReceived(
        change_id=made.change_id,
        entry_id=made.entry_id,
        bank_account_id=made.bank_account_id,
        code=made.code,
        corrects=list(CHANGES[made.code].corrects),
        due_on=made.due_on,
    )
    return [
        Put(key=keys.change(made.change_id), value=made, index=_change_places(made), expected=ABSENT),
        announce(fact, aggregate=keys.change_timeline(made.change_id), sequence=1, actor=actor, at=made.received_at),
    ]


def change_becomes(row: Row[Change], after: Change) -> list[Write]:
    if after == row.value:
        return []
    return [Put(key=row.key, value=after, index=_change_places(after), expected=row.unchanged)]


def exception_made(made: AchException, actor: Actor) -> list[Write]:
    """The writes of an exception, to be committed with what raised it."""
    fact = AchExceptionRaised(exception_id=made.exception_id, kind=made.kind, inbound_id=made.inbound_id)
    timeline = keys.exception_timeline(made.exception_id)
    return [
        Put(
            key=keys.exception(made.exception_id),
            value=made,
            index=_exception_places(made),
            expected=ABSENT,
            otherwise=ExceptionClosed(),
        ),
        announce(fact, aggregate=timeline, sequence=1, actor=actor, at=made.raised_at),
    ]


def _return_places(made: Return) -> dict[Index, Key]:
    return {Index.STATUS: Key(keys.returns(), f"{sortable(made.received_at)}#{made.return_id}")}


def _change_places(made: Change) -> dict[Index, Key]:
    places = wraps(made, made.change_id)
    places[Index.STATUS] = Key(keys.changes(), f"{sortable(made.received_at)}#{made.change_id}")
    return places


def _exception_places(made: AchException) -> dict[Index, Key]:
    where = keys.exceptions(is_open=made.closed_at is None)
    return {Index.STATUS: Key(where, f"{sortable(made.raised_at)}#{made.exception_id}")}


@dataclass(frozen=True, slots=True)
class Returns:
    """Finds returns, changes and exceptions, and closes exceptions."""

    table: Table
    clock: Clock

    async def find(self, return_id: str) -> Row[Return] | None:
        return await self.table.get(keys.returned(return_id), Return)

    async def change(self, change_id: str) -> Row[Change] | None:
        return await self.table.get(keys.change(change_id), Change)

    async def exception(self, exception_id: str) -> Row[AchException]:
        """The exception. Raises `NoSuchException`."""
        row = await self.table.get(keys.exception(exception_id), AchException)
        if row is None:
            raise NoSuchException
        return row

    async def raise_(self, made: AchException, actor: Actor) -> None:
        """Raise an exception once: again, it changes nothing."""
        if await self.table.get(keys.exception(made.exception_id), AchException) is None:
            try:
                await self.table.transact(*exception_made(made, actor))
            except (ExceptionClosed, Stale):
                return

    async def close(self, request: CloseException, actor: Actor) -> AchException:
        """Close an exception, with what was done. Raises `NoSuchException`, and what `closed` does."""
        row = await self.exception(request.exception_id)
        after = closed(row.value, request, actor, self.clock.now())
        await self.table.transact(Put(key=row.key, value=after, index=_exception_places(after), expected=row.unchanged))
        return after
