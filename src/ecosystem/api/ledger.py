"""What is owed to whom: a provider's earnings, and the ledger as operators see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.api.plain import After, Limit, Paging, connection, money
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.api.sheets import sheet
from ecosystem.contexts.ledger import Line, Mark, Position, Recorded
from ecosystem.journeys.earnings import Balance, Release
from ecosystem.kernel.rates import Rates

ROOTS = Roots()

Currency = Annotated[str, Meta(min_length=3, max_length=3)]


class OfProvider(Struct, frozen=True, kw_only=True):
    provider_id: str
    currency: Currency


class Page(Struct, frozen=True, kw_only=True):
    provider_id: str
    currency: Currency
    limit: Limit = 25
    after: After | None = None


class OfAccount(Struct, frozen=True, kw_only=True):
    account_id: str


class AccountPage(Paging, frozen=True, kw_only=True):
    account_id: str
    start_at: datetime | None = None
    end_at: datetime | None = None


class About(Struct, frozen=True, kw_only=True):
    reference: Annotated[str, Meta(min_length=1, max_length=200)]


class SetRates(Struct, frozen=True, kw_only=True):
    provider_share_bps: int
    surcharge_bps: int


@ROOTS.query
async def earnings(ask: Ask, request: OfProvider) -> Plain:
    found = await ask.market.earnings.summary(request.provider_id, ask.actor, currency=request.currency)
    inner = ask.within("releases/booking")
    return {
        "balances": [_balance(each) for each in found.balances],
        "releases": [await _release(inner, each) for each in found.releases] if ask.wants("releases") else [],
    }


@ROOTS.query
async def earnings_statement(ask: Ask, request: Page) -> Plain:
    found = await ask.market.earnings.statement(
        request.provider_id,
        request.currency,
        ask.actor,
        after=Mark(request.after) if request.after else None,
        limit=request.limit,
    )
    inner = ask.within("nodes/booking")
    lines = [
        _line(entry.line) | {"booking": await sheet(inner, entry.booking) if entry.booking else None}
        for entry in found.entries
    ]
    return _statement(f"provider:{request.provider_id}:{found.currency}", found.currency, lines, found.next)


@ROOTS.query
async def rates(ask: Ask) -> Plain:
    return _rates(await ask.market.tariff.current())


@ROOTS.query
async def rates_history(ask: Ask) -> list[Plain]:
    history = await ask.market.oversight.rates(ask.actor)
    return [{"rates": _rates(each.rates), "at": each.at, "actorId": each.actor.actor_id} for each in history]


@ROOTS.query
async def ledger_account(ask: Ask, request: OfAccount) -> Plain:
    return _account((await ask.market.explorer.account(request.account_id, ask.actor)).position)


@ROOTS.query
async def ledger_statement(ask: Ask, request: AccountPage) -> Plain:
    found = await ask.market.explorer.statement(
        request.account_id,
        ask.actor,
        start_at=request.start_at,
        end_at=request.end_at,
        after=Mark(request.after) if request.after else None,
        limit=request.limit,
    )
    return _statement(found.account_id, found.ledger, [_line(line) for line in found.lines], found.next)


@ROOTS.query
async def ledger_transfers(ask: Ask, request: About) -> list[Plain]:
    return [_transfer(each) for each in await ask.market.oversight.transfers(request.reference, ask.actor)]


@ROOTS.mutation
async def set_rates(ask: Ask, request: SetRates) -> Plain:
    wanted = Rates(provider_share_bps=request.provider_share_bps, surcharge_bps=request.surcharge_bps)
    return _rates(await ask.market.tariff.change(wanted, ask.actor))


def _balance(balance: Balance) -> Plain:
    return {
        "currency": balance.currency,
        "money": money(balance.money),
        "owes": balance.owes,
        "held": money(balance.held),
    }


async def _release(ask: Ask, release: Release) -> Plain:
    return {"booking": await sheet(ask, release.booking), "share": money(release.share), "at": release.at}


def _rates(known: Rates) -> Plain:
    return {
        "version": known.version,
        "providerShareBps": known.provider_share_bps,
        "surchargeBps": known.surcharge_bps,
    }


def _account(position: Position) -> Plain:
    account, balances = position.account, position.balances
    return {
        "accountId": account.account_id,
        "ledger": account.ledger,
        "code": account.code,
        "closed": position.closed,
        "summed": account.is_summed,
        "debitsPending": str(balances.debits_pending),
        "debitsPosted": str(balances.debits_posted),
        "creditsPending": str(balances.credits_pending),
        "creditsPosted": str(balances.credits_posted),
        "net": str(balances.net),
    }


def _statement(account_id: str, currency: str, lines: Sequence[Plain], after: Mark | None) -> Plain:
    return connection(lines, after, accountId=account_id, currency=currency)


def _line(line: Line) -> Plain:
    return {
        "transfer": _transfer(line.transfer),
        "counterAccountId": line.counter_account_id,
        "isDebit": line.is_debit,
        "pending": str(line.pending),
        "posted": str(line.posted),
        "balance": None if line.balance is None else str(line.balance),
    }


def _transfer(made: Recorded) -> Plain:
    return {
        "transferId": made.transfer_id,
        "debitAccountId": made.debit_account_id,
        "creditAccountId": made.credit_account_id,
        "amount": made.units,
        "ledger": made.ledger,
        "code": made.code,
        "pendingId": made.pending_id or None,
        "reference": made.reference,
        "state": made.state,
        "at": made.at,
    }
