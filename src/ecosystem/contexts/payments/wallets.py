"""Wallets: which cards a person keeps at the card processor to pay with again.

The cards themselves are the processor's. Here is what may be shown of them, since when they are kept, and with which
consent. A wallet begins when its person first wants a card kept: the processor then has a customer by their id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.events import CardForgotten, CardKept
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.saved_cards import SavedCard
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table, Write

CARDS_MAX = 10

CONSENT = (
    "Our card processor keeps the card; we keep its brand, last four digits and expiry. It is charged only when you"
    " choose it for a payment, or for a subscription that you take out with it. You can remove it at any time."
)
"""What somebody agrees to who has a card kept."""


class NoSuchSavedCard(NotFound):
    """You do not keep such a card, or no longer."""


class OnlyOwnCards(Denied):
    """Only who owns a card may keep it, or pay with it when it is kept: sign in yourself."""


class TooManySavedCards(Conflict):
    """You keep ten cards already. Remove one first."""


class WalletChanged(Stale):
    """The wallet changed meanwhile."""


class KeptCard(Struct, frozen=True, kw_only=True):
    """A card in a wallet, good until the end of its month. `consent` is what its owner agreed to."""

    card_id: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int
    kept_at: datetime
    consent: str
    fingerprint: str = ""

    def expired(self, at: datetime) -> bool:
        """Whether its month is over."""
        return (self.expires_year, self.expires_month) < (at.year, at.month)


class Wallet(Stored, frozen=True, kw_only=True):
    """One person's cards, those kept last first. `customer_id` is who they are at the processor."""

    entity: ClassVar[str] = "wallet"

    person_id: str
    customer_id: str
    cards: tuple[KeptCard, ...] = ()

    def card(self, card_id: str) -> KeptCard:
        """The card of that id. Raises `NoSuchSavedCard`."""
        found = next((card for card in self.cards if card.card_id == card_id), None)
        if found is None:
            raise NoSuchSavedCard(field="card")
        return found


def must_be_own(actor: Actor) -> None:
    """Pass for a person acting by themselves. Guests keep nothing, and an operator acts with nobody's cards.

    Raises `OnlyOwnCards`.
    """
    if not actor.actor_id.startswith("usr_") or actor.impersonator:
        raise OnlyOwnCards


def keep_card(wallet: Wallet, card: SavedCard, at: datetime) -> Wallet:
    """The wallet with the card; the very same value when it has it. The same number kept before gives way.

    Raises `TooManySavedCards`.
    """
    if any(kept.card_id == card.card_id for kept in wallet.cards):
        return wallet
    others = [kept for kept in wallet.cards if not kept.fingerprint or kept.fingerprint != card.fingerprint]
    if len(others) >= CARDS_MAX:
        raise TooManySavedCards
    kept = KeptCard(
        card_id=card.card_id,
        brand=card.brand,
        last4=card.last4,
        expires_month=card.expires_month,
        expires_year=card.expires_year,
        kept_at=at,
        consent=CONSENT,
        fingerprint=card.fingerprint,
    )
    return replace(wallet, cards=(kept, *others))


def forget_card(wallet: Wallet, card_id: str) -> Wallet:
    """The wallet without the card. Raises `NoSuchSavedCard`."""
    gone = wallet.card(card_id)
    return replace(wallet, cards=tuple(kept for kept in wallet.cards if kept is not gone))


def reread(wallet: Wallet, cards: tuple[SavedCard, ...]) -> Wallet:
    """The wallet as the processor knows its cards now: renewed dates and digits, and without what it keeps no more."""
    known = {card.card_id: card for card in cards}
    return replace(
        wallet,
        cards=tuple(
            replace(
                kept,
                last4=card.last4,
                brand=card.brand,
                expires_month=card.expires_month,
                expires_year=card.expires_year,
            )
            for kept in wallet.cards
            if (card := known.get(kept.card_id))
        ),
    )


def wallet_made(wallet: Wallet) -> list[Write]:
    """The writes of a new wallet. `WalletChanged` when the person has one: then load it."""
    return [Put(key=keys.wallet(wallet.person_id), value=wallet, expected=ABSENT, otherwise=WalletChanged())]


def wallet_becomes(row: Row[Wallet], after: Wallet, actor: Actor, at: datetime) -> list[Write]:
    """The writes of its change, with an event for each card that came or went; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    had, has = ({card.card_id: card for card in wallet.cards} for wallet in (before, after))
    put = Put(key=row.key, value=after, expected=row.unchanged, otherwise=WalletChanged())
    return [
        put,
        *(
            announce(
                kind(person_id=after.person_id, card_id=card_id, last4=card.last4),
                aggregate=keys.card_timeline(card_id),
                sequence=1 if kind is CardKept else 2,
                actor=actor,
                at=at,
                previous=None if kind is CardKept else {"kept": True},
            )
            for kind, cards, others in ((CardKept, has, had), (CardForgotten, had, has))
            for card_id, card in cards.items()
            if card_id not in others
        ),
    ]


@dataclass(frozen=True, slots=True)
class Wallets:
    """Finds wallets. What changes them is decided above and committed by journeys."""

    table: Table

    async def of(self, person_id: str) -> Row[Wallet] | None:
        """The person's wallet, if they ever had a card kept."""
        return await self.table.get(keys.wallet(person_id), Wallet)
