"""What each fault ought to be called: the words of the mutations, put into the words of the reconciliation.

By the meaning of both, and never by trying. Several deeds on one line are called by all their names, except where one
deed hides another.
"""

from __future__ import annotations

from bench.reconciliation_mutations import Deed, Note
from ecosystem.contexts.reconciliation import Kind

FEES = {"fee", "bank_fee"}
HANDED_OVER = {"credit", "debit"}
GONE = {"processor": Kind.MISSING_AT_PROCESSOR, "bank": Kind.MISSING_AT_BANK}
TWICE = {
    "ledger": Kind.DUPLICATE_IN_LEDGER,
    "processor": Kind.DUPLICATE_AT_PROCESSOR,
    "bank": Kind.DUPLICATE_AT_BANK,
}
NOT_BOOKED = {
    "fee": Kind.FEE_UNBOOKED,
    "bank_fee": Kind.FEE_UNBOOKED,
    "refund": Kind.REFUND_UNBOOKED,
    "refund_failed": Kind.REFUND_UNBOOKED,
    "chargeback": Kind.CHARGEBACK_UNBOOKED,
    "chargeback_returned": Kind.CHARGEBACK_UNBOOKED,
    "transfer_reversed": Kind.FAILURE_UNBOOKED,
    "withdrawal_returned": Kind.FAILURE_UNBOOKED,
    "credit_returned": Kind.RETURN_UNBOOKED,
    "debit_returned": Kind.RETURN_UNBOOKED,
    "credit": Kind.SETTLEMENT_UNBOOKED,
    "debit": Kind.SETTLEMENT_UNBOOKED,
}
SAME = {
    "negate": {Kind.SIGN},
    "other_currency": {Kind.CURRENCY},
    "mistype": {Kind.REFERENCE},
    "blank": {Kind.REFERENCE},
    "other_account": {Kind.ACCOUNT},
    "other_party": {Kind.PARTY},
    "other_word": {Kind.MOVEMENT},
    "in_parts": {Kind.SPLIT},
    "exchange": {Kind.SWAPPED},
    "together": {Kind.MERGED},
    "neither": {Kind.STALE_CLEARING},
}


def named(note: Note) -> frozenset[Kind]:
    """What a comparer should call it."""
    return frozenset(kind for deed in note.deeds for kind in _of(deed))


def _of(deed: Deed) -> set[Kind]:
    amount = Kind.FEE_DIFFERS if deed.what in FEES else Kind.AMOUNT
    from_ours = deed.file == "ledger"
    known = {
        "drop": {GONE.get(deed.file) or NOT_BOOKED.get(deed.what, Kind.MISSING_IN_LEDGER)},
        "copy": {TWICE.get(deed.file)},
        "copy_altered": {TWICE.get(deed.file), Kind.AMOUNT},
        "nudge": {amount},
        # Our books are late: the others are ahead of them, and so is what was handed over.
        "later": ({Kind.EARLY, Kind.LATE} if deed.what in HANDED_OVER else {Kind.EARLY}) if from_ours else {Kind.LATE},
        "earlier": {Kind.LATE} if from_ours else {Kind.EARLY},
        **SAME,
    }[deed.deed]
    return {kind for kind in known if kind}
