"""Disputes over bookings: opened, answered, settled between the two sides, by rule, or by an operator."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.api.plain import Paging, connection, maybe, money
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.disputes import (
    AnswerDispute,
    DecideDispute,
    Dispute,
    OpenDispute,
    Rules,
    SetRules,
    State,
)

ROOTS = Roots()


class OfDispute(Struct, frozen=True, kw_only=True):
    booking_id: str
    dispute_id: str


class OfBooking(Struct, frozen=True, kw_only=True):
    booking_id: str


class InState(Paging, frozen=True, kw_only=True):
    state: State


@ROOTS.query
async def dispute(ask: Ask, request: OfDispute) -> Plain:
    return told(await ask.market.disputing.of(request.booking_id, request.dispute_id, ask.actor))


@ROOTS.query
async def disputes_of(ask: Ask, request: OfBooking) -> list[Plain]:
    return [told(each) for each in await ask.market.disputing.over(request.booking_id, ask.actor)]


@ROOTS.query
async def disputes_in_state(ask: Ask, request: InState) -> Plain:
    page = await ask.market.disputes.in_state(request.state, ask.actor, after=request.cursor, limit=request.limit)
    return connection([told(each) for each in page.values], page.next)


@ROOTS.query
async def dispute_rules(ask: Ask) -> Plain:
    return _rules(await ask.market.dispute_rules.current())


@ROOTS.mutation
async def open_dispute(ask: Ask, request: OpenDispute) -> Plain:
    return told(await ask.market.disputing.open(request, ask.actor))


@ROOTS.mutation
async def answer_dispute(ask: Ask, request: AnswerDispute) -> Plain:
    return told(await ask.market.disputing.answer(request, ask.actor))


@ROOTS.mutation
async def accept_offer(ask: Ask, request: OfDispute) -> Plain:
    return told(await ask.market.disputing.accept_offer(request.booking_id, request.dispute_id, ask.actor))


@ROOTS.mutation
async def decline_offer(ask: Ask, request: OfDispute) -> Plain:
    return told(await ask.market.disputing.decline_offer(request.booking_id, request.dispute_id, ask.actor))


@ROOTS.mutation
async def withdraw_dispute(ask: Ask, request: OfDispute) -> Plain:
    return told(await ask.market.disputing.withdraw(request.booking_id, request.dispute_id, ask.actor))


@ROOTS.mutation
async def decide_dispute(ask: Ask, request: DecideDispute) -> Plain:
    return told(await ask.market.disputing.decide(request, ask.actor))


@ROOTS.mutation
async def set_dispute_rules(ask: Ask, request: SetRules) -> Plain:
    return _rules(await ask.market.dispute_rules.set(request, ask.actor))


def told(known: Dispute) -> Plain:
    said, verdict = known.said, known.verdict
    return {
        "disputeId": known.dispute_id,
        "bookingId": known.booking_id,
        "kind": known.kind.value,
        "state": known.state.value,
        "cause": known.cause.value,
        "text": known.text,
        "openedBy": known.opened_by.value,
        "openedAt": known.opened_at,
        "changedAt": known.changed_at,
        "paid": money(known.paid),
        "given": maybe(known.given),
        "wanted": money(known.wanted),
        "dueAt": known.due_at,
        "decideBy": known.decide_by,
        "overdue": known.overdue,
        "said": said
        and {"answer": said.answer.value, "text": said.text, "offered": maybe(said.offered), "at": said.at},
        "verdict": verdict
        and {
            "by": verdict.by.value,
            "refund": money(verdict.refund),
            "reason": verdict.reason,
            "elsewhere": verdict.elsewhere,
            "at": verdict.at,
        },
    }


def _rules(known: Rules) -> Plain:
    return {"version": known.version, "limits": [money(limit) for limit in known.limits]}
