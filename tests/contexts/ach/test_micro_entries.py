"""What may be sent to verify an account."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from ecosystem.contexts.ach import (
    AccountKind,
    Direction,
    Holder,
    MicroEntriesRefused,
    OriginateEntry,
    Particulars,
    Purpose,
    Receiver,
    must_verify,
)

RECEIVER = Receiver(
    bank_account_id="bac_1",
    owner_id="usr_1",
    holder=Holder.PERSON,
    kind=AccountKind.CHECKING,
    last4="7465",
)
ADA = Particulars(name="Ada Lovelace", routing_number="021000021", account_number="000398217465")


def credit(cents: int) -> OriginateEntry:
    return OriginateEntry(
        entry_id=f"bac_1.{cents}",
        purpose=Purpose.MICRO_CREDIT,
        direction=Direction.CREDIT,
        cause_id="bac_1",
        receiver=RECEIVER,
        particulars=ADA,
        cents=cents,
    )


def debit(cents: int) -> OriginateEntry:
    return replace(credit(cents), purpose=Purpose.MICRO_DEBIT, direction=Direction.DEBIT)


def test_two_credits_below_a_dollar_verify_an_account() -> None:
    must_verify([credit(1), credit(99)])


def test_one_debit_above_a_dollar_may_take_back_what_two_credits_gave() -> None:
    must_verify([credit(90), credit(60), debit(150)])


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [credit(100)],
        [credit(0), credit(5)],
        [debit(5)],
        [credit(10), debit(11)],
        [credit(90), credit(60), debit(100), debit(51)],
        [credit(10), replace(credit(20), purpose=Purpose.PAYOUT)],
        [credit(10), replace(credit(20), receiver=replace(RECEIVER, bank_account_id="bac_2"))],
        [credit(10), replace(debit(10), same_day=True)],
        [credit(10), replace(debit(10), not_before=datetime(2026, 11, 23, tzinfo=UTC))],
    ],
)
def test_what_is_more_than_the_rule_lets_pass_is_refused(requests: list[OriginateEntry]) -> None:
    with pytest.raises(MicroEntriesRefused):
        must_verify(requests)
