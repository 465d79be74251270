"""What people are told: the kinds of news, to whom each is told, and which of them can be switched off by mail."""

from __future__ import annotations

from enum import StrEnum


class Audience(StrEnum):
    """In which part a person is told something."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    PERSON = "person"
    """Neither: it is about their own account."""
    OPERATOR = "operator"
    """One of those who run the marketplace."""


class Topic(StrEnum):
    """What a kind is about. Mails about `ACCOUNT` cannot be switched off: they protect it."""

    BOOKINGS = "bookings"
    MONEY = "money"
    ACCOUNT = "account"
    OPERATIONS = "operations"


class Kind(StrEnum):
    """One kind of news."""

    BOOKING_REQUESTED = "booking-requested"
    BOOKING_LOOKED_AT = "booking-looked-at"
    BOOKING_CONFIRMED = "booking-confirmed"
    BOOKING_DECLINED = "booking-declined"
    BOOKING_NOT_CONFIRMED = "booking-not-confirmed"
    BOOKING_UNANSWERED = "booking-unanswered"
    BOOKING_UNPAID = "booking-unpaid"
    BOOKING_CANCELLED = "booking-cancelled"
    RESCHEDULE_PROPOSED = "reschedule-proposed"
    RESCHEDULE_DECLINED = "reschedule-declined"
    BOOKING_RESCHEDULED = "booking-rescheduled"
    BOOKING_COMPLETED = "booking-completed"
    NO_SHOW_REPORTED = "no-show-reported"
    NO_SHOW_SETTLED = "no-show-settled"
    BOOKING_DISPUTED = "booking-disputed"
    DISPUTE_CONCLUDED = "dispute-concluded"
    DISPUTE_OFFERED = "dispute-offered"
    DISPUTE_CONTESTED = "dispute-contested"
    OFFER_DECLINED = "offer-declined"
    DISPUTE_WITHDRAWN = "dispute-withdrawn"
    DISPUTE_ESCALATED = "dispute-escalated"
    CHARGED_BACK = "charged-back"

    PAYMENT_FAILED = "payment-failed"
    DEBIT_AUTHORIZED = "debit-authorized"
    DEBIT_PRESENTED_AGAIN = "debit-presented-again"
    DEBIT_RETURNED = "debit-returned"
    REFUND_ISSUED = "refund-issued"
    REFUND_DELAYED = "refund-delayed"
    REFUND_PAID_ELSEWHERE = "refund-paid-elsewhere"
    SHARE_RELEASED = "share-released"

    WELCOME = "welcome"
    PAYOUTS_READY = "payouts-ready"
    PAYOUTS_RESTRICTED = "payouts-restricted"
    PAYOUTS_REJECTED = "payouts-rejected"
    PAYOUT_SENT = "payout-sent"
    PAYOUT_PAID = "payout-paid"
    PAYOUT_FAILED = "payout-failed"
    PAYOUTS_PAUSED = "payouts-paused"

    REFUND_FAILED = "refund-failed"
    REFUND_FOUND = "refund-found"
    DISPUTE_OVERDUE = "dispute-overdue"
    ACCOUNT_NOT_OPENED = "account-not-opened"
    BANK_ACCOUNT_ADDED = "bank-account-added"
    BANK_ACCOUNT_VERIFIED = "bank-account-verified"
    BANK_ACCOUNT_REFUSED = "bank-account-refused"
    EXECUTION_FAILED = "execution-failed"
    BOOKS_DIFFER = "books-differ"
    BANK_ASKS = "bank-asks"
    RETURN_RATE_CLOSE = "return-rate-close"
    FRAUD_WARNED = "fraud-warned"
    REVIEW_OPENED = "review-opened"
    CASE_WAITS = "case-waits"
    CASE_LAPSED = "case-lapsed"
    SCORES_DRIFTED = "scores-drifted"
    TOP_UP_FAILED = "top-up-failed"
    ACCOUNT_LOST = "account-lost"
    PAYOUT_STRANDED = "payout-stranded"
    PAYOUT_WAITS = "payout-waits"
    BANK_LOW = "bank-low"
    PAYOUT_UNDECIDED = "payout-undecided"
    DAY_NOT_RECONCILED = "day-not-reconciled"
    TRANSFER_TAKEN_BACK = "transfer-taken-back"

    CONFIRM_ADDRESS = "confirm-address"
    SIGN_UP_ATTEMPTED = "sign-up-attempted"
    RESET_PASSWORD = "reset-password"  # noqa: S105 — a kind of news
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 — a kind of news
    SECOND_FACTOR_ENABLED = "second-factor-enabled"
    SECOND_FACTOR_DISABLED = "second-factor-disabled"
    RECOVERY_CODE_USED = "recovery-code-used"
    SESSION_COPIED = "session-copied"
    ACCOUNT_LOCKED = "account-locked"
    ACCOUNT_UNLOCKED = "account-unlocked"
