"""The page of a provider's payouts, with what stands in each part of it."""

from __future__ import annotations

from typing import Any

from ecosystem.contexts.bank_accounts import Purpose
from ecosystem.contexts.payments import PayoutState
from ecosystem.contexts.payouts import PREFIX, PayoutStatus, Rail
from ecosystem.journeys.payout_accounts import Payouts
from ecosystem.journeys.payout_outlook import Funds, Outlook
from ecosystem.kernel.money import decimal_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.entropy import mint
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.provider.area import Area
from ecosystem.web.provider.payouts.forms import PlanForm, Wanted, plan_form
from ecosystem.web.statuses import status_of
from ecosystem.web.visit import Visit

WORDS: dict[PayoutState, tuple[str, str, str]] = {
    PayoutState.NONE: ("Not set up", "", "Set up payouts, and what you earn can go to your bank account."),
    PayoutState.REQUESTED: ("Being opened", "wait", "The payment processor opens an account for you."),
    PayoutState.PENDING: ("Not ready yet", "wait", "The payment processor does not know enough about you yet."),
    PayoutState.RESTRICTED: ("Something is needed", "bad", "Nothing can be paid out until it is there."),
    PayoutState.ACTIVE: ("Ready", "good", "What you earn can be paid to your bank account."),
    PayoutState.REJECTED: ("Rejected", "bad", "The payment processor pays nothing out to this account."),
}
"""Each state as its owner reads it: a word, its tone, and a sentence."""
VERIFYING = ("Being verified", "wait", "You have said everything. The payment processor looks into it.")

STATUSES: dict[PayoutStatus, tuple[str, str]] = {
    PayoutStatus.INTENDED: ("Waiting to be sent", "wait"),
    PayoutStatus.SENT: ("Sent", "live"),
    PayoutStatus.IN_TRANSIT: ("On its way to your bank", "live"),
    PayoutStatus.PAID: ("Paid", "good"),
    PayoutStatus.FAILED: ("Failed", "bad"),
    PayoutStatus.RETURNED: ("Sent back by the bank", "bad"),
    PayoutStatus.CANCELLED: ("Called off", ""),
}
"""Each status as its owner reads it: a word and its tone."""


async def shown(request: Visit, here: Area, trouble: Refusal | None = None, **again: Any) -> Answer:
    """The page; forms that were refused come again."""
    payouts = await request.market.payout_accounts.of(here.provider_id, request.actor)
    values = await _paid(request, here, **again)
    status = int(values.pop("status"))
    return here.page(
        "provider/payouts/page.html",
        status=status_of(trouble) if trouble else status,
        trouble=trouble,
        **values,
        **drawn(payouts),
    )


def drawn(payouts: Payouts) -> dict[str, Any]:
    """What a page shows of it."""
    verifying = payouts.state is PayoutState.PENDING and not payouts.may_be_filled_in
    word, tone, sentence = VERIFYING if verifying else WORDS[payouts.state]
    return {"payouts": payouts, "account": payouts.account, "word": word, "tone": tone, "sentence": sentence}


async def _paid(
    request: Visit,
    here: Area,
    *,
    wanted: Form[Wanted] | None = None,
    plan_asked: Form[PlanForm] | None = None,
) -> dict[str, Any]:
    """What the page shows of the payouts themselves; forms that were refused come again."""
    currency = request.kit.site.currency
    outlook = await request.market.paying_out.outlooks.of(here.provider_id, request.actor, currency=currency)
    page = await request.market.paying_out.payouts(here.provider_id, request.actor, limit=6)
    used = await request.market.bank_accounts.used(here.provider_id, Purpose.PAYOUT)
    funds = _first(outlook)
    refused = (wanted and wanted.refusal) or (plan_asked and plan_asked.refusal)
    return {
        "status": status_of(refused) if refused else 200,
        "outlook": outlook,
        "funds": funds,
        "latest": page.values,
        "more": page.next is not None,
        "statuses": STATUSES,
        "bank": used.shown if used else "",
        "by_bank": outlook.plan.rail is Rail.ACH,
        "wanted": wanted or _wanted(request, outlook),
        "plan_form": plan_asked or plan_form(outlook.plan, outlook.plan_version, funds.currency),
    }


def _first(outlook: Outlook) -> Funds:
    """The currency that the page opens with: one in which something can go out, else the marketplace's own."""
    return next((each for each in outlook.funds if each.available), outlook.funds[0])


def _wanted(request: Visit, outlook: Outlook) -> Form[Wanted]:
    funds = _first(outlook)
    return forms.blank(
        Wanted,
        payout_id=mint(PREFIX, request.at, request.market.ports.entropy),
        amount=decimal_text(funds.available) if funds.available else "",
        currency=funds.currency,
    )
