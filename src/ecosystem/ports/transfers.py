"""Money within the payment processor and out of it: transfers to payout accounts, payouts to banks, balances.

The platform's own balance and each payout account's are kept at the processor. A transfer moves money from ours to an
account's, a reversal moves it back, a payout sends a balance to the bank account behind it. Every act carries an
idempotency key made from our own ids: the same act again has no second effect and answers how the first stands now.
The processor forgets a key after a day: an order that may have been given longer ago says since when (`intended_at`), and
is looked for before it is given.

Where an `account_id` is asked for, None is the platform itself. `ProcessorSilent` says that nothing is known: the act
may have had its effect, and the same act again will tell.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.ports.listing import Listed


class TransferRefused(Invalid):
    """The payment processor does not make this transfer. It had no effect, and the same one never will."""


class DestinationUnfit(TransferRefused):
    """This payout account cannot be paid now."""


class BalanceTooLow(Conflict):
    """The balance at the payment processor is lower than that. Nothing was moved; ask again under another id."""


class PayoutRefused(Invalid):
    """The payment processor does not make this payout. It had no effect, and the same one never will."""


class InstantRefused(PayoutRefused):
    """The payment processor does not pay this out at once. Pay it out the standard way."""


class BankAccountUnusable(PayoutRefused):
    """An earlier payout came back from this bank account: it has to be mended first."""


class ReversalRefused(Conflict):
    """The payment processor does not take back that much of this transfer."""


class TooLate(Conflict):
    """The bank has this payout already: it cannot be cancelled any more."""


class UnknownTransfer(NotFound):
    """The payment processor knows no such transfer."""


class UnknownPayout(NotFound):
    """The payment processor knows no such payout."""


class TransferOrder(Struct, frozen=True, kw_only=True):
    """Money from the platform's balance to a payout account's. The same order twice is one transfer.

    `transfer_id` is ours and the idempotency key. `group` ties it to what it is for: a booking's id, which the payment
    carries too, or a payout's. `source_charge` is the charge whose money it is, when it should wait until that is
    available; otherwise what is available now is moved.
    """

    transfer_id: str
    account_id: str
    amount: Money
    group: str
    source_charge: str | None = None
    description: str = ""
    intended_at: datetime | None = None


class TransferOutcome(Struct, frozen=True, kw_only=True):
    """A transfer as the processor knows it now. It is made at once or not at all; later it may be taken back in parts.

    `transfer_id` is ours, empty when it was not asked for by us. `taken_back` is what reversals took, up to `amount`.
    """

    processor_id: str
    transfer_id: str
    account_id: str
    amount: Money
    taken_back: Money
    made_at: datetime
    group: str = ""
    source_charge: str | None = None
    entry_id: str | None = None


class ReversalOrder(Struct, frozen=True, kw_only=True):
    """A part or all of a transfer back to the platform. `reversal_id` is ours and the idempotency key.

    `processor_id` is the transfer's. The account's balance may become negative by it.
    """

    reversal_id: str
    processor_id: str
    amount: Money
    intended_at: datetime | None = None


class ReversalOutcome(Struct, frozen=True, kw_only=True):
    """A reversal. `reversal_id` is ours, empty when it was not asked for by us; `transfer` is the processor's id."""

    processor_id: str
    reversal_id: str
    transfer: str
    amount: Money
    made_at: datetime
    entry_id: str | None = None


class Speed(StrEnum):
    """How a payout travels: in the banks' days, or within minutes where account and bank can, for a fee."""

    STANDARD = "standard"
    INSTANT = "instant"


class PayoutOrder(Struct, frozen=True, kw_only=True):
    """An account's balance to the bank account behind it. `payout_id` is ours and the idempotency key.

    `descriptor` is what the bank statement says, 22 characters at most.
    """

    payout_id: str
    account_id: str | None
    amount: Money
    speed: Speed = Speed.STANDARD
    descriptor: str = ""
    intended_at: datetime | None = None


class PayoutStanding(StrEnum):
    """How a payout stands.

    `pending`: not yet handed to the bank, may be cancelled. `in_transit`: the bank has it. `paid`: the bank took it;
    it may still fail for some days. `failed`: it came back, the balance has it again. `cancelled`: it never left.
    """

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PayoutFailure(Struct, frozen=True, kw_only=True):
    """Why a payout came back: the processor's code, and a sentence for whoever should have got it.

    `account_at_fault` tells that the bank account has to be mended before anything is paid out to it again.
    """

    code: str
    sentence: str
    account_at_fault: bool = True


class PayoutOutcome(Struct, frozen=True, kw_only=True):
    """A payout as the processor knows it now.

    `payout_id` is ours, empty when the processor made it by itself (`automatic`). `arrives_on` is when the bank is
    expected to have it. `entry_id` is its entry in the balance, `return_entry_id` the one that gave it back.
    `trace` is the number under which banks find it, once there is one.
    """

    processor_id: str
    payout_id: str
    account_id: str | None
    amount: Money
    standing: PayoutStanding
    speed: Speed
    made_at: datetime
    arrives_on: datetime
    automatic: bool = False
    failure: PayoutFailure | None = None
    fee: Money | None = None
    bank_last4: str = ""
    entry_id: str | None = None
    return_entry_id: str | None = None
    trace: str = ""


class Funds(Struct, frozen=True, kw_only=True):
    """What a balance holds in one currency, in its minor units. Each figure may be negative: then it is owed.

    `pending` becomes available by itself; `instant` is the part of what is available or pending that can be paid out
    at once.
    """

    currency: str
    available: int
    pending: int
    instant: int = 0


class Balance(Struct, frozen=True, kw_only=True):
    """A balance at the processor, by currency."""

    account_id: str | None
    funds: tuple[Funds, ...]

    def of(self, currency: str) -> Funds:
        """The funds in that currency: nothing, when there never were any."""
        nothing = Funds(currency=currency, available=0, pending=0)
        return next((each for each in self.funds if each.currency == currency), nothing)


class EntryKind(StrEnum):
    """What moved a balance, as far as a book-keeper tells it apart. `other` keeps the processor's word in `category`."""

    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    CHARGEBACK = "chargeback"
    CHARGEBACK_RETURNED = "chargeback_returned"
    TRANSFER = "transfer"
    TRANSFER_REVERSED = "transfer_reversed"
    PAYOUT = "payout"
    PAYOUT_RETURNED = "payout_returned"
    TOP_UP = "top_up"
    FEE = "fee"
    OTHER = "other"


class BalanceEntry(Struct, frozen=True, kw_only=True):
    """One movement of a balance, never changed later. `amount`, `fee` and `net` are minor units, negative when taken.

    `net` is `amount` less `fee`. `source_id` names what caused it: a charge, refund, dispute, transfer, payout.
    `category` is the processor's reporting category. `available_at` is when the net can be moved on.
    """

    entry_id: str
    kind: EntryKind
    category: str
    amount: int
    fee: int
    net: int
    currency: str
    made_at: datetime
    available_at: datetime
    available: bool
    source_id: str | None = None
    description: str = ""


class TopUpStanding(StrEnum):
    """How a top-up stands. One that succeeded may still be taken back by the bank."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class TopUp(Struct, frozen=True, kw_only=True):
    """Our own money from our bank to our balance, as somebody asked for at the processor's own desk."""

    processor_id: str
    amount: Money
    standing: TopUpStanding
    made_at: datetime


class Transfers(Protocol):
    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        """Move money to a payout account, or answer how the transfer of the same order stands now.

        Another order under that id raises `IdReused`. Raises `BalanceTooLow`, `TransferRefused` (`DestinationUnfit`),
        `ProcessorSilent`.
        """
        ...

    async def transfer_status(self, processor_id: str) -> TransferOutcome:
        """How the transfer stands now. Raises `UnknownTransfer`, `ProcessorSilent`."""
        ...

    async def transfers(
        self, *, since: datetime | None = None, group: str = "", after: str | None = None
    ) -> Listed[TransferOutcome]:
        """Transfers made from then on, of that group if one is named, newest first. Raises `ProcessorSilent`."""
        ...

    async def reverse(self, order: ReversalOrder) -> ReversalOutcome:
        """Take money back from a payout account, or answer what the same order did.

        Another order under that id raises `IdReused`. Raises `UnknownTransfer`, `ReversalRefused` when it passes what
        was transferred, `ProcessorSilent`.
        """
        ...

    async def reversals(self, processor_id: str) -> tuple[ReversalOutcome, ...]:
        """Every reversal of the transfer, those made elsewhere too, oldest first (100 at most)."""
        ...

    async def pay_out(self, order: PayoutOrder) -> PayoutOutcome:
        """Send a balance to its bank account, or answer how the payout of the same order stands now.

        Another order under that id raises `IdReused`. Raises `BalanceTooLow`, `PayoutRefused` (`InstantRefused`,
        `BankAccountUnusable`), `UnknownAccount`, `ProcessorSilent`.
        """
        ...

    async def payout_status(self, processor_id: str, account_id: str | None) -> PayoutOutcome:
        """How the payout stands now. Raises `UnknownPayout`, `ProcessorSilent`."""
        ...

    async def cancel_payout(self, processor_id: str, account_id: str | None) -> PayoutOutcome:
        """Keep a payout from leaving; one that was cancelled before stays so.

        Raises `TooLate` when the bank has it, `UnknownPayout`, `ProcessorSilent`.
        """
        ...

    async def payouts(
        self, account_id: str | None, *, since: datetime | None = None, after: str | None = None
    ) -> Listed[PayoutOutcome]:
        """Payouts of the account made from then on, newest first. Raises `UnknownAccount`, `ProcessorSilent`."""
        ...

    async def top_up(self, processor_id: str) -> TopUp:
        """How the top-up stands now. Raises `UnknownTransfer`, `ProcessorSilent`."""
        ...

    async def top_ups(self, *, since: datetime | None = None, after: str | None = None) -> Listed[TopUp]:
        """Top-ups asked for from then on, newest first. Raises `ProcessorSilent`."""
        ...

    async def balance(self, account_id: str | None) -> Balance:
        """What the account's balance holds now. Raises `UnknownAccount`, `ProcessorSilent`."""
        ...

    async def balance_entries(
        self,
        account_id: str | None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        payout: str | None = None,
        after: str | None = None,
    ) -> Listed[BalanceEntry]:
        """What moved the account's balance, newest first.

        `since` is included, `until` is not. `payout` is the processor's id of an automatic payout: then only what it
        paid out is told. Raises `UnknownAccount`, `ProcessorSilent`.
        """
        ...
