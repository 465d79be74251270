"""What the evidence in a dispute tells, taken from what we know; and how it is laid out for people.

It goes to the customer's bank, and with it to both sides: so it tells only what both may see. Left out are whatever we
think of a sale's risk, operators' notes, who earns which part, and the customer's addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.contexts.booking import Booking
from ecosystem.contexts.disputes import Dispute, Kind
from ecosystem.contexts.ledger import Recorded, chart
from ecosystem.contexts.ledger import State as TransferState
from ecosystem.contexts.notifications import LetterView
from ecosystem.journeys.dossiers import Dossier
from ecosystem.kernel.display import length_text, money_text
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import Event
from ecosystem.ports.papers import Paper, Section

FORMAT = "ecosystem-evidence-v1"
_C = chart.TransferCode

MOVES: Mapping[str, tuple[_C, ...]] = {
    "Paid by the customer": (_C.CHARGE_BASE, _C.CHARGE_SURCHARGE),
    "Released after the service": (_C.RELEASE_PROVIDER, _C.RELEASE_COMMISSION, _C.RELEASE_SURCHARGE),
    "Given back to the customer": (
        _C.REFUND_BASE,
        _C.REFUND_SURCHARGE,
        _C.RETURN_PROVIDER,
        _C.RETURN_COMMISSION,
        _C.RETURN_SURCHARGE,
    ),
    "Taken by the customer's bank": (
        _C.CHARGEBACK_BASE,
        _C.CHARGEBACK_SURCHARGE,
        _C.CHARGEBACK_PROVIDER,
        _C.CHARGEBACK_COMMISSION,
        _C.CHARGEBACK_LYING,
        _C.CHARGEBACK_BEYOND,
    ),
    "Returned by the customer's bank": (
        _C.REINSTATE_BASE,
        _C.REINSTATE_SURCHARGE,
        _C.REINSTATE_PROVIDER,
        _C.REINSTATE_COMMISSION,
        _C.REINSTATE_LYING,
        _C.REINSTATE_BEYOND,
    ),
}
_MOVE = {int(code): words for words, codes in MOVES.items() for code in codes}
PROVEN = frozenset(
    {
        _C.CHARGE_BASE,
        _C.CHARGE_SURCHARGE,
        _C.REFUND_BASE,
        _C.REFUND_SURCHARGE,
        _C.CHARGEBACK_BASE,
        _C.CHARGEBACK_SURCHARGE,
    }
)
"""Transfers whose proof tells no more than the sale: between the processor and its escrow. Any other would show what
stands on a provider's account besides."""

HAPPENED: Mapping[str, str] = {
    "BookingPlaced": "Booked; price and terms accepted",
    "BookingRequested": "Requested of the provider",
    "RequestAccepted": "Accepted by the provider",
    "BookingConfirmed": "Confirmed",
    "BookingDeclined": "Declined",
    "BookingExpired": "Lapsed",
    "BookingCancelled": "Cancelled",
    "RescheduleProposed": "Another time proposed",
    "RescheduleDeclined": "The other time was declined",
    "BookingRescheduled": "Moved to another time",
    "BookingStarted": "Begun",
    "BookingCompleted": "Completed",
    "NoShowReported": "Reported as not attended",
    "NoShowSettled": "Settled as not attended",
    "BookingDisputed": "Disputed",
    "BookingResumed": "The dispute fell away",
    "DisputeConcluded": "The dispute was concluded",
    "DisputeOpened": "A dispute was opened",
    "DisputeAnswered": "The provider answered the dispute",
    "OfferDeclined": "The provider's offer was declined",
    "DisputeWithdrawn": "The dispute was taken back",
    "DisputeEscalated": "Put before the marketplace",
    "DisputeDecided": "The dispute was decided",
}
"""What is told of a booking and its disputes, by event. What is not here stays out."""


class Happening(Struct, frozen=True, kw_only=True):
    at: datetime
    what: str
    by: str
    detail: str = ""


class Statement(Struct, frozen=True, kw_only=True):
    """What somebody said, in their own words."""

    at: datetime
    by: str
    about: str
    text: str


class Delivery(Struct, frozen=True, kw_only=True):
    """What was agreed and what came of it. `completed_by` is the side that said so, or the marketplace's clock."""

    agreed_start_at: datetime
    agreed_end_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    completed_by: str
    absent: str


class Agreed(Struct, frozen=True, kw_only=True):
    """The cancellation policy as it was copied when the booking was made, in sentences too."""

    name: str
    version: int
    accepted_at: datetime
    tiers: tuple[str, ...]
    moving: str


class Move(Struct, frozen=True, kw_only=True):
    at: datetime
    what: str
    amount: Money


class Mailed(Struct, frozen=True, kw_only=True):
    to: str
    subject: str
    written_at: datetime
    status: str
    sent_at: datetime | None


class Provable(Struct, frozen=True, kw_only=True):
    """An act with an entry in the audit log. `entry` is its place there, None while no signed checkpoint covers it."""

    item_id: str
    what: str
    at: datetime
    entry: int | None = None


class Case(Struct, frozen=True, kw_only=True):
    """All that the evidence tells."""

    format: str
    dispute_id: str
    kind: str
    asked_by: str
    asked_at: datetime
    claim: str
    wanted: Money
    paid: Money
    booking_id: str
    service: str
    provider: str
    customer: str
    booked_at: datetime
    price: Money
    policy: Agreed
    delivery: Delivery
    statements: tuple[Statement, ...]
    history: tuple[Happening, ...]
    ledger: tuple[Move, ...]
    mails: tuple[Mailed, ...]
    acts: tuple[Provable, ...]


def case_of(
    dispute: Dispute, dossier: Dossier, events: Sequence[Event], others: Sequence[Dispute], acts: Sequence[Provable]
) -> Case:
    """The case. `events` are those of the booking and its disputes in order, `others` all disputes over the booking."""
    booking = dossier.booking
    told = [event for event in events if event.type in HAPPENED]
    return Case(
        format=FORMAT,
        dispute_id=dispute.dispute_id,
        kind=dispute.kind.value,
        asked_by="the customer's bank" if dispute.kind is Kind.CHARGEBACK else f"the {dispute.opened_by}",
        asked_at=dispute.opened_at,
        claim=dispute.text,
        wanted=dispute.wanted,
        paid=dispute.paid,
        booking_id=booking.booking_id,
        service=booking.offer.title,
        provider=dossier.provider.name if dossier.provider else booking.provider_id,
        customer=booking.contact.name,
        booked_at=booking.placed_at,
        price=booking.lines.total,
        policy=_agreed(booking),
        delivery=_delivery(booking, told),
        statements=tuple(_statements(booking, told, others)),
        history=tuple(Happening(at=e.at, what=HAPPENED[e.type], by=_by(booking, e), detail=_detail(e)) for e in told),
        ledger=tuple(_ledger(dossier.transfers, booking.lines.currency)),
        mails=tuple(_mailed(booking, dossier, letter) for letter in dossier.letters),
        acts=tuple(acts),
    )


def provable(dossier: Dossier, events: Sequence[Event]) -> list[Provable]:
    """The acts of the case that have an entry in the audit log, in the order of time."""
    found = [
        Provable(item_id=event.event_id, what=HAPPENED[event.type], at=event.at)
        for event in events
        if event.audit and event.type in HAPPENED and event.actor.impersonator is None
    ]
    found += [
        Provable(item_id=f"transfer:{each.transfer_id}", what=_MOVE[each.code], at=each.at)
        for each in dossier.transfers
        if each.code in PROVEN and each.state is TransferState.FINAL and each.amount
    ]
    return sorted(found, key=lambda act: (act.at, act.item_id))


def paper_of(case: Case) -> Paper:
    """The case on paper. Times are UTC."""
    delivery, policy = case.delivery, case.policy
    lead = (
        f"{case.asked_by[0].upper()}{case.asked_by[1:]} asks for {money_text(case.wanted)} of {money_text(case.paid)} "
        f"paid for “{case.service}” by {case.provider}. All times are UTC."
    )
    facts = (
        ("Service", case.service),
        ("Provider", case.provider),
        ("Customer", case.customer),
        ("Booked", _moment(case.booked_at)),
        ("Price", money_text(case.price)),
        ("Claim", case.claim),
        ("Claimed", _moment(case.asked_at)),
        ("Booking", case.booking_id),
        ("Dispute", case.dispute_id),
    )
    done = (
        ("Agreed time", f"{_moment(delivery.agreed_start_at)} to {_moment(delivery.agreed_end_at)}"),
        ("Begun", _moment(delivery.started_at) if delivery.started_at else "not recorded"),
        ("Completed", _moment(delivery.completed_at) if delivery.completed_at else "not recorded"),
        ("Completed by", delivery.completed_by or "nobody"),
        *((("Did not attend", delivery.absent),) if delivery.absent else ()),
    )
    said = [f"{_moment(one.at)}, {one.by}, {one.about}:\n{one.text}" for one in case.statements]
    acts = [
        (_moment(act.at), act.what, act.item_id, "signing" if act.entry is None else str(act.entry))
        for act in case.acts
    ]
    return Paper(
        title=f"Evidence: {case.service}",
        lead=lead,
        sections=(
            Section(heading="The sale", facts=facts),
            Section(heading="What was delivered", facts=done),
            Section(
                heading=f"Cancellation policy as accepted: {policy.name}, version {policy.version}",
                paragraphs=(
                    f"Accepted {_moment(policy.accepted_at)}, with the booking.",
                    *policy.tiers,
                    policy.moving,
                ),
            ),
            Section(heading="What was said", paragraphs=tuple(said) or ("Nothing was written.",)),
            Section(
                heading="What happened to the booking",
                columns=("When", "What", "By", "More"),
                rows=tuple((_moment(one.at), one.what, one.by, one.detail) for one in case.history),
            ),
            Section(
                heading="The money of this booking, from our ledger",
                columns=("When", "What", "Amount"),
                rows=tuple((_moment(one.at), one.what, money_text(one.amount)) for one in case.ledger),
            ),
            Section(
                heading="Mail we wrote",
                columns=("Written", "To", "Subject", "Sent"),
                rows=tuple(
                    (_moment(one.written_at), one.to, one.subject, _moment(one.sent_at) if one.sent_at else one.status)
                    for one in case.mails
                ),
            ),
            Section(
                heading="Entries in our audit log",
                paragraphs=("Each is proven by a file of its own beside this paper, which anybody can check.",),
                columns=("When", "What", "Of", "Entry"),
                rows=tuple(acts),
            ),
        ),
    )


def encoded(case: Case) -> bytes:
    """The case as JSON: the same bytes for the same case."""
    return msgspec.json.format(msgspec.json.encode(case), indent=2) + b"\n"


def _agreed(booking: Booking) -> Agreed:
    policy = booking.policy
    tiers: list[str] = []
    for tier in policy.tiers:
        share = f"{tier.share_bps * 100 / BPS:g} % comes back"
        until = f"until {length_text(timedelta(minutes=tier.before_min))} before the start"
        within = f", within {length_text(timedelta(minutes=tier.within_min))} of booking" if tier.within_min else ""
        tiers.append(f"{share} to who cancels {until if tier.before_min else 'before the start'}{within}.")
    moving = length_text(timedelta(minutes=policy.reschedule_min))
    return Agreed(
        name=policy.name,
        version=policy.version,
        accepted_at=booking.placed_at,
        tiers=(*tiers, "Later than that nothing comes back."),
        moving=f"The customer moves the booking until {moving} before the start."
        if policy.reschedule_min
        else "The customer moves the booking until it starts.",
    )


def _delivery(booking: Booking, events: Sequence[Event]) -> Delivery:
    started = next((event for event in events if event.type == "BookingStarted"), None)
    completed = next((event for event in reversed(events) if event.type == "BookingCompleted"), None)
    return Delivery(
        agreed_start_at=booking.start_at,
        agreed_end_at=booking.end_at,
        started_at=started.at if started else None,
        completed_at=completed.at if completed else None,
        completed_by=_side(str(completed.detail.get("by", ""))) if completed else "",
        absent=_side(booking.absent) if booking.absent else "",
    )


def _statements(booking: Booking, events: Sequence[Event], disputes: Sequence[Dispute]) -> list[Statement]:
    found: list[Statement] = []
    if booking.request.note:
        about = "with the booking"
        found.append(Statement(at=booking.placed_at, by="the customer", about=about, text=booking.request.note))
    for event in events:
        # What was written to a dispute stands there in full.
        if event.type != "BookingDisputed" and (reason := str(event.detail.get("reason", "")).strip()):
            about = HAPPENED[event.type].lower()
            found.append(Statement(at=event.at, by=_by(booking, event), about=about, text=reason))
    for each in disputes:
        if each.kind is Kind.COMPLAINT:
            who = _side(each.opened_by)
            found.append(Statement(at=each.opened_at, by=who, about="opening a dispute", text=each.text))
        if each.said and each.said.text:
            found.append(
                Statement(at=each.said.at, by="the provider", about="answering the dispute", text=each.said.text)
            )
    return sorted(found, key=lambda one: one.at)


def _ledger(transfers: Sequence[Recorded], currency: str) -> list[Move]:
    """What moved, by instant and kind: nobody's share of it by itself."""
    sums: dict[tuple[datetime, str], int] = {}
    for each in sorted(transfers, key=lambda made: (made.at, made.transfer_id)):
        words = _MOVE.get(each.code)
        if words and each.state is TransferState.FINAL and each.amount:
            sums[each.at, words] = sums.get((each.at, words), 0) + each.amount
    return [Move(at=at, what=words, amount=Money(minor, currency)) for (at, words), minor in sums.items()]


def _mailed(booking: Booking, dossier: Dossier, letter: LetterView) -> Mailed:
    customers = {booking.contact.email.strip().lower(), dossier.customer.email.lower() if dossier.customer else ""}
    is_sent = letter.status.value == "sent"
    return Mailed(
        to="the customer" if letter.to.strip().lower() in customers else "the provider",
        subject=letter.subject,
        written_at=letter.created_at,
        status=letter.status.value,
        sent_at=letter.settled_at if is_sent else None,
    )


def _by(booking: Booking, event: Event) -> str:
    if event.actor.actor_id == booking.offer.owner_id:
        return "the provider"
    former = {event.previous.get("customer_id"), event.detail.get("customer_id"), booking.customer_id}
    return "the customer" if event.actor.actor_id in former else "the marketplace"


def _side(name: str) -> str:
    return {"customer": "the customer", "provider": "the provider", "bank": "the customer's bank"}.get(
        name, "the marketplace"
    )


def _detail(event: Event) -> str:
    said: Mapping[str, Any] = event.detail
    match event.type:
        case "BookingRescheduled":
            return f"from {_shown(said['former_start_at'])} to {_shown(said['start_at'])}"
        case "RescheduleProposed" | "RescheduleDeclined":
            return f"{_shown(said['proposed_start_at'])}"
        case "BookingCancelled" | "NoShowSettled" | "DisputeConcluded" | "DisputeDecided":
            return f"{money_text(Money(**said['refund']))} back" if said.get("refund") else ""
        case "DisputeAnswered":
            return str(said["answer"])
        case _:
            return ""


def _shown(at: str) -> str:
    return _moment(datetime.fromisoformat(at))


def _moment(at: datetime) -> str:
    return sortable(at)[:16].replace("T", " ")
