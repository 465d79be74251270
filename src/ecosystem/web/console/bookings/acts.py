"""What an operator does with a booking. Each act has a reason; what cannot be undone says first what it will do.

`ahead` asks the very decision that `do` commits: what it refuses is refused at once, and what it does to the money is
said line by line. `acting.py` has the pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import (
    Booking,
    CancelBooking,
    ConcludeDispute,
    ReportNoShow,
    Side,
    refund_of,
)
from ecosystem.contexts.disputes import DecideDispute, Kind, OpenDispute
from ecosystem.journeys.dossiers import Division, Dossier
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, parse_decimal, zero
from ecosystem.kernel.rates import Lines
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web.console.percents import Percent, basis_points
from ecosystem.web.fields import Id
from ecosystem.web.visit import Visit

Reason = Annotated[str, Meta(max_length=1_000)]


class Plain(Struct, frozen=True, kw_only=True):
    reason: Reason
    sure: bool = False
    expected: int | None = None


class Shared(Struct, frozen=True, kw_only=True):
    """An act that gives back a share of what was paid."""

    share: Percent
    reason: Reason
    sure: bool = False
    expected: int | None = None

    @property
    def bps(self) -> int:
        return basis_points(self.share)


class Amount(Struct, frozen=True, kw_only=True):
    """An amount to give back, under the id that the refund will have."""

    refund_id: Id
    amount: Annotated[str, Meta(max_length=30)]
    reason: Reason
    sure: bool = False
    expected: int | None = None


class Absent(Struct, frozen=True, kw_only=True):
    absent: Literal["customer", "provider"]
    reason: Reason
    sure: bool = False
    expected: int | None = None


class Consequence(Struct, frozen=True, kw_only=True):
    """A line of what an act will do: to whom, how much, and in words."""

    whom: str
    amount: Money | None
    words: str = ""


class Ahead(Struct, frozen=True, kw_only=True):
    """What an act will do. `back` is what goes to the customer, in minor units."""

    lines: Sequence[Consequence]
    back: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its name in the address, its words, its form, what it will do, and the doing."""

    name: str
    title: str
    verb: str
    icon: str
    lead: str
    form: type[Struct]
    ahead: Callable[[Visit, Dossier, Any], Ahead]
    do: Callable[[Visit, str, Any], Awaitable[Any]]
    done: str
    is_final: bool = True


def _ended(request: Visit, dossier: Dossier, after: Booking) -> Ahead:
    """What the decided end does with the money, line by line."""
    division = request.market.dossiers.division(dossier, after)
    if division is None:
        words = "Nothing was taken from the card; what is reserved on it is let go."
        return Ahead(lines=[Consequence(whom="Customer", amount=None, words=words)])
    return Ahead(lines=_divided(division), back=division.back.minor)


def _divided(division: Division) -> list[Consequence]:
    lines = [Consequence(whom="Goes back to the customer", amount=division.back), *_lying(division.lying)]
    if division.rest is not None:
        lines += _shares(division.rest, "is paid")
    elif division.taken is not None:
        lines += _shares(division.taken, "gives back")
    elif not division.lying:
        lines.append(
            Consequence(whom="Provider and platform", amount=None, words="They keep what was released to them.")
        )
    return lines


def _lying(amount: Money) -> list[Consequence]:
    words = "It came back with a refund that failed, or is owed."
    return [Consequence(whom="Taken out of escrow", amount=amount, words=words)] if amount else []


def _shares(lines: Lines, verb: str) -> list[Consequence]:
    words = "Out of their balance, which may fall below nothing." if verb == "gives back" else ""
    return [
        Consequence(whom=f"The provider {verb}", amount=lines.provider_share, words=words),
        Consequence(
            whom=f"The platform {'keeps' if verb == 'is paid' else verb}", amount=lines.commission + lines.surcharge
        ),
    ]


def _cancelling(request: Visit, dossier: Dossier, asked: Shared) -> Ahead:
    wanted = CancelBooking(booking_id=dossier.booking.booking_id, reason=asked.reason, share_bps=asked.bps)
    after, _ = booked.cancel(dossier.booking, wanted, request.actor, request.at)
    return _ended(request, dossier, after)


async def _cancel(request: Visit, booking_id: str, asked: Shared) -> object:
    wanted = CancelBooking(booking_id=booking_id, reason=asked.reason, share_bps=asked.bps)
    return await request.market.closing.cancel(wanted, request.actor)


def _giving(request: Visit, dossier: Dossier, asked: Amount) -> Ahead:
    amount = parse_decimal(asked.amount.replace(",", "."), dossier.booking.lines.currency)
    found = request.market.dossiers.returning(dossier, amount)
    lines = [Consequence(whom="Goes back to the customer", amount=found.amount), *_lying(found.lying)]
    if found.released:
        lines += _shares(found.lines, "gives back")
    elif not found.lying:
        lines.append(Consequence(whom="Stays in escrow", amount=found.left))
    return Ahead(lines=lines, back=amount.minor)


async def _give(request: Visit, booking_id: str, asked: Amount) -> object:
    booking = await request.market.bookings.get(booking_id, request.actor)
    wanted = GiveBack(
        refund_id=asked.refund_id,
        booking_id=booking_id,
        amount=parse_decimal(asked.amount.replace(",", "."), booking.lines.currency),
        reason=asked.reason,
    )
    return await request.market.refunding.give_back(wanted, request.actor)


def _completing(request: Visit, dossier: Dossier, asked: Plain) -> Ahead:
    after, _ = booked.complete(dossier.booking, request.actor, request.at, asked.reason)
    return _ended(request, dossier, after)


async def _complete(request: Visit, booking_id: str, asked: Plain) -> object:
    return await request.market.closing.complete(booking_id, request.actor, asked.reason)


def _settling(request: Visit, dossier: Dossier, asked: Plain) -> Ahead:
    after, _ = booked.settle_no_show(dossier.booking, request.actor, request.at, asked.reason)
    return _ended(request, dossier, after)


async def _settle(request: Visit, booking_id: str, asked: Plain) -> object:
    return await request.market.closing.settle_no_show(booking_id, request.actor, asked.reason)


def _missing(request: Visit, dossier: Dossier, asked: Absent) -> Ahead:
    booked.report_no_show(dossier.booking, _report(dossier.booking.booking_id, asked), request.actor, request.at)
    return Ahead(lines=[])


async def _miss(request: Visit, booking_id: str, asked: Absent) -> object:
    return await request.market.closing.report_no_show(_report(booking_id, asked), request.actor)


def _report(booking_id: str, asked: Absent) -> ReportNoShow:
    return ReportNoShow(booking_id=booking_id, absent=Side(asked.absent), reason=asked.reason)


def _disputing(request: Visit, dossier: Dossier, asked: Plain) -> Ahead:
    booked.dispute(dossier.booking, asked.reason, request.actor, request.at)
    return Ahead(lines=[])


async def _dispute(request: Visit, booking_id: str, asked: Plain) -> object:
    dispute_id = mint("dsp", request.at, request.market.ports.entropy)
    wanted = OpenDispute(dispute_id=dispute_id, booking_id=booking_id, text=asked.reason)
    return await request.market.disputing.open(wanted, request.actor)


def _concluding(request: Visit, dossier: Dossier, asked: Shared) -> Ahead:
    after, _ = booked.conclude(dossier.booking, _decision(dossier.booking.booking_id, asked), request.actor, request.at)
    return _ended(request, dossier, after)


async def _conclude(request: Visit, booking_id: str, asked: Shared) -> object:
    """Decide the dispute that is open, or, where the booking has no record of one, conclude it alone."""
    booking = await request.market.bookings.get(booking_id, request.actor)
    for dispute in await request.market.disputing.over(booking_id, request.actor):
        if dispute.kind is Kind.COMPLAINT and not dispute.is_over:
            given = booking.lines.total - await request.market.disputing.left(booking_id, request.actor)
            share = refund_of(booking.lines, booking.rates, asked.bps).amount
            refund = share - given if given < share else zero(given.currency)
            wanted = DecideDispute(
                booking_id=booking_id, dispute_id=dispute.dispute_id, refund=refund, reason=asked.reason
            )
            return await request.market.disputing.decide(wanted, request.actor)
    return await request.market.closing.conclude(_decision(booking_id, asked), request.actor)


def _decision(booking_id: str, asked: Shared) -> ConcludeDispute:
    return ConcludeDispute(booking_id=booking_id, share_bps=asked.bps, reason=asked.reason)


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            name="conclude", title="Decide the dispute", verb="Decide it", icon="gavel",
            lead="Choose the share of what was paid that goes back to the customer. The rest stays with, or goes to, "
            "the provider and the platform.",
            form=Shared, ahead=_concluding, do=_conclude, done="The dispute is decided.",
        ),
        Act(
            name="settle", title="Settle the no-show", verb="Settle it now", icon="user-check",
            lead="The report stands at once, without waiting for the other side's objection.",
            form=Plain, ahead=_settling, do=_settle, done="The no-show stands.",
        ),
        Act(
            name="complete", title="Complete the booking", verb="Complete and release", icon="check-check",
            lead="The service counts as done, and the money is released at once.",
            form=Plain, ahead=_completing, do=_complete, done="Completed, and the money is released.",
        ),
        Act(
            name="give-back", title="Give money back", verb="Give back", icon="undo-2",
            lead="An amount of your choice, whatever the policy says. The booking itself stays as it is.",
            form=Amount, ahead=_giving, do=_give, done="The money is on its way back.",
        ),
        Act(
            name="cancel", title="Cancel the booking", verb="Cancel the booking", icon="ban",
            lead="The time is free again. You choose the share of what was paid that goes back.",
            form=Shared, ahead=_cancelling, do=_cancel, done="The booking is cancelled.",
        ),
        Act(
            name="no-show", title="Report a no-show", verb="Report it", icon="user-x",
            lead="The money waits until this stands: a day after the end, or when you settle it. The other side may "
            "dispute it until then.",
            form=Absent, ahead=_missing, do=_miss, done="Reported. The money waits.", is_final=False,
        ),
        Act(
            name="dispute", title="Open a dispute", verb="Open the dispute", icon="scale",
            lead="What is still held stays so until the dispute is decided.",
            form=Plain, ahead=_disputing, do=_dispute, done="The dispute is open.", is_final=False,
        ),
    )
}  # fmt: skip


def deeds(dossier: Dossier, actor: Actor, at: datetime) -> Sequence[Act]:
    """The acts that the decisions would let an operator do now."""
    booking = dossier.booking
    booking_id = booking.booking_id
    tries: Mapping[str, Callable[[], object]] = {
        "cancel": lambda: booked.cancel(booking, CancelBooking(booking_id=booking_id, share_bps=0), actor, at),
        "complete": lambda: booked.complete(booking, actor, at),
        "settle": lambda: booked.settle_no_show(booking, actor, at),
        "dispute": lambda: booked.dispute(booking, "", actor, at),
        "conclude": lambda: booked.conclude(booking, ConcludeDispute(booking_id=booking_id, share_bps=0), actor, at),
        "no-show": lambda: booked.report_no_show(
            booking, ReportNoShow(booking_id=booking_id, absent=Side.CUSTOMER), actor, at
        ),
    }
    open_now = {name for name, decide in tries.items() if _passes(decide)}
    if dossier.charge is not None:
        open_now.add("give-back")
    return [act for name, act in ACTS.items() if name in open_now]


def _passes(decide: Callable[[], object]) -> bool:
    try:
        decide()
    except Refusal:
        return False
    return True
