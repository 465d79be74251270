"""A decision as writes of the table.

An ordinary movement is an `Add` with bounds, which needs no version: many at once on one account all succeed. Where a
decision rests on the very balances it saw, the account is put whole and must be as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from ecosystem.contexts.ledger import keys
from ecosystem.contexts.ledger.accounts import NARROW_MAX, AccountFlag, Balances, Position
from ecosystem.contexts.ledger.posting import Decision, Movement
from ecosystem.contexts.ledger.results import AccountClosed, Overdrawn
from ecosystem.contexts.ledger.transfers import Recorded, as_text
from ecosystem.kernel.refusals import IdReused, Refusal
from ecosystem.ports.table import ABSENT, PRESENT, Absent, Add, At, Put, Write


def writes(decision: Decision, versions: Mapping[str, int]) -> list[Write]:
    """What must be committed to make the decision true. `versions` are those of the transfers it settles.

    A write refused at the commit raises what the decision would have said had it seen the present state.
    """
    made: list[Write] = [_recorded(recorded) for recorded in decision.recorded]
    made += [_settled(settled, versions[settled.transfer_id]) for settled in decision.settled]
    made += [_moved(movement) for movement in decision.movements if not movement.after.account.is_summed]
    return made


def opening(position: Position) -> Put:
    """The write that opens an account."""
    return _put(position, ABSENT)


def _recorded(recorded: Recorded) -> Put:
    return Put(
        key=keys.transfer_key(recorded.transfer_id),
        value=recorded,
        index=keys.transfer_index(recorded),
        expected=ABSENT,
        otherwise=IdReused(f"The ledger has another transfer {recorded.transfer_id}."),
    )


def _settled(settled: Recorded, version: int) -> Put:
    return Put(
        key=keys.transfer_key(settled.transfer_id),
        value=settled,
        index=keys.transfer_index(settled),
        expected=At(version),
    )


def _moved(movement: Movement) -> Put | Add:
    if movement.before.version == 0:
        return _put(movement.after, ABSENT)
    if movement.exact:
        return _put(movement.after, At(movement.before.version))
    return _add(movement)


def _add(movement: Movement) -> Add:
    account = movement.after.account
    before, after = movement.before.balances, movement.after.balances
    by = {
        name: getattr(after, name) - getattr(before, name)
        for name in Balances.__struct_fields__
        if getattr(after, name) != getattr(before, name)
    }
    at_least: dict[str, int] = {}
    # The room must have been as deep as the furthest dip; the bound is on what remains at the end.
    if account.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS:
        by["credit_room"] = after.credit_room - before.credit_room
        if movement.credit_dip:
            at_least["credit_room"] = movement.credit_dip + by["credit_room"]
    if account.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS:
        by["debit_room"] = after.debit_room - before.debit_room
        if movement.debit_dip:
            at_least["debit_room"] = movement.debit_dip + by["debit_room"]
    by["closed"] = 0
    return Add(
        key=keys.account_key(account.account_id),
        by=by,
        at_least=at_least,
        at_most={"closed": 0} if movement.must_be_open else {},
        expected=PRESENT,
        otherwise=_refusal(account.account_id, is_bounded=bool(at_least)),
    )


def _refusal(account_id: str, *, is_bounded: bool) -> Refusal:
    if is_bounded:
        return Overdrawn(f"{account_id} does not hold that much, or was closed.")
    return AccountClosed(f"{account_id} is closed.")


def _put(position: Position, expected: Absent | At) -> Put:
    account, balances = position.account, position.balances
    if balances.widest > NARROW_MAX:
        account = structs.replace(account, carried=as_text(balances))
        balances = Balances()
    elif account.carried is not None:
        account = structs.replace(account, carried=None)
    counters = {name: getattr(balances, name) for name in Balances.__struct_fields__}
    if account.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS:
        counters["credit_room"] = balances.credit_room
    if account.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS:
        counters["debit_room"] = balances.debit_room
    counters["closed"] = int(position.closed)
    return Put(
        key=keys.account_key(account.account_id),
        value=account,
        counters=counters,
        expected=expected,
    )
