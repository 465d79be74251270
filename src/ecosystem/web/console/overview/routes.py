"""The dashboard: what is held and earned, how bookings stand, and what wants to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import categories
from ecosystem.contexts.ledger import chart
from ecosystem.kernel.time import local
from ecosystem.web.answers import Answer
from ecosystem.web.console import drawing
from ecosystem.web.console.bookings.listed import latest
from ecosystem.web.console.desk import Desk, desk, get
from ecosystem.web.console.lags import lags
from ecosystem.web.formats import units_text
from ecosystem.web.visit import Visit

LATEST = 10
CATEGORIES = 8
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STATUSES = (
    BookingStatus.AWAITING_PROVIDER,
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.DISPUTED,
    BookingStatus.NO_SHOW,
    BookingStatus.COMPLETED,
    BookingStatus.CANCELLED,
    BookingStatus.DECLINED,
    BookingStatus.EXPIRED,
    BookingStatus.AWAITING_PAYMENT,
)


class Asked(Struct, frozen=True, kw_only=True):
    """How many days are shown, and in which currency."""

    days: Literal["7", "30", "90"] = "30"
    currency: str = ""


class Figure(Struct, frozen=True, kw_only=True):
    """A figure with its past: `series` oldest first, `delta` against as many days before."""

    label: str
    value: str
    words: str = ""
    delta: str = ""
    tone: str = ""
    series: Sequence[int] = ()


@get("/console")
async def show(request: Visit) -> Answer:
    """The dashboard of some days."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    currencies = sorted({*at_desk.now.within("money:"), request.kit.site.currency})
    currency = asked.currency if asked.currency in currencies else request.kit.site.currency
    period = await _period(request, int(asked.days), currency)
    return at_desk.page(
        "overview/page.html",
        days=int(asked.days),
        currency=currency,
        currencies=currencies,
        query={name: text for name, text in (("days", asked.days), ("currency", asked.currency)) if text},
        figures=await _figures(at_desk, period, currency),
        charged=drawing.chart(
            period.days,
            period.of("charged"),
            period.before("charged"),
            mark=lambda minor: drawing.money_mark(minor, currency),
            said=lambda minor: units_text(minor, currency),
        ),
        charged_total=units_text(sum(period.of("charged")), currency),
        categories=period.categories,
        statuses=[(status, at_desk.now.of("bookings", status)) for status in STATUSES],
        heat=drawing.heat(period.hours, _hour_said),
        has_hours=any(map(any, period.hours)),
        weekdays=[name[:3] for name in WEEKDAYS],
        latest=(await latest(request, limit=LATEST)).rows,
        lags=await lags(request),
    )


class Period(Struct, frozen=True, kw_only=True):
    """The days shown, and as many before them, each with what it added."""

    days: Sequence[date]
    money: Mapping[date, Mapping[str, int]]
    bookings: Mapping[date, Mapping[str, int]]
    categories: Sequence[tuple[str, int]]
    hours: Sequence[Sequence[int]]

    def of(self, name: str) -> list[int]:
        return [self.money[day].get(name, 0) for day in self.days]

    def before(self, name: str) -> list[int]:
        return [self.money[day - timedelta(days=len(self.days))].get(name, 0) for day in self.days]

    def booked(self, *, before: bool = False) -> list[int]:
        away = timedelta(days=len(self.days)) if before else timedelta()
        return [self.bookings[day - away].get("booked", 0) for day in self.days]


async def _period(request: Visit, length: int, currency: str) -> Period:
    figures, actor = request.market.figures, request.actor
    last = request.at.date()
    first = last - timedelta(days=length - 1)
    earliest = first - timedelta(days=length)
    bookings = await figures.days("bookings", earliest, last, actor)
    sorts = await figures.days("categories", first, last, actor)
    counts: dict[str, int] = {}
    for by in sorts.values():
        for slug, count in by.items():
            counts[slug] = counts.get(slug, 0) + count
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:CATEGORIES]
    known = categories()
    return Period(
        days=[first + timedelta(days=count) for count in range(length)],
        money=await figures.days(f"money:{currency}", earliest, last, actor),
        bookings=bookings,
        categories=[(known.get(slug).title if slug in known else slug, count) for slug, count in ranked],
        hours=_hours(request, {day: by for day, by in bookings.items() if day >= first}),
    )


def _hours(request: Visit, days: Mapping[date, Mapping[str, int]]) -> list[list[int]]:
    """Bookings by weekday and hour of the operator's clock. Hours are counted in UTC and moved by today's distance."""
    offset = local(request.at, request.zone).utcoffset() or timedelta()
    ahead_h = round(offset.total_seconds() / 3600)
    rows = [[0] * 24 for _ in WEEKDAYS]
    for day, by in days.items():
        for hour in range(24):
            if count := by.get(f"h{hour:02d}", 0):
                away, moved = divmod(hour + ahead_h, 24)
                rows[(day.weekday() + away) % 7][moved] += count
    return rows


async def _figures(at_desk: Desk, period: Period, currency: str) -> list[Figure]:
    request = at_desk.request
    group = f"money:{currency}"
    earned = await request.market.ledger.positions([chart.commission(currency), chart.surcharge(currency)])
    totals = {name: position.balances.net for name, position in earned.items()}
    held = at_desk.now.of(group, "escrow")
    open_bookings = at_desk.now.of("bookings", BookingStatus.CONFIRMED) + at_desk.now.of(
        "bookings", BookingStatus.IN_PROGRESS
    )
    words = request.kit.templates.words
    return [
        Figure(
            label="Held in escrow",
            value=units_text(held, currency),
            words=words.count("{count} bookings ahead or under way", open_bookings),
            series=_levels(held, period.of("escrow")),
        ),
        *(
            Figure(
                label=label,
                value=units_text(sum(period.of(name)), currency),
                words=words.say("{total} since the beginning", total=units_text(totals.get(account, 0), currency)),
                series=period.of(name),
                **_moved(sum(period.of(name)), sum(period.before(name))),
            )
            for label, name, account in (
                ("Commission earned", "commission", chart.commission(currency)),
                ("Surcharge earned", "surcharge", chart.surcharge(currency)),
            )
        ),
        Figure(
            label="Bookings",
            value=f"{sum(period.booked()):,}",
            words=words.say("Paid, or reserved on a card"),
            series=period.booked(),
            **_moved(sum(period.booked()), sum(period.booked(before=True))),
        ),
    ]


def _levels(now: int, changes: Sequence[int]) -> list[int]:
    """What a balance was at the end of each day, from what it is and what each day added."""
    levels = [now]
    for change in reversed(changes[1:]):
        levels.append(levels[-1] - change)
    return levels[::-1]


def _moved(value: int, before: int) -> dict[str, str]:
    """How a figure moved against the days before; nothing where there is nothing to compare with."""
    if before <= 0:
        return {}
    percent = 100 * (value - before) / before
    tone = "good" if percent >= 0.05 else "bad" if percent <= -0.05 else ""
    return {
        "delta": f"{percent:+.1f}%" if abs(percent) < 1000 else f"{percent / 100:+.0f}\N{MULTIPLICATION SIGN}",
        "tone": tone,
    }


def _hour_said(weekday: int, hour: int, count: int) -> str:
    return f"{WEEKDAYS[weekday]} {hour:02d}:00: {count}"
