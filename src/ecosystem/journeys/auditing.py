"""What has an entry in the audit log: every transfer that moved something, events that say so, and acts.

Each becomes a candidate by itself, from its item as it was made: what is done with the item later, such as settling a
pending transfer, is another act with an entry of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from ecosystem.contexts.audit import Candidate, canonical
from ecosystem.contexts.ledger import Ledger, NoSuchTransfer, Recorded, transfer_key
from ecosystem.contexts.ledger import State as TransferState
from ecosystem.ports.audit import Act, AuditKind, act_key
from ecosystem.ports.bus import Event, event_key
from ecosystem.ports.table import Change, Key, Row, Stored, Table, every
from ecosystem.ports.table_codec import decoded

S = TypeVar("S", bound=Stored)
TRANSFER = "transfer"
_UNAUDITED = b"\xa5audit\xa0"
"""How an event ends that is not audited: its last field, empty. Most are, and need not be read whole."""


@dataclass(frozen=True, slots=True)
class Auditing:
    """Every item that should have an entry."""

    table: Table
    ledger: Ledger

    async def find(self, item_id: str) -> Candidate | None:
        """The item of that id, as an entry names it; None when there is none, or it has no entry."""
        if item_id.startswith("act_"):
            act = await self.table.get(act_key(item_id), Act)
            return of_act(act.value) if act else None
        aggregate, _, rest = item_id.partition(":")
        sequence, _, kind = rest.partition(":")
        if kind and sequence.isascii() and sequence.isdigit():
            event = await self.table.get(event_key(aggregate, int(sequence), kind), Event)
            return of_event(event.value) if event and event.value.audit else None
        try:
            made = await self.ledger.transfer(item_id.removeprefix(f"{TRANSFER}:"))
        except NoSuchTransfer:
            return None
        return None if made.state is TransferState.FAILED else of_transfer(made)

    async def everything(self) -> AsyncIterator[Candidate]:
        async for row in every(self.table, Recorded):
            if row.value.state is not TransferState.FAILED:
                yield _lying(row, transfer_key(row.value.transfer_id), of_transfer(row.value))
        async for row in every(self.table, Event):
            if row.value.audit:
                event = row.value
                yield _lying(row, event_key(event.aggregate, event.sequence, event.type), of_event(event))
        async for row in every(self.table, Act):
            yield _lying(row, act_key(row.value.act_id), of_act(row.value))


def _lying(row: Row[S], place: Key, candidate: Candidate) -> Candidate:
    """The candidate, under another name if the item does not lie where it says: then it is not what was entered."""
    if row.key == place:
        return candidate
    return replace(candidate, item_id=f"{row.key.partition} {row.key.sort}")


def read(change: Change) -> Candidate | None:
    """What the change brings for the log; None for most."""
    new = change.new
    if new is None or change.old is not None:
        return None
    if new.entity == Recorded.entity:
        transfer = decoded(new, Recorded)
        return None if transfer.state is TransferState.FAILED else of_transfer(transfer)
    if new.entity == Event.entity:
        if new.body.endswith(_UNAUDITED):
            return None
        event = decoded(new, Event)
        return of_event(event) if event.audit else None
    return of_act(decoded(new, Act)) if new.entity == Act.entity else None


def of_transfer(made: Recorded) -> Candidate:
    is_pending = made.state in {TransferState.PENDING, TransferState.POSTED, TransferState.VOIDED}
    return Candidate(
        at=made.at,
        kind=AuditKind.MONEY.value,
        type="TransferPending" if is_pending else "TransferPosted",
        item_id=f"{TRANSFER}:{made.transfer_id}",
        subject=made.reference,
        content=canonical(
            {
                "transfer_id": made.transfer_id,
                "debit_account_id": made.debit_account_id,
                "credit_account_id": made.credit_account_id,
                "units": made.units,
                "pending_id": made.pending_id,
                "ledger": made.ledger,
                "code": made.code,
                "flags": made.flags,
                "reference": made.reference,
                # What it was when it was made: who settled a pending one has an entry of its own.
                "state": (TransferState.PENDING if is_pending else made.state).value,
                "at": made.at,
                "place": made.place,
                "settled_units": made.settled_units,
                "settled_by": "" if is_pending else made.settled_by,
                "failure": made.failure,
                "debit_is_summed": made.debit_is_summed,
                "credit_is_summed": made.credit_is_summed,
                "debit_balances": made.debit_balances,
                "credit_balances": made.credit_balances,
            }
        ),
    )


def of_event(event: Event) -> Candidate:
    return Candidate(
        at=event.at,
        kind=event.audit,
        type=event.type,
        item_id=event.event_id,
        subject=event.aggregate.partition("#")[2] or event.aggregate,
        actor=event.actor.actor_id,
        impersonator=event.actor.impersonator or "",
        content=canonical(
            {
                "event_id": event.event_id,
                "source": event.source,
                "type": event.type,
                "at": event.at,
                "aggregate": event.aggregate,
                "sequence": event.sequence,
                "actor": event.actor,
                "detail": event.detail,
                "previous": event.previous,
                "trace_id": event.trace_id,
                "schema_version": event.schema_version,
                "audit": event.audit,
            }
        ),
    )


def of_act(act: Act) -> Candidate:
    return Candidate(
        at=act.at,
        kind=act.kind.value,
        type=act.action,
        item_id=act.act_id,
        subject=act.subject,
        actor=act.actor.actor_id,
        impersonator=act.actor.impersonator or "",
        content=canonical(
            {
                "act_id": act.act_id,
                "kind": act.kind.value,
                "action": act.action,
                "actor": act.actor,
                "subject": act.subject,
                "at": act.at,
                "detail": act.detail,
            }
        ),
    )
