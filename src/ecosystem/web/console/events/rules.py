"""The rules of the bus: which events go to whom, and a place to try a pattern on an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.bus import enveloped
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import Desk, desk, get
from ecosystem.web.console.events.tabs import tabs
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.visit import Visit
from ecosystem.workflows import patterns
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.overview import Overview, Troubles, function_of
from ecosystem.workflows.patterns import SIZE_MAX, Pattern
from ecosystem.workflows.rules import Rule, Rules

RECENT = 25
EVENT_MAX = 60_000
SAMPLE = '{\n  "source": ["booking"],\n  "detail-type": ["BookingConfirmed"]\n}'


class Shown(Struct, frozen=True, kw_only=True):
    """A rule with its pattern as JSON, and what waits or was given up on its account."""

    name: str
    pattern: str
    attempts_max: int
    function: str
    retrying: int
    dead: int


class Try(Struct, frozen=True, kw_only=True):
    """A pattern, and the event to try it on: one of the bus by its id, or what was pasted."""

    pattern: Annotated[str, Meta(max_length=SIZE_MAX)] = ""
    event_id: Annotated[str, Meta(max_length=400)] = ""
    event: Annotated[str, Meta(max_length=EVENT_MAX)] = ""


class Field(Struct, frozen=True, kw_only=True):
    """A condition of the pattern and whether the event's field meets it; `found` is what stands there."""

    path: str
    wanted: str
    found: str
    holds: bool


class Way(Struct, frozen=True, kw_only=True):
    """One of the alternatives that a pattern has. `is_torn` says that each field holds, but not in one element of a list."""

    fields: Sequence[Field]
    holds: bool
    is_torn: bool


class Tried(Struct, frozen=True, kw_only=True):
    """Whether the event matches, why, and to whom it goes as the rules stand."""

    matches: bool
    ways: Sequence[Way]
    goes_to: Sequence[str]
    event: str


@get("/console/events/rules")
async def listed(request: Visit) -> Answer:
    """The rules as they stand, and the form to try a pattern."""
    form = request.query_of(Try)
    at_desk = await desk(request)
    asked = bool(form.values.get("pattern"))
    if not asked:
        return await _page(request, at_desk, form, None)
    try:
        return await _page(request, at_desk, form, await _tried(request, form.asked))
    except Refusal as no:
        return await _page(request, at_desk, form.refused(no), None)


async def _page(request: Visit, at_desk: Desk, form: Form[Try], tried: Tried | None) -> Answer:
    overview = Overview(request.market)
    troubles = await overview.troubles(request.actor)
    recent = await request.market.happenings.latest(request.actor, limit=RECENT)
    return at_desk.answer(
        "events/rules.html",
        "events/_try.html",
        status=status_of(form.refusal) if form.refusal else 200,
        rules=[_shown(rule, troubles) for rule in overview.rules(request.actor)],
        recent=[(event.event_id, f"{event.type} {event.aggregate[-8:]}") for event in recent.events],
        form=form,
        sample=SAMPLE,
        tried=tried,
        tabs=tabs(at_desk),
    )


def _shown(rule: Rule, troubles: Troubles) -> Shown:
    return Shown(
        name=rule.name,
        pattern=_pretty(rule.pattern.document),
        attempts_max=rule.attempts_max,
        function=function_of(rule.name),
        retrying=troubles.retrying.get(rule.name, 0),
        dead=troubles.dead.get(rule.name, 0),
    )


async def _tried(request: Visit, asked: Try) -> Tried:
    """Raises `PatternRefused`, `NoSuchEvent`, `Invalid`."""
    pattern = patterns.parse(asked.pattern)
    goes_to: Sequence[str] = ()
    if asked.event.strip():
        envelope = _pasted(asked.event)
        goes_to = [rule.name for rule in rules(request.market) if rule.pattern.matches(envelope)]
    elif asked.event_id:
        event = await request.market.happenings.event(asked.event_id, request.actor)
        envelope = enveloped(event)
        goes_to = [rule.name for rule in Rules(rules(request.market)).of(event)]
    else:
        raise Invalid("Choose an event, or paste one.", field="event_id")
    return Tried(
        matches=pattern.matches(envelope),
        ways=[_way(pattern, at, envelope) for at in range(len(pattern.alternatives))],
        goes_to=goes_to,
        event=_pretty(envelope),
    )


def _way(pattern: Pattern, at: int, envelope: Mapping[str, Any]) -> Way:
    conditions = pattern.alternatives[at]
    alone = replace(pattern, alternatives=(conditions,), types=None, by_type_alone=False)
    fields = [
        Field(
            path=condition.path,
            wanted=_wanted(pattern.document, condition.path),
            found=_found(envelope, condition.path),
            holds=replace(alone, alternatives=((condition,),)).matches(envelope),
        )
        for condition in conditions
    ]
    holds = alone.matches(envelope)
    return Way(fields=fields, holds=holds, is_torn=not holds and all(field.holds for field in fields))


def _wanted(document: Any, path: str) -> str:
    """What the pattern has for that field, wherever an `$or` puts it."""
    found = [_short(each) for each in _values(document, path, through_or=True)]
    return " or ".join(dict.fromkeys(found))


def _found(envelope: Mapping[str, Any], path: str) -> str:
    return ", ".join(_short(each) for each in _values(envelope, path, through_or=False)[:5])


def _values(document: Any, path: str, *, through_or: bool) -> list[Any]:
    """Everything that stands under a dotted path; a name may hold dots itself."""
    if isinstance(document, list):
        return [found for each in cast("list[Any]", document) for found in _values(each, path, through_or=through_or)]
    if not isinstance(document, Mapping):
        return []
    found: list[Any] = []
    for name, under in cast("Mapping[str, Any]", document).items():
        if name == path:
            found.append(under)
        elif path.startswith(f"{name}."):
            found += _values(under, path.removeprefix(f"{name}."), through_or=through_or)
        elif through_or and name == "$or":
            found += _values(under, path, through_or=through_or)
    return found


def _short(value: Any) -> str:
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 120 else f"{text[:119]}…"


def _pasted(text: str) -> Mapping[str, Any]:
    try:
        event: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as wrong:
        raise Invalid(f"That is no JSON: {wrong}", field="event") from wrong
    if not isinstance(event, Mapping):
        raise Invalid("An event is an object.", field="event")
    return cast("Mapping[str, Any]", event)


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
