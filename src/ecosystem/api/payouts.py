"""Payouts: what can go out, the plan, what became of each; and what operators see and set of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from ecosystem.api.ledger import Currency
from ecosystem.api.plain import Paging, connection, maybe, money
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.payouts import (
    AskPayout,
    Filling,
    GiveUp,
    Payout,
    PayoutPlan,
    PayoutRules,
    Reserve,
    SetPayoutPlan,
    Withdraw,
    Withdrawal,
    WriteOff,
)
from ecosystem.journeys.earnings_years import Month
from ecosystem.journeys.payout_outlook import Funds, Outlook
from ecosystem.journeys.receivables import Owed
from ecosystem.kernel.money import Money
from ecosystem.kernel.time import midnight

ROOTS = Roots()


class OfProvider(Struct, frozen=True, kw_only=True):
    provider_id: str


class Listed(Paging, frozen=True, kw_only=True):
    provider_id: str


class OnePayout(Struct, frozen=True, kw_only=True):
    payout_id: str


class OutlookOf(Struct, frozen=True, kw_only=True):
    provider_id: str
    currency: Currency


class YearOf(Struct, frozen=True, kw_only=True):
    provider_id: str
    currency: Currency
    year: Annotated[int, Meta(ge=2000, le=9998)]


class InMonth(Paging, frozen=True, kw_only=True):
    """`month` is any day of it."""

    month: date


class SetPlan(Struct, frozen=True, kw_only=True):
    provider_id: str
    plan: SetPayoutPlan


class Pausing(Struct, frozen=True, kw_only=True):
    provider_id: str
    reason: str = ""


class KeepBack(Struct, frozen=True, kw_only=True):
    """Without a reserve, that of the rules holds again."""

    provider_id: str
    reserve: Reserve | None = None


class SetPayoutRules(Struct, frozen=True, kw_only=True):
    """What is left out stays. `version` is that of the rules the asker saw."""

    version: int
    new_for_days: int | None = None
    reserve: Reserve | None = None
    minimums: tuple[Money, ...] | None = None
    instant_fee_bps: int | None = None
    instant_fee_minimums: tuple[Money, ...] | None = None


class SetFilling(Struct, frozen=True, kw_only=True):
    """Without a filling, our own money goes to our bank by an operator's act alone."""

    version: int
    filling: Filling | None = None


@ROOTS.query
async def payouts(ask: Ask, request: Listed) -> Plain:
    page = await ask.market.paying_out.payouts(
        request.provider_id, ask.actor, after=request.cursor, limit=request.limit
    )
    return connection([_payout(each) for each in page.values], page.next)


@ROOTS.query
async def payout(ask: Ask, request: OnePayout) -> Plain:
    return _payout(await ask.market.paying_out.payout(request.payout_id, ask.actor))


@ROOTS.query
async def payout_outlook(ask: Ask, request: OutlookOf) -> Plain:
    return _outlook(await ask.market.paying_out.outlooks.of(request.provider_id, ask.actor, currency=request.currency))


@ROOTS.query
async def earnings_year(ask: Ask, request: YearOf) -> Plain:
    outlooks = ask.market.paying_out.outlooks
    zone = await outlooks.zone_of(await outlooks.own(request.provider_id, ask.actor))
    found = await ask.market.earnings_years.year(request.provider_id, request.currency, request.year, zone, ask.actor)
    return {
        "year": found.year,
        "currency": found.currency,
        "zone": zone,
        "startsAt": midnight(date(request.year, 1, 1), zone),
        "months": [_month(each) for each in found.months],
        "total": _month(found.total),
    }


@ROOTS.query
async def payouts_in_month(ask: Ask, request: InMonth) -> Plain:
    at = datetime(request.month.year, request.month.month, 1, tzinfo=UTC)
    page = await ask.market.payouts.in_month(at, ask.actor, after=request.cursor, limit=request.limit)
    return connection([_payout(each) for each in page.values], page.next)


@ROOTS.query
async def payout_rules(ask: Ask) -> Plain:
    return _rules(await ask.market.payout_rules.shown(ask.actor))


@ROOTS.query
async def receivables(ask: Ask) -> list[Plain]:
    return [_receivable(each) for each in await ask.market.receivables.all(ask.actor)]


@ROOTS.query
async def withdrawals(ask: Ask, request: Paging) -> Plain:
    page = await ask.market.withdrawing.book.latest(ask.actor, after=request.cursor, limit=request.limit)
    return connection([_withdrawal(each) for each in page.values], page.next)


@ROOTS.mutation
async def ask_payout(ask: Ask, request: AskPayout) -> Plain:
    return _payout(await ask.market.paying_out.ask(request, ask.actor))


@ROOTS.mutation
async def cancel_payout(ask: Ask, request: OnePayout) -> Plain:
    return _payout(await ask.market.paying_out.cancel(request.payout_id, ask.actor))


@ROOTS.mutation
async def set_payout_plan(ask: Ask, request: SetPlan) -> Plain:
    await ask.market.payout_settings.set(request.provider_id, request.plan, ask.actor)
    return await _plan_of(ask, request.provider_id)


@ROOTS.mutation
async def pause_payouts(ask: Ask, request: Pausing) -> Plain:
    await ask.market.payout_settings.pause(request.provider_id, request.reason, ask.actor)
    return await _plan_of(ask, request.provider_id)


@ROOTS.mutation
async def resume_payouts(ask: Ask, request: OfProvider) -> Plain:
    await ask.market.payout_settings.resume(request.provider_id, ask.actor)
    return await _plan_of(ask, request.provider_id)


@ROOTS.mutation
async def keep_back(ask: Ask, request: KeepBack) -> Plain:
    await ask.market.payout_settings.keep_back(request.provider_id, request.reserve, ask.actor)
    return await _plan_of(ask, request.provider_id)


@ROOTS.mutation
async def set_payout_rules(ask: Ask, request: SetPayoutRules) -> Plain:
    ask.actor.must_operate()
    named = {name: getattr(request, name) for name in request.__struct_fields__}
    wanted = {name: value for name, value in named.items() if value is not None}
    return _rules(
        await ask.market.payout_rules.set(replace(await ask.market.payout_rules.current(), **wanted), ask.actor)
    )


@ROOTS.mutation
async def set_filling(ask: Ask, request: SetFilling) -> Plain:
    ask.actor.must_operate()
    rules = await ask.market.payout_rules.current()
    wanted = replace(rules, filling=request.filling, version=request.version)
    return _rules(await ask.market.payout_rules.set(wanted, ask.actor))


@ROOTS.mutation
async def give_up_receivable(ask: Ask, request: GiveUp) -> Plain:
    return _write_off(await ask.market.receivables.give_up(request, ask.actor))


@ROOTS.mutation
async def withdraw(ask: Ask, request: Withdraw) -> Plain:
    return _withdrawal(await ask.market.withdrawing.withdraw(request, ask.actor))


async def _plan_of(ask: Ask, provider_id: str) -> Plain:
    row = await ask.market.payout_plans.find(provider_id)
    assert row is not None, "what was set is there"
    return _plan(row.value, row.version)


def _payout(known: Payout) -> Plain:
    trouble = known.trouble
    return {
        "payoutId": known.payout_id,
        "providerId": known.provider_id,
        "status": known.status.value,
        "amount": money(known.amount),
        "fee": money(known.fee),
        "net": money(known.net),
        "rail": known.rail.value,
        "last4": known.destination.last4,
        "speed": known.speed.value,
        "origin": known.origin.value,
        "inReview": known.in_review,
        "mayBeCancelled": known.may_be_cancelled,
        "intendedAt": known.intended_at,
        "sendAt": known.send_at,
        "sentAt": known.sent_at,
        "expectedAt": known.expected_at,
        "paidAt": known.paid_at,
        "endedAt": known.ended_at,
        "trouble": trouble and {"code": trouble.code, "sentence": trouble.words, "pauses": trouble.pauses},
    }


def _outlook(found: Outlook) -> Plain:
    where = found.destination
    return {
        "zone": found.zone,
        "plan": _plan(found.plan, found.plan_version),
        "destination": where and {"rail": where.rail.value, "last4": where.last4},
        "hindered": found.hindered or None,
        "reserve": _reserve(found.reserve),
        "funds": [_funds(each) for each in found.funds],
    }


def _funds(found: Funds) -> Plain:
    standing = found.disposable
    return {
        "currency": found.currency,
        "balance": money(Money(abs(standing.units), found.currency)),
        "owes": standing.units < 0,
        "keptBack": money(standing.kept),
        "freeAt": standing.free_at,
        "available": money(found.available),
        "underWay": money(found.under_way),
        "minimum": money(found.minimum),
        "instantFee": maybe(found.instant_fee),
    }


def _plan(known: PayoutPlan, version: int) -> Plain:
    pause = known.pause
    return {
        "providerId": known.provider_id,
        "cadence": known.cadence.value,
        "weekday": known.weekday,
        "minimum": maybe(known.minimum),
        "rail": known.rail.value,
        "bankAccountId": known.bank_account_id or None,
        "reserve": known.reserve and _reserve(known.reserve),
        "pause": pause and {"by": pause.by.value, "reason": pause.reason, "at": pause.at},
        "nextAt": known.next_at,
        "version": version,
    }


def _reserve(known: Reserve) -> Plain:
    return {"shareBps": known.share_bps, "days": known.days}


def _rules(known: PayoutRules) -> Plain:
    return {
        "version": known.version,
        "newForDays": known.new_for_days,
        "reserve": _reserve(known.reserve),
        "minimums": [money(each) for each in known.minimums],
        "instantFeeBps": known.instant_fee_bps,
        "instantFeeMinimums": [money(each) for each in known.instant_fee_minimums],
        "filling": known.filling and {"least": money(known.filling.least), "left": money(known.filling.left)},
    }


def _month(found: Month) -> Plain:
    """Amounts as the ledger tells them: a month of returns may be below nothing."""
    return {
        "month": found.month,
        "gross": str(found.gross),
        "refunds": str(found.refunds),
        "fees": str(found.fees),
        "net": str(found.net),
        "paidOut": str(found.paid_out),
    }


def _receivable(found: Owed) -> Plain:
    owed = found.receivable.owed
    return {
        "providerId": found.receivable.provider_id,
        "name": found.name,
        "owed": money(Money(found.aged.units, owed.currency)),
        "since": found.aged.since,
        "ages": [money(Money(units, owed.currency)) for units in found.aged.parts],
    }


def _write_off(made: WriteOff) -> Plain:
    return {
        "writeOffId": made.write_off_id,
        "providerId": made.provider_id,
        "amount": money(made.amount),
        "reason": made.reason,
        "actorId": made.by,
        "at": made.at,
    }


def _withdrawal(known: Withdrawal) -> Plain:
    return {
        "withdrawalId": known.withdrawal_id,
        "amount": money(known.amount),
        "status": known.status.value,
        "askedBy": known.asked_by,
        "askedAt": known.asked_at,
        "expectedAt": known.expected_at,
        "arrivedAt": known.arrived_at,
        "reason": known.reason or None,
    }
