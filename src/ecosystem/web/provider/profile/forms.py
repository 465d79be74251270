"""What a provider says of themselves, as the forms have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.contexts.catalogue import LANGUAGES, Location, Provider, ProviderFields
from ecosystem.web import forms
from ecosystem.web.forms import Form
from ecosystem.web.provider.points import Point, point

# Those that most people can be asked for in; all others are behind one more step.
COMMON = "en pt es fr de it nl pl uk ru tr ar hi zh ja".split()

Act = Annotated[str, Meta(max_length=20)]
"""Which of its buttons sent the form."""


class About(Struct, kw_only=True):
    """Who they are. `provider_id` is the one to be made by the first step."""

    provider_id: str = ""
    version: int = 0
    act: Act = ""
    name: Annotated[str, Meta(min_length=2, max_length=80)]
    headline: Annotated[str, Meta(max_length=160)] = ""
    biography: Annotated[str, Meta(max_length=5_000)] = ""
    languages: list[str] = []

    @property
    def fields(self) -> ProviderFields:
        return ProviderFields(
            name=self.name, headline=self.headline, biography=self.biography, languages=tuple(self.languages)
        )


class Place(Struct, kw_only=True):
    """Where they work, and how far they travel."""

    version: int = 0
    act: Act = ""
    place: Annotated[str, Meta(min_length=2, max_length=120)]
    point: Annotated[str, Meta(max_length=1_000)]
    zone: Annotated[str, Meta(max_length=60)]
    radius_km: Annotated[int, Meta(ge=0, le=500)] = 0

    def __post_init__(self) -> None:
        point(self.point)

    @property
    def fields(self) -> ProviderFields:
        at = point(self.point)
        location = Location(lat=at.lat, lon=at.lon, place=self.place, zone=self.zone)
        return ProviderFields(location=location, radius_km=self.radius_km)


class Address(Struct, kw_only=True):
    """The readable part of the page's address."""

    version: int = 0
    slug: Annotated[str, Meta(max_length=80)]

    @property
    def fields(self) -> ProviderFields:
        return ProviderFields(slug=self.slug)


def about(provider: Provider | None, **values: Any) -> Form[About]:
    """The form as it stands for this provider; blank but for `values` for somebody who is none yet."""
    if provider is None:
        return forms.blank(About, **values)
    return forms.blank(
        About,
        name=provider.name,
        headline=provider.headline,
        biography=provider.biography,
        languages=provider.languages,
        **values,
    )


def place(provider: Provider, *, zone: str, **values: Any) -> Form[Place]:
    """The form as it stands; `zone` is proposed to who has said none."""
    at = provider.location
    return forms.blank(
        Place,
        place=at.place if at else "",
        point=Point(at.lat, at.lon).text if at else "",
        zone=at.zone if at else zone,
        radius_km=provider.radius_km,
        **values,
    )


def spoken(form: Form[Any]) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """The languages that stand first, those chosen among them, and all others, by name."""
    chosen = [code for code in form.values.get("languages", ()) if code in LANGUAGES]
    first = list(dict.fromkeys([*COMMON, *chosen]))
    others = sorted((code for code in LANGUAGES if code not in first), key=LANGUAGES.__getitem__)
    return [(code, LANGUAGES[code]) for code in first], [(code, LANGUAGES[code]) for code in others]
