"""How many times one person may hold at once, whoever the providers are.

Each person has one item with the holds they took, which every further hold expects. Nothing is written to it when a
hold ends: what has run out no longer counts, and whether others were booked or given back is asked of the holds
themselves, but only once the places seem full. So a checkout writes one item more, not three.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.booking import keys
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Write

HOLDS_MAX = 5
KEPT = timedelta(hours=1)
"""How long an allowance outlives its last hold: longer than any request, lest two with one version be taken for one."""


class TooManyHolds(Conflict):
    """You are holding five times already. Book one of them, give one back, or wait until one runs out."""


class AllowanceChanged(Stale):
    """The same person took another hold meanwhile."""


class Place(Struct, frozen=True, array_like=True):
    """A hold that somebody took, and when it runs out."""

    hold_id: str
    expires_at: datetime


class Allowance(Stored, frozen=True, kw_only=True):
    """The latest holds of one person; all that may still be live are among them."""

    entity: ClassVar[str] = "hold-allowance"

    owner_id: str
    places: tuple[Place, ...] = ()


def counted(row: Row[Allowance] | None, at: datetime) -> list[Place]:
    """The places that may still be taken."""
    return [place for place in row.value.places if at < place.expires_at] if row else []


def admit(places: Sequence[Place], place: Place) -> tuple[Place, ...]:
    """Those places, and the new one beside them. Raises `TooManyHolds`."""
    if len(places) >= HOLDS_MAX:
        raise TooManyHolds
    return (*places, place)


def allowance_write(owner_id: str, row: Row[Allowance] | None, places: tuple[Place, ...]) -> Write:
    """What makes these the places of that person, unless they took another meanwhile."""
    return Put(
        key=keys.allowance(owner_id),
        value=Allowance(owner_id=owner_id, places=places),
        expires_at=max(place.expires_at for place in places) + KEPT,
        expected=row.unchanged if row else ABSENT,
        otherwise=AllowanceChanged(),
    )
