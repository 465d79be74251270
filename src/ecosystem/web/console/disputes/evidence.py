"""The evidence in a dispute: assembled, read, and sent to the customer's bank."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.disputes import SendEvidence, SubmissionState
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import get, post
from ecosystem.web.console.disputes.routes import Deciding, shown_with
from ecosystem.web.disputes import evidence_file
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/console/disputes/{booking_id:str}/{dispute_id:str}/evidence"


class Sending(Struct, frozen=True, kw_only=True):
    """Which version goes to the bank, with which words."""

    version: Annotated[int, Meta(ge=1, le=1_000)]
    note: Annotated[str, Meta(max_length=20_000)] = ""


@post(PATH)
async def assemble(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str]) -> Answer:
    """Assemble the evidence as it is known now."""
    before = await request.market.disputing.of(booking_id, dispute_id, request.actor)
    try:
        after = await request.market.evidence.assemble(booking_id, dispute_id, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await shown_with(
            request, booking_id, dispute_id, forms.blank(Deciding), sending=forms.blank(Sending).refused(no)
        )
    new = len(after.bundles) > len(before.bundles)
    text = "The evidence is assembled." if new else "Nothing is new since the last version."
    return request.redirect(f"/console/disputes/{booking_id}/{dispute_id}#evidence", toast=Toast(text=text))


@get(PATH + "/{version:int}")
async def file(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str], version: FromPath[int]) -> Answer:
    """A version, as its one file."""
    return await evidence_file(request, booking_id, dispute_id, version)


@post(PATH + "/send")
async def send(request: Visit, booking_id: FromPath[str], dispute_id: FromPath[str]) -> Answer:
    """Send a version to the customer's bank, once and for all."""
    form = await request.form_of(Sending)
    try:
        asked = form.asked
        wanted = SendEvidence(booking_id=booking_id, dispute_id=dispute_id, version=asked.version, note=asked.note)
        after = await request.market.evidence.send(wanted, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await shown_with(request, booking_id, dispute_id, forms.blank(Deciding), sending=form.refused(no))
    sent = after.submission is not None and after.submission.state is SubmissionState.SENT
    text = "The bank has the evidence." if sent else "The card processor did not take it: see why below."
    return request.redirect(f"/console/disputes/{booking_id}/{dispute_id}#evidence", toast=Toast(text=text))
