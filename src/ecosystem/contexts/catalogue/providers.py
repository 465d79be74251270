"""Providers: who offers services, from draft to active listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, NewType

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import events, profile
from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.keys import (
    claim_index,
    ownership_key,
    provider_key,
    rating_key,
    slug_index,
    status_index,
)
from ecosystem.contexts.catalogue.places import Location
from ecosystem.contexts.catalogue.profile import NotReady, ProviderFields
from ecosystem.contexts.catalogue.shards import by_status
from ecosystem.contexts.catalogue.slugs import RENAMES_MAX, SlugKind, Slugs, SlugTaken, Wish, derived
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, IdReused, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import Fact, announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Counter, Index, Key, Page, Put, Row, Stored, Table, Write

ProviderId = NewType("ProviderId", str)

CLAIMABLE_MAX = 20
ATTEMPTS = 3


class ProviderUnknown(NotFound):
    """There is no such provider."""


class EditedMeanwhile(Conflict):
    """Somebody else changed this meanwhile: look at it again before you save."""


class ProviderBarred(Denied):
    """This provider is suspended."""


class NotClaimable(Denied):
    """This provider is not yours to claim."""


class ProviderStatus(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class Provider(Stored, frozen=True, kw_only=True):
    """Who offers services.

    `payout` tells whether they can be paid out to, as the payments know it: `none` until an account was asked for.
    `owner_id` is None until somebody claims it; `owner_email` then says who may. `reason` is an operator's, for
    suspending or returning. `slugs` counts the addresses it ever had; `made_by` and `made_from` tell a repeated request
    from another one.
    """

    entity: ClassVar[str] = "provider"

    provider_id: ProviderId
    owner_id: str | None = None
    owner_email: str | None = None
    name: str
    slug: str
    headline: str = ""
    biography: str = ""
    location: Location | None = None
    radius_km: int = 0
    languages: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()
    status: ProviderStatus = ProviderStatus.DRAFT
    payout: str = "none"
    reason: str = ""
    slugs: int = 1
    made_by: str
    made_from: str
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = None

    def awaits(self, confirmed_email: str) -> bool:
        """Whether nobody has claimed it yet, and whoever has that address may."""
        expected = (self.owner_email or "").strip().casefold()
        return self.owner_id is None and bool(expected) and expected == confirmed_email.strip().casefold()

    def must_be_kept_by(self, actor: Actor) -> None:
        """Pass for the owner while not suspended, for operators and the system. Raises `Denied`, `ProviderBarred`."""
        actor.must_be(*([self.owner_id] if self.owner_id else []))
        if self.status is ProviderStatus.SUSPENDED and not (actor.is_operator or actor.is_system):
            raise ProviderBarred


class Ownership(Stored, frozen=True, kw_only=True):
    """That this user owns that provider."""

    entity: ClassVar[str] = "ownership"

    user_id: str
    provider_id: ProviderId


class Rating(Struct, frozen=True):
    """The ratings of a provider: their sum, and how many there are."""

    total: int = 0
    count: int = 0

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


class RegisterProvider(Struct, frozen=True, kw_only=True):
    """A request for a new provider, as a draft. `owner_id` and `owner_email` are for operators to give."""

    provider_id: ProviderId
    fields: ProviderFields
    owner_id: str | None = None
    owner_email: str | None = None


class Found(Struct, frozen=True, kw_only=True):
    """A provider found by address. `moved` says that the address is a former one: send the visitor to the present."""

    row: Row[Provider]
    moved: bool


def registered(request: RegisterProvider, actor: Actor, *, at: datetime) -> Provider:
    """Decide a new provider, still without its address. Raises `FieldsRefused`, `Denied`."""
    if not (actor.actor_id.startswith("usr_") or actor.is_operator or actor.is_system):
        raise Denied("Sign in to become a provider.")
    if not (actor.is_operator or actor.is_system) and (
        request.owner_email or request.owner_id not in {None, actor.actor_id}
    ):
        raise Denied("Only an operator registers a provider for somebody else.")
    findings = Findings()
    fields = profile.checked(request.fields, findings)
    if fields.name is UNSET:
        findings.note("name", "It needs a name.")
    findings.settle()
    assert isinstance(fields.name, str)
    unowned = actor.is_operator or actor.is_system
    blank = Provider(
        provider_id=ProviderId(ids.check("prv", request.provider_id)),
        owner_id=request.owner_id if unowned else actor.actor_id,
        owner_email=request.owner_email,
        name=fields.name,
        slug="",
        made_by=actor.actor_id,
        made_from=digest(request),
        created_at=at,
        updated_at=at,
    )
    return replace(blank, **_given(fields))


def edited(provider: Provider, fields: ProviderFields, *, at: datetime) -> Provider:
    """Decide an edit; the address stays. Raises `FieldsRefused`, or `NotReady` if a listing would lose what it needs."""
    findings = Findings()
    fields = profile.checked(fields, findings)
    findings.settle()
    became = replace(provider, **_given(fields))
    if became == provider:
        return provider
    if provider.status in {ProviderStatus.ACTIVE, ProviderStatus.PAUSED, ProviderStatus.PENDING}:
        must_be_ready(became)
    return replace(became, updated_at=at)


def must_be_ready(provider: Provider) -> None:
    """Pass if customers may see it. Raises `NotReady` with everything that is missing."""
    problems = profile.lacking(headline=provider.headline, location=provider.location, languages=provider.languages)
    if problems:
        raise NotReady(problems)


def writes(former: Row[Provider] | None, provider: Provider, *facts: Fact, actor: Actor, at: datetime) -> list[Write]:
    """What commits the provider as decided, with its events. `former` is None for a new one."""
    version = (former.version if former else 0) + 1
    previous = differences(former.value, provider) if former else {}
    aggregate = provider_key(provider.provider_id).partition
    return [
        Put(
            key=provider_key(provider.provider_id),
            value=provider,
            index=indexed(provider),
            counters=former.counters if former else {},
            expected=former.unchanged if former else ABSENT,
            otherwise=EditedMeanwhile() if former else IdReused(field="provider_id"),
        ),
        *(
            announce(fact, aggregate=aggregate, sequence=version, actor=actor, at=at, previous=previous)
            for fact in facts
        ),
    ]


def indexed(provider: Provider) -> Mapping[Index, Key]:
    """Where the provider stands in the indexes."""
    places = {
        Index.SLUG: slug_index(SlugKind.PROVIDER, provider.slug, provider.provider_id),
        Index.STATUS: status_index("PROVIDER", provider.status, sortable(provider.created_at), provider.provider_id),
    }
    if provider.owner_id is None and provider.owner_email:
        places[Index.CUSTOMER] = claim_index(provider.owner_email, provider.provider_id)
    return places


def owned(provider: Provider) -> list[Write]:
    """What lets the owner find their provider; nothing while it has none."""
    if provider.owner_id is None:
        return []
    ownership = Ownership(user_id=provider.owner_id, provider_id=provider.provider_id)
    return [Put(key=ownership_key(provider.owner_id, provider.provider_id), value=ownership)]


def differences(former: Struct, became: Struct) -> dict[str, Any]:
    """The fields that changed, as they were, in plain values; bookkeeping left out."""
    before: dict[str, Any] = msgspec.to_builtins(former)
    after: dict[str, Any] = msgspec.to_builtins(became)
    return {name: value for name, value in before.items() if after.get(name) != value and name != "updated_at"}


def digest(request: Struct) -> str:
    """A fingerprint of a request, to tell it from another under the same id."""
    return sha256(msgspec.msgpack.encode(request)).hexdigest()[:24]


def _given(fields: ProviderFields) -> Mapping[str, Any]:
    """The fields that were given, without the address, which is taken and not merely written."""
    return {
        name: value
        for name in fields.__struct_fields__
        if name != "slug" and (value := getattr(fields, name)) is not UNSET
    }


@dataclass(frozen=True, slots=True)
class Providers:
    """Loads providers, and commits what their owners tell about them."""

    table: Table
    clock: Clock

    async def load(self, provider_id: str) -> Row[Provider]:
        """The provider as stored. Raises `ProviderUnknown`."""
        row = await self.table.get(provider_key(provider_id), Provider)
        if row is None:
            raise ProviderUnknown(field="provider_id")
        return row

    async def by_slug(self, slug: str) -> Found:
        """Who answers to the address, now or formerly. Raises `SlugUnknown`."""
        held = await Slugs(self.table).lookup(SlugKind.PROVIDER, slug)
        row = await self.load(held.provider_id)
        return Found(row=row, moved=row.value.slug != slug)

    async def owned_by(self, user_id: str) -> list[Row[Provider]]:
        """The providers of this user."""
        page = await self.table.query(ownership_key(user_id, "").partition, Ownership, prefix="PROVIDER#", limit=100)
        rows = await self.table.batch_get([provider_key(held.provider_id) for held in page.values], Provider)
        return [row for row in rows if row is not None]

    async def claimable(self, confirmed_email: str) -> list[Row[Provider]]:
        """The providers that were registered for that address and that nobody has claimed yet.

        Of an index: candidates, and `claim` decides.
        """
        page = await self.table.query(
            claim_index(confirmed_email).partition, Provider, index=Index.CUSTOMER, limit=CLAIMABLE_MAX
        )
        return [row for row in page.rows if row.value.awaits(confirmed_email)]

    async def with_status(self, status: ProviderStatus, *, after: str = "", limit: int = 50) -> Page[Provider]:
        """Providers of that status, oldest first. Of an index, so what just changed may be missing."""
        return await by_status(self.table, "PROVIDER", status, Provider, after=after, limit=limit)

    async def rating(self, provider_id: str) -> Rating:
        """What customers gave so far."""
        row = await self.table.get(rating_key(provider_id), Counter)
        return Rating(row.counters.get("sum", 0), row.counters.get("count", 0)) if row else Rating()

    async def register(self, request: RegisterProvider, actor: Actor, *also: Write) -> Row[Provider]:
        """Make a provider, as a draft; `also` is committed with it. The same request again returns the first outcome.

        Raises `IdReused`, `FieldsRefused`, `Denied`, `SlugTaken`.
        """
        at = self.clock.now()
        provider = registered(request, actor, at=at)
        earlier = await self.table.get(provider_key(provider.provider_id), Provider)
        if earlier is not None:
            return first_outcome(earlier, actor, request)
        return await self._commit_new(provider, request, also, actor, at=at)

    async def edit(
        self, provider_id: str, fields: ProviderFields, actor: Actor, *, version: int | None = None
    ) -> Row[Provider]:
        """Edit the profile. `version` is the one the person looked at; None edits whatever is there now.

        Raises `EditedMeanwhile`, `FieldsRefused`, `NotReady`, `SlugTaken`, `Denied`.
        """
        for left in reversed(range(ATTEMPTS)):
            row = await self.kept(provider_id, actor, version)
            at = self.clock.now()
            became = edited(row.value, fields, at=at)
            try:
                became, taken = await self._addressed(row.value, became, fields, at=at)
                if became == row.value:
                    return row
                fact = events.ProviderChanged(provider_id=provider_id, changed=tuple(differences(row.value, became)))
                return await self.commit(row, became, fact, *taken, actor=actor, at=at)
            except SlugTaken:
                # Somebody took the derived address in between: the next attempt derives another.
                if not left or fields.slug is not UNSET:
                    raise
        raise AssertionError

    async def claim(self, provider_id: str, actor: Actor, *also: Write, confirmed_email: str) -> Row[Provider]:
        """Make the actor the owner of a provider without one, if it was registered for their confirmed e-mail.

        `also` is committed with it. Raises `NotClaimable`.
        """
        row = await self.load(provider_id)
        provider, at = row.value, self.clock.now()
        if provider.owner_id == actor.actor_id:
            return row
        if not provider.awaits(confirmed_email):
            raise NotClaimable
        became = replace(provider, owner_id=actor.actor_id, owner_email=None, updated_at=at)
        fact = events.ProviderClaimed(provider_id=provider_id, owner_id=actor.actor_id)
        return await self.commit(row, became, fact, *owned(became), *also, actor=actor, at=at)

    async def kept(self, provider_id: str, actor: Actor, version: int | None = None) -> Row[Provider]:
        row = await self.load(provider_id)
        row.value.must_be_kept_by(actor)
        if version is not None and version != row.version:
            raise EditedMeanwhile
        return row

    async def _addressed(
        self, provider: Provider, became: Provider, fields: ProviderFields, *, at: datetime
    ) -> tuple[Provider, list[Put]]:
        """The edited provider under its address, and the write that takes it, if it changes."""
        wish = wished(provider, became, fields)
        if wish is None:
            return became, []
        slug, taken = await Slugs(self.table).take(wish, at=at)
        if taken and provider.slugs >= RENAMES_MAX:
            if fields.slug is UNSET:
                return became, []
            raise Invalid(f"A provider has at most {RENAMES_MAX} addresses over time.", field="slug")
        return replace(became, slug=slug, slugs=provider.slugs + len(taken), updated_at=at), taken

    async def _commit_new(
        self, provider: Provider, request: RegisterProvider, also: Sequence[Write], actor: Actor, *, at: datetime
    ) -> Row[Provider]:
        for left in reversed(range(ATTEMPTS)):
            try:
                wish = wished(None, provider, request.fields)
                assert wish is not None
                slug, taken = await Slugs(self.table).take(wish, at=at)
                named = replace(provider, slug=slug)
                fact = events.ProviderRegistered(
                    provider_id=named.provider_id, owner_id=named.owner_id, name=named.name
                )
                await self.table.transact(*writes(None, named, fact, actor=actor, at=at), *taken, *owned(named), *also)
            except SlugTaken:
                if not left or request.fields.slug is not UNSET:
                    raise
            except IdReused:
                return first_outcome(await self.load(provider.provider_id), actor, request)
            else:
                return Row(key=provider_key(named.provider_id), value=named, version=1, index=indexed(named))
        raise AssertionError

    def payout_becomes(self, row: Row[Provider], state: str) -> list[Write]:
        """The writes by which the provider tells that they can be paid out to, or no longer; none when it does already.

        What happened is told by the payout account's own events.
        """
        if row.value.payout == state:
            return []
        became = replace(row.value, payout=state)
        return [
            Put(
                key=row.key,
                value=became,
                index=indexed(became),
                counters=row.counters,
                expected=row.unchanged,
                otherwise=EditedMeanwhile(),
            )
        ]

    async def commit(
        self, row: Row[Provider], became: Provider, fact: Fact, *others: Write, actor: Actor, at: datetime
    ) -> Row[Provider]:
        await self.table.transact(*writes(row, became, fact, actor=actor, at=at), *others)
        return replace(row, value=became, version=row.version + 1, index=indexed(became))


def wished(provider: Provider | None, became: Provider, fields: ProviderFields) -> Wish | None:
    """The addresses wanted: the one chosen, or those made from a name that is new. None to keep what there is."""
    if isinstance(fields.slug, str):
        slug = fields.slug.strip().lower()
        if provider is not None and provider.slug == slug:
            return None
        return Wish(kind=SlugKind.PROVIDER, candidates=(slug,), provider_id=became.provider_id)
    if provider is not None and provider.name == became.name:
        return None
    return derived(SlugKind.PROVIDER, became.name, provider_id=became.provider_id)


def first_outcome(earlier: Row[Provider], actor: Actor, request: RegisterProvider) -> Row[Provider]:
    """What this request made when it came first. Raises `IdReused` for another actor's, or another request."""
    if (earlier.value.made_by, earlier.value.made_from) != (actor.actor_id, digest(request)):
        raise IdReused(field="provider_id")
    return earlier
