"""Webhooks: what the card processor tells of its own accord.

An event is checked by its signature (`webhook-authorizer`), stored once under its id, and only then answered
(`stripe-webhook`). It is a hint: what it is about is asked of the processor, and `settle` takes the answer, so that
events may come late, twice and out of order. A stored event can be acted upon again at any time.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.events import WebhookStored
from ecosystem.contexts.payments.payments import Payment, PaymentState
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stored, Table, Write

TOLERANCE_S = 300
"""How far a signature's time may lie from ours: the processor's own advice against replay."""

BODY_BYTES_MAX = 256 * 1024
KEPT_FOR = timedelta(days=90)
"""Stored events go after this long; the processor itself offers them for 30 days, and repeats for 3."""

_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,120}")


class BadSignature(Denied):
    """This does not come from the card processor: its signature does not match."""


class UnreadableEvent(Invalid):
    """This is no event of the card processor."""


class NoSuchWebhook(NotFound):
    """There is no such event."""


class AlreadyStored(Conflict):
    """This event was stored before."""


class WebhookState(StrEnum):
    """`recorded` is an event that nothing follows from here, and that is kept with the reason."""

    WAITING = "waiting"
    PROCESSED = "processed"
    RECORDED = "recorded"
    FAILED = "failed"


class Hint(Struct, frozen=True, kw_only=True):
    """What an event points at. The ids of ours are those we gave the processor; they are empty where it has none.

    `subject_id` is the processor's id of the thing itself: the refund, the chargeback, the payment. `account_id` is the
    payout account in which it happened, None for our own. `card_id` is the kept card it is about, `charge_id` the charge.
    """

    event_id: str
    type: str
    created_at: datetime
    subject_id: str
    account_id: str | None = None
    intent_id: str | None
    charge_id: str = ""
    card_id: str = ""
    payment_id: str
    booking_id: str
    refund_id: str


class Webhook(Stored, frozen=True, kw_only=True):
    """An event as it came, and what was made of it.

    `missed` tells that its delivery never arrived: it was found in the processor's own list. `unknown` that its type
    stands in no table of ours. `trouble` is why acting upon it was refused, or why it was only recorded.
    """

    entity: ClassVar[str] = "webhook"

    event_id: str
    type: str
    created_at: datetime
    received_at: datetime
    body: bytes
    state: WebhookState = WebhookState.WAITING
    attempts: int = 0
    closed_at: datetime | None = None
    trouble: str = ""
    missed: bool = False
    unknown: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether it was acted upon, or recorded: nothing more is to be done."""
        return self.state in {WebhookState.PROCESSED, WebhookState.RECORDED}

    @property
    def hint(self) -> Hint:
        return read(self.body)


class Receipt(Struct, frozen=True, kw_only=True):
    """What to answer the processor: 200 in both cases. `is_new` tells whether there is something to act upon."""

    hint: Hint
    is_new: bool


class _Subject(Struct):
    # A balance has none: there is one of it.
    id: str = ""
    object: str = ""
    payment_intent: str | None = None
    charge: str | None = None
    payment_method: str | None = None
    metadata: dict[str, str] | None = None


class _Detail(Struct):
    object: _Subject


class _Event(Struct):
    id: str
    type: str
    created: int
    data: _Detail
    account: str | None = None


_decoder = msgspec.json.Decoder(_Event)


def authorize(body: bytes, signature: str, secrets: Sequence[str], at: datetime) -> None:
    """Pass if the body was signed with one of the secrets, lately: `webhook-authorizer`.

    `signature` is the header `t=<unix time>,v1=<hex>`, with HMAC-SHA256 over `<t>.<body>`; it may carry several `v1`
    while a secret is rotated, and other schemes, which are ignored. Raises `BadSignature`.
    """
    stamps: list[str] = []
    offered: list[str] = []
    for part in signature[:4096].split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1":
            offered.append(value)
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0]) or not offered:
        raise BadSignature("The signature header names no time or no signature.")
    if abs(at.timestamp() - int(stamps[0])) > TOLERANCE_S:
        raise BadSignature("The signature is too old, or a clock is wrong.")
    signed = stamps[0].encode() + b"." + body
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets]
    # Every pair is compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(one, other.encode()) for one in expected for other in offered[:16]]
    if not any(matches):
        raise BadSignature


def read(body: bytes) -> Hint:
    """What the event points at. Raises `UnreadableEvent`."""
    if len(body) > BODY_BYTES_MAX:
        raise UnreadableEvent(f"An event has at most {BODY_BYTES_MAX} bytes.")
    try:
        event = _decoder.decode(body)
        created_at = datetime.fromtimestamp(event.created, UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError, OSError) as unread:
        raise UnreadableEvent(f"This is no event of the card processor: {unread}.") from unread
    if not _EVENT_ID.fullmatch(event.id):
        raise UnreadableEvent("An event's id begins with evt_.", field="id")
    subject = event.data.object
    ours = subject.metadata or {}
    return Hint(
        event_id=event.id,
        type=event.type[:120],
        created_at=created_at,
        subject_id=subject.id,
        account_id=event.account,
        intent_id=subject.id if subject.object == "payment_intent" else subject.payment_intent,
        charge_id=subject.id if subject.object == "charge" else subject.charge or "",
        card_id=subject.id if subject.object == "payment_method" else subject.payment_method or "",
        payment_id=ours.get("payment_id", ""),
        booking_id=ours.get("booking_id", ""),
        refund_id=ours.get("refund_id", ""),
    )


def says_nothing_new(payment: Payment, hint: Hint) -> bool:
    """Whether the payment knows already what the event can tell, so that the processor need not be asked."""
    if payment.intent_id != hint.intent_id:
        return False
    match hint.type:
        case "payment_intent.succeeded":
            return payment.took_money
        case "payment_intent.amount_capturable_updated":
            return payment.took_money or payment.state in {PaymentState.AUTHORIZED, PaymentState.CANCELLED}
        case "payment_intent.canceled":
            return payment.state is PaymentState.CANCELLED
        case "payment_intent.payment_failed":
            return payment.state is PaymentState.FAILED
        case _:
            return False


def stored(hint: Hint, body: bytes, at: datetime, *, missed: bool = False) -> list[Write]:
    """The writes of a new event, refused as `AlreadyStored` when its id is known."""
    kept = Webhook(
        event_id=hint.event_id, type=hint.type, created_at=hint.created_at, received_at=at, body=body, missed=missed
    )
    return [
        Put(
            key=keys.webhook(hint.event_id),
            value=kept,
            index=index(kept),
            expires_at=at + KEPT_FOR,
            expected=ABSENT,
            otherwise=AlreadyStored(),
        ),
        announce(
            WebhookStored(processor_event_id=hint.event_id, processor_type=hint.type),
            aggregate=keys.webhook_timeline(hint.event_id),
            sequence=1,
            actor=system("stripe-webhook"),
            at=at,
        ),
    ]


def processed(row: Row[Webhook], at: datetime) -> Put:
    """The write that says the event was acted upon; part of the transaction that did so."""
    closed = replace(row.value, state=WebhookState.PROCESSED, attempts=row.value.attempts + 1, closed_at=at, trouble="")
    return _put(row, closed)


def recorded(row: Row[Webhook], reason: str, at: datetime, *, unknown: bool = False) -> Put:
    """The write that says that nothing follows from the event, and why."""
    closed = replace(row.value, state=WebhookState.RECORDED, closed_at=at, trouble=reason[:500], unknown=unknown)
    return _put(row, closed)


def troubled(row: Row[Webhook], trouble: str, at: datetime, *, give_up: bool) -> Put:
    """The write that says an attempt failed, and whether another follows."""
    state = WebhookState.FAILED if give_up else WebhookState.WAITING
    after = replace(
        row.value,
        state=state,
        attempts=row.value.attempts + 1,
        closed_at=at if give_up else None,
        trouble=trouble[:500],
    )
    return _put(row, after)


def again(row: Row[Webhook]) -> Put:
    """The write that makes a stored event wait to be acted upon once more: a replay."""
    return _put(row, replace(row.value, state=WebhookState.WAITING, closed_at=None, unknown=False))


def index(kept: Webhook) -> dict[Index, Key]:
    """Where the sweep finds an event that waits, and an operator one of a type that nobody knows."""
    if kept.unknown:
        return keys.waits(keys.unknown_webhooks(), kept.received_at, kept.event_id)
    if kept.state is not WebhookState.WAITING:
        return {}
    return keys.waits(keys.waiting_webhooks(keys.shard(kept.event_id)), kept.received_at, kept.event_id)


def _put(row: Row[Webhook], after: Webhook) -> Put:
    return Put(key=row.key, value=after, index=index(after), expires_at=row.expires_at, expected=row.unchanged)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Takes the processor's events in. `secrets` are the present signing secret and those still honoured."""

    table: Table
    clock: Clock
    secrets: tuple[str, ...]

    async def receive(self, body: bytes, signature: str) -> Receipt:
        """Check, store once, and say what the event points at: `stripe-webhook`. On return it is on disk.

        Raises `BadSignature`, `UnreadableEvent`.
        """
        at = self.clock.now()
        authorize(body, signature, self.secrets, at)
        hint = read(body)
        try:
            await self.table.transact(*stored(hint, body, at))
        except AlreadyStored:
            return Receipt(hint=hint, is_new=False)
        return Receipt(hint=hint, is_new=True)

    async def take_in(self, body: bytes) -> Receipt:
        """Store an event that the processor's own list has and whose delivery never arrived. Raises `UnreadableEvent`."""
        hint = read(body)
        try:
            await self.table.transact(*stored(hint, body, self.clock.now(), missed=True))
        except AlreadyStored:
            return Receipt(hint=hint, is_new=False)
        return Receipt(hint=hint, is_new=True)

    async def unknown(self, limit: int = 100) -> Sequence[Webhook]:
        """Events of types that no table of ours has, the latest first."""
        page = await self.table.query(
            keys.unknown_webhooks(), Webhook, index=Index.STATUS, descending=True, limit=limit
        )
        return page.values

    async def webhook(self, event_id: str) -> Row[Webhook]:
        """The stored event. Raises `NoSuchWebhook`."""
        row = await self.table.get(keys.webhook(event_id), Webhook)
        if row is None:
            raise NoSuchWebhook
        return row

    async def among(self, event_ids: Sequence[str]) -> list[Webhook]:
        """Those of these events that are stored, in their order; at most a hundred are looked for."""
        rows = await self.table.batch_get([keys.webhook(event_id) for event_id in event_ids], Webhook)
        return [row.value for row in rows if row]

    async def waiting(self, before: datetime, limit: int = 100) -> Sequence[Row[Webhook]]:
        """Events that arrived before that instant and were not acted upon yet, oldest first."""
        pages = await asyncio.gather(
            *(
                self.table.query(
                    keys.waiting_webhooks(shard), Webhook, index=Index.STATUS, end=keys.due(before), limit=limit
                )
                for shard in range(keys.SHARDS)
            )
        )
        rows = [row for page in pages for row in page.rows]
        return sorted(rows, key=lambda row: row.value.received_at)[:limit]

    async def replay(self, event_id: str, *writes: Write) -> None:
        """Let a stored event be acted upon once more, in one commit with what tells of it."""
        await self.table.transact(again(await self.webhook(event_id)), *writes)
