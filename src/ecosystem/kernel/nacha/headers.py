"""What the records around entries have to be: headers and controls of files and batches, each field by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.kernel.money import UnknownCurrency, exponent
from ecosystem.kernel.nacha.classes import CLASSES
from ecosystem.kernel.nacha.countries import COUNTRIES
from ecosystem.kernel.nacha.fields import (
    is_date,
    is_digits,
    is_routing_number,
    is_text,
    is_time,
    says_something,
    strange,
)
from ecosystem.kernel.nacha.records import Record
from ecosystem.kernel.nacha.refusals import Wrong

SERVICE_CLASSES = frozenset({"200", "220", "225", "280"})
CONSTANTS = {
    "priority_code": "01",
    "record_size": "094",
    "blocking_factor": "10",
    "format_code": "1",
}


def _texts(record: Record, *fields: str) -> Iterator[Wrong]:
    for field in fields:
        if not is_text(record[field]):
            yield Wrong(field, "characters", strange(record[field]))


def routing(value: str) -> str:
    """A routing number out of its ten columns: without the blank or the zero before it."""
    return value[1:].strip() if len(value) == 10 and value[0] == "0" else value


def file_header_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with a file header."""
    for field, wanted in CONSTANTS.items():
        if record.raw(field) != wanted:
            yield Wrong(field, field, record.raw(field))
    destination = routing(record["immediate_destination"])
    if not destination:
        yield Wrong("immediate_destination", "mandatory")
    elif not is_routing_number(destination) or destination == "000000000":
        yield Wrong("immediate_destination", "routing_number", destination)
    origin = record["immediate_origin"]
    if not origin:
        yield Wrong("immediate_origin", "mandatory")
    elif origin in {"000000000", "0000000000"}:
        yield Wrong("immediate_origin", "origin", origin)
    if not is_date(record.raw("file_creation_date")):
        yield Wrong("file_creation_date", "file_creation_date", record["file_creation_date"])
    if record["file_creation_time"] and not is_time(record.raw("file_creation_time")):
        yield Wrong("file_creation_time", "file_creation_time", record["file_creation_time"])
    modifier = record.raw("file_id_modifier")
    if not (modifier.isascii() and (modifier.isdigit() or modifier.isupper() or modifier == " ")):
        yield Wrong("file_id_modifier", "file_id_modifier", modifier)
    yield from _texts(record, "immediate_destination_name", "immediate_origin_name", "reference_code")


def _batch_wrongs(record: Record) -> Iterator[Wrong]:
    """What headers of domestic and of international batches have in common."""
    if record.raw("service_class_code") not in SERVICE_CLASSES:
        yield Wrong("service_class_code", "service_class_code", record.raw("service_class_code"))
    code = record.raw("standard_entry_class_code")
    if code not in CLASSES:
        yield Wrong("standard_entry_class_code", "standard_entry_class_code", code)
    if not record["odfi_identification"]:
        yield Wrong("odfi_identification", "mandatory")
    effective = record.raw("effective_entry_date")
    if effective.strip(" 0") and not is_date(effective):
        yield Wrong("effective_entry_date", "effective_entry_date", effective)


def batch_header_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the header of a domestic batch."""
    yield from _batch_wrongs(record)
    for field in ("company_name", "company_identification", "company_entry_description"):
        if not record[field]:
            yield Wrong(field, "mandatory")
        elif not says_something(record[field]):
            yield Wrong(field, "not_only_zeros", record[field])
    status = record.raw("originator_status_code")
    is_advice = record.raw("standard_entry_class_code") == "ADV"
    # A blank stands for the 0 of advices in files that operators send.
    if status.replace(" ", "0") not in ({"0"} if is_advice else {"1", "2"}):
        yield Wrong("originator_status_code", "originator_status_code", status)
    kind = CLASSES.get(record.raw("standard_entry_class_code"))
    if kind is not None:
        service = record.raw("service_class_code")
        if service in SERVICE_CLASSES and service not in kind.service_classes:
            yield Wrong("service_class_code", "service_class_of_class", service)
        if kind.description is not None and record["company_entry_description"] != kind.description:
            yield Wrong("company_entry_description", "company_entry_description", record["company_entry_description"])
    yield from _texts(
        record, "company_name", "company_discretionary_data", "company_identification", "company_entry_description"
    )


def iat_batch_header_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the header of an international batch."""
    yield from _batch_wrongs(record)
    if record.raw("service_class_code") == "280":
        yield Wrong("service_class_code", "service_class_of_class", "280")
    indicator = record["foreign_exchange_indicator"]
    if indicator not in {"FV", "VF", "FF"}:
        yield Wrong("foreign_exchange_indicator", "foreign_exchange_indicator", indicator)
    reference = record["foreign_exchange_reference_indicator"]
    if reference not in ({"1", "2", "3", "0", ""} if indicator == "FF" else {"1", "2", "3"}):
        yield Wrong("foreign_exchange_reference_indicator", "foreign_exchange_reference_indicator", reference)
    country = record["iso_destination_country_code"]
    if country.upper() not in COUNTRIES:
        yield Wrong("iso_destination_country_code", "country", country)
    for field in ("originator_identification", "company_entry_description"):
        if not record[field]:
            yield Wrong(field, "mandatory")
    for field in ("iso_originating_currency_code", "iso_destination_currency_code"):
        if not is_currency(record[field]):
            yield Wrong(field, "currency", record[field])
    if record.raw("originator_status_code") not in {" ", "0", "1", "2"}:
        yield Wrong("originator_status_code", "originator_status_code", record["originator_status_code"])
    yield from _texts(record, "company_entry_description")


def is_currency(code: str) -> bool:
    """Whether this is a currency of ISO 4217."""
    try:
        exponent(code)
    except UnknownCurrency:
        return False
    return True


def _numbers(record: Record, *fields: str) -> Iterator[Wrong]:
    for field in fields:
        if not is_digits(record[field]):
            yield Wrong(field, "numeric", record[field])


def batch_control_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with a batch control."""
    if record.raw("service_class_code") not in SERVICE_CLASSES:
        yield Wrong("service_class_code", "service_class_code", record.raw("service_class_code"))
    yield from _numbers(
        record,
        "entry_addenda_count",
        "entry_hash",
        "total_debit_entry_dollar_amount",
        "total_credit_entry_dollar_amount",
    )
    for field in ("company_identification", "message_authentication_code", "ach_operator_data"):
        if field in record.layout.spans:
            yield from _texts(record, field)


def file_control_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with a file control."""
    yield from _numbers(
        record,
        "batch_count",
        "block_count",
        "entry_addenda_count",
        "entry_hash",
        "total_debit_entry_dollar_amount_in_file",
        "total_credit_entry_dollar_amount_in_file",
    )
