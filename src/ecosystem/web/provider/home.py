"""The start of the area: today, what waits, what was earned, what to do next; or what it means to become a provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from litestar import get
from msgspec import Struct

from ecosystem.contexts.catalogue import ServiceStatus
from ecosystem.journeys.onboarding import Progress
from ecosystem.kernel.time import local, midnight
from ecosystem.web.answers import Answer
from ecosystem.web.provider.area import Area, NotAProvider, area
from ecosystem.web.provider.availability import week
from ecosystem.web.provider.bookings.entries import STANDING, by_day
from ecosystem.web.provider.requests.routes import asked
from ecosystem.web.visit import SignInNeeded, Visit

SHOWN_REQUESTS = 3
SHOWN_BOOKINGS = 8
AHEAD = timedelta(days=14)
LOOKED_AT = 60


class Task(Struct, frozen=True, kw_only=True):
    """Something worth doing next."""

    title: str
    words: str
    to: str
    icon: str


@get("/provider")
async def show(request: Visit) -> Answer:
    """The overview for a provider; for anybody else, what it would mean to become one."""
    try:
        here = await area(request)
    except (SignInNeeded, NotAProvider):
        rates = await request.market.tariff.current()
        share = f"{rates.provider_share_bps / 100:g}"
        waiting = await request.market.onboarding.claimable(request.actor)
        return request.page("provider/landing.html", share=share, waiting=[row.value for row in waiting])
    return here.page("provider/home.html", **await _values(here))


async def _values(here: Area) -> dict[str, Any]:
    request = here.request
    today = local(request.at, here.zone).date()
    since = midnight(today, here.zone)
    page = await request.market.bookings.of_provider(
        here.provider_id,
        request.actor,
        owner_id=here.owner_id,
        since=since,
        until=since + AHEAD,
        limit=LOOKED_AT,
    )
    waiting = {booking.booking_id for booking in here.waiting}
    standing = [each for each in page.values if each.status in STANDING and each.booking_id not in waiting]
    days = by_day(standing[:SHOWN_BOOKINGS], here.zone, request.at)
    currency = request.kit.site.currency
    earned = await request.market.earnings.summary(here.provider_id, request.actor, currency=currency)
    progress = await here.progress()
    return {
        "requests": (await asked(here, SHOWN_REQUESTS)),
        "today": next((day for day in days if day.day == today), None),
        "later": [day for day in days if day.day > today],
        "today_title": f"{today:%A} {today.day} {today:%B}",
        "coming": next((each for each in standing if each.end_at > request.at), None),
        "balances": [each for each in earned.balances if each.units or each.held or each.currency == currency],
        "releases": earned.releases[:1],
        "tasks": _tasks(
            here, progress, [row.value.media for row in await request.market.services.of(here.provider_id)]
        ),
        "picture": week.picture(week.opened(here.plan.value, zone=here.zone)) if here.plan else (),
        "greeting": _greeting(local(request.at, here.zone).hour),
        "services": progress.service is not None and progress.service.value.status is ServiceStatus.PUBLISHED,
    }


def _greeting(hour: int) -> str:
    return "Good morning" if 4 <= hour < 12 else "Good afternoon" if hour < 18 else "Good evening"


def _tasks(here: Area, progress: Progress, media: Sequence[Sequence[str]]) -> Sequence[Task]:
    """What to do next, the most urgent first."""
    found: list[Task] = []
    if here.waiting:
        found.append(
            Task(
                title="Answer your requests",
                words="A request that nobody answers expires, and the customer books somebody else.",
                to="/provider/requests",
                icon="inbox",
            )
        )
    if not progress.is_live and here.provider.status == "draft":
        words = progress.lacks[0].reason if progress.lacks else "Everything is there: publish it."
        found.append(Task(title="Go live", words=words, to="/provider/start", icon="rocket"))
    if not here.provider.media and not any(media):
        words = "Customers look at pictures of real work first."
        found.append(Task(title="Add photographs", words=words, to="/provider/profile#album", icon="camera"))
    if not here.provider.biography:
        words = "A few sentences on how you work, so that customers know who comes."
        found.append(Task(title="Tell about yourself", words=words, to="/provider/profile", icon="circle-user"))
    if progress.is_live:
        found += [
            Task(
                title="See your bookings in your own calendar",
                words="Subscribe once; it follows by itself.",
                to="/provider/bookings#feed",
                icon="calendar-sync",
            ),
            Task(
                title="Plan your days off",
                words="So that nobody books your holidays.",
                to="/provider/availability/dates",
                icon="calendar-x",
            ),
        ]
    return found[:4]
