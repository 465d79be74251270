"""What comes back from the bank: returns, corrections, files, and what a person has to look at."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.ach import CloseException, NoSuchException, NoSuchInbound
from ecosystem.kernel.money import Money
from ecosystem.kernel.nacha import CHANGES, RETURNS
from ecosystem.kernel.refusals import Refusal
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 50


class Closing(Struct, frozen=True, kw_only=True):
    note: Annotated[str, Meta(max_length=300)]


class Dishonoring(Struct, frozen=True, kw_only=True):
    code: Annotated[str, Meta(max_length=3)]


@get("/console/ach/returns")
async def listed(request: Visit) -> Answer:
    """Exceptions that wait, returns, corrections and files of the bank."""
    return await _listed(request)


@post("/console/ach/exceptions/{exception_id:str}/close")
async def close(request: Visit, exception_id: FromPath[str]) -> Answer:
    """Close an exception, with what was done."""
    form = await request.form_of(Closing)
    try:
        wanted = CloseException(exception_id=exception_id, note=form.asked.note)
        await request.market.ach.returns.close(wanted, request.actor)
    except NoSuchException:
        raise
    except Refusal as no:
        return await _listed(request, no)
    return request.redirect("/console/ach/returns", toast=Toast(text="Closed."))


@post("/console/ach/returns/{return_id:str}/accept")
async def accept(request: Visit, return_id: FromPath[str]) -> Answer:
    """Let a return hold that waits for a person."""
    try:
        await request.market.hearing_bank.accept(return_id, request.actor)
    except Refusal as no:
        return await _listed(request, no)
    return request.redirect("/console/ach/returns", toast=Toast(text="The return holds; what follows is done."))


@post("/console/ach/returns/{return_id:str}/dishonor")
async def dishonor(request: Visit, return_id: FromPath[str]) -> Answer:
    """Not accept a return that waits for a person."""
    form = await request.form_of(Dishonoring)
    try:
        await request.market.hearing_bank.dishonor(return_id, form.asked.code, request.actor)
    except Refusal as no:
        return await _listed(request, no)
    return request.redirect("/console/ach/returns", toast=Toast(text="The return is not accepted."))


@post("/console/ach/inbound/{inbound_id:str}/reopen")
async def reopen(request: Visit, inbound_id: FromPath[str]) -> Answer:
    """Have a refused file of the bank worked through again."""
    try:
        await request.market.ach.inbox.reopen(inbound_id, request.actor)
    except NoSuchInbound:
        raise
    except Refusal as no:
        return await _listed(request, no)
    return request.redirect("/console/ach/returns", toast=Toast(text="It is worked through again."))


async def _listed(request: Visit, trouble: Refusal | None = None) -> Answer:
    at_desk = await desk(request)
    overview = request.market.ach.overview
    exceptions = (await overview.exceptions(request.actor, limit=PAGE)).values
    returns = (await overview.returns(request.actor, limit=PAGE)).values
    changes = (await overview.changes(request.actor, limit=PAGE)).values
    inbound = (await overview.inbound(request.actor, limit=PAGE)).values
    return at_desk.page(
        "ach/returns.html",
        status=status_of(trouble) if trouble else 200,
        trouble=trouble,
        exceptions=[{"one": each, "amount": Money(each.cents, "USD")} for each in exceptions],
        returns=[
            {
                "one": each,
                "amount": Money(each.cents, "USD"),
                "meaning": RETURNS[each.code].meaning,
                "waits": each.state == "received" and each.action == "hold",
            }
            for each in returns
        ],
        changes=[{"one": each, "meaning": CHANGES[each.code].meaning} for each in changes],
        inbound=inbound,
    )
