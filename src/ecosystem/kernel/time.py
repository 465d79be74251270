"""Instants and spans. Instants are aware and in UTC; a local time travels with its IANA zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid


class Span(Struct, frozen=True):
    """A half-open stretch of time, [start_at, end_at): back-to-back spans do not overlap."""

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.end_at <= self.start_at:
            raise Invalid("A span ends after it starts.", field="end_at")

    def overlaps(self, other: Span) -> bool:
        return self.start_at < other.end_at and other.start_at < self.end_at

    def padded(self, *, before: timedelta, after: timedelta) -> Span:
        return Span(self.start_at - before, self.end_at + after)

    @property
    def length(self) -> timedelta:
        return self.end_at - self.start_at


def utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises `Invalid` for a local time without a zone."""
    if at.tzinfo is None:
        raise Invalid("A time needs its offset or zone.", field="at")
    return at.astimezone(UTC)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises `Invalid` when there is none."""
    if name not in _zones():
        raise Invalid(f"{name!r} is not an IANA time zone such as Europe/Berlin.", field="zone")
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as missing:
        raise Invalid(f"{name!r} is not an IANA time zone such as Europe/Berlin.", field="zone") from missing


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def sortable(at: datetime) -> str:
    """The instant as text whose order is the order of time, to the microsecond: `2026-11-20T10:00:00.000000Z`."""
    return f"{utc(at):%Y-%m-%dT%H:%M:%S.%f}Z"
