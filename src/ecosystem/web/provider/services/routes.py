"""What the provider offers: the list, a new service, its form, and whether it is on offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.catalogue import (
    DraftService,
    EditedMeanwhile,
    FieldsRefused,
    Media,
    ProviderId,
    Service,
    ServiceId,
    ServiceStatus,
    ServiceUnknown,
    categories,
    service_lacks,
)
from ecosystem.kernel import ids, rates
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Row
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.provider.meanwhile import Difference, meanwhile
from ecosystem.web.provider.photos.album import album
from ecosystem.web.provider.services.forms import (
    BUFFERS,
    LABELS,
    NOTICES,
    ServiceForm,
    amount_like,
    category_choices,
    currency_choices,
    horizons,
    lengths,
    new,
    opened,
)
from ecosystem.web.service.terms import Terms, terms
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

LIST = "provider/services/list.html"
EDIT = "provider/services/edit.html"
FORM = "provider/services/_form.html"
ORDER = [ServiceStatus.PUBLISHED, ServiceStatus.DRAFT, ServiceStatus.CLOSED]


class Share(Struct, kw_only=True):
    """A price that is being typed."""

    price: Annotated[str, Meta(max_length=24)] = ""
    currency: Annotated[str, Meta(max_length=3)] = "EUR"


class Listed(Struct, frozen=True, kw_only=True):
    """A service in the list. `lacks` are reasons why a draft cannot be published yet."""

    service: Service
    category: str
    cover: Media | None
    lacks: Sequence[str]


@get("/provider/services")
async def show(request: Visit) -> Answer:
    """Every service: those on offer first, then drafts, then what was closed."""
    here = await area(request)
    services = [row.value for row in await request.market.services.of(here.provider_id)]
    services.sort(key=lambda service: (ORDER.index(service.status), service.title.casefold()))
    covers = await _covers(request, services)
    return here.page(LIST, services=[_listed(here, service, covers) for service in services])


@get("/provider/services/new")
async def begin(request: Visit) -> Answer:
    """An empty form."""
    here = await area(request)
    form = new(request.kit.site.currency, service_id=mint("svc", request.at, request.kit.entropy))
    return here.page(EDIT, **await around(here, form, None))


@post("/provider/services/new")
async def draft(request: Visit) -> Answer:
    """Make the service, as a draft; asked to, publish it at once."""
    here, form = await area(request), await request.form_of(ServiceForm)
    try:
        row = await drafted(here, form)
    except Refusal as no:
        return here.again(EDIT, FORM, form.refused(no), **_but_form(await around(here, form.refused(no), None)))
    to = f"/provider/services/{row.value.service_id}"
    if form.asked.act == "publish":
        return await _publish(here, row.value, to)
    return request.redirect(to, toast=Toast(text="Saved as a draft. Only you see it until you publish it."))


@get("/provider/services/share")
async def share(request: Visit) -> Answer:
    """What of a price is the provider's, while it is being typed."""
    asked = request.query_of(Share)
    money = _typed(asked)
    return request.fragment("provider/services/_share.html", share=await _share(request, money) if money else None)


@get("/provider/services/{service_id:str}")
async def edit(request: Visit, service_id: FromPath[str]) -> Answer:
    """The form of one service, with its photographs and whether it is on offer."""
    here = await area(request)
    row = await theirs(here, service_id)
    form = opened(row.value, version=row.version, currency=request.kit.site.currency)
    return here.page(EDIT, **await around(here, form, row))


@post("/provider/services/{service_id:str}")
async def keep(request: Visit, service_id: FromPath[str]) -> Answer:
    """Save what was edited."""
    here, form = await area(request), await request.form_of(ServiceForm)
    row = await theirs(here, service_id)
    try:
        asked = form.asked
        await request.market.services.edit(service_id, asked.fields, request.actor, version=asked.version or None)
    except Refusal as no:
        said = form.refused(no)
        changed: Sequence[Difference] = ()
        if isinstance(no, EditedMeanwhile):
            row = await theirs(here, service_id)
            said, changed = meanwhile(said, opened(row.value, version=row.version), LABELS)
        return here.again(EDIT, FORM, said, **_but_form(await around(here, said, row, changed=changed)))
    return request.redirect(f"/provider/services/{service_id}", toast=Toast(text="Saved."))


@post("/provider/services/{service_id:str}/publish")
async def publish(request: Visit, service_id: FromPath[str]) -> Answer:
    """Put it on offer."""
    here = await area(request)
    row = await theirs(here, service_id)
    return await _publish(here, row.value, f"/provider/services/{service_id}")


@post("/provider/services/{service_id:str}/close")
async def close(request: Visit, service_id: FromPath[str]) -> Answer:
    """Take it off offer; bookings stand."""
    here = await area(request)
    row = await theirs(here, service_id)
    await request.market.publishing.close(service_id, request.actor)
    said = f"{row.value.title} is closed: nobody can book it any more. Bookings you have stand."
    undo = f"/provider/services/{service_id}/publish" if row.value.status is ServiceStatus.PUBLISHED else ""
    return request.redirect("/provider/services", toast=Toast(text=said, undo=undo))


async def theirs(here: Area, service_id: str) -> Row[Service]:
    """The service, if it is this provider's. Raises `ServiceUnknown` for another's, and for none."""
    try:
        ids.check("svc", service_id)
    except Invalid:
        raise ServiceUnknown(field="service_id") from None
    return await here.request.market.services.load(here.provider_id, service_id)


async def drafted(here: Area, form: Form[ServiceForm]) -> Row[Service]:
    """The service that the form asks for; sent twice, it is made once."""
    asked = form.asked
    request = DraftService(
        service_id=ServiceId(asked.service_id), provider_id=ProviderId(here.provider_id), fields=asked.fields
    )
    return await here.request.market.services.draft(request, here.request.actor)


async def around(
    here: Area, form: Form[ServiceForm], row: Row[Service] | None, *, changed: Sequence[Difference] = ()
) -> dict[str, Any]:
    """What the form shows, and what stands around it."""
    request = here.request
    service = row.value if row else None
    money = _typed(forms.decode(Share, [(n, form.text(n)) for n in ("price", "currency")]))
    return {
        "form": form,
        "service": service,
        "changed": changed,
        "categories": category_choices(),
        "currencies": currency_choices(form, request.kit.site.currency),
        "amount_like": amount_like(form.text("currency")),
        "befores": lengths(form, "buffer_before_min", BUFFERS, "None"),
        "afters": lengths(form, "buffer_after_min", BUFFERS, "None"),
        "notices": lengths(form, "notice_min", NOTICES, "None: until the last minute"),
        "horizons": horizons(form),
        "policies": await _policies(request),
        "share": await _share(request, money) if money else None,
        "lacks": service_lacks(service, here.provider) if service else [],
        "album": await album(request, service, service.service_id, back=f"/provider/services/{service.service_id}")
        if service
        else None,
    }


def _but_form(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "form"}


def _listed(here: Area, service: Service, covers: dict[str, Media]) -> Listed:
    tree = categories()
    return Listed(
        service=service,
        category=tree.get(service.category).title if service.category in tree else "",
        cover=covers.get(service.media[0]) if service.media else None,
        lacks=[problem.reason for problem in service_lacks(service, here.provider)],
    )


async def _covers(request: Visit, services: Sequence[Service]) -> dict[str, Media]:
    found: dict[str, Media] = {}
    wanted = [service.media[0] for service in services if service.media]
    for start in range(0, len(wanted), 100):
        found |= dict(await request.market.media.find(wanted[start : start + 100]))
    return found


async def _policies(request: Visit) -> Sequence[tuple[str, str, str]]:
    """Each cancellation policy by name, title, and what it gives back, as the one says it who grants it."""
    return [
        (policy.name, policy.name.capitalize(), " ".join(_granted(terms(policy))))
        for policy in await request.market.policies.all()
    ]


def _granted(said: Terms) -> Sequence[str]:
    """The sentences of the terms, spoken to the provider; the last, of who does not come, stands above them all."""
    return [sentence.replace("you paid", "they paid") for sentence in said.sentences[:-1]]


async def _publish(here: Area, service: Service, to: str) -> Answer:
    request = here.request
    try:
        await request.market.publishing.publish(service.service_id, request.actor)
    except FieldsRefused as no:
        row = await theirs(here, service.service_id)
        form = opened(row.value, version=row.version, currency=request.kit.site.currency).refused(no)
        return here.page(EDIT, status=422, **await around(here, form, row))
    live = here.provider.status == "active"
    said = f"{service.title} is on offer." if live else f"{service.title} is ready: it is on offer once you are live."
    undo = f"/provider/services/{service.service_id}/close" if service.status is not ServiceStatus.PUBLISHED else ""
    return request.redirect(to, toast=Toast(text=said, undo=undo))


class Kept(Struct, frozen=True, kw_only=True):
    """How a price is divided. `guest` is what a guest pays, `bps` the share in basis points."""

    price: Money
    share: Money
    guest: Money
    percent: str


async def _share(request: Visit, price: Money) -> Kept:
    current = await request.market.tariff.current()
    step = request.market.ports.cards.step(price.currency).minor
    return Kept(
        price=price,
        share=rates.quote(price, current, guest=False).provider_share,
        guest=rates.quote(price, current, guest=True, step=step).total,
        percent=f"{current.provider_share_bps / 100:g}",
    )


def _typed(form: Form[Share]) -> Money | None:
    """The amount that was typed so far, if it is one."""
    if form.value is None:
        return None
    try:
        return ServiceForm(title="...", price=form.value.price, currency=form.value.currency).money()
    except Invalid:
        return None
