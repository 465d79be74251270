"""What a payout moves in the ledger, and what the rails cost.

| what happens | debit | credit |
| --- | --- | --- |
| it is intended: the money leaves the provider's balance | provider | payout |
| it is sent, by the card processor | payout | processor |
| it is sent, in a file for the bank | payout | clearing |
| the provider pays the rail for speed | payout | processor |
| the bank's statement shows it | clearing | bank |
| it fails, is cancelled, or comes back | the reverse of each, in the opposite order | |
| a fee of the processor; one given back | costs; processor | processor; costs |
| a fee of the bank | costs | bank |
| our own money arrives at the bank from the processor | bank | processor |
| our own money arrives at the processor from the bank | processor | bank |
| what a provider owes is written off | costs | provider |
| our books are corrected to what processor or bank have | processor, bank; costs | costs; processor, bank |

Whoever decides on a payout bounds it by the balance: `intended` moves the amount or less, and is committed at the very
balance it saw, so that a refund of the same moment is not overlooked.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.ledger.chart import (
    TransferCode,
    bank,
    chain,
    clearing,
    costs,
    payout,
    processor,
    provider,
)
from ecosystem.contexts.ledger.transfers import Recorded, State, Transfer, TransferFlag, linked, reverse
from ecosystem.kernel.money import Money
from ecosystem.ports.table import Put, Write

_LINES = ("intended", "sent", "fee", "settled")


class Disbursement(Struct, frozen=True, kw_only=True):
    """A payout as the ledger sees it: `fee` of the amount is what the rail takes for speed, the rest reaches them."""

    payout_id: str
    provider_id: str
    amount: Money
    fee: Money

    @property
    def currency(self) -> str:
        return self.amount.currency

    @property
    def net(self) -> Money:
        return self.amount - self.fee

    @property
    def account(self) -> str:
        return payout(self.payout_id)


def disbursed(made: Disbursement) -> list[Transfer]:
    """The payout was decided: its money leaves the balance, at most as much as the balance holds."""
    source = provider(made.provider_id, made.currency)
    rows = [(TransferCode.PAYOUT_INTENDED, source, made.account, made.amount)]
    return chain(made.payout_id, made.payout_id, rows, TransferFlag.BALANCING_DEBIT)


def handed_over(made: Disbursement, rail: str) -> list[Transfer]:
    """The rail has it: `rail` is the account it leaves through, `chart.processor` or `chart.clearing`."""
    rows = [
        (TransferCode.PAYOUT_SENT, made.account, rail, made.net),
        (TransferCode.PAYOUT_FEE, made.account, rail, made.fee),
    ]
    return chain(made.payout_id, made.payout_id, rows)


def cleared(made: Disbursement) -> list[Transfer]:
    """The bank's statement shows the entry."""
    source, to = clearing(made.currency), bank(made.currency)
    return chain(made.payout_id, made.payout_id, [(TransferCode.PAYOUT_SETTLED, source, to, made.net)])


def disbursement_ids(payout_id: str) -> list[str]:
    """The ids that transfers of a payout may have, in the order in which they happen."""
    return [f"{payout_id}.{line}" for line in _LINES]


def recovered(caused: Sequence[Recorded]) -> list[Transfer]:
    """The money goes all the way back to the balance: `caused` are the payout's transfers that there are."""
    return linked(
        [
            reverse(recorded, f"{recorded.transfer_id}.back")
            for recorded in reversed(caused)
            if recorded.state is State.FINAL
        ]
    )


def processor_fee(cause: str, reference: str, fee: Money, *, given_back: bool = False) -> list[Transfer]:
    """A fee that the processor took for `cause`, or gave back: the platform bears it."""
    ours, theirs = costs(fee.currency), processor(fee.currency)
    debit, credit = (theirs, ours) if given_back else (ours, theirs)
    return chain(reference, cause, [(TransferCode.PROCESSOR_FEE, debit, credit, fee)])


def bank_fee(cause: str, reference: str, fee: Money) -> list[Transfer]:
    """A fee that the bank took, such as for an entry that came back: the platform bears it."""
    return chain(reference, cause, [(TransferCode.BANK_FEE, costs(fee.currency), bank(fee.currency), fee)])


def arrived(withdrawal_id: str, amount: Money) -> list[Transfer]:
    """Our own money reached our bank account from the processor."""
    currency = amount.currency
    rows = [(TransferCode.WITHDRAWAL_ARRIVED, bank(currency), processor(currency), amount)]
    return chain(withdrawal_id, withdrawal_id, rows)


def topped_up(top_up_id: str, amount: Money) -> list[Transfer]:
    """Our own money reached the processor from our bank account."""
    currency = amount.currency
    rows = [(TransferCode.TOPPED_UP, processor(currency), bank(currency), amount)]
    return chain(top_up_id, top_up_id, rows)


def written_off(provider_id: str, cause: str, amount: Money) -> list[Transfer]:
    """What a provider owes, and will not earn back, becomes a cost of the platform: at most what they owe."""
    currency = amount.currency
    rows = [(TransferCode.DEBT_WRITTEN, costs(currency), provider(provider_id, currency), amount)]
    return chain(provider_id, cause, rows, TransferFlag.BALANCING_CREDIT)


def moves(writes: Sequence[Write], amount: Money) -> bool:
    """Whether one of the transfers that these writes record moves exactly that much, and not merely what was there."""
    return any(
        isinstance(write, Put) and isinstance(write.value, Recorded) and write.value.amount == amount.minor
        for write in writes
    )


def corrected(
    cause: str, reference: str, account: str, amount: Money, *, comes_in: bool, against: str | None = None
) -> list[Transfer]:
    """Our books follow what processor or bank have: the account gains or loses that much; costs bear it, or `against`."""
    ours = against or costs(amount.currency)
    debit, credit = (account, ours) if comes_in else (ours, account)
    return chain(reference, cause, [(TransferCode.CORRECTION, debit, credit, amount)])
