"""Payouts: money off a provider's balance, on its way to their bank.

A payout begins as an intention, committed with the transfer that takes its money off the balance, before the rail is
asked for anything. News of it moves it down this table only:

| from | may become |
| --- | --- |
| `intended` | `sent`, `cancelled` while the rail owes no answer, `failed` |
| `sent`: the rail has it | `in_transit`, `paid`, `failed` |
| `in_transit`: the provider's bank will have it | `paid`, `failed` |
| `paid` | `returned` |
| `failed`, `returned`, `cancelled` | - : the money is back on the balance |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import (
    PayoutCancelled,
    PayoutFact,
    PayoutFailed,
    PayoutIntended,
    PayoutMoving,
    PayoutPaid,
    PayoutReturned,
    PayoutSent,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Write

PayoutId = NewType("PayoutId", str)
PREFIX = "pyt"
WORDS_MAX = 500

ASK_AGAIN_AFTER, ASK_AGAIN_WITHIN = timedelta(minutes=5), timedelta(hours=12)
"""The rail is asked again when the payout is twice as old, within these bounds."""


class NoSuchPayout(NotFound):
    """There is no such payout."""


class PayoutChanged(Stale):
    """The payout changed meanwhile: read it again."""


class PayoutUnderWay(Conflict):
    """The payout is on its way: it can no longer be called off."""


class PayoutNotThere(Conflict):
    """This news does not fit the payout: it is of another rail, or does not follow from where it stands."""


class Rail(StrEnum):
    """How money reaches a provider's bank.

    `stripe`: through their account at the card processor. `ach`: in a file that our own bank takes.
    """

    STRIPE = "stripe"
    ACH = "ach"


class Speed(StrEnum):
    """`instant` is within minutes, for a fee, where the rail offers it."""

    STANDARD = "standard"
    INSTANT = "instant"


class Origin(StrEnum):
    """Why there is a payout: its day had come, or somebody asked for it."""

    SCHEDULED = "scheduled"
    ASKED = "asked"


class PayoutStatus(StrEnum):
    INTENDED = "intended"
    SENT = "sent"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"
    CANCELLED = "cancelled"


OPEN = (PayoutStatus.INTENDED, PayoutStatus.SENT, PayoutStatus.IN_TRANSIT)
"""Its end is not known yet."""

GIVEN_BACK = frozenset({PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED})
"""Its money is back on the balance."""

_FOLLOWS: dict[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.INTENDED: frozenset({PayoutStatus.SENT, PayoutStatus.CANCELLED, PayoutStatus.FAILED}),
    PayoutStatus.SENT: frozenset({PayoutStatus.IN_TRANSIT, PayoutStatus.PAID, PayoutStatus.FAILED}),
    PayoutStatus.IN_TRANSIT: frozenset({PayoutStatus.PAID, PayoutStatus.FAILED}),
    PayoutStatus.PAID: frozenset({PayoutStatus.RETURNED}),
    PayoutStatus.FAILED: frozenset(),
    PayoutStatus.RETURNED: frozenset(),
    PayoutStatus.CANCELLED: frozenset(),
}


class Trouble(Struct, frozen=True, kw_only=True):
    """Why a payout failed or came back: the rail's code, such as `R03`, and words for the provider.

    `pauses` tells that the next one would end no better, so that nothing more is paid out until something is mended.
    """

    code: str
    words: str
    pauses: bool = True

    def __post_init__(self) -> None:
        if len(self.code) > WORDS_MAX or len(self.words) > WORDS_MAX:
            raise Invalid("That is too long for a reason.", field="words")


class Destination(Struct, frozen=True, kw_only=True):
    """Where the money goes: the connected account's id, or that of a bank account of ours; the last digits to show."""

    rail: Rail
    account_id: str
    last4: str = ""


class AskPayout(Struct, frozen=True, kw_only=True):
    """The request for a payout: `amount` leaves the balance; `fee` of it is the price for speed that was shown."""

    payout_id: PayoutId
    provider_id: str
    amount: Money
    speed: Speed = Speed.STANDARD
    fee: Money | None = None


class PayoutNews(Struct, frozen=True, kw_only=True):
    """What a rail says of a payout: how it stands now, and what is known with that.

    `fee_kept` is what the rail keeps of its price for speed although the money came back.
    """

    status: PayoutStatus
    trouble: Trouble | None = None
    transfer_id: str = ""
    rail_id: str = ""
    expected_at: datetime | None = None
    fee_kept: Money | None = None


class Payout(Stored, frozen=True, kw_only=True):
    """One payout of a provider. `send_at` is when it is sent at the earliest.

    `begun_at` is when the rail was asked for it, and nothing while no money moves.
    `transfer_id` and `rail_id` are the rail's ids: of the transfer to the connected account and of its payout, or the
    trace number of the entry. `attempt` counts the times it was asked for anew. `ask_at` is when the rail is asked next.
    `rules` is the version of the rules it was decided under. `reversals_refused` counts how often the rail did not give
    its money back although it had failed. `fee_kept` is a cost of ours: the provider has all of their
    money back. One `in_review` waits for an operator before it is sent.
    """

    entity: ClassVar[str] = "payout"

    payout_id: PayoutId
    provider_id: str
    amount: Money
    fee: Money
    destination: Destination
    speed: Speed = Speed.STANDARD
    origin: Origin
    requested_by: str
    rules: int
    in_review: bool = False
    attempt: int = 1
    reversals_refused: int = 0
    intended_at: datetime
    send_at: datetime
    ask_at: datetime
    status: PayoutStatus = PayoutStatus.INTENDED
    begun_at: datetime | None = None
    sent_at: datetime | None = None
    transfer_id: str = ""
    rail_id: str = ""
    expected_at: datetime | None = None
    paid_at: datetime | None = None
    ended_at: datetime | None = None
    trouble: Trouble | None = None
    fee_kept: Money | None = None

    @property
    def rail(self) -> Rail:
        return self.destination.rail

    @property
    def net(self) -> Money:
        """What reaches the provider's bank."""
        return self.amount - self.fee

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_stranded(self) -> bool:
        """It failed, and its money could not be taken back from the provider's account at the rail."""
        return self.reversals_refused > 0 and self.status not in GIVEN_BACK

    @property
    def may_be_cancelled(self) -> bool:
        """No money moves, as far as anybody can know: one that waits for its file does so until the file is built."""
        return self.status is PayoutStatus.INTENDED and (self.rail is Rail.ACH or self.begun_at is None)

    @property
    def entry_id(self) -> str:
        """The entry that carries it in a file: one for each time it is asked for anew."""
        return f"{self.payout_id}.{self.attempt}"

    def to(self, actor: Actor, request: AskPayout) -> Payout:
        """This payout, if the same actor asks for the same again. Raises `IdReused` otherwise."""
        same = (self.provider_id, self.amount, self.speed) == (request.provider_id, request.amount, request.speed)
        if not same or self.requested_by != actor.actor_id:
            raise IdReused(field="payout_id")
        return self


def begun(known: Payout, at: datetime) -> Payout:
    """The processor is asked next: until it answers, the payout cannot be cancelled. Raises `PayoutNotThere`."""
    if known.status is not PayoutStatus.INTENDED or known.in_review:
        raise PayoutNotThere
    return known if known.begun_at else replace(known, begun_at=at)


def moved(known: Payout, news: PayoutNews, at: datetime) -> Payout:
    """The payout after news of it; the very same value when it is there already, or further.

    Raises `PayoutNotThere` when that does not follow, `PayoutUnderWay` for one that can no longer be cancelled.
    """
    to = news.status
    if to is known.status:
        return _filed_again(known, news)
    if to is PayoutStatus.CANCELLED and known.is_open and not known.may_be_cancelled:
        raise PayoutUnderWay
    if to not in _FOLLOWS[known.status]:
        if _leads(to, known.status):
            return known
        raise PayoutNotThere(f"A payout that is {known.status} does not become {to}.")
    return replace(
        known,
        status=to,
        begun_at=known.begun_at or (at if to is PayoutStatus.SENT else None),
        sent_at=at if to is PayoutStatus.SENT else known.sent_at,
        paid_at=at if to is PayoutStatus.PAID else known.paid_at,
        ended_at=at if to is PayoutStatus.PAID or to in GIVEN_BACK else None,
        trouble=news.trouble or known.trouble,
        transfer_id=news.transfer_id or known.transfer_id,
        rail_id=news.rail_id or known.rail_id,
        expected_at=news.expected_at or known.expected_at,
        fee_kept=news.fee_kept or known.fee_kept,
        ask_at=at + ASK_AGAIN_AFTER,
    )


def _filed_again(known: Payout, news: PayoutNews) -> Payout:
    """The payout whose entry was filed anew because its file never went: the trace number before is lost."""
    if known.rail is not Rail.ACH or known.status is not PayoutStatus.SENT or not news.rail_id:
        return known
    return replace(known, rail_id=news.rail_id, expected_at=news.expected_at or known.expected_at)


def let_through(known: Payout, at: datetime) -> Payout:
    """The payout once an operator has looked at it: it may be sent."""
    return replace(known, in_review=False, ask_at=at + ASK_AGAIN_AFTER) if known.in_review else known


def tried_anew(known: Payout, attempt: int, at: datetime) -> Payout:
    """The payout to be asked for under another id in a while: the rail had too little money for that attempt.

    Only an attempt whose answer is known is followed by another one: two who learn of the same make one of it. No money
    moved, so that it may be cancelled until it is asked for again.
    """
    if known.attempt != attempt or known.status is not PayoutStatus.INTENDED:
        return known
    return asked_later(replace(known, attempt=known.attempt + 1, begun_at=None), at)


def stranded(known: Payout, refused: int, trouble: Trouble, at: datetime) -> Payout:
    """The payout whose money the rail did not give back at that reversal, to be asked for again in a while.

    Only a reversal whose answer is known is followed by another one.
    """
    if known.reversals_refused != refused or known.status in GIVEN_BACK:
        return known
    return asked_later(replace(known, reversals_refused=refused + 1, trouble=trouble), at)


def asked_later(known: Payout, at: datetime) -> Payout:
    """The payout to be asked about again after a while."""
    pause = min(max(at - known.intended_at, ASK_AGAIN_AFTER), ASK_AGAIN_WITHIN)
    return replace(known, ask_at=at + pause)


def _leads(early: PayoutStatus, late: PayoutStatus) -> bool:
    """Whether the former state comes before the latter: news that is late is no news."""
    return any(each is late or _leads(each, late) for each in _FOLLOWS[early])


def payout_made(made: Payout, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new payout. `IdReused` when the id is taken: then load it and ask `to`."""
    put = Put(
        key=keys.payout(made.payout_id),
        value=made,
        index=payout_index(made),
        expected=ABSENT,
        otherwise=IdReused(field="payout_id"),
    )
    fact = PayoutIntended(**_named(made), origin=made.origin, speed=made.speed, fee=made.fee)
    return [put, announce(fact, aggregate=keys.payout_timeline(made.payout_id), sequence=1, actor=actor, at=at)]


def payout_becomes(row: Row[Payout], after: Payout, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a payout's change with the event it makes; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    put = Put(key=row.key, value=after, index=payout_index(after), expected=row.unchanged, otherwise=PayoutChanged())
    if after.status is before.status:
        return [put]
    timeline = keys.payout_timeline(after.payout_id)
    previous = {"status": before.status.value}
    fact = _entered(after)
    return [put, announce(fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=at, previous=previous)]


def payout_index(known: Payout) -> dict[Index, Key]:
    """Where a payout is found: by provider, by month, by rail and status, and by the rail's id."""
    place = keys.place(known.intended_at, known.payout_id)
    status, due_at = known.status.value, known.ended_at or known.ask_at
    if known.is_stranded and not known.is_open:
        status, due_at = keys.STRANDED, known.ask_at
    index = {
        Index.PROVIDER: Key(keys.of_provider(known.provider_id), place),
        Index.CUSTOMER: Key(keys.in_month(known.intended_at), place),
        Index.STATUS: Key(keys.in_status(status, known.rail), keys.place(due_at, known.payout_id)),
    }
    if known.rail_id:
        index[Index.SLUG] = Key(keys.by_rail_id(known.rail_id), known.payout_id)
    return index


def _entered(after: Payout) -> PayoutFact:
    named = _named(after)
    match after.status:
        case PayoutStatus.SENT:
            return PayoutSent(**named)
        case PayoutStatus.IN_TRANSIT:
            return PayoutMoving(**named, expected_at=after.expected_at)
        case PayoutStatus.PAID:
            return PayoutPaid(**named)
        case PayoutStatus.CANCELLED:
            return PayoutCancelled(**named)
        case PayoutStatus.FAILED | PayoutStatus.RETURNED:
            kind = PayoutFailed if after.status is PayoutStatus.FAILED else PayoutReturned
            trouble = after.trouble or Trouble(code="", words="")
            return kind(**named, code=trouble.code, reason=trouble.words)
        case PayoutStatus.INTENDED:
            raise AssertionError("nothing becomes an intention again")


def _named(known: Payout) -> dict[str, Any]:
    return {
        "payout_id": known.payout_id,
        "provider_id": known.provider_id,
        "amount": known.amount,
        "rail": known.rail.value,
    }
