"""Oversight: what operators see of a marketplace as a whole, where no one's own view leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecosystem.contexts.catalogue import Provider, Providers, ProviderStatus
from ecosystem.contexts.ledger import RatesSet, Recorded, Statements, Tariff
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Page


@dataclass(frozen=True, slots=True)
class Oversight:
    """For operators. Each act raises `Denied`."""

    catalogue: Providers
    statements: Statements
    tariff: Tariff

    async def providers(
        self, status: ProviderStatus, actor: Actor, *, after: str = "", limit: int = 50
    ) -> Page[Provider]:
        """Providers of that status, the oldest first."""
        actor.must_operate()
        return await self.catalogue.with_status(status, after=after, limit=limit)

    async def transfers(self, reference: str, actor: Actor) -> Sequence[Recorded]:
        """The transfers about one thing, such as a booking, oldest first."""
        actor.must_operate()
        return await self.statements.reference(reference)

    async def rates(self, actor: Actor) -> Sequence[RatesSet]:
        """The versions of the rates that operators set, newest first."""
        actor.must_operate()
        return await self.tariff.history()
