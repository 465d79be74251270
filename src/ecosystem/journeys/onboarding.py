"""Becoming a provider: from a first name to a service that can be booked.

Nothing is kept of how far somebody came but what they said: each step is saved as a draft, and what a listing still
needs tells where to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from ecosystem.contexts.booking import Plan, Plans
from ecosystem.contexts.catalogue import (
    NotReady,
    Problem,
    Provider,
    Providers,
    ProviderStatus,
    Publishing,
    RegisterProvider,
    Service,
    Services,
    ServiceStatus,
    Standings,
    provider_lacks,
    service_lacks,
)
from ecosystem.contexts.identity import People, Profiles
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.table import Row, Stale

ATTEMPTS = 3


class Step(StrEnum):
    """The steps, in order. Photographs may be left for later."""

    PROFILE = "profile"
    PLACE = "place"
    PHOTOS = "photos"
    SERVICE = "service"
    HOURS = "hours"
    LIVE = "live"


class Lack(Struct, frozen=True, kw_only=True):
    """Something that is missing: at which step, in which field, and what to do about it."""

    step: Step
    field: str
    reason: str


class Progress(Struct, frozen=True, kw_only=True):
    """How far a provider came. `service` is the one that goes live: published already, or the first draft."""

    provider: Row[Provider]
    service: Row[Service] | None
    plan: Row[Plan] | None
    lacks: tuple[Lack, ...]

    @property
    def is_live(self) -> bool:
        """Whether customers find them, or found them before they paused."""
        return self.provider.value.status in {ProviderStatus.ACTIVE, ProviderStatus.PAUSED}

    @property
    def next(self) -> Step:
        """The first step at which something is missing."""
        return next((lack.step for lack in self.lacks), Step.LIVE)

    def lacking(self, step: Step) -> list[Lack]:
        return [lack for lack in self.lacks if lack.step == step]

    def done(self, step: Step) -> bool:
        """Whether there is nothing left to do at this step; photographs are done once there are some."""
        if step == Step.PHOTOS:
            return bool(self.provider.value.media)
        return self.is_live if step == Step.LIVE else not self.lacking(step)


def lacks(provider: Provider, service: Service | None, plan: Plan | None) -> list[Lack]:
    """What is missing before the first customer can book, in the order of the steps."""
    found = [
        Lack(
            step=Step.PLACE if problem.field == "location" else Step.PROFILE, field=problem.field, reason=problem.reason
        )
        for problem in provider_lacks(provider)
    ]
    if service is None:
        found.append(Lack(step=Step.SERVICE, field="title", reason="Describe the first thing you offer."))
    else:
        found += [
            _of_service(each) for each in service_lacks(service, provider) if each.field != "mode" or provider.location
        ]
    if plan is None or not any(plan.week.days()):
        found.append(Lack(step=Step.HOURS, field="week", reason="Say at which hours you can be booked."))
    return sorted(found, key=lambda lack: list(Step).index(lack.step))


def _of_service(problem: Problem) -> Lack:
    """A service's problem where it is mended: how far somebody travels, with where they work."""
    if problem.field == "mode":
        return Lack(step=Step.PLACE, field="radius_km", reason="Say how far you travel to customers.")
    return Lack(step=Step.SERVICE, field=problem.field, reason=problem.reason)


@dataclass(frozen=True, slots=True)
class Onboarding:
    people: People
    profiles: Profiles
    providers: Providers
    services: Services
    publishing: Publishing
    standings: Standings
    plans: Plans

    async def begin(self, request: RegisterProvider, actor: Actor) -> Row[Provider]:
        """Register the person as a provider, and let them into the group of providers, in one commit.

        One who has a provider already is given that. Raises `Denied`, `FieldsRefused`, `SlugTaken`, `IdReused`.
        """
        if not actor.actor_id.startswith("usr_"):
            raise Denied("Sign in to become a provider.")
        for left in reversed(range(ATTEMPTS)):
            if owned := await self.providers.owned_by(actor.actor_id):
                return owned[0]
            joining = await self.people.joining(actor.actor_id, Group.PROVIDERS, actor)
            try:
                return await self.providers.register(request, actor, *joining)
            except Stale:
                # The account changed in between: perhaps the same person, in another window.
                if not left:
                    raise
        raise AssertionError

    async def claimable(self, actor: Actor) -> list[Row[Provider]]:
        """The providers that were listed for this person's address before they came; none for who is not signed in."""
        if not actor.actor_id.startswith("usr_"):
            return []
        # An account exists from the confirmation of its address on, so its address is a confirmed one.
        return await self.providers.claimable((await self.profiles.addressee(actor.actor_id)).email)

    async def claim(self, provider_id: str, actor: Actor) -> Row[Provider]:
        """Make the person the owner of a provider that was listed for their address, and one of the providers.

        Twice has one effect. Raises `NotClaimable`, `ProviderUnknown`, `Denied`.
        """
        if not actor.actor_id.startswith("usr_"):
            raise Denied("Sign in to take over what was listed for you.")
        for left in reversed(range(ATTEMPTS)):
            addressee = await self.profiles.addressee(actor.actor_id)
            joining = await self.people.joining(actor.actor_id, Group.PROVIDERS, actor)
            try:
                return await self.providers.claim(provider_id, actor, *joining, confirmed_email=addressee.email)
            except Stale:
                if not left:
                    raise
        raise AssertionError

    async def progress(self, provider_id: str, actor: Actor) -> Progress:
        """How far the provider came, for its owner. Raises `ProviderUnknown`, `Denied`."""
        provider = await self.providers.load(provider_id)
        actor.must_be(provider.value.owner_id or provider_id)
        service = _first(await self.services.of(provider_id))
        plan = await self.plans.get(provider_id)
        found = lacks(provider.value, service.value if service else None, plan.value if plan else None)
        return Progress(provider=provider, service=service, plan=plan, lacks=tuple(found))

    async def go_live(self, provider_id: str, actor: Actor) -> Progress:
        """Publish the first service and ask to be listed. Raises `NotReady` with everything that is missing.

        Two commits, each of which may be repeated: a service that is published is found once its provider is listed.
        """
        progress = await self.progress(provider_id, actor)
        if progress.lacks:
            raise NotReady([Problem(lack.field, lack.reason) for lack in progress.lacks])
        assert progress.service is not None
        await self.publishing.publish(progress.service.value.service_id, actor)
        if progress.provider.value.status is ProviderStatus.DRAFT:
            await self.standings.submit(provider_id, actor)
        return await self.progress(provider_id, actor)


def _first(services: Sequence[Row[Service]]) -> Row[Service] | None:
    """The service to go live with: one that is published, else the oldest draft, else whichever is there."""
    order = [ServiceStatus.PUBLISHED, ServiceStatus.DRAFT, ServiceStatus.CLOSED]
    return min(services, key=lambda row: order.index(row.value.status), default=None)
