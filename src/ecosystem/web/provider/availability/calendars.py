"""Calendars that the provider keeps elsewhere, whose busy times nobody can book."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import AddCalendar
from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = "provider/availability/calendars.html"
FORM = "provider/availability/_calendar.html"
TO = "/provider/availability/calendars"


class Added(Struct, frozen=True, kw_only=True):
    """An address, and what the provider calls the calendar."""

    address: Annotated[str, Meta(min_length=1, max_length=2_000, description="Paste the address of your calendar.")]
    name: Annotated[str, Meta(max_length=80)] = ""


@get("/provider/availability/calendars")
async def show(request: Visit) -> Answer:
    """The calendars, when each was read last, and the form for another."""
    here = await area(request)
    if here.plan is None:
        return request.redirect("/provider/availability")
    return here.page(PAGE, form=forms.blank(Added), **await _around(here))


@post("/provider/availability/calendars")
async def add(request: Visit) -> Answer:
    """Read a calendar for the first time, and keep it."""
    here, form = await area(request), await request.form_of(Added)
    try:
        asked = form.asked
        wish = AddCalendar(provider_id=here.provider_id, address=asked.address, name=asked.name)
        added = await request.market.outside_calendars.add(wish, request.actor, owner_id=here.owner_id)
    except Refusal as no:
        return here.again(PAGE, FORM, form.refused(no), **await _around(here))
    return request.redirect(TO, toast=Toast(text=f"{added.name} is read: {_times(added.busy)} kept free for you."))


@post("/provider/availability/calendars/{calendar_id:str}/read")
async def read(request: Visit, calendar_id: FromPath[str]) -> Answer:
    """Read one now."""
    here = await area(request)
    found = await request.market.outside_calendars.refresh(
        here.provider_id, calendar_id, request.actor, owner_id=here.owner_id
    )
    if found.problem:
        return request.redirect(TO, toast=Toast(text=found.problem, tone="bad"))
    return request.redirect(TO, toast=Toast(text=f"{found.name} is read: {_times(found.busy)}."))


@post("/provider/availability/calendars/{calendar_id:str}/remove")
async def remove(request: Visit, calendar_id: FromPath[str]) -> Answer:
    """Forget one. Its address is gone with it, so there is no way back but to add it again."""
    here = await area(request)
    await request.market.outside_calendars.remove(here.provider_id, calendar_id, request.actor, owner_id=here.owner_id)
    return request.redirect(TO, toast=Toast(text="Removed: its times can be booked again."))


def _times(count: int) -> str:
    return "1 busy time" if count == 1 else f"{count} busy times"


async def _around(here: Area) -> dict[str, Any]:
    found = await here.request.market.outside_calendars.of(here.provider_id, here.request.actor, owner_id=here.owner_id)
    return {"tab": "calendars", "calendars": found}
