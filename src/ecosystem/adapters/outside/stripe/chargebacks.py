"""Chargebacks over the card API's disputes: what is said to the customer's bank, and files for it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.stripe.answers import Dispute, Failure
from ecosystem.adapters.outside.stripe.calls import Calls
from ecosystem.adapters.outside.stripe.listing import Page, query
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import (
    ChargebackDecided,
    ChargebackOutcome,
    Evidence,
    EvidenceFile,
    EvidenceKind,
    FraudWarning,
    OrderRefused,
    Review,
    ReviewStanding,
    UnknownIntent,
)
from ecosystem.ports.listing import Listed

log = logging.getLogger(__name__)

FILE_MAX = 5_000_000
TEXTS_MAX = 150_000
_EXPANDED = {"expand[0]": "payment_intent"}
_ID = re.compile(r"[A-Za-z0-9_]{1,200}")
_TEXTS = {
    "service": "product_description",
    "served_on": "service_date",
    "customer_name": "customer_name",
    "customer_email": "customer_email_address",
    "customer_address": "customer_purchase_ip",
    "access_log": "access_activity_log",
    "cancellation_policy_shown": "cancellation_policy_disclosure",
    "why_cancellation_unfounded": "cancellation_rebuttal",
    "refund_policy_shown": "refund_policy_disclosure",
    "why_not_refunded": "refund_refusal_explanation",
    "note": "uncategorized_text",
}
FILES = {
    EvidenceKind.RECEIPT: "receipt",
    EvidenceKind.MESSAGES: "customer_communication",
    EvidenceKind.CANCELLATION_POLICY: "cancellation_policy",
    EvidenceKind.REFUND_POLICY: "refund_policy",
    EvidenceKind.SERVICE: "service_documentation",
    EvidenceKind.SIGNATURE: "customer_signature",
    EvidenceKind.OTHER: "uncategorized_file",
}
_STARTS = (b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


_REVIEWS = {
    "approved": ReviewStanding.APPROVED,
    "acknowledged": ReviewStanding.APPROVED,
    "refunded_as_fraud": ReviewStanding.FRAUD,
    "disputed": ReviewStanding.DISPUTED,
}


class _Review(Struct):
    id: str
    created: int
    open: bool
    payment_intent: str | None = None
    closed_reason: str | None = None

    def review(self) -> Review:
        closed = _REVIEWS.get(self.closed_reason or "", ReviewStanding.REFUNDED)
        return Review(
            review_id=self.id,
            intent_id=self.payment_intent,
            standing=ReviewStanding.OPEN if self.open else closed,
            made_at=datetime.fromtimestamp(self.created, UTC),
        )


class _File(Struct):
    id: str


class _Warning(Struct):
    id: str
    charge: str
    created: int
    fraud_type: str
    actionable: bool = False
    payment_intent: str | None = None

    def warning(self) -> FraudWarning:
        return FraudWarning(
            warning_id=self.id,
            charge_id=self.charge,
            intent_id=self.payment_intent,
            kind=self.fraud_type,
            actionable=self.actionable,
            made_at=datetime.fromtimestamp(self.created, UTC),
        )


class Chargebacks:
    """The part of the `Cards` port that is about chargebacks."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def chargeback(self, chargeback_id: str) -> ChargebackOutcome:
        try:
            body, _ = await self._calls.ask("GET", f"disputes/{_named(chargeback_id)}", _EXPANDED)
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=Dispute).outcome()

    async def chargebacks(
        self, *, since: datetime | None = None, after: str | None = None
    ) -> Listed[ChargebackOutcome]:
        asked = {**query(since=since, after=after), "expand[0]": "data.payment_intent"}
        try:
            body, _ = await self._calls.ask("GET", "disputes", asked)
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=Page[Dispute]).listed(Dispute.outcome)

    async def upload(self, file: EvidenceFile) -> str:
        if not file.content.startswith(_STARTS):
            raise OrderRefused("Evidence is a PDF, a JPEG or a PNG.", field="content")
        if len(file.content) > FILE_MAX:
            raise OrderRefused(f"A file of evidence has at most {FILE_MAX} bytes.", field="content")
        try:
            body = await self._calls.send_file(
                file.name, file.content, purpose="dispute_evidence", key=f"{file.file_id}:file"
            )
        except Failure as failure:
            if failure.error.type == "idempotency_error":
                raise IdReused(field="file_id") from failure
            raise OrderRefused(failure.error.message) from failure
        return msgspec.json.decode(body, type=_File).id

    async def evidence(self, chargeback_id: str, evidence: Evidence, *, submit: bool) -> ChargebackOutcome:
        form = {**_form(evidence), "submit": "true" if submit else "false", **_EXPANDED}
        # The same evidence said twice is said once; other evidence is another act.
        digest = sha256(msgspec.json.encode(form, order="sorted")).hexdigest()
        key = f"{chargeback_id}:evidence:{digest}"
        try:
            body, _ = await self._calls.ask("POST", f"disputes/{_named(chargeback_id)}", form, key=key)
        except Failure as failure:
            if (failure.error.param or "").startswith("evidence"):
                raise OrderRefused(failure.error.message, field="evidence") from failure
            if failure.status == 404 or failure.error.code == "resource_missing":
                raise UnknownIntent from failure
            if (await self.chargeback(chargeback_id)).evidence_sent:
                raise ChargebackDecided from failure
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=Dispute).outcome()

    async def accept(self, chargeback_id: str) -> ChargebackOutcome:
        path = f"disputes/{_named(chargeback_id)}/close"
        try:
            body, replayed = await self._calls.ask("POST", path, _EXPANDED, key=f"{chargeback_id}:close")
        except Failure as failure:
            if failure.status == 404 or failure.error.code == "resource_missing":
                raise UnknownIntent from failure
            return await self.chargeback(chargeback_id)
        if replayed:
            return await self.chargeback(chargeback_id)
        return msgspec.json.decode(body, type=Dispute).outcome()

    async def fraud_warnings(self, *, since: datetime | None = None, after: str | None = None) -> Listed[FraudWarning]:
        try:
            body, _ = await self._calls.ask("GET", "radar/early_fraud_warnings", query(since=since, after=after))
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=Page[_Warning]).listed(_Warning.warning)

    async def fraud_warning(self, warning_id: str) -> FraudWarning:
        try:
            body, _ = await self._calls.ask("GET", f"radar/early_fraud_warnings/{_named(warning_id)}", {})
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=_Warning).warning()

    async def review(self, review_id: str) -> Review:
        try:
            body, _ = await self._calls.ask("GET", f"reviews/{_named(review_id)}", {})
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=_Review).review()


def _form(evidence: Evidence) -> Mapping[str, str]:
    """The evidence as the API takes it. Raises `OrderRefused` when it is too much."""
    texts = {name: getattr(evidence, ours) for ours, name in _TEXTS.items() if getattr(evidence, ours)}
    if sum(map(len, texts.values())) > TEXTS_MAX:
        raise OrderRefused(f"Evidence has at most {TEXTS_MAX} characters in all.", field="evidence")
    files = {FILES[kind]: file_id for kind, file_id in evidence.files.items()}
    return {f"evidence[{name}]": value for name, value in (texts | files).items()}


def _unknown(failure: Failure) -> UnknownIntent | OrderRefused:
    if failure.status == 404 or failure.error.code == "resource_missing":
        return UnknownIntent()
    log.error("The card processor refuses a request: %s", failure.error.message)
    return OrderRefused(failure.error.message)


def _named(thing_id: str) -> str:
    """The id, as a part of an address. Raises `UnknownIntent` for what is no id: ids come from elsewhere."""
    if not _ID.fullmatch(thing_id):
        raise UnknownIntent
    return thing_id
