"""Calendars that people keep elsewhere, published as iCalendar feeds (RFC 5545): when they say their owner is busy."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.kernel.time import Span

ADDRESS_MAX = 2_000
BUSY_MAX = 20_000
"""Busy times read of one calendar at most, those that overlap among them."""


class AddressUnfit(Invalid):
    """This address cannot be a calendar's: it begins with https:// and names a public server."""


class CalendarUnreachable(Unavailable):
    """The calendar's server did not answer as it should."""


class NotACalendar(Invalid):
    """What this address answers is no calendar in the iCalendar format."""


class Known(Struct, frozen=True, kw_only=True):
    """What the server said of the calendar when it was read last, so that it may answer that nothing changed."""

    etag: str = ""
    modified: str = ""


class Reading(Struct, frozen=True, kw_only=True):
    """A calendar as read: the busy times that touch the window, in order of their start.

    `left_out` counts the events that could not be understood, in whole or in part.
    """

    busy: tuple[Span, ...]
    left_out: int = 0
    known: Known = Known()


class Calendars(Protocol):
    async def read(self, address: str, *, window: Span, zone: str, known: Known | None = None) -> Reading | None:
        """The busy times at that address; None when it is unchanged since `known`.

        All-day events and times without a zone are those of `zone`. Events marked as free or called off do not count.
        Raises `AddressUnfit`, `CalendarUnreachable`, `NotACalendar`, each saying why.
        """
        ...
