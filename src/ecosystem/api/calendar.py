"""Calendars for calendar programs: the file of one booking, and the feed of all.

A program sends no cookies of ours. The file wants a bearer token of somebody who has a part in the booking, or the
secret of a guest's link; the feed stands under an address that only its owner knows.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter

from ecosystem.app import App
from ecosystem.contexts.booking import MIME, BookingGone
from ecosystem.journeys.calendars import FeedGone
from ecosystem.kernel import ids
from ecosystem.kernel.refusals import Denied, Invalid

A_WHILE = "private, max-age=300"
_BEARER = "Bearer "
_FEED = re.compile(r"([A-Za-z0-9_-]{20,86})\.ics")
_OWNER = re.compile(r"(usr|prv)_[0-9a-z]{1,40}")

Query = Annotated[str, QueryParameter(name="secret", max_length=100)]


class TokenNeeded(Denied):
    """Send the access token of customer or provider as a bearer, or the secret of the booking's link."""


@get("/api/bookings/{booking_id:str}/calendar.ics", include_in_schema=False)
async def file(request: Request[Any, Any, Any], booking_id: FromPath[str], secret: Query = "") -> Response[bytes]:
    """One booking. Of a booking that is another's, and of one that is not, the same is said."""
    market = cast("App", request.app.state.market)
    booking_id = _named(booking_id)
    if secret:
        return _sent(await market.calendars.file_by_link(booking_id, secret), f"{booking_id}.ics")
    token = request.headers.get("authorization", "")
    if not token.startswith(_BEARER):
        raise TokenNeeded
    actor = (await market.identity.sessions.identified(token.removeprefix(_BEARER))).actor
    try:
        found = await market.calendars.file(booking_id, actor)
    except Denied:
        raise BookingGone(field="booking_id") from None
    return _sent(found, f"{booking_id}.ics")


@get("/api/calendars/{owner_id:str}/{name:str}", include_in_schema=False)
async def feed(request: Request[Any, Any, Any], owner_id: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """All bookings of a customer or a provider that stand, to subscribe to: `/api/calendars/usr_.../<secret>.ics`."""
    market = cast("App", request.app.state.market)
    named = _FEED.fullmatch(name)
    if named is None or not _OWNER.fullmatch(owner_id):
        raise FeedGone
    return _sent(await market.calendars.feed(owner_id, named[1]), "bookings.ics")


def _named(booking_id: str) -> str:
    try:
        return ids.check("bkg", booking_id)
    except Invalid:
        raise BookingGone(field="booking_id") from None


def _sent(calendar: bytes, name: str) -> Response[bytes]:
    headers = {"cache-control": A_WHILE, "content-disposition": f'attachment; filename="{name}"'}
    # Litestar names the charset of text itself.
    return Response(calendar, headers=headers, media_type=MIME.partition(";")[0])
