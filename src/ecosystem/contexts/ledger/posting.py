"""The decision of the ledger: which transfers happen, and what follows for the accounts.

One function for the product and for replayed recordings. The rules and their precedence are TigerBeetle's (reference:
`create_transfers`); amounts and balances have 128 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field, structs

from ecosystem.contexts.ledger.accounts import (
    ID_MAX,
    NARROW_MAX,
    QUANTITY_MAX,
    AccountFlag,
    Balances,
    Position,
)
from ecosystem.contexts.ledger.chains import in_chains
from ecosystem.contexts.ledger.results import TRANSIENT, Result
from ecosystem.contexts.ledger.transfers import ALL_OF_IT, Outcome, Recorded, State, Transfer, TransferFlag, as_text

_EXCLUSIVE_WITH_SETTLING = TransferFlag.PENDING | TransferFlag.BALANCING | TransferFlag.CLOSING


class Known(Struct, frozen=True):
    """What a decision is made from: every account and every transfer that the request names, if there is one."""

    positions: Mapping[str, Position] = field(default_factory=dict[str, Position])
    transfers: Mapping[str, Recorded] = field(default_factory=dict[str, Recorded])


class Movement(Struct, frozen=True, kw_only=True):
    """What a request does to one account.

    `credit_dip` and `debit_dip` are the furthest its room fell on the way, below where it began: the commit must find
    that much room. `exact` means that the decision rests on the very balances it saw, so the account must not have
    changed since.
    """

    before: Position
    after: Position
    credit_dip: int = 0
    debit_dip: int = 0
    exact: bool = False
    must_be_open: bool = False


class Decision(Struct, frozen=True, kw_only=True):
    """An outcome for each transfer, and what must be committed to make them true.

    `recorded` are new (also ids that failed for good), `settled` known before and now posted or voided.
    """

    outcomes: Sequence[Outcome]
    movements: Sequence[Movement]
    recorded: Sequence[Recorded]
    settled: Sequence[Recorded]

    @property
    def is_empty(self) -> bool:
        return not (self.movements or self.recorded)


def decide(known: Known, transfers: Sequence[Transfer], at: datetime) -> Decision:
    """Decide one request: its transfers in order, each seeing what those before it did."""
    return decide_all(known, [transfers], at)


def decide_all(known: Known, requests: Sequence[Sequence[Transfer]], at: datetime) -> Decision:
    """Decide several requests, one after the other, to be committed together. No chain reaches into the next request.

    The outcomes stand one after the other, as the transfers do.
    """
    desk = _Desk(known, at)
    outcomes: list[Outcome] = []
    for transfers in requests:
        results = in_chains(
            transfers, linked=_is_linked, judge=desk.judge, save=desk.save, restore=desk.restore, failed=desk.remember
        )
        outcomes += [desk.outcome(asked, result) for asked, result in zip(transfers, results, strict=True)]
    return Decision(
        outcomes=outcomes,
        movements=desk.movements(),
        recorded=[made for name, made in desk.made.items() if name not in known.transfers],
        settled=[made for name, made in desk.made.items() if name in known.transfers],
    )


def repeated(known: Known, transfer: Transfer) -> Result | None:
    """What a transfer whose id the ledger has met is answered: `EXISTS` if it is the same. None for a new id."""
    existing = known.transfers.get(transfer.transfer_id)
    return None if existing is None else _repeats(transfer, existing, known.transfers.get(existing.pending_id))


class _Desk:
    """The state of one decision as it goes: what is known, overlaid by what was done so far."""

    def __init__(self, known: Known, at: datetime) -> None:
        self._known = known
        self._at = at
        self.touched: dict[str, Movement] = {}
        self.made: dict[str, Recorded] = {}
        self._exact: set[str] = set()

    def save(self) -> tuple[dict[str, Movement], dict[str, Recorded]]:
        return self.touched.copy(), self.made.copy()

    def restore(self, saved: tuple[dict[str, Movement], dict[str, Recorded]]) -> None:
        self.touched, self.made = saved

    def remember(self, transfer: Transfer, result: Result) -> None:
        """Spend the id of a transfer that failed for a transient reason."""
        if result in TRANSIENT:
            self.made[transfer.transfer_id] = Recorded(
                transfer_id=transfer.transfer_id,
                state=State.FAILED,
                at=self._at,
                reference=transfer.reference,
                failure=result.value,
            )

    def outcome(self, transfer: Transfer, result: Result) -> Outcome:
        recorded = self.transfer(transfer.transfer_id) if result in {Result.CREATED, Result.EXISTS} else None
        return Outcome(transfer_id=transfer.transfer_id, result=result, recorded=recorded)

    def movements(self) -> list[Movement]:
        return [
            structs.replace(movement, exact=True) if name in self._exact and not movement.exact else movement
            for name, movement in self.touched.items()
        ]

    def transfer(self, transfer_id: str) -> Recorded | None:
        return self.made.get(transfer_id) or self._known.transfers.get(transfer_id)

    def position(self, account_id: str) -> Position | None:
        movement = self.touched.get(account_id)
        return movement.after if movement else self._known.positions.get(account_id)

    def judge(self, transfer: Transfer) -> Result:
        if transfer.flags & ~TransferFlag.ALL:
            return Result.RESERVED_FLAG
        if not transfer.transfer_id:
            return Result.ID_MUST_NOT_BE_ZERO
        if transfer.transfer_id == ID_MAX:
            return Result.ID_MUST_NOT_BE_INT_MAX
        existing = self.transfer(transfer.transfer_id)
        if existing is not None:
            return _repeats(transfer, existing, self.transfer(existing.pending_id))
        if transfer.flags & TransferFlag.SETTLING:
            return self._settle(transfer)
        return next(_malformed(transfer), None) or self._move(transfer)

    def _settle(self, transfer: Transfer) -> Result:
        if complaint := next(_malformed_settling(transfer), None):
            return complaint
        pending = self.transfer(transfer.pending_id)
        if pending is None or pending.state is State.FAILED:
            return Result.PENDING_TRANSFER_NOT_FOUND
        amount = _settled_amount(transfer, pending)
        return next(_unfit(transfer, pending, amount), None) or self._settled(transfer, pending, amount)

    def _settled(self, transfer: Transfer, pending: Recorded, amount: int) -> Result:
        """Carry out a post or a void that fits its pending transfer."""
        debit, credit = self.position(pending.debit_account_id), self.position(pending.credit_account_id)
        assert debit is not None
        assert credit is not None
        void = bool(transfer.flags & TransferFlag.VOID)
        # A closed account lets nothing through but the void that may open it again.
        if not void and (closed := next(_closed(debit, credit), None)):
            return self._rests_on(closed, debit, credit)
        released, posted = -pending.amount, 0 if void else amount
        debit = self._moves(
            debit, _debited(debit, released, posted, opens=void and pending.flags & TransferFlag.CLOSING_DEBIT), void
        )
        credit = self._moves(
            credit,
            _credited(credit, released, posted, opens=void and pending.flags & TransferFlag.CLOSING_CREDIT),
            void,
        )
        self.made[pending.transfer_id] = structs.replace(
            pending, state=State.VOIDED if void else State.POSTED, settled_by=transfer.transfer_id
        )
        self._record(
            transfer, debit, credit, amount, pending=pending, reference=transfer.reference or pending.reference
        )
        return Result.CREATED

    def _move(self, transfer: Transfer) -> Result:
        debit, credit = self.position(transfer.debit_account_id), self.position(transfer.credit_account_id)
        if debit is None:
            return Result.DEBIT_ACCOUNT_NOT_FOUND
        if credit is None:
            return Result.CREDIT_ACCOUNT_NOT_FOUND
        if complaint := next(_strange(transfer, debit, credit), None):
            return complaint
        amount = _amount(transfer, debit.balances, credit.balances)
        if complaint := next(_refused(transfer, debit, credit, amount), None):
            return self._rests_on(complaint, debit, credit)
        pending, posted = (amount, 0) if transfer.flags & TransferFlag.PENDING else (0, amount)
        closes = transfer.flags
        debit = self._moves(debit, _debited(debit, pending, posted, closes=closes & TransferFlag.CLOSING_DEBIT))
        credit = self._moves(credit, _credited(credit, pending, posted, closes=closes & TransferFlag.CLOSING_CREDIT))
        if transfer.flags & TransferFlag.BALANCING_DEBIT:
            self._rests_on(Result.CREATED, debit)
        if transfer.flags & TransferFlag.BALANCING_CREDIT:
            self._rests_on(Result.CREATED, credit)
        self._record(transfer, debit, credit, amount, reference=transfer.reference)
        return Result.CREATED

    def _rests_on(self, result: Result, *positions: Position) -> Result:
        """Note that the answer rests on the very balances of these accounts; the answer."""
        self._exact.update(position.account.account_id for position in positions)
        return result

    def _moves(self, position: Position, after: Position, void: bool = False) -> Position:
        account_id = position.account.account_id
        movement = self.touched.get(account_id)
        before = movement.before if movement else position
        began, now = before.balances, after.balances
        self.touched[account_id] = Movement(
            before=before,
            after=after,
            credit_dip=max(movement.credit_dip if movement else 0, began.credit_room - now.credit_room),
            debit_dip=max(movement.debit_dip if movement else 0, began.debit_room - now.debit_room),
            exact=_is_exact(position, after, movement),
            must_be_open=not void or (movement is not None and movement.must_be_open),
        )
        return after

    def _record(
        self,
        transfer: Transfer,
        debit: Position,
        credit: Position,
        amount: int,
        *,
        reference: str,
        pending: Recorded | None = None,
    ) -> None:
        self.made[transfer.transfer_id] = Recorded(
            transfer_id=transfer.transfer_id,
            debit_account_id=debit.account.account_id,
            credit_account_id=credit.account.account_id,
            units=str(amount),
            pending_id=transfer.pending_id,
            ledger=debit.account.ledger,
            code=pending.code if pending else transfer.code,
            flags=transfer.flags,
            reference=reference,
            state=State.PENDING if transfer.flags & TransferFlag.PENDING else State.FINAL,
            at=self._at,
            place=len(self.made),
            settled_units=pending.units if pending else "0",
            debit_is_summed=debit.account.is_summed,
            credit_is_summed=credit.account.is_summed,
            debit_balances=_history(debit),
            credit_balances=_history(credit),
        )


def _is_linked(transfer: Transfer) -> bool:
    return bool(transfer.flags & TransferFlag.LINKED)


def _malformed(transfer: Transfer) -> Iterator[Result]:
    """What is wrong with a simple or pending transfer in itself, in order of precedence."""
    if not transfer.debit_account_id:
        yield Result.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if transfer.debit_account_id == ID_MAX:
        yield Result.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if not transfer.credit_account_id:
        yield Result.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if transfer.credit_account_id == ID_MAX:
        yield Result.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if transfer.credit_account_id == transfer.debit_account_id:
        yield Result.ACCOUNTS_MUST_BE_DIFFERENT
    if transfer.pending_id:
        yield Result.PENDING_ID_MUST_BE_ZERO
    if transfer.flags & TransferFlag.CLOSING and not transfer.flags & TransferFlag.PENDING:
        yield Result.CLOSING_TRANSFER_MUST_BE_PENDING
    if not transfer.ledger:
        yield Result.LEDGER_MUST_NOT_BE_ZERO
    if not transfer.code:
        yield Result.CODE_MUST_NOT_BE_ZERO


def _repeats(transfer: Transfer, existing: Recorded, settled: Recorded | None) -> Result:
    return next(_differences(transfer, existing, settled), Result.EXISTS)


def _differences(transfer: Transfer, existing: Recorded, settled: Recorded | None) -> Iterator[Result]:
    """How a repeated transfer differs from the first of its id. A settling one may leave fields empty."""
    if existing.state is State.FAILED:
        yield Result.ID_ALREADY_FAILED
    if transfer.flags != existing.flags:
        yield Result.EXISTS_WITH_DIFFERENT_FLAGS
    if transfer.pending_id != existing.pending_id:
        yield Result.EXISTS_WITH_DIFFERENT_PENDING_ID
    lenient = settled is not None
    if transfer.debit_account_id != existing.debit_account_id and not (lenient and not transfer.debit_account_id):
        yield Result.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if transfer.credit_account_id != existing.credit_account_id and not (lenient and not transfer.credit_account_id):
        yield Result.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    if not _same_amount(transfer, existing, settled):
        yield Result.EXISTS_WITH_DIFFERENT_AMOUNT
    if (transfer.reference or (settled.reference if settled else "")) != existing.reference:
        yield Result.EXISTS_WITH_DIFFERENT_REFERENCE
    if transfer.ledger != existing.ledger and not (lenient and not transfer.ledger):
        yield Result.EXISTS_WITH_DIFFERENT_LEDGER
    if transfer.code != existing.code and not (lenient and not transfer.code):
        yield Result.EXISTS_WITH_DIFFERENT_CODE


def _same_amount(transfer: Transfer, existing: Recorded, settled: Recorded | None) -> bool:
    if settled is not None:
        return _settled_amount(transfer, settled) == existing.amount
    if transfer.flags & TransferFlag.BALANCING:
        # The amount asked for is an upper limit: any that allows what was moved is the same request.
        return transfer.amount >= existing.amount
    return transfer.amount == existing.amount


def _settled_amount(transfer: Transfer, pending: Recorded) -> int:
    """The amount of a post or a void: `ALL_OF_IT`, or 0 for a void, stand for the pending amount."""
    whole = 0 if transfer.flags & TransferFlag.VOID else ALL_OF_IT
    return pending.amount if transfer.amount == whole else transfer.amount


def _malformed_settling(transfer: Transfer) -> Iterator[Result]:
    """What is wrong with a post or a void in itself, in order of precedence."""
    if transfer.flags & TransferFlag.SETTLING == TransferFlag.SETTLING or transfer.flags & _EXCLUSIVE_WITH_SETTLING:
        yield Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if not transfer.pending_id:
        yield Result.PENDING_ID_MUST_NOT_BE_ZERO
    if transfer.pending_id == ID_MAX:
        yield Result.PENDING_ID_MUST_NOT_BE_INT_MAX
    if transfer.pending_id == transfer.transfer_id:
        yield Result.PENDING_ID_MUST_BE_DIFFERENT


def _unfit(transfer: Transfer, pending: Recorded, amount: int) -> Iterator[Result]:
    """Why this post or void does not fit its pending transfer, in order of precedence."""
    if not pending.flags & TransferFlag.PENDING:
        yield Result.PENDING_TRANSFER_NOT_PENDING
    if transfer.debit_account_id and transfer.debit_account_id != pending.debit_account_id:
        yield Result.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if transfer.credit_account_id and transfer.credit_account_id != pending.credit_account_id:
        yield Result.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if transfer.ledger and transfer.ledger != pending.ledger:
        yield Result.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if transfer.code and transfer.code != pending.code:
        yield Result.PENDING_TRANSFER_HAS_DIFFERENT_CODE
    if amount > pending.amount:
        yield Result.EXCEEDS_PENDING_TRANSFER_AMOUNT
    if transfer.flags & TransferFlag.VOID and amount < pending.amount:
        yield Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    if pending.state is State.POSTED:
        yield Result.PENDING_TRANSFER_ALREADY_POSTED
    if pending.state is State.VOIDED:
        yield Result.PENDING_TRANSFER_ALREADY_VOIDED


def _overflows(transfer: Transfer, debit: Balances, credit: Balances, amount: int) -> Iterator[Result]:
    room = QUANTITY_MAX - amount
    if transfer.flags & TransferFlag.PENDING:
        if debit.debits_pending > room:
            yield Result.OVERFLOWS_DEBITS_PENDING
        if credit.credits_pending > room:
            yield Result.OVERFLOWS_CREDITS_PENDING
    if debit.debits_posted > room:
        yield Result.OVERFLOWS_DEBITS_POSTED
    if credit.credits_posted > room:
        yield Result.OVERFLOWS_CREDITS_POSTED
    if debit.debits_pending + debit.debits_posted > room:
        yield Result.OVERFLOWS_DEBITS
    if credit.credits_pending + credit.credits_posted > room:
        yield Result.OVERFLOWS_CREDITS


def _strange(transfer: Transfer, debit: Position, credit: Position) -> Iterator[Result]:
    """Why these accounts never take this transfer, whatever their balances."""
    if debit.account.ledger != credit.account.ledger:
        yield Result.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    if transfer.ledger != debit.account.ledger:
        yield Result.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
    # Balancing and closing rest on balances that a summed account learns only later.
    debiting = TransferFlag.BALANCING_DEBIT | TransferFlag.CLOSING_DEBIT
    crediting = TransferFlag.BALANCING_CREDIT | TransferFlag.CLOSING_CREDIT
    if (debit.account.is_summed and transfer.flags & debiting) or (
        credit.account.is_summed and transfer.flags & crediting
    ):
        yield Result.SUMMED_ACCOUNT_HAS_NO_BALANCE_YET


def _refused(transfer: Transfer, debit: Position, credit: Position, amount: int) -> Iterator[Result]:
    """Why the accounts do not take this transfer as they stand, in order of precedence."""
    yield from _closed(debit, credit)
    yield from _overflows(transfer, debit.balances, credit.balances, amount)
    if not debit.may_debit(amount):
        yield Result.EXCEEDS_CREDITS
    if not credit.may_credit(amount):
        yield Result.EXCEEDS_DEBITS


def _closed(debit: Position, credit: Position) -> Iterator[Result]:
    if debit.closed:
        yield Result.DEBIT_ACCOUNT_ALREADY_CLOSED
    if credit.closed:
        yield Result.CREDIT_ACCOUNT_ALREADY_CLOSED


def _amount(transfer: Transfer, debit: Balances, credit: Balances) -> int:
    """What a transfer moves: less than asked for, when it balances an account that has less."""
    amount = transfer.amount
    if transfer.flags & TransferFlag.BALANCING_DEBIT:
        amount = min(amount, max(0, debit.credit_room))
    if transfer.flags & TransferFlag.BALANCING_CREDIT:
        amount = min(amount, max(0, credit.debit_room))
    return amount


def _debited(position: Position, pending: int, posted: int, *, closes: int = 0, opens: int = 0) -> Position:
    was = position.balances
    balances = structs.replace(
        was, debits_pending=was.debits_pending + pending, debits_posted=was.debits_posted + posted
    )
    return structs.replace(position, balances=balances, closed=(position.closed or bool(closes)) and not opens)


def _credited(position: Position, pending: int, posted: int, *, closes: int = 0, opens: int = 0) -> Position:
    was = position.balances
    balances = structs.replace(
        was, credits_pending=was.credits_pending + pending, credits_posted=was.credits_posted + posted
    )
    return structs.replace(position, balances=balances, closed=(position.closed or bool(closes)) and not opens)


def _is_exact(position: Position, after: Position, movement: Movement | None) -> bool:
    return bool(
        (movement and movement.exact)
        or position.closed != after.closed
        or position.account.flags & AccountFlag.HISTORY
        or position.account.carried is not None
        or after.balances.widest > NARROW_MAX
    )


def _history(position: Position) -> tuple[str, str, str, str] | None:
    return as_text(position.balances) if position.account.flags & AccountFlag.HISTORY else None
