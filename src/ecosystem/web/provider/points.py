"""A point on the map from what a person can copy: two numbers, or a link of a map."""

from __future__ import annotations

import re

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

_NUMBER = r"(-?\d{1,3}(?:\.\d+)?)"
# What well-known maps put into their addresses, the most exact first; then two numbers as people write them.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"!3d{_NUMBER}!4d{_NUMBER}",
        rf"[?&](?:mlat|lat)={_NUMBER}&(?:mlon|lon|lng)={_NUMBER}",
        rf"#map=[\d.]+/{_NUMBER}/{_NUMBER}",
        rf"@{_NUMBER},{_NUMBER}",
        rf"[?&](?:q|ll|query|center)={_NUMBER}(?:,|%2C){_NUMBER}",
        rf"^geo:{_NUMBER},{_NUMBER}",
        rf"^{_NUMBER}\s*[,;\s]\s*{_NUMBER}$",
    )
)
_COMPASS = re.compile(
    r"^(\d{1,3}(?:\.\d+)?)\s*°?\s*([NS])\s*[,;\s]\s*(\d{1,3}(?:\.\d+)?)\s*°?\s*([EW])$", re.IGNORECASE
)


class Point(Struct, frozen=True):
    """Degrees (WGS 84)."""

    lat: float
    lon: float

    @property
    def text(self) -> str:
        return f"{self.lat:g}, {self.lon:g}"


def point(text: str) -> Point:
    """The point that the text names. Raises `Invalid`, naming `point`."""
    text = text.strip()
    if compass := _COMPASS.match(text):
        lat, lon = float(compass[1]), float(compass[3])
        found = Point(-lat if compass[2] in "Ss" else lat, -lon if compass[4] in "Ww" else lon)
    else:
        match = next((match for pattern in _PATTERNS if (match := pattern.search(text))), None)
        if match is None:
            raise Invalid(
                "Copy two numbers such as 38.7223, -9.1393 from a map, or the whole link of the map.", field="point"
            )
        found = Point(float(match[1]), float(match[2]))
    if abs(found.lat) > 90 or abs(found.lon) > 180:
        raise Invalid("A latitude lies between -90 and 90, a longitude between -180 and 180.", field="point")
    return found
