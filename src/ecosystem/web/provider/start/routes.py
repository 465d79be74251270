"""The first steps, from a name to a service that can be booked. Each is saved by itself, so one can stop anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import FieldsRefused, NotReady, Problem, ProviderId, RegisterProvider
from ecosystem.journeys.onboarding import Progress, Step
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider import zones
from ecosystem.web.provider.area import Area, NotAProvider, area
from ecosystem.web.provider.availability import routes as hours
from ecosystem.web.provider.availability import week
from ecosystem.web.provider.photos.album import album
from ecosystem.web.provider.profile import forms as profile
from ecosystem.web.provider.profile.forms import About, Place, spoken
from ecosystem.web.provider.profile.routes import kept
from ecosystem.web.provider.services import routes as services
from ecosystem.web.provider.services.forms import ServiceForm, new, opened
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = "provider/start/page.html"


class NoSuchStep(NotFound):
    """There is no such step."""


class Stage(Struct, frozen=True, kw_only=True):
    """A step as the page names it: why it is asked for, and the fragment that asks."""

    step: Step
    title: str
    heading: str
    why: str
    tips: tuple[str, ...]
    fragment: str

    @property
    def to(self) -> str:
        return f"/provider/start/{self.step}"


STAGES = (
    Stage(
        step=Step.PROFILE,
        title="You",
        heading="Who are you?",
        why="Customers choose a person before they choose a price. Your name, one clear line and the languages you speak are what they see first.",
        tips=("Your own name works as well as that of a business.", "You can change all of it later."),
        fragment="provider/profile/_about.html",
    ),
    Stage(
        step=Step.PLACE,
        title="Place",
        heading="Where do you work?",
        why="Customers look for somebody near them, and your hours need a clock. Your street is never shown.",
        tips=(
            "On a map, press long or click right on your place to copy its point.",
            "The radius only matters if you travel to customers.",
        ),
        fragment="provider/profile/_place.html",
    ),
    Stage(
        step=Step.PHOTOS,
        title="Photos",
        heading="Show your work",
        why="Photographs of real work say more than words. Nothing else moves a listing up in people's minds as much.",
        tips=("Daylight, and one thing per picture.", "You can skip this and add them later."),
        fragment="provider/start/_photos.html",
    ),
    Stage(
        step=Step.SERVICE,
        title="Service",
        heading="What do you offer first?",
        why="One concrete service is enough to begin: what the customer gets, how long it takes, what it costs. The whole price is shown before anybody pays.",
        tips=("Name what is included and what is not.", "More services can follow once you are live."),
        fragment="provider/services/_form.html",
    ),
    Stage(
        step=Step.HOURS,
        title="Hours",
        heading="When can you be booked?",
        why="Customers see real free times, so they never have to ask. What is booked is taken out by itself, with the time you need around it.",
        tips=("Begin with the hours you are sure of.", "Days off and exceptions are planned under Availability."),
        fragment="provider/availability/_week.html",
    ),
    Stage(
        step=Step.LIVE,
        title="Go live",
        heading="Ready?",
        why="From here on customers find you. You can pause at any time; bookings you have stand.",
        tips=("Money is held when a customer pays and released to you when the work is done.",),
        fragment="provider/start/_live.html",
    ),
)


@get("/provider/start")
async def resume(request: Visit) -> Answer:
    """On to the step where something is missing; to the area for who is done, to what waits for them for who begins."""
    here = await _begun(request)
    if here is None:
        if await request.market.onboarding.claimable(request.actor):
            return request.redirect("/provider/claim")
        return request.redirect(STAGES[0].to)
    progress = await here.progress()
    return request.redirect("/provider" if progress.is_live else _stage(progress.next).to)


@get("/provider/start/{step:str}")
async def show(request: Visit, step: FromPath[str]) -> Answer:
    """One step."""
    stage, here = _stage(step), await _begun(request)
    if here is None:
        if stage.step is not Step.PROFILE:
            return request.redirect(STAGES[0].to)
        form = profile.about(None, name=request.person.name if request.person else "", **_new_id(request))
        return request.page(PAGE, **_first(form))
    return await _page(here, stage)


@post("/provider/start/{step:str}")
async def keep(request: Visit, step: FromPath[str]) -> Answer:
    """Save one step, and on to the next."""
    act = _KEPT.get(_stage(step).step)
    if act is None:
        raise NoSuchStep
    try:
        return await act(request)
    except NotAProvider:
        return request.redirect(STAGES[0].to)


async def _tell(request: Visit) -> Answer:
    """The first step makes the provider; later it edits them."""
    form, here = await request.form_of(About), await _begun(request)
    try:
        if here is None:
            asked = form.asked
            wish = RegisterProvider(provider_id=ProviderId(asked.provider_id), fields=asked.fields)
            await request.market.onboarding.begin(wish, request.actor)
            here = await area(request)
        else:
            await kept(here, form)
    except Refusal as no:
        said = form.refused(no)
        if here is None:
            return request.again(PAGE, STAGES[0].fragment, said, **_first(said))
        return await _again(here, Step.PROFILE, said, about=said, spoken=spoken(said))
    return await _on(here, Step.PROFILE, form.asked.act, form)


async def _settle(request: Visit) -> Answer:
    """Where they work."""
    here, form = await area(request), await request.form_of(Place)
    try:
        await kept(here, form)
    except Refusal as no:
        said = form.refused(no, location="place", lat="point", lon="point")
        return await _again(here, Step.PLACE, said, place=said)
    return await _on(here, Step.PLACE, form.asked.act, form)


async def _offer(request: Visit) -> Answer:
    """The first service: made as a draft, or edited."""
    here, form = await area(request), await request.form_of(ServiceForm)
    known = (await here.progress()).service
    try:
        if known is None:
            await services.drafted(here, form)
        else:
            asked = form.asked
            await request.market.services.edit(
                known.value.service_id, asked.fields, request.actor, version=asked.version or None
            )
    except Refusal as no:
        return await _again(here, Step.SERVICE, form.refused(no), form=form.refused(no))
    return await _on(here, Step.SERVICE, form.asked.act, form)


async def _open_week(request: Visit) -> Answer:
    """One of the week's small buttons, or on."""
    here = await area(request)
    form, act, onto = week.read(await request.pairs())
    changed = week.acted(form, act, onto)
    if changed is None:
        changed = await hours.keep(here, form)
        if changed is None:
            return await _on(await area(request), Step.HOURS, act, None)
        return await _shown(here, Step.HOURS, 422, hours.about(here, changed))
    return await _shown(here, Step.HOURS, 200, hours.about(here, changed))


async def _go_live(request: Visit) -> Answer:
    """Publish the service and ask to be listed."""
    here = await area(request)
    try:
        progress = await request.market.onboarding.go_live(here.provider_id, request.actor)
    except NotReady as no:
        return await _shown(here, Step.LIVE, status_of(no), {})
    said = "You are live: customers find and book you now." if progress.is_live else "Sent. You hear from us soon."
    return request.redirect("/provider", toast=Toast(text=said))


_KEPT: Mapping[Step, Callable[[Visit], Awaitable[Answer]]] = {
    Step.PROFILE: _tell,
    Step.PLACE: _settle,
    Step.SERVICE: _offer,
    Step.HOURS: _open_week,
    Step.LIVE: _go_live,
}


async def _begun(request: Visit) -> Area | None:
    """The area of who began before; none for who begins. Raises `SignInNeeded`."""
    try:
        return await area(request)
    except NotAProvider:
        return None


def _stage(step: str) -> Stage:
    found = next((stage for stage in STAGES if stage.step == step), None)
    if found is None:
        raise NoSuchStep
    return found


def _new_id(request: Visit) -> dict[str, str]:
    return {"provider_id": mint("prv", request.at, request.kit.entropy)}


def _first(form: Form[About]) -> dict[str, Any]:
    """The first step for somebody who is no provider yet."""
    marks = [("now" if stage.step is Step.PROFILE else "next", stage) for stage in STAGES]
    return {
        "stage": STAGES[0],
        "stages": marks,
        "number": 1,
        "about": form,
        "spoken": spoken(form),
        "wizard": True,
        "changed": (),
        "changed_in": "",
    }


async def _page(here: Area, stage: Stage, *, status: int = 200, **values: Any) -> Answer:
    return here.page(PAGE, status=status, **await _around(here, stage, values))


async def _shown(here: Area, step: Step, status: int, values: dict[str, Any]) -> Answer:
    stage = _stage(step)
    return here.answer(PAGE, stage.fragment, status=status, **await _around(here, stage, values))


async def _again(here: Area, step: Step, said: Form[Any], **values: Any) -> Answer:
    assert said.refusal is not None
    return await _shown(here, step, status_of(said.refusal), values)


async def _on(here: Area, step: Step, act: str, form: Form[Any] | None) -> Answer:
    """On to the next step; or the same once more, saved, with what is missing beside its fields."""
    request = here.request
    if act == "later":
        return request.redirect("/provider", toast=Toast(text="Saved. Go on whenever you like."))
    progress = await request.market.onboarding.progress(here.provider_id, request.actor)
    here = await area(request)
    lacking = progress.lacking(step)
    if lacking:
        values: dict[str, Any] = {}
        if form is not None:
            missing = FieldsRefused([_problem(step, lack.field, lack.reason) for lack in lacking])
            said = replace(form.refused(missing), values={**form.values, "version": (_version(step, progress),)})
            values = {_name(step): said}
        elif step is Step.HOURS:
            empty = replace(hours.opened(here), wrong={"": lacking[0].reason})
            values = hours.about(here, empty)
        return await _shown(here, step, 422, values)
    at = [stage.step for stage in STAGES].index(step)
    return request.redirect(STAGES[at + 1].to)


def _problem(step: Step, field: str, reason: str) -> Problem:
    return Problem("place" if step is Step.PLACE and field == "location" else field, reason)


def _name(step: Step) -> str:
    return {Step.PROFILE: "about", Step.PLACE: "place", Step.SERVICE: "form"}[step]


def _version(step: Step, progress: Progress) -> str:
    row = progress.service if step is Step.SERVICE else progress.provider
    return str(row.version if row else 0)


async def _around(here: Area, stage: Stage, values: dict[str, Any]) -> dict[str, Any]:
    """What a step shows: its own form as it stands, unless `values` has it, and the way through all of them."""
    progress = await here.progress()
    marks: Sequence[tuple[str, Stage]] = [
        ("now" if each.step is stage.step else "done" if progress.done(each.step) else "next", each) for each in STAGES
    ]
    shown = {
        "stage": stage,
        "stages": marks,
        "number": [each.step for each in STAGES].index(stage.step) + 1,
        "progress": progress,
        "wizard": True,
        "changed": (),
        "changed_in": "",
    }
    return shown | await _asked(here, stage.step, progress, values) | values


async def _asked(here: Area, step: Step, progress: Progress, values: dict[str, Any]) -> dict[str, Any]:
    request, row = here.request, progress.provider
    match step:
        case Step.PROFILE:
            form = values.get("about") or profile.about(row.value, version=row.version)
            return {"about": form, "spoken": spoken(form)}
        case Step.PLACE:
            form = profile.place(row.value, zone=request.zone, version=row.version)
            return {"place": form, "zones": zones.choices(request.zone)}
        case Step.PHOTOS:
            return {"album": await album(request, row.value, row.value.provider_id, back="/provider/start/photos")}
        case Step.SERVICE:
            service, currency = progress.service, request.kit.site.currency
            made = {"service_id": mint("svc", request.at, request.kit.entropy)}
            form = (
                opened(service.value, version=service.version, currency=currency) if service else new(currency, **made)
            )
            return await services.around(here, values.get("form") or form, service)
        case Step.HOURS:
            return hours.about(here, hours.opened(here))
        case Step.LIVE:
            return {}
