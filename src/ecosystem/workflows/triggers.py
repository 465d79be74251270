"""What may trigger a function, and what a function does about each kind of trigger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from ecosystem.app import App
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall


class CatchUp(StrEnum):
    """What becomes of the times that a schedule missed while nobody was there to fire it.

    `all` fires once for each of them, `latest` once for all of them, `skip` for none: it goes on with the next time.
    """

    ALL = "all"
    LATEST = "latest"
    SKIP = "skip"


class Hook(StrEnum):
    """Moments of the identity provider at which a function is called."""

    POST_CONFIRMATION = "PostConfirmation"


class OnEvent(Struct, frozen=True, kw_only=True):
    """Events of the bus that match the pattern. `rule` tells apart several rules of one function."""

    pattern: Mapping[str, Any]
    rule: str = ""


class OnChanges(Struct, frozen=True, kw_only=True):
    """Changes of items of these kinds, at most `batch` together, left to gather for `window_s` seconds."""

    entities: tuple[str, ...]
    batch: int = 250
    window_s: float = 0.1


class OnSchedule(Struct, frozen=True, kw_only=True):
    """Times. With an `expression` it is a schedule of its own, made at the start.

    Without one it is a family of one-time schedules, `<name>/<matter>`, each made when its matter comes up.
    """

    name: str
    expression: str | None = None
    zone: str = "UTC"
    catch_up: CatchUp = CatchUp.LATEST


class OnRoute(Struct, frozen=True, kw_only=True):
    """Requests to an address of the REST face."""

    method: str
    path: str


class OnTask(Struct, frozen=True, kw_only=True):
    """Steps of machines that name the function. `acts` are what their input may ask for under `act`."""

    acts: tuple[str, ...]


class OnHook(Struct, frozen=True, kw_only=True):
    """A moment of the identity provider."""

    hook: Hook


class OnFields(Struct, frozen=True, kw_only=True):
    """Root fields of the API, such as `Query.search`.

    They are answered by the resolver of the same name in both deployments, so an entry has no act for them.
    """

    fields: tuple[str, ...]


Trigger = OnEvent | OnChanges | OnSchedule | OnRoute | OnTask | OnHook | OnFields


class Firing(Struct, frozen=True, kw_only=True):
    """A schedule's time has come. `missed` counts the earlier times that this one firing stands for.

    `matter` is what a one-time schedule is about, such as a booking's id; empty otherwise.
    """

    schedule: str
    matter: str
    scheduled_at: datetime
    missed: int = 0
    input: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Posted(Struct, frozen=True, kw_only=True):
    """A request as a function receives it. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a function does about each kind of trigger that its row in the table names.

    An act may be called twice for one cause, and has one effect. `changes` takes the next ones in and returns how many
    there were; it keeps its own place. `tasks` are by what the input of a machine's step asks for under `act`; each
    returns the step's result, a JSON value. What `event` and `schedule` return nobody reads.
    """

    event: Callable[[App, Event], Awaitable[object]] | None = None
    schedule: Callable[[App, Firing], Awaitable[object]] | None = None
    changes: Callable[[App, OnChanges], Awaitable[int]] | None = None
    request: Callable[[App, Posted], Awaitable[object]] | None = None
    tasks: Mapping[str, Callable[[App, TaskCall], Awaitable[Any]]] | None = None
