"""The card port over payment intents, refunds and disputes. How the processor is called: `calls.py`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.stripe.amounts import must_be_payable, step, units
from ecosystem.adapters.outside.stripe.answers import (
    CHARGED,
    Belonging,
    Failure,
    Intent,
    Named,
    Refund,
    RefundList,
)
from ecosystem.adapters.outside.stripe.calls import API_VERSION, Calls
from ecosystem.adapters.outside.stripe.chargebacks import Chargebacks
from ecosystem.adapters.outside.stripe.listing import Page, query
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import (
    AmountUnfit,
    Element,
    ElementOrigins,
    Happened,
    Order,
    OrderRefused,
    Outcome,
    RefundOrder,
    RefundOutcome,
    RefundRefused,
    UnknownCard,
    UnknownIntent,
)
from ecosystem.ports.listing import Listed

log = logging.getLogger(__name__)

SCRIPTS = "https://js.stripe.com"
SCRIPT = f"{SCRIPTS}/{API_VERSION.partition('.')[2]}/stripe.js"
"""The processor's script of the pinned API's release. What pages have to allow it: docs.stripe.com/security/guide."""

EXPANDED = {"expand[0]": "latest_charge.balance_transaction"}
_NO_METHOD = frozenset({"payment_method_unexpected_state", "payment_method_customer_decline"})
_AMOUNT = frozenset({"amount_too_small", "amount_too_large", "invalid_charge_amount"})

_ID = re.compile(r"[A-Za-z0-9_]{1,200}")

T = TypeVar("T")


class _Event(Struct):
    id: str
    type: str
    created: int
    account: str | None = None

    def happened(self, body: bytes) -> Happened:
        at = datetime.fromtimestamp(self.created, UTC)
        return Happened(event_id=self.id, kind=self.type, at=at, account_id=self.account, body=body)


STRIPE_ELEMENT = ElementOrigins(
    scripts=(SCRIPTS, "https://*.js.stripe.com"),
    frames=(SCRIPTS, "https://*.js.stripe.com", "https://hooks.stripe.com"),
    calls=("https://api.stripe.com",),
)
"""What the script of Stripe itself loads, frames and calls."""


class _Events(Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


class StripeCards(Chargebacks):
    """The `Cards` port."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self._ask = calls.ask

    @property
    def element(self) -> Element:
        account = self._calls.account
        if account.browser_origin is None:
            return Element(
                publishable_key=account.publishable_key,
                origin=SCRIPTS,
                script_url=SCRIPT,
                origins=STRIPE_ELEMENT,
            )
        origin = account.browser_origin
        return Element(publishable_key=account.publishable_key, origin=origin, frame_url=f"{origin}/element")

    def payable(self, amount: Money) -> None:
        must_be_payable(amount)

    def step(self, currency: str) -> Money:
        return step(currency)

    async def authorize(self, order: Order) -> Outcome:
        must_be_payable(order.amount)
        if self._calls.may_be_forgotten(order.intended_at) and (known := await self._known(order.payment_id)):
            return known
        form = {
            "amount": str(units(order.amount)),
            "currency": order.amount.currency.lower(),
            "payment_method": order.card,
            "payment_method_types[0]": "card",
            "capture_method": order.capture.value,
            "confirm": "true",
            "return_url": order.return_url,
            "metadata[payment_id]": order.payment_id,
            "metadata[booking_id]": order.booking_id,
            "transfer_group": order.booking_id,
            **EXPANDED,
        }
        if order.description:
            form["description"] = order.description
        if order.customer_id:
            form["customer"] = order.customer_id
            if order.keep:
                form["setup_future_usage"] = "off_session"
            if order.off_session:
                form["off_session"] = "true"
        try:
            body, replayed = await self._ask("POST", "payment_intents", form, key=order.payment_id)
        except Failure as failure:
            return await self._not_authorized(failure)
        intent = CHARGED.decode(body)
        # What is replayed was true when it was first said.
        return await self.payment(intent.id) if replayed else intent.outcome()

    async def payment(self, intent_id: str) -> Outcome:
        try:
            body, _ = await self._ask("GET", f"payment_intents/{_named(intent_id)}", EXPANDED)
        except Failure as failure:
            raise _unknown(failure) from failure
        return CHARGED.decode(body).outcome()

    async def charged(self, charge_id: str) -> Outcome:
        charge = await self._read(f"charges/{_named(charge_id)}", {}, Belonging)
        if charge.payment_intent is None:
            raise UnknownIntent
        return await self.payment(charge.payment_intent)

    async def capture(self, intent_id: str, amount: Money | None = None) -> Outcome:
        form = dict(EXPANDED)
        if amount is not None:
            form["amount_to_capture"] = str(units(amount))
        key = f"{intent_id}:capture:{form.get('amount_to_capture', 'all')}"
        return await self._ended(intent_id, "capture", form, key)

    async def cancel(self, intent_id: str) -> Outcome:
        return await self._ended(intent_id, "cancel", dict(EXPANDED), f"{intent_id}:cancel")

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        if self._calls.may_be_forgotten(order.intended_at):
            made = [each for each in await self.refunds(order.intent_id) if each.refund_id == order.refund_id]
            if made:
                return made[0]
        form = {
            "payment_intent": order.intent_id,
            "amount": str(units(order.amount)),
            "metadata[refund_id]": order.refund_id,
            "metadata[payment_id]": order.payment_id,
            "metadata[booking_id]": order.booking_id,
        }
        try:
            body, replayed = await self._ask("POST", "refunds", form, key=order.refund_id)
        except Failure as failure:
            if failure.error.type == "idempotency_error":
                raise IdReused(field="refund_id") from failure
            raise RefundRefused(failure.error.message) from failure
        refund = msgspec.json.decode(body, type=Refund)
        return await self.refund_status(refund.id) if replayed else refund.outcome()

    async def refund_status(self, processor_id: str) -> RefundOutcome:
        return (await self._read(f"refunds/{_named(processor_id)}", {}, Refund)).outcome()

    async def refunds(self, intent_id: str) -> Sequence[RefundOutcome]:
        listed = await self._read("refunds", {"payment_intent": intent_id, "limit": "100"}, RefundList)
        return [refund.outcome() for refund in reversed(listed.data)]

    async def refunds_made(self, *, since: datetime | None = None, after: str | None = None) -> Listed[RefundOutcome]:
        return (await self._read("refunds", query(since=since, after=after), Page[Refund])).listed(Refund.outcome)

    async def payments(self, *, since: datetime | None = None, after: str | None = None) -> Listed[Outcome]:
        asked = {**query(since=since, after=after), "expand[0]": "data.latest_charge.balance_transaction"}
        return (await self._read("payment_intents", asked, Page[Intent])).listed(Intent.outcome)

    async def events(
        self, *, since: datetime | None = None, account_id: str | None = None, after: str | None = None
    ) -> Listed[Happened]:
        asked = query(since=since, after=after)
        try:
            body, _ = await self._ask("GET", "events", asked, account=account_id and _named(account_id))
        except Failure as failure:
            raise _unknown(failure) from failure
        listed = msgspec.json.decode(body, type=_Events)
        found = [(msgspec.json.decode(raw, type=_Event), bytes(raw)) for raw in listed.data]
        return Listed(
            items=tuple(event.happened(raw) for event, raw in found),
            after=found[-1][0].id if found and listed.has_more else None,
        )

    async def _known(self, payment_id: str) -> Outcome | None:
        """The payment that an order of ours was, if the processor ever heard of it."""
        asked = {"query": f"metadata['payment_id']:'{_named(payment_id)}'"}
        found = (await self._read("payment_intents/search", asked, Page[Named])).data
        return await self.payment(found[0].id) if found else None

    async def _ended(self, intent_id: str, act: str, form: Mapping[str, str], key: str) -> Outcome:
        """Capture or cancel, and how the payment stands afterwards, whoever ended it."""
        try:
            body, replayed = await self._ask("POST", f"payment_intents/{_named(intent_id)}/{act}", form, key=key)
        except Failure as failure:
            if failure.error.code == "payment_intent_unexpected_state":
                return await self.payment(intent_id)
            raise _unknown(failure) from failure
        return await self.payment(intent_id) if replayed else CHARGED.decode(body).outcome()

    async def _not_authorized(self, failure: Failure) -> Outcome:
        """The outcome that a card error carries; otherwise the refusal that the error stands for."""
        error = failure.error
        if error.type == "card_error" and error.payment_intent:
            declined = error.payment_intent
            return await self.payment(declined.id) if failure.replayed else declined.outcome()
        if error.type == "idempotency_error":
            raise IdReused(field="payment_id") from failure
        if error.code in _AMOUNT or error.param == "amount":
            raise AmountUnfit(error.message, field="amount") from failure
        if error.param == "payment_method" or error.code in _NO_METHOD or error.type == "card_error":
            raise UnknownCard(field="card") from failure
        log.error("The card processor refuses an order: %s", error.message)
        raise OrderRefused(error.message) from failure

    async def _read(self, path: str, query: Mapping[str, str], kind: type[T]) -> T:
        try:
            body, _ = await self._ask("GET", path, query)
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=kind)


def _unknown(failure: Failure) -> UnknownIntent | OrderRefused:
    if failure.status == 404 or failure.error.code == "resource_missing":
        return UnknownIntent()
    log.error("The card processor refuses a request: %s", failure.error.message)
    return OrderRefused(failure.error.message)


def _named(thing_id: str) -> str:
    """The id, as a part of an address. Raises `UnknownIntent` for what is no id: ids come from elsewhere."""
    if not _ID.fullmatch(thing_id):
        raise UnknownIntent
    return thing_id
