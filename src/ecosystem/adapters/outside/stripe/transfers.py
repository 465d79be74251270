"""The port of transfers, payouts and balances over the card API. How it is called: `calls.py`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from ecosystem.adapters.outside.stripe.amounts import units
from ecosystem.adapters.outside.stripe.answers import Failure
from ecosystem.adapters.outside.stripe.balances import Entry, Held
from ecosystem.adapters.outside.stripe.calls import Calls
from ecosystem.adapters.outside.stripe.listing import PAGE, Page, query
from ecosystem.adapters.outside.stripe.payouts import Payout, Reversal, Toppedup, Transfer
from ecosystem.kernel.refusals import IdReused, Refusal
from ecosystem.ports.accounts import UnknownAccount
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.ports.listing import Listed
from ecosystem.ports.transfers import (
    Balance,
    BalanceEntry,
    BalanceTooLow,
    BankAccountUnusable,
    DestinationUnfit,
    InstantRefused,
    PayoutOrder,
    PayoutOutcome,
    PayoutRefused,
    ReversalOrder,
    ReversalOutcome,
    ReversalRefused,
    Speed,
    TooLate,
    TopUp,
    TransferOrder,
    TransferOutcome,
    TransferRefused,
    UnknownPayout,
    UnknownTransfer,
)

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_]{1,200}")
_WITH_BANK = {"expand[0]": "destination", "expand[1]": "balance_transaction"}
_LIST_WITH_BANK = {"expand[0]": "data.destination", "expand[1]": "data.balance_transaction"}
PAGES_MAX = 20
_TOO_LOW = frozenset({"balance_insufficient", "insufficient_funds"})
_DESTINATION = frozenset({"account_invalid", "insufficient_capabilities_for_transfer", "transfers_not_allowed"})

T = TypeVar("T")


class StripeTransfers:
    """The `Transfers` port."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        if self._calls.may_be_forgotten(order.intended_at):
            made = (
                await self.transfers(since=self._calls.looked_for_since(order.intended_at), group=order.group)
            ).items
            if known := next((each for each in made if each.transfer_id == order.transfer_id), None):
                return known
        form = {
            "amount": str(units(order.amount)),
            "currency": order.amount.currency.lower(),
            "destination": order.account_id,
            "transfer_group": order.group,
            "metadata[transfer_id]": order.transfer_id,
        }
        if order.source_charge:
            form["source_transaction"] = order.source_charge
        if order.description:
            form["description"] = order.description
        try:
            body, replayed = await self._calls.ask("POST", "transfers", form, key=f"{order.transfer_id}:transfer")
        except Failure as failure:
            raise _not_transferred(failure) from failure
        made = msgspec.json.decode(body, type=Transfer)
        # What is replayed was true when it was first said.
        return await self.transfer_status(made.id) if replayed else made.outcome()

    async def transfer_status(self, processor_id: str) -> TransferOutcome:
        return (await self._transfer_read(f"transfers/{_named(processor_id, UnknownTransfer)}", {}, Transfer)).outcome()

    async def transfers(
        self, *, since: datetime | None = None, group: str = "", after: str | None = None
    ) -> Listed[TransferOutcome]:
        asked = query(since=since, after=after, transfer_group=group)
        return (await self._transfer_read("transfers", asked, Page[Transfer])).listed(Transfer.outcome)

    async def reverse(self, order: ReversalOrder) -> ReversalOutcome:
        path = f"transfers/{_named(order.processor_id, UnknownTransfer)}/reversals"
        if self._calls.may_be_forgotten(order.intended_at):
            made = await self.reversals(order.processor_id)
            if known := next((each for each in made if each.reversal_id == order.reversal_id), None):
                return known
        form = {"amount": str(units(order.amount)), "metadata[reversal_id]": order.reversal_id}
        try:
            body, _ = await self._calls.ask("POST", path, form, key=f"{order.reversal_id}:reversal")
        except Failure as failure:
            raise _not_reversed(failure) from failure
        # A reversal never changes, so what is replayed is as true as it was.
        return msgspec.json.decode(body, type=Reversal).outcome()

    async def reversals(self, processor_id: str) -> tuple[ReversalOutcome, ...]:
        path = f"transfers/{_named(processor_id, UnknownTransfer)}/reversals"
        page = await self._transfer_read(path, {"limit": str(PAGE)}, Page[Reversal])
        return tuple(each.outcome() for each in reversed(page.data))

    async def pay_out(self, order: PayoutOrder) -> PayoutOutcome:
        form = {
            "amount": str(units(order.amount)),
            "currency": order.amount.currency.lower(),
            "method": order.speed.value,
            "metadata[payout_id]": order.payout_id,
            **_WITH_BANK,
        }
        if order.descriptor:
            form["statement_descriptor"] = order.descriptor
        account = _account(order.account_id)
        if self._calls.may_be_forgotten(order.intended_at) and (known := await self._known(order)):
            return known
        try:
            body, replayed = await self._calls.ask(
                "POST", "payouts", form, key=f"{order.payout_id}:payout", account=account
            )
        except Failure as failure:
            raise _not_paid_out(failure, order.speed) from failure
        made = msgspec.json.decode(body, type=Payout)
        return await self.payout_status(made.id, account) if replayed else made.outcome(account)

    async def payout_status(self, processor_id: str, account_id: str | None) -> PayoutOutcome:
        path, account = f"payouts/{_named(processor_id, UnknownPayout)}", _account(account_id)
        return (await self._account_read(path, _WITH_BANK, account, Payout)).outcome(account)

    async def cancel_payout(self, processor_id: str, account_id: str | None) -> PayoutOutcome:
        path, account = f"payouts/{_named(processor_id, UnknownPayout)}/cancel", _account(account_id)
        try:
            body, replayed = await self._calls.ask(
                "POST", path, _WITH_BANK, key=f"{processor_id}:cancel", account=account
            )
        except Failure as failure:
            if failure.status == 404 or failure.error.code == "account_invalid":
                raise _unknown(failure) from failure
            now = await self.payout_status(processor_id, account)
            if now.standing == "cancelled":
                return now
            raise TooLate from failure
        now = msgspec.json.decode(body, type=Payout)
        return await self.payout_status(processor_id, account) if replayed else now.outcome(account)

    async def payouts(
        self, account_id: str | None, *, since: datetime | None = None, after: str | None = None
    ) -> Listed[PayoutOutcome]:
        account = _account(account_id)
        asked = {**query(since=since, after=after), **_LIST_WITH_BANK}
        page = await self._account_read("payouts", asked, account, Page[Payout])
        return page.listed(lambda each: each.outcome(account))

    async def top_up(self, processor_id: str) -> TopUp:
        path = f"topups/{_named(processor_id, UnknownTransfer)}"
        return (await self._transfer_read(path, {}, Toppedup)).outcome()

    async def top_ups(self, *, since: datetime | None = None, after: str | None = None) -> Listed[TopUp]:
        page = await self._transfer_read("topups", query(since=since, after=after), Page[Toppedup])
        return page.listed(Toppedup.outcome)

    async def balance(self, account_id: str | None) -> Balance:
        account = _account(account_id)
        return (await self._account_read("balance", {}, account, Held)).balance(account)

    async def balance_entries(
        self,
        account_id: str | None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        payout: str | None = None,
        after: str | None = None,
    ) -> Listed[BalanceEntry]:
        asked = query(since=since, until=until, after=after, payout=payout)
        page = await self._account_read("balance_transactions", asked, _account(account_id), Page[Entry])
        return page.listed(Entry.entry)

    async def _known(self, order: PayoutOrder) -> PayoutOutcome | None:
        """The payout that an order was, if the processor ever heard of it."""
        since, after = self._calls.looked_for_since(order.intended_at), None
        for _ in range(PAGES_MAX):
            page = await self.payouts(order.account_id, since=since, after=after)
            if known := next((each for each in page.items if each.payout_id == order.payout_id), None):
                return known
            after = page.after
            if after is None:
                return None
        raise ProcessorSilent(f"More payouts than can be looked through: is {order.payout_id} one of them?")

    async def _transfer_read(self, path: str, asked: Mapping[str, str], kind: type[T]) -> T:
        try:
            body, _ = await self._calls.ask("GET", path, asked)
        except Failure as failure:
            if failure.status == 404 or failure.error.code == "resource_missing":
                raise UnknownTransfer from failure
            raise _told(TransferRefused, failure) from failure
        return msgspec.json.decode(body, type=kind)

    async def _account_read(self, path: str, asked: Mapping[str, str], account: str | None, kind: type[T]) -> T:
        try:
            body, _ = await self._calls.ask("GET", path, asked, account=account)
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=kind)


def _not_transferred(failure: Failure) -> Refusal:
    error = failure.error
    if error.type == "idempotency_error":
        return IdReused(field="transfer_id")
    if error.code in _TOO_LOW:
        return BalanceTooLow()
    if error.code in _DESTINATION or error.param == "destination":
        return _told(DestinationUnfit, failure)
    return _told(TransferRefused, failure)


def _not_reversed(failure: Failure) -> Refusal:
    error = failure.error
    if error.type == "idempotency_error":
        return IdReused(field="reversal_id")
    if error.code in _TOO_LOW:
        return BalanceTooLow()
    if failure.status == 404:
        return UnknownTransfer()
    return _told(ReversalRefused, failure)


def _not_paid_out(failure: Failure, speed: Speed) -> Refusal:
    error = failure.error
    if error.type == "idempotency_error":
        return IdReused(field="payout_id")
    if error.code in _TOO_LOW:
        return BalanceTooLow()
    if error.code == "account_invalid":
        return UnknownAccount()
    if error.code == "bank_account_unusable":
        return _told(BankAccountUnusable, failure)
    at_once = (error.code or "").startswith("instant_payouts_") or error.param == "method"
    return _told(InstantRefused if at_once and speed is Speed.INSTANT else PayoutRefused, failure)


def _unknown(failure: Failure) -> Refusal:
    if failure.error.code == "account_invalid":
        return UnknownAccount()
    if failure.status == 404 or failure.error.code == "resource_missing":
        return UnknownPayout()
    return _told(PayoutRefused, failure)


def _told(kind: type[Refusal], failure: Failure) -> Refusal:
    log.error("The payment processor refuses a request: %s", failure.error.message)
    return kind(failure.error.message)


def _named(thing_id: str, unknown: type[Refusal]) -> str:
    """The id, as a part of an address. Raises for what is no id: ids come from elsewhere."""
    if not _ID.fullmatch(thing_id):
        raise unknown
    return thing_id


def _account(account_id: str | None) -> str | None:
    if account_id is not None and not _ID.fullmatch(account_id):
        raise UnknownAccount
    return account_id
