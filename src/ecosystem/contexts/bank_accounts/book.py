"""Keeps bank accounts: encrypts what comes in, limits tries, and gives numbers to nobody but who pays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from ecosystem.contexts.bank_accounts import keys
from ecosystem.contexts.bank_accounts.accounts import (
    MICRO_CENTS_MAX,
    MICRO_DEPOSITS,
    PAUSE,
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
    amounts_context,
    becomes,
    begun,
    confirmed,
    correction,
    expired,
    made,
    numbers_context,
    refused,
    removal,
    removed,
    stands_from,
    verified,
)
from ecosystem.contexts.bank_accounts.banks import bank_name
from ecosystem.contexts.bank_accounts.events import BankAccountFact
from ecosystem.contexts.bank_accounts.numbers import Numbers, account_number, holder_name, routing_number
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, IdReused
from ecosystem.ports.audit import Act, AuditKind, record
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.keys import KeyName, Keys
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table, Write

HELD_MAX = 20
ATTEMPTS_WITHIN = timedelta(days=30)
ATTEMPTS_MAX = 3
"""Micro-deposits to one account number within that time, whoever asks: each gives three guesses at two amounts."""
OWNER_ATTEMPTS_MAX = 6
"""Micro-deposits that one owner asks for within that time."""
PAUSE_AFTER_FAILURE = timedelta(days=1)
CHANGED_MAX = 5
_FINGERPRINT = "bank account"


class TooManyBankAccounts(Conflict):
    """Twenty bank accounts were added here; ask the operators."""


class Holding(Stored, frozen=True, kw_only=True):
    """Which accounts an owner has added for a purpose, oldest first. `used` is the one that replaced those before it."""

    entity: ClassVar[str] = "bank-account-holding"

    accounts: tuple[str, ...] = ()
    used: str = ""


class TooManyAttempts(Conflict):
    """This was tried too often lately. Wait, or have the account verified without deposits."""


class Attempts(Stored, frozen=True, kw_only=True):
    """When micro-deposits were asked for, for one account number or by one owner. Removing accounts gives no new tries.

    `failed_at` is when their amounts were last told wrongly until no try was left.
    """

    entity: ClassVar[str] = "bank-account-attempts"

    asked_at: tuple[datetime, ...] = ()
    failed_at: datetime | None = None


def attempted(known: Attempts, most: int, at: datetime) -> Attempts:
    """Decide whether deposits may be sent once more. Raises `TooManyAttempts`."""
    lately = tuple(each for each in known.asked_at if at - each < ATTEMPTS_WITHIN)
    if len(lately) >= most or (known.failed_at is not None and at - known.failed_at < PAUSE_AFTER_FAILURE):
        raise TooManyAttempts
    return replace(known, asked_at=(*lately, at))


@dataclass(frozen=True, slots=True)
class BankAccounts:
    """Every bank account. `user_id` is who runs the owner: a provider's owner, or the person themselves."""

    table: Table
    keys: Keys
    clock: Clock
    entropy: Entropy

    async def add(self, request: AddBankAccount, actor: Actor, *, user_id: str) -> BankAccount:
        """Keep an account and use it from now on, in the place of the one before. Only its owner in person may.

        The numbers are encrypted before anything is stored. Raises `Invalid`, `MustShowOwner`, `Denied`, `IdReused`,
        `TooManyBankAccounts`, `TooManyAttempts`.
        """
        _must_be_theirs(actor, user_id)
        ids.check("bac", request.account_id, field="account_id")
        if request.purpose is Purpose.DEBIT and request.method is not Method.MICRO_DEPOSITS:
            raise MustShowOwner(field="method")
        numbers = Numbers(
            routing_number=routing_number(request.routing_number),
            account_number=account_number(request.account_number),
            holder=holder_name(request.holder),
        )
        found = await self.table.get(keys.account(request.account_id), BankAccount)
        if found is not None:
            return _same(found.value, request, user_id, await self.fingerprint(numbers))
        account = await self._encrypted(request, numbers, user_id)
        holding = await self.table.get(keys.holding(request.owner_id, request.purpose), Holding)
        held = holding.value if holding else Holding()
        if len(held.accounts) >= HELD_MAX:
            raise TooManyBankAccounts
        writes = made(account, actor, held.used)
        after = Holding(accounts=(*held.accounts, account.account_id), used=account.account_id)
        writes.append(
            Put(
                key=keys.holding(request.owner_id, request.purpose),
                value=after,
                expected=holding.unchanged if holding else ABSENT,
                otherwise=BankAccountChanging(),
            )
        )
        if account.method is Method.MICRO_DEPOSITS:
            for place, most in _limits(account):
                row = await self.table.get(place, Attempts)
                known = row.value if row else Attempts()
                writes.append(_counted(place, row, attempted(known, most, account.added_at), account.added_at))
        await self.table.transact(*writes)
        return account

    async def of(self, owner_id: str, purpose: Purpose, actor: Actor, *, user_id: str) -> Sequence[BankAccount]:
        """The owner's accounts, newest first, for them and for operators; those that were removed are left out."""
        actor.must_be(user_id)
        holding = await self.table.get(keys.holding(owner_id, purpose), Holding)
        if holding is None or not holding.value.accounts:
            return []
        rows = await self.table.batch_get([keys.account(each) for each in holding.value.accounts], BankAccount)
        return [row.value for row in reversed(rows) if row and row.value.state is not AccountState.REMOVED]

    async def used(self, owner_id: str, purpose: Purpose) -> BankAccount | None:
        """The account that is used for that purpose, verified or not; None when there is none."""
        holding = await self.table.get(keys.holding(owner_id, purpose), Holding)
        if holding is None or not holding.value.used:
            return None
        row = await self.table.get(keys.account(holding.value.used), BankAccount)
        return row.value if row else None

    async def row(self, account_id: str) -> Row[BankAccount]:
        """The account, to be changed. Raises `NoSuchBankAccount`."""
        row = await self.table.get(keys.account(account_id), BankAccount)
        if row is None:
            raise NoSuchBankAccount
        return row

    async def confirm(self, account_id: str, cents: tuple[int, ...], actor: Actor) -> BankAccount:
        """The account after its owner told the amounts of its micro-deposits; wrong ones cost a try, and are no refusal.

        Raises `NothingToConfirm`, `Invalid`, `Denied`.
        """
        row = await self.row(account_id)
        _must_be_theirs(actor, row.value.user_id)
        if not row.value.amounts:
            raise NothingToConfirm
        sent, at = await self._amounts(row.value), self.clock.now()
        after = confirmed(row.value, cents, sent, at)
        also: list[Write] = []
        if after.state is AccountState.REFUSED:
            for place, _ in _limits(after):
                kept = await self.table.get(place, Attempts)
                failed = replace(kept.value if kept else Attempts(), failed_at=at)
                also.append(_counted(place, kept, failed, at))
        return await self._committed(row, after, actor, None, *also)

    async def remove(self, account_id: str, actor: Actor, *, reason: str = "") -> BankAccount:
        """Forget the numbers: by its owner, or by an operator with a reason. Twice has one effect."""
        row = await self.row(account_id)
        actor.must_be(row.value.user_id)
        if actor.impersonator is not None:
            raise Denied("An operator removes a bank account in their own name.")
        after = removed(row.value, self.clock.now())
        holding = await self.table.get(keys.holding(row.value.owner_id, row.value.purpose), Holding)
        writes = becomes(row, after, actor, removal(after, reason))
        if writes and holding is not None and holding.value.used == account_id:
            without = replace(holding.value, used="")
            writes.append(Put(key=holding.key, value=without, expected=holding.unchanged))
        if writes:
            await self.table.transact(*writes)
        return after

    # What the bank is asked and what it says: for who originates entries, and takes in what comes back.

    async def amounts(self, account_id: str, actor: Actor) -> tuple[int, ...]:
        """The cents of the micro-deposits to be sent. For the system alone."""
        _must_be_system(actor)
        return await self._amounts((await self.row(account_id)).value)

    async def opened(self, account_id: str, actor: Actor, *, why: str, verifying: bool = False) -> Numbers:
        """The numbers in clear, for who builds an entry: the system alone; `why` names it in the audit log.

        Money goes to accounts that are verified; `verifying` opens one that its bank is to be asked about.

        Raises `Denied`, `NotUsable`.
        """
        _must_be_system(actor)
        account = (await self.row(account_id)).value
        if not account.numbers or not (verifying or account.is_usable):
            raise NotUsable
        at = self.clock.now()
        act = Act(
            act_id=mint("act", at, self.entropy),
            kind=AuditKind.KEYS,
            action="BankAccountDecrypted",
            actor=actor,
            subject=account_id,
            at=at,
            detail={"why": why, "owner_id": account.owner_id},
        )
        await self.table.transact(record(act))
        return await self._numbers(account)

    async def verifying(self, account_id: str, actor: Actor, *also: Write) -> BankAccount:
        """The entries that verify it were originated; `also` is committed with it."""
        return await self._changed(account_id, actor, begun, *also)

    async def stands_from(self, account_id: str, until: datetime, actor: Actor) -> BankAccount:
        """Its prenote settled: from `until` on it is verified, if nothing comes back."""
        return await self._changed(account_id, actor, lambda known, at: stands_from(known, until, at))

    async def verified(self, account_id: str, actor: Actor) -> BankAccount:
        """The account is verified, whichever way that was learned."""
        return await self._changed(account_id, actor, verified)

    async def verification_failed(self, account_id: str, code: str, reason: str, actor: Actor) -> BankAccount:
        """The bank sent an entry back: the account may not be used. `reason` is a sentence for its owner."""
        return await self._changed(account_id, actor, lambda known, at: refused(known, code, reason, at))

    async def corrected(self, account_id: str, told: Corrections, actor: Actor) -> BankAccount:
        """The account as the bank corrected it (notification of change), verified as it was."""
        row = await self.row(account_id)
        account = row.value
        if not account.numbers:
            return account
        known = await self._numbers(account)
        numbers = Numbers(
            routing_number=routing_number(told.routing_number or known.routing_number),
            account_number=account_number(told.account_number or known.account_number),
            holder=holder_name(told.holder or known.holder),
        )
        kind = told.kind or account.kind
        if numbers == known and kind is account.kind:
            return account
        after = await self._with(account, numbers)
        after = replace(after, kind=kind, changed_at=self.clock.now())
        return await self._committed(row, after, actor, correction(after, told.code))

    async def end_due(self, actor: Actor, *, limit: int = 50) -> int:
        """End the verifications whose time has come; how many."""
        at, ended = self.clock.now(), 0
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.waiting(shard), BankAccount, index=Index.STATUS, end=keys.due(at), limit=limit
            )
            for found in page.values:
                after = await self._changed(found.account_id, actor, expired)
                ended += after.state is not AccountState.VERIFYING
        return ended

    async def fingerprint(self, numbers: Numbers) -> bytes:
        """The blind index of an account: the same for the same account, however it was typed."""
        return await self.keys.digest(KeyName.BANK_ACCOUNTS, _FINGERPRINT, numbers.identity)

    async def _encrypted(self, request: AddBankAccount, numbers: Numbers, user_id: str) -> BankAccount:
        at, amounts = self.clock.now(), b""
        if request.method is Method.MICRO_DEPOSITS:
            amounts = await self.keys.encrypt(
                KeyName.BANK_ACCOUNTS,
                msgspec.json.encode(self._drawn()),
                amounts_context(request.account_id, request.owner_id),
            )
        account = BankAccount(
            account_id=request.account_id,
            owner_id=request.owner_id,
            user_id=user_id,
            purpose=request.purpose,
            kind=request.kind,
            holder_kind=request.holder_kind,
            last4="",
            fingerprint=b"",
            numbers=b"",
            method=request.method,
            amounts=amounts,
            paused_until=at + PAUSE,
            added_at=at,
            changed_at=at,
        )
        return await self._with(account, numbers)

    async def _with(self, account: BankAccount, numbers: Numbers) -> BankAccount:
        fingerprint, envelope = await asyncio.gather(
            self.fingerprint(numbers),
            self.keys.encrypt(
                KeyName.BANK_ACCOUNTS,
                msgspec.json.encode(numbers),
                numbers_context(account.account_id, account.owner_id),
            ),
        )
        return replace(
            account,
            numbers=envelope,
            fingerprint=fingerprint,
            last4=numbers.last4,
            bank=bank_name(numbers.routing_number),
        )

    def _drawn(self) -> tuple[int, ...]:
        """Two amounts from 1 to 99 cents, each as likely as the others."""
        # Of 256 values the last 58 would make the low amounts likelier; they are drawn again.
        drawn: list[int] = []
        while len(drawn) < MICRO_DEPOSITS:
            value = self.entropy.bytes(1)[0]
            if value < 2 * MICRO_CENTS_MAX:
                drawn.append(value % MICRO_CENTS_MAX + 1)
        return tuple(drawn)

    async def _numbers(self, account: BankAccount) -> Numbers:
        context = numbers_context(account.account_id, account.owner_id)
        plain = await self.keys.decrypt(KeyName.BANK_ACCOUNTS, account.numbers, context)
        return msgspec.json.decode(plain, type=Numbers)

    async def _amounts(self, account: BankAccount) -> tuple[int, ...]:
        if not account.amounts:
            return ()
        context = amounts_context(account.account_id, account.owner_id)
        plain = await self.keys.decrypt(KeyName.BANK_ACCOUNTS, account.amounts, context)
        return msgspec.json.decode(plain, type=tuple[int, ...])

    async def _changed(
        self, account_id: str, actor: Actor, decide: Callable[[BankAccount, datetime], BankAccount], *also: Write
    ) -> BankAccount:
        _must_be_system(actor)
        for left in reversed(range(CHANGED_MAX)):
            row = await self.row(account_id)
            try:
                return await self._committed(row, decide(row.value, self.clock.now()), actor, None, *also)
            except Stale:
                if not left:
                    raise
        raise AssertionError

    async def _committed(
        self,
        row: Row[BankAccount],
        after: BankAccount,
        actor: Actor,
        fact: BankAccountFact | None = None,
        *also: Write,
    ) -> BankAccount:
        if writes := [*becomes(row, after, actor, fact), *also]:
            await self.table.transact(*writes)
        return after


def _same(found: BankAccount, request: AddBankAccount, user_id: str, fingerprint: bytes) -> BankAccount:
    """The account as it was added by that same request. Raises `IdReused` for another one."""
    known = (found.owner_id, found.user_id, found.purpose, found.kind, found.holder_kind, found.method)
    asked = (request.owner_id, user_id, request.purpose, request.kind, request.holder_kind, request.method)
    if known != asked or found.fingerprint != fingerprint:
        raise IdReused
    return found


def _limits(account: BankAccount) -> Sequence[tuple[Key, int]]:
    """Where tries are counted, and how many there may be: for the number whoever has it, and for the owner."""
    return (
        (keys.attempts_of_number(account.fingerprint), ATTEMPTS_MAX),
        (keys.attempts_of_owner(account.owner_id), OWNER_ATTEMPTS_MAX),
    )


def _counted(place: Key, row: Row[Attempts] | None, after: Attempts, at: datetime) -> Put:
    return Put(
        key=place,
        value=after,
        expires_at=at + ATTEMPTS_WITHIN,
        expected=row.unchanged if row else ABSENT,
        otherwise=BankAccountChanging(),
    )


def _must_be_theirs(actor: Actor, user_id: str) -> None:
    """Money must not be led elsewhere by somebody who acts for the owner: no operator, and nobody in their name."""
    if actor.actor_id != user_id or actor.impersonator is not None:
        raise Denied("Only the owner of a bank account may do this, in person.")


def _must_be_system(actor: Actor) -> None:
    if not actor.is_system:
        raise Denied("Nobody is shown the numbers of a bank account.")
