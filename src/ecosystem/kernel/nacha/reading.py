"""Reading a file: bytes in; records, entries and what is wrong with them out, one after another.

Only the entry at hand and a few sums are in memory, whatever the size of the file. What is read keeps its bytes, so that
`writing.written` gives back the very file. A file is accepted when reading it to its end found nothing wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from ecosystem.kernel.nacha import entries, headers
from ecosystem.kernel.nacha.addenda import layout_of
from ecosystem.kernel.nacha.addenda import wrongs as addenda_wrongs
from ecosystem.kernel.nacha.batches import (
    OpenBatch,
    Sums,
    easy_codes,
    equal_wrongs,
    file_sums_wrongs,
    sums_wrongs,
)
from ecosystem.kernel.nacha.classes import CLASSES
from ecosystem.kernel.nacha.fields import is_routing_number
from ecosystem.kernel.nacha.layouts import (
    ADDENDA_98,
    ADDENDA_98_REFUSED,
    ADDENDA_99,
    ADDENDA_99_CONTESTED,
    ADDENDA_99_DISHONORED,
    ADV_BATCH_CONTROL,
    ADV_ENTRY,
    ADV_FILE_CONTROL,
    BATCH_CONTROL,
    BATCH_HEADER,
    BLANK,
    ENTRY,
    FILE_CONTROL,
    FILE_HEADER,
    FILLER,
    IAT_BATCH_HEADER,
    IAT_ENTRY,
    NAME_FIRST_ENTRY,
    UNKNOWN,
    Layout,
)
from ecosystem.kernel.nacha.lines import Line, Lines
from ecosystem.kernel.nacha.records import BLANKS, Category, Entry, Item, Record
from ecosystem.kernel.nacha.refusals import Fault, FileRefused, Wrong
from ecosystem.kernel.nacha.relaxations import STRICT, Relaxations
from ecosystem.kernel.nacha.rules import RULES

FAULTS_MAX = 1_000
BLANKS_WITHIN_MAX = 100_000
ADDENDA_MAX = 9_999
BLOCK = 10
SHOWN_MAX = 40

# The usual domestic entry: nothing in it needs a closer look but its routing number and what its batch asks.
_USUAL = re.compile(r"6(\d\d)(\d{9})(?! {17})[ -~]{17}(\d{10})[ -~]{15}([ -~]{22})[ -~]{2}[01](\d{15})", re.ASCII)
_USUAL_NAME_FIRST = re.compile(
    r"6(\d\d)(\d{9})(?! {17})[ -~]{17}(\d{10})([ -~]{15})[ -~]{22}[ -~]{2}[01](\d{15})", re.ASCII
)
_NAME_FIRST = frozenset({"CIE", "MTE"})
_CATEGORIES = {
    ADDENDA_98.name: Category.CHANGE,
    ADDENDA_98_REFUSED.name: Category.CHANGE,
    ADDENDA_99.name: Category.RETURN,
    ADDENDA_99_DISHONORED.name: Category.DISHONORED,
    ADDENDA_99_CONTESTED.name: Category.CONTESTED,
}
_NAMES = {
    "1": FILE_HEADER.name,
    "5": BATCH_HEADER.name,
    "6": ENTRY.name,
    "7": "addenda",
    "8": BATCH_CONTROL.name,
    "9": FILE_CONTROL.name,
}


class Reading:
    """One file, read once. `faults` and `sums` are whole when `items` has come to its end."""

    def __init__(self, relaxed: Relaxations = STRICT) -> None:
        self.faults: list[Fault] = []
        self.sums = Sums()
        self._waived = relaxed.waived
        self._lines = Lines()
        self._header: Record | None = None
        self._control: Record | None = None
        self._batch: OpenBatch | None = None
        self._entry: Record | None = None
        self._addenda: list[Record] = []
        self._category = Category.FORWARD
        self._is_usual = False
        self._number = 0
        self._records = 0
        self._controls = Sums()
        self._has_advices = False
        self._has_payments = False
        self._take: dict[str, Callable[[Line], Iterator[Item]]] = {
            "1": self._file_header,
            "5": self._batch_header,
            "6": self._entry_detail,
            "7": self._addenda_record,
            "8": self._batch_control,
            "9": self._file_control,
        }

    @property
    def is_accepted(self) -> bool:
        return not self.faults

    @property
    def encoding(self) -> str:
        """How characters lie in the bytes; known once the first item is."""
        return self._lines.encoding

    def items(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        """Every record in order; entries come with their addenda. What is wrong gathers in `faults` meanwhile."""
        for line in self._lines.of(chunks):
            if line.number == 0:
                yield from self._blank(line)
                continue
            if line.text.startswith("99") and not line.text.strip("9" + BLANKS):
                yield from self._finished()
                yield self._record(FILLER, line)
                continue
            known = len(self.faults)
            take = self._take.get(line.text[0], self._unknown)
            self._records += 1
            if self._control is not None:
                wrong = Wrong("record_type_code", "record_after_file_control", line.text[0])
                self._fault(line.number, _NAMES.get(line.text[0], UNKNOWN.name), wrong)
            yield from take(line)
            if line.length and len(self.faults) > known:
                # A record cut short is the likelier reason for what is wrong with it.
                wrong = Wrong("", "record_length", str(line.length))
                self._fault(line.number, _NAMES.get(line.text[0], UNKNOWN.name), wrong)
        yield from self._finished()
        self._end()

    # One function for each type of record.

    def _blank(self, line: Line) -> Iterator[Item]:
        """Blank lines that are too many for an ending. Within an entry they stay with it, lest addenda lose it."""
        last = self._addenda[-1] if self._addenda else self._entry
        if last is None or len(last.ending) > BLANKS_WITHIN_MAX:
            yield from self._finished()
            yield self._record(BLANK, line)
            return
        last = replace(last, ending=last.ending + line.ending)
        if self._addenda:
            self._addenda[-1] = last
        else:
            self._entry = last

    def _unknown(self, line: Line) -> Iterator[Item]:
        yield from self._finished()
        self._fault(line.number, "unknown", Wrong("record_type_code", "record_type", line.text[0]))
        yield self._record(UNKNOWN, line)

    def _file_header(self, line: Line) -> Iterator[Item]:
        yield from self._finished()
        record = self._record(FILE_HEADER, line)
        if self._header is not None:
            self._fault(line.number, FILE_HEADER.name, Wrong("record_type_code", "file_header_repeated"))
        elif self.sums.batches or self._batch is not None:
            self._fault(line.number, FILE_HEADER.name, Wrong("record_type_code", "file_header_misplaced"))
        self._header = self._header or record
        self._faults(record, headers.file_header_wrongs(record))
        yield record

    def _batch_header(self, line: Line) -> Iterator[Item]:
        yield from self._finished()
        if self._batch is not None:
            self._fault(line.number, BATCH_HEADER.name, Wrong("record_type_code", "batch_header_repeated"))
            if self._batch.sums.entries:
                self._close_batch(line.number)
        text = line.text
        is_change = text[4:20].strip(BLANKS) == "IATCOR"
        is_iat = text[50:53] == "IAT" or is_change
        record = self._record(IAT_BATCH_HEADER if is_iat else BATCH_HEADER, line)
        self._faults(record, headers.iat_batch_header_wrongs(record) if is_iat else headers.batch_header_wrongs(record))
        self._open_batch(
            record, is_iat=is_iat, is_change=is_change and record.raw("standard_entry_class_code") == "COR"
        )
        yield record

    def _entry_detail(self, line: Line) -> Iterator[Item]:
        if self._entry is not None:
            yield from self._finished()
        batch = self._batch
        text = line.text
        if batch is None:
            self._fault(line.number, ENTRY.name, Wrong("record_type_code", "entry_outside_batch"))
            layout = ENTRY
        elif batch.is_iat:
            layout = IAT_ENTRY
        elif batch.is_adv:
            layout = ADV_ENTRY
        else:
            layout = NAME_FIRST_ENTRY if batch.code in _NAME_FIRST else ENTRY
        record = Record(layout=layout, text=text, line=line.number, cut=line.cut, ending=line.ending)
        self._entry = record
        self._category = Category.FORWARD
        if batch is None:
            return
        self._is_usual = (layout is ENTRY or layout is NAME_FIRST_ENTRY) and self._is_taken(batch, layout, text)
        if not self._is_usual:
            self._examine(batch, record)

    def _is_taken(self, batch: OpenBatch, layout: Layout, text: str) -> bool:
        """Take an entry at once if it is a usual one with nothing wrong; nearly all are."""
        usual = (_USUAL if layout is ENTRY else _USUAL_NAME_FIRST).fullmatch(text)
        if usual is None:
            return False
        code, nine, amount, name, trace = usual.groups()
        cents = int(amount)
        kind = batch.kind
        if (
            code not in batch.easy_codes
            or not cents
            or (kind.cents_max is not None and cents > kind.cents_max)
            or trace <= batch.trace
            or not trace.startswith(batch.odfi)
            or not is_routing_number(nine)
            or (kind.is_named and not name.strip(" 0"))
        ):
            return False
        batch.trace = trace
        batch.sums.count(code, nine[:8], cents)
        return True

    def _examine(self, batch: OpenBatch, record: Record) -> None:
        """Look at an entry field by field: it is none of the usual ones, or something is wrong with it."""
        if batch.is_iat:
            self._faults(record, entries.iat_wrongs(record))
        elif batch.is_adv:
            self._faults(record, entries.adv_wrongs(record))
        else:
            self._faults(record, entries.domestic_wrongs(record))
        code = record.raw("transaction_code")
        if not batch.is_adv:
            trace = record.raw("trace_number").strip(BLANKS) if batch.is_iat else record.raw("trace_number")
            if trace <= (batch.trace or ("-1" if batch.is_iat else "0")):
                self._faults(record, [Wrong("trace_number", "trace_ascending", trace)])
            if trace.rjust(15, "0")[:8] != batch.odfi:
                self._faults(record, [Wrong("trace_number", "trace_odfi", trace)])
            batch.trace = trace
            if not batch.is_iat:
                self._faults(record, entries.direction_wrongs(code, batch.service_class))
        if batch.code == "DNE" and code in {"23", "33"}:
            batch.has_notice_of_death = True
        eight = record.raw("rdfi_identification")
        batch.sums.count(code, eight if eight.isascii() and eight.isdigit() else "0", record.number("amount"))

    def _addenda_record(self, line: Line) -> Iterator[Item]:
        batch, entry = self._batch, self._entry
        layout = layout_of(
            line.text, is_iat=batch is not None and batch.is_iat, is_adv=batch is not None and batch.is_adv
        )
        record = self._record(layout or UNKNOWN, line)
        if batch is not None:
            batch.sums.addenda += 1
        if entry is None:
            self._fault(line.number, "addenda", Wrong("record_type_code", "addenda_outside_entry"))
            yield record
            return
        if not self._addenda and entry["addenda_record_indicator"] != "1":
            indicator = entry["addenda_record_indicator"]
            self._faults(entry, [Wrong("addenda_record_indicator", "addenda_indicator", indicator)])
        if layout is None:
            self._fault(line.number, "addenda", Wrong("addenda_type_code", "addenda_type_code", line.text[1:3]))
        else:
            self._faults(record, addenda_wrongs(record))
            self._category = _CATEGORIES.get(layout.name, self._category)
        if len(self._addenda) < ADDENDA_MAX:
            self._addenda.append(record)
        else:
            self._fault(line.number, "addenda", Wrong("addenda_type_code", "addenda_max", str(ADDENDA_MAX + 1)))
            yield record

    def _batch_control(self, line: Line) -> Iterator[Item]:
        yield from self._finished()
        batch = self._batch
        record = self._record(ADV_BATCH_CONTROL if batch is not None and batch.is_adv else BATCH_CONTROL, line)
        if batch is None:
            self._fault(line.number, record.layout.name, Wrong("record_type_code", "batch_control_misplaced"))
        else:
            self._faults(record, headers.batch_control_wrongs(record))
            self._faults(record, equal_wrongs(batch, record))
            self._faults(record, sums_wrongs(batch.sums, record, ""))
            controls = self._controls
            controls.entries += record.number("entry_addenda_count")
            controls.hash += record.number("entry_hash")
            controls.debit_cents += record.number("total_debit_entry_dollar_amount")
            controls.credit_cents += record.number("total_credit_entry_dollar_amount")
            self._close_batch(line.number)
        yield record

    def _file_control(self, line: Line) -> Iterator[Item]:
        yield from self._finished()
        self._leave_batch(line.number)
        record = self._record(ADV_FILE_CONTROL if self._has_advices else FILE_CONTROL, line)
        if self._control is None:
            self._control = record
            self._faults(record, headers.file_control_wrongs(record))
            self._controls.batches = self.sums.batches
            self._faults(record, file_sums_wrongs(self._controls, record))
            blocks = -(-self._records // BLOCK)
            if record.number("block_count") != blocks:
                self._faults(record, [Wrong("block_count", "block_count", record["block_count"])])
        yield record

    # Batches and entries as a whole.

    def _open_batch(self, header: Record, *, is_iat: bool, is_change: bool) -> None:
        code = header.raw("standard_entry_class_code")
        kind = CLASSES.get(code) or CLASSES["CCD"]
        service_class = header.raw("service_class_code")
        is_adv = not is_iat and code == "ADV"
        self._has_advices = self._has_advices or is_adv
        self._has_payments = self._has_payments or not is_adv
        if self._has_advices and self._has_payments:
            self._faults(header, [Wrong("standard_entry_class_code", "advices_alone", code)])
        if not is_iat and not is_adv:
            # International batches are numbered for themselves.
            number = header.number("batch_number")
            if number <= self._number:
                self._faults(header, [Wrong("batch_number", "batch_number_ascending", str(number))])
            self._number = number
        self._batch = OpenBatch(
            header=header,
            code=code,
            kind=kind,
            service_class=service_class,
            odfi=header["odfi_identification"].rjust(8, "0"),
            is_iat=is_iat,
            is_adv=is_adv,
            is_change=is_change,
            is_reversal=not is_iat and header["company_entry_description"].upper() == "REVERSAL",
            easy_codes=easy_codes(kind, service_class) if not is_iat else frozenset(),
            sums=Sums(),
        )

    def _leave_batch(self, line: int) -> None:
        """Close a batch that has no control, which is wrong."""
        if self._batch is not None:
            self._fault(line, self._batch.header.layout.name, Wrong("record_type_code", "batch_control_missing"))
            self._close_batch(line)

    def _close_batch(self, line: int) -> None:
        batch = self._batch
        assert batch is not None
        if batch.sums.entries == 0:
            self._fault(line, "batch", Wrong("record_type_code", "batch_empty"))
        if batch.has_notice_of_death and batch.header.raw("originator_status_code") != "2":
            status = batch.header.raw("originator_status_code")
            self._faults(batch.header, [Wrong("originator_status_code", "originator_government", status)])
        self.sums.join(batch.sums)
        self._batch = None

    def _finished(self) -> Iterator[Item]:
        """The entry at hand, now that all its addenda are there."""
        record = self._entry
        if record is None:
            return
        entry = Entry(record=record, addenda=tuple(self._addenda), category=self._category)
        self._entry = None
        batch = self._batch
        if batch is not None:
            if batch.category is None:
                batch.category = entry.category
            if entry.addenda or not self._is_usual:
                self._look_at_whole(batch, entry)
            elif entry.category is not batch.category:
                self._faults(record, [Wrong("", "one_category", entry.category.value)])
        if self._addenda:
            self._addenda = []
        yield entry

    def _look_at_whole(self, batch: OpenBatch, entry: Entry) -> None:
        record = entry.record
        if entry.category is not batch.category and entry.category is not Category.CHANGE:
            self._faults(record, [Wrong("", "one_category", entry.category.value)])
        if batch.is_iat:
            self._faults(record, entries.international_wrongs(entry, is_change_batch=batch.is_change))
        elif batch.is_adv:
            self._faults(record, entries.advice_wrongs(entry))
        else:
            self._faults(record, entries.class_wrongs(entry, batch.kind, is_reversal=batch.is_reversal))
        if entry.addenda and not batch.is_adv and not (batch.is_iat and entry.category is Category.CHANGE):
            tail = record["trace_number"].rjust(15, "0")[8:]
            self._faults(record, entries.sequence_wrongs(entry, tail))

    def _end(self) -> None:
        """What only the end of the file tells."""
        self._leave_batch(0)
        if self._header is None:
            self._fault(0, "file", Wrong("record_type_code", "file_header_missing"))
        if self._control is None:
            self._fault(0, "file", Wrong("record_type_code", "file_control_missing"))

    # Faults.

    def _record(self, layout: Layout, line: Line) -> Record:
        return Record(layout=layout, text=line.text, line=line.number, cut=line.cut, ending=line.ending)

    def _faults(self, record: Record, wrongs: Iterable[Wrong]) -> None:
        for wrong in wrongs:
            at = wrong.at or record
            self._fault(at.line, at.layout.name, wrong)

    def _fault(self, line: int, record: str, wrong: Wrong) -> None:
        if wrong.rule in self._waived or len(self.faults) > FAULTS_MAX:
            return
        if len(self.faults) == FAULTS_MAX:
            line, record, wrong = 0, "file", Wrong("", "too_many_refusals")
        found = f" Found: {wrong.found[:SHOWN_MAX]!r}." if wrong.found.strip(" ") else ""
        message = RULES[wrong.rule] + found
        self.faults.append(Fault(line=line, record=record, field=wrong.field, rule=wrong.rule, message=message))


def read(content: bytes, relaxed: Relaxations = STRICT) -> tuple[list[Item], Sums]:
    """A whole small file as values. Raises `FileRefused` with everything that is wrong."""
    reading = Reading(relaxed)
    items = list(reading.items([content]))
    if reading.faults:
        raise FileRefused(reading.faults)
    return items, reading.sums
