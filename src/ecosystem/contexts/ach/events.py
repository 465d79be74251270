"""What the ACH context publishes, source `ach`. Amounts are in United States cents. No account number, no name."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from ecosystem.ports.bus import Fact


class AchFact(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "ach"


class AchEntryFact(AchFact, frozen=True, kw_only=True):
    """What every fact about an entry names. `cause_id` is the payout, payment or bank account it was made for."""

    entry_id: str
    purpose: str
    cause_id: str
    cents: int
    last4: str


class AchEntryOriginated(AchEntryFact, frozen=True, kw_only=True):
    """An entry was asked for; it waits for its window."""

    window_id: str


class AchEntryChanged(AchEntryFact, frozen=True, kw_only=True):
    """An entry went on: into a file, to the bank, settled, or came back under `return_code`."""

    state: str
    was: str
    file_id: str = ""
    return_code: str = ""


class AchFileFact(AchFact, frozen=True, kw_only=True):
    """What every fact about a file names. `content_sha256` is of the very bytes that the bank is given."""

    file_id: str
    window_id: str
    entries: int
    debit_cents: int
    credit_cents: int
    content_sha256: str = ""


class AchFileBuilt(AchFileFact, frozen=True, kw_only=True):
    """The entries of a window stand in a file. `needs_approval` until a second person has looked at it."""

    needs_approval: bool


class AchFileApproved(AchFileFact, frozen=True, kw_only=True):
    """A second person lets the file go to the bank."""


class AchFileWithdrawn(AchFileFact, frozen=True, kw_only=True):
    """The file will not go to the bank: nobody approved it in time, an operator held it back, or the bank refused it."""

    reason: str


class AchFileDelivered(AchFileFact, frozen=True, kw_only=True):
    """The file lies at the bank."""


class AchFileAcknowledged(AchFileFact, frozen=True, kw_only=True):
    """The bank took the file on."""


class AchFileSettled(AchFileFact, frozen=True, kw_only=True):
    """The bank's statement shows the file's money. `settled_on` is the banking day."""

    settled_on: date


class AchEntriesLeftOut(AchFact, frozen=True, kw_only=True):
    """An operator settled a batch without entries that the bank took out of it: their money goes back."""

    file_id: str
    trace_numbers: list[str]
    cents: int


class AchReturnReceived(AchFact, frozen=True, kw_only=True):
    """An entry of ours came back, or a return of it was contested. `action` names what follows."""

    return_id: str
    entry_id: str
    purpose: str
    cause_id: str
    cents: int
    code: str
    action: str


class AchChangeReceived(AchFact, frozen=True, kw_only=True):
    """The receiving bank corrects what an entry said. The corrected data stand sealed at the change alone."""

    change_id: str
    entry_id: str
    bank_account_id: str
    code: str
    corrects: list[str]
    due_on: date


class AchExceptionRaised(AchFact, frozen=True, kw_only=True):
    """Something the bank sent fits nothing we know, or says no to us: a person has to look."""

    exception_id: str
    kind: str
    inbound_id: str


class AchRateAlarmed(AchFact, frozen=True, kw_only=True):
    """A return rate is at the network's limit, or close to it. Rates are in basis points over the last 60 days."""

    rate: str
    rate_bps: int
    limit_bps: int
    day: date


class OriginatorSet(AchFact, frozen=True, kw_only=True):
    """Who we are to our bank was said, or changed: it holds from the next file on."""

    version: int
