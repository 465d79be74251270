"""The bank account that a provider is paid to by the bank's own rails: add it, show that it is theirs, take it out."""

from __future__ import annotations

from typing import Any

from litestar.params import FromPath

from ecosystem.contexts.bank_accounts import Purpose
from ecosystem.web.answers import Answer
from ecosystem.web.bank import desk
from ecosystem.web.bank.desk import Owner
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/provider/bank"


@get(PATH)
async def show(request: Visit) -> Answer:
    """The accounts, how each stands, and the form for another."""
    return await _shown(request, await area(request))


@post(PATH)
async def add(request: Visit) -> Answer:
    """Another account, used from now on."""
    here = await area(request)
    form = await desk.add(request, _owner(here))
    if form is not None:
        assert form.refusal is not None
        return await _shown(request, here, status=status_of(form.refusal), form=form)
    return request.redirect(PATH, toast=Toast(text="Added. It is verified next."))


@post(f"{PATH}/{{account_id:str}}/confirm")
async def confirm(request: Visit, account_id: FromPath[str]) -> Answer:
    """The amounts that arrived there."""
    here = await area(request)
    toast, form = await desk.confirm(request, account_id)
    if form is not None:
        assert form.refusal is not None
        return await _shown(request, here, status=status_of(form.refusal), amounts=form)
    return request.redirect(PATH, toast=toast)


@post(f"{PATH}/{{account_id:str}}/remove")
async def remove(request: Visit, account_id: FromPath[str]) -> Answer:
    """Without it."""
    await area(request)
    await request.market.bank_accounts.remove(account_id, request.actor)
    return request.redirect(PATH, toast=Toast(text="Removed."))


def _owner(here: Area) -> Owner:
    return Owner(owner_id=here.provider_id, user_id=here.owner_id, purpose=Purpose.PAYOUT, path=PATH)


async def _shown(request: Visit, here: Area, *, status: int = 200, **again: Any) -> Answer:
    return here.page("provider/bank/page.html", status=status, **await desk.shown(request, _owner(here), **again))
