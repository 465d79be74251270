"""The first steps beside a new provider: what registration left to do, and a welcome. Both may be repeated."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.identity import NoSuchPerson, Profiles
from ecosystem.contexts.notifications import Audience, Kind, Known, Message, Notifications, Recipient
from ecosystem.journeys.onboarding import Lack, Onboarding
from ecosystem.kernel.actor import Actor

NAMED_MAX = 4
"""More missing things than these are counted, not named: a mail is no form."""


class ProfileStanding(Struct, frozen=True, kw_only=True):
    """What registration left to do: everything that is `missing` before the first customer can book."""

    provider_id: str
    complete: bool
    missing: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Welcoming:
    onboarding: Onboarding
    profiles: Profiles
    notifications: Notifications

    async def profile(self, provider_id: str, actor: Actor) -> ProfileStanding:
        """What is missing of the provider's profile, and so of the listing. Raises `ProviderUnknown`, `Denied`."""
        progress = await self.onboarding.progress(provider_id, actor)
        return ProfileStanding(provider_id=provider_id, complete=not progress.lacks, missing=progress.lacks)

    async def welcome(self, provider_id: str, actor: Actor) -> bool:
        """Welcome a new provider by notice and mail, once however often it is asked for; whether this was the time.

        Nobody is told of a provider that nobody has claimed yet. Raises `ProviderUnknown`, `Denied`.
        """
        progress = await self.onboarding.progress(provider_id, actor)
        provider = progress.provider.value
        if provider.owner_id is None:
            return False
        try:
            known = await self.profiles.addressee(provider.owner_id)
        except NoSuchPerson:
            return False
        facts: dict[str, Known] = {"provider": provider.name}
        if left := _left(progress.lacks):
            facts["left"] = left
        message = Message(
            kind=Kind.WELCOME,
            audience=Audience.PROVIDER,
            event_id=f"{provider_id}:welcome",
            at=provider.created_at,
            recipient=Recipient(
                user_id=known.user_id, email=known.email, name=known.name, locale=known.locale, zone=known.zone
            ),
            facts=facts,
            link=f"{self.notifications.brand.url}/provider",
        )
        return await self.notifications.tell(message) > 0


def _left(lacks: tuple[Lack, ...]) -> str:
    """What is missing, as one would say it."""
    named = " ".join(lack.reason for lack in lacks[:NAMED_MAX])
    return f"{named} And more: your pages say what." if len(lacks) > NAMED_MAX else named
