"""Relaxations: rules that a file may break, each of which has to be asked for by its name."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict


class Relaxations(Struct, frozen=True, kw_only=True):
    """What is let pass. Nothing, unless it is said."""

    missing_file_header: bool = False
    missing_file_control: bool = False
    missing_batch_control: bool = False
    any_return_code: bool = False
    any_origin: bool = False
    any_destination: bool = False
    any_priority_and_blocking: bool = False
    any_creation_time: bool = False
    any_effective_entry_date: bool = False
    any_block_count: bool = False
    any_check_digit: bool = False
    any_amount: bool = False
    any_characters: bool = False
    any_trace_numbers: bool = False
    blank_names: bool = False
    letters_in_numbers: bool = False
    unequal_company: bool = False
    unequal_service_class: bool = False
    unequal_addenda_counts: bool = False
    unordered_batches: bool = False

    @property
    def waived(self) -> frozenset[str]:
        """The rules that are not asked for."""
        return frozenset(rule for name, asked in asdict(self).items() if asked for rule in WAIVES[name])


WAIVES: Mapping[str, frozenset[str]] = {
    "missing_file_header": frozenset({"file_header_missing"}),
    "missing_file_control": frozenset({"file_control_missing"}),
    "missing_batch_control": frozenset({"batch_control_missing", "batch_header_repeated"}),
    "any_return_code": frozenset({"return_code"}),
    "any_origin": frozenset({"origin", "trace_odfi"}),
    "any_destination": frozenset({"routing_number"}),
    "any_priority_and_blocking": frozenset({"priority_code", "record_size", "blocking_factor"}),
    "any_creation_time": frozenset({"file_creation_time"}),
    "any_effective_entry_date": frozenset({"effective_entry_date"}),
    "any_block_count": frozenset({"block_count"}),
    "any_check_digit": frozenset({"check_digit"}),
    "any_amount": frozenset({"amount_zero", "amount_not_zero", "amount_max"}),
    "any_characters": frozenset({"characters"}),
    "any_trace_numbers": frozenset({"trace_ascending", "trace_odfi", "addenda_trace", "addenda_sequence"}),
    "blank_names": frozenset({"individual_name"}),
    "letters_in_numbers": frozenset({"numeric"}),
    "unequal_company": frozenset({"company_equal"}),
    "unequal_service_class": frozenset({"service_class_equal"}),
    "unequal_addenda_counts": frozenset({"entry_addenda_count", "addenda_count"}),
    "unordered_batches": frozenset({"batch_number_ascending"}),
}

STRICT = Relaxations()

# What a bank hands on of a return file: batches under their former numbers, without the records around them.
PARTIAL_RETURNS = Relaxations(
    missing_file_header=True,
    missing_file_control=True,
    missing_batch_control=True,
    unordered_batches=True,
    any_return_code=True,
)
