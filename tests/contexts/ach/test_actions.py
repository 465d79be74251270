"""Each code of returns and of changes has what follows it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ecosystem.contexts import ach
from ecosystem.contexts.ach import (
    CORRECTIONS,
    RULES,
    AccountAction,
    AccountKind,
    Direction,
    Entry,
    EntryState,
    ExceptionKind,
    Holder,
    MoneyAction,
    Particulars,
    Purpose,
    Receiver,
    Told,
)
from ecosystem.contexts.ach.inbound import settlement_day
from ecosystem.kernel.nacha import CHANGES, RETURNS, Step

ROUTING = "121000248"
PAULA = Particulars(name="Paula Sousa", routing_number=ROUTING, account_number="000123456789")
AT = datetime(2026, 11, 24, 14, tzinfo=UTC)


def entry(purpose: Purpose = Purpose.PAYOUT, direction: Direction = Direction.CREDIT, **changed: object) -> Entry:
    receiver = Receiver(
        bank_account_id="bac_1",
        owner_id="prv_1",
        holder=Holder.PERSON,
        kind=AccountKind.CHECKING,
        last4="6789",
    )
    values = {
        "entry_id": "pyt_1.1",
        "purpose": purpose,
        "direction": direction,
        "cause_id": "pyt_1",
        "receiver": receiver,
        "particulars_box": b"",
        "cents": 0 if purpose is Purpose.PRENOTE else 500,
        "same_day": False,
        "entry_class": "PPD",
        "description": "PAYOUT",
        "state": EntryState.SETTLED,
        "window_id": "w",
        "cutoff_at": AT,
        "trace_number": "076401250000001",
        "settled_on": date(2026, 11, 23),
        "originated_at": AT,
        "changed_at": AT,
        **changed,
    }
    return Entry(**values)  # pyright: ignore[reportArgumentType] - named above


def told(code: str, **changed: object) -> Told:
    values = {
        "code": code,
        "original_trace": "076401250000001",
        "trace_number": "121000240000001",
        "cents": 500,
        "routing_eight": "12100024",
        "last4": "6789",
        **changed,
    }
    return Told(**values)  # pyright: ignore[reportArgumentType] - named above


def test_there_are_71_returns_and_20_changes_and_each_has_a_rule() -> None:
    assert (len(RULES), len(CORRECTIONS)) == (71, 20)
    assert RULES.keys() == RETURNS.keys()
    assert CORRECTIONS.keys() == CHANGES.keys()


@pytest.mark.parametrize("code", sorted(RETURNS))
@pytest.mark.parametrize(
    ("purpose", "direction", "action"),
    [
        (Purpose.PAYOUT, Direction.CREDIT, MoneyAction.GIVE_PAYOUT_BACK),
        (Purpose.DEBIT, Direction.DEBIT, MoneyAction.TAKE_DEBIT_BACK),
        (Purpose.PRENOTE, Direction.CREDIT, MoneyAction.NONE),
        (Purpose.MICRO_CREDIT, Direction.CREDIT, MoneyAction.MICRO_BACK),
        (Purpose.MICRO_DEBIT, Direction.DEBIT, MoneyAction.MICRO_BACK),
    ],
)
def test_each_code_drives_the_named_action_of_what_the_entry_was_for(
    code: str, purpose: Purpose, direction: Direction, action: MoneyAction
) -> None:
    made = entry(purpose, direction)

    assert ach.money_action(made, code, may_present_again=False) is action
    rule = RULES[code]
    is_test = purpose in {Purpose.PRENOTE, Purpose.MICRO_CREDIT, Purpose.MICRO_DEBIT}
    expected = rule.account
    if is_test and expected is not AccountAction.CLOSE:
        expected = AccountAction.FAIL_VERIFICATION
    assert ach.account_action(made, code) is expected
    # Whatever is not plain is put before a person, with what to do.
    assert rule.repair or rule.told.value in {"owner", "both"}


@pytest.mark.parametrize("code", sorted(CHANGES))
def test_each_change_corrects_the_account_or_asks_a_person(code: str) -> None:
    rule = CORRECTIONS[code]

    assert (rule.account is AccountAction.CORRECT) is (code in {"C01", "C02", "C03", "C05", "C06", "C07"})
    assert rule.account is AccountAction.CORRECT or rule.repair


@pytest.mark.parametrize(
    ("code", "data", "fields"),
    [
        ("C01", "1918171614", {"dfi_account_number": "1918171614"}),
        ("C02", "021000021", {"routing_number": "021000021"}),
        ("C03", "021000021   1918171614", {"routing_number": "021000021", "dfi_account_number": "1918171614"}),
        ("C05", "32", {"transaction_code": "32"}),
        ("C06", "1918171614          32", {"dfi_account_number": "1918171614", "transaction_code": "32"}),
        (
            "C07",
            "0210000211918171614       32",
            {"routing_number": "021000021", "dfi_account_number": "1918171614", "transaction_code": "32"},
        ),
        ("C13", "", {}),
    ],
)
def test_corrected_data_are_read_by_the_columns_of_their_code(code: str, data: str, fields: dict[str, str]) -> None:
    assert ach.corrected_fields(code, data) == fields


@pytest.mark.parametrize(
    ("code", "state", "changed", "kind", "dishonor"),
    [
        ("R02", EntryState.RETURNED, {}, ExceptionKind.DUPLICATE_RETURN, "R67"),
        ("R02", EntryState.SETTLED, {"cents": 501}, ExceptionKind.WRONG_AMOUNT, "R69"),
        ("R02", EntryState.SETTLED, {"last4": "1111"}, ExceptionKind.WRONG_ACCOUNT, "R69"),
        ("R06", EntryState.SETTLED, {}, ExceptionKind.UNASKED_RETURN, ""),
    ],
)
def test_a_wrong_return_is_dishonoured_under_its_code(
    code: str, state: EntryState, changed: dict[str, object], kind: ExceptionKind, dishonor: str
) -> None:
    fault = ach.fault_of(entry(state=state), ROUTING, told(code, **changed), RETURNS[code], AT)

    assert fault is not None
    assert (fault.kind, fault.dishonor_code) == (kind, dishonor)


@pytest.mark.parametrize("code", [code for code, reason in RETURNS.items() if reason.step is Step.RETURN])
def test_a_return_is_late_only_after_its_codes_time(code: str) -> None:
    reason, made = RETURNS[code], entry()
    due = ach.return_due_at(date(2026, 11, 23), banking_days=reason.banking_days, calendar_days=reason.calendar_days)

    assert not ach.is_late(made, reason, date(2026, 11, 24))
    if due is not None:
        assert not ach.is_late(made, reason, due.date())
        assert ach.is_late(made, reason, due.date() + timedelta(days=1))


def test_a_return_is_late_by_the_day_the_bank_gives_it_not_by_when_we_read_it() -> None:
    read_at = datetime(2026, 12, 20, tzinfo=UTC)
    in_time = told("R03", stated_on=date(2026, 11, 25))
    late = told("R03", stated_on=date(2026, 11, 27))

    assert ach.fault_of(entry(), ROUTING, in_time, RETURNS["R03"], read_at) is None
    for untimely in (late, told("R03")):
        fault = ach.fault_of(entry(), ROUTING, untimely, RETURNS["R03"], read_at)
        assert fault is not None
        assert fault.dishonor_code == "R68"


def test_a_settlement_day_lies_next_to_the_day_the_file_was_made() -> None:
    assert settlement_day("329", date(2026, 11, 24)) == date(2026, 11, 25)
    assert settlement_day("002", date(2026, 12, 31)) == date(2027, 1, 2)
    assert settlement_day("365", date(2027, 1, 2)) == date(2026, 12, 31)
    assert settlement_day("", date(2026, 11, 24)) is settlement_day("329", None) is None


def test_a_debit_is_presented_three_times_within_180_days_and_only_for_want_of_money() -> None:
    debit = entry(Purpose.DEBIT, Direction.DEBIT)
    first, today = date(2026, 11, 23), date(2026, 11, 25)

    assert ach.may_present_again(debit, "R01", first, today)
    assert ach.may_present_again(entry(Purpose.DEBIT, Direction.DEBIT, presentment=2), "R09", first, today)
    assert not ach.may_present_again(entry(Purpose.DEBIT, Direction.DEBIT, presentment=3), "R01", first, today)
    assert not ach.may_present_again(debit, "R10", first, today)
    assert not ach.may_present_again(debit, "R01", first, date(2027, 5, 20))
    again = ach.presented_again(debit, PAULA, today)
    assert (again.presentment, again.presents, again.cents) == (2, "pyt_1.1", 500)
    assert "000123456789" not in repr(again)
