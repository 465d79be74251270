"""Connected accounts: those whom the platform pays out to, and what is still missing before it can.

The platform opens an account and sends its owner to the processor's own pages (`setup.py`), by a link that works once.
What the owner says there stays here. Whether it can be verified decides on test values: see `OUTCOMES` and `banking.py`.
"""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import external_accounts, lists, schedules, verification
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
from ecosystem.sandbox.shapes import ACCOUNT, ACCOUNT_LINK, BUSINESS_PROFILE, OF, Body

LINK_S = 300
"""A link works for this long, and once."""
LINKS_KEPT = 5


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
    "capabilities": Hash(dict.fromkeys(verification.CAPABILITIES, _CAPABILITY)),
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

APPLICATION: Body = {"id": "ca_ecosystem", "name": "Ecosystem", "object": "application"}
"""What the platform is to a connected account."""


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
    account = act.add("account", body, inside={"stage": verification.Stage.BLANK, "links": {}})
    verification.enter(act, account, verification.Stage.BLANK)
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
    if given["id"] == act.platform:
        return act.holder("").body
    account = act.holder(given["id"])
    if account.inside.get("deauthorized"):
        raise Refused(
            f"The provided key does not have access to account '{account.id}' (or that account does not exist)."
            " Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
    return account.body


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
    verification.enter(act, account, verification.Stage(account.inside["stage"]))
    act.tell("account.updated", account)
    return account.body


def reject(act: Act, given: dict[str, Any]) -> Body:
    """Close the account for good, as the platform may."""
    account = act.need("account", given["id"])
    _must_be_open(account)
    act.note(account, disabled_reason=f"rejected.{given['reason']}")
    verification.enter(act, account, verification.Stage.REJECTED)
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


def login_link(act: Act, given: dict[str, Any]) -> Body:
    """A link to the page on which an account's owner sees its balance and payouts."""
    account = act.need("account", given["id"])
    if account["type"] != "express" or not account["details_submitted"]:
        raise Refused(
            "Cannot create a login link for an account that is not an Express account, or has not completed"
            " onboarding.",
            param="account",
        )
    token = act.secret(16)
    act.link(account, "express", token)
    return {**OF["login_link"], "created": act.at, "url": f"{act.origin}/express/{token}"}


def delete(act: Act, given: dict[str, Any]) -> Body:
    """Close an account that has nothing left."""
    account = act.need("account", given["id"])
    if any(available or pending for _, available, pending in act.books.balance(account.id, act.at // 86400)):
        raise Refused("The account cannot be deleted: its balance is not zero.", code="account_invalid")
    deauthorize(act, account)
    act.note(account, deleted=True)
    return {"id": account.id, "object": "account", "deleted": True}


def deauthorize(act: Act, account: Record) -> None:
    """The owner, or the platform, ended what the platform may do with the account."""
    act.note(account, deauthorized=True)
    act.announce("account.application.deauthorized", APPLICATION, account.id)


def authorize(act: Act, account: Record) -> None:
    """The owner let the platform act for the account, for the first time or again."""
    act.note(account, deauthorized=False)
    act.announce("account.application.authorized", APPLICATION, account.id)


def _must_be_open(account: Record) -> None:
    if account.inside["stage"] == verification.Stage.REJECTED:
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
