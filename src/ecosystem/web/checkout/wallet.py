"""The visitor's kept cards at the checkout: which may be chosen, and whether another may be kept."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ecosystem.contexts.payments import CARDS_MAX, CONSENT, KeptCard
from ecosystem.ports.cards import ShownCard
from ecosystem.web.bookings.cards import brand
from ecosystem.web.checkout.desk import Desk
from ecosystem.web.visit import Visit


class DrawnCard(Struct, frozen=True, kw_only=True):
    """A kept card as pages show it: `Visa •••• 4242`, good until `12/34`."""

    card_id: str
    name: str
    until: str
    kept: KeptCard


def drawn_card(card: KeptCard) -> DrawnCard:
    """The card as pages show it."""
    name = f"{brand(ShownCard(brand=card.brand, last4=card.last4))} •••• {card.last4}"
    until = f"{card.expires_month:02d}/{card.expires_year % 100:02d}"
    return DrawnCard(card_id=card.card_id, name=name, until=until, kept=card)


class Choices(Struct, frozen=True, kw_only=True):
    """`cards` may pay; `may_keep` tells whether the visitor is offered to have a new one kept."""

    cards: tuple[KeptCard, ...] = ()
    may_keep: bool = False

    def values(self, declined: str) -> dict[str, Any]:
        """What the page is drawn from. The card that was kept last is chosen, unless it has just been declined."""
        chosen = next((card.card_id for card in self.cards if card.card_id != declined), "")
        return {
            "saved_cards": [drawn_card(card) for card in self.cards],
            "saved_chosen": chosen,
            "may_keep": self.may_keep,
            "consent": CONSENT,
        }


async def wallet_of(request: Visit, at: Desk) -> Choices:
    """What the visitor may choose from. Guests keep no cards, and who acts as somebody else pays with none of theirs."""
    if at.actor.is_guest or at.actor.impersonator:
        return Choices()
    wallet = await request.market.card_keeping.wallet(at.actor)
    kept = wallet.cards if wallet else ()
    usable = tuple(card for card in kept if not card.expired(at.at))
    return Choices(cards=usable, may_keep=len(kept) < CARDS_MAX)
