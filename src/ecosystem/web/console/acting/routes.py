"""The end of acting in somebody's place: back to the operator's own session."""

from __future__ import annotations

from contextlib import suppress

from litestar import post

from ecosystem.contexts.identity import NoSuchSession
from ecosystem.web import session
from ecosystem.web.answers import Answer
from ecosystem.web.errors import NoSuchPage
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


@post("/acting/stop")
async def stop(request: Visit) -> Answer:
    """End the session in which an operator acts as somebody, and go on with their own, if it has not ended."""
    if request.actor.impersonator is None:
        raise NoSuchPage
    user_id = request.actor.actor_id
    # It may have run out by itself meanwhile: that was the wish.
    with suppress(NoSuchSession):
        await request.market.identity.sessions.revoke(request.arrival.session, request.actor)
    session.resume(request)
    return request.redirect(f"/console/people/{user_id}", toast=Toast(text="You are yourself again."))
