"""Disputes: the customer's bank asks for the money back, and the processor hands it over until it is decided."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists, reviews, warnings
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Boolean, Endpoint, Hash, Kind, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import DISPUTE, EVIDENCE_FILES, EVIDENCE_TEXTS, NO_EVIDENCE, Body

FEE = 1500
EVIDENCE_TEXT_MAX = 20_000
EVIDENCE_TIME_S = 9 * 86400

_EVIDENCE: dict[str, Kind] = {
    **dict.fromkeys(EVIDENCE_TEXTS, Text(EVIDENCE_TEXT_MAX, unsettable=True)),
    **dict.fromkeys(EVIDENCE_FILES, Text(120, unsettable=True)),
    "enhanced_evidence": Later(),
    "appeal": Later(),
}
RETRIEVE = Endpoint()
UPDATE = Endpoint(
    {
        "evidence": Hash(_EVIDENCE),
        "intended_submission_method": Later(),
        "metadata": Metadata(),
        "submit": Boolean(),
    }
)
CLOSE = Endpoint()
LIST = Endpoint({**LISTED, "charge": Text(120), "payment_intent": Text(120)})

_ANSWERABLE = ("needs_response", "warning_needs_response")


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("dispute", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = None
    for name in ("charge", "payment_intent"):
        if name in given:
            link = (f"dispute.{name}", given[name])
    return lists.page(act, "dispute", "/v1/disputes", given, link)


def open_for(act: Act, charge: Record) -> None:
    """The bank opens the dispute that the charge's card stands for: a timer's act."""
    reason, inquiry = charge.inside.get("disputed"), bool(charge.inside.get("inquiry"))
    if reason is None or charge["disputed"]:
        return
    amount = charge["amount_captured"] - charge["amount_refunded"]
    if amount <= 0:
        return
    opened(act, charge, amount, reason, inquiry=inquiry)


def opened(act: Act, charge: Record, amount: int, reason: str, *, inquiry: bool) -> None:
    """A new dispute. An inquiry only asks; otherwise the money is withdrawn at once."""
    body: Body = {
        **DISPUTE,
        "id": act.mint("dp"),
        "amount": amount,
        "charge": charge.id,
        "created": act.at,
        "currency": charge["currency"],
        "evidence_details": {
            "due_by": act.at + EVIDENCE_TIME_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": _details(charge, inquiry=inquiry),
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    links = [("dispute.charge", charge.id), ("dispute.payment_intent", charge["payment_intent"])]
    dispute = act.add("dispute", body, links=links)
    act.change(charge, disputed=True)
    act.note(charge, refundable_in_dispute=inquiry)
    act.tell("charge.dispute.created", dispute)
    reviews.closed_of_charge(act, charge, "disputed")
    warnings.acted_on(act, charge)
    if not inquiry:
        _withdraw(act, dispute)


def update(act: Act, given: dict[str, Any]) -> Body:
    """Take evidence in. The texts `winning_evidence`, `losing_evidence` and `escalate_inquiry_evidence` decide."""
    dispute = act.need("dispute", given["id"])
    if "metadata" in given:
        act.change(dispute, metadata=merged(dispute["metadata"], given["metadata"]))
    if "evidence" not in given and not given.get("submit"):
        act.tell("charge.dispute.updated", dispute)
        return dispute.body
    if dispute["status"] not in _ANSWERABLE:
        raise Refused(f"This dispute has a status of {dispute['status']}, and takes no more evidence.")
    evidence = {**NO_EVIDENCE, **dispute["evidence"], **given.get("evidence", {})}
    for name in EVIDENCE_FILES:
        if named := given.get("evidence", {}).get(name):
            _must_be_evidence(act, named, name)
    details = {**dispute["evidence_details"], "has_evidence": any(evidence.values())}
    act.change(dispute, evidence=evidence, evidence_details=details)
    if given.get("submit", True):
        _submit(act, dispute)
    act.tell("charge.dispute.updated", dispute)
    return dispute.body


def close(act: Act, given: dict[str, Any]) -> Body:
    """Accept the dispute: it is lost."""
    dispute = act.need("dispute", given["id"])
    if dispute["status"] not in _ANSWERABLE:
        raise Refused(f"This dispute is already closed or under review: it has a status of {dispute['status']}.")
    _decide(act, dispute, won=False)
    return dispute.body


def decide(act: Act, dispute: Record) -> None:
    """The bank decides on the evidence it was sent: a timer's act."""
    if dispute["status"] not in {"under_review", "warning_under_review"}:
        return
    _decide(act, dispute, won=dispute["evidence"].get("uncategorized_text") == "winning_evidence")


def won(act: Act, dispute: Record) -> None:
    """The bank decides for the platform, whatever it was sent."""
    _must_be_undecided(dispute)
    _decide(act, dispute, won=True)


def lost(act: Act, dispute: Record) -> None:
    """The bank decides for the customer, whatever it was sent."""
    _must_be_undecided(dispute)
    _decide(act, dispute, won=False)


def _must_be_evidence(act: Act, file_id: str, name: str) -> None:
    file = act.need("file", file_id, param=f"evidence[{name}]")
    if file["purpose"] != "dispute_evidence":
        raise Refused(f"The file {file_id} was not uploaded as dispute_evidence.", param=f"evidence[{name}]")


def _must_be_undecided(dispute: Record) -> None:
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        raise Refused(f"The dispute {dispute.id} is decided: {dispute['status']}.")


def _submit(act: Act, dispute: Record) -> None:
    inquiry = dispute["status"].startswith("warning_")
    details = dispute["evidence_details"]
    act.change(
        dispute,
        evidence_details={**details, "submission_count": details["submission_count"] + 1},
        status="warning_under_review" if inquiry else "under_review",
    )
    text = dispute["evidence"].get("uncategorized_text")
    if inquiry and text == "escalate_inquiry_evidence":
        charge = act.need("charge", dispute["charge"])
        act.change(dispute, status="needs_response", is_charge_refundable=False)
        act.change(dispute, payment_method_details=_details(charge, inquiry=False))
        act.note(charge, refundable_in_dispute=False)
        _withdraw(act, dispute)
    elif text in {"winning_evidence", "losing_evidence"}:
        act.afterwards("decide", dispute)


def _decide(act: Act, dispute: Record, *, won: bool) -> None:
    inquiry = dispute["status"].startswith("warning_")
    status = "warning_closed" if inquiry else ("won" if won else "lost")
    act.change(dispute, status=status, is_charge_refundable=inquiry)
    charge = act.need("charge", dispute["charge"])
    if inquiry:
        act.note(charge, refundable_in_dispute=True)
    elif won:
        _reinstate(act, dispute)
    act.log(f"dispute_{status}", dispute, dispute["amount"])
    act.tell("charge.dispute.closed", dispute)


def _withdraw(act: Act, dispute: Record) -> None:
    entry = booked(
        act,
        dispute,
        amount=-dispute["amount"],
        fee=FEE,
        kind="adjustment",
        category="dispute",
        description=f"Chargeback withdrawal for {dispute['charge']}",
        fee_description="Dispute fee",
    )
    act.change(dispute, balance_transactions=[*dispute["balance_transactions"], entry.body])
    act.log("dispute_withdrawn", dispute, dispute["amount"])
    act.tell("charge.dispute.funds_withdrawn", dispute)


def _reinstate(act: Act, dispute: Record) -> None:
    entry = booked(
        act,
        dispute,
        amount=dispute["amount"],
        fee=-FEE,
        kind="adjustment",
        category="dispute_reversal",
        description=f"Chargeback reversal for {dispute['charge']}",
        fee_description="Dispute fee returned",
    )
    act.change(dispute, balance_transactions=[*dispute["balance_transactions"], entry.body])
    act.tell("charge.dispute.funds_reinstated", dispute)


def _details(charge: Record, *, inquiry: bool) -> Body:
    """Of a card its network; of a bank account nothing more is known."""
    if charge["payment_method_details"]["type"] != "card":
        return {"type": charge["payment_method_details"]["type"]}
    brand = charge["payment_method_details"]["card"]["brand"]
    card = {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": "10.4" if brand == "visa" else "4837",
    }
    return {"card": card, "type": "card"}
