"""A forgotten password: ask for a mail, then choose another one by its link or its code."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from msgspec import Meta, Struct

from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.fields import Email, Verbatim
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


class Ask(Struct, frozen=True, kw_only=True):
    email: Email


class ByLink(Struct, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=200)]
    password: Verbatim


class ByCode(Struct, frozen=True, kw_only=True):
    email: Email
    code: Annotated[str, Meta(pattern=r"^[0-9 ]{6,7}$", description="The six digits of the mail.")]
    password: Verbatim


class Link(Struct, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=200)] = ""


@get("/reset-password")
async def show(request: Visit) -> Answer:
    """The form that asks for a mail; with the mail's link, the one for a new password."""
    token = request.query_of(Link).asked.token
    if token:
        return request.page("reset/link.html", form=forms.blank(ByLink, token=token))
    return request.page("reset/page.html", form=forms.blank(Ask))


@post("/reset-password")
async def ask(request: Visit) -> Answer:
    """Mail the link and code, if the address has an account; the answer does not tell."""
    form = await request.form_of(Ask)
    try:
        await request.market.access.ask_reset(form.asked.email, session.origin(request.arrival, request.kit.jar))
    except Refusal as no:
        return request.again("reset/page.html", "reset/_form.html", form.refused(no))
    code = forms.blank(ByCode, email=form.asked.email)
    return request.page("reset/code.html", form=code, delivered=request.market.notifications.delivered)


@post("/reset-password/code")
async def by_code(request: Visit) -> Answer:
    """Another password by the mailed code."""
    form = await request.form_of(ByCode)
    try:
        asked = form.asked
        await request.market.identity.passwords.reset_by_code(asked.email, asked.code.replace(" ", ""), asked.password)
    except Refusal as no:
        delivered = request.market.notifications.delivered
        return request.again("reset/code.html", "reset/_code.html", form.refused(no), delivered=delivered)
    return _done(request)


@post("/reset-password/link")
async def by_link(request: Visit) -> Answer:
    """Another password by the mailed link."""
    form = await request.form_of(ByLink)
    try:
        await request.market.identity.passwords.reset(form.asked.token, form.asked.password)
    except Refusal as no:
        return request.again("reset/link.html", "reset/_link.html", form.refused(no))
    return _done(request)


def _done(request: Visit) -> Answer:
    session.end(request)
    return request.redirect("/sign-in", toast=Toast(text="Your password is changed. All sessions have ended: sign in."))
