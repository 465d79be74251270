"""The pages of the site as one router, and the gate around it: what `site.py` joins to the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from ecosystem.web.art import routes as _art
from ecosystem.web.csrf import SAFE_METHODS
from ecosystem.web.files import routes as _files
from ecosystem.web.media import routes as _media
from ecosystem.web.preferences import routes as _preferences
from ecosystem.web.provider_page import routes as _provider_page
from ecosystem.web.search import routes as _search
from ecosystem.web.service import routes as _service
from ecosystem.web.visit import Visit

BODY_BYTES_MAX = 1_000_000
"""Of a form without files. A route that takes uploads sets its own."""


async def from_our_own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Every route that changes something passes this, whether it reads its form or not. Raises `csrf.Forged`."""
    if connection.scope["method"] not in SAFE_METHODS:  # pyright: ignore[reportGeneralTypeIssues] - pages are HTTP
        await cast("Visit", connection).check_csrf()


def pages(*further: HTTPRouteHandler) -> Router:
    """Every page of the site, as handlers of requests that passed the gate."""
    return Router(
        path="/",
        route_handlers=[*_OWN, *further],
        request_class=Visit,
        guards=[from_our_own_page],
        request_max_body_size=BODY_BYTES_MAX,
        include_in_schema=False,
    )


_OWN: Sequence[HTTPRouteHandler] = (
    _art.show,
    _files.static,
    _files.favicon,
    _files.manifest,
    _files.robots,
    _preferences.choose,
    _media.show,
    _search.find,
    _service.show,
    _provider_page.show,
)
