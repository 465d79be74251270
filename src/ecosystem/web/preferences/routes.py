"""Small choices of a visitor, for who has no script or has it turned off: the theme."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import post
from msgspec import Meta, Struct

from ecosystem.web.answers import Answer
from ecosystem.web.visit import Visit

YEAR_S = 31_536_000


class Preferences(Struct, kw_only=True):
    theme: Literal["light", "dark", "system"]
    back: Annotated[str, Meta(max_length=2_000)] = "/"


@post("/preferences")
async def choose(request: Visit) -> Answer:
    """Keep the choice, and go back to where it was made."""
    asked = (await request.form_of(Preferences)).asked
    ending = "; Secure" if request.kit.site.https else ""
    # The script reads and writes this one too, hence no HttpOnly and no prefix.
    cookie = f"theme={asked.theme}; Path=/; Max-Age={YEAR_S}; SameSite=Lax{ending}"
    request.arrival.cookies_set.append((b"set-cookie", cookie.encode()))
    return request.redirect(request.back(asked.back))
