"""The batch that is being read, its sums, and whether controls repeat what they control."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ecosystem.kernel.nacha.classes import EntryClass
from ecosystem.kernel.nacha.records import Category, Record
from ecosystem.kernel.nacha.refusals import Wrong
from ecosystem.kernel.nacha.transactions import ALL as TRANSACTION_CODES
from ecosystem.kernel.nacha.transactions import TRANSACTIONS, Direction, Purpose

HASH_DIGITS = 10_000_000_000


class Sums(Struct):
    """What is in a file, or in a batch of it."""

    batches: int = 0
    entries: int = 0
    addenda: int = 0
    debit_cents: int = 0
    credit_cents: int = 0
    hash: int = 0

    def count(self, code: str, eight: str, cents: int) -> None:
        """One more entry: its transaction code, the receiving bank's first eight digits, its amount."""
        self.entries += 1
        self.hash += int(eight)
        transaction = TRANSACTIONS.get(code)
        if transaction is None:
            return
        if transaction.direction is Direction.DEBIT:
            self.debit_cents += cents
        else:
            self.credit_cents += cents

    def join(self, batch: Sums) -> None:
        """One more batch."""
        self.batches += 1
        self.entries += batch.entries
        self.addenda += batch.addenda
        self.debit_cents += batch.debit_cents
        self.credit_cents += batch.credit_cents
        self.hash += batch.hash


class OpenBatch(Struct):
    """The batch that is being read."""

    header: Record
    code: str
    kind: EntryClass
    service_class: str
    odfi: str
    is_iat: bool
    is_adv: bool
    is_change: bool
    is_reversal: bool
    easy_codes: frozenset[str]
    sums: Sums
    trace: str = ""
    category: Category | None = None
    has_notice_of_death: bool = False


def easy_codes(kind: EntryClass, service_class: str) -> frozenset[str]:
    """The transaction codes with which an entry of this batch is right, if it moves money and has no addenda."""
    if kind.addenda == "terminal" or kind.addenda_min or kind.counts_addenda or kind.is_without_money:
        return frozenset()
    if kind.code in {"COR", "ADV", "IAT", "TEL"} or kind.is_numbered or kind.has_control_fields or kind.has_card_type:
        return frozenset()
    directions = {"200": set(Direction), "220": {Direction.CREDIT}, "225": {Direction.DEBIT}}.get(service_class, set())
    return frozenset(
        each.code
        for each in TRANSACTION_CODES
        if each.direction in directions
        and each.purpose not in {Purpose.PRENOTE, Purpose.ADVICE}
        and (kind.only is None or each.direction is kind.only)
    )


def equal_wrongs(batch: OpenBatch, control: Record) -> Iterator[Wrong]:
    """Whether a batch control repeats what its header says."""
    header = batch.header
    if header.raw("service_class_code") != control.raw("service_class_code"):
        yield Wrong("service_class_code", "service_class_equal", control.raw("service_class_code"))
    if not batch.is_iat and not batch.is_adv and header["company_identification"] != control["company_identification"]:
        yield Wrong("company_identification", "company_equal", control["company_identification"])
    if header["odfi_identification"] != control["odfi_identification"]:
        yield Wrong("odfi_identification", "odfi_equal", control["odfi_identification"])
    if header.number("batch_number") != control.number("batch_number") or not control["batch_number"]:
        yield Wrong("batch_number", "batch_number_equal", control["batch_number"])


def sums_wrongs(sums: Sums, control: Record, where: str) -> Iterator[Wrong]:
    """Whether the sums in a control are those of what it controls."""
    if control.number("entry_addenda_count") != sums.entries + sums.addenda:
        yield Wrong("entry_addenda_count", "entry_addenda_count", control["entry_addenda_count"])
    if control.number("entry_hash") != sums.hash % HASH_DIGITS:
        yield Wrong("entry_hash", "entry_hash", control["entry_hash"])
    debit, credit = "total_debit_entry_dollar_amount" + where, "total_credit_entry_dollar_amount" + where
    if control.number(debit) != sums.debit_cents:
        yield Wrong(debit, "total_debit", control[debit])
    if control.number(credit) != sums.credit_cents:
        yield Wrong(credit, "total_credit", control[credit])


def file_sums_wrongs(sums: Sums, control: Record) -> Iterator[Wrong]:
    if control.number("batch_count") != sums.batches:
        yield Wrong("batch_count", "batch_count", control["batch_count"])
    yield from sums_wrongs(sums, control, "_in_file")
