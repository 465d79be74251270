"""Where a provider works."""

from __future__ import annotations

from msgspec import Struct

from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import zone

PLACE_LONGEST = 120


class Location(Struct, frozen=True, kw_only=True):
    """A point in degrees (WGS 84), what people call the place, and the IANA zone whose time holds there."""

    lat: float
    lon: float
    place: str
    zone: str


def located(findings: Findings, location: Location) -> Location:
    """The location in normal form. Problems are noted under `lat`, `lon`, `place` and `zone`."""
    try:
        zone(location.zone)
    except Invalid as unknown:
        findings.note("zone", unknown.message)
    return Location(
        lat=findings.degrees("lat", location.lat, most=90),
        lon=findings.degrees("lon", location.lon, most=180),
        place=findings.line("place", location.place, shortest=2, longest=PLACE_LONGEST),
        zone=location.zone,
    )
