"""What each fault ought to be called: the words of the mutations, put into the words of the reconciliation.

By the meaning of both, and never by trying. Several deeds on one line are called by all their names, except where one
deed hides another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from bench.reconciliation_mutations import Deed, Note
from bench.reconciliation_world import Line
from ecosystem.contexts.reconciliation import Kind

EXCHANGED_DAYS = 2
"""Lines are exchanged between movements of neighbouring days."""

FEES = {"fee", "bank_fee"}
HANDED_OVER = {"credit", "debit"}
GONE = {"processor": Kind.MISSING_AT_PROCESSOR, "bank": Kind.MISSING_AT_BANK}
TWICE = {
    "ledger": Kind.DUPLICATE_IN_LEDGER,
    "processor": Kind.DUPLICATE_AT_PROCESSOR,
    "bank": Kind.DUPLICATE_AT_BANK,
}
NOT_BOOKED = {
    "fee": Kind.FEE_UNBOOKED,
    "bank_fee": Kind.FEE_UNBOOKED,
    "refund": Kind.REFUND_UNBOOKED,
    "refund_failed": Kind.REFUND_UNBOOKED,
    "chargeback": Kind.CHARGEBACK_UNBOOKED,
    "chargeback_returned": Kind.CHARGEBACK_UNBOOKED,
    "transfer_reversed": Kind.FAILURE_UNBOOKED,
    "withdrawal_returned": Kind.FAILURE_UNBOOKED,
    "credit_returned": Kind.RETURN_UNBOOKED,
    "debit_returned": Kind.RETURN_UNBOOKED,
    "credit": Kind.SETTLEMENT_UNBOOKED,
    "debit": Kind.SETTLEMENT_UNBOOKED,
}
SAME = {
    "negate": {Kind.SIGN},
    "other_currency": {Kind.CURRENCY},
    "mistype": {Kind.REFERENCE},
    "blank": {Kind.REFERENCE},
    "other_account": {Kind.ACCOUNT},
    "other_word": {Kind.MOVEMENT},
    "in_parts": {Kind.SPLIT},
    "exchange": {Kind.SWAPPED},
    "together": {Kind.MERGED},
    "neither": {Kind.STALE_CLEARING},
}


OWN_MONEY = {"withdrawal", "withdrawal_returned"}
MOVED = {"later", "earlier"}
LATE_DAYS = dict.fromkeys(OWN_MONEY, 6) | dict.fromkeys(HANDED_OVER, 5)
EARLY_DAYS = dict.fromkeys(OWN_MONEY, 6)
"""Days by which another side may be behind our books, or ahead of them: two, and one, where nothing else stands here."""


def named(note: Note, lines: Sequence[Line]) -> frozenset[Kind]:
    """What a comparer should call it, if anything: `lines` are the movement's as they stand in the files."""
    found = {kind for deed in note.deeds for kind in _of(deed)}
    if any(deed.deed in MOVED for deed in note.deeds):
        found |= {*_by_days(note.deeds[0].what, lines)}
    return frozenset(found)


def is_ambiguous(note: Note) -> bool:
    """Whether the files do not tell which movement it is: its reference is gone, and nothing else names it."""
    return any(deed.deed == "blank" for deed in note.deeds)


def crossed(notes: Sequence[Note], by_item: Mapping[int, Sequence[Line]]) -> frozenset[int]:
    """Movements of two faults that left the very files which one other fault leaves: lines exchanged between the two.

    With amounts that are often round, 50.00 that lost a digit and 5.00 that won one look like that, and nothing tells.
    """
    note_of = {item: number for number, note in enumerate(notes) for item in note.items}
    faces: dict[tuple[str, _Face, _Face], list[Line]] = defaultdict(list)
    for item in note_of:
        for line, other in permutations(by_item[item], 2):
            if line.file != other.file and _face(line) != _face(other):
                faces[line.file, _face(line), _face(other)].append(line)
    return frozenset(
        item
        for (file, its, others), lines in faces.items()
        for one in lines
        for two in faces.get((file, others, its), ())
        if note_of[one.item] != note_of[two.item] and abs((one.on - two.on).days) <= EXCHANGED_DAYS
        for item in (one.item, two.item)
    )


_Face = tuple[int, str]


def _face(line: Line) -> _Face:
    return line.amount, line.currency


def _by_days(what: str, lines: Sequence[Line]) -> Iterator[Kind]:
    ours = next(line for line in lines if line.file == "ledger" and line.what != "originated")
    for line in lines:
        days = (line.on - ours.on).days
        if line.what == "originated":
            if -days > LATE_DAYS["credit"]:
                yield Kind.LATE
        elif line.file != "ledger":
            if days > LATE_DAYS.get(what, 2):
                yield Kind.LATE
            if -days > EARLY_DAYS.get(what, 1):
                yield Kind.EARLY


def _of(deed: Deed) -> set[Kind]:
    amount = Kind.FEE_DIFFERS if deed.what in FEES else Kind.AMOUNT
    known = {
        "drop": {GONE.get(deed.file) or NOT_BOOKED.get(deed.what, Kind.MISSING_IN_LEDGER)},
        "copy": {TWICE.get(deed.file)},
        "copy_altered": {TWICE.get(deed.file), Kind.AMOUNT},
        "nudge": {amount},
        "later": set[Kind](),
        "earlier": set[Kind](),
        **SAME,
    }[deed.deed]
    return {kind for kind in known if kind}
