"""What addenda have to be, each by itself; what belongs to which entry is told with entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ecosystem.kernel.nacha.changes import CHANGES, REFUSED_CHANGES
from ecosystem.kernel.nacha.classes import TRANSACTION_TYPES
from ecosystem.kernel.nacha.fields import is_day, is_digits, is_text, strange
from ecosystem.kernel.nacha.layouts import (
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
    ADDENDA_98_REFUSED,
    ADDENDA_99,
    ADDENDA_99_CONTESTED,
    ADDENDA_99_DISHONORED,
    IAT_ADDENDA_98,
    Layout,
)
from ecosystem.kernel.nacha.records import Record
from ecosystem.kernel.nacha.refusals import Wrong
from ecosystem.kernel.nacha.returns import CONTESTED_RETURNS, DISHONORED_RETURNS, RETURNS

DOMESTIC: Mapping[str, Layout] = {"02": ADDENDA_02, "05": ADDENDA_05, "98": ADDENDA_98, "99": ADDENDA_99}
INTERNATIONAL: Mapping[str, Layout] = {
    "10": ADDENDA_10,
    "11": ADDENDA_11,
    "12": ADDENDA_12,
    "13": ADDENDA_13,
    "14": ADDENDA_14,
    "15": ADDENDA_15,
    "16": ADDENDA_16,
    "17": ADDENDA_17,
    "18": ADDENDA_18,
    "98": IAT_ADDENDA_98,
    "99": ADDENDA_99,
}
MANDATORY_INTERNATIONAL = ("10", "11", "12", "13", "14", "15", "16")


def layout_of(text: str, *, is_iat: bool, is_adv: bool) -> Layout | None:
    """Which addenda this record is; None when there is none such here."""
    kind = text[1:3]
    if is_adv:
        return ADDENDA_99 if kind == "99" else None
    if is_iat:
        return INTERNATIONAL.get(kind)
    if kind == "98" and text[3:6] in REFUSED_CHANGES:
        return ADDENDA_98_REFUSED
    if kind == "99" and text[3:6] in DISHONORED_RETURNS:
        return ADDENDA_99_DISHONORED
    if kind == "99" and text[3:6] in CONTESTED_RETURNS:
        return ADDENDA_99_CONTESTED
    return DOMESTIC.get(kind)


def _mandatory(record: Record, *fields: str) -> Iterator[Wrong]:
    for field in fields:
        if not record[field]:
            yield Wrong(field, "mandatory")


def _texts(record: Record, *fields: str) -> Iterator[Wrong]:
    for field in fields:
        if not is_text(record[field]):
            yield Wrong(field, "characters", strange(record[field]))


def _terminal(record: Record) -> Iterator[Wrong]:
    yield from _mandatory(
        record, "transaction_serial_number", "transaction_date", "terminal_location", "terminal_city", "terminal_state"
    )
    yield from _texts(
        record,
        "reference_information_one",
        "reference_information_two",
        "terminal_identification_code",
        "transaction_serial_number",
        "authorization_code_or_expire_date",
        "terminal_location",
        "terminal_city",
        "terminal_state",
    )
    if record["transaction_date"] and not is_day(record["transaction_date"]):
        yield Wrong("transaction_date", "transaction_date", record["transaction_date"])


def _remittance(record: Record) -> Iterator[Wrong]:
    yield from _texts(record, "payment_related_information")
    if record.number("sequence_number") == 0:
        yield Wrong("sequence_number", "addenda_sequence", record["sequence_number"])


def _transaction(record: Record) -> Iterator[Wrong]:
    yield from _mandatory(record, "transaction_type_code", "name")
    if record["transaction_type_code"] and record["transaction_type_code"].upper() not in TRANSACTION_TYPES:
        yield Wrong("transaction_type_code", "transaction_type_code", record["transaction_type_code"])
    yield from _texts(record, "foreign_trace_number", "name")
    if record["foreign_payment_amount"] and not is_digits(record["foreign_payment_amount"]):
        yield Wrong("foreign_payment_amount", "numeric", record["foreign_payment_amount"])


def _both(*fields: str) -> Callable[[Record], Iterator[Wrong]]:
    """Fields that have to be there, and be text."""

    def checked(record: Record) -> Iterator[Wrong]:
        yield from _mandatory(record, *fields)
        yield from _texts(record, *fields)

    return checked


def _bank(name: str, qualifier: str, number: str, country: str) -> Callable[[Record], Iterator[Wrong]]:
    def checked(record: Record) -> Iterator[Wrong]:
        yield from _both(name, number, country)(record)
        if record[qualifier] not in {"01", "02", "03"}:
            yield Wrong(qualifier, "bank_number_qualifier", record[qualifier])

    return checked


def _receiver(record: Record) -> Iterator[Wrong]:
    yield from _mandatory(record, "receiver_street_address")
    yield from _texts(record, "receiver_id_number", "receiver_street_address")


def _correspondent(record: Record) -> Iterator[Wrong]:
    yield from _both(
        "foreign_correspondent_bank_name",
        "foreign_correspondent_bank_id_number_qualifier",
        "foreign_correspondent_bank_id_number",
        "foreign_correspondent_bank_branch_country_code",
    )(record)
    if record.number("sequence_number") == 0:
        yield Wrong("sequence_number", "addenda_sequence", record["sequence_number"])


def _change(record: Record) -> Iterator[Wrong]:
    if record["change_code"] not in CHANGES:
        yield Wrong("change_code", "change_code", record["change_code"])
    # International changes may have longer data; the first 29 columns have to say something even so.
    if not record.text[35:64].strip():
        yield Wrong("corrected_data", "corrected_data")


def _refused_change(record: Record) -> Iterator[Wrong]:
    yield from _change(record)
    if not record["trace_sequence_number"]:
        yield Wrong("trace_sequence_number", "mandatory")


def _return(record: Record) -> Iterator[Wrong]:
    if record["return_code"] not in RETURNS:
        yield Wrong("return_code", "return_code", record["return_code"])


def _nothing(_: Record) -> Iterator[Wrong]:
    # A dishonoured or contested return is known by its code, so that the code is right already.
    yield from ()


_CHECKS: Mapping[str, Callable[[Record], Iterator[Wrong]]] = {
    ADDENDA_02.name: _terminal,
    ADDENDA_05.name: _remittance,
    ADDENDA_10.name: _transaction,
    ADDENDA_11.name: _both("originator_name", "originator_street_address"),
    ADDENDA_12.name: _both("originator_city_state_province", "originator_country_postal_code"),
    ADDENDA_13.name: _bank("odfi_name", "odfi_id_number_qualifier", "odfi_identification", "odfi_branch_country_code"),
    ADDENDA_14.name: _bank("rdfi_name", "rdfi_id_number_qualifier", "rdfi_identification", "rdfi_branch_country_code"),
    ADDENDA_15.name: _receiver,
    ADDENDA_16.name: _both("receiver_city_state_province", "receiver_country_postal_code"),
    ADDENDA_17.name: _remittance,
    ADDENDA_18.name: _correspondent,
    ADDENDA_98.name: _change,
    ADDENDA_98_REFUSED.name: _refused_change,
    ADDENDA_99.name: _return,
    ADDENDA_99_DISHONORED.name: _nothing,
    ADDENDA_99_CONTESTED.name: _nothing,
}


def _usual(layout: Layout, *mandatory: str, **more: str) -> re.Pattern[str]:
    """What an addenda looks like that needs no closer look: printable ASCII, and what has to be there is there."""
    made: list[str] = []
    for field in layout.fields:
        if field.name in more:
            made.append(more[field.name])
        elif field.name in mandatory:
            made.append(f"[!-~][ -~]{{{field.width - 1}}}")
        else:
            made.append(layout.constants.get(field.name) or f"[ -~]{{{field.width}}}")
    return re.compile("".join(made), re.ASCII)


def _any_of(codes: Iterable[str]) -> str:
    return f"(?:{'|'.join(codes)})"


_NUMBERED = r"(?!0000)\d{4}"
_QUALIFIER = "0[123]"
_USUAL: Mapping[str, re.Pattern[str]] = {
    ADDENDA_02.name: _usual(
        ADDENDA_02,
        *("transaction_serial_number", "terminal_location", "terminal_city", "terminal_state"),
        transaction_date=r"(?:0[1-9]|1[012])(?:0[1-9]|1\d|2[0-8])",
    ),
    ADDENDA_05.name: _usual(ADDENDA_05, sequence_number=_NUMBERED),
    ADDENDA_10.name: _usual(
        ADDENDA_10, "name", transaction_type_code=_any_of(TRANSACTION_TYPES), foreign_payment_amount=r"\d{18}"
    ),
    ADDENDA_11.name: _usual(ADDENDA_11, "originator_name", "originator_street_address"),
    ADDENDA_12.name: _usual(ADDENDA_12, "originator_city_state_province", "originator_country_postal_code"),
    ADDENDA_13.name: _usual(
        ADDENDA_13,
        *("odfi_name", "odfi_identification", "odfi_branch_country_code"),
        odfi_id_number_qualifier=_QUALIFIER,
    ),
    ADDENDA_14.name: _usual(
        ADDENDA_14,
        *("rdfi_name", "rdfi_identification", "rdfi_branch_country_code"),
        rdfi_id_number_qualifier=_QUALIFIER,
    ),
    ADDENDA_15.name: _usual(ADDENDA_15, "receiver_street_address"),
    ADDENDA_16.name: _usual(ADDENDA_16, "receiver_city_state_province", "receiver_country_postal_code"),
    ADDENDA_17.name: _usual(ADDENDA_17, sequence_number=_NUMBERED),
    ADDENDA_98.name: _usual(ADDENDA_98, "corrected_data", change_code=_any_of(CHANGES)),
    ADDENDA_99.name: _usual(ADDENDA_99, return_code=_any_of(RETURNS)),
}


def wrongs(record: Record) -> Iterable[Wrong]:
    """What is wrong with an addenda record by itself."""
    usual = _USUAL.get(record.layout.name)
    if usual is not None and usual.fullmatch(record.text):
        return ()
    return _CHECKS[record.layout.name](record)
