"""The public profile: who the provider is, where they work, their address, their photographs, and whether they take bookings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ecosystem.contexts.catalogue import EditedMeanwhile, Provider
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import Row
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider import zones
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.provider.meanwhile import Difference, meanwhile
from ecosystem.web.provider.photos.album import album
from ecosystem.web.provider.profile.forms import About, Address, Place, about, place, spoken
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

T = TypeVar("T", About, Place, Address)

PAGE = "provider/profile/page.html"
ABOUT = {"name": "Name", "headline": "Headline", "biography": "About you", "languages": "Languages"}
PLACE = {"place": "Place", "point": "Point on the map", "zone": "Time zone", "radius_km": "Radius"}


@get("/provider/profile")
async def show(request: Visit) -> Answer:
    """The whole profile, each part a form of its own."""
    here = await area(request)
    return here.page(PAGE, **await _parts(here, here.row))


@post("/provider/profile/about")
async def tell(request: Visit) -> Answer:
    """Name, headline, biography, languages."""
    here, form = await area(request), await request.form_of(About)
    return await _saved(here, form, "_about", lambda row: about(row.value, version=row.version), ABOUT)


@post("/provider/profile/place")
async def settle(request: Visit) -> Answer:
    """Where they work, and how far they travel."""
    here, form = await area(request), await request.form_of(Place)
    return await _saved(
        here, form, "_place", lambda row: place(row.value, zone=request.zone, version=row.version), PLACE
    )


@post("/provider/profile/address")
async def readdress(request: Visit) -> Answer:
    """Another address for the page; the former leads on to it."""
    here, form = await area(request), await request.form_of(Address)
    return await _saved(here, form, "_address", _address, {"slug": "Address"})


@post("/provider/pause")
async def pause(request: Visit) -> Answer:
    """Take no bookings for a while."""
    here = await area(request)
    await request.market.standings.pause(here.provider_id, request.actor)
    said = "You are paused: nobody finds you until you take bookings again. Bookings you have stand."
    return request.redirect("/provider/profile", toast=Toast(text=said, undo="/provider/resume"))


@post("/provider/resume")
async def resume(request: Visit) -> Answer:
    """Take bookings again."""
    here = await area(request)
    await request.market.standings.resume(here.provider_id, request.actor)
    return request.redirect("/provider/profile", toast=Toast(text="You take bookings again.", undo="/provider/pause"))


async def kept(here: Area, form: Form[T]) -> Row[Provider]:
    """The provider as the form makes them. Raises what stands against it."""
    asked = form.asked
    return await here.request.market.providers.edit(
        here.provider_id, asked.fields, here.request.actor, version=asked.version or None
    )


async def _saved(
    here: Area, form: Form[T], part: str, opened: Callable[[Row[Provider]], Form[T]], labels: dict[str, str]
) -> Answer:
    """Save one of the forms: the same again with what is wrong, or the page with the news."""
    name = part.removeprefix("_")
    try:
        await kept(here, form)
    except Refusal as no:
        changed: Sequence[Difference] = ()
        row = await here.request.market.providers.load(here.provider_id)
        said = form.refused(no, location="place", lat="point", lon="point")
        if isinstance(no, EditedMeanwhile):
            said, changed = meanwhile(said, opened(row), labels)
        parts = await _parts(here, row)
        return here.again(
            PAGE, f"provider/profile/{part}.html", said, **{**parts, name: said, "changed": changed, "changed_in": name}
        )
    return here.request.redirect("/provider/profile", toast=Toast(text="Saved."))


def _address(row: Row[Provider]) -> Form[Address]:
    return forms.blank(Address, slug=row.value.slug, version=row.version)


async def _parts(here: Area, row: Row[Provider]) -> dict[str, Any]:
    """Every form of the page, as it stands."""
    request = here.request
    telling = about(row.value, version=row.version)
    return {
        "about": telling,
        "place": place(row.value, zone=request.zone, version=row.version),
        "address": _address(row),
        "spoken": spoken(telling),
        "zones": zones.choices(request.zone),
        "album": await album(request, row.value, row.value.provider_id, back="/provider/profile"),
        "changed": (),
        "changed_in": "",
    }
