"""What happens to providers and services."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class _Provider(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "provider"

    provider_id: str


class ProviderRegistered(_Provider, frozen=True, kw_only=True):
    """A provider exists, as a draft. `owner_id` is None until somebody claims it."""

    owner_id: str | None
    name: str


class ProviderChanged(_Provider, frozen=True, kw_only=True):
    """The profile was edited; `changed` names the fields."""

    changed: tuple[str, ...]


class ProviderClaimed(_Provider, frozen=True, kw_only=True):
    """A provider without an owner has one now."""

    owner_id: str


class ProviderSubmitted(_Provider, frozen=True, kw_only=True):
    """The owner asks to be listed; an operator looks at it."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT


class ProviderReturned(_Provider, frozen=True, kw_only=True):
    """An operator wants something changed first."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT

    reason: str


class ProviderActivated(_Provider, frozen=True, kw_only=True):
    """The provider is listed and may be booked."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT


class ProviderPaused(_Provider, frozen=True, kw_only=True):
    """The owner takes no bookings for a while."""


class ProviderResumed(_Provider, frozen=True, kw_only=True):
    """The owner takes bookings again."""


class ProviderSuspended(_Provider, frozen=True, kw_only=True):
    """An operator took the provider off the market."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT

    reason: str


class ProviderReinstated(_Provider, frozen=True, kw_only=True):
    """An operator lets the provider back."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT


class BadgeAwarded(_Provider, frozen=True, kw_only=True):
    """Something about the provider was verified."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT

    badge: str


class BadgeWithdrawn(_Provider, frozen=True, kw_only=True):
    """What was verified no longer holds."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT

    badge: str


class _Service(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "provider"

    service_id: str
    provider_id: str


class ServiceDrafted(_Service, frozen=True, kw_only=True):
    """A service exists, seen by its provider only."""

    title: str


class ServiceChanged(_Service, frozen=True, kw_only=True):
    """The service was edited; `changed` names the fields."""

    changed: tuple[str, ...]


class ServicePublished(_Service, frozen=True, kw_only=True):
    """The service is on offer, as far as its provider is active."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT

    title: str


class ServiceClosed(_Service, frozen=True, kw_only=True):
    """The service is no longer on offer."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT


class _Media(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "provider"

    media_id: str
    owner: str


class MediaAdded(_Media, frozen=True, kw_only=True):
    """A picture was uploaded, checked and made anew."""


class MediaDescribed(_Media, frozen=True, kw_only=True):
    """A picture has other words for those who do not see it."""

    alt: str


class MediaRemoved(_Media, frozen=True, kw_only=True):
    """A picture is gone, with all its renditions."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONTENT
