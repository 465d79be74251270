"""Reading and writing: the bytes are kept, whatever they look like, and the values are those of the fields."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bench.ach_files import batch, entry, file, payouts, remittance, samples

from ecosystem.kernel.nacha import (
    LAYOUTS,
    PARTIAL_RETURNS,
    STRICT,
    Category,
    Entry,
    FileRefused,
    Layout,
    Reading,
    Relaxations,
    Unfit,
    read,
    written,
)
from ecosystem.kernel.nacha.layouts import ENTRY, FILE_CONTROL
from ecosystem.kernel.nacha.records import Record

SAMPLES = samples()
PPD = SAMPLES["PPD"]


def outcome(content: bytes, relaxed: Relaxations = STRICT, *, piece: int = 1 << 20) -> Reading:
    """Read in pieces, write back, and compare the bytes."""
    reading = Reading(relaxed)
    pieces = (content[at : at + piece] for at in range(0, len(content), piece))
    assert b"".join(written(reading.items(pieces), reading)) == content
    return reading


def rules(content: bytes, relaxed: Relaxations = STRICT) -> set[str]:
    return {fault.rule for fault in outcome(content, relaxed).faults}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_right_file_of_each_class_is_accepted_and_written_back(name: str) -> None:
    assert outcome(SAMPLES[name]).faults == []


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_fields_of_a_record_cover_it_without_gap_or_overlap(layout: Layout) -> None:
    fields = layout.fields

    assert [field.first for field in fields] == [1, *(field.last + 1 for field in fields[:-1])]
    assert fields[-1].last == 94
    assert len({field.name for field in fields}) == len(fields)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "", "\n\n", "   \n", " \r\n \r\n"])
def test_line_endings_and_blanks_around_lines_are_kept(ending: str) -> None:
    assert outcome(ending.join(PPD.decode().splitlines()).encode()).is_accepted


@pytest.mark.parametrize(
    "content",
    [
        PPD.rstrip(b"\n"),
        b"\n".join(line for line in PPD.splitlines() if not line.startswith(b"99")),
        PPD + b"9" * 94 + b"\n" + b"9" * 40,
        b"\n  \n" + PPD + b"\n\n\n",
        b"\n".join(line.rstrip() for line in PPD.splitlines()),
        b"\n".join(line + b" " * 7 for line in PPD.splitlines()),
    ],
    ids=["no last ending", "no filler", "more filler", "blank lines", "trimmed", "padded"],
)
def test_filler_and_padding_may_be_more_or_less(content: bytes) -> None:
    assert outcome(content).is_accepted


@pytest.mark.parametrize("piece", [1, 2, 13, 94, 95, 1000])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", ""])
def test_the_pieces_in_which_bytes_come_do_not_matter(piece: int, ending: str) -> None:
    broken = ending.join([*PPD.decode().splitlines(), "7" * 120, "5"]).encode()

    assert outcome(broken, piece=piece).faults == outcome(broken).faults


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_accents_are_taken_in_either_encoding(encoding: str) -> None:
    content = PPD.decode().replace("Person 2", "Pèrson é", 1).encode(encoding)

    reading = outcome(content)
    assert reading.is_accepted
    assert reading.encoding == encoding


def test_the_encoding_is_told_by_the_first_bytes_even_when_a_letter_is_cut_in_two() -> None:
    head = PPD.decode().replace("Ecosystem", "Écosystem", 1)
    for cut in range(1018, 1030):
        content = (head + " " * (cut - len(head.encode())) + "é").encode()
        assert outcome(content).encoding == "utf-8"


def test_the_values_are_those_of_the_fields() -> None:
    items, sums = read(PPD)
    entries = [item for item in items if isinstance(item, Entry)]

    assert (sums.batches, sums.entries, sums.addenda) == (1, 3, 1)
    assert (sums.debit_cents, sums.credit_cents) == (7, 12_345 + 8)
    assert [each.transaction_code for each in entries] == ["22", "27", "32"]
    assert [each.amount_cents for each in entries] == [12_345, 7, 8]
    assert entries[2].trace_number == "076401250000003"
    assert entries[2].addenda[0]["payment_related_information"] == "booking 1"
    assert entries[0].record["individual_name"] == "Person 1"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("return", Category.RETURN),
        ("dishonoured return", Category.DISHONORED),
        ("contested return", Category.CONTESTED),
        ("change", Category.CHANGE),
        ("refused change", Category.CHANGE),
        ("international return", Category.RETURN),
        ("international change", Category.CHANGE),
        ("IAT", Category.FORWARD),
    ],
)
def test_an_entry_says_what_it_is_about(name: str, category: Category) -> None:
    items, _ = read(SAMPLES[name])

    assert [item.category for item in items if isinstance(item, Entry)] == [category]


def test_a_refusal_names_line_record_field_and_rule() -> None:
    broken = PPD.replace(b"0000012345", b"0000012346")

    with pytest.raises(FileRefused) as refused:
        read(broken)

    assert [(fault.line, fault.record, fault.field, fault.rule) for fault in refused.value.faults] == [
        (7, "batch_control", "total_credit_entry_dollar_amount", "total_credit")
    ]
    assert "line 7" in refused.value.message


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    first, *rest = PPD.splitlines()
    broken = b"\n".join([first, b"", *rest]).replace(b"PPD", b"XXX")

    assert [fault.line for fault in outcome(broken).faults] == [3]
    assert [fault.line for fault in outcome(PPD.replace(b"\n", b"").replace(b"PPD", b"XXX")).faults] == [2]


def test_a_line_that_is_too_long_is_refused_on_its_own_line() -> None:
    lines = PPD.splitlines()
    lines[2] += b"XY"

    assert {(fault.line, fault.rule) for fault in outcome(b"\n".join(lines)).faults} >= {(3, "record_length")}


def test_a_thousand_faults_are_told_and_no_more() -> None:
    reading = outcome(b"\n".join([b"X"] * 5_000))

    assert len(reading.faults) == 1_001
    assert reading.faults[-1].rule == "too_many_refusals"


def test_partial_return_files_are_taken_when_asked_for() -> None:
    part = b"\n".join(SAMPLES["return"].splitlines()[1:4])

    assert {"file_header_missing", "file_control_missing", "batch_control_missing"} <= rules(part)
    assert rules(part, PARTIAL_RETURNS) == set()
    assert rules(part.replace(b"R01", b"R97"), PARTIAL_RETURNS) == set()
    assert rules(SAMPLES["return"].replace(b"R01", b"R97")) == {"return_code"}


def test_a_field_that_changes_leaves_all_others() -> None:
    items, _ = read(PPD)
    record = next(item for item in items if isinstance(item, Entry)).record

    changed = record.becomes({"amount": 7, "individual_name": "Somebody else"})

    assert changed["amount"] == "0000000007"
    assert changed["individual_name"] == "Somebody else"
    assert changed.becomes({"amount": 12_345, "individual_name": "Person 1"}).text == record.text
    assert read(b"".join(written(items)))[1].entries == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": 10**10}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"individual_name": "x" * 23}, "individual_name"),
        ({"individual_name": "Zoë"}, "individual_name"),
        ({"individual_name": "a\nb"}, "individual_name"),
        ({"nothing": 1}, "nothing"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_written(values: dict[str, str | int], field: str) -> None:
    with pytest.raises(Unfit) as refused:
        Record.of(ENTRY, values)

    assert refused.value.field == field


def test_a_composed_file_is_counted_summed_and_filled_up() -> None:
    content = file(
        batch("PPD", "220", *(entry(sequence=number) for number in range(1, 8))), batch("CCD", "220", entry())
    )
    items, sums = read(content)
    control = next(item for item in items if isinstance(item, Record) and item.layout is FILE_CONTROL)

    assert sums.entries == 8
    assert control["block_count"] == "000002"
    assert len(content.splitlines()) == 20


def test_addenda_of_a_composed_entry_bear_its_number() -> None:
    items, _ = read(file(batch("CTX", "220", entry(name="0002Somebody", addenda=[remittance("a"), remittance("b")]))))
    only = next(item for item in items if isinstance(item, Entry))

    assert [addenda["sequence_number"] for addenda in only.addenda] == ["0001", "0002"]
    assert {addenda["entry_detail_sequence_number"] for addenda in only.addenda} == {"0000001"}


def test_a_large_file_is_read_entry_by_entry() -> None:
    blocks = iter(payouts(3_000))
    taken = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for block in blocks:
            taken += 1
            yield block

    reading = Reading()
    first = next(item for item in reading.items(counted()) if isinstance(item, Entry))

    assert first.trace_number == "076401250000001"
    assert taken == 1


def test_papers_without_money_are_taken_when_there_are_papers() -> None:
    assert rules(file(batch("CCD", "220", entry("24", 0, addenda=[remittance()])))) == set()
    assert rules(file(batch("CCD", "220", entry("24", 0)))) == {"amount_zero"}
    assert rules(file(batch("PPD", "220", entry("24", 0, addenda=[remittance()])))) == {"amount_zero"}


def test_a_refusal_does_not_tell_an_account_number() -> None:
    reading = outcome(PPD.replace(b"81967038519", b"8196703851\x1a"))

    assert [fault.rule for fault in reading.faults] == ["characters"]
    assert "8196" not in reading.faults[0].message
    assert r"'\x1a'" in reading.faults[0].message


@pytest.mark.parametrize("blank", [" " * 131 + "\r\n", "\n" * 9, " " * 94 + "\n"])
@pytest.mark.parametrize("times", [30, 3_000])
def test_many_blank_lines_anywhere_are_kept_in_their_place(blank: str, times: int) -> None:
    lines = PPD.decode().splitlines(keepends=True)
    for at in range(len(lines) + 1):
        reading = outcome("".join([*lines[:at], blank * times, *lines[at:]]).encode())
        assert reading.is_accepted or (times == 3_000 and at == 5)
