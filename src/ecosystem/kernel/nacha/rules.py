"""The rules that a file is held to, by the names that refusals carry. Each sentence says what is asked.

They are those of the NACHA Operating Rules, Appendix Three (formats) and Appendix Two (what an operator rejects), and
of Article Two where an entry class has its own.
"""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    # The file as a whole
    "record_type": "A record begins with 1, 5, 6, 7, 8 or 9.",
    "record_length": "A record has 94 characters; blanks at its end may be missing.",
    "file_header_missing": "A file begins with one file header.",
    "file_header_repeated": "A file has one file header.",
    "file_header_misplaced": "The file header comes before every batch.",
    "file_control_missing": "A file ends with one file control.",
    "record_after_file_control": "Only filler follows the file control.",
    "too_many_refusals": "A file with so many refusals is not told all of them.",
    # Fields
    "mandatory": "This field may not be blank.",
    "not_only_zeros": "This field says something besides blanks and zeros.",
    "characters": "Text has printable characters only.",
    "numeric": "This field has digits only, zeros before them.",
    # File header
    "priority_code": "The priority code is 01.",
    "record_size": "The record size is 094.",
    "blocking_factor": "The blocking factor is 10.",
    "format_code": "The format code is 1.",
    "file_id_modifier": "The file ID modifier is one of A to Z, 0 to 9, or blank.",
    "routing_number": "A routing number has nine digits, the last of which is its check digit.",
    "origin": "The immediate origin is not all zeros.",
    "file_creation_date": "The file creation date is a date, YYMMDD.",
    "file_creation_time": "The file creation time is blank or a time, HHMM.",
    # Batches
    "batch_header_repeated": "A batch ends with its control before the next begins.",
    "batch_control_missing": "A batch ends with a batch control.",
    "batch_control_misplaced": "A batch control ends a batch.",
    "entry_outside_batch": "Entries stand between batch header and batch control.",
    "batch_empty": "A batch has at least one entry.",
    "batch_number_ascending": "Batches are numbered in ascending order.",
    "service_class_code": "The service class is 200 (mixed), 220 (credits), 225 (debits) or 280 (advices).",
    "service_class_of_class": "This entry class does not come in batches of that service class.",
    "service_class_equal": "Batch header and control have the same service class.",
    "service_class_direction": "A batch of credits has credits only, a batch of debits has debits only.",
    "standard_entry_class_code": "The standard entry class code is one of the rules'.",
    "originator_status_code": "The originator status is 0 in advices, and 1 or 2 in other batches.",
    "originator_government": "Only federal agencies, status 2, send notices of death.",
    "company_entry_description": "This entry class has its own description.",
    "company_equal": "Batch header and control name the same company.",
    "odfi_equal": "Batch header and control name the same originating bank.",
    "batch_number_equal": "Batch header and control have the same batch number.",
    "effective_entry_date": "The effective entry date is blank, zeros, or a date, YYMMDD.",
    "entry_addenda_count": "The count is that of entries and addenda.",
    "entry_hash": "The hash is the sum of the entries' routing numbers, its last ten digits.",
    "total_debit": "The total is the sum of the debits.",
    "total_credit": "The total is the sum of the credits.",
    "one_category": "A batch has payments, or returns of one step, but not both.",
    "advices_alone": "Advices come in files of their own.",
    # International batches
    "foreign_exchange_indicator": "The foreign exchange indicator is FV, VF or FF.",
    "foreign_exchange_reference_indicator": "The reference indicator is 1, 2 or 3; it may be blank for FF.",
    "country": "A country is one of ISO 3166.",
    "currency": "A currency is one of ISO 4217.",
    "iat_change": "A change of an international entry comes in a COR batch with the indicator IATCOR.",
    # File control
    "batch_count": "The count is that of batches.",
    "block_count": "The count is that of blocks of ten records, the last filled up.",
    # Entries
    "transaction_code": "The transaction code is one of the rules'.",
    "transaction_code_of_class": "This entry class does not use that transaction code.",
    "debits_only": "This entry class has debits only.",
    "credits_only": "This entry class has credits only.",
    "check_digit": "The check digit is that of the receiving bank's routing number.",
    "amount_zero": "An entry that is no prenote, no notice and no return moves money.",
    "amount_not_zero": "Prenotes, notices and acknowledgements move no money.",
    "amount_max": "This entry class has a largest amount.",
    "trace_ascending": "Trace numbers ascend within a batch.",
    "trace_odfi": "A trace number begins with the originating bank's number.",
    "individual_name": "This entry class names the receiver.",
    "identification_number": "This entry class has an identification number.",
    "card_transaction_type": "The card transaction type is one of the rules'.",
    "card_expiration_date": "The card's expiration date is a month and a year, MMYY.",
    "process_control": "This entry class has a process control field.",
    "item_research_number": "This entry class has an item research number.",
    "julian_day": "The Julian day is a day of a year.",
    # Addenda
    "addenda_outside_entry": "Addenda follow an entry.",
    "addenda_indicator": "An entry with addenda says so, and no other does.",
    "addenda_type_code": "The addenda type belongs to this entry.",
    "addenda_missing": "This entry has to have that addenda.",
    "addenda_repeated": "An entry has one addenda of this type.",
    "addenda_max": "An entry does not have so many addenda.",
    "addenda_count": "The entry says how many addenda it has.",
    "addenda_category": "This addenda does not belong to a payment, return or change like this.",
    "addenda_sequence": "Addenda of a type are numbered from 1, in ascending order.",
    "addenda_trace": "Addenda end with the last seven digits of their entry's trace number.",
    "transaction_date": "The transaction date is a day, MMDD.",
    "terminal_state": "The state is one of the United States and their territories.",
    "transaction_type_code": "The transaction type says why the money crosses the border.",
    "bank_number_qualifier": "The bank number's qualifier is 01, 02 or 03.",
    # Returns and changes
    "return_code": "The return reason code is one of the rules'.",
    "change_code": "The change code is one of the rules'.",
    "corrected_data": "A change gives corrected data.",
}
