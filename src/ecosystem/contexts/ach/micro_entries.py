"""Micro-entries: what is sent to an account to see whether its owner can read the amounts.

Nacha's micro-entries rule (2022, subsection 2.7): a credit is of less than a dollar; debits of the same account take
back no more in all than its credits give, for which one debit may be above a dollar; credits and debits are handed over
together, so that they settle at the same time; their description is `ACCTVERIFY`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecosystem.contexts.ach.entries import MICRO_CENTS_MAX, Direction, OriginateEntry, Purpose
from ecosystem.kernel.refusals import Invalid

_PURPOSES = frozenset({Purpose.MICRO_CREDIT, Purpose.MICRO_DEBIT})


class MicroEntriesRefused(Invalid):
    """These entries may not be sent as micro-entries."""


def must_verify(requests: Sequence[OriginateEntry]) -> None:
    """Pass when these requests may be sent together to verify one account. Raises `MicroEntriesRefused`."""
    if not requests or any(each.purpose not in _PURPOSES for each in requests):
        raise MicroEntriesRefused("Micro-entries come together, and with nothing else.", field="purpose")
    first = requests[0]
    for each in requests:
        if each.receiver.bank_account_id != first.receiver.bank_account_id:
            raise MicroEntriesRefused("Micro-entries verify one account.", field="receiver")
        if (each.same_day, each.not_before) != (first.same_day, first.not_before):
            raise MicroEntriesRefused("Micro-entries of an account settle at the same time.", field="same_day")
        if each.direction is Direction.CREDIT and not 1 <= each.cents <= MICRO_CENTS_MAX:
            raise MicroEntriesRefused("A micro-credit is of less than a dollar.", field="cents")
    given = sum(each.cents for each in requests if each.direction is Direction.CREDIT)
    taken = sum(each.cents for each in requests if each.direction is Direction.DEBIT)
    if not given:
        raise MicroEntriesRefused("An account is verified by a credit.", field="direction")
    if taken > given:
        raise MicroEntriesRefused("Debits take back no more than the credits gave.", field="cents")
