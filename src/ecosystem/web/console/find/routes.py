"""What the command palette finds; without a script, a page of the same."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.journeys.lookups import Kind, Lead
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get
from ecosystem.web.templates import link
from ecosystem.web.visit import Visit

FEW = 2
"""With fewer letters than this nothing is looked for."""


class Asked(Struct, frozen=True, kw_only=True):
    q: Annotated[str, Meta(max_length=200)] = ""


class Found(Struct, frozen=True, kw_only=True):
    """A lead with where it leads to, and how it is drawn."""

    lead: Lead
    path: str
    icon: str
    name: str


@get("/console/find")
async def find(request: Visit) -> Answer:
    """What the text leads to."""
    text = request.query_of(Asked).asked.q
    leads = await request.market.lookups.find(text, request.actor) if len(text) >= FEW else ()
    at_desk = await desk(request)
    return at_desk.answer("find/page.html", "find/_options.html", found=[_found(lead) for lead in leads], q=text)


def _found(lead: Lead) -> Found:
    path, icon, name = {
        Kind.BOOKING: (f"/console/bookings/{lead.id}", "calendar-check", "Booking"),
        Kind.PERSON: (f"/console/people/{lead.id}", "user", "Person"),
        Kind.PROVIDER: (f"/console/providers/{lead.id}", "store", "Provider"),
        Kind.SERVICE: (f"/console/services/{lead.id}", "list-checks", "Service"),
        Kind.LETTER: (f"/console/mail/{lead.id}", "mail", "Mail"),
        Kind.ACCOUNT: (link("/console/ledger/account", {"id": lead.id}), "scale", "Account"),
        Kind.TRANSFER: (link("/console/ledger/transfer", {"id": lead.id}), "arrow-right", "Transfer"),
        Kind.EVENT: (link("/console/events/detail", {"id": lead.id}), "activity", "Event"),
        Kind.WEBHOOK: (f"/console/webhooks/{lead.id}", "webhook", "Webhook"),
    }[lead.kind]
    return Found(lead=lead, path=path, icon=icon, name=name)
