"""What a provider tells about themselves: the fields, their limits, and what a listing needs of them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from ecosystem.contexts.catalogue.fields import FieldsRefused, Findings, Problem
from ecosystem.contexts.catalogue.languages import LANGUAGES
from ecosystem.contexts.catalogue.places import Location, located
from ecosystem.contexts.catalogue.slugs import chosen
from ecosystem.kernel import ids
from ecosystem.kernel.refusals import Invalid

NAME_SHORTEST, NAME_LONGEST = 2, 80
HEADLINE_LONGEST = 160
BIOGRAPHY_LONGEST = 5000
RADIUS_KM_MOST = 500
LANGUAGES_MOST = 20
MEDIA_MOST = 24


class NotReady(FieldsRefused):
    """Something is missing before this can be shown to customers."""


class ProviderFields(Struct, frozen=True, kw_only=True):
    """What an owner may edit. A field left out stays as it is.

    A new name brings a new `slug`, unless one is chosen. `radius_km` is how far the provider travels to customers.
    """

    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    headline: str | UnsetType = UNSET
    biography: str | UnsetType = UNSET
    location: Location | UnsetType | None = UNSET
    radius_km: int | UnsetType = UNSET
    languages: tuple[str, ...] | UnsetType = UNSET
    media: tuple[str, ...] | UnsetType = UNSET


def checked(fields: ProviderFields, findings: Findings) -> ProviderFields:
    """The fields in normal form; `findings` holds what is wrong with them."""
    return ProviderFields(
        name=_line(findings, "name", fields.name, NAME_SHORTEST, NAME_LONGEST),
        slug=UNSET if fields.slug is UNSET else chosen(findings, fields.slug),
        headline=_line(findings, "headline", fields.headline, 0, HEADLINE_LONGEST),
        biography=UNSET
        if fields.biography is UNSET
        else findings.prose("biography", fields.biography, longest=BIOGRAPHY_LONGEST),
        location=located(findings, fields.location) if isinstance(fields.location, Location) else fields.location,
        radius_km=UNSET
        if fields.radius_km is UNSET
        else findings.whole("radius_km", fields.radius_km, least=0, most=RADIUS_KM_MOST),
        languages=UNSET if fields.languages is UNSET else _spoken(findings, fields.languages),
        media=UNSET if fields.media is UNSET else pictured(findings, fields.media, most=MEDIA_MOST),
    )


def pictured(findings: Findings, media: Sequence[str], *, most: int) -> tuple[str, ...]:
    """Ids of media, each once, in the order given."""
    once = tuple(dict.fromkeys(media))
    if len(once) > most:
        findings.note("media", f"At most {most} fit.")
    for medium in once[:most]:
        try:
            ids.check("med", medium, field="media")
        except Invalid as refused:
            findings.note("media", refused.message)
            break
    return once


def _line(findings: Findings, name: str, text: str | UnsetType, shortest: int, longest: int) -> str | UnsetType:
    return UNSET if text is UNSET else findings.line(name, text, shortest=shortest, longest=longest)


def _spoken(findings: Findings, languages: Sequence[str]) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(code.strip().lower() for code in languages))
    unknown = [code for code in once if code not in LANGUAGES]
    if unknown:
        findings.note("languages", f"{unknown[0][:12]!r} is not an ISO 639-1 code such as en.")
    if len(once) > LANGUAGES_MOST:
        findings.note("languages", f"At most {LANGUAGES_MOST} fit.")
    return once


def lacking(*, headline: str, location: Location | None, languages: Sequence[str]) -> list[Problem]:
    """What a profile needs before customers may see it."""
    return [
        problem
        for missing, problem in (
            (not headline, Problem("headline", "Say in one line what you do.")),
            (location is None, Problem("location", "Say where you work.")),
            (not languages, Problem("languages", "Name at least one language you speak with customers.")),
        )
        if missing
    ]
