"""The parts of a provider's own area, for `pages.py`."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from ecosystem.web.provider import home
from ecosystem.web.provider.availability import calendars as _calendars
from ecosystem.web.provider.availability import routes as _availability
from ecosystem.web.provider.bank import routes as _bank
from ecosystem.web.provider.bookings import routes as _bookings
from ecosystem.web.provider.claim import routes as _claim
from ecosystem.web.provider.earnings import routes as _earnings
from ecosystem.web.provider.payouts import paying as _paying
from ecosystem.web.provider.payouts import routes as _payouts
from ecosystem.web.provider.photos import routes as _photos
from ecosystem.web.provider.profile import routes as _profile
from ecosystem.web.provider.requests import routes as _requests
from ecosystem.web.provider.services import routes as _services
from ecosystem.web.provider.start import routes as _start
from ecosystem.web.provider.tax import routes as _tax

PARTS: Sequence[ModuleType] = (
    home, _availability, _bank, _bookings, _calendars, _claim, _earnings, _paying, _payouts, _photos, _profile, _requests, _services, _start, _tax,
)  # fmt: skip
