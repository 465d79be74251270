"""Providers and their services: by status, and one provider with balances, bookings, services, and standing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.catalogue import Provider, ProviderStatus, ServiceStatus, categories, provider_lacks
from ecosystem.contexts.identity import NoSuchPerson, Person
from ecosystem.contexts.ledger import chart
from ecosystem.journeys.happenings import aggregate
from ecosystem.kernel.refusals import Invalid, NotFound, Refusal
from ecosystem.ports.table import Row
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.listed import rows
from ecosystem.web.console.bookings.story import told
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.forms import Form
from ecosystem.web.provider.payouts.page import drawn
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 25
BOOKINGS = 10
SINCE = timedelta(days=7)


class Asked(Struct, frozen=True, kw_only=True):
    status: ProviderStatus = ProviderStatus.ACTIVE
    after: Annotated[str, Meta(max_length=300)] = ""


class AskedServices(Struct, frozen=True, kw_only=True):
    status: ServiceStatus = ServiceStatus.PUBLISHED
    after: Annotated[str, Meta(max_length=300)] = ""


class Why(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=500)]


@get("/console/providers")
async def listed(request: Visit) -> Answer:
    """Providers of a status, the oldest first."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    page = await request.market.providers.with_status(asked.status, after=asked.after, limit=PAGE)
    return at_desk.page(
        "providers/list.html",
        providers=page.values,
        statuses=list(ProviderStatus),
        chosen=asked.status,
        query={"status": asked.status},
        after=asked.after,
        next_after=page.next or "",
    )


@get("/console/services")
async def services(request: Visit) -> Answer:
    """Services of a status, the oldest first, with whose they are."""
    asked = request.query_of(AskedServices).asked
    at_desk = await desk(request)
    page = await request.market.services.with_status(asked.status, after=asked.after, limit=PAGE)
    names: dict[str, str] = {}
    for service in page.values:
        if service.provider_id not in names:
            names[service.provider_id] = (await request.market.providers.load(service.provider_id)).value.name
    return at_desk.page(
        "providers/services.html",
        services=page.values,
        names=names,
        titles=_titles(),
        statuses=list(ServiceStatus),
        chosen=asked.status,
        query={"status": asked.status},
        after=asked.after,
        next_after=page.next or "",
    )


@get("/console/services/{service_id:str}")
async def service(request: Visit, service_id: FromPath[str]) -> Answer:
    """The way to a service: the page of its provider, where it is listed."""
    found = await request.market.services.find(service_id)
    return request.redirect(f"/console/providers/{found.provider.value.provider_id}#{service_id}")


@get("/console/providers/{provider_id:str}")
async def show(request: Visit, provider_id: FromPath[str]) -> Answer:
    """One provider."""
    return await _shown(request, provider_id)


@post("/console/providers/{provider_id:str}/payouts")
async def ask_payouts(request: Visit, provider_id: FromPath[str]) -> Answer:
    """Ask the payment processor how the provider's payout account stands; open one if none was asked for."""
    accounts = request.market.payout_accounts
    try:
        await accounts.request(provider_id, request.actor)
        await accounts.ask(provider_id, request.actor)
    except Refusal as no:
        return await _shown(request, provider_id, refusal=no)
    return request.redirect(f"/console/providers/{provider_id}", toast=Toast(text="Asked. This is how it stands."))


@post("/console/providers/{provider_id:str}/approve")
async def approve(request: Visit, provider_id: FromPath[str]) -> Answer:
    """List the provider."""
    return await _moved(request, provider_id, request.market.standings.approve, "{name} is listed now.")


@post("/console/providers/{provider_id:str}/reinstate")
async def reinstate(request: Visit, provider_id: FromPath[str]) -> Answer:
    """Let a suspended provider back."""
    return await _moved(request, provider_id, request.market.standings.reinstate, "{name} is back.")


@post("/console/providers/{provider_id:str}/suspend")
async def suspend(request: Visit, provider_id: FromPath[str]) -> Answer:
    """Take the provider off the market; undone by reinstating."""
    return await _reasoned(request, provider_id, "suspending", request.market.standings.suspend)


@post("/console/providers/{provider_id:str}/send-back")
async def send_back(request: Visit, provider_id: FromPath[str]) -> Answer:
    """Ask the owner to change something first."""
    return await _reasoned(request, provider_id, "returning", request.market.standings.send_back)


@post("/console/services/{service_id:str}/close")
async def close(request: Visit, service_id: FromPath[str]) -> Answer:
    """Take a service off offer; undone by publishing it again."""
    row = await request.market.publishing.close(service_id, request.actor)
    toast = Toast(text=f"{row.value.title} is off offer.", undo=f"/console/services/{service_id}/publish")
    return request.redirect(f"/console/providers/{row.value.provider_id}", toast=toast)


@post("/console/services/{service_id:str}/publish")
async def publish(request: Visit, service_id: FromPath[str]) -> Answer:
    """Put a service on offer again."""
    row = await request.market.publishing.publish(service_id, request.actor)
    toast = Toast(text=f"{row.value.title} is on offer.")
    return request.redirect(f"/console/providers/{row.value.provider_id}", toast=toast)


async def _moved(
    request: Visit, provider_id: str, act: Callable[[str, Any], Awaitable[Row[Provider]]], said: str
) -> Answer:
    try:
        row = await act(provider_id, request.actor)
    except NotFound:
        raise
    except Refusal as no:
        return await _shown(request, provider_id, refusal=no)
    text = request.kit.templates.words.say(said, name=row.value.name)
    return request.redirect(f"/console/providers/{provider_id}", toast=Toast(text=text))


async def _reasoned(
    request: Visit, provider_id: str, name: str, act: Callable[[str, str, Any], Awaitable[Row[Provider]]]
) -> Answer:
    form = await request.form_of(Why)
    try:
        row = await act(provider_id, form.asked.reason, request.actor)
    except NotFound:
        raise
    except Refusal as no:
        return await _shown(request, provider_id, refusal=no, **{name: form.refused(no)})
    suspended = row.value.status is ProviderStatus.SUSPENDED
    toast = Toast(
        text=f"{row.value.name} is off the market."
        if suspended
        else f"{row.value.name} was asked to change something.",
        undo=f"/console/providers/{provider_id}/reinstate" if suspended else "",
    )
    return request.redirect(f"/console/providers/{provider_id}", toast=toast)


async def _shown(request: Visit, provider_id: str, *, refusal: Refusal | None = None, **refused: Form[Any]) -> Answer:
    """The page of a provider, with what was said against an act."""
    market, actor = request.market, request.actor
    provider = (await market.providers.load(provider_id)).value
    at_desk = await desk(request)
    bookings = await market.bookings.of_provider(
        provider_id, actor, owner_id=provider.owner_id or "", since=request.at - SINCE, limit=BOOKINGS
    )
    accounts = {
        name: chart.provider(provider_id, name) for name in {request.kit.site.currency, *at_desk.now.within("money:")}
    }
    positions = await market.ledger.positions(list(accounts.values()))
    events = await market.happenings.about(aggregate(provider_id), actor)
    return at_desk.page(
        "providers/detail.html",
        status=status_of(refusal) if refusal else 200,
        provider=provider,
        owner=await _owner(request, provider),
        refusal=refusal if not refused else None,
        lacks=provider_lacks(provider),
        rating=await market.providers.rating(provider_id),
        services=[row.value for row in await market.services.of(provider_id)],
        titles=_titles(),
        balances=[(name, account, positions[account]) for name, account in accounts.items() if account in positions],
        rows=await rows(request, bookings.values),
        events=[told(event) for event in reversed(events.values)],
        paid_out=drawn(await market.payout_accounts.of(provider_id, actor)),
        suspending=refused.get("suspending", forms.blank(Why)),
        returning=refused.get("returning", forms.blank(Why)),
    )


async def _owner(request: Visit, provider: Provider) -> Person | None:
    if not provider.owner_id:
        return None
    try:
        return await request.market.identity.people.person(provider.owner_id, request.actor)
    except (NoSuchPerson, Invalid):
        return None


def _titles() -> dict[str, str]:
    return {slug: category.title for slug, category in categories().by_slug.items()}
