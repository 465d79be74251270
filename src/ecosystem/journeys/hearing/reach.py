"""What reactions to the processor's events may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payments import Hint, Payments
from ecosystem.journeys.adopting import Adopting
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.card_keeping import CardKeeping
from ecosystem.journeys.casework import Casework
from ecosystem.journeys.payout_accounts import PayoutAccounts
from ecosystem.journeys.payout_processor import ProcessorPayouts
from ecosystem.journeys.processor_fees import ProcessorFees
from ecosystem.journeys.refunding import Refunding
from ecosystem.journeys.settlement import Settlement
from ecosystem.journeys.withdrawals import Withdrawing
from ecosystem.kernel.actor import system
from ecosystem.ports.cards import Cards
from ecosystem.ports.table import Put, Table
from ecosystem.ports.transfers import Transfers

ACTOR = system("stripe-webhook")


@dataclass(frozen=True, slots=True)
class Reach:
    table: Table
    cards: Cards
    transfers: Transfers
    payments: Payments
    ledger: Ledger
    settlement: Settlement
    refunding: Refunding
    adopting: Adopting
    casework: Casework
    card_keeping: CardKeeping
    payout_accounts: PayoutAccounts
    processor_payouts: ProcessorPayouts
    withdrawing: Withdrawing
    processor_fees: ProcessorFees
    alarms: Alarms


React = Callable[[Reach, Hint, Put], Awaitable[None]]
"""A reaction: it asks the processor how the thing stands, acts, and commits the write that says so, with its own or last.

Each is safe to repeat, in any order: what it commits follows from how things stand and not from what the event says.
"""
