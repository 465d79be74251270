"""Tax details: told by a provider's owner, seen by them and by operators."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.payouts import TaxBook, TaxDetails, TaxRecord
from ecosystem.journeys.payout_outlook import Outlooks
from ecosystem.kernel.actor import Actor
from ecosystem.ports.clock import Clock


class Told(Struct, frozen=True, kw_only=True):
    """What is kept, and what it says in clear."""

    record: TaxRecord
    details: TaxDetails


@dataclass(frozen=True, slots=True)
class Tax:
    """Each act raises `ProviderUnknown`, `Denied`."""

    clock: Clock
    outlooks: Outlooks
    book: TaxBook

    async def of(self, provider_id: str, actor: Actor) -> Told | None:
        """The details in clear; None when nothing was said yet. Raises `EnvelopeRefused`."""
        await self.outlooks.own(provider_id, actor)
        row = await self.book.record(provider_id)
        return Told(record=row.value, details=await self.book.opened(row.value)) if row else None

    async def set(self, provider_id: str, told: TaxDetails, actor: Actor) -> TaxRecord:
        """Keep the details, encrypted. Raises `Invalid`, `TaxDetailsChanged`."""
        await self.outlooks.own(provider_id, actor)
        return await self.book.set(provider_id, told, actor, self.clock.now())
