"""People: found by address, and one of them with groups, sessions, bookings and what happened to the account."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.journeys.happenings import aggregate
from ecosystem.journeys.lookups import Kind
from ecosystem.kernel.actor import Group
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.listed import rows
from ecosystem.web.console.bookings.story import told
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 25
BOOKINGS = 10
LETTERS = 10
GROUPS = ((Group.CUSTOMERS, "Customer"), (Group.PROVIDERS, "Provider"), (Group.ADMINS, "Operator"))

Reason = Annotated[str, Meta(max_length=500)]


class Asked(Struct, frozen=True, kw_only=True):
    q: Annotated[str, Meta(max_length=200)] = ""
    after: Annotated[str, Meta(max_length=2_000)] = ""


class Why(Struct, frozen=True, kw_only=True):
    reason: Reason


class Belonging(Struct, frozen=True, kw_only=True):
    group: list[Group] = []


@get("/console/people")
async def listed(request: Visit) -> Answer:
    """People, the newest first, or those whose address begins so. An id leads to whom it names."""
    asked = request.query_of(Asked).asked
    if asked.q.startswith("usr_"):
        for lead in await request.market.lookups.find(asked.q, request.actor):
            if lead.kind is Kind.PERSON:
                return request.redirect(f"/console/people/{lead.id}")
    at_desk = await desk(request)
    people, following = await request.market.identity.people.people(
        request.actor, beginning=asked.q, after=Cursor(asked.after) if asked.after else None, limit=PAGE
    )
    return at_desk.page(
        "people/list.html",
        people=people,
        q=asked.q,
        query={"q": asked.q} if asked.q else {},
        after=asked.after,
        next_after=following or "",
    )


@get("/console/people/{user_id:str}")
async def show(request: Visit, user_id: FromPath[str]) -> Answer:
    """One person."""
    return await _shown(request, user_id)


@post("/console/people/{user_id:str}/lock")
async def lock(request: Visit, user_id: FromPath[str]) -> Answer:
    """Shut the account and end its sessions."""
    form = await request.form_of(Why)
    try:
        person = await request.market.identity.people.lock(user_id, form.asked.reason, request.actor)
    except Refusal as no:
        return await _shown(request, user_id, locking=form.refused(no))
    toast = Toast(text=f"{person.name} is locked out.", undo=f"/console/people/{user_id}/unlock")
    return request.redirect(f"/console/people/{user_id}", toast=toast)


@post("/console/people/{user_id:str}/unlock")
async def unlock(request: Visit, user_id: FromPath[str]) -> Answer:
    """Open the account again."""
    person = await request.market.identity.people.unlock(user_id, request.actor)
    return request.redirect(f"/console/people/{user_id}", toast=Toast(text=f"{person.name} may sign in again."))


@post("/console/people/{user_id:str}/groups")
async def set_groups(request: Visit, user_id: FromPath[str]) -> Answer:
    """What the person may do."""
    form = await request.form_of(Belonging)
    try:
        await request.market.identity.people.set_groups(user_id, form.asked.group, request.actor)
    except Refusal as no:
        return await _shown(request, user_id, belonging=form.refused(no, groups="group"))
    return request.redirect(f"/console/people/{user_id}", toast=Toast(text="The groups are changed."))


@post("/console/people/{user_id:str}/act-as")
async def act_as(request: Visit, user_id: FromPath[str]) -> Answer:
    """Be that person for an hour, with a banner on every page; the operator's own session waits meanwhile."""
    form = await request.form_of(Why)
    origin = session.origin(request.arrival, request.kit.jar)
    try:
        signed = await request.market.identity.people.act_as(user_id, form.asked.reason, origin, request.actor)
    except Refusal as no:
        return await _shown(request, user_id, acting=form.refused(no))
    session.stand_in(request, signed)
    return request.redirect("/")


async def _shown(request: Visit, user_id: str, **refused: Form[Any]) -> Answer:
    """The page of a person; `refused` are forms with what was said against them."""
    market, actor = request.market, request.actor
    person = await market.identity.people.person(user_id, actor)
    at_desk = await desk(request)
    owned = await market.providers.owned_by(user_id)
    bookings = await market.bookings.of_customer(user_id, actor, descending=True, limit=BOOKINGS)
    events = await market.happenings.about(aggregate(user_id), actor)
    wrong = next((form.refusal for form in refused.values() if form.refusal), None)
    return at_desk.page(
        "people/detail.html",
        status=status_of(wrong) if wrong else 200,
        person=person,
        is_self=person.user_id == actor.actor_id,
        groups=GROUPS,
        sessions=await market.identity.sessions.of(user_id, actor),
        profile=await market.identity.profiles.of(user_id, actor),
        providers=[row.value for row in owned],
        rows=await rows(request, bookings.values),
        letters=await market.notifications.outbox.to(person.email, actor, limit=LETTERS),
        events=[told(event) for event in reversed(events.values)],
        locking=refused.get("locking", forms.blank(Why)),
        acting=refused.get("acting", forms.blank(Why)),
        belonging=refused.get("belonging", forms.blank(Belonging, group=list(person.groups))),
    )
