"""Originating: what is to be paid becomes entries, entries become the file of their window, files go to the bank.

Every act here is a step that may be repeated, by a schedule or after a crash, and has one effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ecosystem.contexts import ach
from ecosystem.contexts.ach import (
    AccountKind,
    AchException,
    AchFile,
    Building,
    Delivering,
    Direction,
    Entries,
    Entry,
    ExceptionKind,
    FileState,
    Holder,
    NotOriginating,
    NotToBeFiled,
    OriginateEntry,
    Originators,
    Particulars,
    Purpose,
    Receiver,
    Returns,
    Window,
)
from ecosystem.contexts.bank_accounts import (
    AccountState,
    BankAccount,
    BankAccounts,
    HolderKind,
    Method,
    NotUsable,
    Numbers,
)
from ecosystem.contexts.payouts import Payout, PayoutNotThere, Speed
from ecosystem.journeys.ach_apart import Apart
from ecosystem.journeys.ach_causes import ACCOUNT_ENDED, ACTOR, CURRENCY, Causes
from ecosystem.journeys.payout_bank import BankPayouts
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid, Refusal, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Stale, Table, Write

UNANSWERED = timedelta(hours=4)
_VERIFYING = frozenset({Purpose.PRENOTE, Purpose.MICRO_CREDIT, Purpose.MICRO_DEBIT})
"""Entries that go to accounts which are not verified yet. Until they are filed nothing was posted for them."""


@dataclass(frozen=True, slots=True)
class AchOrigination:
    """Acts of the system, and of operators where they say so."""

    table: Table
    clock: Clock
    entries: Entries
    originators: Originators
    building: Building
    delivering: Delivering
    returns: Returns
    payouts: BankPayouts
    accounts: BankAccounts
    causes: Causes
    apart: Apart

    async def draw(self) -> int:
        """Make entries of the payouts that wait for a file and have none; how many payouts were dealt with."""
        if await self.originators.find() is None:
            return 0
        made = 0
        async for page in self.payouts.queue():
            payouts = [each for each in page if each.net.currency == CURRENCY]
            known = await self.entries.known([each.entry_id for each in payouts])
            fresh = [payout for payout, row in zip(payouts, known, strict=True) if row is None]
            made += await self.apart.each(fresh, lambda each: each.entry_id, self._drawn)
        return made

    async def verify(self, account_id: str) -> int:
        """Originate the entries that verify a bank account; how many. None while nobody said who we are."""
        account = (await self.accounts.row(account_id)).value
        if account.state is not AccountState.ADDED or await self.originators.find() is None:
            return 0
        numbers = await self.accounts.opened(account_id, ACTOR, why="its verification", verifying=True)
        receiver, particulars = receiver_of(account), particulars_of(numbers)
        amounts = (0,) if account.method is Method.PRENOTE else await self.accounts.amounts(account_id, ACTOR)
        requests = [
            OriginateEntry(
                entry_id=f"{account_id}.verify.{number}",
                purpose=Purpose.MICRO_CREDIT if cents else Purpose.PRENOTE,
                direction=Direction.CREDIT,
                cause_id=account_id,
                receiver=receiver,
                particulars=particulars,
                cents=cents,
            )
            for number, cents in enumerate(amounts, start=1)
        ]
        if account.method is not Method.PRENOTE:
            ach.must_verify(requests)
        writes: list[Write] = []
        for request in requests:
            writes += await self.entries.originate(request, ACTOR)
        await self.accounts.verifying(account_id, ACTOR, *writes)
        return len(amounts)

    async def build(self, actor: Actor = ACTOR) -> AchFile | None:
        """The file of the window that is closed and not over at the bank yet; None when there is none, or it is empty.

        Raises `Denied`.
        """
        actor.must_operate()
        try:
            who = await self.originators.current()
        except NotOriginating:
            return None
        window = current_window(self.clock, timedelta(seconds=who.lead_s))
        return await self.building.build(window, self._filed, actor) if window else None

    async def deliver(self) -> Sequence[AchFile]:
        """Take every file that is not done with one step on; those that were."""
        moved: list[AchFile] = []

        async def go_on(file: AchFile) -> None:
            # Before anything else: who dies after the file was withdrawn would not tell anybody.
            await self._watched(file)
            if file.given_back_by:
                after = await self._given_back(file.file_id)
            else:
                after = await self.delivering.go_on(file.file_id)
                if after.left_out:
                    after = await self.settle(file.file_id)
            await self._watched(after)
            if after != file:
                moved.append(after)

        await self.apart.each(await self.delivering.open_files(), lambda file: file.file_id, go_on)
        return moved

    async def settle_empty(self) -> None:
        """Settle files that move no money, which no statement will show."""
        now = self.clock.now()
        empty = [
            file
            for file in await self.delivering.open_files()
            if not (file.totals.debit_cents or file.totals.credit_cents)
            and file.state is FileState.ACKNOWLEDGED
            and now >= file.settles_at
        ]
        await self.apart.each(empty, lambda file: f"{file.file_id}.settled", lambda file: self.settle(file.file_id))

    async def settle(self, file_id: str) -> AchFile:
        """Each entry of a file whose money was seen is settled; what it was settled without has come back before."""
        file = (await self.building.row(file_id)).value
        if file.left_out and not await self._money_back(file):
            return file
        return await self.delivering.settle(file_id, file.effective_on, self._settled)

    async def settle_without(self, file_id: str, batch: int, traces: Sequence[str], actor: Actor) -> AchFile:
        """Settle a batch without entries that the bank took out of it, as an operator says: their money goes back.

        The decision is committed first: what is cut off, or stuck with one entry, goes on with the next delivery.
        Raises what `Delivering.settle_without` does.
        """
        await self.delivering.settle_without(file_id, batch, traces, actor)
        return await self.settle(file_id)

    async def give_back(self, file_id: str, actor: Actor) -> AchFile:
        """Give the money of a refused file back where it came from, as an operator decides.

        The decision is committed first: what is cut off, or stuck with one entry, goes on with the next delivery.
        """
        await self.delivering.give_back(file_id, actor)
        return await self._given_back(file_id)

    async def _given_back(self, file_id: str) -> AchFile:
        file = (await self.building.row(file_id)).value
        if file.state is not FileState.REJECTED:
            return file
        return await self.delivering.gave_back(file_id) if await self._money_back(file) else file

    async def _money_back(self, file: AchFile) -> bool:
        """Give the money of entries back that the bank refused; whether all of it is."""

        async def returned(entry: Entry) -> None:
            await self.causes.of(entry).returned(entry, ach.money_back(entry), "refused")

        entries = await self.delivering.entries_come_back(file)
        return await self.apart.each(entries, lambda entry: entry.entry_id, returned) == len(entries)

    async def _filed(self, entry: Entry) -> Sequence[Write]:
        """What is committed with an entry that a file takes in. Raises `NotToBeFiled`: the others go without it."""
        try:
            await self._must_go(entry)
            return await self.causes.of(entry).filed(entry)
        except (Stale, Unavailable) as refused:
            raise NotToBeFiled(refused.message) from refused
        except NotToBeFiled:
            if writes := await self.entries.cancel(entry.entry_id, ACTOR):
                await self.table.transact(*writes)
            raise
        except Refusal as refused:
            await self.apart.stuck(entry.entry_id, refused)
            raise NotToBeFiled(refused.message) from refused

    async def _must_go(self, entry: Entry) -> None:
        """Raises `NotToBeFiled` for an entry of an account that was removed or refused since: its money has come back.

        `PayoutHeld` for the payout of a provider who is paid nothing now: its entry waits for a later file.
        What answers a return is of no account of ours, and goes all the same.
        """
        if entry.purpose is Purpose.DISHONOR:
            return
        account = (await self.accounts.row(entry.receiver.bank_account_id)).value
        if not account.is_ended and (account.is_usable or entry.purpose in _VERIFYING):
            if entry.purpose is Purpose.PAYOUT:
                await self.payouts.must_go(entry.cause_id)
            return
        if entry.purpose is Purpose.PAYOUT:
            await self._came_back(entry.cause_id, entry.entry_id, NotUsable())
        elif entry.purpose not in _VERIFYING:
            await self.causes.of(entry).returned(entry, ach.money_back(entry), ACCOUNT_ENDED)
        raise NotToBeFiled(NotUsable().message)

    async def _settled(self, entry: Entry) -> Sequence[Write]:
        return await self.causes.of(entry).settled(entry)

    async def _drawn(self, payout: Payout) -> None:
        """One payout as an entry, which waits for its file and is taken out again should the payout be cancelled."""
        entry_id = payout.entry_id
        if await self.entries.find(entry_id):
            return
        try:
            numbers = await self.accounts.opened(payout.destination.account_id, ACTOR, why=f"payout {payout.payout_id}")
            account = (await self.accounts.row(payout.destination.account_id)).value
            request = OriginateEntry(
                entry_id=entry_id,
                purpose=Purpose.PAYOUT,
                direction=Direction.CREDIT,
                cause_id=payout.payout_id,
                receiver=receiver_of(account),
                particulars=particulars_of(numbers),
                cents=payout.net.minor,
                same_day=payout.speed is Speed.INSTANT,
            )
            writes = await self.entries.originate(request, ACTOR)
            await self.table.transact(*writes, await self.payouts.going(payout.payout_id))
        except (NotUsable, Invalid) as refused:
            await self._came_back(payout.payout_id, entry_id, refused)
        except PayoutNotThere:
            return  # Called off meanwhile.

    async def _came_back(self, payout_id: str, entry_id: str, refused: Refusal) -> None:
        """The payout's money is back on the balance, and no entry of it is left: both or neither."""
        known = await self.entries.find(entry_id)
        gone = await self.entries.cancel(entry_id, ACTOR) if known else [self.entries.none(entry_id)]
        await self.payouts.came_back(payout_id, refused.name, refused.message, ACTOR, *gone)

    async def _watched(self, file: AchFile) -> None:
        """Ask for a person when the bank does not answer, refused a file, or a file missed its window."""
        now = self.clock.now()
        kind = None
        if file.state is FileState.REJECTED:
            kind = ExceptionKind.FILE_REJECTED
        elif ach.lapses(file, now):
            kind = ExceptionKind.WINDOW_MISSED
        elif ach.may_be_missing(file) and now - (file.delivered_at or file.changed_at) > UNANSWERED:
            kind = ExceptionKind.NOT_ACKNOWLEDGED
        if kind is None:
            return
        exception = AchException(
            exception_id=f"{file.file_id}.{kind}",
            kind=kind,
            file_id=file.file_id,
            cents=file.totals.credit_cents + file.totals.debit_cents or file.taken_cents,
            repair=ach.REPAIRS[kind],
            raised_at=now,
        )
        await self.returns.raise_(exception, ACTOR)


def current_window(clock: Clock, lead: timedelta) -> Window | None:
    """The window that takes no more entries and is not over at the bank."""
    now = clock.now()
    window = next(ach.windows(now - lead, lead))
    return window if window.cutoff_at < now <= window.deadline_at else None


def receiver_of(account: BankAccount) -> Receiver:
    """The receiver of an entry, as our book has the account."""
    return Receiver(
        bank_account_id=account.account_id,
        owner_id=account.owner_id,
        holder=Holder.COMPANY if account.holder_kind is HolderKind.COMPANY else Holder.PERSON,
        kind=AccountKind.SAVINGS if account.kind.value == "savings" else AccountKind.CHECKING,
        last4=account.last4,
    )


def particulars_of(numbers: Numbers) -> Particulars:
    """What a file says of the receiver, from the account's numbers in clear."""
    return Particulars(
        name=numbers.holder, routing_number=numbers.routing_number, account_number=numbers.account_number
    )
