"""What an entry was made for, and what news of the entry does there: one cause for each purpose.

Files, trace numbers and the bank are the same for all entries. What a filed, settled or returned entry means for the
ledger, and for whom it was, its cause knows. Whoever originates entries for another purpose adds a row to `Causes`.

| purpose | filed | settled | returned |
| --- | --- | --- | --- |
| payout | payout -> clearing | clearing -> bank: paid | all of it back to the provider, who is told |
| micro-credit | costs -> clearing | clearing -> bank | the reverse; the account is refused |
| prenote | - | verified three banking days later | the account is refused |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Protocol

from ecosystem.contexts.ach import (
    AccountAction,
    Direction,
    Entry,
    MoneyAction,
    NotToBeFiled,
    Purpose,
    Return,
    banking_days_after,
    eastern,
)
from ecosystem.contexts.bank_accounts import AccountKind, BankAccounts, Corrections, NoSuchBankAccount
from ecosystem.contexts.ledger import Ledger, State, Transfer, chart, reverse
from ecosystem.contexts.payouts import PayoutNews, PayoutStatus
from ecosystem.journeys.payout_bank import BankPayouts
from ecosystem.kernel.actor import system
from ecosystem.kernel.nacha import CHANGES, RETURNS
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import Write

ACTOR = system("ach-processor")
CURRENCY = "USD"
PRENOTE_BANKING_DAYS = 3
ACCOUNT_ENDED = "account-ended"
"""In the place of a return code: the entry never went, since its account was removed or refused while it waited."""


class NoCause(Conflict):
    """Nothing in this marketplace originates entries for that purpose."""


class Cause(Protocol):
    """Each act may be asked for twice, and has one effect."""

    async def filed(self, entry: Entry) -> Sequence[Write]:
        """What is committed with the entry when it is taken into a file, under its trace number."""
        ...

    async def settled(self, entry: Entry) -> Sequence[Write]:
        """What is committed with the entry when the bank's statement shows it."""
        ...

    async def returned(self, entry: Entry, action: MoneyAction, code: str) -> None:
        """Carry out what follows a return that holds.

        `code` is `refused` when the bank refused the file, or `ACCOUNT_ENDED`.
        """
        ...

    async def still_wants(self, entry: Entry) -> bool:
        """Whether a debit that came back may be presented again, as far as what it was for is concerned."""
        ...


class Causes:
    """The cause of each entry."""

    def __init__(self, causes: Mapping[Purpose, Cause]) -> None:
        self._causes = causes

    def of(self, entry: Entry) -> Cause:
        """The cause. Raises `NoCause`."""
        cause = self._causes.get(entry.purpose)
        if cause is None:
            raise NoCause(f"Nothing originates entries for {entry.purpose}.")
        return cause


def words_for(code: str) -> str:
    """Why an entry came back, in a sentence for the owner of the account."""
    if code not in RETURNS:
        return "Our bank did not take the payment on. Nothing is wrong with your account."
    return f"Your bank sent the payment back: {RETURNS[code].meaning} ({code})."


@dataclass(frozen=True, slots=True)
class PayoutCause:
    """Entries that pay providers out. `cause_id` is the payout."""

    payouts: BankPayouts

    async def filed(self, entry: Entry) -> Sequence[Write]:
        payout = (await self.payouts.book.row(entry.cause_id)).value
        if not payout.is_open:
            # Its money is back on the balance: sent all the same, it would be paid twice.
            raise NotToBeFiled("Its money is back on the balance.")
        settles_on = eastern(entry.settled_on, time(17)) if entry.settled_on else None
        return await self.payouts.sent_writes(entry.cause_id, entry.trace_number, ACTOR, settles_on=settles_on)

    async def settled(self, entry: Entry) -> Sequence[Write]:
        return await self.payouts.passage.writes(entry.cause_id, PayoutNews(status=PayoutStatus.PAID), ACTOR)

    async def returned(self, entry: Entry, action: MoneyAction, code: str) -> None:
        assert action is MoneyAction.GIVE_PAYOUT_BACK
        await self.payouts.came_back(entry.cause_id, code, words_for(code), ACTOR)

    async def still_wants(self, entry: Entry) -> bool:
        return entry.purpose is Purpose.DEBIT


@dataclass(frozen=True, slots=True)
class VerificationCause:
    """Entries that ask a bank whether an account is there. `cause_id` is the bank account."""

    accounts: BankAccounts
    ledger: Ledger

    async def filed(self, entry: Entry) -> Sequence[Write]:
        return await self.ledger.writes(*micro(entry, "sent"))

    async def settled(self, entry: Entry) -> Sequence[Write]:
        if entry.purpose is Purpose.PRENOTE and entry.settled_on is not None:
            until = eastern(banking_days_after(entry.settled_on, PRENOTE_BANKING_DAYS), time(8, 30))
            await self.accounts.stands_from(entry.cause_id, until, ACTOR)
        return await self.ledger.writes(*micro(entry, "settled"))

    async def returned(self, entry: Entry, action: MoneyAction, code: str) -> None:
        assert action in {MoneyAction.NONE, MoneyAction.MICRO_BACK}
        caused = await self.ledger.transfers([f"{entry.entry_id}.sent", f"{entry.entry_id}.settled"])
        back = [reverse(each, f"{each.transfer_id}.back") for each in reversed(caused) if each.state is State.FINAL]
        await self.accounts.verification_failed(entry.cause_id, code, words_for(code), ACTOR)
        if writes := await self.ledger.writes(*back):
            await self.accounts.table.transact(*writes)

    async def still_wants(self, entry: Entry) -> bool:
        return entry.purpose is Purpose.DEBIT


def micro(entry: Entry, line: str) -> list[Transfer]:
    """The cents of a micro-entry, which the platform bears: into clearing when sent, out of the bank when settled."""
    if not entry.moves_money:
        return []
    costs, clearing, bank = chart.costs(CURRENCY), chart.clearing(CURRENCY), chart.bank(CURRENCY)
    pair = (costs, clearing) if line == "sent" else (clearing, bank)
    debit, credit = pair if entry.direction is Direction.CREDIT else reversed(pair)
    code = chart.TransferCode.MICRO_SENT if line == "sent" else chart.TransferCode.MICRO_SETTLED
    return [
        Transfer(
            transfer_id=f"{entry.entry_id}.{line}",
            debit_account_id=debit,
            credit_account_id=credit,
            amount=entry.cents,
            ledger=CURRENCY,
            code=code,
            reference=entry.cause_id,
        )
    ]


_REFUSING = frozenset(
    {
        AccountAction.CLOSE,
        AccountAction.FAIL_VERIFICATION,
        AccountAction.END_AUTHORIZATION,
        AccountAction.PAUSE_CREDITS,
    }
)
"""What ends an account here, until its owner adds it anew and it is verified once more."""


@dataclass(frozen=True, slots=True)
class AccountsNews:
    """What a code does to the bank account that an entry went to."""

    accounts: BankAccounts

    async def act(self, entry: Entry, returned: Return) -> None:
        """Carry out the account action of a return. An account that is gone by now is left as it is."""
        if returned.account_action in _REFUSING:
            await self._end(entry, returned.code, words_for(returned.code))

    async def close(self, entry: Entry, code: str) -> None:
        """End the account for what a notification of change says of it."""
        await self._end(entry, code, f"Your bank told us: {CHANGES[code].meaning} ({code}). Add another account.")

    async def _end(self, entry: Entry, code: str, why: str) -> None:
        try:
            await self.accounts.verification_failed(entry.receiver.bank_account_id, code, why, ACTOR)
        except NoSuchBankAccount:
            return

    async def correct(self, entry: Entry, code: str, fields: Mapping[str, str]) -> None:
        """Put what the bank says is right in the place of what we had. Raises `Invalid` when it cannot be right."""
        kinds = {"2": AccountKind.CHECKING, "3": AccountKind.SAVINGS}
        told = Corrections(
            code=code,
            routing_number=fields.get("routing_number"),
            account_number=fields.get("dfi_account_number"),
            kind=kinds.get(fields.get("transaction_code", "")[:1]),
        )
        try:
            await self.accounts.corrected(entry.receiver.bank_account_id, told, ACTOR)
        except NoSuchBankAccount:
            return
