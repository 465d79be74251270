"""Verifications: asked for here, carried out by a process that reads beside, and kept with what they found."""

from __future__ import annotations

from litestar.params import FromPath
from msgspec import convert

from ecosystem.contexts.insights import Inspection
from ecosystem.journeys.verification import Verification
from ecosystem.ports.entropy import mint
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

READ = {
    "booking": "bookings",
    "payment": "payments",
    "refund": "refunds",
    "ledger_account": "accounts",
    "transfer": "transfers",
}


@post("/console/ledger/verify")
async def verify(request: Visit) -> Answer:
    """Ask for a verification, which runs beside; one that is under way is shown."""
    inspection_id = mint("ins", request.at, request.market.ports.entropy)
    asked = await request.market.inspections.ask(inspection_id, request.actor)
    return request.redirect(
        f"/console/ledger/verifications/{asked.inspection_id}", toast=Toast(text="The ledger is being verified.")
    )


@get("/console/ledger/verifications/{inspection_id:str}")
async def verification(request: Visit, inspection_id: FromPath[str]) -> Answer:
    """How far a verification is, or what it found."""
    found = await request.market.inspections.inspection(inspection_id, request.actor)
    at_desk = await desk(request)
    return at_desk.answer(
        "ledger/verification.html",
        "ledger/_verification.html",
        inspection=found,
        report=convert(found.report, Verification) if found.report else None,
        read=[(READ.get(name, name), count) for name, count in found.read.items()],
    )


def holds(inspection: Inspection) -> bool | None:
    """What a verification said; None while it has not."""
    return convert(inspection.report, Verification).holds if inspection.report else None
