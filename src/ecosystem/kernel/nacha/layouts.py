"""Where each field of each record stands: NACHA Operating Rules, Appendix Three, one layout for each kind of record.

Columns are counted from 1 and both ends belong to the field, as the rules print them. The fields of a layout cover its
94 columns without gap or overlap, so that a record is its fields and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

LENGTH = 94


class Unfit(Invalid):
    """This value does not fit into its field."""


class Field(Struct, frozen=True):
    """A field: its name and columns. Digits stand right behind zeros, anything else left before blanks."""

    name: str
    first: int
    last: int
    is_number: bool = False

    @property
    def width(self) -> int:
        return self.last - self.first + 1

    def rendered(self, value: str | int) -> str:
        """The value as it stands in the record: printable ASCII, in this width, digits where it is a number. Or `Unfit`."""
        text = str(value)
        if not (text.isascii() and text.isprintable()):
            raise Unfit(f"{text!r} has characters that {self.name} may not have", field=self.name)
        if len(text) > self.width or (self.is_number and text and not (text.isascii() and text.isdigit())):
            raise Unfit(f"{text!r} does not fit into {self.name}, {self.width} columns", field=self.name)
        return text.rjust(self.width, "0") if self.is_number and text else text.ljust(self.width)


class Layout(Struct, frozen=True):
    """A kind of record: its name, and its fields in order, the first of which says what it is."""

    name: str
    fields: Sequence[Field]
    constants: Mapping[str, str]
    spans: Mapping[str, slice]

    def rendered(self, values: Mapping[str, str | int]) -> str:
        """The 94 columns with these values; what is not named is blank, or its constant. Raises `Unfit`."""
        unknown = values.keys() - self.spans.keys()
        if unknown:
            raise Unfit(f"there is no field {min(unknown)} in {self.name}", field=min(unknown))
        return "".join(
            field.rendered(values.get(field.name, self.constants.get(field.name, ""))) for field in self.fields
        )


def _layout(name: str, columns: str, **constants: str) -> Layout:
    """A layout from lines of `name width`; a width with `n` is a number's."""
    fields: list[Field] = []
    column = 1
    for line in columns.split(","):
        called, width = line.split()
        wide = int(width.removesuffix("n"))
        fields.append(Field(called, column, column + wide - 1, width.endswith("n")))
        column += wide
    assert column == LENGTH + 1
    return Layout(name, tuple(fields), constants, {field.name: slice(field.first - 1, field.last) for field in fields})


FILE_HEADER = _layout(
    "file_header",
    "record_type_code 1, priority_code 2, immediate_destination 10, immediate_origin 10, file_creation_date 6,"
    "file_creation_time 4, file_id_modifier 1, record_size 3, blocking_factor 2, format_code 1,"
    "immediate_destination_name 23, immediate_origin_name 23, reference_code 8",
    record_type_code="1",
    priority_code="01",
    record_size="094",
    blocking_factor="10",
    format_code="1",
)

BATCH_HEADER = _layout(
    "batch_header",
    "record_type_code 1, service_class_code 3n, company_name 16, company_discretionary_data 20,"
    "company_identification 10, standard_entry_class_code 3, company_entry_description 10, company_descriptive_date 6,"
    "effective_entry_date 6, settlement_date 3, originator_status_code 1, odfi_identification 8, batch_number 7n",
    record_type_code="5",
    originator_status_code="1",
)

IAT_BATCH_HEADER = _layout(
    "iat_batch_header",
    "record_type_code 1, service_class_code 3n, iat_indicator 16, foreign_exchange_indicator 2,"
    "foreign_exchange_reference_indicator 1, foreign_exchange_reference 15, iso_destination_country_code 2,"
    "originator_identification 10, standard_entry_class_code 3, company_entry_description 10,"
    "iso_originating_currency_code 3, iso_destination_currency_code 3, effective_entry_date 6, settlement_date 3,"
    "originator_status_code 1, odfi_identification 8, batch_number 7n",
    record_type_code="5",
    originator_status_code="1",
)

ENTRY = _layout(
    "entry_detail",
    "record_type_code 1, transaction_code 2n, rdfi_identification 8n, check_digit 1n, dfi_account_number 17, amount 10n,"
    "identification_number 15, individual_name 22, discretionary_data 2, addenda_record_indicator 1n, trace_number 15n",
    record_type_code="6",
    addenda_record_indicator="0",
)

# CIE and MTE have the name before the number.
NAME_FIRST_ENTRY = _layout(
    "entry_detail",
    "record_type_code 1, transaction_code 2n, rdfi_identification 8n, check_digit 1n, dfi_account_number 17, amount 10n,"
    "individual_name 15, identification_number 22, discretionary_data 2, addenda_record_indicator 1n, trace_number 15n",
    record_type_code="6",
    addenda_record_indicator="0",
)

IAT_ENTRY = _layout(
    "iat_entry_detail",
    "record_type_code 1, transaction_code 2n, rdfi_identification 8n, check_digit 1n, addenda_records 4n, reserved 13,"
    "amount 10n, dfi_account_number 35, reserved_2 2, ofac_screening_indicator 1,"
    "secondary_ofac_screening_indicator 1, addenda_record_indicator 1n, trace_number 15n",
    record_type_code="6",
    addenda_record_indicator="1",
)

ADV_ENTRY = _layout(
    "adv_entry_detail",
    "record_type_code 1, transaction_code 2n, rdfi_identification 8n, check_digit 1n, dfi_account_number 15, amount 12n,"
    "advice_routing_number 9, file_identification 5, ach_operator_data 1, individual_name 22, discretionary_data 2,"
    "addenda_record_indicator 1n, ach_operator_routing_number 8, julian_day 3n, sequence_number 4n",
    record_type_code="6",
    addenda_record_indicator="0",
)

ADDENDA_02 = _layout(
    "addenda_02",
    "record_type_code 1, addenda_type_code 2, reference_information_one 7, reference_information_two 3,"
    "terminal_identification_code 6, transaction_serial_number 6, transaction_date 4,"
    "authorization_code_or_expire_date 6, terminal_location 27, terminal_city 15, terminal_state 2, trace_number 15n",
    record_type_code="7",
    addenda_type_code="02",
)

ADDENDA_05 = _layout(
    "addenda_05",
    "record_type_code 1, addenda_type_code 2, payment_related_information 80, sequence_number 4n,"
    "entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="05",
)

ADDENDA_10 = _layout(
    "addenda_10",
    "record_type_code 1, addenda_type_code 2, transaction_type_code 3, foreign_payment_amount 18n,"
    "foreign_trace_number 22, name 35, reserved 6, entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="10",
)

ADDENDA_11 = _layout(
    "addenda_11",
    "record_type_code 1, addenda_type_code 2, originator_name 35, originator_street_address 35, reserved 14,"
    "entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="11",
)

ADDENDA_12 = _layout(
    "addenda_12",
    "record_type_code 1, addenda_type_code 2, originator_city_state_province 35, originator_country_postal_code 35,"
    "originator_date_of_birth 10, reserved 4, entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="12",
)

ADDENDA_13 = _layout(
    "addenda_13",
    "record_type_code 1, addenda_type_code 2, odfi_name 35, odfi_id_number_qualifier 2, odfi_identification 34,"
    "odfi_branch_country_code 3, reserved 10, entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="13",
)

ADDENDA_14 = _layout(
    "addenda_14",
    "record_type_code 1, addenda_type_code 2, rdfi_name 35, rdfi_id_number_qualifier 2, rdfi_identification 34,"
    "rdfi_branch_country_code 3, reserved 10, entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="14",
)

ADDENDA_15 = _layout(
    "addenda_15",
    "record_type_code 1, addenda_type_code 2, receiver_id_number 15, receiver_street_address 35, reserved 34,"
    "entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="15",
)

ADDENDA_16 = _layout(
    "addenda_16",
    "record_type_code 1, addenda_type_code 2, receiver_city_state_province 35, receiver_country_postal_code 35,"
    "receiver_date_of_birth 10, reserved 4, entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="16",
)

ADDENDA_17 = _layout(
    "addenda_17",
    "record_type_code 1, addenda_type_code 2, payment_related_information 80, sequence_number 4n,"
    "entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="17",
)

ADDENDA_18 = _layout(
    "addenda_18",
    "record_type_code 1, addenda_type_code 2, foreign_correspondent_bank_name 35,"
    "foreign_correspondent_bank_id_number_qualifier 2, foreign_correspondent_bank_id_number 34,"
    "foreign_correspondent_bank_branch_country_code 3, reserved 6, sequence_number 4n,"
    "entry_detail_sequence_number 7n",
    record_type_code="7",
    addenda_type_code="18",
)

ADDENDA_98 = _layout(
    "addenda_98",
    "record_type_code 1, addenda_type_code 2, change_code 3, original_trace 15n, reserved 6, original_dfi 8,"
    "corrected_data 29, reserved_2 15, trace_number 15n",
    record_type_code="7",
    addenda_type_code="98",
)

# Of an international entry, the corrected data may be six columns longer.
IAT_ADDENDA_98 = _layout(
    "addenda_98",
    "record_type_code 1, addenda_type_code 2, change_code 3, original_trace 15n, reserved 6, original_dfi 8,"
    "corrected_data 35, reserved_2 9, trace_number 15n",
    record_type_code="7",
    addenda_type_code="98",
)

ADDENDA_98_REFUSED = _layout(
    "addenda_98_refused",
    "record_type_code 1, addenda_type_code 2, refused_change_code 3, original_trace 15n, reserved 6, original_dfi 8,"
    "corrected_data 29, change_code 3, trace_sequence_number 7, reserved_2 5, trace_number 15n",
    record_type_code="7",
    addenda_type_code="98",
)

ADDENDA_99 = _layout(
    "addenda_99",
    "record_type_code 1, addenda_type_code 2, return_code 3, original_trace 15n, date_of_death 6, original_dfi 8,"
    "addenda_information 44, trace_number 15n",
    record_type_code="7",
    addenda_type_code="99",
)

ADDENDA_99_DISHONORED = _layout(
    "addenda_99_dishonored",
    "record_type_code 1, addenda_type_code 2, dishonored_return_reason_code 3, original_entry_trace_number 15n,"
    "reserved 6, original_receiving_dfi_identification 8, reserved_2 3, return_trace_number 15n,"
    "return_settlement_date 3, return_reason_code 2, addenda_information 21, trace_number 15n",
    record_type_code="7",
    addenda_type_code="99",
)

ADDENDA_99_CONTESTED = _layout(
    "addenda_99_contested",
    "record_type_code 1, addenda_type_code 2, contested_return_code 3, original_entry_trace_number 15n,"
    "date_original_entry_returned 6, original_receiving_dfi_identification 8, original_settlement_date 3,"
    "return_trace_number 15n, return_settlement_date 3, return_reason_code 2, dishonored_return_trace_number 15n,"
    "dishonored_return_settlement_date 3, dishonored_return_reason_code 2, reserved 1, trace_number 15n",
    record_type_code="7",
    addenda_type_code="99",
)

BATCH_CONTROL = _layout(
    "batch_control",
    "record_type_code 1, service_class_code 3n, entry_addenda_count 6n, entry_hash 10n,"
    "total_debit_entry_dollar_amount 12n, total_credit_entry_dollar_amount 12n, company_identification 10,"
    "message_authentication_code 19, reserved 6, odfi_identification 8, batch_number 7n",
    record_type_code="8",
)

ADV_BATCH_CONTROL = _layout(
    "adv_batch_control",
    "record_type_code 1, service_class_code 3n, entry_addenda_count 6n, entry_hash 10n,"
    "total_debit_entry_dollar_amount 20n, total_credit_entry_dollar_amount 20n, ach_operator_data 19,"
    "odfi_identification 8, batch_number 7n",
    record_type_code="8",
)

FILE_CONTROL = _layout(
    "file_control",
    "record_type_code 1, batch_count 6n, block_count 6n, entry_addenda_count 8n, entry_hash 10n,"
    "total_debit_entry_dollar_amount_in_file 12n, total_credit_entry_dollar_amount_in_file 12n, reserved 39",
    record_type_code="9",
)

ADV_FILE_CONTROL = _layout(
    "adv_file_control",
    "record_type_code 1, batch_count 6n, block_count 6n, entry_addenda_count 8n, entry_hash 10n,"
    "total_debit_entry_dollar_amount_in_file 20n, total_credit_entry_dollar_amount_in_file 20n, reserved 23",
    record_type_code="9",
)

FILLER = _layout("filler", "nines 94")
BLANK = _layout("blank", "blank 94")
UNKNOWN = _layout("unknown", "unknown 94")

LAYOUTS: Sequence[Layout] = (
    FILE_HEADER,
    BATCH_HEADER,
    IAT_BATCH_HEADER,
    ENTRY,
    NAME_FIRST_ENTRY,
    IAT_ENTRY,
    ADV_ENTRY,
    ADDENDA_02,
    ADDENDA_05,
    ADDENDA_10,
    ADDENDA_11,
    ADDENDA_12,
    ADDENDA_13,
    ADDENDA_14,
    ADDENDA_15,
    ADDENDA_16,
    ADDENDA_17,
    ADDENDA_18,
    ADDENDA_98,
    IAT_ADDENDA_98,
    ADDENDA_98_REFUSED,
    ADDENDA_99,
    ADDENDA_99_DISHONORED,
    ADDENDA_99_CONTESTED,
    BATCH_CONTROL,
    ADV_BATCH_CONTROL,
    FILE_CONTROL,
    ADV_FILE_CONTROL,
    FILLER,
)
