"""People and things that the catalogue's tests begin with."""

from __future__ import annotations

from datetime import UTC, datetime

from ecosystem.contexts.catalogue import (
    DraftService,
    Location,
    Mode,
    ProviderFields,
    ProviderId,
    RegisterProvider,
    ServiceFields,
    ServiceId,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def an_id(prefix: str, number: int) -> str:
    return ids.make(prefix, NOON, number.to_bytes(10))


OWNER = Actor(actor_id=an_id("usr", 1), groups=(Group.PROVIDERS,))
STRANGER = Actor(actor_id=an_id("usr", 2), groups=(Group.CUSTOMERS,))
OPERATOR = Actor(actor_id=an_id("usr", 3), groups=(Group.ADMINS,))
LISBON = Location(lat=38.7223, lon=-9.1393, place="Lisbon", zone="Europe/Lisbon")
PROFILE = ProviderFields(
    name="Zoë Ferreira",
    headline="Plumbing without surprises",
    biography="Twenty years of pipes.",
    location=LISBON,
    radius_km=25,
    languages=("pt", "en"),
)
TERMS = ServiceFields(
    title="Fix a leaking tap",
    description="I find the leak and mend it.",
    category="plumbing",
    price=Money(4500, "EUR"),
    duration_min=60,
    mode=Mode.AT_CUSTOMER,
)


def registration(number: int = 1, fields: ProviderFields = PROFILE) -> RegisterProvider:
    return RegisterProvider(provider_id=ProviderId(an_id("prv", number)), fields=fields)


def draft(number: int = 1, fields: ServiceFields = TERMS, provider: int = 1) -> DraftService:
    return DraftService(
        service_id=ServiceId(an_id("svc", number)), provider_id=ProviderId(an_id("prv", provider)), fields=fields
    )
