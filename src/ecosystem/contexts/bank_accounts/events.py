"""What bank accounts publish, source `bank`. Last four digits at most, never a name or a whole number."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class BankAccountFact(Fact, frozen=True, kw_only=True):
    """What every fact about a bank account names. `owner_id` is the provider or person whose it is."""

    source: ClassVar[str] = "bank"
    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL

    account_id: str
    owner_id: str
    purpose: str
    last4: str


class BankAccountAdded(BankAccountFact, frozen=True, kw_only=True):
    """A bank account was added. `method` is how it is verified; `replaces` the account it takes the place of."""

    method: str
    replaces: str = ""


class BankAccountVerifying(BankAccountFact, frozen=True, kw_only=True):
    """The bank was asked: the entries that verify the account are under way."""

    method: str


class BankAccountVerified(BankAccountFact, frozen=True, kw_only=True):
    """The account is its owner's, as far as can be told."""


class BankAccountRefused(BankAccountFact, frozen=True, kw_only=True):
    """The account cannot be used: `code` is the bank's return code, or `amounts` or `expired`."""

    code: str


class BankAccountCorrected(BankAccountFact, frozen=True, kw_only=True):
    """The bank told better data (notification of change `code`); they are used from now on."""

    code: str


class BankAccountRemoved(BankAccountFact, frozen=True, kw_only=True):
    """The account was taken out; what was encrypted of it is gone."""

    reason: str
