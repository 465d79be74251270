"""The ledger explored: accounts by kind, statements, transfers; and the verification of all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import ProviderStatus
from ecosystem.contexts.ledger import Account, AccountFlag, Mark, Recorded, TransferFlag, chart
from ecosystem.journeys.explorer import HOLDING, AccountKind, Entries
from ecosystem.kernel.refusals import Invalid
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.story import title
from ecosystem.web.console.desk import desk, get
from ecosystem.web.console.ledger.verifying import holds
from ecosystem.web.visit import Visit

PAGE = 50
KINDS: Mapping[int, str] = {
    chart.AccountCode.PROCESSOR: "At the card processor",
    chart.AccountCode.ESCROW: "Escrow of a booking",
    chart.AccountCode.PROVIDER: "Balance of a provider",
    chart.AccountCode.COMMISSION: "Commission earned",
    chart.AccountCode.SURCHARGE: "Surcharge earned",
    chart.AccountCode.COSTS: "Costs borne",
    chart.AccountCode.BANK: "Our own bank account",
    chart.AccountCode.PAYOUT: "A payout not sent yet",
    chart.AccountCode.CLEARING: "On its way at the bank",
}
_MONTH = re.compile(r"[2-9][0-9]{3}-(0[1-9]|1[0-2])")


class Asked(Struct, frozen=True, kw_only=True):
    """Which accounts: of a kind, and among providers or bookings of which status."""

    kind: AccountKind = AccountKind.PLATFORM
    status: Annotated[str, Meta(max_length=30)] = ""
    after: Annotated[str, Meta(max_length=700)] = ""


class AskedAccount(Struct, frozen=True, kw_only=True):
    """Whose statement, and of which month; only a summed account needs one."""

    id: Annotated[str, Meta(max_length=200)]
    month: Annotated[str, Meta(max_length=7)] = ""
    after: Annotated[str, Meta(max_length=700)] = ""


class AskedTransfer(Struct, frozen=True, kw_only=True):
    id: Annotated[str, Meta(max_length=200)]


@get("/console/ledger")
async def accounts(request: Visit) -> Answer:
    """Accounts of a kind with where they stand, and the latest verification."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    status = _status(asked)
    found = await _entries(request, asked, status)
    inspections = await request.market.inspections.latest(request.actor, limit=5)
    return at_desk.page(
        "ledger/accounts.html",
        kind=asked.kind,
        kinds=list(AccountKind),
        entries=found.entries,
        names=KINDS,
        statuses=_statuses(asked.kind),
        chosen=status,
        query={"kind": asked.kind, "status": status},
        after=asked.after,
        next_after=found.next or "",
        inspections=inspections,
        holds={each.inspection_id: holds(each) for each in inspections},
    )


@get("/console/ledger/account")
async def account(request: Visit) -> Answer:
    """The statement of one account, newest first."""
    asked = request.query_of(AskedAccount).asked
    at_desk = await desk(request)
    entry = await request.market.explorer.account(asked.id, request.actor)
    start_at, end_at = span_of(request, asked.month, entry.position.account)
    statement = await request.market.explorer.statement(
        asked.id,
        request.actor,
        start_at=start_at,
        end_at=end_at,
        after=Mark(asked.after) if asked.after else None,
        limit=PAGE,
    )
    month = start_at.strftime("%Y-%m") if start_at else ""
    return at_desk.page(
        "ledger/account.html",
        entry=entry,
        account=entry.position.account,
        balances=entry.position.balances,
        kind=KINDS.get(entry.position.account.code, ""),
        flags=_account_flags(entry.position.account),
        lines=statement.lines,
        names={int(code): title(code.name.title().replace("_", "")) for code in chart.TransferCode},
        month=month,
        months=_months(request, month) if entry.position.account.is_summed else (),
        query={"id": asked.id, "month": asked.month},
        after=asked.after,
        next_after=statement.next or "",
    )


@get("/console/ledger/transfer")
async def transfer(request: Visit) -> Answer:
    """One transfer with what belongs to it."""
    asked = request.query_of(AskedTransfer).asked
    at_desk = await desk(request)
    found = await request.market.explorer.transfer(asked.id, request.actor)
    made = found.transfer
    return at_desk.page(
        "ledger/transfer.html",
        found=found,
        made=made,
        name=_name(made),
        flags=_transfer_flags(made),
    )


async def _entries(request: Visit, asked: Asked, status: str) -> Entries:
    explorer, actor = request.market.explorer, request.actor
    if asked.kind is AccountKind.PROVIDERS:
        return await explorer.of_providers(ProviderStatus(status), actor, after=asked.after, limit=PAGE)
    if asked.kind is AccountKind.ESCROW:
        return await explorer.escrows(BookingStatus(status), actor, before=asked.after or None, limit=PAGE)
    return await explorer.platform(actor)


def _statuses(kind: AccountKind) -> list[str]:
    if kind is AccountKind.PROVIDERS:
        return [status.value for status in (ProviderStatus.ACTIVE, ProviderStatus.PAUSED, ProviderStatus.SUSPENDED)]
    return [status.value for status in HOLDING] if kind is AccountKind.ESCROW else []


def _status(asked: Asked) -> str:
    """The status asked for, if this kind of account has it, else its first."""
    known = _statuses(asked.kind)
    if asked.status and asked.status not in known:
        raise Invalid("Choose one of those offered.", field="status")
    return asked.status or next(iter(known), "")


def span_of(request: Visit, month: str, account: Account) -> tuple[datetime | None, datetime | None]:
    """The month asked for; of a summed account this one, if none is. Raises `Invalid`."""
    if not month:
        if not account.is_summed:
            return None, None
        month = f"{request.at:%Y-%m}"
    if not _MONTH.fullmatch(month):
        raise Invalid("A month is written like 2026-11.", field="month")
    start_at = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    return start_at, (start_at + timedelta(days=32)).replace(day=1)


def _months(request: Visit, chosen: str) -> list[str]:
    """This month and those before, a year in all, and the one that was asked for."""
    found: list[str] = []
    at = request.at.replace(day=1)
    for _ in range(12):
        found.append(f"{at:%Y-%m}")
        at = (at - timedelta(days=1)).replace(day=1)
    return sorted({*found, chosen}, reverse=True)


def _account_flags(account: Account) -> list[str]:
    said = {
        AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS: "Never pays out more than came in",
        AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS: "Never takes in more than went out",
        AccountFlag.HISTORY: "Keeps its history",
        AccountFlag.SUMMED: "Summed by the sequencer, a moment later",
    }
    return [words for flag, words in said.items() if account.flags & flag]


def _transfer_flags(made: Recorded) -> list[str]:
    said = {
        TransferFlag.LINKED: "linked",
        TransferFlag.PENDING: "pending",
        TransferFlag.POST: "post",
        TransferFlag.VOID: "void",
        TransferFlag.BALANCING: "balancing",
        TransferFlag.CLOSING: "closing",
    }
    return [words for flag, words in said.items() if made.flags & flag]


def _name(made: Recorded) -> str:
    known = {int(code): code.name for code in chart.TransferCode}
    name = known.get(made.code)
    return title(name.title().replace("_", "")) if name else f"Code {made.code}"
