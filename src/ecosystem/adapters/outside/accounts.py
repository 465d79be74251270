"""The port of payout accounts over the public card API's connected accounts. How it is called: `cards_calls.py`."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.outside.cards_answers import Failure
from ecosystem.adapters.outside.cards_calls import Account, Calls
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.accounts import (
    AccountClosed,
    AccountLink,
    AccountOrder,
    AccountOutcome,
    AccountRefused,
    AccountStanding,
    UnknownAccount,
)

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

T = TypeVar("T")


class _Error(Struct):
    requirement: str = ""


class _Requirements(Struct):
    currently_due: list[str] = field(default_factory=list[str])
    past_due: list[str] = field(default_factory=list[str])
    pending_verification: list[str] = field(default_factory=list[str])
    errors: list[_Error] = field(default_factory=list[_Error])
    disabled_reason: str | None = None
    current_deadline: int | None = None


class _Bank(Struct):
    last4: str = ""


class _Banks(Struct):
    data: list[_Bank] = field(default_factory=list[_Bank])


class _Connected(Struct):
    id: str
    payouts_enabled: bool = False
    details_submitted: bool = False
    country: str | None = None
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


class _Link(Struct):
    url: str
    expires_at: int


class PayoutAccounts:
    """The `Accounts` port. Open it on the loop that uses it, and close it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @classmethod
    async def open_at(cls, account: Account) -> PayoutAccounts:
        return cls(await Calls.open(account))

    async def close(self) -> None:
        await self._calls.close()

    async def open(self, order: AccountOrder) -> AccountOutcome:
        form = {
            "type": "express",
            "capabilities[transfers][requested]": "true",
            "business_profile[name]": order.name,
            "metadata[provider_id]": order.provider_id,
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
