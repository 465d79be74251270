"""Documents that the search tests begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.kernel.money import Money
from ecosystem.ports.search import Document, Point

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISBON, PORTO, BERLIN = Point(38.7223, -9.1393), Point(41.1579, -8.6291), Point(52.52, 13.405)
TITLES = {
    "home": "Home & repair",
    "plumbing": "Plumbing",
    "cleaning": "Cleaning",
    "house-cleaning": "House cleaning",
    "lessons": "Lessons & tutoring",
    "guitar-lessons": "Guitar & bass lessons",
    "wellness": "Wellness & fitness",
    "massage": "Massage therapy",
}


def document(number: int, title: str = "Something", **fields: Any) -> Document:
    """A service on offer; `path` gives its category, from the top down."""
    path = fields.pop("path", ("home", "plumbing"))
    given = {
        "service_id": f"svc_{number:026d}",
        "provider_id": f"prv_{number:026d}",
        "version": 1,
        "title": title,
        "slug": f"service-{number}",
        "description": "",
        "path": path,
        "path_titles": tuple(TITLES[slug] for slug in path),
        "provider_name": "Ana Silva",
        "provider_slug": f"provider-{number}",
        "place": "Lisbon",
        "at": LISBON,
        "languages": ("en",),
        "price": Money(5000, "EUR"),
        "duration_min": 60,
        "mode": "at_provider",
        "instant": False,
        "published_at": NOON + timedelta(minutes=number),
    }
    return Document(**{**given, **fields})
