"""What happens to a thing without a request of the platform: what banks, networks, owners and reviewers do.

`POST /_sandbox/happen {"what": ..., "id": ..., "told": {...}}` has one of them happen, for tests and drills.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecosystem.sandbox import (
    accounts,
    checkout_sessions,
    disputes,
    mandates,
    payment_methods,
    payouts,
    reports,
    topups,
    verification,
    warnings,
)
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.refusals import Refused

Happen = Callable[[Act, Record, dict[str, Any]], None]


def _fail_payout(act: Act, payout: Record, told: dict[str, Any]) -> None:
    payouts.fail(act, payout, told.get("code", "could_not_process"))


def _plain(work: Callable[[Act, Record], None]) -> Happen:
    """What needs nothing told."""

    def happened(act: Act, thing: Record, _: dict[str, Any]) -> None:
        work(act, thing)

    return happened


def _dispute(act: Act, charge: Record, told: dict[str, Any]) -> None:
    amount = told.get("amount", charge["amount_captured"] - charge["amount_refunded"])
    disputes.opened(act, charge, amount, told.get("reason", "fraudulent"), inquiry=bool(told.get("inquiry")))


HAPPENINGS: dict[str, Happen] = {
    "account.application.authorized": _plain(accounts.authorize),
    "account.application.deauthorized": _plain(accounts.deauthorize),
    "account.verified": _plain(verification.verified),
    "charge.disputed": _dispute,
    "charge.warned": _plain(warnings.warn),
    "checkout.session.paid": checkout_sessions.pay,
    "dispute.won": _plain(disputes.won),
    "dispute.lost": _plain(disputes.lost),
    "mandate.ended": _plain(mandates.end),
    "payment_method.automatically_updated": payment_methods.automatically_updated,
    "payout.failed": _fail_payout,
    "reporting.report_run.failed": _plain(reports.fail),
    "topup.reversed": _plain(topups.reverse),
}


def happen(act: Act, what: str, thing_id: str, told: dict[str, Any]) -> None:
    """Have it happen. Raises `Refused` for what nobody knows."""
    if what not in HAPPENINGS:
        raise Refused(f"Nothing is known of {what[:80]}; known are {', '.join(HAPPENINGS)}.", param="what")
    thing = act.books.record(thing_id)
    if thing is None:
        raise Refused(f"No such thing: '{thing_id[:120]}'", status=404, code="resource_missing", param="id")
    act.seen[thing.id] = thing
    act.account = thing.owner
    HAPPENINGS[what](act, thing, told)
