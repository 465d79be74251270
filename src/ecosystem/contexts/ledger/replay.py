"""Recorded requests and answers of another ledger, played through this one and compared.

Lines of JSON, in order, of one database: `{"scenario": n}` begins a part; `accounts` are `[id, ledger, code, flags]`,
`transfers` are `[id, debit, credit, amount, pending id, ledger, code, flags]`, each with the `status` it was answered;
`final` are `[id, debits pending, debits posted, credits pending, credits posted, flags]` at the end of a part. The
requests go through `Ledger.open` and `Ledger.submit_all`, the product's own way to its table.

A recording may begin in the middle of a ledger's life. An id that it answers as known at its first mention was there
before: such transfers are laid in the ledger as far as the answer tells what they were, and named in the report.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from ecosystem.contexts.ledger.accounts import QUANTITY_MAX, Account
from ecosystem.contexts.ledger.keys import transfer_key
from ecosystem.contexts.ledger.ledger import Ledger
from ecosystem.contexts.ledger.results import Result
from ecosystem.contexts.ledger.transfers import Recorded, State, Transfer, TransferFlag
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import ABSENT, Put

DIFFERENCES_SHOWN = 20
REQUESTS_TOGETHER = 256

Whole = Annotated[int, Meta(ge=0)]
AccountRow = tuple[Whole, Whole, Whole, Whole]
TransferRow = tuple[Whole, Whole, Whole, Whole, Whole, Whole, Whole, Whole]
BalanceRow = tuple[Whole, Whole, Whole, Whole, Whole, Whole]


class NotARecording(Invalid):
    """That is not a recording of a ledger."""


class Difference(Struct, frozen=True, kw_only=True):
    """Where this ledger answered otherwise: in which line, about what, what was recorded and what it said."""

    line: int
    about: str
    recorded: str
    answered: str


class Replayed(Struct, kw_only=True):
    """What a replay found. `differences` are the first ones; `differing` counts all.

    `earlier` are the transfers that the recording shows to have been there before its first line.
    """

    scenarios: int = 0
    accounts: int = 0
    transfers: int = 0
    balances: int = 0
    earlier: list[str] = field(default_factory=list[str])
    results: dict[str, int] = field(default_factory=dict[str, int])
    differing: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def compared(self) -> int:
        return self.accounts + self.transfers + self.balances

    @property
    def agrees(self) -> bool:
        return self.compared > 0 and not self.differing

    def compare(self, line: int, about: str, recorded: str, answered: str) -> None:
        if recorded == answered:
            return
        self.differing += 1
        if len(self.differences) < DIFFERENCES_SHOWN:
            self.differences.append(Difference(line=line, about=about, recorded=recorded, answered=answered))

    def result(self, line: int, about: str, recorded: str, result: Result) -> None:
        self.results[result.value] = self.results.get(result.value, 0) + 1
        self.compare(line, about, recorded, result.value)


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of the four, and the status of each event of a request."""

    scenario: int | UnsetType = UNSET
    accounts: list[AccountRow] | UnsetType = UNSET
    transfers: list[TransferRow] | UnsetType = UNSET
    final: list[BalanceRow] | UnsetType = UNSET
    status: list[str] | UnsetType = UNSET


class _Request(Struct, frozen=True):
    line: int
    transfers: list[Transfer]
    status: list[str]


async def replay(lines: Iterable[str | bytes], ledger: Ledger) -> Replayed:
    """Play the lines against an empty ledger and compare every answer and every balance.

    Raises `NotARecording`, naming the line, for what cannot be read; what came before it has been played by then.
    """
    replayed = Replayed()
    mentioned: set[str] = set()
    waiting: list[_Request] = []
    for number, line in _parsed(lines):
        if line.transfers is not UNSET:
            with _naming(number):
                request = _Request(number, list(map(_transfer, line.transfers)), _status(line, line.transfers))
            await _lay(ledger, request, mentioned, replayed)
            waiting.append(request)
            if len(waiting) < REQUESTS_TOGETHER:
                continue
        await _submit(ledger, waiting, replayed)
        if line.accounts is not UNSET:
            with _naming(number):
                status = _status(line, line.accounts)
            await _open(ledger, number, line.accounts, status, replayed)
        elif line.final is not UNSET:
            await _compare(ledger, number, line.final, replayed)
        elif line.scenario is not UNSET:
            replayed.scenarios += 1
    await _submit(ledger, waiting, replayed)
    return replayed


async def _lay(ledger: Ledger, request: _Request, mentioned: set[str], replayed: Replayed) -> None:
    """Lay in the ledger what this request's answers show to have been there before the recording."""
    for transfer, status in zip(request.transfers, request.status, strict=True):
        earlier = _earlier(transfer, status)
        if earlier is not None and earlier.transfer_id not in mentioned:
            await ledger.table.transact(Put(key=transfer_key(earlier.transfer_id), value=earlier, expected=ABSENT))
            mentioned.add(earlier.transfer_id)
            replayed.earlier.append(earlier.transfer_id)
        mentioned.add(transfer.transfer_id)


async def _submit(ledger: Ledger, waiting: list[_Request], replayed: Replayed) -> None:
    """Submit the requests that wait, in order; none waits afterwards."""
    answered = await ledger.submit_all([request.transfers for request in waiting])
    for request, outcomes in zip(waiting, answered, strict=True):
        replayed.transfers += len(outcomes)
        for recorded, outcome in zip(request.status, outcomes, strict=True):
            replayed.result(request.line, f"transfer {outcome.transfer_id or 0}", recorded, outcome.result)
    waiting.clear()


async def _open(ledger: Ledger, line: int, rows: list[AccountRow], status: list[str], replayed: Replayed) -> None:
    with _naming(line):
        accounts = list(map(_account, rows))
    replayed.accounts += len(accounts)
    for account, recorded, result in zip(accounts, status, await ledger.open(*accounts), strict=True):
        replayed.result(line, f"account {account.account_id or 0}", recorded, result)


async def _compare(ledger: Ledger, line: int, rows: list[BalanceRow], replayed: Replayed) -> None:
    with _naming(line):
        names = [_id(row[0]) for row in rows]
    positions = await ledger.positions(names)
    replayed.balances += len(rows)
    for name, (_, *recorded) in zip(names, rows, strict=True):
        found = positions.get(name)
        answered = [*structs.astuple(found.balances), found.flags] if found else None
        replayed.compare(line, f"account {name}", str(recorded), str(answered))


def _parsed(lines: Iterable[str | bytes]) -> Iterator[tuple[int, _Line]]:
    decoder = msgspec.json.Decoder(_Line)
    for number, text in enumerate(lines, 1):
        if text.strip():
            with _naming(number):
                line = decoder.decode(text)
                kinds = (line.scenario, line.accounts, line.transfers, line.final)
                if sum(kind is not UNSET for kind in kinds) != 1:
                    raise NotARecording("a line is a scenario, accounts, transfers or final balances")
            yield number, line


def _earlier(transfer: Transfer, status: str) -> Recorded | None:
    """What an answer tells of a transfer that was there before, if it tells of one that differs from this."""
    known = Recorded(transfer_id=transfer.transfer_id, state=State.FINAL, at=datetime.min.replace(tzinfo=UTC))
    if status == Result.ID_ALREADY_FAILED:
        return structs.replace(known, state=State.FAILED)
    if status == Result.PENDING_TRANSFER_NOT_PENDING:
        return structs.replace(known, transfer_id=transfer.pending_id)
    if status == Result.EXISTS_WITH_DIFFERENT_FLAGS:
        return structs.replace(known, flags=0 if transfer.flags else TransferFlag.PENDING)
    if status == Result.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID:
        return structs.replace(known, flags=transfer.flags, pending_id=transfer.pending_id)
    return None


@contextmanager
def _naming(line: int) -> Generator[None]:
    """Name the line in whatever is wrong with it."""
    try:
        yield
    except (msgspec.MsgspecError, UnicodeDecodeError, Invalid) as wrong:
        raise NotARecording(f"Line {line} is not of a ledger's recording: {wrong}.", field=f"line {line}") from wrong


def _status(line: _Line, rows: list[AccountRow] | list[TransferRow]) -> list[str]:
    if line.status is UNSET or len(line.status) != len(rows):
        raise NotARecording("each event needs its recorded status")
    return line.status


def _account(row: AccountRow) -> Account:
    account_id, ledger, code, flags = row
    return Account(account_id=_id(account_id), ledger=_id(ledger), code=code, flags=flags)


def _transfer(row: TransferRow) -> Transfer:
    transfer_id, debit, credit, amount, pending_id, ledger, code, flags = row
    return Transfer(
        transfer_id=_id(transfer_id),
        debit_account_id=_id(debit),
        credit_account_id=_id(credit),
        amount=amount,
        pending_id=_id(pending_id),
        ledger=_id(ledger),
        code=code,
        flags=flags,
    )


def _id(number: int) -> str:
    """A recorded id as ours: text, and empty for the 0 that stands for none."""
    if number > QUANTITY_MAX:
        raise NotARecording("an id has at most 128 bits")
    return str(number) if number else ""
