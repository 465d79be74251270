"""Payouts as operators see them: all of a month, one with its acts, the rules, and our own money's way to the bank."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import ProviderUnknown
from ecosystem.contexts.ledger import Recorded
from ecosystem.contexts.payouts import (
    WITHDRAWAL_PREFIX,
    Filling,
    PayoutRules,
    PayoutStatus,
    Rail,
    Reserve,
    Withdraw,
    WithdrawalStatus,
)
from ecosystem.journeys.ach_causes import CURRENCY
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money, decimal_text
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Cursor
from ecosystem.ports.transfers import Balance
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.provider.payouts.forms import typed
from ecosystem.web.provider.payouts.page import STATUSES as _STATUSES
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/console/payouts"
PER_PAGE = 50
STATUSES = _STATUSES | {PayoutStatus.RETURNED: ("Sent back", "bad")}
RAILS = {Rail.STRIPE: "Card processor", Rail.ACH: "Bank file"}

MOVES = {
    "intended": ("Off the balance", "On the balance again"),
    "sent": ("Sent", "Back from where it was sent"),
    "fee": ("The price for speed", "The price for speed, back"),
    "settled": ("Settled at the bank", "Back from the bank"),
}
"""What a transfer of a payout is, and what its reversal is, by the end of its id."""
ACCOUNTS = {
    "provider": "Their balance",
    "payout": "This payout",
    "processor": "Card processor",
    "clearing": "Clearing",
    "bank": "Our bank",
    "costs": "Our costs",
}
WITHDRAWN = {
    WithdrawalStatus.INTENDED: "Asked for",
    WithdrawalStatus.IN_TRANSIT: "On its way",
    WithdrawalStatus.ARRIVED: "Arrived",
    WithdrawalStatus.FAILED: "Failed",
}


class Asked(Struct, kw_only=True):
    month: Annotated[
        str, Meta(pattern=r"^([2-9]\d{3}-(0[1-9]|1[0-2]))?$", description="A month is such as 2026-11.")
    ] = ""
    after: Annotated[str, Meta(max_length=400)] = ""


class Keeping(Struct, frozen=True, kw_only=True):
    """What is kept back from those who are new. `version` is that of the rules the operator saw."""

    share_percent: Annotated[int, Meta(ge=0, le=100)]
    days: Annotated[int, Meta(ge=0, le=365)]
    new_for_days: Annotated[int, Meta(ge=0, le=3_650)]
    version: int


class Leaving(Struct, frozen=True, kw_only=True):
    """Our own money, to the bank."""

    withdrawal_id: Id
    amount: Annotated[str, Meta(max_length=24)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="That is not a currency.")]


class Filled(Struct, frozen=True, kw_only=True):
    """How our bank account is filled by itself; `version` is that of the rules the operator saw."""

    is_on: bool = False
    least: Annotated[str, Meta(max_length=24)] = ""
    left: Annotated[str, Meta(max_length=24)] = ""
    version: int

    def filling(self) -> Filling | None:
        """Raises `Invalid`, naming the amount."""
        if not self.is_on:
            return None
        least, left = typed(self.least or "0", CURRENCY, "least"), typed(self.left or "0", CURRENCY, "left")
        return Filling(least=least, left=left)


class Moved(Struct, frozen=True, kw_only=True):
    """A transfer of a payout, in words."""

    what: str
    amount: Money
    transfer: Recorded


class Why(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=500)] = ""


@get(PATH)
async def listed(request: Visit) -> Answer:
    """The payouts of a month, newest first, with what the rules say and what there is to pay from."""
    return await _listed(request)


@post(f"{PATH}/rules")
async def keep(request: Visit) -> Answer:
    """Other rules from now on."""
    form = await request.form_of(Keeping)
    try:
        asked = form.asked
        rules = await request.market.payout_rules.current()
        reserve = Reserve(share_bps=asked.share_percent * 100, days=asked.days)
        after = replace(rules, reserve=reserve, new_for_days=asked.new_for_days, version=asked.version)
        await request.market.payout_rules.set(after, request.actor)
    except Refusal as no:
        return await _listed(request, keeping=form.refused(no))
    return request.redirect(PATH, toast=Toast(text="These rules hold for payouts from now on."))


@post(f"{PATH}/withdraw")
async def withdraw(request: Visit) -> Answer:
    """Have our own money paid to our bank account."""
    form = await request.form_of(Leaving)
    try:
        asked = form.asked
        amount = typed(asked.amount, asked.currency, "amount")
        made = await request.market.withdrawing.withdraw(
            Withdraw(withdrawal_id=asked.withdrawal_id, amount=amount), request.actor
        )
    except Refusal as no:
        return await _listed(request, leaving=form.refused(no))
    failed = made.reason if made.status == "failed" else ""
    return request.redirect(PATH, toast=Toast(text=failed or "It is on its way to our bank."))


@post(f"{PATH}/filling")
async def fill(request: Visit) -> Answer:
    """Have our bank account filled by itself from now on, or no longer."""
    form = await request.form_of(Filled)
    try:
        asked = form.asked
        rules = await request.market.payout_rules.current()
        after = replace(rules, filling=asked.filling(), version=asked.version)
        await request.market.payout_rules.set(after, request.actor)
    except Refusal as no:
        return await _listed(request, filled=form.refused(no))
    said = "Our bank account is filled by itself from now on." if after.filling else "It is filled by hand from now on."
    return request.redirect(PATH, toast=Toast(text=said))


@get(f"{PATH}/{{payout_id:str}}")
async def one(request: Visit, payout_id: FromPath[str]) -> Answer:
    """One payout with what it moved, and what its provider's payouts stand at."""
    at_desk = await desk(request)
    payout = await request.market.paying_out.payout(payout_id, request.actor)
    moved = await request.market.oversight.transfers(payout_id, request.actor)
    outlook = await request.market.paying_out.outlooks.of(payout.provider_id, request.actor)
    return at_desk.page(
        "payouts/one.html",
        payout=payout,
        moved=[_moved(each) for each in moved],
        accounts=ACCOUNTS,
        rails=RAILS,
        outlook=outlook,
        statuses=STATUSES,
    )


@post(f"{PATH}/{{payout_id:str}}/cancel")
async def cancel(request: Visit, payout_id: FromPath[str]) -> Answer:
    """Call it off while nobody has begun to send it."""
    try:
        await request.market.paying_out.cancel(payout_id, request.actor)
    except Refusal as no:
        return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text=no.message, tone="bad"))
    return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text="Called off. The money is on the balance again."))


@post(f"{PATH}/{{payout_id:str}}/pause")
async def pause(request: Visit, payout_id: FromPath[str]) -> Answer:
    """Pay this provider nothing more for now."""
    payout = await request.market.paying_out.payout(payout_id, request.actor)
    form = await request.form_of(Why)
    try:
        await request.market.payout_settings.pause(payout.provider_id, form.asked.reason, request.actor)
    except Refusal as no:
        return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text=no.message, tone="bad"))
    return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text="Paused; the provider is told why."))


@post(f"{PATH}/{{payout_id:str}}/resume")
async def resume(request: Visit, payout_id: FromPath[str]) -> Answer:
    """Let this provider's payouts go out again."""
    payout = await request.market.paying_out.payout(payout_id, request.actor)
    try:
        await request.market.payout_settings.resume(payout.provider_id, request.actor)
    except Refusal as no:
        return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text=no.message, tone="bad"))
    return request.redirect(f"{PATH}/{payout_id}", toast=Toast(text="Payouts go out again."))


async def _listed(
    request: Visit,
    *,
    keeping: Form[Keeping] | None = None,
    leaving: Form[Leaving] | None = None,
    filled: Form[Filled] | None = None,
) -> Answer:
    at_desk, market = await desk(request), request.market
    asked = request.query_of(Asked).asked if request.method == "GET" else Asked()
    at = datetime.strptime(asked.month, "%Y-%m").replace(tzinfo=UTC) if asked.month else request.at
    page = await market.payouts.in_month(
        at, request.actor, after=Cursor(asked.after) if asked.after else None, limit=PER_PAGE
    )
    rules = await market.payout_rules.current()
    refused = (keeping and keeping.refusal) or (leaving and leaving.refusal) or (filled and filled.refusal)
    return at_desk.page(
        "payouts/list.html",
        status=status_of(refused) if refused else 200,
        payouts=page.values,
        open_now=[each for each in page.values if each.is_open],
        gone_wrong=[each for each in page.values if each.status in {PayoutStatus.FAILED, PayoutStatus.RETURNED}],
        statuses=STATUSES,
        names=await _names(request, {each.provider_id for each in page.values}),
        rails=RAILS,
        month=f"{at:%Y-%m}",
        month_name=f"{at:%B}",
        year=at.year,
        after=asked.after,
        next_after=page.next,
        rules=rules,
        keeping=keeping
        or forms.blank(
            Keeping,
            share_percent=rules.reserve.share_bps // 100,
            days=rules.reserve.days,
            new_for_days=rules.new_for_days,
            version=rules.version,
        ),
        leaving=leaving
        or forms.blank(
            Leaving,
            withdrawal_id=mint(WITHDRAWAL_PREFIX, request.at, market.ports.entropy),
            amount="",
            currency=request.kit.site.currency,
        ),
        filled=filled or _filled(rules),
        fills_in=CURRENCY,
        leaving_words=WITHDRAWN,
        withdrawals=(await market.withdrawing.book.latest(request.actor, limit=6)).values,
        balance=await _balance(request),
        funds_text=_signed,
    )


def _filled(rules: PayoutRules) -> Form[Filled]:
    filling = rules.filling
    return forms.blank(
        Filled,
        is_on=1 if filling else "",
        least=decimal_text(filling.least) if filling else "",
        left=decimal_text(filling.left) if filling else "",
        version=rules.version,
    )


def _moved(transfer: Recorded) -> Moved:
    line = transfer.transfer_id.removeprefix(f"{transfer.reference}.")
    there, back = MOVES.get(line.removesuffix(".back"), ("A fee that was kept", "A fee that was kept, back"))
    what = back if line.endswith(".back") else there
    return Moved(what=what, amount=Money(transfer.amount, transfer.ledger), transfer=transfer)


async def _names(request: Visit, provider_ids: Iterable[str]) -> dict[str, str]:
    """How these providers are called; empty for one that there is no more."""
    found: dict[str, str] = {}
    for provider_id in provider_ids:
        try:
            found[provider_id] = (await request.market.providers.load(provider_id)).value.name
        except ProviderUnknown:
            found[provider_id] = ""
    return found


def _signed(units: int, currency: str) -> str:
    said = money_text(Money(abs(units), currency))
    return f"\N{MINUS SIGN}{said}" if units < 0 else said


async def _balance(request: Visit) -> Balance | None:
    """What our balance at the processor holds; None while it is silent."""
    try:
        return await request.market.withdrawing.balance(request.actor)
    except Unavailable:
        return None
