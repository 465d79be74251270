"""Connected accounts: those whom the platform pays out to, and what is still missing before it can.

The platform opens an account and sends its owner to the processor's own pages (`setup.py`), by a link that works once.
What the owner says there stays here. Whether it can be verified decides on test values: see `OUTCOMES` and `banking.py`.

| stage | requirements | payouts |
| --- | --- | --- |
| `blank` | all is due | not enabled |
| `verifying` | a verification is pending | not enabled |
| `verified` | none | enabled |
| `failed` | what could not be verified is due, with the error | not enabled |
| `rejected` | none that would help | not enabled, for good |
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ecosystem.sandbox import external_accounts, lists, schedules
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.banking import CURRENCIES
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Currency,
    Endpoint,
    Hash,
    Integer,
    Kind,
    Later,
    Metadata,
    Text,
    Url,
)
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import ACCOUNT, ACCOUNT_LINK, BUSINESS_PROFILE, NO_REQUIREMENTS, Body

LINK_S = 300
"""A link works for this long, and once."""
LINKS_KEPT = 5
SLOW_S = 86_400


class DelayDays:
    """How many days money waits before it is paid out by schedule: a number, or the least there is."""

    def read(self, value: Any, name: str) -> int:
        return 2 if value == "minimum" else Integer(0, 31).read(value, name)


_CAPABILITY = Hash({"requested": Boolean()})
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        "account_token bank_account company documents groups individual tos_acceptance".split(),
        Later(),
    ),
    "business_profile": Hash(
        {
            **dict.fromkeys(
                "annual_revenue estimated_worker_count minority_owned_business_designation support_address".split(),
                Later(),
            ),
            "mcc": Text(4, pattern="[0-9]{4}"),
            "name": Text(200, unsettable=True),
            "product_description": Text(4_000, unsettable=True),
            "support_email": Text(512, unsettable=True),
            "support_phone": Text(30, unsettable=True),
            "support_url": Url(),
            "url": Url(),
        }
    ),
    "external_account": external_accounts.Given(),
    "settings": Hash(
        {
            **dict.fromkeys(
                "bacs_debit_payments branding card_issuing card_payments invoices payments treasury".split(), Later()
            ),
            "payouts": Hash(
                {
                    "debit_negative_balances": Boolean(),
                    "schedule": Hash(
                        {
                            "delay_days": DelayDays(),
                            "interval": Choice("daily", "manual", "monthly", "weekly"),
                            "monthly_anchor": Integer(1, 31),
                            "monthly_payout_days": Later(),
                            "weekly_anchor": Choice(*schedules.WEEKDAYS),
                            "weekly_payout_days": Later(),
                        }
                    ),
                    "statement_descriptor": Text(22),
                }
            ),
        }
    ),
    "business_type": Choice("company", "government_entity", "individual", "non_profit"),
    "capabilities": Hash({"card_payments": _CAPABILITY, "transfers": _CAPABILITY}),
    "default_currency": Currency(),
    "email": Text(512, unsettable=True),
    "metadata": Metadata(),
}
_CONTROLLER = Hash(
    {
        "fees": Hash({"payer": Choice("account", "application")}),
        "losses": Hash({"payments": Choice("application", "stripe")}),
        "requirement_collection": Choice("application", "stripe"),
        "stripe_dashboard": Hash({"type": Choice("express", "full", "none")}),
    }
)
CREATE = Endpoint({**_KINDS, "controller": _CONTROLLER, "country": Text(2), "type": Choice("custom", "express")})
UPDATE = Endpoint(_KINDS)
RETRIEVE = Endpoint()
REJECT = Endpoint({"reason": Choice("fraud", "terms_of_service", "other")}, required=("reason",))
LIST = Endpoint(LISTED)
CREATE_LINK = Endpoint(
    {
        "account": Text(120),
        "collect": Choice("currently_due", "eventually_due"),
        "collection_options": Hash(
            {
                "fields": Choice("currently_due", "eventually_due"),
                "future_requirements": Choice("include", "omit"),
                "requirement_restrictions": Later(),
            }
        ),
        "refresh_url": Url(),
        "return_url": Url(),
        "type": Choice("account_onboarding", "account_update"),
    },
    required=("account", "type", "refresh_url", "return_url"),
)

DETAILS = (
    "external_account",
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
)
"""What every account lacks at first."""
DOCUMENT = "individual.verification.document"


class Stage(StrEnum):
    BLANK = "blank"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"
    REJECTED = "rejected"


class Outcome(StrEnum):
    """How a verification ends."""

    AT_ONCE = "at once"
    VERIFIED = "verified"
    SLOWLY = "slowly"
    MISMATCH = "mismatch"
    LISTED = "listed"


OUTCOMES = {
    "1902-01-01": Outcome.AT_ONCE,
    "1901-01-01": Outcome.VERIFIED,
    "1903-01-01": Outcome.SLOWLY,
    "1900-01-01": Outcome.LISTED,
}
"""By date of birth: the published ones, and 1903, which is this sandbox's own. Any other is verified a little later."""
MISMATCHING = "111111111"
"""The published identity number that cannot be verified."""


def create(act: Act, given: dict[str, Any]) -> Body:
    """Open an account, of which nothing is known yet but what the platform says."""
    country = (given.get("country") or "US").upper()
    if country not in CURRENCIES:
        raise Refused(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US',"
            " 'EG', or 'GB'.",
            code="country_unsupported",
            param="country",
        )
    account_id = act.mint("acct")
    wanted = {name: asked for name, asked in given.get("capabilities", {}).items() if asked.get("requested")}
    body: Body = {
        **ACCOUNT,
        "id": account_id,
        "country": country,
        "created": act.at,
        "default_currency": CURRENCIES[country],
        "external_accounts": {**ACCOUNT["external_accounts"], "url": f"/v1/accounts/{account_id}/external_accounts"},
        "capabilities": dict.fromkeys(sorted(wanted), "inactive"),
        "type": given.get("type", "express"),
        **_changes(ACCOUNT, given),
    }
    account = act.add("account", body, inside={"stage": Stage.BLANK, "links": {}})
    enter(act, account, Stage.BLANK)
    if told := given.get("external_account"):
        external_accounts.add(act, account, told)
    return account.body


def settled_in(act: Act) -> str:
    """The id of the platform's own account; it is opened with the first act of all."""
    if known := act.linked("platform", "own"):
        return known[0].id
    body: Body = {
        **ACCOUNT,
        "id": act.mint("acct"),
        "country": "US",
        "created": act.at,
        "default_currency": "usd",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "details_submitted": True,
        "payouts_enabled": True,
        "settings": _scheduled(ACCOUNT["settings"], {"interval": "manual"}),
        "type": "standard",
    }
    return act.add("platform", body, links=[("platform", "own")]).id


def own(act: Act, given: dict[str, Any]) -> Body:  # noqa: ARG001 — every endpoint is given its parameters
    """The account of whoever asks."""
    return act.holder().body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.holder("" if given["id"] == act.platform else given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    _must_be_open(account)
    changes = _changes(account.body, given)
    for name, asked in given.get("capabilities", {}).items():
        changes.setdefault("capabilities", dict(account["capabilities"]))
        if asked.get("requested"):
            changes["capabilities"].setdefault(name, "inactive")
        else:
            changes["capabilities"].pop(name, None)
    act.change(account, **changes)
    if told := given.get("external_account"):
        external_accounts.add(act, account, told, default=True)
    enter(act, account, Stage(account.inside["stage"]))
    act.tell("account.updated", account)
    return account.body


def reject(act: Act, given: dict[str, Any]) -> Body:
    """Close the account for good, as the platform may."""
    account = act.need("account", given["id"])
    _must_be_open(account)
    act.note(account, disabled_reason=f"rejected.{given['reason']}")
    enter(act, account, Stage.REJECTED)
    act.tell("account.updated", account)
    return account.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    return lists.page(act, "account", "/v1/accounts", given)


def create_link(act: Act, given: dict[str, Any]) -> Body:
    """A link by which the account's owner, and whoever else holds it, may fill in what is missing. It works once."""
    account = act.need("account", given["account"], param="account")
    _must_be_open(account)
    if given["type"] == "account_update" and account["type"] != "custom":
        raise Refused(
            "You cannot create `account_update` type Account Links for this account. Use `account_onboarding`.",
            param="type",
        )
    token = act.secret(32)
    link = {name: given[name] for name in ("refresh_url", "return_url")} | {"expires_at": act.at + LINK_S}
    links = {**account.inside["links"], token: link}
    act.note(account, links=dict(list(links.items())[-LINKS_KEPT:]))
    act.link(account, "setup", token)
    return {
        **ACCOUNT_LINK,
        "created": act.at,
        "expires_at": act.at + LINK_S,
        "url": f"{act.origin}/setup/{account.id}/{token}",
    }


def submitted(act: Act, account: Record, told: Body) -> None:
    """The owner said what was missing. `told` holds what may be kept: no number of a bank account is in it."""
    act.note(account, person=told["person"], outcome=told["outcome"])
    external_accounts.keep(act, account, told["bank"], told["behaviour"])
    act.change(
        account,
        business_type=account["business_type"] or "individual",
        details_submitted=True,
        tos_acceptance={"date": act.at, "ip": told["ip"], "user_agent": None},
    )
    if told["outcome"] is Outcome.AT_ONCE:
        enter(act, account, Stage.VERIFIED)
    else:
        enter(act, account, Stage.VERIFYING)
        if told["outcome"] is Outcome.SLOWLY:
            act.later("verify", account, SLOW_S)
        else:
            act.afterwards("verify", account)
    act.tell("account.updated", account)


def verify(act: Act, account: Record) -> None:
    """A verification ends: a timer's act."""
    if account.inside["stage"] != Stage.VERIFYING:
        return
    match account.inside["outcome"]:
        case Outcome.MISMATCH:
            enter(act, account, Stage.FAILED)
        case Outcome.LISTED:
            act.note(account, disabled_reason="rejected.listed")
            enter(act, account, Stage.REJECTED)
        case _:
            enter(act, account, Stage.VERIFIED)
    act.tell("account.updated", account)


def verified(act: Act, account: Record) -> None:
    """The account's owner has said all there is to say, and it was found right."""
    act.change(
        account,
        business_type=account["business_type"] or "individual",
        details_submitted=True,
        tos_acceptance={"date": act.at, "ip": "127.0.0.1", "user_agent": None},
    )
    enter(act, account, Stage.VERIFIED)
    act.tell("account.updated", account)


def enter(act: Act, account: Record, stage: Stage) -> None:
    """Bring what is shown of the account in line with its stage."""
    act.note(account, stage=stage)
    active = {Stage.VERIFIED: "active", Stage.VERIFYING: "pending"}.get(stage, "inactive")
    capabilities = dict.fromkeys(account["capabilities"], active)
    act.change(
        account,
        capabilities=capabilities,
        charges_enabled=capabilities.get("card_payments") == "active",
        payouts_enabled=stage is Stage.VERIFIED,
        requirements={**NO_REQUIREMENTS, **_requirements(account, stage)},
    )


def _requirements(account: Record, stage: Stage) -> Body:
    if stage is Stage.VERIFIED:
        return {}
    if stage is Stage.VERIFYING:
        return {"disabled_reason": "requirements.pending_verification", "pending_verification": [DOCUMENT]}
    if stage is Stage.REJECTED:
        return {"disabled_reason": account.inside["disabled_reason"]}
    due = [DOCUMENT]
    errors: list[Body] = []
    if stage is Stage.BLANK:
        due = sorted([*DETAILS, *(["email"] if not account["email"] else [])])
    else:
        errors = [
            {
                "code": "verification_failed_keyed_identity",
                "reason": "The person's keyed-in identity information could not be verified. Correct any errors or"
                " upload a document that matches the identity fields.",
                "requirement": DOCUMENT,
            }
        ]
    return {
        "currently_due": due,
        "disabled_reason": "requirements.past_due",
        "errors": errors,
        "eventually_due": due,
        "past_due": due,
    }


def _must_be_open(account: Record) -> None:
    if account.inside["stage"] == Stage.REJECTED:
        raise Refused(
            f"The account {account.id} has been rejected and cannot be changed.",
            code="account_invalid",
            param="account",
        )


def _scheduled(settings: Body, schedule: Body) -> Body:
    """The settings with another schedule of payouts."""
    payouts = settings["payouts"]
    anchors = {name: one for name, one in payouts["schedule"].items() if name == "delay_days"}
    kept = (
        payouts["schedule"]
        if schedule.get("interval", payouts["schedule"]["interval"]) == payouts["schedule"]["interval"]
        else anchors
    )
    return {**settings, "payouts": {**payouts, "schedule": {"delay_days": 2, **kept, **schedule}}}


def _changes(known: Body, given: dict[str, Any]) -> Body:
    changes: Body = {name: given[name] for name in ("business_type", "default_currency", "email") if name in given}
    if "business_profile" in given:
        changes["business_profile"] = {**BUSINESS_PROFILE, **known["business_profile"], **given["business_profile"]}
    if "metadata" in given:
        changes["metadata"] = merged(known["metadata"], given["metadata"])
    if payouts := given.get("settings", {}).get("payouts"):
        settings = _scheduled(known["settings"], payouts.pop("schedule", {}))
        changes["settings"] = {**settings, "payouts": {**settings["payouts"], **payouts}}
    return changes
