"""Which HTTP status a refusal has, and what a page says about it: one table."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.contexts.identity import TooManyAttempts
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound, Refusal, Unavailable
from ecosystem.web.limits import TooManyRequests


class Kind(Struct, frozen=True, kw_only=True):
    """How the refusals of one kind are answered."""

    status: int
    title: str
    icon: str


# The first that fits holds: the special before the general.
KINDS: tuple[tuple[type[Refusal], Kind], ...] = (
    (TooManyAttempts, Kind(status=429, title="Too many attempts", icon="gauge")),
    (TooManyRequests, Kind(status=429, title="Slow down a little", icon="gauge")),
    (Invalid, Kind(status=422, title="That does not fit", icon="circle-alert")),
    (Denied, Kind(status=403, title="That is not for you", icon="lock")),
    (NotFound, Kind(status=404, title="Nothing here", icon="search-x")),
    (Conflict, Kind(status=409, title="Something changed meanwhile", icon="refresh-cw")),
    (Unavailable, Kind(status=503, title="Not right now", icon="hourglass")),
)
FAULT = Kind(status=500, title="Our fault", icon="triangle-alert")


def kind_of(refusal: Refusal) -> Kind:
    return next((kind for refused, kind in KINDS if isinstance(refusal, refused)), FAULT)


def status_of(refusal: Refusal) -> int:
    return kind_of(refusal).status
