"""Entries: single payments handed to the Automated Clearing House, from the request until they are beyond return.

| state | the entry |
| --- | --- |
| `waiting` | waits for the cut-off of its window |
| `filed` | stands in a file, under its trace number |
| `sent` | lies at the bank in that file |
| `settled` | was seen in the bank's statement |
| `returned` | came back, or was refused with its file; the reason says why |
| `dishonored` | came back wrongly, and we have said so to the bank |
| `cancelled` | was taken out before its file was built |

What is about money the ledger has; an entry says what was asked of the bank, and what the bank said of it. Who asks for
an entry commits `originated` together with the transfer that takes the money under way, in one transaction.

What tells of a receiver, the name, the bank and the account number, stands in an entry encrypted, and in files at the
bank. Nothing else here holds any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.events import AchEntryChanged, AchEntryOriginated
from ecosystem.contexts.ach.originator import Originators
from ecosystem.contexts.ach.receivers import (
    Holder,
    Particulars,
    Receiver,
    must_be_particulars,
    particulars,
    particulars_context,
)
from ecosystem.contexts.ach.vault import Vault
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.banking import SAME_DAY_CENTS_MAX, Window, next_window
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import Context, KeyName
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import ABSENT, Check, Index, Key, Put, Row, Stale, Table, Write

CENTS_MAX = 99_999_999_99
"""What the ten columns of the amount hold."""
MICRO_CENTS_MAX = 99
MICRO_DEBIT_CENTS_MAX = 2 * MICRO_CENTS_MAX
"""A debit micro-entry takes back what the credits gave, so it may be above a dollar (`micro_entries.py`)."""
READ_AT_ONCE = 100


class NoSuchEntry(NotFound):
    """There is no such entry."""


class EntryChanging(Stale):
    """The entry changed meanwhile."""


class EntryFiled(Conflict):
    """This entry stands in a file already: it cannot be taken out any more."""


class NotToBeFiled(Conflict):
    """What this entry was made for is over, or cannot go on: no file takes it."""


class AuthorizationMissing(Invalid):
    """A debit of a person's account needs the authorization that they gave."""


class Purpose(StrEnum):
    """What an entry is for. `cause_id` of the entry is then the id of that payout, payment or bank account."""

    PAYOUT = "payout"
    DEBIT = "debit"
    REFUND = "refund"
    PRENOTE = "prenote"
    MICRO_CREDIT = "micro-credit"
    MICRO_DEBIT = "micro-debit"
    DISHONOR = "dishonor"


class Direction(StrEnum):
    CREDIT = "credit"
    DEBIT = "debit"


class EntryState(StrEnum):
    WAITING = "waiting"
    FILED = "filed"
    SENT = "sent"
    SETTLED = "settled"
    RETURNED = "returned"
    DISHONORED = "dishonored"
    CANCELLED = "cancelled"


OPEN = frozenset({EntryState.WAITING, EntryState.FILED, EntryState.SENT})


class Authorization(Struct, frozen=True, kw_only=True):
    """The receiver's word that their account may be debited, kept for two years after it ends (subsection 2.3.2).

    `text_sha256` names the very text they agreed to, as `authorization_id` has it.
    """

    authorization_id: str
    text_sha256: str
    given_at: datetime
    recurring: bool = False


class Dishonor(Struct, frozen=True, kw_only=True):
    """Which return an entry does not accept, and under which code. Class and description are the returned entry's.

    `return_code` is what the return said, `information` names the fields in error under R69 (Appendix Four).
    """

    code: str
    return_code: str
    original_trace: str
    return_trace: str
    returned_on: date
    entry_class: str
    description: str
    information: str = ""


class OriginateEntry(Untold, frozen=True, kw_only=True):
    """The request for an entry. `entry_id` is the idempotency key; make it of the cause: `<payout_id>.1`.

    `particulars` are in clear here and nowhere else; the entry keeps them encrypted. `cents` are United States cents: 0
    for a prenote, up to 99 for a micro-entry. `same_day` asks for the next window of the day; above the limit of same
    day entries, it goes with the next day's. No window that closes earlier than `not_before` takes it. `presents` is the
    first entry that this one presents again, as the `presentment`th.
    """

    entry_id: str
    purpose: Purpose
    direction: Direction
    cause_id: str
    receiver: Receiver
    particulars: Particulars
    cents: int
    same_day: bool = False
    not_before: datetime | None = None
    authorization: Authorization | None = None
    identification: str = ""
    presents: str = ""
    presentment: int = 1
    dishonors: Dishonor | None = None


class Entry(Enveloped, frozen=True, kw_only=True):
    """An entry as it stands. `particulars_box` are the receiver's particulars, encrypted.

    `window_id` and `cutoff_at` name the window it waits for. `trace_number` has fifteen digits once it stands in
    `file_id`. `settled_on` is the banking day on which its file settles. `return_code` is the reason it came back, or
    `refused` when the bank refused its file.
    """

    entity: ClassVar[str] = "ach-entry"
    named_key: ClassVar[KeyName] = KeyName.BANK_ACCOUNTS

    entry_id: str
    purpose: Purpose
    direction: Direction
    cause_id: str
    receiver: Receiver
    particulars_box: bytes
    cents: int
    same_day: bool
    entry_class: str
    description: str
    identification: str = ""
    authorization: Authorization | None = None
    presents: str = ""
    presentment: int = 1
    dishonors: Dishonor | None = None
    state: EntryState = EntryState.WAITING
    window_id: str
    cutoff_at: datetime
    file_id: str = ""
    trace_number: str = ""
    settled_on: date | None = None
    return_code: str = ""
    return_id: str = ""
    originated_at: datetime
    changed_at: datetime

    def envelopes(self) -> Mapping[str, Kept]:
        return {"particulars_box": Kept(self.context, self.particulars_box)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, particulars_box=envelopes["particulars_box"])

    @property
    def context(self) -> Context:
        return particulars_context(self.entry_id, self.receiver.owner_id)

    @property
    def moves_money(self) -> bool:
        return self.cents > 0


# Decisions


DESCRIPTIONS = {
    Purpose.PAYOUT: "PAYOUT",
    Purpose.DEBIT: "BOOKING",
    Purpose.REFUND: "REFUND",
    Purpose.PRENOTE: "PRENOTE",
    Purpose.MICRO_CREDIT: "ACCTVERIFY",
    Purpose.MICRO_DEBIT: "ACCTVERIFY",
}
"""The company entry descriptions. The rules prescribe `ACCTVERIFY` for micro-entries (subsection 2.7.2) and
`RETRY PYMT` for what is presented again (2.13.4). `PURCHASE`, since 2026, is for goods: services are none."""
RETRY = "RETRY PYMT"
_BOUNDS = {
    Purpose.PRENOTE: (0, 0),
    Purpose.MICRO_CREDIT: (1, MICRO_CENTS_MAX),
    Purpose.MICRO_DEBIT: (1, MICRO_DEBIT_CENTS_MAX),
    Purpose.DISHONOR: (0, CENTS_MAX),
}
"""The least and the most cents of an entry, where they are not those of the format."""


def entry_class(request: OriginateEntry) -> str:
    """CCD for a company's account, WEB for the debit of a person's, PPD for what a person is paid."""
    if request.dishonors:
        return request.dishonors.entry_class
    if request.receiver.holder is Holder.COMPANY:
        return "CCD"
    return "WEB" if request.direction is Direction.DEBIT else "PPD"


def _described(request: OriginateEntry) -> str:
    if request.dishonors:
        return request.dishonors.description
    return RETRY if request.presentment > 1 else DESCRIPTIONS[request.purpose]


def must_fit(request: OriginateEntry) -> None:
    """Raises `Invalid`, `AuthorizationMissing` when the rules do not know such an entry."""
    must_be_particulars(request.particulars)
    low, high = _BOUNDS.get(request.purpose, (1, CENTS_MAX))
    if not low <= request.cents <= high:
        raise Invalid(f"Such an entry is of {low} to {high} cents.", field="cents")
    if (request.purpose is Purpose.DISHONOR) != (request.dishonors is not None):
        raise Invalid("Only a dishonoured return names a return.", field="dishonors")
    if request.direction is Direction.DEBIT and request.purpose is Purpose.DEBIT and request.authorization is None:
        raise AuthorizationMissing
    if (
        request.purpose in {Purpose.PAYOUT, Purpose.REFUND, Purpose.MICRO_CREDIT}
        and request.direction is Direction.DEBIT
    ):
        raise Invalid("Money that is paid out is a credit.", field="direction")
    if request.purpose in {Purpose.DEBIT, Purpose.MICRO_DEBIT} and request.direction is Direction.CREDIT:
        raise Invalid("Money that is taken in is a debit.", field="direction")


def originate(request: OriginateEntry, box: bytes, lead_s: int, at: datetime) -> Entry:
    """Decide an entry: the window it waits for, its class and description. Raises what `must_fit` does.

    `box` are the particulars encrypted, `lead_s` what our bank wants files earlier than the operator does.
    """
    must_fit(request)
    same_day = request.same_day and request.cents <= SAME_DAY_CENTS_MAX
    window = waits_for(max(at, request.not_before or at), same_day=same_day, lead_s=lead_s)
    return Entry(
        entry_id=request.entry_id,
        purpose=request.purpose,
        direction=request.direction,
        cause_id=request.cause_id,
        receiver=request.receiver,
        particulars_box=box,
        cents=request.cents,
        same_day=same_day,
        entry_class=entry_class(request),
        description=_described(request),
        identification=request.identification,
        authorization=request.authorization,
        presents=request.presents,
        presentment=request.presentment,
        dishonors=request.dishonors,
        window_id=window.window_id,
        cutoff_at=window.cutoff_at,
        originated_at=at,
        changed_at=at,
    )


def waits_for(at: datetime, *, same_day: bool, lead_s: int) -> Window:
    """The window that an entry waits for which is there at that instant."""
    return next_window(at, same_day=same_day, lead=timedelta(seconds=lead_s))


def waits_again(known: Entry, lead_s: int, at: datetime) -> Entry:
    """The entry whose file will not go to the bank, put into the next window. Its trace number is lost."""
    if known.state not in {EntryState.FILED, EntryState.SENT}:
        return known
    window = waits_for(at, same_day=known.same_day, lead_s=lead_s)
    return replace(
        known,
        state=EntryState.WAITING,
        window_id=window.window_id,
        cutoff_at=window.cutoff_at,
        file_id="",
        trace_number="",
        settled_on=None,
        changed_at=at,
    )


def filed(known: Entry, file_id: str, trace_number: str, settles_on: date, at: datetime) -> Entry:
    """The entry in a file, under its trace number."""
    assert known.state is EntryState.WAITING
    return replace(
        known,
        state=EntryState.FILED,
        file_id=file_id,
        trace_number=trace_number,
        settled_on=settles_on,
        changed_at=at,
    )


def cancelled(known: Entry, at: datetime) -> Entry:
    """The entry, taken out before its file was built. Raises `EntryFiled`."""
    if known.state is not EntryState.WAITING:
        raise EntryFiled
    return replace(known, state=EntryState.CANCELLED, changed_at=at)


_GOES_ON = {
    EntryState.SENT: frozenset({EntryState.FILED}),
    EntryState.SETTLED: frozenset({EntryState.FILED, EntryState.SENT}),
}


def goes_on(known: Entry, state: EntryState, at: datetime) -> Entry:
    """The entry sent or settled; the very same value when it is there already, or came back meanwhile."""
    return replace(known, state=state, changed_at=at) if known.state in _GOES_ON[state] else known


def came_back(known: Entry, code: str, return_id: str, at: datetime) -> Entry:
    """The entry after its return, or after the bank refused its file (`refused`); the same if it came back before."""
    if known.state in {EntryState.RETURNED, EntryState.CANCELLED, EntryState.WAITING}:
        return known
    return replace(known, state=EntryState.RETURNED, return_code=code, return_id=return_id, changed_at=at)


def dishonored(known: Entry, at: datetime) -> Entry:
    """The entry whose return we do not accept."""
    return replace(known, state=EntryState.DISHONORED, changed_at=at)


# Writes


def entry_made(made: Entry, actor: Actor) -> list[Write]:
    """The writes of a new entry, to be committed with what causes it. Raises `EntryChanging` when its id is taken."""
    fact = AchEntryOriginated(
        entry_id=made.entry_id,
        purpose=made.purpose,
        cause_id=made.cause_id,
        cents=made.cents,
        last4=made.receiver.last4,
        window_id=made.window_id,
    )
    return [
        Put(key=keys.entry(made.entry_id), value=made, index=_places(made), expected=ABSENT, otherwise=EntryChanging()),
        announce(fact, aggregate=keys.entry_timeline(made.entry_id), sequence=1, actor=actor, at=made.originated_at),
    ]


def entry_becomes(row: Row[Entry], after: Entry, actor: Actor) -> list[Write]:
    """The writes of an entry's change, with the event it makes; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    put = Put(key=row.key, value=after, index=_places(after), expected=row.unchanged, otherwise=EntryChanging())
    if after.state is before.state:
        return [put]
    fact = AchEntryChanged(
        entry_id=after.entry_id,
        purpose=after.purpose,
        cause_id=after.cause_id,
        cents=after.cents,
        last4=after.receiver.last4,
        state=after.state,
        was=before.state,
        file_id=after.file_id,
        return_code=after.return_code,
    )
    timeline = keys.entry_timeline(after.entry_id)
    previous = {"state": before.state.value}
    told = announce(
        fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=after.changed_at, previous=previous
    )
    return [put, told]


def same_request(known: Entry, particulars: Particulars, request: OriginateEntry) -> None:
    """Passes when the entry, which has those particulars, was made by the same request. Raises `IdReused`."""
    made = (known.purpose, known.direction, known.cause_id, known.receiver, known.cents, known.presentment)
    asked = (request.purpose, request.direction, request.cause_id, request.receiver, request.cents, request.presentment)
    if made != asked or particulars != request.particulars:
        raise IdReused


def _places(entry: Entry) -> dict[Index, Key]:
    """Where an entry is found: by its cause, and while it waits, by its cut-off."""
    places = wraps(entry, entry.entry_id)
    places[Index.PROVIDER] = Key(keys.cause(entry.cause_id), f"{sortable(entry.originated_at)}#{entry.entry_id}")
    if entry.state is EntryState.WAITING:
        places |= keys.waits(sortable(entry.cutoff_at), entry.entry_id)
    return places


@dataclass(frozen=True, slots=True)
class Entries:
    """Makes and finds entries. What changes them is decided above and committed by whoever knows the money."""

    table: Table
    clock: Clock
    vault: Vault
    originators: Originators

    async def originate(self, request: OriginateEntry, actor: Actor) -> list[Write]:
        """The writes of a new entry, to be committed with the transfers of its cause; none when it is there already.

        Raises `NotOriginating` until an operator said who we are to our bank, `IdReused`, and what `must_fit` does.
        """
        known = await self.find(request.entry_id)
        if known:
            same_request(known.value, await self.particulars(known.value), request)
            return []
        must_fit(request)
        who = await self.originators.current()
        context = particulars_context(request.entry_id, request.receiver.owner_id)
        box = await self.vault.sealed(request.particulars.packed(), context)
        return entry_made(originate(request, box, who.lead_s, self.clock.now()), actor)

    async def cancel(self, entry_id: str, actor: Actor) -> list[Write]:
        """The writes that take an entry out, to be committed with the money's way back; none when it is out already.

        Raises `EntryFiled` when it is too late, `NoSuchEntry`.
        """
        row = await self.row(entry_id)
        if row.value.state is EntryState.CANCELLED:
            return []
        return entry_becomes(row, cancelled(row.value, self.clock.now()), actor)

    def none(self, entry_id: str) -> Check:
        """Holds a commit to there being no such entry."""
        return Check(key=keys.entry(entry_id), expected=ABSENT, otherwise=EntryChanging())

    async def known(self, entry_ids: Sequence[str]) -> list[Row[Entry] | None]:
        """The entries under these ids, in their order; None where there is none."""
        found: list[Row[Entry] | None] = []
        for start in range(0, len(entry_ids), READ_AT_ONCE):
            part = entry_ids[start : start + READ_AT_ONCE]
            found += await self.table.batch_get([keys.entry(each) for each in part], Entry)
        return found

    async def find(self, entry_id: str) -> Row[Entry] | None:
        return await self.table.get(keys.entry(entry_id), Entry)

    async def row(self, entry_id: str) -> Row[Entry]:
        """The entry. Raises `NoSuchEntry`."""
        row = await self.find(entry_id)
        if row is None:
            raise NoSuchEntry
        return row

    async def of(self, cause_id: str) -> list[Entry]:
        """The entries made for a payout, payment or bank account, oldest first."""
        page = await self.table.query(keys.cause(cause_id), Entry, index=Index.PROVIDER)
        return page.values

    async def particulars(self, entry: Entry) -> Particulars:
        """The receiver's particulars in clear: for a file, an entry that follows this one, or a return held to it."""
        return particulars(await self.vault.opened(entry.particulars_box, entry.context))
