"""What the command palette finds; without a script, a page of the same."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.journeys.lookups import Kind, Lead
from ecosystem.ports.workflows import Execution
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get
from ecosystem.web.console.workflows.paths import execution_path
from ecosystem.web.templates import link
from ecosystem.web.visit import Visit

_ID = re.compile(r"[a-z]{3}_[0-9a-z]{4,40}")
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
    ran = await request.market.executions.named([text.strip()], request.actor) if _ID.fullmatch(text.strip()) else ()
    at_desk = await desk(request)
    found = [*map(_found, leads), *map(_execution, ran)]
    return at_desk.answer("find/page.html", "find/_options.html", found=found, q=text)


def _execution(ran: Execution) -> Found:
    lead = Lead(kind=Kind.EXECUTION, id=ran.execution_id, title=ran.machine, words=ran.status.lower())
    return Found(lead=lead, path=execution_path(ran.execution_id), icon="workflow", name="Workflow")


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
