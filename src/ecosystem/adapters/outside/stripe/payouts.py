"""What the card API answers about transfers, their reversals and payouts."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, field

from ecosystem.adapters.outside.stripe.amounts import money
from ecosystem.kernel.money import zero
from ecosystem.ports.transfers import (
    PayoutFailure,
    PayoutOutcome,
    PayoutStanding,
    ReversalOutcome,
    Speed,
    TopUp,
    TopUpStanding,
    TransferOutcome,
)

_SENTENCES = {
    "account_closed": "The bank account is closed. Name another one.",
    "account_frozen": "The bank account is frozen. Ask your bank, or name another account.",
    "bank_account_restricted": "The bank account does not take such payments. Name another one.",
    "bank_ownership_changed": "The bank account belongs to another bank now. Name it anew.",
    "could_not_process": "The bank could not process the payout.",
    "debit_not_authorized": "The bank account does not take such payments. Name another one.",
    "declined": "The bank declined the payout. Ask your bank, or name another account.",
    "incorrect_account_holder_address": "The address at the bank is another one. Mend it, or name another account.",
    "incorrect_account_holder_name": "The account is kept under another name. Mend the name, or name another account.",
    "incorrect_account_holder_tax_id": "The tax number at the bank is another one. Mend it, or name another account.",
    "incorrect_account_type": "The bank account is of another kind than was said. Name it anew.",
    "insufficient_funds": "The balance was too low when the payout was made.",
    "invalid_account_number": "The number of the bank account is wrong. Name it anew.",
    "invalid_account_number_length": "The number of the bank account is too short or too long. Name it anew.",
    "invalid_card": "The card is not good for payouts. Name another one.",
    "invalid_currency": "The bank account does not take this currency. Name another one.",
    "no_account": "The bank knows no such account. Name it anew.",
    "unsupported_card": "The card does not take payouts. Name a bank account.",
}
_PLAIN = "The bank did not take the payout. Ask your bank, or name another account."
# These say nothing against the bank account.
_NOT_THE_ACCOUNT = frozenset({"could_not_process", "insufficient_funds"})
_STANDINGS = {
    "pending": PayoutStanding.PENDING,
    "in_transit": PayoutStanding.IN_TRANSIT,
    "paid": PayoutStanding.PAID,
    "failed": PayoutStanding.FAILED,
    "canceled": PayoutStanding.CANCELLED,
}


_TOP_UPS = {
    "succeeded": TopUpStanding.SUCCEEDED,
    "failed": TopUpStanding.FAILED,
    "canceled": TopUpStanding.CANCELLED,
    "reversed": TopUpStanding.REVERSED,
}


class Transfer(Struct):
    """A transfer."""

    id: str
    amount: int
    amount_reversed: int
    currency: str
    created: int
    destination: str
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    source_transaction: str | None = None
    transfer_group: str | None = None

    def outcome(self) -> TransferOutcome:
        return TransferOutcome(
            processor_id=self.id,
            transfer_id=self.metadata.get("transfer_id", ""),
            account_id=self.destination,
            amount=money(self.amount, self.currency),
            taken_back=money(self.amount_reversed, self.currency),
            made_at=datetime.fromtimestamp(self.created, UTC),
            group=self.transfer_group or "",
            source_charge=self.source_transaction,
            entry_id=self.balance_transaction,
        )


class Reversal(Struct):
    """A reversal of a transfer."""

    id: str
    amount: int
    currency: str
    created: int
    transfer: str
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    def outcome(self) -> ReversalOutcome:
        return ReversalOutcome(
            processor_id=self.id,
            reversal_id=self.metadata.get("reversal_id", ""),
            transfer=self.transfer,
            amount=money(self.amount, self.currency),
            made_at=datetime.fromtimestamp(self.created, UTC),
            entry_id=self.balance_transaction,
        )


class Toppedup(Struct):
    """A top-up."""

    id: str
    amount: int
    created: int
    currency: str
    status: str

    def outcome(self) -> TopUp:
        return TopUp(
            processor_id=self.id,
            amount=money(self.amount, self.currency),
            standing=_TOP_UPS.get(self.status, TopUpStanding.PENDING),
            made_at=datetime.fromtimestamp(self.created, UTC),
        )


class _Destination(Struct):
    last4: str = ""


class _Fee(Struct):
    fee: int
    currency: str
    id: str


class _Trace(Struct):
    value: str | None = None


class Payout(Struct):
    """A payout, its destination and its entry in the balance expanded or named."""

    id: str
    amount: int
    arrival_date: int
    created: int
    currency: str
    status: str
    method: str = "standard"
    automatic: bool = False
    balance_transaction: _Fee | str | None = None
    destination: _Destination | str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    trace_id: _Trace | None = None

    def outcome(self, account_id: str | None) -> PayoutOutcome:
        standing = _STANDINGS.get(self.status, PayoutStanding.PENDING)
        entry = self.balance_transaction
        return PayoutOutcome(
            processor_id=self.id,
            payout_id=self.metadata.get("payout_id", ""),
            account_id=account_id,
            amount=money(self.amount, self.currency),
            standing=standing,
            speed=Speed.INSTANT if self.method == "instant" else Speed.STANDARD,
            made_at=datetime.fromtimestamp(self.created, UTC),
            arrives_on=datetime.fromtimestamp(self.arrival_date, UTC),
            automatic=self.automatic,
            failure=_failure(self.failure_code) if standing is PayoutStanding.FAILED else None,
            fee=(money(entry.fee, entry.currency) if entry.fee > 0 else zero(entry.currency.upper()))
            if isinstance(entry, _Fee)
            else None,
            bank_last4=self.destination.last4 if isinstance(self.destination, _Destination) else "",
            entry_id=entry.id if isinstance(entry, _Fee) else entry,
            return_entry_id=self.failure_balance_transaction,
            trace=(self.trace_id.value or "") if self.trace_id else "",
        )


def _failure(code: str | None) -> PayoutFailure:
    return PayoutFailure(
        code=code or "unknown",
        sentence=_SENTENCES.get(code or "", _PLAIN),
        account_at_fault=code not in _NOT_THE_ACCOUNT,
    )
