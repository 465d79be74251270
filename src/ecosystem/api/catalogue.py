"""Providers and services: shown to everybody, kept by their owners, listed by operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.api.identity import user_of
from ecosystem.api.plain import After, Limit, connection, maybe, policy
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.api.search import document
from ecosystem.contexts.catalogue import (
    DraftService,
    Media,
    NotOffered,
    Provider,
    ProviderFields,
    ProviderStatus,
    ProviderUnknown,
    RegisterProvider,
    Service,
    ServiceFields,
    ServiceStatus,
)
from ecosystem.contexts.catalogue import categories as tree
from ecosystem.journeys.onboarding import Progress
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.search import Document
from ecosystem.ports.table import Row

ROOTS = Roots()
PUBLIC = frozenset({ProviderStatus.ACTIVE, ProviderStatus.PAUSED})

Slug = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=2_000)]


class OneService(Struct, frozen=True, kw_only=True):
    service_id: str | None = None
    slug: Slug | None = None


class OneProvider(Struct, frozen=True, kw_only=True):
    provider_id: str | None = None
    slug: Slug | None = None


class OfProvider(Struct, frozen=True, kw_only=True):
    provider_id: str


class OfService(Struct, frozen=True, kw_only=True):
    """`version` is the one looked at; None acts upon whatever is there now."""

    service_id: str
    version: int | None = None


class EditProvider(Struct, frozen=True, kw_only=True):
    provider_id: str
    fields: ProviderFields
    version: int | None = None


class EditService(Struct, frozen=True, kw_only=True):
    service_id: str
    fields: ServiceFields
    version: int | None = None


class WithReason(Struct, frozen=True, kw_only=True):
    provider_id: str
    reason: Words


class ProvidersInStatus(Struct, frozen=True, kw_only=True):
    status: ProviderStatus
    limit: Limit = 25
    after: After = ""


@ROOTS.query
async def categories(_: Ask) -> list[Plain]:
    return [{"slug": each.slug, "title": each.title, "parent": each.parent} for each in tree().by_slug.values()]


@ROOTS.query
async def service(ask: Ask, request: OneService) -> Plain:
    services = ask.market.services
    if request.service_id:
        found = await services.find(request.service_id)
    elif request.slug:
        found = await services.by_slug(request.slug)
    else:
        raise Invalid("Say which service: by its id or its slug.", field="service_id")
    kept, provider = found.service.value, found.provider.value
    if not (kept.status is ServiceStatus.PUBLISHED and provider.status is ProviderStatus.ACTIVE):
        _must_keep(provider, ask.actor, NotOffered(field="service_id"))
    return await told_service(ask, found.service, found.provider, moved=found.moved)


@ROOTS.query
async def provider(ask: Ask, request: OneProvider) -> Plain:
    providers, moved = ask.market.providers, False
    if request.provider_id:
        row = await providers.load(request.provider_id)
    elif request.slug:
        found = await providers.by_slug(request.slug)
        row, moved = found.row, found.moved
    else:
        raise Invalid("Say which provider: by its id or its slug.", field="provider_id")
    if row.value.status not in PUBLIC:
        _must_keep(row.value, ask.actor, ProviderUnknown(field="provider_id"))
    return await told_provider(ask, row, moved=moved)


@ROOTS.query
async def my_providers(ask: Ask) -> list[Plain]:
    return [await told_provider(ask, row) for row in await ask.market.providers.owned_by(ask.actor.actor_id)]


@ROOTS.query
async def provider_services(ask: Ask, request: OfProvider) -> list[Plain]:
    kept = await ask.market.providers.kept(request.provider_id, ask.actor)
    return [await told_service(ask, row, kept) for row in await ask.market.services.of(request.provider_id)]


@ROOTS.query
async def onboarding(ask: Ask, request: OfProvider) -> Plain:
    return await _progress(ask, await ask.market.onboarding.progress(request.provider_id, ask.actor))


@ROOTS.query
async def providers_in_status(ask: Ask, request: ProvidersInStatus) -> Plain:
    page = await ask.market.oversight.providers(request.status, ask.actor, after=request.after, limit=request.limit)
    inner = ask.within("nodes")
    return connection([await told_provider(inner, row) for row in page.rows], page.next)


@ROOTS.mutation
async def register_provider(ask: Ask, request: RegisterProvider) -> Plain:
    for_others = request.owner_email is not None or request.owner_id not in {None, ask.actor.actor_id}
    register = ask.market.providers.register if for_others else ask.market.onboarding.begin
    return await told_provider(ask, await register(request, ask.actor))


@ROOTS.mutation
async def edit_provider(ask: Ask, request: EditProvider) -> Plain:
    row = await ask.market.providers.edit(request.provider_id, request.fields, ask.actor, version=request.version)
    return await told_provider(ask, row)


@ROOTS.mutation
async def go_live(ask: Ask, request: OfProvider) -> Plain:
    return await _progress(ask, await ask.market.onboarding.go_live(request.provider_id, ask.actor))


@ROOTS.mutation
async def submit_provider(ask: Ask, request: OfProvider) -> Plain:
    return await told_provider(ask, await ask.market.standings.submit(request.provider_id, ask.actor))


@ROOTS.mutation
async def pause_provider(ask: Ask, request: OfProvider) -> Plain:
    return await told_provider(ask, await ask.market.standings.pause(request.provider_id, ask.actor))


@ROOTS.mutation
async def resume_provider(ask: Ask, request: OfProvider) -> Plain:
    return await told_provider(ask, await ask.market.standings.resume(request.provider_id, ask.actor))


@ROOTS.mutation
async def claim_provider(ask: Ask, request: OfProvider) -> Plain:
    user_of(ask)
    return await told_provider(ask, await ask.market.onboarding.claim(request.provider_id, ask.actor))


@ROOTS.mutation
async def approve_provider(ask: Ask, request: OfProvider) -> Plain:
    return await told_provider(ask, await ask.market.standings.approve(request.provider_id, ask.actor))


@ROOTS.mutation
async def send_back_provider(ask: Ask, request: WithReason) -> Plain:
    return await told_provider(
        ask, await ask.market.standings.send_back(request.provider_id, request.reason, ask.actor)
    )


@ROOTS.mutation
async def suspend_provider(ask: Ask, request: WithReason) -> Plain:
    return await told_provider(ask, await ask.market.standings.suspend(request.provider_id, request.reason, ask.actor))


@ROOTS.mutation
async def reinstate_provider(ask: Ask, request: OfProvider) -> Plain:
    return await told_provider(ask, await ask.market.standings.reinstate(request.provider_id, ask.actor))


@ROOTS.mutation
async def draft_service(ask: Ask, request: DraftService) -> Plain:
    return await _own_service(ask, await ask.market.services.draft(request, ask.actor))


@ROOTS.mutation
async def edit_service(ask: Ask, request: EditService) -> Plain:
    row = await ask.market.services.edit(request.service_id, request.fields, ask.actor, version=request.version)
    return await _own_service(ask, row)


@ROOTS.mutation
async def publish_service(ask: Ask, request: OfService) -> Plain:
    row = await ask.market.publishing.publish(request.service_id, ask.actor, version=request.version)
    return await _own_service(ask, row)


@ROOTS.mutation
async def close_service(ask: Ask, request: OfService) -> Plain:
    row = await ask.market.publishing.close(request.service_id, ask.actor, version=request.version)
    return await _own_service(ask, row)


async def told_service(ask: Ask, row: Row[Service], owner: Row[Provider], *, moved: bool = False) -> Plain:
    """A service, with what was wanted around it."""
    kept, titles = row.value, tree()
    told: Plain = {
        "serviceId": kept.service_id,
        "providerId": kept.provider_id,
        "slug": kept.slug,
        "title": kept.title,
        "description": kept.description,
        "category": kept.category,
        "categoryTitles": [each.title for each in titles.path(kept.category)] if kept.category in titles else [],
        "price": maybe(kept.price),
        "durationMin": kept.duration_min,
        "mode": kept.mode,
        "capacity": kept.capacity,
        "bufferBeforeMin": kept.buffer_before_min,
        "bufferAfterMin": kept.buffer_after_min,
        "noticeMin": kept.notice_min,
        "horizonDays": kept.horizon_days,
        "instant": kept.instant,
        "policyName": kept.policy,
        "status": kept.status,
        "moved": moved,
        "version": row.version,
        "createdAt": kept.created_at,
        "updatedAt": kept.updated_at,
        "publishedAt": kept.published_at,
    }
    if ask.wants("policy"):
        told["policy"] = policy(await ask.market.policies.current(kept.policy))
    if ask.wants("pictures"):
        told["pictures"] = await _pictures(ask, kept.media or owner.value.media)
    if ask.wants("provider"):
        told["provider"] = await told_provider(ask.within("provider"), owner)
    return told


async def told_provider(ask: Ask, row: Row[Provider], *, moved: bool = False) -> Plain:
    """A provider, with what was wanted around it. What is the owner's to know is told to nobody else."""
    kept, place = row.value, row.value.location
    is_kept = _keeps(kept, ask.actor)
    told: Plain = {
        "providerId": kept.provider_id,
        "slug": kept.slug,
        "name": kept.name,
        "headline": kept.headline,
        "biography": kept.biography,
        "location": place and {"lat": place.lat, "lon": place.lon, "place": place.place, "zone": place.zone},
        "radiusKm": kept.radius_km,
        "languages": kept.languages,
        "badges": kept.badges,
        "status": kept.status,
        "moved": moved,
        "ownerId": kept.owner_id if is_kept else None,
        "reason": kept.reason if is_kept else None,
        "version": row.version if is_kept else None,
        "createdAt": kept.created_at,
        "updatedAt": kept.updated_at,
    }
    if ask.wants("rating"):
        rating = await ask.market.providers.rating(kept.provider_id)
        told["rating"] = {"mean": rating.mean, "count": rating.count}
    if ask.wants("pictures"):
        told["pictures"] = await _pictures(ask, kept.media)
    if ask.wants("services"):
        told["services"] = [
            document(each) for each in await ask.market.shelf.entries(kept.provider_id) if isinstance(each, Document)
        ]
    return told


async def _own_service(ask: Ask, row: Row[Service]) -> Plain:
    return await told_service(ask, row, await ask.market.providers.load(row.value.provider_id))


async def _pictures(ask: Ask, names: Sequence[str]) -> list[Plain]:
    found = await ask.market.media.find(names)
    return [picture(found[name]) for name in names if name in found]


def picture(media: Media) -> Plain:
    return {
        "mediaId": media.media_id,
        "alt": media.alt,
        "width": media.width,
        "height": media.height,
        "sizes": [
            {"width": size.width, "height": size.height, "path": f"/media/{media.media_id}/{size.width}.webp"}
            for size in media.sizes
        ],
    }


async def _progress(ask: Ask, progress: Progress) -> Plain:
    service = progress.service
    return {
        "provider": await told_provider(ask.within("provider"), progress.provider),
        "service": await told_service(ask.within("service"), service, progress.provider) if service else None,
        "isLive": progress.is_live,
        "next": progress.next,
        "lacks": [{"step": lack.step, "field": lack.field, "reason": lack.reason} for lack in progress.lacks],
    }


def _keeps(kept: Provider, actor: Actor) -> bool:
    return actor.is_operator or (kept.owner_id is not None and kept.owner_id == actor.actor_id)


def _must_keep(kept: Provider, actor: Actor, otherwise: NotOffered | ProviderUnknown) -> None:
    """What is not public does not exist for whoever does not keep it."""
    try:
        kept.must_be_kept_by(actor)
    except Denied:
        raise otherwise from None
