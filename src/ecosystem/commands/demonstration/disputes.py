"""A dispute carried out: opened, answered, offered, withdrawn, decided or left undecided."""

from __future__ import annotations

from datetime import timedelta

from ecosystem.commands.demonstration.odds import Decision, Offered, Reply
from ecosystem.commands.demonstration.stage import Stage
from ecosystem.commands.demonstration.visits import Visit
from ecosystem.contexts.disputes import (
    Answer,
    AnswerDispute,
    Cause,
    DecideDispute,
    Dispute,
    OpenDispute,
    State,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero

STEP = 10
"""Minor units that every card can be paid back in."""

_TAKES_BACK_AFTER = timedelta(hours=2)
_CONSIDERS = timedelta(hours=6)
_CAUSES = (Cause.NOT_AS_AGREED, Cause.POOR_QUALITY, Cause.CUT_SHORT, Cause.OVERCHARGED)
_SAYS = {
    Reply.ACCEPTS: (Answer.ACCEPTED, "You are right, I am sorry."),
    Reply.OFFERS: (Answer.OFFERED, "I would meet you half way."),
    Reply.CONTESTS: (Answer.CONTESTED, "I did all that we had agreed, and can show the pictures."),
}
_REASONS = {
    Decision.FOR_CUSTOMER: "The pictures show that it was not done.",
    Decision.HALF: "Half of it was done as agreed.",
    Decision.FOR_PROVIDER: "It was done as described.",
}


async def carried_out(stage: Stage, visit: Visit, opener: Actor, owner: Actor, text: str) -> None:
    """From its opening by one side until it is over, or left to others."""
    booking = (await stage.market.bookings.row(visit.id("bkg"))).value
    is_owners = opener.actor_id == booking.offer.owner_id
    wanted = None if visit.wants == 1.0 or is_owners else part(booking.lines.total, visit.wants)
    request = OpenDispute(
        dispute_id=visit.id("dsp"),
        booking_id=booking.booking_id,
        cause=_CAUSES[int(visit.slot * len(_CAUSES))],
        text=text,
        wanted=wanted,
    )
    opened = await stage.tried(stage.market.disputing.open(request, opener))
    if opened is None:
        return
    if visit.withdraws:
        await stage.agenda.until(opened.opened_at + _TAKES_BACK_AFTER)
        await stage.tried(stage.market.disputing.withdraw(opened.booking_id, opened.dispute_id, opener))
        return
    await _answered(stage, visit, opened, owner)
    await _offered(stage, visit, opener)
    await _decided(stage, visit)


async def _answered(stage: Stage, visit: Visit, dispute: Dispute, owner: Actor) -> None:
    if visit.reply is Reply.SAYS_NOTHING or dispute.state is not State.REVIEW:
        return
    await stage.agenda.until(dispute.opened_at + visit.replies_after)
    answer, text = _SAYS[visit.reply]
    request = AnswerDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        answer=answer,
        text=text,
        offered=part(dispute.wanted, 0.5) if answer is Answer.OFFERED else None,
    )
    await stage.tried(stage.market.disputing.answer(request, owner))


async def _offered(stage: Stage, visit: Visit, opener: Actor) -> None:
    dispute = await _now(stage, visit)
    if dispute.state is not State.OFFERED or dispute.said is None or visit.offered is Offered.SAYS_NOTHING:
        return
    await stage.agenda.until(dispute.said.at + _CONSIDERS)
    act = stage.market.disputing
    answer = act.accept_offer if visit.offered is Offered.TAKES else act.decline_offer
    await stage.tried(answer(dispute.booking_id, dispute.dispute_id, opener))


async def _decided(stage: Stage, visit: Visit) -> None:
    """The operator decides what was put before them; left alone, the system does after seven days."""
    dispute = await _now(stage, visit)
    if visit.decision is Decision.NONE:
        return
    # By then everybody else has had their say, and what a rule decides is over.
    await stage.agenda.until(dispute.opened_at + max(visit.decides_after, timedelta(hours=30)))
    dispute = await _now(stage, visit)
    if dispute.state is not State.ESCALATED:
        return
    back = {
        Decision.FOR_CUSTOMER: dispute.paid,
        Decision.HALF: part(dispute.paid, 0.5),
        Decision.FOR_PROVIDER: zero(dispute.paid.currency),
    }[visit.decision]
    request = DecideDispute(
        booking_id=dispute.booking_id,
        dispute_id=dispute.dispute_id,
        refund=back,
        reason=_REASONS[visit.decision],
    )
    await stage.tried(stage.market.disputing.decide(request, stage.cast.operator))


async def _now(stage: Stage, visit: Visit) -> Dispute:
    return (await stage.market.disputes.row(visit.id("bkg"), visit.id("dsp"))).value


def part(whole: Money, share: float) -> Money:
    """That share of it, in steps that every card pays."""
    return Money(max(STEP, int(whole.minor * share) // STEP * STEP), whole.currency)
