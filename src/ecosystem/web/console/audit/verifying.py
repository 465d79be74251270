"""Verifications of the audit log: asked for here, carried out by a process that reads beside."""

from __future__ import annotations

from litestar.params import FromPath
from msgspec import convert

from ecosystem.contexts.audit import Report
from ecosystem.ports.entropy import mint
from ecosystem.ports.inspector import Whole
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


@post("/console/audit/verify")
async def verify(request: Visit) -> Answer:
    """Ask for a verification, which runs beside; one that is under way is shown."""
    inspection_id = mint("ins", request.at, request.market.ports.entropy)
    asked = await request.market.inspections.ask(inspection_id, request.actor, Whole.AUDIT)
    return request.redirect(
        f"/console/audit/verifications/{asked.inspection_id}", toast=Toast(text="The audit log is being verified.")
    )


@get("/console/audit/verifications/{inspection_id:str}")
async def verification(request: Visit, inspection_id: FromPath[str]) -> Answer:
    """How far a verification is, or what it found."""
    found = await request.market.inspections.inspection(inspection_id, request.actor)
    at_desk = await desk(request)
    return at_desk.answer(
        "audit/verification.html",
        "audit/_verification.html",
        inspection=found,
        report=convert(found.report, Report) if found.report else None,
        read=list(found.read.items()),
    )
