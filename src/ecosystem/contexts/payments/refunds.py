"""Refunds: money given back, in full or in part, once per id.

A refund begins as a request, committed with what it leaves of the payment before the processor is asked; refunds
together can then never pass what was captured. News moves it down this table only:

| the processor says | the refund becomes | rank | of the payment |
| --- | --- | --- | --- |
| nothing yet | `requested` | 0 | the amount is `refunding` |
| `pending` | `pending` | 1 | the amount stays `refunding` |
| `succeeded` | `issued` | 2 | `refunding` to `refunded` |
| `failed`, `cancelled`, or refused (`give_up`) | `failed` | 3 | the amount is refundable again, days later too |

One that failed waits for an operator, who says what follows it: see `failed_refunds`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.events import (
    RefundFact,
    RefundFailed,
    RefundFollowed,
    RefundFound,
    RefundIssued,
    RefundRequested,
)
from ecosystem.contexts.payments.payments import OtherPayment, Payment, PaymentId, refund_state
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.cards import RefundOrder, RefundOutcome, RefundStanding
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table, Write

RefundId = NewType("RefundId", str)

PROCESSOR = Actor(actor_id="system:processor")
AT_THE_DESK = "made at the processor"

ASK_AGAIN_AFTER, ASK_AGAIN_WITHIN = timedelta(minutes=5), timedelta(hours=6)
"""A refund that the processor has not ended is asked about again when it is twice as old, within these bounds."""


class NoSuchRefund(NotFound):
    """There is no such refund."""


class RefundChanged(Stale):
    """The refund changed meanwhile."""


class ExceedsCharge(Conflict):
    """Refunds together cannot pass the amount captured."""


class ChargedBack(Conflict):
    """The customer's bank has asked for this money: the card processor refunds none of it any more."""


class RefundState(StrEnum):
    REQUESTED = "requested"
    PENDING = "pending"
    ISSUED = "issued"
    FAILED = "failed"


_RANK = {RefundState.REQUESTED: 0, RefundState.PENDING: 1, RefundState.ISSUED: 2, RefundState.FAILED: 3}
_STATE = {
    RefundStanding.PENDING: RefundState.PENDING,
    RefundStanding.SUCCEEDED: RefundState.ISSUED,
    RefundStanding.FAILED: RefundState.FAILED,
    RefundStanding.CANCELLED: RefundState.FAILED,
}
_REFUNDING = frozenset({RefundState.REQUESTED, RefundState.PENDING})


class Follow(StrEnum):
    """What follows a refund that failed."""

    TRIED_AGAIN = "tried again"
    PAID_ELSEWHERE = "paid elsewhere"
    CLOSED = "closed"


class Followed(Struct, frozen=True, kw_only=True):
    """What an operator had follow a refund that failed, with the refund that took its place unless it was closed."""

    how: Follow
    by: str
    at: datetime
    note: str
    refund_id: str = ""


class IssueRefund(Struct, frozen=True, kw_only=True):
    """The request to give back an amount of a payment."""

    refund_id: RefundId
    payment_id: PaymentId
    booking_id: str
    amount: Money
    reason: str


class Refund(Stored, frozen=True, kw_only=True):
    """One refund of a payment. `requested_by` is who asked; the processor itself for one made at its own desk.

    `elsewhere`: the customer was paid by other means than the card processor, which knows nothing of it.
    """

    entity: ClassVar[str] = "refund"

    refund_id: RefundId
    payment_id: PaymentId
    booking_id: str
    intent_id: str
    amount: Money
    reason: str
    requested_by: str
    requested_at: datetime
    ask_at: datetime
    state: RefundState = RefundState.REQUESTED
    processor_id: str | None = None
    issued_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    elsewhere: bool = False
    followed: Followed | None = None

    @property
    def is_open(self) -> bool:
        """Whether its end is not known yet."""
        return self.state in _REFUNDING

    @property
    def order(self) -> RefundOrder:
        """The order for the card processor, the same each time."""
        return RefundOrder(
            refund_id=self.refund_id,
            payment_id=self.payment_id,
            booking_id=self.booking_id,
            intent_id=self.intent_id,
            amount=self.amount,
            intended_at=self.requested_at,
        )

    def to(self, actor: Actor, request: IssueRefund) -> Refund:
        """This refund, if the same actor asks the same again. Raises `IdReused` otherwise."""
        same = (self.payment_id, self.booking_id, self.amount, self.reason) == (
            request.payment_id,
            request.booking_id,
            request.amount,
            request.reason,
        )
        if not same or self.requested_by != actor.actor_id:
            raise IdReused(field="refund_id")
        return self


def refund(payment: Payment, request: IssueRefund, actor: Actor, at: datetime) -> tuple[Payment, Refund]:
    """Decide a refund: the payment as it becomes, and the refund, to be committed before the processor is asked.

    Raises `ExceedsCharge` when refunds would together pass the amount captured, `ChargedBack`.
    """
    if payment.left and not payment.refundable and request.amount:
        raise ChargedBack
    return _requested(payment, request, payment.refundable, actor, at)


def paid_elsewhere(payment: Payment, request: IssueRefund, actor: Actor, at: datetime) -> tuple[Payment, Refund]:
    """Decide a refund that was paid by other means than the card, and is issued with that: whatever the bank asks for.

    Raises `ExceedsCharge`.
    """
    after, requested = _requested(payment, request, payment.left, actor, at)
    return _moved(after, replace(requested, elsewhere=True), RefundState.ISSUED, at, None)


def undrawn(
    payment: Payment, request: IssueRefund, entry_id: str, actor: Actor, at: datetime
) -> tuple[Payment, Refund]:
    """Decide the refund of a bank debit that was taken out before it was sent, and is issued with that.

    Raises `ExceedsCharge`.
    """
    after, requested = _requested(payment, request, payment.left, actor, at)
    return _moved(after, replace(requested, processor_id=entry_id), RefundState.ISSUED, at, None)


def _requested(
    payment: Payment, request: IssueRefund, most: Money, actor: Actor, at: datetime
) -> tuple[Payment, Refund]:
    if request.payment_id != payment.payment_id or request.booking_id != payment.booking_id:
        raise OtherPayment
    if not request.amount:
        raise Invalid("A refund is more than nothing.", field="amount")
    if payment.intent_id is None or most < request.amount:
        raise ExceedsCharge(field="amount")
    requested = Refund(
        refund_id=request.refund_id,
        payment_id=payment.payment_id,
        booking_id=payment.booking_id,
        intent_id=payment.intent_id,
        amount=request.amount,
        reason=request.reason,
        requested_by=actor.actor_id,
        requested_at=at,
        ask_at=at + ASK_AGAIN_AFTER,
    )
    return replace(payment, refunding=payment.refunding + request.amount), requested


def adopt(payment: Payment, outcome: RefundOutcome, refund_id: RefundId, at: datetime) -> tuple[Payment, Refund]:
    """Decide how a refund that was made elsewhere, such as at the processor's desk, enters our records.

    One that has failed by now moved nothing in the end, and is only recorded. Raises `ExceedsCharge` when it does not
    fit, which a person has to look into.
    """
    if outcome.intent_id != payment.intent_id:
        raise OtherPayment
    if _STATE[outcome.standing] is RefundState.FAILED:
        return payment, _failed_elsewhere(payment, outcome, refund_id, at)
    request = IssueRefund(
        refund_id=refund_id,
        payment_id=payment.payment_id,
        booking_id=payment.booking_id,
        amount=outcome.amount,
        reason=AT_THE_DESK,
    )
    after, requested = refund(payment, request, PROCESSOR, at)
    return settle_refund(after, replace(requested, processor_id=outcome.processor_id), outcome, at)


def found_id(outcome: RefundOutcome) -> RefundId:
    """The id by which a refund made elsewhere is adopted: made from the processor's, so that it is adopted once."""
    random = sha256(outcome.processor_id.encode()).digest()[: ids.RANDOM_BYTES]
    return RefundId(ids.make("rfd", outcome.made_at, random))


def _failed_elsewhere(payment: Payment, outcome: RefundOutcome, refund_id: RefundId, at: datetime) -> Refund:
    return Refund(
        refund_id=refund_id,
        payment_id=payment.payment_id,
        booking_id=payment.booking_id,
        intent_id=outcome.intent_id,
        amount=outcome.amount,
        reason=AT_THE_DESK,
        requested_by=PROCESSOR.actor_id,
        requested_at=at,
        ask_at=at,
        state=RefundState.FAILED,
        processor_id=outcome.processor_id,
        failed_at=at,
        failure=outcome.failure,
    )


def settle_refund(payment: Payment, known: Refund, outcome: RefundOutcome, at: datetime) -> tuple[Payment, Refund]:
    """Payment and refund after news from the card processor; the very same values when the news says nothing new.

    Raises `OtherPayment` when the news does not fit them.
    """
    of_other = known.processor_id not in {None, outcome.processor_id}
    if of_other or outcome.intent_id != known.intent_id or outcome.amount != known.amount:
        raise OtherPayment("This news from the card processor is about another refund, or another amount.")
    state = _STATE[outcome.standing]
    if _RANK[state] <= _RANK[known.state]:
        return payment, known if known.processor_id else replace(known, processor_id=outcome.processor_id)
    return _moved(payment, replace(known, processor_id=outcome.processor_id), state, at, outcome.failure)


def give_up_refund(payment: Payment, known: Refund, why: str, at: datetime) -> tuple[Payment, Refund]:
    """The refund failed, decided when the processor refused the order; unchanged once the processor knows it."""
    if known.state is not RefundState.REQUESTED or known.processor_id:
        return payment, known
    return _moved(payment, known, RefundState.FAILED, at, why)


def ask_later(known: Refund, at: datetime) -> Refund:
    """The refund to be asked about again after a while."""
    pause = min(max(at - known.requested_at, ASK_AGAIN_AFTER), ASK_AGAIN_WITHIN)
    return replace(known, ask_at=at + pause)


def _moved(
    payment: Payment, known: Refund, state: RefundState, at: datetime, failure: str | None
) -> tuple[Payment, Refund]:
    nothing = Money(0, known.amount.currency)
    was_refunding = known.amount if known.state in _REFUNDING else nothing
    was_refunded = known.amount if known.state is RefundState.ISSUED else nothing
    is_refunding = known.amount if state in _REFUNDING else nothing
    is_refunded = known.amount if state is RefundState.ISSUED else nothing
    after = replace(
        payment,
        refunding=payment.refunding - was_refunding + is_refunding,
        refunded=payment.refunded - was_refunded + is_refunded,
    )
    moved = replace(
        known,
        state=state,
        issued_at=at if state is RefundState.ISSUED else known.issued_at,
        failed_at=at if state is RefundState.FAILED else None,
        failure=failure if state is RefundState.FAILED else None,
    )
    return replace(after, state=refund_state(after)), moved


def refund_made(requested: Refund, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new refund. `IdReused` when the id is taken: then load it and ask `to`.

    The payment's own change is written by `payments.becomes` in the same transaction.
    """
    named = _named(requested)
    told: list[RefundFact] = [RefundRequested(**named)]
    if requested.requested_by == PROCESSOR.actor_id:
        # Nothing is to be asked of the processor: it told us.
        told = [RefundFound(**named, processor_id=requested.processor_id or "")]
    if requested.state is RefundState.ISSUED:
        told.append(RefundIssued(**named, elsewhere=requested.elsewhere))
    if requested.state is RefundState.FAILED:
        told.append(RefundFailed(**named, was_issued=False))
    put = Put(
        key=keys.refund(requested.booking_id, requested.refund_id),
        value=requested,
        index=refund_index(requested),
        expected=ABSENT,
        otherwise=IdReused(field="refund_id"),
    )
    timeline = keys.refund_timeline(requested.refund_id)
    return [put, *(announce(fact, aggregate=timeline, sequence=1, actor=actor, at=at) for fact in told)]


def refund_becomes(row: Row[Refund], after: Refund, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a refund's change with the event it makes; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    put = Put(key=row.key, value=after, index=refund_index(after), expected=row.unchanged, otherwise=RefundChanged())
    fact = _entered(before, after)
    if fact is None:
        return [put]
    timeline = keys.refund_timeline(after.refund_id)
    previous = {"state": before.state.value}
    return [put, announce(fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=at, previous=previous)]


def refund_index(known: Refund) -> dict[Index, Key]:
    """Where the sweep finds the refund while its end is not known, and operators one that failed."""
    if known.state is RefundState.FAILED and known.followed is None:
        assert known.failed_at
        return keys.waits(keys.failed_refunds(), known.failed_at, known.refund_id)
    if not known.is_open:
        return {}
    return keys.waits(keys.open_refunds(keys.shard(known.refund_id)), known.ask_at, known.refund_id)


def _entered(before: Refund, after: Refund) -> RefundFact | None:
    if after.followed and before.followed is None:
        return RefundFollowed(**_named(after), how=after.followed.how, by_refund_id=after.followed.refund_id)
    if after.state is before.state:
        return None
    if after.state is RefundState.ISSUED:
        return RefundIssued(**_named(after), elsewhere=after.elsewhere)
    if after.state is RefundState.FAILED:
        return RefundFailed(**_named(after), was_issued=before.state is RefundState.ISSUED)
    return None


def _named(known: Refund) -> dict[str, Any]:
    return {
        "refund_id": known.refund_id,
        "payment_id": known.payment_id,
        "booking_id": known.booking_id,
        "amount_minor": known.amount.minor,
        "currency": known.amount.currency,
    }


@dataclass(frozen=True, slots=True)
class Refunds:
    """Finds refunds. What changes them is decided above and committed by journeys."""

    table: Table

    async def refund(self, booking_id: str, refund_id: str) -> Row[Refund] | None:
        """The refund, if there is one by that id: an earlier request's outcome."""
        return await self.table.get(keys.refund(booking_id, refund_id), Refund)

    async def refunds_of(self, booking_id: str) -> Sequence[Row[Refund]]:
        """Every refund of the booking, oldest first."""
        page = await self.table.query(keys.booking(booking_id), Refund, prefix=keys.REFUND_PREFIX, limit=100)
        return page.rows

    async def failed(self, limit: int = 100) -> Sequence[Refund]:
        """Refunds that failed and that nobody dealt with yet, the one that failed first coming first."""
        page = await self.table.query(keys.failed_refunds(), Refund, index=Index.STATUS, limit=limit)
        return page.values

    async def unanswered(self, at: datetime, limit: int = 100) -> Sequence[Row[Refund]]:
        """Refunds whose end is not known and that are due to be asked about, candidates for the sweep."""
        pages = await asyncio.gather(
            *(
                self.table.query(keys.open_refunds(shard), Refund, index=Index.STATUS, end=keys.due(at), limit=limit)
                for shard in range(keys.SHARDS)
            )
        )
        rows = [row for page in pages for row in page.rows]
        return sorted(rows, key=lambda row: row.value.ask_at)[:limit]
