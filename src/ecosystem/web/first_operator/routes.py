"""The first operator, made by whoever holds the link that the first start printed."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from ecosystem.contexts.identity import SignUp
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms, session
from ecosystem.web.answers import Answer
from ecosystem.web.sign_up.routes import Wish
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


@get("/first-operator/{token:str}")
async def show(request: Visit, token: FromPath[str]) -> Answer:
    """The form. Whether the link still holds is seen when it is sent."""
    fresh = mint("usr", request.at, request.kit.entropy)
    return request.page("first_operator/page.html", form=forms.blank(Wish, user_id=fresh), token=token)


@post("/first-operator/{token:str}")
async def claim(request: Visit, token: FromPath[str]) -> Answer:
    """The account, confirmed and signed in at once."""
    form = await request.form_of(Wish)
    try:
        asked = form.asked
        wanted = SignUp(
            user_id=asked.user_id, email=asked.email, password=asked.password, name=asked.name, zone=request.zone
        )
        account = await request.market.identity.first_operators.claim(token, wanted)
    except Refusal as no:
        return request.again("first_operator/page.html", "first_operator/_form.html", form.refused(no), token=token)
    origin = session.origin(request.arrival, request.kit.jar)
    session.begin(request, await request.market.identity.sessions.open(account, origin))
    return request.redirect("/console", toast=Toast(text=f"Welcome, {account.name}. This marketplace is yours to run."))
