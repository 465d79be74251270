"""The ledger's service: load, decide, commit; or hand the writes to a journey that commits them with its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.ledger import keys, writing
from ecosystem.contexts.ledger.accounts import ID_MAX, Account, AccountFlag, Position, open_accounts, opened, position
from ecosystem.contexts.ledger.posting import Decision, Known, decide_all, repeated
from ecosystem.contexts.ledger.results import NoSuchAccount, NoSuchTransfer, Result, refusal
from ecosystem.contexts.ledger.transfers import Outcome, Recorded, Transfer, TransferFlag
from ecosystem.kernel.refusals import Conflict, Invalid, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Table, Write
from ecosystem.ports.table_limits import BATCH_MAX, TRANSACTION_WRITES_MAX

ATTEMPTS_MAX = 12

Chart = Callable[[str, str], Account | None]
"""The account that belongs to an id in a ledger, if the chart of accounts has such: it is opened when first needed."""


class ChainTooLong(Invalid):
    """The linked transfers do not fit into one transaction."""


class LedgerBusy(Unavailable):
    """Others changed the same accounts at the same time, again and again."""


class _Loaded(Struct, frozen=True):
    known: Known
    versions: dict[str, int]


def no_chart(_account_id: str, _ledger: str) -> None:
    """Open nothing unasked."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Accounts and transfers in the table."""

    table: Table
    clock: Clock
    chart: Chart = no_chart

    async def open(self, *accounts: Account) -> list[Result]:
        """Open accounts, each answered by its result; one that is already there the same is `EXISTS`.

        More than a hundred new ones are committed in parts, in order.
        """
        for _ in range(ATTEMPTS_MAX):
            known = await self._positions(account.account_id for account in accounts)
            results, positions = open_accounts(known, accounts)
            try:
                for start in range(0, len(positions), TRANSACTION_WRITES_MAX):
                    part = positions[start : start + TRANSACTION_WRITES_MAX]
                    await self.table.transact(*map(writing.opening, part))
            except Conflict:
                continue
            return results
        raise LedgerBusy

    async def submit(self, *transfers: Transfer) -> list[Outcome]:
        """Carry out a request and answer each of its transfers, in order.

        Transfers that are not linked succeed or fail by themselves. An id that failed for a transient reason is spent.
        A request too large for one transaction is committed in parts, each chain within one.
        """
        return (await self.submit_all([transfers]))[0]

    async def submit_all(self, requests: Sequence[Sequence[Transfer]]) -> list[list[Outcome]]:
        """Carry out requests one after the other, as many in one commit as fit; the outcomes of each."""
        outcomes: list[list[Outcome]] = [[] for _ in requests]
        for group in _groups(requests):
            answered = iter(await self._submit([transfers for _, transfers in group]))
            for place, transfers in group:
                outcomes[place] += [next(answered) for _ in transfers]
        return outcomes

    async def writes(self, *transfers: Transfer) -> list[Write]:
        """The writes that carry out all of these transfers, for a journey to commit with its own; none if all stand.

        Raises what the first transfer that cannot be is refused for: `Overdrawn`, `AccountClosed`, `IdReused`,
        `PendingSettled`, `NoSuchAccount`, `NoSuchTransfer`, `Unpostable`. The writes raise the same at the commit, or
        `Stale`. Nothing is remembered of a refusal here, since nothing was submitted.
        """
        loaded = await self._load([transfers])
        earlier = [repeated(loaded.known, transfer) for transfer in transfers]
        if all(result is Result.EXISTS for result in earlier):
            return []
        for transfer, result in zip(transfers, earlier, strict=True):
            if result is not None:
                # One that stands beside others that do not is another request under a used id.
                differs = Result.ID_ALREADY_FAILED if result is Result.EXISTS else result
                raise refusal(differs, transfer.transfer_id)
        decision = decide_all(loaded.known, [transfers], self.clock.now())
        for outcome in decision.outcomes:
            if outcome.result not in {Result.CREATED, Result.LINKED_EVENT_FAILED}:
                raise refusal(outcome.result, outcome.transfer_id)
        return writing.writes(decision, loaded.versions)

    async def position(self, account_id: str) -> Position:
        """Where an account stands. Raises `NoSuchAccount`."""
        found = (await self._positions([account_id])).get(account_id)
        if found is None:
            raise NoSuchAccount(f"There is no account {account_id}.", field="account_id")
        return found

    async def positions(self, account_ids: Sequence[str]) -> dict[str, Position]:
        """Where these accounts stand; those that there are not are left out."""
        return await self._positions(account_ids)

    async def transfer(self, transfer_id: str) -> Recorded:
        """What the ledger has under that id. Raises `NoSuchTransfer`."""
        row = await self.table.get(keys.transfer_key(transfer_id), Recorded) if transfer_id else None
        if row is None:
            raise NoSuchTransfer(f"There is no transfer {transfer_id}.", field="transfer_id")
        return row.value

    async def transfers(self, transfer_ids: Sequence[str]) -> list[Recorded]:
        """What the ledger has under these ids, in their order; those that there are not are left out. Consistent."""
        found = await self._transfers(set(transfer_ids))
        return [found[name].value for name in transfer_ids if name in found]

    async def _submit(self, requests: Sequence[Sequence[Transfer]]) -> Sequence[Outcome]:
        for _ in range(ATTEMPTS_MAX):
            loaded = await self._load(requests)
            decision = decide_all(loaded.known, requests, self.clock.now())
            if await self._commits(decision, loaded):
                return decision.outcomes
        raise LedgerBusy

    async def _commits(self, decision: Decision, loaded: _Loaded) -> bool:
        """Commit; False when the accounts were no longer as the decision saw them."""
        writes = writing.writes(decision, loaded.versions)
        if not writes:
            return True
        try:
            await self.table.transact(*writes)
        except Conflict:
            return False
        return True

    async def _load(self, requests: Sequence[Sequence[Transfer]]) -> _Loaded:
        """Everything that a decision about these transfers looks at."""
        asked = [transfer for transfers in requests for transfer in transfers]
        named = {name for transfer in asked for name in (transfer.transfer_id, transfer.pending_id)}
        rows = await self._transfers(named)
        transfers = {name: row.value for name, row in rows.items()}
        ledgers = {name: t.ledger for t in asked for name in (t.debit_account_id, t.credit_account_id)}
        ledgers |= {name: t.ledger for t in transfers.values() for name in (t.debit_account_id, t.credit_account_id)}
        positions = await self._positions(ledgers)
        for name in ledgers.keys() - positions.keys() - {"", ID_MAX}:
            account = self.chart(name, ledgers[name])
            if account is not None:
                positions[name] = await self._opened(account)
        return _Loaded(Known(positions, transfers), {name: row.version for name, row in rows.items()})

    async def _opened(self, account: Account) -> Position:
        """A new account of the chart. A summed one is opened by itself: no sale may write it."""
        if account.flags & AccountFlag.SUMMED:
            await self.open(account)
            return await self.position(account.account_id)
        return opened(account)

    async def _transfers(self, transfer_ids: set[str]) -> dict[str, Row[Recorded]]:
        found: dict[str, Row[Recorded]] = {}
        for names in _batches(transfer_ids - {"", ID_MAX}):
            for row in await self.table.batch_get([keys.transfer_key(name) for name in names], Recorded):
                if row is not None:
                    found[row.value.transfer_id] = row
        return found

    async def _positions(self, account_ids: Iterable[str]) -> dict[str, Position]:
        found: dict[str, Position] = {}
        for names in _batches(set(account_ids) - {"", ID_MAX}):
            for row in await self.table.batch_get([keys.account_key(name) for name in names], Account):
                if row is not None:
                    found[row.value.account_id] = position(row)
        return found


def _batches(names: set[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), BATCH_MAX):
        yield ordered[start : start + BATCH_MAX]


def _groups(requests: Sequence[Sequence[Transfer]]) -> Iterator[list[tuple[int, Sequence[Transfer]]]]:
    """The requests, or parts of one, in groups that fit into one transaction; each part with its request's place.

    Parts end where a chain ends. Raises `ChainTooLong` before anything is done.
    """
    parts = [(place, part) for place, transfers in enumerate(requests) for part in _parts(transfers)]
    group: list[tuple[int, Sequence[Transfer]]] = []
    touched: set[tuple[str, str]] = set()
    for place, part in parts:
        more = _touched(part)
        if group and len(touched | more) > TRANSACTION_WRITES_MAX:
            yield group
            group, touched = [], set()
        group.append((place, part))
        touched |= more
    if group:
        yield group


def _parts(transfers: Sequence[Transfer]) -> Iterator[Sequence[Transfer]]:
    """The transfers in runs that fit into one transaction: whole, if they do, else cut between chains."""
    if len(_touched(transfers)) <= TRANSACTION_WRITES_MAX:
        yield transfers
        return
    start = end = 0
    for place, transfer in enumerate(transfers):
        if transfer.flags & TransferFlag.LINKED and place < len(transfers) - 1:
            continue
        if len(_touched(transfers[start : place + 1])) > TRANSACTION_WRITES_MAX:
            yield transfers[start:end]
            start = end
        end = place + 1
        if len(_touched(transfers[start:end])) > TRANSACTION_WRITES_MAX:
            raise ChainTooLong(f"The chain that ends with {transfer.transfer_id} does not fit into one transaction.")
    yield transfers[start:end]


def _touched(transfers: Sequence[Transfer]) -> set[tuple[str, str]]:
    """What a commit of these transfers may write, never less: a post may leave its two accounts unnamed."""
    touched: set[tuple[str, str]] = set()
    for transfer in transfers:
        touched.add(("transfer", transfer.transfer_id))
        debit, credit = transfer.debit_account_id, transfer.credit_account_id
        if transfer.flags & TransferFlag.SETTLING:
            touched.add(("transfer", transfer.pending_id))
            debit, credit = debit or f"debit of {transfer.pending_id}", credit or f"credit of {transfer.pending_id}"
        touched |= {("account", debit), ("account", credit)}
    return touched
