"""When the provider works: the hours of a week, the dates on which these do not hold, and what customers see of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.contexts.booking import (
    Booking,
    BookingStatus,
    DatedHours,
    Offer,
    Plan,
    PlanChanged,
    SetPlan,
    TimeOff,
)
from ecosystem.contexts.catalogue import Offered, ServiceStatus
from ecosystem.kernel.display import day_text
from ecosystem.kernel.refusals import Invalid, NotFound, Refusal
from ecosystem.kernel.time import Span, local, midnight
from ecosystem.ports.table import Row
from ecosystem.web import calendar, forms
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider import zones
from ecosystem.web.provider.area import Area, area, get, post
from ecosystem.web.provider.availability import dates, week
from ecosystem.web.provider.availability.dates import Entry, Off, OtherHours
from ecosystem.web.provider.availability.week import WeekForm
from ecosystem.web.templates import Toast, link
from ecosystem.web.visit import Visit

WEEK = "provider/availability/week.html"
WEEK_FORM = "provider/availability/_week.html"
DATES = "provider/availability/dates.html"
PREVIEW = "provider/availability/preview.html"
ATTEMPTS = 4
STANDING = frozenset({BookingStatus.CONFIRMED, BookingStatus.AWAITING_PROVIDER, BookingStatus.IN_PROGRESS})
BOOKINGS_MAX = 200


class NoHours(NotFound):
    """Set the hours of your week first."""


class Shown(Struct, kw_only=True):
    """Which month of the calendar, and which day of it for the forms."""

    month: Annotated[str, Meta(max_length=7)] = ""
    day: date | None = None


class Looked(Struct, kw_only=True):
    """What of the preview is looked at."""

    service_id: Annotated[str, Meta(max_length=40)] = ""
    month: Annotated[str, Meta(max_length=7)] = ""
    day: date | None = None


@get("/provider/availability")
async def show(request: Visit) -> Answer:
    """The hours of a week."""
    here = await area(request)
    return here.page(WEEK, **about(here, opened(here)))


@post("/provider/availability")
async def edit(request: Visit) -> Answer:
    """One of the form's small buttons, or Save."""
    here = await area(request)
    form, act, onto = week.read(await request.pairs())
    changed = week.acted(form, act, onto)
    if changed is not None:
        return here.answer(WEEK, WEEK_FORM, **about(here, changed))
    saved = await keep(here, form)
    if saved is not None:
        return here.answer(WEEK, WEEK_FORM, status=422, **about(here, saved))
    return request.redirect(
        "/provider/availability", toast=Toast(text="Your week is saved. Free times follow at once.")
    )


@get("/provider/availability/dates")
async def show_dates(request: Visit) -> Answer:
    """A month with what holds on each day, what is planned, and the forms for more."""
    here = await area(request)
    if here.plan is None:
        return request.redirect("/provider/availability")
    wanted = request.query_of(Shown).asked
    return here.page(DATES, **await _dates(here, here.plan, wanted))


@post("/provider/availability/off")
async def take_off(request: Visit) -> Answer:
    """Plan time off."""
    here, form = await area(request), await request.form_of(Off)
    try:
        part = await _set(here, lambda plan, version: _adding(plan, form.asked.time_off(plan.zone), version))
    except Refusal as no:
        return await _dates_again(here, form.refused(no, time_off="first"), "off")
    return _planned(request, here, part)


@post("/provider/availability/hours")
async def open_otherwise(request: Visit) -> Answer:
    """Plan other hours for a date."""
    here, form = await area(request), await request.form_of(OtherHours)
    try:
        part = await _set(here, lambda plan, version: _adding(plan, form.asked.dated, version))
    except Refusal as no:
        return await _dates_again(here, form.refused(_placed(no, form)), "hours")
    return _planned(request, here, part)


@post("/provider/availability/dates/remove")
async def remove(request: Visit) -> Answer:
    """Take a date or a stretch out of the plan again."""
    here, asked = await area(request), request.query_of(Entry).asked
    part = asked.part()
    await _set(here, lambda plan, version: (dates.removed(plan, part, version), part))
    undo = link("/provider/availability/dates/restore", asked.query)
    return request.redirect("/provider/availability/dates", toast=Toast(text="Removed: your week holds.", undo=undo))


@post("/provider/availability/dates/restore")
async def restore(request: Visit) -> Answer:
    """Bring it back."""
    here, part = await area(request), request.query_of(Entry).asked.part()
    await _set(here, lambda plan, version: _adding(plan, part, version))
    return request.redirect("/provider/availability/dates", toast=Toast(text="It is back."))


@get("/provider/availability/preview")
async def preview(request: Visit) -> Answer:
    """The free times of a service as customers see them."""
    here, wanted = await area(request), request.query_of(Looked).asked
    values = await _preview(here, wanted)
    return here.answer(PREVIEW, "provider/availability/_preview.html", **values)


def opened(here: Area) -> WeekForm:
    """The week's form as it stands."""
    plan = here.plan
    return week.opened(plan.value if plan else None, zone=here.zone, version=plan.version if plan else 0)


def about(here: Area, form: WeekForm) -> dict[str, Any]:
    """The week's form, and what stands around it."""
    return {
        "week": form,
        "days": [(day, week.NAMES[day]) for day in week.DAYS],
        "steps": week.STEPS,
        "zones": zones.choices(form.zone, here.zone),
        "picture": week.picture(form),
        "tab": "week",
    }


async def keep(here: Area, form: WeekForm) -> WeekForm | None:
    """Make the form the plan; the form with its errors if it cannot be."""
    request, current = here.request, here.plan
    form = week.checked(form, here.provider_id)
    if form.has_errors:
        return form
    try:
        asked = week.wish(form, here.provider_id, current.value if current else None)
        await request.market.plans.set(asked, owner_id=here.owner_id, actor=request.actor)
    except PlanChanged:
        fresh = await request.market.plans.get(here.provider_id)
        said = (
            "Your plan was changed meanwhile, perhaps in another window. Save once more to put this week in its place."
        )
        return week.replace(form, version=fresh.version if fresh else 0, wrong={"": said})
    except Invalid as no:
        return week.replace(form, wrong={"": no.message})
    return None


Adding = Callable[[Plan, int], tuple[SetPlan, DatedHours | TimeOff]]


def _adding(plan: Plan, part: DatedHours | TimeOff, version: int) -> tuple[SetPlan, DatedHours | TimeOff]:
    return dates.added(plan, part, version), part


async def _set(here: Area, decide: Adding) -> DatedHours | TimeOff:
    """Change the plan as decided, on what it is then. Raises `NoHours` without one."""
    market = here.request.market
    for left in reversed(range(ATTEMPTS)):
        row = await market.plans.get(here.provider_id)
        if row is None:
            raise NoHours
        wish, part = decide(row.value, row.version)
        try:
            await market.plans.set(wish, owner_id=here.owner_id, actor=here.request.actor)
        except PlanChanged:
            if not left:
                raise
        else:
            return part
    raise AssertionError


def _planned(request: Visit, here: Area, part: DatedHours | TimeOff) -> Answer:
    days, words = dates.told(part, here.zone, seen_in=request.at.year)
    undo = link("/provider/availability/dates/remove", dates.entry(part).query)
    month = calendar.month_key(local(dates.span_of(part, here.zone).start_at, here.zone).date())
    toast = Toast(text=f"{days}: {words[0].lower()}{words[1:]}.", undo=undo)
    return request.redirect(link("/provider/availability/dates", {"month": month}), toast=toast)


def _placed(no: Refusal, form: Form[OtherHours]) -> Refusal:
    """A plan's refusal of a window, beside the field it came from: `exceptions[3].windows[1].closes` is `closes_2`."""
    _, found, rest = (no.field or "").partition("windows[")
    place, _, end = rest.partition("].")
    if found and place.isdigit() and end in {"opens", "closes"}:
        given = [at for at in (1, 2, 3) if form.text(f"opens_{at}")]
        if int(place) < len(given):
            return type(no)(no.message, field=f"{end}_{given[int(place)]}")
    return no


async def _dates_again(here: Area, form: Form[Any], name: str) -> Answer:
    if here.plan is None:
        return here.request.redirect("/provider/availability")
    values = await _dates(here, here.plan, Shown()) | {name: form}
    return here.again(DATES, f"provider/availability/_{name}.html", form, **values)


async def _dates(here: Area, row: Row[Plan], wanted: Shown) -> dict[str, Any]:
    request, plan = here.request, row.value
    today = local(request.at, plan.zone).date()
    asked = wanted.day if wanted.day and wanted.day.year in calendar.YEARS else today
    first = calendar.first_of(wanted.month) if wanted.month else asked.replace(day=1)
    start, end = calendar.days_of(first)
    bookings = await _standing(here, Span(midnight(start, plan.zone), midnight(end, plan.zone)))
    day = max(asked, today) if wanted.day else None
    return {
        "tab": "dates",
        "first": first,
        "month_title": f"{first:%B %Y}",
        "before": calendar.month_key(start - timedelta(days=1)) if first > today else "",
        "after": calendar.month_key(end) if (end - today).days < dates.OFF_DAYS_MAX * 2 else "",
        "weeks": dates.month_of(first, plan, [booking.start_at for booking in bookings], today=today),
        "weekdays": calendar.WEEKDAYS,
        "entries": [await _entry(here, part, today.year) for part in dates.ahead(plan, request.at)],
        "off": forms.blank(Off, first=day or ""),
        "hours": forms.blank(OtherHours, day=day or ""),
        "today": today.isoformat(),
        "chosen": day.isoformat() if day else "",
    }


class Listed(Struct, frozen=True, kw_only=True):
    """A date or stretch in the list, and the bookings that stand in it all the same."""

    days: str
    words: str
    note: str
    remove: str
    bookings: Sequence[Booking]


async def _entry(here: Area, part: DatedHours | TimeOff, year: int) -> Listed:
    assert here.plan is not None
    days, words = dates.told(part, here.zone, seen_in=year)
    return Listed(
        days=days,
        words=words,
        note=part.note,
        remove=link("/provider/availability/dates/remove", dates.entry(part).query),
        bookings=await _standing(here, dates.span_of(part, here.plan.value.zone))
        if isinstance(part, TimeOff) or not part.windows
        else (),
    )


async def _standing(here: Area, span: Span) -> Sequence[Booking]:
    page = await here.request.market.bookings.of_provider(
        here.provider_id,
        here.request.actor,
        owner_id=here.owner_id,
        since=span.start_at,
        until=span.end_at,
        limit=BOOKINGS_MAX,
    )
    return [booking for booking in page.values if booking.status in STANDING]


async def _preview(here: Area, wanted: Looked) -> dict[str, Any]:
    """The free times of the service that is looked at, by the provider's own clock."""
    request = here.request
    rows = [row for row in await request.market.services.of(here.provider_id) if row.value.price]
    rows.sort(key=lambda row: (row.value.status is not ServiceStatus.PUBLISHED, row.value.title.casefold()))
    services = [row.value for row in rows if row.value.status is not ServiceStatus.CLOSED]
    chosen = next((row for row in rows if row.value.service_id == wanted.service_id), rows[0] if rows else None)
    values: dict[str, Any] = {"tab": "preview", "services": services, "service": None}
    if chosen is None or here.plan is None:
        return values
    offer = await request.market.offering.of(Offered(service=chosen, provider=here.row))
    today = local(request.at, here.zone).date()
    first = calendar.first_of(wanted.month) if wanted.month else await _first(here, offer, wanted.day, today)
    start, end = calendar.days_of(first)
    last = today + timedelta(days=offer.horizon_days)
    free: dict[date, Sequence[Any]] = {}
    if end > today and start <= last:
        times = await request.market.offering.free_times(offer, max(start, today), end - timedelta(days=1), here.zone)
        free = {each.day: each.slots for each in times.days}
    day = wanted.day if wanted.day in free else min(free, default=None)
    counts = {each: len(slots) for each, slots in free.items()}
    return values | {
        "service": chosen.value,
        "month": calendar.month(first, counts, today=today, last=last, chosen=day),
        "slots": free.get(day, ()) if day else (),
        "heading": day_text(day, seen_in=today.year) if day else "",
        "query": {"service_id": chosen.value.service_id},
        "total": sum(counts.values()),
    }


async def _first(here: Area, offer: Offer, day: date | None, today: date) -> date:
    if day is None or day.year not in calendar.YEARS:
        found = await here.request.market.offering.first_free_day(offer, here.zone)
        day = found.day if found else today
    return day.replace(day=1)
