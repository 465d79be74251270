"""Each rule, broken on purpose: the refusal is that rule's, and names the field."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from bench.ach_files import samples

from ecosystem.kernel.nacha import CHANGES, RETURNS, RULES, TRANSACTIONS, WAIVES, Reading, Relaxations, Step
from ecosystem.kernel.nacha.fields import check_digit, is_date, is_day, is_routing_number

SAMPLES = samples()


class Breach(NamedTuple):
    """A file, a line of it, the columns that change (from 1), what they become, and the rule that it breaks."""

    rule: str
    sample: str
    line: int
    first: int
    becomes: str
    field: str = ""


BREACHES = (
    Breach("record_type", "PPD", 3, 1, "X"),
    Breach("file_header_missing", "PPD", 1, 1, ""),
    Breach("file_header_repeated", "PPD", 0, 1, ""),
    Breach("file_control_missing", "PPD", 8, 1, ""),
    Breach("mandatory", "PPD", 3, 13, " " * 17, "dfi_account_number"),
    Breach("mandatory", "PPD", 2, 5, " " * 16, "company_name"),
    Breach("mandatory", "IAT", 4, 47, " " * 35, "name"),
    Breach("mandatory", "ADV", 3, 40, " " * 9, "advice_routing_number"),
    Breach("mandatory", "MTE", 4, 36, " " * 27, "terminal_location"),
    Breach("mandatory", "refused change", 4, 68, " " * 7, "trace_sequence_number"),
    Breach("not_only_zeros", "PPD", 2, 5, "0" * 16, "company_name"),
    Breach("characters", "PPD", 3, 55, "\x1a", "individual_name"),
    Breach("characters", "IAT", 4, 47, "\x1a", "name"),
    Breach("characters", "ADV", 3, 55, "\x1a", "individual_name"),
    Breach("numeric", "ATX", 3, 30, "ABCDEFGHIJ", "amount"),
    Breach("numeric", "PPD", 8, 8, "ABCDEF", "block_count"),
    Breach("priority_code", "PPD", 1, 2, "02", "priority_code"),
    Breach("record_size", "PPD", 1, 35, "095", "record_size"),
    Breach("blocking_factor", "PPD", 1, 38, "11", "blocking_factor"),
    Breach("format_code", "PPD", 1, 40, "2", "format_code"),
    Breach("file_id_modifier", "PPD", 1, 34, "a", "file_id_modifier"),
    Breach("routing_number", "PPD", 1, 4, " 076401252", "immediate_destination"),
    Breach("origin", "PPD", 1, 14, "0000000000", "immediate_origin"),
    Breach("file_creation_date", "PPD", 1, 24, "260230", "file_creation_date"),
    Breach("file_creation_time", "PPD", 1, 30, "2400", "file_creation_time"),
    Breach("batch_control_misplaced", "PPD", 2, 1, ""),
    Breach("entry_outside_batch", "PPD", 2, 1, ""),
    Breach("batch_empty", "TEL", 3, 1, ""),
    Breach("batch_control_missing", "PPD", 7, 1, ""),
    Breach("batch_number_ascending", "PPD", 2, 88, "0000000", "batch_number"),
    Breach("service_class_code", "PPD", 2, 2, "201", "service_class_code"),
    Breach("service_class_of_class", "ARC", 2, 2, "220", "service_class_code"),
    Breach("service_class_equal", "PPD", 7, 2, "220", "service_class_code"),
    Breach("service_class_direction", "PPD", 2, 2, "220", "transaction_code"),
    Breach("standard_entry_class_code", "PPD", 2, 51, "PPX", "standard_entry_class_code"),
    Breach("originator_status_code", "PPD", 2, 79, "0", "originator_status_code"),
    Breach("originator_government", "DNE", 2, 79, "1", "originator_status_code"),
    Breach("company_entry_description", "RCK", 2, 54, "REDEPOSITS", "company_entry_description"),
    Breach("company_equal", "PPD", 7, 45, "1234567891", "company_identification"),
    Breach("odfi_equal", "PPD", 7, 80, "07640126", "odfi_identification"),
    Breach("batch_number_equal", "PPD", 7, 88, "0000002", "batch_number"),
    Breach("effective_entry_date", "PPD", 2, 70, "261301", "effective_entry_date"),
    Breach("entry_addenda_count", "PPD", 7, 5, "000003", "entry_addenda_count"),
    Breach("entry_hash", "PPD", 8, 22, "0000000001", "entry_hash"),
    Breach("total_debit", "PPD", 7, 21, "000000000008", "total_debit_entry_dollar_amount"),
    Breach("total_credit", "PPD", 8, 44, "000000012344", "total_credit_entry_dollar_amount_in_file"),
    Breach("foreign_exchange_indicator", "IAT", 2, 21, "FX", "foreign_exchange_indicator"),
    Breach("foreign_exchange_reference_indicator", "IAT", 2, 23, "4", "foreign_exchange_reference_indicator"),
    Breach("country", "IAT", 2, 39, "XX", "iso_destination_country_code"),
    Breach("currency", "IAT", 2, 64, "XXY", "iso_originating_currency_code"),
    Breach("iat_change", "international change", 2, 51, "IAT"),
    Breach("batch_count", "PPD", 8, 2, "000002", "batch_count"),
    Breach("block_count", "PPD", 8, 8, "000002", "block_count"),
    Breach("transaction_code", "PPD", 3, 2, "20", "transaction_code"),
    Breach("transaction_code_of_class", "ACK", 3, 2, "22", "transaction_code"),
    Breach("transaction_code_of_class", "change", 3, 2, "22", "transaction_code"),
    Breach("transaction_code_of_class", "ADV", 3, 2, "22", "transaction_code"),
    Breach("debits_only", "ARC", 3, 2, "22", "transaction_code"),
    Breach("debits_only", "TEL", 3, 2, "22", "transaction_code"),
    Breach("credits_only", "CIE", 3, 2, "27", "transaction_code"),
    Breach("credits_only", "TEL, taken back", 3, 2, "27", "transaction_code"),
    Breach("check_digit", "PPD", 3, 12, "0", "check_digit"),
    Breach("amount_zero", "PPD", 3, 30, "0000000000", "amount"),
    Breach("amount_zero", "MTE", 3, 30, "0000000000", "amount"),
    Breach("amount_not_zero", "prenotes", 3, 30, "0000000001", "amount"),
    Breach("amount_not_zero", "change", 3, 30, "0000000001", "amount"),
    Breach("amount_not_zero", "ENR", 3, 30, "0000000001", "amount"),
    Breach("amount_max", "RCK", 3, 30, "0000250001", "amount"),
    Breach("amount_max", "POP", 3, 30, "0002500001", "amount"),
    Breach("trace_ascending", "PPD", 4, 80, "076401250000001", "trace_number"),
    Breach("trace_odfi", "PPD", 3, 80, "076401200000001", "trace_number"),
    Breach("individual_name", "WEB", 3, 55, " " * 22, "individual_name"),
    Breach("identification_number", "MTE", 3, 55, "0" * 22, "identification_number"),
    Breach("card_transaction_type", "POS", 3, 77, "04", "discretionary_data"),
    Breach("card_expiration_date", "SHR", 3, 40, "1328", "identification_number"),
    Breach("card_expiration_date", "SHR", 3, 40, "0717", "identification_number"),
    Breach("process_control", "TRC", 3, 55, " " * 6, "individual_name"),
    Breach("item_research_number", "XCK", 3, 61, " " * 16, "individual_name"),
    Breach("julian_day", "ADV", 3, 88, "000", "julian_day"),
    Breach("addenda_outside_entry", "CIE", 3, 1, ""),
    Breach("addenda_indicator", "CIE", 3, 79, "0", "addenda_record_indicator"),
    Breach("addenda_type_code", "CIE", 4, 2, "06", "addenda_type_code"),
    Breach("addenda_missing", "IAT", 6, 1, "", "addenda_type_code"),
    Breach("addenda_missing", "POS", 4, 1, "", "addenda_type_code"),
    Breach("addenda_missing", "DNE", 4, 1, "", "addenda_type_code"),
    Breach("addenda_missing", "change", 4, 2, "05", "addenda_type_code"),
    Breach("addenda_count", "CTX", 3, 55, "0003", "individual_name"),
    Breach("addenda_count", "TRX", 3, 55, "ABCD", "individual_name"),
    Breach("addenda_category", "WEB", 2, 51, "TEL", "addenda_type_code"),
    Breach("addenda_category", "return of a CTX", 2, 51, "CCD", "addenda_type_code"),
    Breach("addenda_category", "change", 2, 51, "PPD", "addenda_type_code"),
    Breach("addenda_category", "POS", 2, 51, "PPD", "addenda_type_code"),
    Breach("addenda_sequence", "CTX", 4, 84, "0000", "sequence_number"),
    Breach("addenda_sequence", "CTX", 4, 84, "0003", "sequence_number"),
    Breach("addenda_trace", "CIE", 4, 88, "0000002", "entry_detail_sequence_number"),
    Breach("addenda_trace", "IAT", 4, 88, "0000002", "entry_detail_sequence_number"),
    Breach("transaction_date", "POS", 4, 26, "0230", "transaction_date"),
    Breach("terminal_state", "POS", 4, 78, "ZZ", "terminal_state"),
    Breach("transaction_type_code", "IAT", 4, 4, "BIL", "transaction_type_code"),
    Breach("bank_number_qualifier", "IAT", 7, 39, "04", "odfi_id_number_qualifier"),
    Breach("return_code", "return", 4, 4, "R99", "return_code"),
    Breach("change_code", "change", 4, 4, "C99", "change_code"),
    Breach("corrected_data", "change", 4, 36, " " * 29, "corrected_data"),
)

# Broken by more than a few columns; each has a test of its own below, or beside reading.
OTHERS = {
    "record_length",
    "record_after_file_control",
    "too_many_refusals",
    "file_header_misplaced",
    "batch_header_repeated",
    "one_category",
    "advices_alone",
    "addenda_repeated",
    "addenda_max",
}


def broken(breach: Breach) -> bytes:
    """The sample with its breach: columns changed, or the line gone when nothing takes its place; line 0 doubles line 1."""
    lines = SAMPLES[breach.sample].decode().splitlines()
    at = breach.line - 1
    if breach.line == 0:
        lines.insert(1, lines[0])
    elif not breach.becomes:
        del lines[at]
    else:
        first = breach.first - 1
        lines[at] = lines[at][:first] + breach.becomes + lines[at][first + len(breach.becomes) :]
    return "\n".join(lines).encode()


def faults(content: bytes, relaxed: Relaxations | None = None) -> list[tuple[str, str]]:
    reading = Reading(relaxed or Relaxations())
    list(reading.items([content]))
    return [(fault.rule, fault.field) for fault in reading.faults]


@pytest.mark.parametrize("breach", BREACHES, ids=lambda each: f"{each.rule}, {each.sample}, {each.field}")
def test_a_breach_is_refused_by_its_rule(breach: Breach) -> None:
    found = faults(broken(breach))

    assert breach.rule in {rule for rule, _ in found}
    if breach.field:
        assert (breach.rule, breach.field) in found


def test_every_rule_is_broken_by_some_test() -> None:
    assert {breach.rule for breach in BREACHES} | OTHERS == set(RULES)
    assert {rule for rules in WAIVES.values() for rule in rules} <= set(RULES)


@pytest.mark.parametrize("name", WAIVES)
def test_a_relaxation_lets_its_rules_pass_and_no_others(name: str) -> None:
    relaxed = Relaxations(**{name: True})

    for breach in BREACHES:
        strict = {rule for rule, _ in faults(broken(breach))}
        assert {rule for rule, _ in faults(broken(breach), relaxed)} == strict - WAIVES[name]


def test_a_file_has_one_control_at_its_end() -> None:
    lines = SAMPLES["PPD"].decode().splitlines()
    after = "\n".join([*lines[:8], lines[1]]).encode()

    assert ("record_after_file_control", "record_type_code") in faults(after)


def test_a_header_in_the_middle_is_refused() -> None:
    lines = SAMPLES["PPD"].decode().splitlines()
    moved = "\n".join([lines[1], lines[0], *lines[2:]]).encode()

    assert ("file_header_misplaced", "record_type_code") in faults(moved)


def test_a_batch_header_without_its_control_is_refused() -> None:
    lines = SAMPLES["PPD"].decode().splitlines()
    doubled = "\n".join([*lines[:2], *lines[1:]]).encode()

    assert ("batch_header_repeated", "record_type_code") in faults(doubled)


def test_payments_and_returns_do_not_share_a_batch() -> None:
    lines = SAMPLES["return"].decode().splitlines()
    payment = SAMPLES["PPD"].decode().splitlines()[2][:87] + "0000002"
    mixed = "\n".join([*lines[:4], payment, *lines[4:]]).encode()

    assert "one_category" in {rule for rule, _ in faults(mixed)}


def test_advices_and_payments_do_not_share_a_file() -> None:
    lines = SAMPLES["ADV"].decode().splitlines()
    mixed = "\n".join([*lines[:5], *SAMPLES["PPD"].decode().splitlines()[1:7], *lines[5:]]).encode()

    assert "advices_alone" in {rule for rule, _ in faults(mixed)}


@pytest.mark.parametrize(
    ("sample", "line", "rule"),
    [
        ("POS", 4, "addenda_repeated"),
        ("IAT", 4, "addenda_repeated"),
        ("return", 4, "addenda_repeated"),
        ("CIE", 4, "addenda_max"),
        ("IAT with all addenda", 11, "addenda_max"),
    ],
)
def test_an_entry_does_not_have_an_addenda_too_many(sample: str, line: int, rule: str) -> None:
    lines = SAMPLES[sample].decode().splitlines()
    lines.insert(line, lines[line - 1])
    lines.insert(line, lines[line - 1])

    assert (rule, "addenda_type_code") in faults("\n".join(lines).encode())


def test_the_codes_of_returns_and_changes_are_all_there() -> None:
    assert len(RETURNS) == 71
    assert len(CHANGES) == 20
    assert sum(reason.step is Step.DISHONORED for reason in RETURNS.values()) == 6
    assert sum(reason.step is Step.CONTESTED for reason in RETURNS.values()) == 7
    assert sum(change.is_refusal for change in CHANGES.values()) == 9
    assert {code for code, reason in RETURNS.items() if reason.is_unauthorized} == {
        *("R05", "R07", "R10", "R11", "R29", "R51")
    }
    assert len(TRANSACTIONS) == 30 + 8


def test_check_digits_and_dates_are_those_of_the_rules() -> None:
    assert check_digit("07640125") == 1
    assert is_routing_number("231380104")
    assert not is_routing_number("231380105")
    assert not is_routing_number("23138010٤")
    assert is_date("240229")
    assert not is_date("230229")
    assert is_day("0229")
    assert not is_day("1131")


def test_the_page_names_each_rule_and_relaxation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ach.md").read_text()

    for rule, asks in RULES.items():
        assert f"| `{rule}` | {asks} |" in page
    for name, rules in WAIVES.items():
        assert f"| `{name}` | {', '.join(f'`{rule}`' for rule in sorted(rules))} |" in page


@pytest.mark.parametrize(
    ("sample", "line", "first", "becomes", "rule"),
    [
        ("CTX", 5, 88, "0000009", "addenda_trace"),
        ("CTX", 5, 84, "0000", "addenda_sequence"),
        ("IAT with all addenda", 11, 88, "0000002", "addenda_trace"),
        ("return of a CTX", 5, 4, "R99", "return_code"),
        ("CIE", 3, 79, "0", "addenda_indicator"),
        ("POS", 4, 78, "ZZ", "terminal_state"),
        ("PPD", 5, 12, "0", "check_digit"),
    ],
)
def test_a_refusal_is_on_the_line_that_is_wrong(sample: str, line: int, first: int, becomes: str, rule: str) -> None:
    reading = Reading()
    list(reading.items([broken(Breach(rule, sample, line, first, becomes))]))

    assert (line, rule) in {(fault.line, fault.rule) for fault in reading.faults}
    assert all(fault.line == line for fault in reading.faults if fault.rule == rule)


def test_an_addenda_of_no_known_type_does_not_hide_the_others() -> None:
    lines = SAMPLES["POS"].decode().splitlines()
    lines[1] = lines[1].replace("POS", "TEL")
    lines.insert(4, "7XX" + lines[3][3:])

    found = {rule for rule, _ in faults("\n".join(lines).encode())}
    assert {"addenda_category", "addenda_type_code"} <= found
