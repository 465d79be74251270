"""Payouts: money of a balance sent to its owner's bank, by request or by schedule, there days later, or not.

| status | what is so |
| --- | --- |
| `pending` | asked for; taken off the balance; may be cancelled until the end of the day (UTC) |
| `in_transit` | handed to the bank |
| `paid` | arrived; a number of `banking.RETURNED_LATE` sends it back later |
| `failed` | came back, with a code; the money is on the balance again, and the bank account set aside |
| `canceled` | given up before it was handed over |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.sandbox import amounts, external_accounts, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Choice, Created, Currency, Endpoint, Integer, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

CREATE = Endpoint(
    {
        "amount": Integer(least=1),
        "currency": Currency(),
        "description": Text(1000, unsettable=True),
        "destination": Text(120),
        "metadata": Metadata(),
        "method": Choice("standard", "instant"),
        "payout_method": Later(),
        "source_type": Choice("card", "bank_account", "fpx"),
        "statement_descriptor": Text(22),
    },
    required=("amount", "currency"),
)
RETRIEVE = CANCEL = Endpoint()
REVERSE = UPDATE = Endpoint({"metadata": Metadata()})
LIST = Endpoint(
    {
        **LISTED,
        "arrival_date": Created(),
        "destination": Text(120),
        "status": Choice("pending", "in_transit", "paid", "failed", "canceled"),
    }
)

DAY_S = 86400
RETURNED_AFTER_S = 3 * DAY_S
INSTANT_FEE_BPS = 100
INSTANT_FEE_LEAST = 50
MESSAGES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account has restrictions on either the type, or the number, of payouts"
    " allowed.",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "Debit transactions are not approved on the bank account.",
    "declined": "The bank has declined this payout.",
    "incorrect_account_holder_name": "Your bank notified us that the bank account holder name on file is incorrect.",
    "insufficient_funds": "Your account has insufficient funds to cover the payout.",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "no_account": "The bank account could not be located.",
}
"""How the bank explains a failure, by its code."""


def create(act: Act, given: dict[str, Any]) -> Body:
    """Send an amount to the bank. Raises `Refused` when the balance has too little, or payouts are not enabled."""
    holder = act.holder()
    _must_be_enabled(holder)
    amount, currency, instant = given["amount"], given["currency"], given.get("method") == "instant"
    amounts.must_be_whole(amount, currency)
    destination = _destination(act, holder, given)
    if instant and not destination.inside["instant"]:
        raise Refused(
            "The bank account or debit card is not eligible for Instant Payouts.",
            code="instant_payouts_unsupported",
            param="method",
        )
    fee = max(INSTANT_FEE_LEAST, amount * INSTANT_FEE_BPS // 10_000) if instant else 0
    available, pending = act.funds(act.account, currency)
    if amount + fee > (available + pending if instant else available):
        raise Refused(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You"
            " can use the /v1/balance endpoint to view your Stripe balance (for more details, see"
            " stripe.com/docs/api#balance).",
            code="balance_insufficient",
        )
    return made(act, destination, amount, fee, given, instant=instant).body


def made(
    act: Act,
    destination: Record,
    amount: int,
    fee: int,
    given: dict[str, Any],
    *,
    instant: bool = False,
    automatic: bool = False,
    original: Record | None = None,
) -> Record:
    """A new payout, taken off the balance; a negative amount is collected from the bank account."""
    body: Body = {
        **OF["payout"],
        "id": act.mint("po"),
        "amount": amount,
        "arrival_date": act.at if instant else arrival(act.at),
        "automatic": automatic,
        "created": act.at,
        "currency": given["currency"],
        "description": given.get("description") or ("STRIPE PAYOUT" if automatic else None),
        "destination": destination.id,
        "metadata": merged({}, given.get("metadata", {})),
        "method": "instant" if instant else "standard",
        "original_payout": original.id if original else None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "source_type": given.get("source_type") or "card",
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "in_transit" if instant else "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": destination.kind,
    }
    payout = act.add("payout", body, links=[("payout.destination", destination.id)])
    entry = booked(
        act, payout, amount=-amount, fee=fee, kind="payout", category="payout",
        description="STRIPE PAYOUT", fee_description="Instant Payout fee",
    )  # fmt: skip
    act.change(payout, balance_transaction=entry.id)
    if instant:
        act.afterwards("payout_arrive", payout)
    else:
        act.timers.append(("payout_send", payout.id, float((act.at // DAY_S + 1) * DAY_S)))
    act.log("paid_out", payout, amount)
    act.tell("payout.created", payout)
    return payout


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("payout", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    payout = act.need("payout", given["id"])
    if "metadata" in given:
        act.change(payout, metadata=merged(payout["metadata"], given["metadata"]))
    act.tell("payout.updated", payout)
    return payout.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("payout.destination", given["destination"]) if "destination" in given else None
    if "status" not in given and "arrival_date" not in given:
        return lists.page(act, "payout", "/v1/payouts", given, link)
    since, until = lists.bounds(given.get("arrival_date", {}))
    return lists.filtered(
        act,
        "payout",
        "/v1/payouts",
        given,
        lambda body: body["status"] == given.get("status", body["status"]) and since <= body["arrival_date"] <= until,
        link,
    )


def cancel(act: Act, given: dict[str, Any]) -> Body:
    """Give a payout up before it is handed to the bank."""
    payout = act.need("payout", given["id"])
    if payout["status"] != "pending":
        raise Refused(f"Payouts can only be canceled while pending; {payout.id} is {payout['status']}.")
    entry = _back(act, payout, "payout_cancel", "payout_reversal")
    act.change(payout, status="canceled", failure_balance_transaction=entry.id)
    act.log("payout_canceled", payout, payout["amount"])
    act.tell("payout.canceled", payout)
    act.tell("payout.updated", payout)
    return payout.body


def reverse(act: Act, given: dict[str, Any]) -> Body:
    """Call a payout back from an American bank account: a new payout of the negative amount."""
    payout = act.need("payout", given["id"])
    destination = external_accounts.of(act, payout["destination"])
    if payout["status"] not in {"paid", "in_transit"} or payout["reversed_by"] or payout["amount"] < 0:
        raise Refused(f"Payout {payout.id} cannot be reversed: it is {payout['status']}.")
    if destination.kind != "bank_account" or destination["country"] != "US":
        raise Refused("Only payouts to US bank accounts can be reversed.")
    told = {"currency": payout["currency"], "metadata": given.get("metadata", {})}
    back = made(act, destination, -payout["amount"], 0, told, original=payout)
    act.change(payout, reversed_by=back.id)
    act.tell("payout.updated", payout)
    return back.body


def send(act: Act, payout: Record) -> None:
    """The day ends, and payouts are handed to the bank: a timer's act."""
    if payout["status"] != "pending":
        return
    act.change(payout, status="in_transit")
    act.timers.append(("payout_arrive", payout.id, float(max(payout["arrival_date"], act.at))))
    act.tell("payout.updated", payout)


def arrive(act: Act, payout: Record) -> None:
    """The bank pays out, or refuses: a timer's act."""
    if payout["status"] != "in_transit":
        return
    destination = act.get(payout["type"], payout["destination"])
    behaviour: Body = destination.inside if destination else {}
    if behaviour.get("failure") and not behaviour.get("late"):
        fail(act, payout, behaviour["failure"])
        return
    trace = {"status": "supported", "value": f"{payout['created']:015d}"}
    act.change(payout, status="paid", trace_id=trace)
    act.tell("payout.updated", payout)
    act.tell("payout.paid", payout)
    if payout["automatic"]:
        act.change(payout, reconciliation_status="completed")
        act.tell("payout.reconciliation_completed", payout)
    if behaviour.get("late"):
        act.later("payout_return", payout, RETURNED_AFTER_S)


def returned(act: Act, payout: Record) -> None:
    """The bank sends back what it had paid: a timer's act."""
    destination = act.get(payout["type"], payout["destination"])
    if payout["status"] == "paid":
        fail(act, payout, destination.inside["failure"] if destination else "could_not_process")


def fail(act: Act, payout: Record, code: str) -> None:
    """The money comes back, before or after it was paid."""
    if payout["status"] in {"failed", "canceled"}:
        raise Refused(f"Payout {payout.id} is {payout['status']} already.")
    entry = _back(act, payout, "payout_failure", "payout_reversal")
    act.change(
        payout,
        status="failed",
        failure_balance_transaction=entry.id,
        failure_code=code,
        failure_message=MESSAGES[code],
    )
    act.log("payout_failed", payout, payout["amount"])
    if destination := act.get(payout["type"], payout["destination"]):
        external_accounts.fail(act, destination)
    act.tell("payout.failed", payout)
    act.tell("payout.updated", payout)


def arrival(at: int) -> int:
    """Midnight of the second day from then that is no weekend's: when a standard payout is expected."""
    day = datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left = 2
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return int(day.timestamp())


def _back(act: Act, payout: Record, kind: str, category: str) -> Record:
    return booked(
        act, payout, amount=payout["amount"], kind=kind, category=category, description=f"REVERSAL OF {payout.id}"
    )


def _must_be_enabled(holder: Record) -> None:
    if holder.kind == "account" and not holder["payouts_enabled"]:
        raise Refused(
            "Cannot create payouts: payouts are disabled for this account until its requirements are met.",
            code="payouts_not_allowed",
        )


def _destination(act: Act, holder: Record, given: dict[str, Any]) -> Record:
    currency = given["currency"]
    if "destination" in given:
        found = external_accounts.of(act, given["destination"], param="destination")
        if found.inside["account"] != act.account or found["currency"] != currency:
            raise Refused(
                f"No such external account in {currency}: '{given['destination'][:120]}'",
                code="resource_missing",
                param="destination",
            )
    else:
        found = external_accounts.default_of(act, holder, currency)
    if found is None and holder.kind == "platform":
        found = external_accounts.own(act, holder, currency)
    if found is None:
        raise Refused(f"Sorry, you don't have any external accounts in that currency ({currency}).", param="currency")
    if found.kind == "bank_account" and found["status"] == "errored":
        raise Refused(
            "The bank account provided can not be used for payouts. A different bank account must be used.",
            code="bank_account_unusable",
            param="destination",
        )
    return found
