"""The port of payout accounts over connected accounts. How the processor is called: `calls.py`."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.outside.stripe.answers import Failure
from ecosystem.adapters.outside.stripe.calls import Calls
from ecosystem.adapters.outside.stripe.listing import Page, query
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.accounts import (
    AccountClosed,
    AccountLink,
    AccountOrder,
    AccountOutcome,
    AccountRefused,
    AccountStanding,
    CapabilityStanding,
    Need,
    NotFilledIn,
    UnknownAccount,
    Urgency,
)
from ecosystem.ports.listing import Listed

log = logging.getLogger(__name__)

_ID = re.compile(r"acct_[A-Za-z0-9_]{1,190}")
_WORDS: tuple[tuple[str, str], ...] = (
    (r"external_account", "Say to which bank account you are paid."),
    (r"tos_acceptance\.", "Accept the terms of the payment processor."),
    (r".*\bdob\.", "Say when you were born."),
    (r".*\b(first_name|last_name)", "Say what your name is."),
    (r".*\baddress", "Say where you live."),
    (r".*\bemail", "Give an e-mail address."),
    (r".*\bphone", "Give a telephone number."),
    (r".*\b(id_number|ssn_last_4)", "Give your identity number."),
    (r".*\bverification\.(additional_)?document", "Show a document that proves who you are."),
    (r"business_profile\.url", "Say where your customers find you."),
    (r"business_profile\.", "Say what you offer."),
    (r"business_type", "Say whether you work for yourself or as a company."),
    (r"(company|directors|owners|representative)\b", "Complete what is asked about your company."),
)
"""What is missing, by the name of the requirement, as its owner would be told."""
_OTHERWISE = "Something more is needed: the payment processor's page says what."
_VERIFYING = "The payment processor verifies what you said. That takes minutes, and now and then some days."
_REJECTED = "The payment processor does not pay out to this account. Ask us if you think that this is a mistake."
_HELD = {
    "listed": "The payment processor looks into the account.",
    "platform_paused": "Payouts are paused.",
    "under_review": "The payment processor looks into the account.",
}

_INACTIVE = CapabilityStanding.INACTIVE
_CAPABILITIES = {"active": CapabilityStanding.ACTIVE, "pending": CapabilityStanding.PENDING}
_TROUBLE: tuple[tuple[str, str], ...] = (
    (r"verification_document_(corrupt|not_readable|not_uploaded|too_large|fraudulent)", "The document cannot be read."),
    (r"verification_document_(copy|greyscale)", "Show the document itself, in colour: no copy."),
    (r"verification_document_expired|verification_document_issue_or_expiry", "The document has expired."),
    (r"verification_document_(name|dob|address|id_number|nationality)", "The document says something else than you."),
    (r"verification_document_(failed|missing|incomplete)", "Both sides of the document have to be seen."),
    (r"verification_failed_(address|residential)", "This address could not be found."),
    (r"verification_failed_(keyed_identity|id_number|name|tax)", "This could not be found in public records."),
    (r"invalid_(address|street|postal|city|state|po_box)", "This address is not complete, or a post box."),
    (r"invalid_(dob|representative_age)", "Nobody so young may be paid."),
    (r"invalid_(phone|url|tax_id|value|company_name|product)", "What you gave is not of the right form."),
    (r"external_account|.*bank_account", "The bank account could not be verified."),
)
"""What was wrong, by the code of the error. Which codes there are: docs.stripe.com/connect/handling-api-verification."""
_TROUBLE_OTHERWISE = "What you said could not be verified."


class _Error(Struct):
    requirement: str = ""
    code: str = ""
    reason: str = ""


class _Requirements(Struct):
    currently_due: list[str] = field(default_factory=list[str])
    past_due: list[str] = field(default_factory=list[str])
    pending_verification: list[str] = field(default_factory=list[str])
    eventually_due: list[str] = field(default_factory=list[str])
    errors: list[_Error] = field(default_factory=list[_Error])
    disabled_reason: str | None = None
    current_deadline: int | None = None


class _Bank(Struct):
    last4: str = ""
    available_payout_methods: list[str] = field(default_factory=list[str])


class _Banks(Struct):
    data: list[_Bank] = field(default_factory=list[_Bank])


class _Connected(Struct):
    id: str
    payouts_enabled: bool = False
    details_submitted: bool = False
    country: str | None = None
    default_currency: str | None = None
    created: int | None = None
    capabilities: dict[str, str] = field(default_factory=dict[str, str])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    requirements: _Requirements | None = None
    external_accounts: _Banks | None = None

    def outcome(self) -> AccountOutcome:
        asked = self.requirements or _Requirements()
        standing = self._standing(asked)
        banks = self.external_accounts.data if self.external_accounts else []
        return AccountOutcome(
            account_id=self.id,
            provider_id=self.metadata.get("provider_id", ""),
            standing=standing,
            reasons=_reasons(asked, standing),
            due_at=datetime.fromtimestamp(asked.current_deadline, UTC) if asked.current_deadline else None,
            country=self.country or "",
            bank_last4=banks[0].last4 if banks else "",
            currency=(self.default_currency or "").upper(),
            instant=any("instant" in bank.available_payout_methods for bank in banks[:1]),
            capabilities={name: _CAPABILITIES.get(how, _INACTIVE) for name, how in self.capabilities.items()},
            needs=_needs(asked),
            made_at=datetime.fromtimestamp(self.created, UTC) if self.created else None,
        )

    def _standing(self, asked: _Requirements) -> AccountStanding:
        if (asked.disabled_reason or "").startswith("rejected."):
            return AccountStanding.REJECTED
        if self.payouts_enabled:
            return AccountStanding.ACTIVE
        if not self.details_submitted:
            return AccountStanding.INCOMPLETE
        due = asked.currently_due or asked.past_due
        waits = asked.pending_verification or asked.disabled_reason == "requirements.pending_verification"
        return AccountStanding.VERIFYING if waits and not due else AccountStanding.RESTRICTED


class _LoginLink(Struct):
    url: str


class _Link(Struct):
    url: str
    expires_at: int


class StripeAccounts:
    """The `Accounts` port."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def open(self, order: AccountOrder) -> AccountOutcome:
        form = {
            "type": "express",
            "capabilities[transfers][requested]": "true",
            "business_profile[name]": order.name,
            "metadata[provider_id]": order.provider_id,
            # When its money goes on to the bank is decided here, not by the processor.
            "settings[payouts][schedule][interval]": "manual",
        }
        optional = {"country": country_of(order.zone), "email": order.email, "business_profile[url]": order.page}
        form |= {name: value for name, value in optional.items() if value}
        try:
            body, replayed = await self._calls.ask("POST", "accounts", form, key=f"{order.provider_id}:account")
        except Failure as failure:
            if failure.error.type == "idempotency_error":
                raise IdReused(field="provider_id") from failure
            log.error("The payment processor opens no account: %s", failure.error.message)  # noqa: TRY400 — told
            raise AccountRefused(failure.error.message) from failure
        made = msgspec.json.decode(body, type=_Connected)
        # What is replayed was true when it was first said.
        return await self.account(made.id) if replayed else made.outcome()

    async def account(self, account_id: str) -> AccountOutcome:
        if not _ID.fullmatch(account_id):
            raise UnknownAccount
        try:
            body, _ = await self._calls.ask("GET", f"accounts/{account_id}", {})
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=_Connected).outcome()

    async def link(self, account_id: str, *, back: str, again: str) -> AccountLink:
        form = {"account": account_id, "type": "account_onboarding", "return_url": back, "refresh_url": again}
        try:
            # Each link serves once: one whose answer was lost harms nobody, so it has no key to be repeated under.
            body, _ = await self._calls.ask("POST", "account_links", form)
        except Failure as failure:
            raise _unknown(failure) from failure
        made = msgspec.json.decode(body, type=_Link)
        return AccountLink(url=made.url, expires_at=datetime.fromtimestamp(made.expires_at, UTC))

    async def sign_in(self, account_id: str) -> str:
        if not _ID.fullmatch(account_id):
            raise UnknownAccount
        try:
            # Made anew each time, as links to fill in are.
            body, _ = await self._calls.ask("POST", f"accounts/{account_id}/login_links", {})
        except Failure as failure:
            refused = _unknown(failure)
            raise NotFilledIn if isinstance(refused, AccountRefused) else refused from failure
        return msgspec.json.decode(body, type=_LoginLink).url

    async def accounts(self, *, after: str | None = None) -> Listed[AccountOutcome]:
        try:
            body, _ = await self._calls.ask("GET", "accounts", query(after=after))
        except Failure as failure:
            raise _unknown(failure) from failure
        return msgspec.json.decode(body, type=Page[_Connected]).listed(_Connected.outcome)


def _reasons(asked: _Requirements, standing: AccountStanding) -> tuple[str, ...]:
    """What stands in the way, each thing once."""
    if standing is AccountStanding.REJECTED:
        return (_REJECTED,)
    if standing is AccountStanding.VERIFYING:
        return (_VERIFYING,)
    due = [*asked.past_due, *asked.currently_due]
    said = dict.fromkeys(_in_words(name) for name in due)
    held = _HELD.get(asked.disabled_reason or "")
    if held or (not said and standing is not AccountStanding.ACTIVE):
        said[held or _OTHERWISE] = None
    failed = any(error.requirement in due for error in asked.errors)
    return ("What you said could not be verified.", *said) if failed else tuple(said)


def _needs(asked: _Requirements) -> tuple[Need, ...]:
    """What is wanted of the owner, the most pressing first, each thing once."""
    urgencies = {
        Urgency.OVERDUE: asked.past_due,
        Urgency.NOW: asked.currently_due,
        Urgency.VERIFYING: asked.pending_verification,
        Urgency.LATER: asked.eventually_due,
    }
    found: dict[str, Urgency] = {}
    for urgency, names in urgencies.items():
        for name in names:
            found.setdefault(name, urgency)
    wrong = {error.requirement: _trouble(error.code) for error in asked.errors}
    return tuple(
        Need(name=name, sentence=_in_words(name), urgency=urgency, trouble=wrong.get(name, ""))
        for name, urgency in found.items()
    )


def _trouble(code: str) -> str:
    return next((words for pattern, words in _TROUBLE if re.match(pattern, code)), _TROUBLE_OTHERWISE)


def _in_words(requirement: str) -> str:
    return next((words for pattern, words in _WORDS if re.match(pattern, requirement)), _OTHERWISE)


def _unknown(failure: Failure) -> UnknownAccount | AccountClosed | AccountRefused:
    if failure.status == 404 or failure.error.code == "resource_missing":
        return UnknownAccount()
    if failure.error.code == "account_invalid":
        return AccountClosed()
    log.error("The payment processor refuses a request: %s", failure.error.message)
    return AccountRefused(failure.error.message)


def country_of(zone: str) -> str:
    """The country (ISO 3166) that a time zone is kept in, the first when there are several; empty when none is known."""
    return _countries().get(zone, "")


@cache
def _countries() -> dict[str, str]:
    # IANA's own table. A zone is listed once per country; the table without time before 1970 names the main one first.
    found: dict[str, str] = {}
    for name in ("zone1970.tab", "zone.tab"):
        for line in (files("tzdata") / "zoneinfo" / name).read_text().splitlines():
            if not line.startswith("#"):
                countries, _, zone, *_ = line.split("\t")
                found.setdefault(zone, countries.partition(",")[0])
    return found
