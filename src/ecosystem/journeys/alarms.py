"""What operators are told of their own accord: a notice and a mail to each of them, once per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from ecosystem.contexts.ach import REPAIRS, AchExceptionRaised, AchRateAlarmed, ExceptionKind
from ecosystem.contexts.booking import Bookings, BookingStatus
from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.disputes import Dispute, DisputeEscalated, DisputeOpened, DisputeOverdue, Disputes, State
from ecosystem.contexts.fraud import DECIDE_WITHIN, HeldForReview, ReviewLapsed, ScoresDrifted
from ecosystem.contexts.fraud import Kind as Case
from ecosystem.contexts.identity import People, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.contexts.payments import DebitReturned, RefundFailed, RefundFound, Refunds, why_it_failed
from ecosystem.contexts.payouts import Payout
from ecosystem.contexts.reconciliation import TOLD_AT, DayNotReconciled, DayReconciled
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import ExecutionFailed, Workflows

TOLD_OF_BY_ITSELF = frozenset({RefundFailed.__name__})
"""Errors of executions of which another event tells the operators, with what they can do about it."""


_UNDECIDED = {
    Case.CHECKOUT: "Undecided, the booking expires and nothing is charged.",
    Case.PAYOUT: "Undecided, the money goes back to the provider's balance.",
}
"""What becomes of a case that nobody decides."""


class Alarm(Struct, frozen=True, kw_only=True):
    """What is told, how it is known to have been told, and where it leads."""

    kind: Kind
    event_id: str
    at: datetime
    facts: Mapping[str, Known]
    place: str


@dataclass(frozen=True, slots=True)
class Alarms:
    bookings: Bookings
    refunds: Refunds
    disputes: Disputes
    providers: Providers
    people: People
    profiles: Profiles
    notifications: Notifications
    workflows: Workflows

    TOLD: ClassVar[dict[str, Kind]] = {
        RefundFailed.__name__: Kind.REFUND_FAILED,
        RefundFound.__name__: Kind.REFUND_FOUND,
        DebitReturned.__name__: Kind.DEBIT_RETURNED,
        # Of those opened only the ones that are an operator's from the beginning.
        DisputeOpened.__name__: Kind.DISPUTE_ESCALATED,
        DisputeEscalated.__name__: Kind.DISPUTE_ESCALATED,
        DisputeOverdue.__name__: Kind.DISPUTE_OVERDUE,
        ExecutionFailed.__name__: Kind.EXECUTION_FAILED,
        # Of days only those on which something new differs, or does not add up.
        DayReconciled.__name__: Kind.BOOKS_DIFFER,
        # Of failures the second of a day: the first may be over when it is tried again.
        DayNotReconciled.__name__: Kind.DAY_NOT_RECONCILED,
        AchExceptionRaised.__name__: Kind.BANK_ASKS,
        AchRateAlarmed.__name__: Kind.RETURN_RATE_CLOSE,
        HeldForReview.__name__: Kind.CASE_WAITS,
        # Of lapsed cases only those that nobody decided in time.
        ReviewLapsed.__name__: Kind.CASE_LAPSED,
        ScoresDrifted.__name__: Kind.SCORES_DRIFTED,
    }
    """The events of which every operator is told."""

    async def tell(self, event: Event) -> None:
        """Tell every operator what the event means for them; the same event again tells nobody anything."""
        kind = self.TOLD[event.type]
        if kind in {Kind.REFUND_FAILED, Kind.REFUND_FOUND}:
            await self._raise(await self._of_refund(kind, event))
        elif kind is Kind.DEBIT_RETURNED:
            await self._raise(await self._of_debit(event))
        elif kind in {Kind.BOOKS_DIFFER, Kind.DAY_NOT_RECONCILED}:
            await (self._of_day(event) if kind is Kind.BOOKS_DIFFER else self._of_failed_day(event))
        elif kind is Kind.BANK_ASKS:
            await self._of_exception(event)
        elif kind is Kind.RETURN_RATE_CLOSE:
            await self._of_rate(event)
        elif kind in {Kind.CASE_WAITS, Kind.CASE_LAPSED}:
            await self._of_case(kind, event)
        elif kind is Kind.SCORES_DRIFTED:
            await self._of_drift(event)
        elif kind is Kind.EXECUTION_FAILED:
            await self._of_execution(event.detail)
        elif alarm := await self._of_dispute(kind, event):
            await self._raise(alarm)

    async def account_not_opened(self, provider_id: str, reason: str) -> None:
        """Tell every operator, once, that a provider has no payout account, and why."""
        provider = (await self.providers.load(provider_id)).value
        alarm = Alarm(
            kind=Kind.ACCOUNT_NOT_OPENED,
            event_id=f"{provider_id}:account-not-opened",
            at=provider.created_at,
            facts={"provider": provider.name, "reason": reason},
            place=f"/console/providers/{provider_id}",
        )
        await self._raise(alarm)

    async def of_payment(self, kind: Kind, booking_id: str, subject_id: str, at: datetime) -> None:
        """Tell every operator, once, what the card processor thinks of a payment: a warning of fraud, or a review."""
        alarm = Alarm(
            kind=kind,
            event_id=f"{subject_id}:{kind}",
            at=at,
            facts=await self._of_booking(booking_id),
            place=f"/console/bookings/{booking_id}",
        )
        await self._raise(alarm)

    async def top_up_failed(self, top_up_id: str, amount: Money, at: datetime) -> None:
        """Tell every operator, once, that our own money did not reach the processor."""
        facts: dict[str, Known] = {"amount": amount}
        kind, place = Kind.TOP_UP_FAILED, "/console/payouts"
        await self._raise(Alarm(kind=kind, event_id=f"{top_up_id}:failed", at=at, facts=facts, place=place))

    async def bank_low(self, short: Money, event_id: str, at: datetime) -> None:
        """Tell every operator, once per id, that payouts in files lack that much at our bank."""
        kind, place = Kind.BANK_LOW, "/console/payouts"
        facts: dict[str, Known] = {"amount": short}
        await self._raise(Alarm(kind=kind, event_id=f"{event_id}:low", at=at, facts=facts, place=place))

    async def payout_waits(self, payout: Payout) -> None:
        """Tell every operator, once, that a payout has waited for days for our own balance at the processor."""
        provider = (await self.providers.load(payout.provider_id)).value
        alarm = Alarm(
            kind=Kind.PAYOUT_WAITS,
            event_id=f"{payout.payout_id}:waits",
            at=payout.intended_at,
            facts={"provider": provider.name, "amount": payout.amount},
            place=f"/console/payouts/{payout.payout_id}",
        )
        await self._raise(alarm)

    async def payout_undecided(self, provider_id: str, reason: str, due_at: datetime) -> None:
        """Tell every operator, once for each date, that the payout of a provider that is due cannot be decided, and why."""
        try:
            name = (await self.providers.load(provider_id)).value.name
        except NotFound:
            name = provider_id  # That is what is wrong with it.
        facts: dict[str, Known] = {"provider": name, "reason": reason}
        kind, place = Kind.PAYOUT_UNDECIDED, f"/console/providers/{provider_id}"
        about = f"{provider_id}:{due_at.isoformat()}:undecided"
        await self._raise(Alarm(kind=kind, event_id=about, at=due_at, facts=facts, place=place))

    async def of_provider(self, kind: Kind, provider_id: str, event_id: str, at: datetime, **facts: Known) -> None:
        """Tell every operator, once per event, what became of a provider's account or money at the processor."""
        provider = (await self.providers.load(provider_id)).value
        known: dict[str, Known] = {"provider": provider.name, **facts}
        place = f"/console/providers/{provider_id}"
        await self._raise(Alarm(kind=kind, event_id=event_id, at=at, facts=known, place=place))

    async def dispute_stuck(self, dispute: Dispute, reason: str) -> None:
        """Tell every operator, once, that a dispute cannot go its way by itself, and why."""
        stuck = f"{dispute.dispute_id}:stuck"
        await self._raise(await self._over(dispute, Kind.DISPUTE_ESCALATED, stuck, dispute.opened_at, reason))

    async def _of_day(self, event: Event) -> None:
        """Once per run in which something new differs, or a side's day does not add up."""
        detail = event.detail
        if not detail["new"] and detail["proven"]:
            return
        facts: dict[str, Known] = {
            "day": detail["day"],
            "count": str(detail["new"]),
            "open": str(detail["open"]),
            "reason": ""
            if detail["proven"]
            else "Opening balance and movements of a side do not make its closing one.",
        }
        place = "/console/reconciliation"
        await self._raise(Alarm(kind=Kind.BOOKS_DIFFER, event_id=event.event_id, at=event.at, facts=facts, place=place))

    async def _of_failed_day(self, event: Event) -> None:
        day, failures = event.detail["day"], event.detail["failures"]
        if failures != TOLD_AT:
            return
        facts: dict[str, Known] = {"day": day, "count": str(failures)}
        kind, place = Kind.DAY_NOT_RECONCILED, "/console/reconciliation"
        await self._raise(Alarm(kind=kind, event_id=event.event_id, at=event.at, facts=facts, place=place))

    async def _of_exception(self, event: Event) -> None:
        """Once for each kind of exception in a file of the bank, however many there are of it."""
        detail = event.detail
        kind = ExceptionKind(detail["kind"])
        alarm = Alarm(
            kind=Kind.BANK_ASKS,
            event_id=f"{detail['inbound_id']}:{kind}" if detail["inbound_id"] else detail["exception_id"],
            at=event.at,
            facts={"reason": REPAIRS[kind]},
            place="/console/ach/returns",
        )
        await self._raise(alarm)

    async def _of_rate(self, event: Event) -> None:
        detail = event.detail
        facts: dict[str, Known] = {
            "rate": detail["rate"],
            "returned": f"{detail['rate_bps'] / 100:.2f} %",
            "most": f"{detail['limit_bps'] / 100:.2f} %",
        }
        place = "/console/ach"
        await self._raise(
            Alarm(kind=Kind.RETURN_RATE_CLOSE, event_id=event.event_id, at=event.at, facts=facts, place=place)
        )

    async def _of_case(self, kind: Kind, event: Event) -> None:
        detail, case = event.detail, Case(event.detail["kind"])
        within = DECIDE_WITHIN[case]
        if kind is Kind.CASE_LAPSED and not await self._ran_out(detail, within.total_seconds()):
            return  # It ended in another way: called off, or given up at the challenge.
        facts: dict[str, Known] = {
            "matter": case.value,
            "score": str(detail["score"]),
            "provider": (await self.providers.load(detail["provider_id"])).value.name,
            "decide_by": event.at + within,
            "outcome": _UNDECIDED[case],
        }
        place = f"/console/fraud/cases/{detail['booking_id'] or 'payout'}/{detail['subject_id']}"
        await self._raise(Alarm(kind=kind, event_id=event.event_id, at=event.at, facts=facts, place=place))

    async def _ran_out(self, detail: Mapping[str, Any], within_s: float) -> bool:
        if not detail["booking_id"]:
            return detail["waited_s"] >= within_s
        try:
            booking = (await self.bookings.row(detail["booking_id"])).value
        except NotFound:
            return False
        return booking.status is BookingStatus.EXPIRED and booking.reviewing

    async def _of_drift(self, event: Event) -> None:
        detail = event.detail
        facts: dict[str, Known] = {
            "matter": detail["kind"],
            "model": detail["model"],
            "index": f"{detail['index_milli'] / 1000:.2f}",
            "reason": detail["feature"].replace("_", " "),
        }
        place = "/console/fraud/models"
        await self._raise(
            Alarm(kind=Kind.SCORES_DRIFTED, event_id=event.event_id, at=event.at, facts=facts, place=place)
        )

    async def _of_execution(self, detail: Mapping[str, Any]) -> None:
        """Once per execution, however often it goes on and fails again."""
        execution_id, error = detail["execution_id"], detail["error"]
        if error in TOLD_OF_BY_ITSELF:
            return
        try:
            execution = await self.workflows.describe(execution_id)
        except NotFound:
            return  # Told again long after: it is forgotten by now.
        alarm = Alarm(
            kind=Kind.EXECUTION_FAILED,
            event_id=f"{execution_id}:failed",
            at=execution.started_at,
            facts={
                "machine": execution.machine,
                "matter": execution.name,
                "error": error or "its time over",
                "reason": execution.cause or "",
            },
            place=f"/console/workflows/{execution_id}",
        )
        await self._raise(alarm)

    async def _of_refund(self, kind: Kind, event: Event) -> Alarm:
        booking_id = event.detail["booking_id"]
        refund = await self.refunds.refund(booking_id, event.detail["refund_id"])
        facts: dict[str, Known] = {
            "refund": Money(event.detail["amount_minor"], event.detail["currency"]),
            **await self._of_booking(booking_id),
            "reason": why_it_failed(refund.value) if refund else "",
        }
        place = "/console/refunds" if kind is Kind.REFUND_FAILED else f"/console/bookings/{booking_id}"
        return Alarm(kind=kind, event_id=event.event_id, at=event.at, facts=facts, place=place)

    async def _of_debit(self, event: Event) -> Alarm:
        booking_id = event.detail["booking_id"]
        facts: dict[str, Known] = {
            "total": Money(event.detail["amount_minor"], event.detail["currency"]),
            **await self._of_booking(booking_id),
            "reason": event.detail["reason"],
        }
        place = f"/console/bookings/{booking_id}"
        return Alarm(kind=Kind.DEBIT_RETURNED, event_id=event.event_id, at=event.at, facts=facts, place=place)

    async def _of_dispute(self, kind: Kind, event: Event) -> Alarm | None:
        detail: dict[str, Any] = event.detail
        dispute = (await self.disputes.row(detail["booking_id"], detail["dispute_id"])).value
        if kind is Kind.DISPUTE_ESCALATED and dispute.state is not State.ESCALATED:
            return None  # The provider answers first, or the bank decides; or it is decided already.
        return await self._over(dispute, kind, event.event_id, event.at, dispute.text)

    async def _over(self, dispute: Dispute, kind: Kind, event_id: str, at: datetime, reason: str) -> Alarm:
        facts: dict[str, Known] = {
            "wanted": dispute.wanted,
            **await self._of_booking(dispute.booking_id),
            "reason": reason,
            "decide_by": dispute.decide_by,
        }
        place = f"/console/disputes/{dispute.booking_id}/{dispute.dispute_id}"
        return Alarm(kind=kind, event_id=event_id, at=at, facts=facts, place=place)

    async def _of_booking(self, booking_id: str) -> dict[str, Known]:
        booking = (await self.bookings.row(booking_id)).value
        return {"service": booking.offer.title, "customer": booking.contact.name, "booking": booking_id}

    async def _raise(self, alarm: Alarm) -> None:
        messages: list[Message] = []
        for user_id in await self.people.operators():
            known = await self.profiles.addressee(user_id)
            recipient = Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            )
            messages.append(
                Message(
                    kind=alarm.kind,
                    audience=Audience.OPERATOR,
                    event_id=alarm.event_id,
                    at=alarm.at,
                    recipient=recipient,
                    facts={name: fact for name, fact in alarm.facts.items() if fact != ""},
                    link=f"{self.notifications.brand.url}{alarm.place}",
                )
            )
        if messages:
            await self.notifications.tell(*messages)
