"""Mandates: the customer's word that their bank account may be debited, in the very text they agreed to.

A WEB debit needs an authorization that is in writing, readily identifiable as one, clear in its terms, and "similarly
authenticated"; the customer gets a copy, and it is kept for two years after it ends (2013 NACHA Operating Rules,
subsections 2.3.2.2 and 2.3.2.4; 2.5.17 for WEB entries). The evidence of who agreed is encrypted; what is shown of it is
the network they came from.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments import keys
from ecosystem.contexts.payments.events import DebitAuthorized
from ecosystem.contexts.payments.payments import DebitTerms
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, decimal_text
from ecosystem.kernel.refusals import Conflict, Denied, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.keys import Context, KeyName, Keys
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.secrets import Untold
from ecosystem.ports.table import ABSENT, Put, Table, Write

VERSION = "web-2"
KEPT_FOR = timedelta(days=2 * 365 + 1)


class NoSuchMandate(NotFound):
    """There is no authorization for this payment."""


class TermsChanged(Conflict):
    """The text of the authorization changed while you were deciding: read it again."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a mandate is for: one debit of that amount, sent on that day or after, for that service."""

    brand: str
    bank: str
    last4: str
    kind: str
    amount: Money
    title: str
    debit_on: date


class Consent(Untold, frozen=True, kw_only=True):
    """That a customer agreed: to the text of that digest, from that network address."""

    text_sha256: str
    address: str = ""


class Mandate(Enveloped, frozen=True, kw_only=True):
    """One mandate. `evidence` is an envelope; `network` what is shown of it. It is kept until `kept_until` at least."""

    entity: ClassVar[str] = "mandate"
    named_key: ClassVar[KeyName] = KeyName.PERSONAL_DATA

    mandate_id: str
    payment_id: str
    booking_id: str
    user_id: str
    account_id: str
    last4: str
    amount: Money
    version: str
    text: str
    text_sha256: str
    given_at: datetime
    network: str
    evidence: bytes
    kept_until: datetime

    def envelopes(self) -> Mapping[str, Kept]:
        return {"evidence": Kept(evidence_context(self.user_id, self.payment_id), self.evidence)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, evidence=envelopes["evidence"])


def mandate_id(payment_id: str) -> str:
    """The id of a payment's mandate: made from the payment's, so that there is only one."""
    return f"mnd_{payment_id.partition('_')[2]}"


def evidence_context(user_id: str, payment_id: str) -> Context:
    """Whose the evidence is: the customer's, for this payment."""
    return Context(user_id, f"mandate {payment_id}")


def text(asked: Asked) -> str:
    """What the customer agrees to, word for word."""
    bank = f" at {asked.bank}" if asked.bank else ""
    return (
        f"I authorize {asked.brand} to debit my {asked.kind} account{bank} ending in {asked.last4} once, on "
        f"{asked.debit_on:%B} {asked.debit_on.day}, {asked.debit_on.year} or on a banking day after it, for "
        f"{asked.amount.currency} {decimal_text(asked.amount)}, to pay for {asked.title}.\n"
        "If my bank sends the debit back for want of money, it may be presented again, twice at most, for the same "
        "amount.\n"
        "I can revoke this authorization by cancelling the booking, or by writing to "
        f"{asked.brand}, before the debit is sent to my bank: then nothing is debited. If I cancel later, what I get "
        "back is said by the cancellation terms of the booking.\n"
        "I am an owner of this account and may authorize debits of it. The transaction complies with the laws of the "
        "United States."
    )


def digest(said: str) -> str:
    """What names a text: its SHA-256, in hexadecimal."""
    return sha256(said.encode()).hexdigest()


def network_of(address: str) -> str:
    """The network that an address lies in, /24 or /48: enough to show, too little to find somebody. Empty if unknown."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{known}/{24 if known.version == 4 else 48}", strict=False))


def mandate_made(mandate: Mandate, actor: Actor) -> list[Write]:
    """The writes of a new mandate, to be committed with the intention to pay."""
    fact = DebitAuthorized(
        payment_id=mandate.payment_id,
        booking_id=mandate.booking_id,
        amount_minor=mandate.amount.minor,
        currency=mandate.amount.currency,
        text_sha256=mandate.text_sha256,
        last4=mandate.last4,
    )
    return [
        Put(
            key=keys.mandate(mandate.payment_id),
            value=mandate,
            index=wraps(mandate, mandate.mandate_id),
            expected=ABSENT,
        ),
        announce(
            fact,
            aggregate=keys.payment_timeline(mandate.payment_id),
            sequence=1,
            actor=actor,
            at=mandate.given_at,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Mandates:
    """Keeps mandates."""

    table: Table
    keys: Keys

    async def given(
        self,
        asked: Asked,
        consent: Consent,
        payment_id: str,
        booking_id: str,
        terms: DebitTerms,
        actor: Actor,
        at: datetime,
    ) -> Mandate:
        """The mandate that the customer gave. Raises `TermsChanged` when they agreed to another text."""
        said = text(asked)
        if digest(said) != consent.text_sha256:
            raise TermsChanged(field="agreed")
        evidence = {"address": consent.address, "actor": actor.actor_id}
        envelope = await self.keys.encrypt(
            KeyName.PERSONAL_DATA, msgspec.json.encode(evidence), evidence_context(actor.actor_id, payment_id)
        )
        return Mandate(
            mandate_id=mandate_id(payment_id),
            payment_id=payment_id,
            booking_id=booking_id,
            user_id=actor.actor_id,
            account_id=terms.account_id,
            last4=terms.last4,
            amount=asked.amount,
            version=VERSION,
            text=said,
            text_sha256=digest(said),
            given_at=at,
            network=network_of(consent.address),
            evidence=envelope,
            kept_until=at + KEPT_FOR,
        )

    async def of(self, payment_id: str, actor: Actor) -> Mandate:
        """The mandate of a payment, for who gave it and for operators. Raises `NoSuchMandate`, `Denied`."""
        row = await self.table.get(keys.mandate(payment_id), Mandate)
        if row is None:
            raise NoSuchMandate
        actor.must_be(row.value.user_id)
        return row.value

    async def evidence(self, payment_id: str, actor: Actor) -> Mapping[str, str]:
        """Who agreed: address and person. For the system, when the bank asks for proof of the authorization."""
        if not actor.is_system:
            raise Denied
        mandate = await self.of(payment_id, actor)
        plain = await self.keys.decrypt(
            KeyName.PERSONAL_DATA, mandate.evidence, evidence_context(mandate.user_id, payment_id)
        )
        return msgspec.json.decode(plain, type=dict[str, str])
