"""The bank accounts that a person pays from: add one, show that it is theirs, take it out."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from ecosystem.contexts.bank_accounts import Purpose
from ecosystem.web.answers import Answer
from ecosystem.web.bank import desk
from ecosystem.web.bank.desk import Owner
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PATH = "/account/bank"


@get(PATH)
async def show(request: Visit) -> Answer:
    """The accounts, how each stands, and the form for another."""
    return await _shown(request)


@post(PATH)
async def add(request: Visit) -> Answer:
    """Another account to pay from."""
    form = await desk.add(request, _owner(request))
    if form is not None:
        assert form.refusal is not None
        return await _shown(request, status=status_of(form.refusal), form=form)
    return request.redirect(PATH, toast=Toast(text="Added. Two small amounts will be sent to it."))


@post(f"{PATH}/{{account_id:str}}/confirm")
async def confirm(request: Visit, account_id: FromPath[str]) -> Answer:
    """The amounts that arrived there."""
    toast, form = await desk.confirm(request, account_id)
    if form is not None:
        assert form.refusal is not None
        return await _shown(request, status=status_of(form.refusal), amounts=form)
    return request.redirect(PATH, toast=toast)


@post(f"{PATH}/{{account_id:str}}/remove")
async def remove(request: Visit, account_id: FromPath[str]) -> Answer:
    """Without it."""
    await request.market.bank_accounts.remove(account_id, request.actor)
    return request.redirect(PATH, toast=Toast(text="Removed."))


def _owner(request: Visit) -> Owner:
    user_id = request.user_id
    return Owner(owner_id=user_id, user_id=user_id, purpose=Purpose.DEBIT, path=PATH)


async def _shown(request: Visit, *, status: int = 200, **again: Any) -> Answer:
    return request.page("account/bank.html", status=status, **await desk.shown(request, _owner(request), **again))
