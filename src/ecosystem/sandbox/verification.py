"""What is known of a connected account's owner, and whether it was found right.

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

from ecosystem.sandbox import external_accounts, persons
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.shapes import NO_REQUIREMENTS, OF, Body

SLOW_S = 86_400
CAPABILITIES = ("card_payments", "transfers", "us_bank_account_ach_payments")
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


def submitted(act: Act, account: Record, told: Body) -> None:
    """The owner said what was missing. `told` holds what may be kept: no number of a bank account is in it."""
    act.note(account, outcome=told["outcome"])
    persons.represent(act, account, told["person"])
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
    if stage is Stage.VERIFIED:
        persons.verified(act, account)
    active = {Stage.VERIFIED: "active", Stage.VERIFYING: "pending"}.get(stage, "inactive")
    earlier = {**account.inside.get("capabilities", {})}
    capabilities = dict.fromkeys(account["capabilities"], active)
    act.note(account, capabilities=capabilities)
    act.change(
        account,
        capabilities=capabilities,
        charges_enabled=capabilities.get("card_payments") == "active",
        payouts_enabled=stage is Stage.VERIFIED,
        requirements={**NO_REQUIREMENTS, **_requirements(account, stage)},
    )
    for name, status in capabilities.items():
        if earlier.get(name, "inactive") != status:
            before = {"status": earlier.get(name, "inactive")}
            act.announce("capability.updated", capability(account, name), account.id, before)


def capability(account: Record, name: str) -> Body:
    """One capability of the account, as an object of its own."""
    lacking = account["requirements"] if account["capabilities"][name] != "active" else NO_REQUIREMENTS
    return {
        **OF["capability"],
        "id": name,
        "account": account.id,
        "future_requirements": NO_REQUIREMENTS,
        "requested": True,
        "requested_at": account["created"],
        "requirements": lacking,
        "status": account["capabilities"][name],
    }


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
