"""The port of saved cards over the card API's customers, payment methods and setup intents."""

from __future__ import annotations

import logging
import re

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.outside.stripe.answers import Action, Failure, Problem, decline_of
from ecosystem.adapters.outside.stripe.calls import Calls
from ecosystem.adapters.outside.stripe.listing import PAGE, Page
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import OrderRefused, UnknownCard, UnknownIntent
from ecosystem.ports.saved_cards import (
    SavedCard,
    SavingOrder,
    SavingOutcome,
    SavingStanding,
    UnknownCustomer,
    UnknownSavedCard,
)

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_]{1,200}")
_STANDINGS = {
    "requires_payment_method": SavingStanding.DECLINED,
    "requires_confirmation": SavingStanding.PROCESSING,
    "requires_action": SavingStanding.REQUIRES_ACTION,
    "processing": SavingStanding.PROCESSING,
    "succeeded": SavingStanding.KEPT,
    "canceled": SavingStanding.CANCELLED,
}


class _Card(Struct):
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None


class _Method(Struct):
    id: str
    card: _Card | None = None
    customer: str | None = None

    def saved(self) -> SavedCard | None:
        """The card as it is kept; None for what is no card, or nobody's."""
        if self.card is None or self.customer is None:
            return None
        return SavedCard(
            card_id=self.id,
            customer_id=self.customer,
            brand=self.card.brand,
            last4=self.card.last4,
            expires_month=self.card.exp_month,
            expires_year=self.card.exp_year,
            fingerprint=self.card.fingerprint or "",
        )


class _Customer(Struct):
    id: str


class SetupIntent(Struct):
    """A setup intent."""

    id: str
    status: str
    customer: str | None = None
    payment_method: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    next_action: Action | None = None
    last_setup_error: Problem | None = None

    def outcome(self) -> SavingOutcome:
        standing = _STANDINGS.get(self.status, SavingStanding.PROCESSING)
        redirect = self.next_action.redirect_to_url if self.next_action else None
        return SavingOutcome(
            processor_id=self.id,
            saving_id=self.metadata.get("saving_id", ""),
            customer_id=self.customer or "",
            standing=standing,
            card_id=self.payment_method if standing is SavingStanding.KEPT else None,
            challenge_url=redirect.url if redirect and standing is SavingStanding.REQUIRES_ACTION else None,
            decline=decline_of(self.last_setup_error) if standing is SavingStanding.DECLINED else None,
        )


class StripeSavedCards:
    """The `SavedCards` port."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def customer(self, person_id: str) -> str:
        form = {"metadata[person_id]": person_id}
        try:
            body, _ = await self._calls.ask("POST", "customers", form, key=f"{person_id}:customer")
        except Failure as failure:
            log.error("The card processor makes no customer: %s", failure.error.message)  # noqa: TRY400 — told
            raise OrderRefused(failure.error.message) from failure
        return msgspec.json.decode(body, type=_Customer).id

    async def save(self, order: SavingOrder) -> SavingOutcome:
        form = {
            "customer": order.customer_id,
            "payment_method": order.card,
            "payment_method_types[0]": "card",
            "usage": "off_session",
            "confirm": "true",
            "return_url": order.return_url,
            "metadata[saving_id]": order.saving_id,
        }
        try:
            body, replayed = await self._calls.ask("POST", "setup_intents", form, key=f"{order.saving_id}:saving")
        except Failure as failure:
            return await self._not_saved(failure)
        made = msgspec.json.decode(body, type=SetupIntent)
        # What is replayed was true when it was first said.
        return await self.saving(made.id) if replayed else made.outcome()

    async def saving(self, processor_id: str) -> SavingOutcome:
        if not _ID.fullmatch(processor_id):
            raise UnknownIntent
        try:
            body, _ = await self._calls.ask("GET", f"setup_intents/{processor_id}", {})
        except Failure as failure:
            raise UnknownIntent from failure
        return msgspec.json.decode(body, type=SetupIntent).outcome()

    async def cards(self, customer_id: str) -> tuple[SavedCard, ...]:
        if not _ID.fullmatch(customer_id):
            raise UnknownCustomer
        path = f"customers/{customer_id}/payment_methods"
        try:
            body, _ = await self._calls.ask("GET", path, {"type": "card", "limit": str(PAGE)})
        except Failure as failure:
            raise UnknownCustomer from failure
        methods = msgspec.json.decode(body, type=Page[_Method]).data
        return tuple(saved for each in methods if (saved := each.saved()))

    async def card(self, card_id: str) -> SavedCard:
        if not _ID.fullmatch(card_id):
            raise UnknownSavedCard
        try:
            body, _ = await self._calls.ask("GET", f"payment_methods/{card_id}", {})
        except Failure as failure:
            raise UnknownSavedCard from failure
        saved = msgspec.json.decode(body, type=_Method).saved()
        if saved is None:
            raise UnknownSavedCard
        return saved

    async def forget(self, card_id: str) -> None:
        if not _ID.fullmatch(card_id):
            return
        try:
            await self._calls.ask("POST", f"payment_methods/{card_id}/detach", {}, key=f"{card_id}:detach")
        except Failure as failure:
            # Nobody keeps it: that is what was wanted.
            log.info("The card processor did not let go of a card: %s", failure.error.code)

    async def _not_saved(self, failure: Failure) -> SavingOutcome:
        error = failure.error
        if error.type == "card_error" and error.setup_intent:
            declined = error.setup_intent
            return await self.saving(declined.id)
        if error.type == "idempotency_error":
            raise IdReused(field="saving_id") from failure
        if error.param == "customer":
            raise UnknownCustomer(field="customer_id") from failure
        raise UnknownCard(field="card") from failure
