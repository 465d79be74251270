"""Cards that are kept: with whom at the processor, from a payment that had one kept, until it is forgotten.

    pay             commit: the payment, with the wish to keep its card
    it succeeds     commit: the payment, and `CardOffered`
    keep            call:   what the card is, asked of the processor, which keeps it since the payment
                    commit: the wallet, and `CardKept`
    forget          commit: the wallet without it, and `CardForgotten`
    let_go          call:   the processor forgets it

`keep` and `let_go` are reactions: they come again until they have succeeded.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass

from ecosystem.contexts import payments as paying
from ecosystem.contexts.payments import NoSuchSavedCard, Payments, TooManySavedCards, Wallet, WalletChanged, Wallets
from ecosystem.kernel.actor import Actor
from ecosystem.ports.bus import TIMELINE, Event
from ecosystem.ports.cards import Cards, UnknownCard
from ecosystem.ports.clock import Clock
from ecosystem.ports.saved_cards import SavedCards, UnknownSavedCard
from ecosystem.ports.table import Row, Table

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class CardKeeping:
    table: Table
    clock: Clock
    processor: Cards
    saved_cards: SavedCards
    payments: Payments
    wallets: Wallets

    async def wallet(self, actor: Actor) -> Wallet | None:
        """The actor's own wallet, if they have one. Guests have none."""
        row = await self.wallets.of(actor.actor_id)
        return row.value if row else None

    async def payer(self, actor: Actor, saved: str | None) -> str:
        """Who the actor is at the processor: to pay with the kept card `saved`, or to have one kept.

        Raises `OnlyOwnCards`, `UnknownCard` when they keep no such card, `ProcessorSilent`.
        """
        paying.must_be_own(actor)
        row = await self.wallets.of(actor.actor_id)
        kept = {card.card_id for card in row.value.cards} if row else set[str]()
        if saved is not None and saved not in kept:
            raise UnknownCard("You do not keep this card any more. Choose another one.", field="card")
        if row is None:
            customer_id = await self.saved_cards.customer(actor.actor_id)
            wallet = Wallet(person_id=actor.actor_id, customer_id=customer_id)
            with suppress(WalletChanged):  # Another payment of theirs was quicker; the processor made one customer.
                await self.table.transact(*paying.wallet_made(wallet))
            return customer_id
        return row.value.customer_id

    async def fingerprint(self, actor: Actor, card_id: str) -> str:
        """The processor's lasting name of a card that the actor keeps; empty where it told none."""
        row = await self.wallets.of(actor.actor_id)
        kept = row.value.cards if row else ()
        return next((card.fingerprint for card in kept if card.card_id == card_id), "")

    async def keep(self, booking_id: str, payment_id: str, actor: Actor) -> None:
        """Put the card of a payment into its payer's wallet, once. Raises `ProcessorSilent`."""
        payment = (await self.payments.payment(booking_id, payment_id)).value
        if not payment.keep or payment.intent_id is None:
            return
        paid = await self.processor.payment(payment.intent_id)
        try:
            card = await self.saved_cards.card(paid.card_id or payment.card)
        except UnknownSavedCard:
            log.warning("The card of %s was not kept by the processor", payment_id)
            return
        if card.customer_id != payment.customer_id:
            log.error("The card of %s is kept by somebody else", payment_id)
            return
        for _ in range(ATTEMPTS_MAX):
            row = await self._row(payment.payer)
            at = self.clock.now()
            try:
                after = paying.keep_card(row.value, card, at)
            except TooManySavedCards:
                await self.saved_cards.forget(card.card_id)
                return
            with suppress(WalletChanged):
                await self.table.transact(*paying.wallet_becomes(row, after, actor, at))
                return
        raise WalletChanged

    async def forget(self, card_id: str, actor: Actor) -> Wallet:
        """The actor's wallet without the card; the processor forgets it next. Raises `NoSuchSavedCard`."""
        for _ in range(ATTEMPTS_MAX):
            row = await self._row(actor.actor_id)
            after = paying.forget_card(row.value, card_id)
            with suppress(WalletChanged):
                await self.table.transact(*paying.wallet_becomes(row, after, actor, self.clock.now()))
                return after
        raise WalletChanged

    async def let_go(self, card_id: str) -> None:
        """Have the processor forget a card. Raises `ProcessorSilent`."""
        await self.saved_cards.forget(card_id)

    async def look_again(self, person_id: str, actor: Actor) -> None:
        """Take in how the processor knows a person's cards now: renewed, or kept no more. Raises `ProcessorSilent`."""
        row = await self.wallets.of(person_id)
        if row is None:
            return
        cards = await self.saved_cards.cards(row.value.customer_id)
        after = paying.reread(row.value, cards)
        await self.table.transact(*paying.wallet_becomes(row, after, actor, self.clock.now()))

    async def look_at(self, card_id: str, actor: Actor) -> None:
        """Take in how the processor knows the cards of whoever keeps this one; nobody's is passed over.

        Raises `ProcessorSilent`.
        """
        page = await self.table.query(paying.card_timeline(card_id), Event, prefix=TIMELINE, limit=1)
        for kept in page.values:
            await self.look_again(kept.detail["person_id"], actor)

    async def _row(self, person_id: str) -> Row[Wallet]:
        row = await self.wallets.of(person_id)
        if row is None:
            raise NoSuchSavedCard
        return row
