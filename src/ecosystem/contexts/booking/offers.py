"""The offer: a service's terms as they were when somebody held or booked it.

A copy, not a reference: what the provider changes later touches later bookings only.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import DAY_MIN, zone

CAPACITY_MAX = 500
HORIZON_DAYS_MAX = 400


class Mode(StrEnum):
    """Where the service is done."""

    AT_PROVIDER = "at_provider"
    AT_CUSTOMER = "at_customer"
    REMOTE = "remote"


class Offer(Struct, frozen=True, kw_only=True):
    """What may be booked, and on which terms.

    `owner_id` is the user who runs the provider; who may accept, decline and propose is decided by it. `zone` is the
    provider's. `instant` is confirmed at once; otherwise the provider is asked. `policy` names the cancellation policy
    that is copied into the booking. `price` is for one seat; `step` is what a card pays its currency in whole multiples
    of, in minor units.
    """

    service_id: str
    provider_id: str
    owner_id: str
    title: str
    duration_min: int
    price: Money
    zone: str
    capacity: int = 1
    buffer_before_min: int = 0
    buffer_after_min: int = 0
    notice_min: int = 0
    horizon_days: int = 60
    mode: Mode = Mode.AT_PROVIDER
    instant: bool = True
    policy: str = "flexible"
    place: str = ""
    step: int = 1

    def __post_init__(self) -> None:
        zone(self.zone)
        _within("duration_min", self.duration_min, 5, DAY_MIN)
        _within("capacity", self.capacity, 1, CAPACITY_MAX)
        _within("buffer_before_min", self.buffer_before_min, 0, DAY_MIN // 2)
        _within("buffer_after_min", self.buffer_after_min, 0, DAY_MIN // 2)
        _within("notice_min", self.notice_min, 0, 90 * DAY_MIN)
        _within("horizon_days", self.horizon_days, 1, HORIZON_DAYS_MAX)


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(f"{field} lies between {least} and {most}, and {value} does not.", field=field)
