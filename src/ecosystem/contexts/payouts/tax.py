"""Who a provider is to the tax office: a legal name, an address, a tax number. Kept in one envelope, shown in part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import msgspec
from msgspec.structs import replace

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import TaxDetailsSet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import announce
from ecosystem.ports.keys import Context, KeyName, Keys
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Table, Write

NAME_MAX, ADDRESS_MAX, NUMBER_MAX = 200, 500, 40
SHOWN = 4
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{3,39}")


class TaxDetailsChanged(Stale):
    """The tax details were changed meanwhile: look at them again."""


class TaxDetails(Untold, frozen=True, kw_only=True):
    """What a provider says of themselves, in clear. `country` is ISO 3166-1 alpha-2."""

    legal_name: str
    address: str
    country: str
    number: str


class TaxRecord(Enveloped, frozen=True, kw_only=True):
    """What is kept: an envelope, the country, and the last digits of the number to show."""

    entity: ClassVar[str] = "tax_record"
    named_key: ClassVar[KeyName] = KeyName.PERSONAL_DATA

    provider_id: str
    country: str
    last4: str
    details: bytes
    set_at: datetime

    def envelopes(self) -> Mapping[str, Kept]:
        return {"details": Kept(tax_context(self.provider_id), self.details)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, details=envelopes.get("details", self.details))


def tax_context(provider_id: str) -> Context:
    """Whose details they are, and what they are for."""
    return Context(provider_id, "tax details")


def checked(told: TaxDetails) -> TaxDetails:
    """The details without stray blanks. Raises `Invalid` for the first that cannot be so."""
    name, address = " ".join(told.legal_name.split()), "\n".join(filter(None, map(str.strip, told.address.split("\n"))))
    number, country = " ".join(told.number.split()), told.country.strip().upper()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid("Say your legal name, in at most 200 characters.", field="legal_name")
    if not 0 < len(address) <= ADDRESS_MAX:
        raise Invalid("Say your address, in at most 500 characters.", field="address")
    if not _COUNTRY.fullmatch(country):
        raise Invalid("A country has a code of two letters, such as PT.", field="country")
    if not _NUMBER.fullmatch(number):
        raise Invalid("A tax number has 4 to 40 letters and digits.", field="number")
    return TaxDetails(legal_name=name, address=address, country=country, number=number)


@dataclass(frozen=True, slots=True)
class TaxBook:
    """Keeps tax details. Who may see or set them is the caller's to decide."""

    table: Table
    keys: Keys

    async def record(self, provider_id: str) -> Row[TaxRecord] | None:
        """What is kept of a provider's details, closed."""
        return await self.table.get(keys.tax_record(provider_id), TaxRecord)

    async def opened(self, record: TaxRecord) -> TaxDetails:
        """The details in clear. Raises `EnvelopeRefused`."""
        plain = await self.keys.decrypt(KeyName.PERSONAL_DATA, record.details, tax_context(record.provider_id))
        return msgspec.json.decode(plain, type=TaxDetails)

    async def set(self, provider_id: str, told: TaxDetails, actor: Actor, at: datetime) -> TaxRecord:
        """Keep the details, encrypted before anything is stored. Raises `Invalid`, `TaxDetailsChanged`."""
        details = checked(told)
        envelope = await self.keys.encrypt(
            KeyName.PERSONAL_DATA, msgspec.json.encode(details), tax_context(provider_id)
        )
        digits = re.sub(r"[^A-Za-z0-9]", "", details.number)
        record = TaxRecord(
            provider_id=provider_id,
            country=details.country,
            last4=digits[-SHOWN:],
            details=envelope,
            set_at=at,
        )
        row = await self.record(provider_id)
        await self.table.transact(*_writes(row, record, actor, at))
        return record


def _writes(row: Row[TaxRecord] | None, record: TaxRecord, actor: Actor, at: datetime) -> list[Write]:
    key = keys.tax_record(record.provider_id)
    return [
        Put(
            key=key,
            value=record,
            index=wraps(record, record.provider_id),
            expected=row.unchanged if row else ABSENT,
            otherwise=TaxDetailsChanged(),
        ),
        announce(
            TaxDetailsSet(provider_id=record.provider_id, country=record.country),
            aggregate=keys.tax_timeline(record.provider_id),
            sequence=row.version + 1 if row else 1,
            actor=actor,
            at=at,
            previous={"country": row.value.country} if row else None,
        ),
    ]
