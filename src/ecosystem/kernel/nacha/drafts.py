"""Files yet to be written: headings and entries as values, composed into records with their counts, sums and filler.

Batches and entries are taken one after another, so that a file of any size is composed in the memory of an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from ecosystem.kernel.nacha.batches import HASH_DIGITS, Sums
from ecosystem.kernel.nacha.classes import CLASSES
from ecosystem.kernel.nacha.layouts import (
    ADV_BATCH_CONTROL,
    ADV_ENTRY,
    ADV_FILE_CONTROL,
    BATCH_CONTROL,
    BATCH_HEADER,
    ENTRY,
    FILE_CONTROL,
    FILE_HEADER,
    FILLER,
    IAT_BATCH_HEADER,
    IAT_ENTRY,
    LENGTH,
    NAME_FIRST_ENTRY,
    Layout,
    Unfit,
)
from ecosystem.kernel.nacha.reading import BLOCK
from ecosystem.kernel.nacha.records import Entry, Item, Record
from ecosystem.kernel.nacha.transactions import TRANSACTIONS

Values = Mapping[str, str | int]


class AddendaDraft(Struct, frozen=True, kw_only=True):
    """One addenda: what kind, and its values; what its entry decides is filled in."""

    layout: Layout
    values: Values


class EntryDraft(Struct, frozen=True, kw_only=True):
    """An entry. `routing_number` has nine digits; `sequence` are the last seven digits of the trace number.

    `trace_number` is given where it is another bank's: in what comes back. `more` has what the class needs besides.
    """

    transaction_code: str
    routing_number: str
    account_number: str
    cents: int
    sequence: int
    name: str = ""
    identification: str = ""
    discretionary: str = ""
    trace_number: str | None = None
    addenda: Sequence[AddendaDraft] = ()
    more: Values = {}


class BatchDraft(Struct, frozen=True, kw_only=True):
    """The heading of a batch, and its entries. `odfi` are the first eight digits of the originating bank's number."""

    entry_class: str
    service_class: str
    company_name: str
    company_identification: str
    description: str
    effective_on: date | None
    odfi: str
    entries: Iterable[EntryDraft]
    status: str = "1"
    more: Values = {}


class FileDraft(Struct, frozen=True, kw_only=True):
    """The heading of a file, and its batches. `created_at` is local time where the file is made."""

    destination: str
    origin: str
    created_at: datetime
    modifier: str = "A"
    destination_name: str = ""
    origin_name: str = ""
    reference: str = ""
    batches: Iterable[BatchDraft]


def composed(draft: FileDraft, *, ending: str = "\n") -> Iterator[Item]:
    """The file's records in order, counted, summed, numbered, and filled up to whole blocks. Raises `Unfit`."""
    composing = _Composing(ending)
    yield from composing.file(draft)


class _Composing:
    def __init__(self, ending: str) -> None:
        self._ending = ending
        self._records = 0
        self._sums = Sums()
        self._is_advice = False

    def file(self, draft: FileDraft) -> Iterator[Item]:
        yield self._made(
            FILE_HEADER,
            {
                "immediate_destination": draft.destination.rjust(10),
                "immediate_origin": draft.origin.rjust(10),
                "file_creation_date": draft.created_at.strftime("%y%m%d"),
                "file_creation_time": draft.created_at.strftime("%H%M"),
                "file_id_modifier": draft.modifier,
                "immediate_destination_name": draft.destination_name,
                "immediate_origin_name": draft.origin_name,
                "reference_code": draft.reference,
            },
        )
        for number, batch in enumerate(draft.batches, start=1):
            yield from self._batch(batch, number)
        sums = self._sums
        yield self._made(
            ADV_FILE_CONTROL if self._is_advice else FILE_CONTROL,
            {
                "batch_count": sums.batches,
                "block_count": -(-(self._records + 1) // BLOCK),
                "entry_addenda_count": sums.entries + sums.addenda,
                "entry_hash": sums.hash % HASH_DIGITS,
                "total_debit_entry_dollar_amount_in_file": sums.debit_cents,
                "total_credit_entry_dollar_amount_in_file": sums.credit_cents,
            },
        )
        while self._records % BLOCK:
            yield self._made(FILLER, {"nines": "9" * LENGTH})

    def _batch(self, draft: BatchDraft, number: int) -> Iterator[Item]:
        is_iat = draft.entry_class == "IAT" or draft.company_name == "IATCOR"
        self._is_advice = is_adv = draft.entry_class == "ADV"
        if draft.entry_class not in CLASSES:
            raise Unfit(f"{draft.entry_class!r} is no entry class", field="entry_class")
        heading: dict[str, str | int] = {
            "service_class_code": draft.service_class,
            "standard_entry_class_code": draft.entry_class,
            "company_entry_description": draft.description,
            "effective_entry_date": draft.effective_on.strftime("%y%m%d") if draft.effective_on else "",
            "originator_status_code": draft.status,
            "odfi_identification": draft.odfi,
            "batch_number": number,
            "iat_indicator" if is_iat else "company_name": draft.company_name,
            "originator_identification" if is_iat else "company_identification": draft.company_identification,
        }
        yield self._made(IAT_BATCH_HEADER if is_iat else BATCH_HEADER, {**heading, **draft.more})
        sums = Sums()
        for entry in draft.entries:
            yield self._entry(entry, draft, sums, is_iat=is_iat)
        totals: dict[str, str | int] = {
            "service_class_code": draft.service_class,
            "entry_addenda_count": sums.entries + sums.addenda,
            "entry_hash": sums.hash % HASH_DIGITS,
            "total_debit_entry_dollar_amount": sums.debit_cents,
            "total_credit_entry_dollar_amount": sums.credit_cents,
            "odfi_identification": draft.odfi,
            "batch_number": number,
        }
        if not is_iat and not is_adv:
            totals["company_identification"] = draft.company_identification
        yield self._made(ADV_BATCH_CONTROL if is_adv else BATCH_CONTROL, totals)
        self._sums.join(sums)

    def _entry(self, draft: EntryDraft, batch: BatchDraft, sums: Sums, *, is_iat: bool) -> Entry:
        trace = draft.trace_number or f"{batch.odfi}{draft.sequence:07d}"
        eight, check = draft.routing_number[:8], draft.routing_number[8:]
        values: dict[str, str | int] = {
            "transaction_code": draft.transaction_code,
            "rdfi_identification": eight,
            "check_digit": check,
            "dfi_account_number": draft.account_number,
            "amount": draft.cents,
            "addenda_record_indicator": "1" if draft.addenda else "0",
        }
        if is_iat:
            layout = IAT_ENTRY
            values |= {"addenda_records": len(draft.addenda), "trace_number": trace}
        elif batch.entry_class == "ADV":
            layout = ADV_ENTRY
            values |= {"individual_name": draft.name, "sequence_number": draft.sequence}
        else:
            layout = NAME_FIRST_ENTRY if batch.entry_class in {"CIE", "MTE"} else ENTRY
            values |= {
                "identification_number": draft.identification,
                "individual_name": draft.name,
                "discretionary_data": draft.discretionary,
                "trace_number": trace,
            }
        record = self._made(layout, {**values, **draft.more})
        addenda = tuple(self._addenda(draft.addenda, trace))
        if draft.transaction_code not in TRANSACTIONS:
            raise Unfit(f"{draft.transaction_code!r} is no transaction code", field="transaction_code")
        sums.count(draft.transaction_code, eight, draft.cents)
        sums.addenda += len(addenda)
        return Entry(record=record, addenda=addenda)

    def _addenda(self, drafts: Sequence[AddendaDraft], trace: str) -> Iterator[Record]:
        numbers: dict[str, int] = {}
        for draft in drafts:
            spans = draft.layout.spans
            filled: dict[str, str | int] = {}
            if "entry_detail_sequence_number" in spans:
                filled["entry_detail_sequence_number"] = trace[-7:]
                if "sequence_number" in spans:
                    numbers[draft.layout.name] = numbers.get(draft.layout.name, 0) + 1
                    filled["sequence_number"] = numbers[draft.layout.name]
            elif "trace_number" in spans:
                filled["trace_number"] = trace
            yield self._made(draft.layout, {**filled, **draft.values})

    def _made(self, layout: Layout, values: Values) -> Record:
        self._records += 1
        return Record.of(layout, values, ending=self._ending)
