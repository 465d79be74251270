"""What is still missing before customers may see a provider, or a service of theirs."""

from __future__ import annotations

from ecosystem.contexts.catalogue import profile, services
from ecosystem.contexts.catalogue.fields import Problem
from ecosystem.contexts.catalogue.providers import Provider
from ecosystem.contexts.catalogue.services import Service


def provider_lacks(provider: Provider) -> list[Problem]:
    """What the profile needs, field by field; nothing when it may be listed."""
    return profile.lacking(headline=provider.headline, location=provider.location, languages=provider.languages)


def service_lacks(service: Service, provider: Provider) -> list[Problem]:
    """What the service needs, field by field; nothing when it may be published."""
    return services.lacking(service, provider)
