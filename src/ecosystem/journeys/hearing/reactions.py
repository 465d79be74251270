"""Every type of event that a marketplace has to know, and what follows from it here: the one table.

What a type changes is what its test asserts (`tests/journeys/hearing`); `docs/webhooks.md` is made from this table.
The processor is asked to send what changes something. Of a payment it tells most things twice, of the intent and of its
charge: the charge's own are acted upon when they come, and not asked for, since each sale would bring them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ecosystem.journeys.hearing.accounts import look_at_cards, settle_access, settle_account
from ecosystem.journeys.hearing.payments import (
    heed_review,
    heed_warning,
    settle_chargeback,
    settle_payment,
    settle_refund,
    settle_refunds,
)
from ecosystem.journeys.hearing.payouts import (
    send_what_waits,
    settle_payout,
    settle_top_up,
    settle_transfer,
    take_fees,
)
from ecosystem.journeys.hearing.reach import React


class Reaction(Struct, frozen=True):
    """What is done, and what that changes. Not `asked` for is what another type tells as well, once per sale."""

    act: React
    changes: str
    asked: bool = True


class RecordOnly(Struct, frozen=True):
    """Nothing follows, for this reason; the event is kept."""

    reason: str


_NO_SETUP = "Cards are kept while they pay, with their owner's consent; nothing of ours waits for a setup by itself."
_NO_FEES = "We take our commission by separate charges and transfers: no payment of ours has an application fee."
_NO_SESSIONS = "We take cards in our own checkout and open none of the processor's sessions."
_NO_REPORTS = "We read the entries of our balance themselves and ask for no report."

REACTIONS: Mapping[str, Reaction | RecordOnly] = {
    "payment_intent.succeeded": Reaction(
        settle_payment, "the payment is captured, its price in escrow, its booking confirmed"
    ),
    "payment_intent.payment_failed": Reaction(settle_payment, "the payment has failed, with why"),
    "payment_intent.canceled": Reaction(
        settle_payment, "the payment is cancelled; what was pending in escrow is voided"
    ),
    "payment_intent.processing": Reaction(settle_payment, "the payment is as the processor has it now"),
    "payment_intent.requires_action": Reaction(
        settle_payment, "the payment waits for its challenge, whose page is known"
    ),
    "payment_intent.amount_capturable_updated": Reaction(
        settle_payment, "the payment is authorized, its price pending in escrow, the provider asked"
    ),
    "payment_intent.partially_funded": RecordOnly(
        "Only bank transfers to the processor are paid in parts, and we take none."
    ),
    "charge.succeeded": Reaction(settle_payment, "the same as `payment_intent.succeeded`", asked=False),
    "charge.failed": Reaction(settle_payment, "the same as `payment_intent.payment_failed`", asked=False),
    "charge.captured": Reaction(settle_payment, "a held payment is captured, its price in escrow", asked=False),
    "charge.expired": Reaction(settle_payment, "a held payment is cancelled; what was pending in escrow is voided"),
    "charge.pending": Reaction(settle_payment, "the payment is as the processor has it now", asked=False),
    "charge.updated": Reaction(settle_payment, "the payment is as the processor has it now", asked=False),
    "charge.refunded": Reaction(settle_refunds, "every refund of the payment is in the books with its postings"),
    "charge.refund.updated": Reaction(settle_refund, "the refund is as the processor has it now", asked=False),
    "refund.created": Reaction(settle_refund, "the refund is in the books with its postings"),
    "refund.updated": Reaction(settle_refund, "the refund is as the processor has it now"),
    "refund.failed": Reaction(settle_refund, "the refund has failed; its postings are reversed"),
    "charge.dispute.created": Reaction(
        settle_chargeback, "the chargeback and its dispute are in the books; what it took is posted, the booking frozen"
    ),
    "charge.dispute.updated": Reaction(settle_chargeback, "the chargeback is as the bank has it now"),
    "charge.dispute.closed": Reaction(
        settle_chargeback, "the chargeback is won or lost, its dispute decided by the bank"
    ),
    "charge.dispute.funds_withdrawn": Reaction(settle_chargeback, "what the chargeback took and its fee are posted"),
    "charge.dispute.funds_reinstated": Reaction(settle_chargeback, "what the bank gave back is posted"),
    "radar.early_fraud_warning.created": Reaction(
        heed_warning, "the checkout is labelled as fraud; operators are told while a refund would help"
    ),
    "radar.early_fraud_warning.updated": Reaction(heed_warning, "the checkout is labelled as fraud"),
    "review.opened": Reaction(heed_review, "operators are told which payment the processor finds risky"),
    "review.closed": Reaction(
        heed_review, "the checkout is labelled by what was decided; refunds made with it are adopted"
    ),
    "setup_intent.succeeded": RecordOnly(_NO_SETUP),
    "setup_intent.setup_failed": RecordOnly(_NO_SETUP),
    "payment_method.attached": RecordOnly(
        "A card enters a wallet by the payment that it paid; one attached by other hands has no consent with us."
    ),
    "payment_method.detached": Reaction(look_at_cards, "the card is gone from its owner's wallet"),
    "payment_method.automatically_updated": Reaction(
        look_at_cards, "the card in the wallet has its new date and digits"
    ),
    "mandate.updated": Reaction(look_at_cards, "a card whose mandate has ended with it is gone from the wallet"),
    "application_fee.created": RecordOnly(_NO_FEES),
    "application_fee.refunded": RecordOnly(_NO_FEES),
    "application_fee.refund.updated": RecordOnly(_NO_FEES),
    "transfer.created": Reaction(settle_transfer, "the payout that it is for is sent, with its postings"),
    "transfer.updated": Reaction(settle_transfer, "the payout that it is for is taken on"),
    "transfer.reversed": Reaction(
        settle_transfer,
        "a payout that cannot go out any more has failed, its money back on the balance; else operators are told",
    ),
    "balance.available": Reaction(send_what_waits, "payouts that waited for our balance are sent"),
    "topup.succeeded": Reaction(settle_top_up, "our money is booked from the bank to the processor"),
    "topup.failed": Reaction(settle_top_up, "operators are told"),
    "topup.reversed": Reaction(settle_top_up, "the booking of our money is reversed"),
    "payout.created": Reaction(settle_payout, "the payout is in transit; our own is in the books as a withdrawal"),
    "payout.updated": Reaction(settle_payout, "the payout is as the bank has it now"),
    "payout.paid": Reaction(settle_payout, "the payout is paid; our own is booked from the processor to the bank"),
    "payout.failed": Reaction(
        settle_payout, "the money is back on the balance, the provider told, the next one paused"
    ),
    "payout.canceled": Reaction(settle_payout, "the money is back on the balance"),
    "payout.reconciliation_completed": Reaction(take_fees, "the fees of all entries so far are posted to the costs"),
    "account.updated": Reaction(settle_account, "the payout account's state and what is missing; the provider is told"),
    "account.application.authorized": Reaction(settle_access, "the payout account can be paid again"),
    "account.application.deauthorized": Reaction(settle_access, "payouts rest; the provider and operators are told"),
    "account.external_account.created": Reaction(settle_account, "the last digits of the bank account that is paid to"),
    "account.external_account.updated": Reaction(settle_account, "the same"),
    "account.external_account.deleted": Reaction(settle_account, "the same"),
    "capability.updated": Reaction(
        settle_account, "whether the account takes transfers; payouts rest where it does not"
    ),
    "person.created": Reaction(settle_account, "what is missing of who the owner is"),
    "person.updated": Reaction(settle_account, "the same"),
    "person.deleted": Reaction(settle_account, "the same"),
    "checkout.session.completed": RecordOnly(_NO_SESSIONS),
    "checkout.session.async_payment_succeeded": RecordOnly(_NO_SESSIONS),
    "checkout.session.async_payment_failed": RecordOnly(_NO_SESSIONS),
    "checkout.session.expired": RecordOnly(_NO_SESSIONS),
    "reporting.report_run.succeeded": RecordOnly(_NO_REPORTS),
    "reporting.report_run.failed": RecordOnly(_NO_REPORTS),
}

SUBSCRIBED = tuple(kind for kind, what in REACTIONS.items() if isinstance(what, Reaction) and what.asked)
"""The types of event that the processor is asked to send."""

UNKNOWN = "Nobody here knows this type of event. See whether something has to follow from it."
