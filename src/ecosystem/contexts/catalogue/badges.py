"""Badges: what was verified about a provider."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msgspec.structs import replace

from ecosystem.contexts.catalogue.events import BadgeAwarded, BadgeWithdrawn
from ecosystem.contexts.catalogue.providers import Provider, Providers
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Row

MOST = 12
_BADGE = re.compile(r"[a-z][a-z0-9_]{1,29}")


@dataclass(frozen=True, slots=True)
class Badges:
    """Awards badges and withdraws them. For operators."""

    providers: Providers

    async def award(self, provider_id: str, badge: str, actor: Actor) -> Row[Provider]:
        """Show that something was verified, such as `identity`."""
        actor.must_operate()
        row, at = await self.providers.load(provider_id), self.providers.clock.now()
        if badge in row.value.badges:
            return row
        if not _BADGE.fullmatch(badge):
            raise Invalid("A badge is a short word such as identity.", field="badge")
        if len(row.value.badges) >= MOST:
            raise Invalid(f"A provider has at most {MOST} badges.", field="badge")
        became = replace(row.value, badges=(*row.value.badges, badge), updated_at=at)
        fact = BadgeAwarded(provider_id=provider_id, badge=badge)
        return await self.providers.commit(row, became, fact, actor=actor, at=at)

    async def withdraw(self, provider_id: str, badge: str, actor: Actor) -> Row[Provider]:
        """Show it no longer."""
        actor.must_operate()
        row, at = await self.providers.load(provider_id), self.providers.clock.now()
        if badge not in row.value.badges:
            return row
        became = replace(row.value, badges=tuple(held for held in row.value.badges if held != badge), updated_at=at)
        fact = BadgeWithdrawn(provider_id=provider_id, badge=badge)
        return await self.providers.commit(row, became, fact, actor=actor, at=at)
