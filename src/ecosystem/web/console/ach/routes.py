"""Files that go to the bank: what is in each, who lets it go, and who we are to the bank."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.ach import (
    AT_BANK,
    HERE,
    LEFT_OUT_MAX,
    AchFile,
    BatchTotals,
    FileState,
    NoSuchFile,
    Originator,
    Rate,
    SetOriginator,
    may_be_missing,
    shown_cents,
)
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 25
UNSEEN = timedelta(days=1)
"""After so long a batch that no statement shows wants a person."""
ENTRIES_SHOWN = 100
RATES = {Rate.UNAUTHORIZED: "Unauthorized", Rate.ADMINISTRATIVE: "Administrative", Rate.OVERALL: "Overall"}
STATES = {
    FileState.BUILDING: ("Is being built", "wait"),
    FileState.NEEDS_APPROVAL: ("Needs a second person", "wait"),
    FileState.READY: ("May go to the bank", "wait"),
    FileState.DELIVERING: ("Is being delivered", "wait"),
    FileState.DELIVERED: ("Lies at the bank", "wait"),
    FileState.ACKNOWLEDGED: ("The bank took it on", "good"),
    FileState.SETTLED: ("Settled", "good"),
    FileState.REJECTED: ("Not taken by the bank", "bad"),
    FileState.WITHDRAWN: ("Taken back", ""),
}


class Asked(Struct, frozen=True, kw_only=True):
    after: Annotated[str, Meta(max_length=700)] = ""


class Approving(Struct, frozen=True, kw_only=True):
    """That this very content may go."""

    content_sha256: Annotated[str, Meta(max_length=64)]


class Withdrawing(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=200)]


class Missing(Struct, frozen=True, kw_only=True):
    """That the bank does not have the file, and who there said so."""

    reason: Annotated[str, Meta(max_length=200)]


class Leaving(Struct, frozen=True, kw_only=True):
    """The trace numbers of entries that the bank took out of a batch, with spaces or commas between them."""

    traces: Annotated[str, Meta(max_length=16 * LEFT_OUT_MAX)]


class Saying(Struct, frozen=True, kw_only=True):
    """Who we are to the bank, as the form has it. `approval` is in whole dollars, `lead_min` in minutes."""

    odfi: Annotated[str, Meta(max_length=9)]
    destination: Annotated[str, Meta(max_length=10)]
    destination_name: Annotated[str, Meta(max_length=23)]
    origin: Annotated[str, Meta(max_length=10)]
    origin_name: Annotated[str, Meta(max_length=23)]
    company_name: Annotated[str, Meta(max_length=16)]
    company_identification: Annotated[str, Meta(max_length=10)]
    lead_min: Annotated[int, Meta(ge=5, le=360)] = 60
    approval: Annotated[int, Meta(ge=0, le=10_000_000)] = 10_000
    version: Annotated[int, Meta(ge=0)] = 0


class Confirming(Struct, frozen=True, kw_only=True):
    version: Annotated[int, Meta(ge=1)]


@get("/console/ach")
async def listed(request: Visit) -> Answer:
    """Files, the newest first, with what waits for a person and the return rates."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    overview = request.market.ach.overview
    page = await overview.files(request.actor, after=Cursor(asked.after) if asked.after else None, limit=PAGE)
    return at_desk.page(
        "ach/files.html",
        files=[_shown_file(file) for file in page.values],
        exceptions=len((await overview.exceptions(request.actor, limit=100)).rows),
        rates=await overview.rates(request.actor),
        rate_words=RATES,
        originator=await overview.originator(request.actor),
        after=asked.after,
        next_after=page.next or "",
    )


@get("/console/ach/bank")
async def bank(request: Visit) -> Answer:
    """Who we are to the bank."""
    known = await request.market.ach.overview.originator(request.actor)
    form = _form_of(known) if known else forms.blank(Saying, lead_min=60, approval=10_000, version=0)
    return await _bank(request, form)


@post("/console/ach/bank")
async def say(request: Visit) -> Answer:
    """Say who we are to the bank."""
    form = await request.form_of(Saying)
    try:
        asked = form.asked
        wanted = SetOriginator(
            odfi=asked.odfi,
            destination=asked.destination,
            destination_name=asked.destination_name,
            origin=asked.origin,
            origin_name=asked.origin_name,
            company_name=asked.company_name,
            company_identification=asked.company_identification,
            lead_s=asked.lead_min * 60,
            approval_cents=asked.approval * 100,
            version=asked.version,
        )
        await request.market.ach.agreement.say(wanted, request.actor)
    except Refusal as no:
        return await _bank(request, form.refused(no))
    return request.redirect("/console/ach/bank", toast=Toast(text="It holds from the next file on."))


@post("/console/ach/bank/limit")
async def confirm_limit(request: Visit) -> Answer:
    """Let a higher limit hold, as a second person."""
    form = await request.form_of(Confirming)
    try:
        await request.market.ach.agreement.confirm(form.asked.version, request.actor)
    except Refusal as no:
        known = await request.market.ach.overview.originator(request.actor)
        shown = _form_of(known) if known else forms.blank(Saying, lead_min=60, approval=10_000, version=0)
        return await _bank(request, shown.refused(no))
    return request.redirect("/console/ach/bank", toast=Toast(text="The higher limit holds from the next file on."))


@get("/console/ach/files/{file_id:str}")
async def show(request: Visit, file_id: FromPath[str]) -> Answer:
    """One file: its control totals, its batches, and its entries without their account numbers."""
    return await _file(request, file_id)


@post("/console/ach/files/{file_id:str}/approve")
async def approve(request: Visit, file_id: FromPath[str]) -> Answer:
    """Let a file go, as a second person."""
    form = await request.form_of(Approving)
    return await _acted(
        request,
        file_id,
        lambda: request.market.ach.delivering.approve(file_id, form.asked.content_sha256, request.actor),
        "It goes to the bank now.",
    )


@post("/console/ach/files/{file_id:str}/withdraw")
async def withdraw(request: Visit, file_id: FromPath[str]) -> Answer:
    """Take a file back: its entries wait for the next window."""
    form = await request.form_of(Withdrawing)
    return await _acted(
        request,
        file_id,
        lambda: request.market.ach.delivering.withdraw(file_id, form.asked.reason, request.actor),
        "Its entries wait for the next window.",
    )


@post("/console/ach/files/{file_id:str}/give-back")
async def give_back(request: Visit, file_id: FromPath[str]) -> Answer:
    """Give the money of a refused file back where it came from."""
    return await _acted(
        request,
        file_id,
        lambda: request.market.originating.give_back(file_id, request.actor),
        "The money is back where it came from.",
    )


@post("/console/ach/files/{file_id:str}/missing")
async def say_missing(request: Visit, file_id: FromPath[str]) -> Answer:
    """Say that the bank does not have a file."""
    form = await request.form_of(Missing)
    return await _acted(
        request,
        file_id,
        lambda: request.market.ach.delivering.say_missing(file_id, form.asked.reason, request.actor),
        "Another operator confirms it.",
    )


@post("/console/ach/files/{file_id:str}/missing/confirm")
async def confirm_missing(request: Visit, file_id: FromPath[str]) -> Answer:
    """Confirm as a second person that the bank does not have a file."""
    return await _acted(
        request,
        file_id,
        lambda: request.market.ach.delivering.confirm_missing(file_id, request.actor),
        "Send its entries again, or give their money back.",
    )


@post("/console/ach/files/{file_id:str}/batches/{batch:int}/settle")
async def settle(request: Visit, file_id: FromPath[str], batch: FromPath[int]) -> Answer:
    """Settle a batch without entries that the bank took out of it."""
    form = await request.form_of(Leaving)
    return await _acted(
        request,
        file_id,
        lambda: request.market.originating.settle_without(
            file_id, batch, form.asked.traces.replace(",", " ").split(), request.actor
        ),
        "The batch is settled; what the bank took out is given back.",
    )


async def _acted(request: Visit, file_id: str, act: Callable[[], Awaitable[object]], said: str) -> Answer:
    """What an act on a file came to: its page with what was done, or with why it was refused."""
    try:
        await act()
    except NoSuchFile:
        raise
    except Refusal as no:
        return await _file(request, file_id, no)
    return request.redirect(f"/console/ach/files/{file_id}", toast=Toast(text=said))


async def _file(request: Visit, file_id: str, trouble: Refusal | None = None) -> Answer:
    at_desk = await desk(request)
    overview, now = request.market.ach.overview, request.market.ports.clock.now()
    file = await overview.file(file_id, request.actor)
    entries = [
        {"place": each.place, "entry": each.entry, "cents": Money(each.place.cents, "USD")}
        for each in await overview.entries(file_id, request.actor, limit=ENTRIES_SHOWN)
    ]
    return at_desk.page(
        "ach/file.html",
        status=status_of(trouble) if trouble else 200,
        trouble=trouble,
        file=file,
        shown=_shown_file(file),
        batches=[{"batch": batch, "cents": Money(batch.cents, "USD")} for batch in file.batches],
        otherwise=[_shown_otherwise(file, batch) for batch in file.batches if _may_settle(file, batch, now)],
        entries=entries,
        may_approve=file.state is FileState.NEEDS_APPROVAL,
        may_be_missing=may_be_missing(file),
        asked_here=file.missing_by == request.actor.actor_id,
        may_withdraw=file.state in HERE | {FileState.REJECTED},
        is_rejected=file.state is FileState.REJECTED,
    )


async def _bank(request: Visit, form: Form[Saying]) -> Answer:
    at_desk = await desk(request)
    known = await request.market.ach.overview.originator(request.actor)
    return at_desk.page(
        "ach/bank.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        known=known,
        raising=Money(known.raising_cents, "USD") if known and known.raising_cents else None,
        asked_here=known is not None and known.raising_by == request.actor.actor_id,
    )


def _shown_file(file: AchFile) -> dict[str, object]:
    words, tone = STATES[file.state]
    return {
        "file": file,
        "words": words,
        "tone": tone,
        "debits": Money(file.totals.debit_cents, "USD"),
        "credits": Money(file.totals.credit_cents, "USD"),
    }


def _may_settle(file: AchFile, batch: BatchTotals, now: datetime) -> bool:
    """Whether a person has to say what a batch settled without: the statement has other, or nothing in time."""
    is_shown = any(each.batch == batch.number for each in file.shown)
    is_late = now - file.settles_at > UNSEEN and file.state in AT_BANK
    return bool(batch.cents) and batch.number not in file.settled_batches and (is_shown or is_late)


def _shown_otherwise(file: AchFile, batch: BatchTotals) -> dict[str, object]:
    shown = shown_cents(file, batch.number)
    return {
        "batch": batch,
        "cents": Money(batch.cents, "USD"),
        "shown": Money(shown, "USD"),
        "missing": Money(abs(batch.cents - shown), "USD"),
    }


def _form_of(known: Originator) -> Form[Saying]:
    return forms.blank(
        Saying,
        odfi=known.odfi,
        destination=known.destination,
        destination_name=known.destination_name,
        origin=known.origin,
        origin_name=known.origin_name,
        company_name=known.company_name,
        company_identification=known.company_identification,
        lead_min=known.lead_s // 60,
        approval=known.approval_cents // 100,
        version=known.version,
    )
