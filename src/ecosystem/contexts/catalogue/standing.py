"""Whether a provider is listed: asked for by the owner, decided by readiness and by operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from ecosystem.contexts.catalogue import events
from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.providers import Provider, Providers, ProviderStatus, must_be_ready
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.bus import Fact
from ecosystem.ports.table import Row

REASON_LONGEST = 500
DRAFT, PENDING, ACTIVE, PAUSED, SUSPENDED = ProviderStatus
_MOVES: Mapping[ProviderStatus, frozenset[ProviderStatus]] = {
    DRAFT: frozenset({PENDING, ACTIVE, SUSPENDED}),
    PENDING: frozenset({DRAFT, ACTIVE, SUSPENDED}),
    ACTIVE: frozenset({PAUSED, SUSPENDED}),
    PAUSED: frozenset({ACTIVE, SUSPENDED}),
    SUSPENDED: frozenset({ACTIVE, DRAFT}),
}


class NotInThatState(Conflict):
    """This is not possible in the present state."""


def moved(provider: Provider, to: ProviderStatus, *, at: datetime, reason: str = "") -> Provider:
    """Decide a change of state. Raises `NotInThatState`, and `NotReady` when it would be listed and may not."""
    if to not in _MOVES[provider.status]:
        raise NotInThatState(f"This provider is {provider.status}; it cannot become {to}.", field="status")
    if to in {PENDING, ACTIVE}:
        must_be_ready(provider)
    first = to is ACTIVE and provider.activated_at is None
    return replace(
        provider, status=to, reason=reason, updated_at=at, activated_at=at if first else provider.activated_at
    )


@dataclass(frozen=True, slots=True)
class Standings:
    """Lists providers, and takes them off.

    With `moderated`, an operator approves each provider before it is listed; without, a complete profile suffices.
    Each act that finds the provider already there changes nothing.
    """

    providers: Providers
    moderated: bool = False

    async def submit(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """Ask to be listed: at once, or after an operator looked when providers are moderated. Raises `NotReady`."""
        if self.moderated:
            return await self._move(
                provider_id, actor, events.ProviderSubmitted(provider_id=provider_id), PENDING, among={DRAFT}
            )
        return await self._move(
            provider_id, actor, events.ProviderActivated(provider_id=provider_id), ACTIVE, among={DRAFT, PENDING}
        )

    async def approve(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """List a provider that waits for it. For operators."""
        actor.must_operate()
        return await self._move(
            provider_id, actor, events.ProviderActivated(provider_id=provider_id), ACTIVE, among={DRAFT, PENDING}
        )

    async def send_back(self, provider_id: str, reason: str, actor: Actor) -> Row[Provider]:
        """Ask the owner to change something first. For operators."""
        actor.must_operate()
        reason = _worded(reason)
        fact = events.ProviderReturned(provider_id=provider_id, reason=reason)
        return await self._move(provider_id, actor, fact, DRAFT, among={PENDING}, reason=reason)

    async def pause(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """Take no bookings for a while."""
        return await self._move(
            provider_id, actor, events.ProviderPaused(provider_id=provider_id), PAUSED, among={ACTIVE}
        )

    async def resume(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """Take bookings again."""
        return await self._move(
            provider_id, actor, events.ProviderResumed(provider_id=provider_id), ACTIVE, among={PAUSED}
        )

    async def suspend(self, provider_id: str, reason: str, actor: Actor) -> Row[Provider]:
        """Take a provider off the market. For operators."""
        actor.must_operate()
        reason = _worded(reason)
        fact = events.ProviderSuspended(provider_id=provider_id, reason=reason)
        listed = {DRAFT, PENDING, ACTIVE, PAUSED}
        return await self._move(provider_id, actor, fact, SUSPENDED, among=listed, reason=reason)

    async def reinstate(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """Let a suspended provider back: listed if it ever was, else as a draft. For operators."""
        actor.must_operate()
        row = await self.providers.load(provider_id)
        back = ACTIVE if row.value.activated_at else DRAFT
        return await self._move(
            provider_id, actor, events.ProviderReinstated(provider_id=provider_id), back, among={SUSPENDED}
        )

    async def _move(
        self,
        provider_id: str,
        actor: Actor,
        fact: Fact,
        to: ProviderStatus,
        *,
        among: set[ProviderStatus],
        reason: str = "",
    ) -> Row[Provider]:
        row, at = await self.providers.kept(provider_id, actor), self.providers.clock.now()
        if row.value.status is to:
            return row
        if row.value.status not in among:
            raise NotInThatState(f"This provider is {row.value.status}.", field="status")
        became = moved(row.value, to, at=at, reason=reason)
        return await self.providers.commit(row, became, fact, actor=actor, at=at)


def _worded(text: str) -> str:
    findings = Findings()
    reason = findings.prose("reason", text, shortest=3, longest=REASON_LONGEST)
    findings.settle()
    return reason
