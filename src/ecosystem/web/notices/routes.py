"""What a person was told, newest first."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from msgspec import Meta, Struct

from ecosystem.ports.table import Cursor
from ecosystem.web.answers import Answer
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


class Place(Struct, frozen=True, kw_only=True):
    after: Annotated[str, Meta(max_length=2_000)] = ""


@get("/notices")
async def show(request: Visit) -> Answer:
    """A page of notices."""
    user_id = request.user_id
    after = request.query_of(Place).asked.after
    board = request.market.notifications.board
    found = await board.latest(user_id, request.actor, after=Cursor(after) if after else None)
    return request.page("notices/page.html", found=found, after=after)


@post("/notices/read")
async def read_all(request: Visit) -> Answer:
    """Mark all as read."""
    marked = await request.market.notifications.board.read_all(request.user_id, request.actor)
    said = f"{len(marked)} marked as read." if marked else "Nothing was unread."
    return request.redirect("/notices", toast=Toast(text=said))
