"""The function table: each function under its own name in both deployments, what triggers it, and what it may.

The embedded deployment is wired from this table and from nothing else (`wiring.py`); a cloud's infrastructure reads it
as data. A function of a part that is not built has no row.

What is no function is machinery of the embedded deployment, which the cloud has as a service or beside its streams: the
relay with its retries is the bus, the firing of schedules is the scheduler, the postman is the mail service's queue.
The ledger's sequencer and the tally of the figures sum the table's changes up in order, as one consumer: they decide
nothing, and nobody waits for them. Inspections start a process, and signing keys are the token issuer's own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from ecosystem.journeys.access import Access
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.bank_notices import BankNotices
from ecosystem.journeys.payout_accounts import PayoutAccounts
from ecosystem.journeys.payout_news import PayoutNewsTelling
from ecosystem.journeys.telling import TOLD
from ecosystem.workflows import disputes
from ecosystem.workflows.deliveries import ATTEMPTS_MAX
from ecosystem.workflows.entries import (
    ach_processor,
    booking_processor,
    dispute_workflow,
    enhanced_search,
    fraud_detector,
    notification_handler,
    payout_manager,
    post_confirmation_trigger,
    profile_events,
    refund_processor,
    search_indexer,
    stripe_connect,
    stripe_webhook,
    webhook_authorizer,
    webhook_reconciliation,
    workflow_orchestrator,
)
from ecosystem.workflows.triggers import (
    Entry,
    Hook,
    OnChanges,
    OnEvent,
    OnFields,
    OnHook,
    OnRoute,
    OnSchedule,
    OnTask,
    Trigger,
)

T = TypeVar("T")


KNOWN = frozenset(
    """
    ach-processor bedrock-ai bio-generator booking-processor cost-monitor dispute-workflow email-forwarder
    enhanced-search etl-anonymize fraud-detector get-data-signed-url get-datasets get-usage iso-matcher
    messaging-handler notification-handler opensearch-sync payout-manager post-confirmation-trigger profile-events
    provisioner realtime-messaging refund-processor search-indexer site-publisher stripe-connect stripe-webhook
    webhook-authorizer webhook-reconciliation workflow-orchestrator
    """.split()
)
"""Every function the system has when it is whole."""


class Permission(StrEnum):
    """What a function may touch: whole ports, and of the table to read, or to read and write."""

    TABLE_READ = "table:read"
    TABLE_WRITE = "table:write"
    CARDS = "cards"
    MAIL = "mail"
    SEARCH_READ = "search:read"
    SEARCH_WRITE = "search:write"
    BLOBS_READ = "blobs:read"
    BLOBS_WRITE = "blobs:write"
    CALENDARS = "calendars"
    SEAL = "seal"
    KEYS = "keys"
    BANK = "bank"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS = "executions"
    WEBHOOK_SECRETS = "webhook-secrets"
    LINK_KEY = "link-key"


class Function(Struct, frozen=True, kw_only=True):
    """A row. A call that takes longer than `timeout_s` has failed; what failed is called again up to `retries` times."""

    name: str
    entry: Entry
    triggers: tuple[Trigger, ...]
    timeout_s: int
    memory_mb: int = 256
    retries: int = ATTEMPTS_MAX - 1
    permissions: tuple[Permission, ...]

    def of(self, kind: type[T]) -> list[T]:
        """Its triggers of that kind."""
        return [trigger for trigger in self.triggers if isinstance(trigger, kind)]


def types(*names: str) -> OnEvent:
    """Events of these types."""
    return OnEvent(pattern={"detail-type": sorted(names)})


TABLE: tuple[Function, ...] = (
    Function(
        name="ach-processor",
        entry=ach_processor.ENTRY,
        triggers=(
            types(ach_processor.ADDED),
            OnSchedule(name=ach_processor.FILES, expression="rate(5 minutes)"),
            OnSchedule(name=ach_processor.BANK, expression="rate(5 minutes)"),
            OnSchedule(name=ach_processor.RATES, expression="rate(1 hour)"),
        ),
        timeout_s=240,
        permissions=(Permission.TABLE_WRITE, Permission.KEYS, Permission.BANK),
    ),
    Function(
        name="booking-processor",
        entry=booking_processor.ENTRY,
        triggers=(
            types("ProviderClaimed", *booking_processor.PLANNED),
            OnTask(acts=("ask-payment-later", "await-payment", "check-payment", "expire-later", "standing")),
            OnSchedule(name=booking_processor.EXPIRE_HOLD),
            OnSchedule(name=booking_processor.ASK_PAYMENT),
            OnSchedule(name=booking_processor.EXPIRE),
            OnSchedule(name=booking_processor.FINISH),
            OnSchedule(name=booking_processor.START),
            OnSchedule(name=booking_processor.COMPLETE),
            OnSchedule(name=booking_processor.SETTLE),
            # What reconciles: see `journeys/sweep.py`.
            OnSchedule(name=booking_processor.LEFT_BOOKINGS, expression="rate(5 minutes)"),
            OnSchedule(name=booking_processor.LEFT_PAYMENTS, expression="rate(5 minutes)"),
            OnSchedule(name=booking_processor.CALENDARS, expression="rate(5 minutes)"),
            OnFields(
                fields=(
                    "Query.hold",
                    "Query.booking",
                    "Query.myBookings",
                    "Query.providerBookings",
                    "Query.bookingsInStatus",
                    "Query.cancellationPreview",
                    "Query.rescheduleTimes",
                    "Query.checkoutStanding",
                    "Mutation.takeHold",
                    "Mutation.takeOverHold",
                    "Mutation.releaseHold",
                    "Mutation.pay",
                    "Mutation.cancelBooking",
                    "Mutation.rescheduleBooking",
                    "Mutation.answerProposal",
                    "Mutation.acceptBooking",
                    "Mutation.declineBooking",
                    "Mutation.startBooking",
                    "Mutation.completeBooking",
                    "Mutation.reportNoShow",
                    "Mutation.settleNoShow",
                    "Mutation.claimBooking",
                )
            ),
        ),
        timeout_s=60,
        permissions=(
            Permission.TABLE_WRITE,
            Permission.CARDS,
            Permission.CALENDARS,
            Permission.SEAL,
            Permission.EXECUTIONS,
            Permission.LINK_KEY,
        ),
    ),
    Function(
        name="dispute-workflow",
        entry=dispute_workflow.ENTRY,
        triggers=(
            types(*dispute_workflow.BANK_NEWS),
            OnTask(acts=tuple(disputes.ACTS)),
            OnSchedule(name=dispute_workflow.LEFT, expression="rate(5 minutes)"),
            OnFields(
                fields=(
                    "Query.dispute",
                    "Query.disputesOf",
                    "Query.disputesInState",
                    "Query.disputeRules",
                    "Mutation.openDispute",
                    "Mutation.answerDispute",
                    "Mutation.acceptOffer",
                    "Mutation.declineOffer",
                    "Mutation.withdrawDispute",
                    "Mutation.decideDispute",
                    "Mutation.setDisputeRules",
                )
            ),
        ),
        timeout_s=60,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS, Permission.EXECUTIONS),
    ),
    Function(
        name="enhanced-search",
        entry=enhanced_search.ENTRY,
        triggers=(OnFields(fields=("Query.search", "Query.suggestions")),),
        timeout_s=5,
        retries=0,
        permissions=(Permission.SEARCH_READ,),
    ),
    Function(
        name="fraud-detector",
        entry=fraud_detector.ENTRY,
        triggers=(
            types(*fraud_detector.DECIDED),
            OnChanges(entities=("fraud_assessment", "payment", "payout"), window_s=0.25),
            OnSchedule(name=fraud_detector.DRIFT, expression="rate(1 day)"),
            OnSchedule(name=fraud_detector.OVERDUE, expression="rate(30 minutes)"),
        ),
        timeout_s=30,
        memory_mb=512,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS, Permission.BLOBS_READ, Permission.SEAL),
    ),
    Function(
        name="notification-handler",
        entry=notification_handler.ENTRY,
        triggers=(
            types(*{*TOLD, *Alarms.TOLD, *PayoutAccounts.TOLD, *PayoutNewsTelling.TOLD, *BankNotices.TOLD}),
            OnTask(acts=("account-failed", "told", "welcome")),
        ),
        timeout_s=30,
        permissions=(Permission.TABLE_WRITE, Permission.EXECUTIONS_READ, Permission.LINK_KEY),
    ),
    Function(
        name="payout-manager",
        entry=payout_manager.ENTRY,
        triggers=(
            types(*payout_manager.HEARD),
            OnTask(acts=("ask-payout-later", "carry-out")),
            OnSchedule(name=payout_manager.ASK),
            OnSchedule(name=payout_manager.DUE, expression="rate(5 minutes)"),
            OnSchedule(name=payout_manager.LEFT, expression="rate(5 minutes)"),
            OnSchedule(name=payout_manager.PAID, expression="rate(1 day)"),
            OnSchedule(name=payout_manager.WITHDRAWALS, expression="rate(1 hour)"),
            OnSchedule(name=payout_manager.FEES, expression="rate(15 minutes)"),
            OnSchedule(name=payout_manager.FILL, expression="rate(1 hour)"),
            OnChanges(entities=("ledger_account",), window_s=0.25),
            OnFields(
                fields=(
                    "Query.payouts",
                    "Query.payout",
                    "Query.payoutOutlook",
                    "Query.payoutRules",
                    "Query.payoutsInMonth",
                    "Query.receivables",
                    "Query.withdrawals",
                    "Mutation.askPayout",
                    "Mutation.cancelPayout",
                    "Mutation.setPayoutPlan",
                    "Mutation.pausePayouts",
                    "Mutation.resumePayouts",
                    "Mutation.keepBack",
                    "Mutation.setPayoutRules",
                    "Mutation.setFilling",
                    "Mutation.giveUpReceivable",
                    "Mutation.withdraw",
                )
            ),
        ),
        timeout_s=60,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS),
    ),
    Function(
        name="post-confirmation-trigger",
        entry=post_confirmation_trigger.ENTRY,
        triggers=(OnHook(hook=Hook.POST_CONFIRMATION),),
        timeout_s=5,
        permissions=(Permission.TABLE_WRITE,),
    ),
    Function(
        name="profile-events",
        entry=profile_events.ENTRY,
        triggers=(types(*Access.TOLD), OnTask(acts=("check",))),
        timeout_s=30,
        permissions=(Permission.TABLE_WRITE,),
    ),
    Function(
        name="refund-processor",
        entry=refund_processor.ENTRY,
        triggers=(
            OnEvent(
                pattern={
                    "$or": [
                        {
                            "detail-type": [
                                "BookingCancelled",
                                "BookingDeclined",
                                "BookingExpired",
                                "PaymentAuthorized",
                            ]
                        },
                        # Only a request that was accepted may have more than one card hold money for it.
                        {"detail-type": ["BookingConfirmed"], "detail": {"accepted": [True]}},
                    ]
                }
            ),
            OnTask(acts=("ask-refund-later", "carry-out", "let-go")),
            OnSchedule(name=refund_processor.ASK),
            OnSchedule(name=refund_processor.LEFT_REFUNDS, expression="rate(5 minutes)"),
            OnSchedule(name=refund_processor.LEFT_AUTHORIZATIONS, expression="rate(1 hour)"),
            OnFields(fields=("Mutation.giveBack",)),
        ),
        timeout_s=60,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS),
    ),
    Function(
        name="search-indexer",
        entry=search_indexer.ENTRY,
        triggers=(OnChanges(entities=("counter", "provider", "service")),),
        timeout_s=60,
        permissions=(Permission.TABLE_READ, Permission.SEARCH_WRITE),
    ),
    Function(
        name="stripe-connect",
        entry=stripe_connect.ENTRY,
        triggers=(
            types("CardForgotten", "CardOffered"),
            OnTask(acts=("request",)),
            OnFields(fields=("Query.savedCards", "Mutation.forgetCard")),
        ),
        timeout_s=30,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS),
    ),
    Function(
        name="stripe-webhook",
        entry=stripe_webhook.ENTRY,
        triggers=(
            types("WebhookStored"),
            OnSchedule(name=stripe_webhook.UNHEARD, expression="rate(5 minutes)"),
        ),
        timeout_s=60,
        permissions=(Permission.TABLE_WRITE, Permission.CARDS),
    ),
    Function(
        name="webhook-authorizer",
        entry=webhook_authorizer.ENTRY,
        triggers=(OnRoute(method="POST", path="/api/stripe/webhook"),),
        timeout_s=10,
        retries=0,
        permissions=(Permission.TABLE_WRITE, Permission.WEBHOOK_SECRETS),
    ),
    Function(
        name="webhook-reconciliation",
        entry=webhook_reconciliation.ENTRY,
        triggers=(
            OnSchedule(name=webhook_reconciliation.DAILY, expression="cron(0 6 * * ? *)"),
            # Before the books are compared, so that they differ in nothing that was only not heard of.
            OnSchedule(name=webhook_reconciliation.MISSED, expression="cron(0 4 * * ? *)"),
            OnSchedule(name=webhook_reconciliation.ASKED, expression="rate(1 minute)"),
        ),
        timeout_s=900,
        memory_mb=1024,
        permissions=(
            Permission.TABLE_WRITE,
            Permission.CARDS,
            Permission.BLOBS_READ,
            Permission.BLOBS_WRITE,
        ),
    ),
    Function(
        name="workflow-orchestrator",
        entry=workflow_orchestrator.ENTRY,
        triggers=(
            types(*workflow_orchestrator.TYPES),
            OnSchedule(name=workflow_orchestrator.REWRAP, expression="rate(1 minute)"),
            OnSchedule(name=workflow_orchestrator.RETIRE, expression="rate(1 day)"),
        ),
        timeout_s=30,
        permissions=(Permission.TABLE_WRITE, Permission.KEYS, Permission.EXECUTIONS),
    ),
)
"""The functions, by name."""
