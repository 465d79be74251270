"""Drawn pictures for what has no photograph."""

from __future__ import annotations

import re
from hashlib import sha256

from litestar import get
from litestar.params import FromPath

from ecosystem.contexts.catalogue import CategoryUnknown, categories
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.artwork import scene
from ecosystem.web.assets import NoSuchFile
from ecosystem.web.icons import category_icon
from ecosystem.web.visit import Visit

_NAME = re.compile(r"([0-9])\.svg")
_SEED = re.compile(r"[A-Za-z0-9_-]{1,64}")
AGE_S = 30 * 86_400
"""Long, not for ever: the drawing may be bettered one day."""


@get("/art/{category:str}/{seed:str}/{name:str}")
async def show(request: Visit, category: FromPath[str], seed: FromPath[str], name: FromPath[str]) -> Answer:
    """The scene that belongs to a category and an id; `name` is its place in the gallery: `0.svg`."""
    place = _NAME.fullmatch(name)
    if place is None or not _SEED.fullmatch(seed):
        raise NoSuchFile
    drawing = request.kit.icons.drawn[_icon_of(category)]
    body = scene(seed, drawing, variant=int(place[1])).encode()
    etag = f'"{sha256(body).hexdigest()[:12]}"'
    headers = (("cache-control", f"public, max-age={AGE_S}"), ("etag", etag))
    if request.arrival.headers.get("if-none-match") == etag:
        return Drawn(status=304, headers=headers, media_type="image/svg+xml").answer()
    return Drawn(status=200, headers=headers, body=body, media_type="image/svg+xml").answer()


def _icon_of(category: str) -> str:
    try:
        path = categories().path(category)
    except CategoryUnknown:
        raise NoSuchFile from None
    return category_icon(category, path[0].slug)
