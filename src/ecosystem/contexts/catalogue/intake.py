"""The catalogue's side of an import: rows with keys of their own become providers and services, once each.

What a row became is kept under its key, with a fingerprint of the row: a row that did not change writes nothing, so that
what was edited here since stays as it is.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import events, providers, services, terms
from ecosystem.contexts.catalogue.fields import FieldsRefused, Findings, Problem
from ecosystem.contexts.catalogue.keys import imported_key, provider_key, service_key
from ecosystem.contexts.catalogue.profile import ProviderFields
from ecosystem.contexts.catalogue.providers import (
    Provider,
    ProviderId,
    ProviderStatus,
    RegisterProvider,
    differences,
    owned,
)
from ecosystem.contexts.catalogue.publishing import published
from ecosystem.contexts.catalogue.services import DraftService, Service, ServiceId, ServiceStatus
from ecosystem.contexts.catalogue.slugs import RENAMES_MAX, Slugs, Wish
from ecosystem.contexts.catalogue.standing import moved
from ecosystem.contexts.catalogue.terms import ServiceFields
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.bus import Fact
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.table import ABSENT, Key, Put, Row, Stored, Table, Write


class ImportedMeanwhile(Conflict):
    """Another import took this row up meanwhile."""


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Imported(Stored, frozen=True, kw_only=True):
    """What a row became. `digest` is the fingerprint of the row as it was last taken in."""

    entity: ClassVar[str] = "imported"

    kind: str
    key: str
    digest: str
    provider_id: ProviderId
    service_id: ServiceId | None = None
    at: datetime


class TakeProvider(Struct, frozen=True, kw_only=True):
    """A provider's row. Without a status, it stays as it is. The owner is set only while there is none."""

    key: str
    digest: str
    fields: ProviderFields
    owner_id: str | None = None
    owner_email: str | None = None
    status: ProviderStatus | None = None


class TakeService(Struct, frozen=True, kw_only=True):
    """A service's row."""

    key: str
    digest: str
    fields: ServiceFields
    status: ServiceStatus | None = None


class TakenProvider(Struct, frozen=True, kw_only=True):
    """A provider as decided, and what commits it together with its key."""

    provider: Provider
    outcome: Outcome
    writes: tuple[Write, ...]


class TakenService(Struct, frozen=True, kw_only=True):
    """A service as decided, and what commits it together with its key."""

    service: Service
    outcome: Outcome
    writes: tuple[Write, ...]


def keyed(
    known: Row[Imported] | None,
    kind: str,
    key: str,
    digest: str,
    *,
    provider_id: ProviderId,
    service_id: ServiceId | None = None,
    at: datetime,
) -> Put:
    """The write that keeps what a row became."""
    imported = Imported(kind=kind, key=key, digest=digest, provider_id=provider_id, service_id=service_id, at=at)
    return Put(
        key=imported_key(kind, key),
        value=imported,
        expected=known.unchanged if known else ABSENT,
        otherwise=ImportedMeanwhile(field="key"),
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """Decides what rows become; commits nothing. `avoid` are addresses about to be taken in the same commit."""

    table: Table
    clock: Clock
    entropy: Entropy

    async def known(self, kind: str, keys: Sequence[str]) -> list[Row[Imported] | None]:
        """What these rows became, up to 100 of them."""
        return await self.table.batch_get([imported_key(kind, key) for key in keys], Imported)

    async def providers(self, provider_ids: Sequence[str]) -> list[Row[Provider] | None]:
        """These providers, up to 100 of them."""
        return await self.table.batch_get([provider_key(provider_id) for provider_id in provider_ids], Provider)

    def check(self, fields: ServiceFields) -> None:
        """Pass if these could be a service's fields, whosever it were. Raises `FieldsRefused`."""
        findings = Findings()
        terms.checked(fields, findings)
        findings.settle()

    async def provider(
        self, row: TakeProvider, known: Row[Imported] | None, actor: Actor, *, avoid: Container[Key] = ()
    ) -> TakenProvider:
        """Decide a provider's row. Raises `FieldsRefused`, `NotReady`, `SlugTaken`."""
        at = self.clock.now()
        former = await self.table.get(provider_key(known.value.provider_id), Provider) if known else None
        if former is None:
            provider_id = ProviderId(mint("prv", at, self.entropy))
            request = RegisterProvider(
                provider_id=provider_id, fields=row.fields, owner_id=row.owner_id, owner_email=row.owner_email
            )
            provider = providers.registered(request, actor, at=at)
            facts: list[Fact] = [
                events.ProviderRegistered(provider_id=provider_id, owner_id=provider.owner_id, name=provider.name)
            ]
        else:
            provider, facts = _given_owner(former.value, row, at=at)
            became = providers.edited(provider, row.fields, at=at)
            if changed := tuple(differences(provider, became)):
                facts.append(events.ProviderChanged(provider_id=became.provider_id, changed=changed))
            provider = became
        provider, moves = _listed(provider, row.status, at=at)
        wish = providers.wished(former.value if former else None, provider, row.fields)
        slug, slugs, taken = await self._addressed(wish, provider.slug, provider.slugs, at=at, avoid=avoid)
        provider = replace(provider, slug=slug, slugs=slugs)
        same = former is not None and provider == former.value
        committed = [] if same else providers.writes(former, provider, *facts, *moves, actor=actor, at=at)
        ownership = owned(provider) if former is None or former.value.owner_id != provider.owner_id else []
        kept = keyed(known, "provider", row.key, row.digest, provider_id=provider.provider_id, at=at)
        outcome = Outcome.UNCHANGED if same else Outcome.UPDATED if former else Outcome.CREATED
        return TakenProvider(provider=provider, outcome=outcome, writes=(*committed, *ownership, *taken, kept))

    async def service(
        self,
        row: TakeService,
        known: Row[Imported] | None,
        provider: Provider,
        actor: Actor,
        *,
        avoid: Container[Key] = (),
    ) -> TakenService:
        """Decide a service's row. Raises `FieldsRefused`, `NotReady`, `SlugTaken`."""
        at = self.clock.now()
        former = None
        if known is not None and known.value.service_id is not None:
            if known.value.provider_id != provider.provider_id:
                raise FieldsRefused([Problem("provider", "A service stays with its provider.")])
            former = await self.table.get(service_key(provider.provider_id, known.value.service_id), Service)
        if former is None:
            service_id = ServiceId(mint("svc", at, self.entropy))
            request = DraftService(service_id=service_id, provider_id=provider.provider_id, fields=row.fields)
            service = services.drafted(request, actor, at=at)
            facts: list[Fact] = [
                events.ServiceDrafted(service_id=service_id, provider_id=provider.provider_id, title=service.title)
            ]
        else:
            service, facts = services.edited(former.value, row.fields, provider, at=at), []
            if changed := tuple(differences(former.value, service)):
                facts.append(
                    events.ServiceChanged(
                        service_id=service.service_id, provider_id=provider.provider_id, changed=changed
                    )
                )
        service, moves = _offered(service, row.status, provider, at=at)
        wish = services.wished(former.value if former else None, service, row.fields)
        slug, slugs, taken = await self._addressed(wish, service.slug, service.slugs, at=at, avoid=avoid)
        service = replace(service, slug=slug, slugs=slugs)
        same = former is not None and service == former.value
        committed = [] if same else services.writes(former, service, *facts, *moves, actor=actor, at=at)
        kept = keyed(
            known,
            "service",
            row.key,
            row.digest,
            provider_id=provider.provider_id,
            service_id=service.service_id,
            at=at,
        )
        outcome = Outcome.UNCHANGED if same else Outcome.UPDATED if former else Outcome.CREATED
        return TakenService(service=service, outcome=outcome, writes=(*committed, *taken, kept))

    async def _addressed(
        self, wish: Wish | None, slug: str, slugs: int, *, at: datetime, avoid: Container[Key]
    ) -> tuple[str, int, list[Put]]:
        if wish is None or (slug and slugs >= RENAMES_MAX):
            return slug, slugs, []
        chosen, taken = await Slugs(self.table).take(wish, at=at, avoid=avoid)
        return chosen, slugs + len(taken) if slug else 1, taken


def _given_owner(provider: Provider, row: TakeProvider, *, at: datetime) -> tuple[Provider, list[Fact]]:
    if provider.owner_id is not None or (row.owner_id is None and row.owner_email == provider.owner_email):
        return provider, []
    if row.owner_id is None:
        return replace(provider, owner_email=row.owner_email, updated_at=at), []
    claimed = events.ProviderClaimed(provider_id=provider.provider_id, owner_id=row.owner_id)
    return replace(provider, owner_id=row.owner_id, owner_email=None, updated_at=at), [claimed]


def _listed(provider: Provider, to: ProviderStatus | None, *, at: datetime) -> tuple[Provider, list[Fact]]:
    """The provider in the status its row asks for. Whom an owner paused or an operator suspended stays so."""
    status = provider.status
    if to is None or to is status or (to is ProviderStatus.ACTIVE and status in {"paused", "suspended"}):
        return provider, []
    who = provider.provider_id
    if to is ProviderStatus.ACTIVE:
        return moved(provider, to, at=at), [events.ProviderActivated(provider_id=who)]
    if to is ProviderStatus.PAUSED and status is ProviderStatus.ACTIVE:
        return moved(provider, to, at=at), [events.ProviderPaused(provider_id=who)]
    raise FieldsRefused([Problem("status", f"A provider that is {status} does not become {to}.")])


def _offered(
    service: Service, to: ServiceStatus | None, provider: Provider, *, at: datetime
) -> tuple[Service, list[Fact]]:
    """The service in the status its row asks for."""
    if to is None or to is service.status:
        return service, []
    one, who = service.service_id, service.provider_id
    if to is ServiceStatus.PUBLISHED:
        fact = events.ServicePublished(service_id=one, provider_id=who, title=service.title)
        return published(service, provider, at=at), [fact]
    if to is ServiceStatus.CLOSED and service.status is ServiceStatus.PUBLISHED:
        closed = replace(service, status=to, updated_at=at)
        return closed, [events.ServiceClosed(service_id=one, provider_id=who)]
    raise FieldsRefused([Problem("status", f"A service that is {service.status} does not become {to}.")])
