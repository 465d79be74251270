"""Services: what a provider offers, from draft to published to closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NewType

from msgspec import UNSET, Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import events, terms
from ecosystem.contexts.catalogue.fields import Findings, Problem
from ecosystem.contexts.catalogue.keys import (
    provider_key,
    service_home_key,
    service_key,
    service_timeline,
    slug_index,
    status_index,
)
from ecosystem.contexts.catalogue.profile import NotReady
from ecosystem.contexts.catalogue.providers import (
    ATTEMPTS,
    EditedMeanwhile,
    Provider,
    ProviderId,
    Providers,
    ProviderStatus,
    differences,
    digest,
)
from ecosystem.contexts.catalogue.shards import by_status
from ecosystem.contexts.catalogue.slugs import RENAMES_MAX, SlugKind, Slugs, SlugTaken, Wish, derived
from ecosystem.contexts.catalogue.terms import Mode, ServiceFields
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.bus import Fact, announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Check, Index, Key, Page, Put, Row, Stored, Table, Write

ServiceId = NewType("ServiceId", str)

SERVICES_MAX = 500
"""Services one provider may have."""


class ServiceUnknown(NotFound):
    """There is no such service."""


class NotOffered(NotFound):
    """This service is not on offer at present."""


class TooManyServices(Conflict):
    """This provider has as many services as one may have."""


class ServiceStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"


class Service(Stored, frozen=True, kw_only=True):
    """What a provider offers. A published one has a category and a price.

    `price` is for one seat; times are in minutes. `slugs` counts the addresses it ever had; `made_by` and `made_from`
    tell a repeated request from another one.
    """

    entity: ClassVar[str] = "service"

    service_id: ServiceId
    provider_id: ProviderId
    title: str
    slug: str
    description: str = ""
    category: str = ""
    price: Money | None = None
    duration_min: int = 60
    mode: Mode = Mode.AT_PROVIDER
    capacity: int = 1
    buffer_before_min: int = 0
    buffer_after_min: int = 0
    notice_min: int = 0
    horizon_days: int = 60
    policy: str = "flexible"
    instant: bool = True
    media: tuple[str, ...] = ()
    status: ServiceStatus = ServiceStatus.DRAFT
    slugs: int = 1
    made_by: str
    made_from: str
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None


class ServiceHome(Stored, frozen=True, kw_only=True):
    """Whose service it is."""

    entity: ClassVar[str] = "service_home"

    service_id: ServiceId
    provider_id: ProviderId


class DraftService(Struct, frozen=True, kw_only=True):
    """A request for a new service, as a draft."""

    service_id: ServiceId
    provider_id: ProviderId
    fields: ServiceFields


class ServiceFound(Struct, frozen=True, kw_only=True):
    """A service found by address, with its provider. `moved` says that the address is a former one."""

    service: Row[Service]
    provider: Row[Provider]
    moved: bool


class Offered(Struct, frozen=True, kw_only=True):
    """A service on offer, and its provider. Whoever commits on it holds both rows to their versions."""

    service: Row[Service]
    provider: Row[Provider]

    @property
    def price(self) -> Money:
        """What one seat costs: a published service has a price."""
        assert self.service.value.price is not None
        return self.service.value.price

    def still_so(self) -> list[Check]:
        """What holds a transaction to the service and its provider as they were read."""
        return [
            Check(key=row.key, expected=row.unchanged, otherwise=NotOffered("This service has just been changed."))
            for row in (self.service, self.provider)
        ]


def drafted(request: DraftService, actor: Actor, *, at: datetime) -> Service:
    """Decide a new service, still without its address. Raises `FieldsRefused`."""
    findings = Findings()
    fields = terms.checked(request.fields, findings)
    if fields.title is UNSET:
        findings.note("title", "It needs a title.")
    blank = Service(
        service_id=ServiceId(ids.check("svc", request.service_id)),
        provider_id=request.provider_id,
        title="",
        slug="",
        made_by=actor.actor_id,
        made_from=digest(request),
        created_at=at,
        updated_at=at,
    )
    service = replace(blank, **_given(fields))
    _check_notice(findings, service)
    findings.settle()
    return service


def edited(service: Service, fields: ServiceFields, provider: Provider, *, at: datetime) -> Service:
    """Decide an edit; the address stays. Raises `FieldsRefused`, or `NotReady` if an offer would lose what it needs."""
    findings = Findings()
    fields = terms.checked(fields, findings)
    became = replace(service, **_given(fields))
    _check_notice(findings, became)
    findings.settle()
    if became == service:
        return service
    if service.status is ServiceStatus.PUBLISHED:
        must_be_ready(became, provider)
    return replace(became, updated_at=at)


def lacking(service: Service, provider: Provider) -> list[Problem]:
    """What the service needs before customers may see it."""
    needs_place = service.mode is not Mode.REMOTE and provider.location is None
    needs_radius = service.mode is Mode.AT_CUSTOMER and not provider.radius_km
    return [
        problem
        for missing, problem in (
            (not service.description, Problem("description", "Describe what the customer gets.")),
            (not service.category, Problem("category", "Choose a category.")),
            (service.price is None, Problem("price", "Name the price.")),
            (needs_place, Problem("mode", "Say in your profile where you work first.")),
            (needs_radius, Problem("mode", "Say in your profile how far you travel first.")),
        )
        if missing
    ]


def must_be_ready(service: Service, provider: Provider) -> None:
    """Pass if customers may see it. Raises `NotReady` with everything that is missing."""
    if problems := lacking(service, provider):
        raise NotReady(problems)


def writes(former: Row[Service] | None, service: Service, *facts: Fact, actor: Actor, at: datetime) -> list[Write]:
    """What commits the service as decided, with its events. `former` is None for a new one."""
    version = (former.version if former else 0) + 1
    previous = differences(former.value, service) if former else {}
    put = Put(
        key=service_key(service.provider_id, service.service_id),
        value=service,
        index=indexed(service),
        counters=former.counters if former else {},
        expected=former.unchanged if former else ABSENT,
        otherwise=EditedMeanwhile() if former else IdReused(field="service_id"),
    )
    home = ServiceHome(service_id=service.service_id, provider_id=service.provider_id)
    homed = (
        []
        if former
        else [
            Put(
                key=service_home_key(service.service_id),
                value=home,
                expected=ABSENT,
                otherwise=IdReused(field="service_id"),
            )
        ]
    )
    aggregate = service_timeline(service.service_id)
    return [
        put,
        *homed,
        *(
            announce(fact, aggregate=aggregate, sequence=version, actor=actor, at=at, previous=previous)
            for fact in facts
        ),
    ]


def indexed(service: Service) -> Mapping[Index, Key]:
    """Where the service stands in the indexes."""
    return {
        Index.SLUG: slug_index(SlugKind.SERVICE, service.slug, service.service_id),
        Index.STATUS: status_index("SERVICE", service.status, sortable(service.created_at), service.service_id),
    }


def wished(service: Service | None, became: Service, fields: ServiceFields) -> Wish | None:
    """The addresses wanted: the one chosen, or those made from a title that is new. None to keep what there is."""
    if isinstance(fields.slug, str):
        slug = fields.slug.strip().lower()
        if service is not None and service.slug == slug:
            return None
        return Wish(
            kind=SlugKind.SERVICE, candidates=(slug,), provider_id=became.provider_id, service_id=became.service_id
        )
    if service is not None and service.title == became.title:
        return None
    return derived(SlugKind.SERVICE, became.title, provider_id=became.provider_id, service_id=became.service_id)


def _given(fields: ServiceFields) -> Mapping[str, Any]:
    """The fields that were given, without the address, which is taken and not merely written."""
    return {
        name: value
        for name in fields.__struct_fields__
        if name != "slug" and (value := getattr(fields, name)) is not UNSET
    }


def _check_notice(findings: Findings, service: Service) -> None:
    if service.notice_min >= service.horizon_days * 24 * 60:
        findings.note("notice_min", "The notice is as long as the booking horizon: nothing could be booked.")


@dataclass(frozen=True, slots=True)
class Services:
    """Loads services, and commits what their providers' owners and operators do to them."""

    table: Table
    clock: Clock

    async def load(self, provider_id: str, service_id: str) -> Row[Service]:
        """The service as stored. Raises `ServiceUnknown`."""
        row = await self.table.get(service_key(provider_id, service_id), Service)
        if row is None:
            raise ServiceUnknown(field="service_id")
        return row

    async def find(self, service_id: str) -> ServiceFound:
        """The service and its provider, when only the service's id is known. Raises `ServiceUnknown`."""
        home = await self.table.get(service_home_key(service_id), ServiceHome)
        if home is None:
            raise ServiceUnknown(field="service_id")
        return ServiceFound(
            service=await self.load(home.value.provider_id, service_id),
            provider=await self._providers.load(home.value.provider_id),
            moved=False,
        )

    async def by_slug(self, slug: str) -> ServiceFound:
        """The service that answers to the address, now or formerly. Raises `SlugUnknown`."""
        held = await Slugs(self.table).lookup(SlugKind.SERVICE, slug)
        assert held.service_id is not None
        row = await self.load(held.provider_id, held.service_id)
        return ServiceFound(
            service=row, provider=await self._providers.load(held.provider_id), moved=row.value.slug != slug
        )

    async def offered(self, service_id: str) -> Offered:
        """The service, if it may be booked: published, and its provider active. Raises `NotOffered`."""
        found = await self.find(service_id)
        on_offer = found.service.value.status is ServiceStatus.PUBLISHED
        if not (on_offer and found.provider.value.status is ProviderStatus.ACTIVE):
            raise NotOffered(field="service_id")
        return Offered(service=found.service, provider=found.provider)

    async def of(self, provider_id: str) -> list[Row[Service]]:
        """All services of the provider, oldest first; there are at most `SERVICES_MAX`."""
        page = await self.table.query(
            provider_key(provider_id).partition, Service, prefix="SERVICE#", limit=SERVICES_MAX
        )
        return list(page.rows)

    async def with_status(self, status: ServiceStatus, *, after: str = "", limit: int = 50) -> Page[Service]:
        """Services of that status, oldest first. Of an index, so what just changed may be missing."""
        return await by_status(self.table, "SERVICE", status, Service, after=after, limit=limit)

    async def draft(self, request: DraftService, actor: Actor) -> Row[Service]:
        """Make a service, as a draft. The same request again returns the first outcome.

        Raises `IdReused`, `FieldsRefused`, `Denied`, `SlugTaken`, `TooManyServices`.
        """
        earlier = await self.table.get(service_home_key(request.service_id), ServiceHome)
        if earlier is not None:
            return await self._first_outcome(earlier.value, actor, request)
        provider = await self._providers.kept(request.provider_id, actor)
        if len(await self.of(request.provider_id)) >= SERVICES_MAX:
            raise TooManyServices
        at = self.clock.now()
        service = drafted(request, actor, at=at)
        for left in reversed(range(ATTEMPTS)):
            try:
                wish = wished(None, service, request.fields)
                assert wish is not None
                slug, taken = await Slugs(self.table).take(wish, at=at)
                named = replace(service, slug=slug)
                fact = events.ServiceDrafted(
                    service_id=named.service_id, provider_id=named.provider_id, title=named.title
                )
                await self.table.transact(*writes(None, named, fact, actor=actor, at=at), *taken, _unchanged(provider))
            except SlugTaken:
                # Somebody took the derived address in between: the next attempt derives another.
                if not left or request.fields.slug is not UNSET:
                    raise
            else:
                return Row(
                    key=service_key(named.provider_id, named.service_id), value=named, version=1, index=indexed(named)
                )
        raise AssertionError

    async def edit(
        self, service_id: str, fields: ServiceFields, actor: Actor, *, version: int | None = None
    ) -> Row[Service]:
        """Edit the service. `version` is the one the person looked at; None edits whatever is there now.

        Raises `EditedMeanwhile`, `FieldsRefused`, `NotReady`, `SlugTaken`, `Denied`.
        """
        for left in reversed(range(ATTEMPTS)):
            row, provider = await self.kept(service_id, actor, version)
            at = self.clock.now()
            became = edited(row.value, fields, provider.value, at=at)
            try:
                became, taken = await self._addressed(row.value, became, fields, at=at)
                if became == row.value:
                    return row
                fact = events.ServiceChanged(
                    service_id=service_id,
                    provider_id=row.value.provider_id,
                    changed=tuple(differences(row.value, became)),
                )
                return await self.commit(row, became, fact, *taken, provider=provider, actor=actor, at=at)
            except SlugTaken:
                if not left or fields.slug is not UNSET:
                    raise
        raise AssertionError

    @property
    def _providers(self) -> Providers:
        return Providers(self.table, self.clock)

    async def kept(
        self, service_id: str, actor: Actor, version: int | None = None
    ) -> tuple[Row[Service], Row[Provider]]:
        found = await self.find(service_id)
        found.provider.value.must_be_kept_by(actor)
        if version is not None and version != found.service.version:
            raise EditedMeanwhile
        return found.service, found.provider

    async def _addressed(
        self, service: Service, became: Service, fields: ServiceFields, *, at: datetime
    ) -> tuple[Service, list[Put]]:
        """The edited service under its address, and the write that takes it, if it changes."""
        wish = wished(service, became, fields)
        if wish is None:
            return became, []
        slug, taken = await Slugs(self.table).take(wish, at=at)
        if taken and service.slugs >= RENAMES_MAX:
            if fields.slug is UNSET:
                return became, []
            raise Invalid(f"A service has at most {RENAMES_MAX} addresses over time.", field="slug")
        return replace(became, slug=slug, slugs=service.slugs + len(taken), updated_at=at), taken

    async def _first_outcome(self, home: ServiceHome, actor: Actor, request: DraftService) -> Row[Service]:
        row = await self.load(home.provider_id, home.service_id)
        if (row.value.made_by, row.value.made_from) != (actor.actor_id, digest(request)):
            raise IdReused(field="service_id")
        return row

    async def commit(
        self,
        row: Row[Service],
        became: Service,
        fact: Fact,
        *others: Write,
        provider: Row[Provider],
        actor: Actor,
        at: datetime,
    ) -> Row[Service]:
        await self.table.transact(*writes(row, became, fact, actor=actor, at=at), *others, _unchanged(provider))
        return replace(row, value=became, version=row.version + 1, index=indexed(became))


def _unchanged(provider: Row[Provider]) -> Check:
    # Who owns the provider, and whether it is barred, was decided on this row.
    return Check(key=provider.key, expected=provider.unchanged, otherwise=EditedMeanwhile())
