"""`post-confirmation-trigger`: what follows when a person has confirmed their address."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.identity.events import UserConfirmed
from ecosystem.contexts.identity.profiles import Profiles
from ecosystem.ports.bus import Event


@dataclass(frozen=True, slots=True)
class PostConfirmation:
    """The function behind the trigger, in both deployments: a reaction here, an identity hook in the cloud."""

    profiles: Profiles

    async def handle(self, event: Event) -> None:
        """Make the profile of whom the `UserConfirmed` is about. The same event again changes nothing."""
        assert event.type == UserConfirmed.__name__
        await self.profiles.make(str(event.detail["user_id"]))
