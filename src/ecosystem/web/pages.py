"""The pages of the site as one router, and the gate around it: what `site.py` joins to the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from ecosystem.web.account import bank as _account_bank
from ecosystem.web.account import cards as _account_cards
from ecosystem.web.account import routes as _account
from ecosystem.web.art import routes as _art
from ecosystem.web.bookings import acts as _booking_acts
from ecosystem.web.bookings import disputing as _disputing
from ecosystem.web.bookings import mine as _bookings
from ecosystem.web.bookings import moving as _booking_moves
from ecosystem.web.bookings import routes as _booking
from ecosystem.web.checkout import bank as _paying_from_bank
from ecosystem.web.checkout import holding as _holding
from ecosystem.web.checkout import routes as _checkout
from ecosystem.web.console.routes import PARTS as _CONSOLE
from ecosystem.web.csrf import SAFE_METHODS
from ecosystem.web.files import routes as _files
from ecosystem.web.first_operator import routes as _first_operator
from ecosystem.web.help import routes as _help
from ecosystem.web.media import routes as _media
from ecosystem.web.notices import routes as _notices
from ecosystem.web.preferences import routes as _preferences
from ecosystem.web.provider.routes import PARTS as _PROVIDER
from ecosystem.web.provider_page import routes as _provider_page
from ecosystem.web.reset import routes as _reset
from ecosystem.web.search import routes as _search
from ecosystem.web.service import routes as _service
from ecosystem.web.sign_in import routes as _sign_in
from ecosystem.web.sign_up import routes as _sign_up
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


_PARTS = (
    _paying_from_bank, _account, _account_bank, _account_cards, _art, _booking, _booking_acts, _booking_moves, _bookings, _checkout, _disputing, _files, _first_operator, _help,
    _holding, _media, _notices, _preferences, _provider_page, _reset, _search, _service, _sign_in, _sign_up,
)  # fmt: skip
_OWN: Sequence[HTTPRouteHandler] = [
    handler
    for part in (*_PARTS, *_PROVIDER, *_CONSOLE)
    for handler in vars(part).values()
    if isinstance(handler, HTTPRouteHandler)
]
"""Every handler of every part: a route that is written is served."""
