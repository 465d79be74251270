"""Bank accounts in the United States: encrypted, verified, found again, shown as their last four digits."""

from __future__ import annotations

from ecosystem.contexts.bank_accounts.accounts import (
    PAUSE,
    TRIES_MAX,
    AccountState,
    AddBankAccount,
    BankAccount,
    BankAccountChanging,
    Corrections,
    Method,
    MustShowOwner,
    NoSuchBankAccount,
    NothingToConfirm,
    NotUsable,
    Purpose,
)
from ecosystem.contexts.bank_accounts.book import BankAccounts, TooManyAttempts, TooManyBankAccounts
from ecosystem.contexts.bank_accounts.events import (
    BankAccountAdded,
    BankAccountCorrected,
    BankAccountRefused,
    BankAccountRemoved,
    BankAccountVerified,
    BankAccountVerifying,
)
from ecosystem.contexts.bank_accounts.numbers import AccountKind, HolderKind, Numbers

__all__ = [
    "PAUSE",
    "TRIES_MAX",
    "AccountKind",
    "AccountState",
    "AddBankAccount",
    "BankAccount",
    "BankAccountAdded",
    "BankAccountChanging",
    "BankAccountCorrected",
    "BankAccountRefused",
    "BankAccountRemoved",
    "BankAccountVerified",
    "BankAccountVerifying",
    "BankAccounts",
    "Corrections",
    "HolderKind",
    "Method",
    "MustShowOwner",
    "NoSuchBankAccount",
    "NotUsable",
    "NothingToConfirm",
    "Numbers",
    "Purpose",
    "TooManyAttempts",
    "TooManyBankAccounts",
]
