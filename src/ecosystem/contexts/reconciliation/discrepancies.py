"""Discrepancies: what the sides differ over, from the day it was first seen until it is closed.

One movement is one discrepancy however often it is seen: its id is made of the movement's key.

| from | may become |
| --- | --- |
| `open` | `proposed` (a second operator is asked), `asked` (bank or processor are), `closed` |
| `proposed` | `open` again, or `closed` by the repair |
| `asked` | `closed`; or anything that `open` may |
| `closed` | `open`, when the sides still differ after a repair, or differ again |
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.reconciliation.differences import EXPLAINED, Kind, Repair
from ecosystem.contexts.reconciliation.judging import Item
from ecosystem.contexts.reconciliation.rows import Movement, Row, Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import exponent
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound
from ecosystem.ports.table import Stored

TEXT_MAX: Final = 1_000
ENTRIES_MAX: Final = 200
FOUR_EYES: Final = 1_000
"""A repair that moves more than that, in whole units of the currency, needs a second operator."""

ADOPTED: Final = frozenset(
    {
        Movement.PAYMENT,
        Movement.REFUND,
        Movement.REFUND_FAILED,
        Movement.CHARGEBACK,
        Movement.CHARGEBACK_RETURNED,
        Movement.TRANSFER,
        Movement.TRANSFER_REVERSED,
        Movement.CREDIT_RETURNED,
        Movement.DEBIT_RETURNED,
    }
)
"""What the other side can be asked for so that it enters our books by the way of its news."""

OWN_MONEY: Final = frozenset(
    {Movement.WITHDRAWAL, Movement.WITHDRAWAL_RETURNED, Movement.TOP_UP, Movement.TOP_UP_RETURNED}
)


class NoSuchDiscrepancy(NotFound):
    """There is no such discrepancy."""


class DiscrepancyOver(Conflict):
    """This discrepancy is closed."""


class NotOffered(Invalid):
    """That does not mend a discrepancy of this kind."""


class ReadAgain(Conflict):
    """It changed since you looked: read it again, and decide then."""


class NothingProposed(Conflict):
    """Nobody has proposed a repair of this discrepancy."""


class OwnProposal(Denied):
    """Whoever proposed a repair does not approve it: ask somebody else."""


class State(StrEnum):
    OPEN = "open"
    PROPOSED = "proposed"
    ASKED = "asked"
    CLOSED = "closed"


class Deed(StrEnum):
    """What an entry of the history tells of."""

    SEEN = "seen"
    CHANGED = "changed"
    ASSIGNED = "assigned"
    REMARK = "remark"
    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    ASKED = "asked"
    REPAIRED = "repaired"
    CLOSED = "closed"
    GONE = "gone"
    REOPENED = "reopened"


class Entry(Struct, frozen=True, kw_only=True):
    """One line of a discrepancy's history."""

    deed: Deed
    by: str
    at: datetime
    text: str = ""


class Proposal(Struct, frozen=True, kw_only=True):
    """A repair that waits for a second operator: of what differs as it was then, and by that much."""

    repair: Repair
    reason: str
    by: str
    at: datetime
    amount: int
    kinds: tuple[Kind, ...]


class Discrepancy(Stored, frozen=True, kw_only=True):
    """A movement over which the sides differ. `first_on` and `last_on` are the days on which it was seen.

    `rows` are as they were last seen. `amount` is what the repair would move: what the other side says less what our
    books say, or all of it where one of them says nothing; in minor units, above zero when more is ours.
    `giving_back_since` is when it was decided that its money goes back: the processor is asked after that.
    """

    entity: ClassVar[str] = "discrepancy"

    discrepancy_id: str
    key: str
    kinds: tuple[Kind, ...]
    movement: Movement
    rows: tuple[Row, ...]
    missing: tuple[Side, ...] = ()
    beside: tuple[str, ...] = ()
    amount: int
    agreed_amount: int | None = None
    currency: str
    moved_on: date
    first_on: date
    last_on: date
    state: State = State.OPEN
    assigned_to: str = ""
    proposal: Proposal | None = None
    history: tuple[Entry, ...] = ()
    repaired_at: datetime | None = None
    corrected: int = 0
    reversed_rows: tuple[str, ...] = ()
    giving_back_since: datetime | None = None

    @property
    def kind(self) -> Kind:
        """What it is first of all."""
        return self.kinds[0]

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What may be done about it, what is offered first coming first."""
        found = dict.fromkeys(repair for kind in self.kinds for repair in EXPLAINED[kind].repairs if self._fits(repair))
        return tuple(found) if Repair.ACCEPT in found else (*found, Repair.ACCEPT)

    def _fits(self, repair: Repair) -> bool:
        match repair:
            case Repair.ADOPT:
                return self.movement in ADOPTED
            case Repair.GIVE_BACK:
                return self.movement is Movement.PAYMENT and not self.of(Side.LEDGER)
            case Repair.CORRECT | Repair.BOOK_FEE:
                # Our own money is booked when the bank has it: what the processor alone says waits for the bank.
                waits = self.movement in OWN_MONEY and not self.of(Side.BANK)
                return bool(self.amount) and Kind.CURRENCY not in self.kinds and not waits
            case Repair.REVERSE:
                return bool(self.spare)
            case _:
                return True

    @property
    def spare(self) -> tuple[Row, ...]:
        """The rows of ours that stand there once too often, or alone: an entry's handing over is not among them."""
        ours = tuple(row for row in self.of(Side.LEDGER) if row.movement is not Movement.ORIGINATED)
        others = self.of(Side.PROCESSOR) or self.of(Side.BANK)
        if self.agreed_amount is not None:
            return ours
        if Kind.DUPLICATE_IN_LEDGER not in self.kinds:
            return () if others else ours
        told = {(row.amount, row.currency) for row in others}
        kept = next((row for row in ours if (row.amount, row.currency) in told), ours[0])
        return tuple(row for row in ours if row is not kept)

    @property
    def is_over(self) -> bool:
        return self.state is State.CLOSED

    def of(self, side: Side) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.side is side)

    def needs_two(self, repair: Repair) -> bool:
        """Whether the repair needs a second operator: when it moves much."""
        return self.moved_by(repair) > FOUR_EYES * 10 ** exponent(self.currency)

    def moved_by(self, repair: Repair) -> int:
        """How much the repair moves, in minor units."""
        match repair:
            case Repair.CORRECT | Repair.BOOK_FEE | Repair.GIVE_BACK:
                return abs(self.amount)
            case Repair.REVERSE:
                return sum(abs(row.amount) for row in self.spare)
            case _:
                return 0


def id_of(key: str) -> str:
    """The id of the discrepancy over that movement."""
    return f"dcp_{blake2b(key.encode(), digest_size=13).hexdigest()}"


def found(item: Item, day: date, by: str, at: datetime) -> Discrepancy:
    """The discrepancy that this item is, seen for the first time."""
    made = Discrepancy(
        discrepancy_id=id_of(item.key),
        key=item.key,
        kinds=item.kinds,
        movement=item.movement,
        rows=item.rows,
        missing=item.missing,
        beside=item.beside,
        amount=gap(item),
        agreed_amount=item.agreed_amount,
        currency=item.currency,
        moved_on=item.on,
        first_on=day,
        last_on=day,
    )
    return _noted(made, Deed.SEEN, by, at, EXPLAINED[made.kind].title)


def seen(known: Discrepancy, item: Item, day: date, by: str, at: datetime) -> Discrepancy:
    """The discrepancy as a run that began at that instant sees it; the same run again changes nothing.

    What was accepted stays closed while it is what it was. What was mended before the run, and is still seen, opens.
    A run of an earlier day than the last that saw it tells nothing new.
    """
    if day < known.last_on:
        return known
    after = replace(
        known,
        kinds=item.kinds,
        movement=item.movement,
        rows=item.rows,
        missing=item.missing,
        beside=item.beside,
        amount=gap(item),
        agreed_amount=item.agreed_amount,
        last_on=max(known.last_on, day),
    )
    if known.is_over:
        is_accepted = known.repaired_at is None and item.kinds == known.kinds
        if is_accepted or (known.repaired_at is not None and known.repaired_at >= at):
            return known
        return _noted(replace(after, state=State.OPEN), Deed.REOPENED, by, at, "The sides still differ.")
    if after.kinds != known.kinds:
        after = _noted(after, Deed.CHANGED, by, at, ", ".join(EXPLAINED[kind].title for kind in after.kinds))
    was = known.proposal
    if was is not None and (was.kinds, was.amount, {*known.rows}) != (after.kinds, after.amount, {*after.rows}):
        after = replace(after, state=State.OPEN, proposal=None)
        return _noted(after, Deed.WITHDRAWN, by, at, "It differs otherwise than when this was proposed.")
    return after


def gone(known: Discrepancy, by: str, at: datetime) -> Discrepancy:
    """The sides agree by now: it is closed."""
    if known.is_over:
        return known
    closed = replace(known, state=State.CLOSED, proposal=None)
    return _noted(closed, Deed.GONE, by, at, "The sides agree by now.")


def gap(item: Item) -> int:
    """What the other side says less what our books say; all of it, when one of them says nothing."""
    ours = item.of(Side.LEDGER)
    sides = (Side.BANK, Side.PROCESSOR) if item.movement in OWN_MONEY else (Side.PROCESSOR, Side.BANK)
    others = item.of(sides[0]) or item.of(sides[1])
    return sum(row.amount for row in others) - sum(row.amount for row in ours)


def assigned(known: Discrepancy, to: str, actor: Actor, at: datetime) -> Discrepancy:
    """Somebody looks after it; nobody, when `to` is empty."""
    _must_be_open(known, actor)
    return _noted(replace(known, assigned_to=to), Deed.ASSIGNED, actor.actor_id, at, to)


def remarked(known: Discrepancy, text: str, actor: Actor, at: datetime) -> Discrepancy:
    """A remark was made. Closed ones take remarks too."""
    actor.must_operate()
    return _noted(known, Deed.REMARK, actor.actor_id, at, _said(text))


def proposed(known: Discrepancy, repair: Repair, reason: str, actor: Actor, at: datetime) -> Discrepancy:
    """A repair is asked for: it needs a second operator. Raises `NotOffered`, `DiscrepancyOver`."""
    _must_fit(known, repair, actor)
    proposal = Proposal(
        repair=repair, reason=_said(reason), by=actor.actor_id, at=at, amount=known.amount, kinds=known.kinds
    )
    after = replace(known, state=State.PROPOSED, proposal=proposal)
    return _noted(after, Deed.PROPOSED, actor.actor_id, at, f"{repair}: {reason}")


def approved(known: Discrepancy, actor: Actor) -> Proposal:
    """What was proposed, if this operator may approve it. Raises `NothingProposed`, `OwnProposal`."""
    _must_be_open(known, actor)
    if known.proposal is None:
        raise NothingProposed
    if known.proposal.by == actor.actor_id:
        raise OwnProposal
    return known.proposal


def withdrawn(known: Discrepancy, actor: Actor, at: datetime) -> Discrepancy:
    """What was proposed is not wanted any more."""
    _must_be_open(known, actor)
    if known.proposal is None:
        raise NothingProposed
    return _noted(replace(known, state=State.OPEN, proposal=None), Deed.WITHDRAWN, actor.actor_id, at)


def asked(known: Discrepancy, repair: Repair, text: str, actor: Actor, at: datetime) -> Discrepancy:
    """Bank or processor were asked. Raises `NotOffered`."""
    _must_fit(known, repair, actor)
    after = replace(known, state=State.ASKED, proposal=None, assigned_to=known.assigned_to or actor.actor_id)
    return _noted(after, Deed.ASKED, actor.actor_id, at, _said(text))


def giving_back(known: Discrepancy, reason: str, actor: Actor, at: datetime) -> Discrepancy:
    """The money of a payment is to go back; decided already, it stays so. Raises `NotOffered`."""
    _must_fit(known, Repair.GIVE_BACK, actor)
    if known.giving_back_since is not None:
        return known
    after = replace(known, giving_back_since=at)
    return _noted(after, Deed.ASKED, actor.actor_id, at, f"{Repair.GIVE_BACK}: {_said(reason)}")


def gone_back(known: Discrepancy, refund_key: str, minor: int, on: date, actor: Actor, at: datetime) -> Discrepancy:
    """The refund by which a payment that is not ours went back: a movement of its own, posted with the payment.

    No run has seen it yet: it is mended before it differs.
    """
    made = Discrepancy(
        discrepancy_id=id_of(refund_key),
        key=refund_key,
        kinds=(Kind.REFUND_UNBOOKED,),
        movement=Movement.REFUND,
        rows=(),
        missing=(Side.LEDGER,),
        beside=(known.key,),
        amount=-minor,
        currency=known.currency,
        moved_on=on,
        first_on=on,
        last_on=on,
        state=State.CLOSED,
        repaired_at=at,
        corrected=-minor,
    )
    return _noted(made, Deed.REPAIRED, actor.actor_id, at, f"{Repair.GIVE_BACK}: {known.key}"[:TEXT_MAX])


def repaired(
    known: Discrepancy,
    repair: Repair,
    reason: str,
    actor: Actor,
    at: datetime,
    *,
    corrected: int = 0,
    reversed_rows: tuple[str, ...] = (),
) -> Discrepancy:
    """It was mended: closed, until a run shows that the sides still differ. Raises `NotOffered`."""
    _must_fit(known, repair, actor)
    accepted = repair is Repair.ACCEPT
    closed = replace(
        known,
        state=State.CLOSED,
        proposal=None,
        repaired_at=None if accepted else at,
        corrected=known.corrected + corrected,
        reversed_rows=(*known.reversed_rows, *reversed_rows),
    )
    return _noted(closed, Deed.CLOSED if accepted else Deed.REPAIRED, actor.actor_id, at, f"{repair}: {_said(reason)}")


def _must_fit(known: Discrepancy, repair: Repair, actor: Actor) -> None:
    _must_be_open(known, actor)
    if repair not in known.repairs:
        raise NotOffered(field="repair")


def _must_be_open(known: Discrepancy, actor: Actor) -> None:
    actor.must_operate()
    if known.is_over:
        raise DiscrepancyOver


def _said(text: str) -> str:
    if not text.strip():
        raise Invalid("Say why, or what you know.", field="reason")
    if len(text) > TEXT_MAX:
        raise Invalid(f"At most {TEXT_MAX} characters.", field="reason")
    return text.strip()


def _noted(known: Discrepancy, deed: Deed, by: str, at: datetime, text: str = "") -> Discrepancy:
    entry = Entry(deed=deed, by=by, at=at, text=text)
    return replace(known, history=(*known.history, entry)[-ENTRIES_MAX:])
