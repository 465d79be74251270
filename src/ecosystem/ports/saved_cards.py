"""Cards that customers keep at the processor to pay with again, and the customers there who own them.

A customer at the processor is made under an id of ours and knows no more of the person than that id. A card is kept
with the customer's consent: while it pays (`Order.keep`), or by itself, by a `SavingOrder`. The processor may ask the
customer's bank for it, as for a payment. What may be shown of a card comes back; its number never passes here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.cards import Decline


class UnknownCustomer(NotFound):
    """The card processor knows no such customer."""


class UnknownSavedCard(NotFound):
    """That card is not kept, or no longer."""


class SavedCard(Struct, frozen=True, kw_only=True):
    """A card that is kept. It is good until the end of `expires_month` of `expires_year`.

    `fingerprint` is the same for the same card number, whoever keeps it; it tells doubles.
    """

    card_id: str
    customer_id: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int
    fingerprint: str = ""


class SavingOrder(Struct, frozen=True, kw_only=True):
    """A card that is to be kept without paying now. `saving_id` is ours and the idempotency key.

    `card` is the id that the processor's element handed out, `return_url` where the browser comes back after a
    challenge that took the whole page.
    """

    saving_id: str
    customer_id: str
    card: str
    return_url: str


class SavingStanding(StrEnum):
    """How the saving of a card stands: kept, waiting for a challenge, under way, declined by the bank, or given up."""

    KEPT = "kept"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class SavingOutcome(Struct, frozen=True, kw_only=True):
    """The saving of a card as the processor knows it now. `challenge_url` is set while a challenge has to be passed."""

    processor_id: str
    saving_id: str
    customer_id: str
    standing: SavingStanding
    card_id: str | None = None
    challenge_url: str | None = None
    decline: Decline | None = None


class SavedCards(Protocol):
    async def customer(self, person_id: str) -> str:
        """The processor's id of the customer who that person is, made the first time. Raises `ProcessorSilent`."""
        ...

    async def save(self, order: SavingOrder) -> SavingOutcome:
        """Keep a card for payments later, on or off the page, or answer how the same order stands now.

        Another order under that id raises `IdReused`. Raises `UnknownCustomer`, `UnknownCard`, `ProcessorSilent`.
        """
        ...

    async def saving(self, processor_id: str) -> SavingOutcome:
        """How the saving stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def cards(self, customer_id: str) -> tuple[SavedCard, ...]:
        """The cards that the customer keeps, newest first (100 at most). Raises `UnknownCustomer`, `ProcessorSilent`."""
        ...

    async def card(self, card_id: str) -> SavedCard:
        """A card that somebody keeps. Raises `UnknownSavedCard`, `ProcessorSilent`."""
        ...

    async def forget(self, card_id: str) -> None:
        """Keep the card no longer; one that is not kept is passed over. Raises `ProcessorSilent`."""
        ...
