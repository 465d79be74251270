"""Signing in, with a second step where the account asks for one; and signing out."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from litestar import get, post
from msgspec import Meta, Struct

from ecosystem.contexts.identity import CodeWanted, NoSuchSession, SessionEnded, SignedIn, SignIn
from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.fields import Email, Path, Verbatim
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

SECOND = "second"
"""The cookie of a browser whose password was right and whose code is awaited."""


class Entry(Struct, frozen=True, kw_only=True):
    email: Email
    password: Verbatim
    next: Path = "/"


class Second(Struct, frozen=True, kw_only=True):
    code: Annotated[str, Meta(max_length=60)]
    next: Path = "/"


class Onward(Struct, frozen=True, kw_only=True):
    next: Path = "/"


@get("/sign-in")
async def show(request: Visit) -> Answer:
    """The form; who is signed in already goes on."""
    onward = request.query_of(Onward).asked.next
    if request.person:
        return request.redirect(request.back(onward))
    return request.page("sign_in/page.html", form=forms.blank(Entry, next=onward))


@post("/sign-in")
async def enter(request: Visit) -> Answer:
    """A session, or the second step."""
    form = await request.form_of(Entry)
    origin = session.origin(request.arrival, request.kit.jar)
    try:
        asked = form.asked
        found = await request.market.identity.sign_ins.sign_in(
            SignIn(email=asked.email, password=asked.password), origin
        )
    except Refusal as no:
        return request.again("sign_in/page.html", "sign_in/_form.html", form.refused(no))
    if isinstance(found, CodeWanted):
        seconds = int((found.expires_at - request.at).total_seconds())
        request.keep(SECOND, f"{found.token}|{asked.next}", max_age_s=seconds)
        return request.redirect("/sign-in/code")
    return _begin(request, found, asked.next)


@get("/sign-in/code")
async def ask_code(request: Visit) -> Answer:
    """Where to type the code of the authenticator app, or a recovery code."""
    token, onward = _second(request)
    if not token:
        return request.redirect("/sign-in")
    return request.page("sign_in/code.html", form=forms.blank(Second, next=onward))


@post("/sign-in/code")
async def complete(request: Visit) -> Answer:
    """The session, once the code is right."""
    form = await request.form_of(Second)
    token, _ = _second(request)
    origin = session.origin(request.arrival, request.kit.jar)
    try:
        found = await request.market.identity.sign_ins.complete(token, form.asked.code, origin)
    except SessionEnded as no:
        request.drop(SECOND)
        return request.redirect("/sign-in", toast=Toast(text=no.message, tone="bad"))
    except Refusal as no:
        return request.again("sign_in/code.html", "sign_in/_code.html", form.refused(no))
    request.drop(SECOND)
    return _begin(request, found, form.asked.next)


@post("/sign-out")
async def leave(request: Visit) -> Answer:
    """End this session, here and at the server."""
    if request.arrival.session:
        # It may have ended by itself meanwhile: that was the wish.
        with suppress(NoSuchSession):
            await request.market.identity.sessions.revoke(request.arrival.session, request.actor)
    session.end(request)
    return request.redirect("/", toast=Toast(text="You are signed out."))


def _begin(request: Visit, signed: SignedIn, onward: str) -> Answer:
    session.begin(request, signed)
    return request.redirect(request.back(onward))


def _second(request: Visit) -> tuple[str, str]:
    token, _, onward = request.cookie(SECOND).partition("|")
    return token, onward or "/"
