"""Payments: what a customer means to pay, and what the card processor made of it.

A payment begins as an intention, committed before the processor is asked. `settle` then takes what the processor
answers, now or later, by whichever way the news comes: the answer of a call, a webhook, a sweep. News may come twice,
late and out of order; a payment only moves down this table, so the last row that was ever true wins.

| the processor says | the payment becomes | rank | the booking's next step |
| --- | --- | --- | --- |
| nothing yet, or `processing` | `intended` | 0 | wait; ask again at the deadline |
| `requires_action` | `requires_action` | 1 | the customer passes the challenge at `challenge_url` |
| `declined`, or the order was refused (`give_up`) | `failed` | 2 | another payment, while the hold lasts |
| `authorized` | `authorized` | 3 | capture on acceptance, cancel on refusal |
| `cancelled` | `cancelled` | 4 | nothing was taken |
| `captured` | `captured` | 5 | confirm; if the booking is gone, refund all |
| refunds in part, in full | `partially_refunded`, `refunded` | 5 | see `refunds.py` |

Money taken outranks everything: a capture that becomes known after the payment was given up is still recorded, and
then refunded by whoever finds that the booking is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.chargebacks import Chargeback, advanced
from ecosystem.contexts.payments.events import (
    CardOffered,
    ChallengeRequired,
    ChargebackClosed,
    ChargebackMoved,
    ChargebackOpened,
    DebitPresentedAgain,
    DebitReturned,
    DebitSettled,
    PaymentAuthorized,
    PaymentCancelled,
    PaymentCaptured,
    PaymentDeclined,
    PaymentFact,
    PaymentIntended,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.cards import Capture, ChargebackOutcome, Decline, Order, Outcome, ShownCard, Standing
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table, Write

PaymentId = NewType("PaymentId", str)

CHARGEBACKS_MAX = 10


class NoSuchPayment(NotFound):
    """There is no such payment."""


class PaymentChanged(Stale):
    """The payment changed meanwhile."""


class OtherPayment(Conflict):
    """This news from the card processor is about another payment, or another amount."""


class NotHeld(Conflict):
    """There is no money held on the card to capture."""


class AlreadyAsked(Conflict):
    """The card processor was asked already; what it says decides."""


class TooManyChargebacks(Conflict):
    """A payment is charged back a few times at most; a person has to look into this one."""


class PaymentState(StrEnum):
    INTENDED = "intended"
    REQUIRES_ACTION = "requires_action"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CANCELLED = "cancelled"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


_RANK = {
    PaymentState.INTENDED: 0,
    PaymentState.REQUIRES_ACTION: 1,
    PaymentState.FAILED: 2,
    PaymentState.AUTHORIZED: 3,
    PaymentState.CANCELLED: 4,
    PaymentState.CAPTURED: 5,
    PaymentState.PARTIALLY_REFUNDED: 5,
    PaymentState.REFUNDED: 5,
}
_STATE = {
    Standing.PROCESSING: PaymentState.INTENDED,
    Standing.REQUIRES_ACTION: PaymentState.REQUIRES_ACTION,
    Standing.DECLINED: PaymentState.FAILED,
    Standing.AUTHORIZED: PaymentState.AUTHORIZED,
    Standing.CANCELLED: PaymentState.CANCELLED,
    Standing.CAPTURED: PaymentState.CAPTURED,
}
_GOOD = frozenset({PaymentState.AUTHORIZED, PaymentState.CAPTURED})
OPEN = frozenset({PaymentState.INTENDED, PaymentState.REQUIRES_ACTION})
"""States whose end is not known yet: these have a deadline."""


class DebitTerms(Struct, frozen=True, kw_only=True):
    """How a payment is taken from a bank account. `account_id` is the account, `shown` what people are shown of it.

    `settled_on` is the banking day on which the bank had the money. From `funds_at` on it is beyond the ordinary return:
    until then nothing of it is shared out. `unreleased`: the booking ended before, and what is everybody's share of it
    lies in escrow until then. `over`: nothing is left to be done when `funds_at` has come.
    """

    account_id: str
    bank: str
    last4: str
    settled_on: date | None = None
    funds_at: datetime | None = None
    unreleased: bool = False
    over: bool = False

    def are_here(self, at: datetime) -> bool:
        """Whether the money is beyond the ordinary return."""
        return self.funds_at is not None and at >= self.funds_at


class Pay(Struct, frozen=True, kw_only=True):
    """The request to pay for a booking with a card that the processor's element handed out."""

    payment_id: PaymentId
    booking_id: str
    amount: Money
    card: str
    capture: Capture
    return_url: str
    description: str = ""
    review: bool = False
    customer_id: str | None = None
    keep: bool = False
    debit: DebitTerms | None = None


class Payment(Stored, frozen=True, kw_only=True):
    """One attempt to pay for a booking.

    The request is kept whole, so that the same order can be given again by whoever finishes what a dead process began.
    `refunding` is asked for and unanswered; `refunded` was given back. `chargebacks` are all of its chargebacks, the one
    opened first coming first: nearly always none or one. `review`: a person looks at it before it is captured.
    `customer_id` is who pays with a kept card, or wants this one kept (`keep`). `owed` is what the customer should have
    had back when the booking ended and the processor would not refund, since the bank asked for it once: it lies in
    escrow.
    """

    entity: ClassVar[str] = "payment"
    schema: ClassVar[int] = 2

    payment_id: PaymentId
    booking_id: str
    payer: str
    amount: Money
    card: str
    capture: Capture
    return_url: str
    description: str = ""
    intended_at: datetime
    deadline_at: datetime
    state: PaymentState = PaymentState.INTENDED
    captured: Money
    refunding: Money
    refunded: Money
    intent_id: str | None = None
    charge_id: str | None = None
    shown_card: ShownCard | None = None
    challenge_url: str | None = None
    decline: Decline | None = None
    fee: Money | None = None
    authorized_at: datetime | None = None
    authorized_until: datetime | None = None
    captured_at: datetime | None = None
    closed_at: datetime | None = None
    chargebacks: tuple[Chargeback, ...] = ()
    owed: Money | None = None
    debit: DebitTerms | None = None
    review: bool = False
    customer_id: str | None = None
    keep: bool = False

    @classmethod
    def upgraded(cls, fields: dict[str, Any], schema: int) -> dict[str, Any]:
        """Before there were several chargebacks there was one, and it moved no money: its next news does."""
        assert schema == 1
        known = fields.pop("chargeback", None)
        if known is None:
            return fields
        nothing = {**known["amount"], "minor": 0}
        return fields | {"chargebacks": [{**known, "of_sale": nothing, "beyond": nothing, "fee": nothing}]}

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def took_money(self) -> bool:
        return bool(self.captured)

    @property
    def refundable(self) -> Money:
        """What the processor would still give back: what is left, unless the customer's bank has asked for it."""
        if any(not chargeback.refundable for chargeback in self.chargebacks):
            return zero(self.captured.currency)
        return self.left

    @property
    def charged_back(self) -> Money:
        """What chargebacks have taken of it and not given back."""
        return sum((each.of_sale for each in self.chargebacks), zero(self.captured.currency))

    @property
    def gone(self) -> Money:
        """What was captured and is ours no more: given back, being given back, or charged back."""
        return self.refunded + self.refunding + self.charged_back

    @property
    def left(self) -> Money:
        """What is left of what was captured."""
        return self.captured - self.gone

    @property
    def chargeback(self) -> Chargeback | None:
        """The chargeback that was opened last."""
        return self.chargebacks[-1] if self.chargebacks else None

    def chargeback_by(self, chargeback_id: str) -> Chargeback | None:
        return next((each for each in self.chargebacks if each.chargeback_id == chargeback_id), None)

    @property
    def order(self) -> Order:
        """The order for the card processor, the same each time."""
        return Order(
            payment_id=self.payment_id,
            booking_id=self.booking_id,
            amount=self.amount,
            card=self.card,
            capture=self.capture,
            return_url=self.return_url,
            description=self.description,
            customer_id=self.customer_id,
            keep=self.keep,
            intended_at=self.intended_at,
        )

    def to(self, actor: Actor, request: Pay) -> Payment:
        """This payment, if the same actor asks the same again. Raises `IdReused` otherwise."""
        if (
            (self.debit.account_id if self.debit else "") != (request.debit.account_id if request.debit else "")
            or self.payer != actor.actor_id
            or intend(request, actor, self.intended_at, self.deadline_at).order != self.order
        ):
            raise IdReused(field="payment_id")
        return self


def intend(request: Pay, actor: Actor, at: datetime, deadline_at: datetime) -> Payment:
    """Decide the intention, to be committed before the card processor is asked."""
    if not request.amount:
        raise Invalid("A payment is more than nothing.", field="amount")
    nothing = Money(0, request.amount.currency)
    return Payment(
        payment_id=request.payment_id,
        booking_id=request.booking_id,
        payer=actor.actor_id,
        amount=request.amount,
        card=request.card,
        capture=request.capture,
        return_url=request.return_url,
        description=request.description,
        review=request.review,
        debit=request.debit,
        customer_id=request.customer_id,
        keep=request.keep,
        intended_at=at,
        deadline_at=deadline_at,
        captured=nothing,
        refunding=nothing,
        refunded=nothing,
    )


def settle(payment: Payment, outcome: Outcome, at: datetime) -> Payment:
    """The payment after news from the card processor; the very same value when the news says nothing new.

    Raises `OtherPayment` when the news does not fit it.
    """
    _must_fit(payment, outcome)
    state = _STATE[outcome.standing]
    if _RANK[state] < _RANK[payment.state]:
        return _completed(payment, outcome)
    if _RANK[state] > _RANK[payment.state]:
        payment = _moved(payment, state, outcome, at)
    elif outcome.standing is Standing.CAPTURED and payment.captured < outcome.captured:
        payment = replace(payment, captured=outcome.captured)
    return _completed(payment, outcome)


def debit_settled(payment: Payment, on: date, funds_at: datetime) -> Payment:
    """The payment whose debit the bank's statement shows; the same value when that is known."""
    assert payment.debit is not None
    if payment.debit.settled_on is not None:
        return payment
    return replace(payment, debit=replace(payment.debit, settled_on=on, funds_at=funds_at))


def debit_unsettled(payment: Payment) -> Payment:
    """The payment whose debit came back for want of money, and is presented again: it waits for funds once more."""
    assert payment.debit is not None
    return replace(payment, debit=replace(payment.debit, settled_on=None, funds_at=None, over=False))


def debit_over(payment: Payment) -> Payment:
    """The payment of which nothing waits for its debit any more."""
    assert payment.debit is not None
    return replace(payment, debit=replace(payment.debit, over=True, unreleased=False))


def give_up(payment: Payment, decline: Decline, at: datetime) -> Payment:
    """The payment failed, decided when the order itself was refused: the processor made nothing of it.

    Raises `AlreadyAsked` once the processor knows the payment.
    """
    if payment.state is not PaymentState.INTENDED or payment.intent_id:
        raise AlreadyAsked
    return replace(payment, state=PaymentState.FAILED, decline=decline, closed_at=at)


def ask_payment_later(payment: Payment, until: datetime) -> Payment:
    """The open payment to be asked about again then. Not a fact."""
    return replace(payment, deadline_at=until) if payment.is_open else payment


def must_be_held(payment: Payment, at: datetime) -> str:
    """The processor's id of a payment whose money is held and may be captured. Raises `NotHeld` otherwise."""
    if payment.state is not PaymentState.AUTHORIZED or payment.intent_id is None:
        raise NotHeld
    if payment.authorized_until and payment.authorized_until <= at:
        raise NotHeld("The authorization ended; the customer has to pay again.")
    return payment.intent_id


def charge_back(payment: Payment, outcome: ChargebackOutcome, at: datetime) -> Payment:
    """The payment after news of a chargeback; the very same value when it says nothing new."""
    if payment.intent_id and outcome.intent_id != payment.intent_id:
        raise OtherPayment
    known = payment.chargeback_by(outcome.chargeback_id)
    after = advanced(known, outcome, payment.left, at)
    if after == known:
        return payment
    others = [each for each in payment.chargebacks if each is not known]
    if len(others) == CHARGEBACKS_MAX:
        raise TooManyChargebacks
    return replace(payment, chargebacks=tuple(sorted([*others, after], key=_opened_first)))


def _opened_first(chargeback: Chargeback) -> tuple[datetime, str]:
    return chargeback.opened_at, chargeback.chargeback_id


def refund_state(payment: Payment) -> PaymentState:
    """Where a captured payment stands by what was given back of it."""
    if not payment.refunded:
        return PaymentState.CAPTURED
    return PaymentState.REFUNDED if payment.refunded == payment.captured else PaymentState.PARTIALLY_REFUNDED


def _must_fit(payment: Payment, outcome: Outcome) -> None:
    if outcome.payment_id != payment.payment_id or outcome.amount != payment.amount:
        raise OtherPayment
    if payment.intent_id and outcome.intent_id != payment.intent_id:
        raise OtherPayment
    if outcome.captured > payment.amount:
        raise OtherPayment("The card processor took more than the payment's amount.")


def _moved(payment: Payment, state: PaymentState, outcome: Outcome, at: datetime) -> Payment:
    """The payment in a later state, with what belongs to that state and without what belonged to the former."""
    held = state is PaymentState.AUTHORIZED
    taken = state is PaymentState.CAPTURED
    return replace(
        payment,
        state=state,
        captured=outcome.captured if taken else payment.captured,
        captured_at=at if taken else None,
        authorized_at=at if held else payment.authorized_at,
        authorized_until=outcome.authorized_until if held else None,
        challenge_url=outcome.challenge_url if state is PaymentState.REQUIRES_ACTION else None,
        decline=outcome.decline if state is PaymentState.FAILED else None,
        closed_at=at if state in {PaymentState.FAILED, PaymentState.CANCELLED} else None,
    )


def _completed(payment: Payment, outcome: Outcome) -> Payment:
    """The payment with what it did not know: ids, card, fee. The same value when it knew all of it."""
    completed = replace(
        payment,
        intent_id=payment.intent_id or outcome.intent_id,
        charge_id=payment.charge_id or outcome.charge_id,
        shown_card=payment.shown_card or outcome.card,
        fee=payment.fee or outcome.fee,
    )
    return payment if completed == payment else completed


def made(payment: Payment, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new intention. `IdReused` when the id is taken: then load it and ask `to`."""
    return [
        Put(
            key=keys.payment(payment.booking_id, payment.payment_id),
            value=payment,
            index=index(payment),
            expected=ABSENT,
            otherwise=IdReused(field="payment_id"),
        ),
        announce(
            PaymentIntended(**_named(payment, payment.amount)),
            aggregate=keys.payment_timeline(payment.payment_id),
            sequence=1,
            actor=actor,
            at=at,
        ),
    ]


def becomes(row: Row[Payment], after: Payment, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a payment's change with the events it makes; none when nothing changed."""
    if after == row.value:
        return []
    put = Put(key=row.key, value=after, index=index(after), expected=row.unchanged, otherwise=PaymentChanged())
    previous = {"state": row.value.state.value}
    timeline = keys.payment_timeline(after.payment_id)
    return [
        put,
        *(
            announce(fact, aggregate=timeline, sequence=row.version + 1, actor=actor, at=at, previous=previous)
            for fact in facts(row.value, after)
        ),
    ]


def facts(before: Payment, after: Payment) -> list[PaymentFact]:
    """What a change of a payment is called. What refunds change of it is told by the refund's own events."""
    told: list[PaymentFact] = []
    if _RANK[after.state] > _RANK[before.state]:
        told.append(_entered(before, after))
        if after.keep and _RANK[before.state] < _RANK[PaymentState.AUTHORIZED] and after.state in _GOOD:
            told.append(CardOffered(**_named(after, after.amount), person_id=after.payer))
    if after.debit and before.debit and after.debit.settled_on and not before.debit.settled_on:
        told.append(DebitSettled(**_named(after, after.captured)))
    if after.debit and before.debit and before.debit.settled_on and not after.debit.settled_on:
        told.append(DebitPresentedAgain(**_named(after, after.captured)))
    if after.debit and len(after.chargebacks) > len(before.chargebacks):
        told.append(DebitReturned(**_named(after, after.captured), reason=after.chargebacks[-1].reason))
    for chargeback in after.chargebacks:
        told += _of_chargeback(before.chargeback_by(chargeback.chargeback_id), chargeback, after)
    return told


def _of_chargeback(known: Chargeback | None, chargeback: Chargeback, after: Payment) -> Iterator[PaymentFact]:
    if chargeback == known:
        return
    named: dict[str, Any] = {**_named(after, chargeback.amount), "chargeback_id": chargeback.chargeback_id}
    if known is None or (known.is_inquiry and not (chargeback.is_closed or chargeback.is_inquiry)):
        yield ChargebackOpened(**named, reason=chargeback.reason, inquiry=chargeback.is_inquiry)
    if chargeback.is_closed and not (known and known.standing is chargeback.standing):
        yield ChargebackClosed(**named, won=chargeback.is_won)
    if (taken := chargeback.taken) != (before := known.taken if known else zero(taken.currency)):
        yield ChargebackMoved(**named, taken_minor=taken.minor, before_minor=before.minor)


def index(payment: Payment) -> dict[Index, Key]:
    """Where the sweep finds the payment: open ones by deadline, held ones by the end of the authorization."""
    spread = keys.shard(payment.payment_id)
    if payment.is_open:
        return keys.waits(keys.open_payments(spread), payment.deadline_at, payment.payment_id)
    if payment.state is PaymentState.AUTHORIZED and payment.authorized_until:
        return keys.waits(keys.held_payments(spread), payment.authorized_until, payment.payment_id)
    if payment.debit and payment.debit.funds_at and not payment.debit.over:
        return keys.waits(keys.debits_due(spread), payment.debit.funds_at, payment.payment_id)
    return {}


def _entered(before: Payment, after: Payment) -> PaymentFact:
    named = _named(after, after.captured if after.took_money else after.amount)
    match after.state:
        case PaymentState.REQUIRES_ACTION:
            return ChallengeRequired(**named)
        case PaymentState.AUTHORIZED:
            return PaymentAuthorized(**named)
        case PaymentState.FAILED:
            return PaymentDeclined(**named, code=after.decline.code if after.decline else "unknown")
        case PaymentState.CANCELLED:
            return PaymentCancelled(**named, was_authorized=before.state is PaymentState.AUTHORIZED)
        case _:
            return PaymentCaptured(**named)


def _named(payment: Payment, amount: Money) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "booking_id": payment.booking_id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }


@dataclass(frozen=True, slots=True)
class Payments:
    """Finds payments. What changes them is decided above and committed by journeys."""

    table: Table

    async def payment(self, booking_id: str, payment_id: str) -> Row[Payment]:
        """The payment. Raises `NoSuchPayment`."""
        row = await self.table.get(keys.payment(booking_id, payment_id), Payment)
        if row is None:
            raise NoSuchPayment
        return row

    async def payments_of(self, booking_id: str) -> Sequence[Row[Payment]]:
        """Every payment of the booking, oldest first: declined attempts too."""
        page = await self.table.query(keys.booking(booking_id), Payment, prefix=keys.PAYMENT_PREFIX, limit=100)
        return page.rows

    async def overdue(self, at: datetime, limit: int = 100) -> Sequence[Row[Payment]]:
        """Open payments whose deadline has passed, candidates for the sweep."""
        return await self._due(keys.open_payments, at, limit)

    async def debits_due(self, at: datetime, limit: int = 100) -> Sequence[Row[Payment]]:
        """Payments whose debit is beyond the ordinary return by then, and that wait for it."""
        return await self._due(keys.debits_due, at, limit)

    async def lapsing(self, before: datetime, limit: int = 100) -> Sequence[Row[Payment]]:
        """Payments whose authorization ends before that instant: capture or cancel them."""
        return await self._due(keys.held_payments, before, limit)

    async def _due(self, partition: Callable[[int], str], at: datetime, limit: int) -> Sequence[Row[Payment]]:
        pages = await asyncio.gather(
            *(
                self.table.query(partition(shard), Payment, index=Index.STATUS, end=keys.due(at), limit=limit)
                for shard in range(keys.SHARDS)
            )
        )
        rows = [row for page in pages for row in page.rows]
        return sorted(rows, key=lambda row: row.index[Index.STATUS].sort if row.index else "")[:limit]
