"""What the card API answers about balances and what moved them."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, field

from ecosystem.adapters.outside.stripe.amounts import minor
from ecosystem.ports.transfers import Balance, BalanceEntry, EntryKind, Funds

_KINDS = {
    "charge": EntryKind.PAYMENT,
    "payment": EntryKind.PAYMENT,
    "refund": EntryKind.REFUND,
    "payment_refund": EntryKind.REFUND,
    "refund_failure": EntryKind.REFUND_FAILED,
    "payment_failure_refund": EntryKind.REFUND_FAILED,
    "transfer": EntryKind.TRANSFER,
    "transfer_cancel": EntryKind.TRANSFER_REVERSED,
    "transfer_failure": EntryKind.TRANSFER_REVERSED,
    "transfer_refund": EntryKind.TRANSFER_REVERSED,
    "payout": EntryKind.PAYOUT,
    "payout_cancel": EntryKind.PAYOUT_RETURNED,
    "payout_failure": EntryKind.PAYOUT_RETURNED,
    "topup": EntryKind.TOP_UP,
    "topup_reversal": EntryKind.TOP_UP,
    "stripe_fee": EntryKind.FEE,
    "tax_fee": EntryKind.FEE,
    "application_fee": EntryKind.FEE,
    "application_fee_refund": EntryKind.FEE,
}
_BY_CATEGORY = {
    "dispute": EntryKind.CHARGEBACK,
    "dispute_reversal": EntryKind.CHARGEBACK_RETURNED,
    "fee": EntryKind.FEE,
    "transfer_reversal": EntryKind.TRANSFER_REVERSED,
    "payout_reversal": EntryKind.PAYOUT_RETURNED,
}


class _Amount(Struct):
    amount: int
    currency: str


class Held(Struct):
    """A balance."""

    available: list[_Amount] = field(default_factory=list[_Amount])
    pending: list[_Amount] = field(default_factory=list[_Amount])
    instant_available: list[_Amount] = field(default_factory=list[_Amount])

    def balance(self, account_id: str | None) -> Balance:
        parts = (self.available, self.pending, self.instant_available)
        currencies = dict.fromkeys(each.currency for part in parts for each in part)
        return Balance(account_id=account_id, funds=tuple(self._funds(name) for name in currencies))

    def _funds(self, currency: str) -> Funds:
        available, pending, instant = (
            minor(sum(each.amount for each in part if each.currency == currency), currency.upper())
            for part in (self.available, self.pending, self.instant_available)
        )
        return Funds(currency=currency.upper(), available=available, pending=pending, instant=instant)


class Entry(Struct):
    """A balance transaction."""

    id: str
    amount: int
    fee: int
    net: int
    currency: str
    created: int
    available_on: int
    status: str
    type: str
    reporting_category: str = ""
    source: str | None = None
    description: str | None = None

    def entry(self) -> BalanceEntry:
        currency = self.currency.upper()
        # An adjustment says by its category alone what was adjusted.
        kind = _BY_CATEGORY.get(self.reporting_category) or _KINDS.get(self.type, EntryKind.OTHER)
        return BalanceEntry(
            entry_id=self.id,
            kind=kind,
            category=self.reporting_category or self.type,
            amount=minor(self.amount, currency),
            fee=minor(self.fee, currency),
            net=minor(self.net, currency),
            currency=currency,
            made_at=datetime.fromtimestamp(self.created, UTC),
            available_at=datetime.fromtimestamp(self.available_on, UTC),
            available=self.status == "available",
            source_id=self.source,
            description=self.description or "",
        )
