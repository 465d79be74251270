"""The page of other calendars: added, read, and removed by their owner; what goes wrong stands beside the field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
from tests.web.provider.desk import Desk, csrf

from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import CalendarUnreachable, Known, Reading

PAGE = "/provider/availability/calendars"


@dataclass
class Elsewhere:
    """A calendar that is busy on Monday morning, unless it is away."""

    desk: Desk
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def read(self, address: str, *, window: Span, zone: str, known: Known | None = None) -> Reading:
        self.asked.append(address)
        if self.away:
            raise CalendarUnreachable("calendar.example.org did not answer in time.")
        start_at = self.desk.shop.market.tomorrow(9) + timedelta(days=2)
        return Reading(busy=(Span(start_at, start_at + timedelta(hours=1)),), left_out=1)


def elsewhere(desk: Desk) -> Elsewhere:
    found, app = Elsewhere(desk), desk.shop.market.app
    object.__setattr__(app, "outside_calendars", replace(app.outside_calendars, calendars=found))
    return found


async def post(client: httpx.AsyncClient, path: str, **fields: Any) -> httpx.Response:
    return await client.post(path, data={"csrf_token": await csrf(client), **fields})


async def test_a_calendar_is_added_read_and_removed(desk: Desk, pedro: httpx.AsyncClient) -> None:
    outside = elsewhere(desk)
    empty = await pedro.get(PAGE)
    added = await post(pedro, PAGE, address="webcal://calendar.example.org/secret.ics", name="Home & family")
    shown = await pedro.get(PAGE)
    (kept,) = await desk.shop.market.app.outside_calendars.of(
        desk.provider_id, desk.owner, owner_id=desk.owner.actor_id
    )
    desk.shop.market.clock.advance(timedelta(minutes=5))
    outside.away = True
    failing = await post(pedro, f"{PAGE}/{kept.calendar_id}/read")
    told = await pedro.get(PAGE)
    removed = await post(pedro, f"{PAGE}/{kept.calendar_id}/remove")
    after = await pedro.get(PAGE)

    assert "No other calendar" in empty.text
    assert added.headers["location"] == PAGE
    assert "Home &amp; family" in shown.text
    assert "1 busy time" in shown.text
    assert "1 event could not be understood" in shown.text
    assert "secret" not in shown.text.replace("secret address", "")
    assert failing.headers["location"] == PAGE
    assert "did not answer in time" in told.text
    assert removed.headers["location"] == PAGE
    assert "No other calendar" in after.text


async def test_what_is_wrong_stands_beside_the_field(desk: Desk, pedro: httpx.AsyncClient) -> None:
    outside = elsewhere(desk)
    outside.away = True
    away = await post(pedro, PAGE, address="https://calendar.example.org/a.ics")
    plain = await post(pedro, PAGE, address="http://calendar.example.org/a.ics")
    nothing = await post(pedro, PAGE, address="")

    assert away.status_code == 503
    assert "did not answer in time" in away.text
    assert (plain.status_code, nothing.status_code) == (422, 422)
    assert "begins with https://" in unescape(plain.text)
    assert 'value="http://calendar.example.org/a.ics"' in unescape(plain.text)


async def test_visitors_and_strangers_have_none(desk: Desk) -> None:
    async with desk.shop.client() as visitor:
        answer = await visitor.get(PAGE)

    assert answer.headers["location"].startswith("/sign-in")
