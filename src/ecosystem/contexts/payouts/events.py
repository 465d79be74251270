"""What happened to payouts, source `payout`. Bank accounts are named by ids of ours, never by numbers."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ecosystem.kernel.money import Money
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class PayoutFact(Fact, frozen=True, kw_only=True):
    """What every fact about a payout names. `amount` is what leaves the balance, `rail` how it travels."""

    source: ClassVar[str] = "payout"

    payout_id: str
    provider_id: str
    amount: Money
    rail: str


class PayoutIntended(PayoutFact, frozen=True, kw_only=True):
    """A payout was decided: its money is off the balance; the rail has it next.

    `origin` is `scheduled` or `asked`; `fee` is the provider's price for speed, taken of the amount.
    """

    origin: str
    speed: str
    fee: Money


class PayoutSent(PayoutFact, frozen=True, kw_only=True):
    """The rail has the money."""


class PayoutMoving(PayoutFact, frozen=True, kw_only=True):
    """The money is on its way to the provider's bank, which should have it by `expected_at`."""

    expected_at: datetime | None


class PayoutPaid(PayoutFact, frozen=True, kw_only=True):
    """The provider's bank has it."""


class PayoutFailed(PayoutFact, frozen=True, kw_only=True):
    """It did not reach the provider's bank: the money is back on the balance. `code` is the rail's, `reason` in words."""

    code: str
    reason: str


class PayoutReturned(PayoutFact, frozen=True, kw_only=True):
    """The provider's bank sent it back after it was paid: the money is back on the balance."""

    code: str
    reason: str


class PayoutCancelled(PayoutFact, frozen=True, kw_only=True):
    """It was called off before it was sent: the money is back on the balance."""


class PayoutPlanFact(Fact, frozen=True, kw_only=True):
    """What every fact about a provider's plan of payouts names."""

    source: ClassVar[str] = "payout"

    provider_id: str


class PayoutPlanSet(PayoutPlanFact, frozen=True, kw_only=True):
    """When and how a provider is paid was set: `cadence` is daily, weekly or manual."""

    cadence: str
    weekday: int
    rail: str
    minimum: Money | None


class PayoutsPaused(PayoutPlanFact, frozen=True, kw_only=True):
    """Nothing is paid out to the provider until somebody resumes it: `by` is trouble, owner or operator."""

    by: str
    reason: str
    payout_id: str


class PayoutsResumed(PayoutPlanFact, frozen=True, kw_only=True):
    """Payouts go out to the provider again."""


class ReserveSet(PayoutPlanFact, frozen=True, kw_only=True):
    """An operator set what is kept back from the provider; None: what the rules say."""

    audited: ClassVar[AuditKind | None] = AuditKind.RULES

    share_bps: int | None
    days: int | None


class PayoutRulesSet(Fact, frozen=True, kw_only=True):
    """The rules were changed for payouts from now on."""

    source: ClassVar[str] = "payout"
    audited: ClassVar[AuditKind | None] = AuditKind.RULES

    version: int


class WithdrawalFact(Fact, frozen=True, kw_only=True):
    """What every fact about a withdrawal names: our own money, from the processor to our bank account."""

    source: ClassVar[str] = "payout"
    audited: ClassVar[AuditKind | None] = AuditKind.MONEY

    withdrawal_id: str
    amount: Money


class WithdrawalIntended(WithdrawalFact, frozen=True, kw_only=True):
    """An operator asked for it; the processor is asked next."""


class WithdrawalMoving(WithdrawalFact, frozen=True, kw_only=True):
    """The processor has handed it to the bank."""


class WithdrawalArrived(WithdrawalFact, frozen=True, kw_only=True):
    """Our bank account has it."""


class WithdrawalFailed(WithdrawalFact, frozen=True, kw_only=True):
    """It did not arrive, or was sent back."""

    reason: str


class DebtWrittenOff(Fact, frozen=True, kw_only=True):
    """An operator gave up what a provider owes, or a part of it."""

    source: ClassVar[str] = "payout"
    audited: ClassVar[AuditKind | None] = AuditKind.MONEY

    write_off_id: str
    provider_id: str
    amount: Money
    reason: str


class TaxDetailsSet(Fact, frozen=True, kw_only=True):
    """A provider said who they are to the tax office."""

    source: ClassVar[str] = "payout"

    provider_id: str
    country: str
