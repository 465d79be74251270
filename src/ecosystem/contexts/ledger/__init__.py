"""Double-entry accounts and transfers: what is owed to whom, and why."""

from __future__ import annotations

from ecosystem.contexts.ledger import chart
from ecosystem.contexts.ledger.accounts import Account, AccountFlag, Balances, Position
from ecosystem.contexts.ledger.chart import Sale
from ecosystem.contexts.ledger.keys import transfer_key
from ecosystem.contexts.ledger.ledger import ChainTooLong, Ledger, LedgerBusy
from ecosystem.contexts.ledger.payouts import (
    Disbursement,
    arrived,
    bank_fee,
    cleared,
    corrected,
    disbursed,
    disbursement_ids,
    handed_over,
    moves,
    processor_fee,
    recovered,
    topped_up,
    written_off,
)
from ecosystem.contexts.ledger.posting import Decision, Known, decide
from ecosystem.contexts.ledger.replay import Difference, NotARecording, Replayed, replay
from ecosystem.contexts.ledger.results import (
    AccountClosed,
    NoSuchAccount,
    NoSuchTransfer,
    Overdrawn,
    PendingSettled,
    Result,
    Unpostable,
)
from ecosystem.contexts.ledger.sequencer import Lag, Sequencer
from ecosystem.contexts.ledger.statements import Line, Mark, Statement, Statements
from ecosystem.contexts.ledger.tariff import NoSuchRates, RatesChanged, RatesSet, Tariff
from ecosystem.contexts.ledger.transfers import (
    ALL_OF_IT,
    Outcome,
    Recorded,
    State,
    Transfer,
    TransferFlag,
    linked,
    reverse,
)
from ecosystem.contexts.ledger.verify import Finding, LedgerTotals, Verified, verify
from ecosystem.contexts.ledger.withdrawals import Whereabouts, Withdrawn, nothing_of, share_ids, withdrawn

__all__ = [
    "ALL_OF_IT",
    "Account",
    "AccountClosed",
    "AccountFlag",
    "Balances",
    "ChainTooLong",
    "Decision",
    "Difference",
    "Disbursement",
    "Finding",
    "Known",
    "Lag",
    "Ledger",
    "LedgerBusy",
    "LedgerTotals",
    "Line",
    "Mark",
    "NoSuchAccount",
    "NoSuchRates",
    "NoSuchTransfer",
    "NotARecording",
    "Outcome",
    "Overdrawn",
    "PendingSettled",
    "Position",
    "RatesChanged",
    "RatesSet",
    "Recorded",
    "Replayed",
    "Result",
    "Sale",
    "Sequencer",
    "State",
    "Statement",
    "Statements",
    "Tariff",
    "Transfer",
    "TransferFlag",
    "Unpostable",
    "Verified",
    "Whereabouts",
    "Withdrawn",
    "arrived",
    "bank_fee",
    "chart",
    "cleared",
    "corrected",
    "decide",
    "disbursed",
    "disbursement_ids",
    "handed_over",
    "linked",
    "moves",
    "nothing_of",
    "processor_fee",
    "recovered",
    "replay",
    "reverse",
    "share_ids",
    "topped_up",
    "transfer_key",
    "verify",
    "withdrawn",
    "written_off",
]
