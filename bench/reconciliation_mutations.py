"""Faults put into the files of ledger, processor and bank: one field or one line at a time, and several at once.

Knows lines and their fields, and nothing of whoever compares the files. What was done is noted in words of its own; what
a comparer should call it stands elsewhere (`reconciliation_truth.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from bench.reconciliation_world import ALPHABET, Line

CURRENCIES = ("USD", "EUR", "GBP", "CAD")
OTHER_WORD = {
    "payment": "transfer_reversed",
    "refund": "chargeback",
    "refund_failed": "payment",
    "chargeback": "refund",
    "chargeback_returned": "payment",
    "transfer": "refund",
    "transfer_reversed": "payment",
    "credit_returned": "debit",
    "debit_returned": "bank_fee",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done: what, in which file, to a line that said what."""

    deed: str
    file: str
    what: str


@dataclass(frozen=True, slots=True)
class Note:
    """What was done to which movements. Two are concerned where lines of two were exchanged or put together."""

    deeds: tuple[Deed, ...]
    items: tuple[int, ...]


@dataclass(slots=True)
class Files:
    """All lines by movement, and the movements that were not touched yet."""

    by_item: dict[int, list[Line]]
    order: list[int]
    free: set[int]
    notes: list[Note] = field(default_factory=list[Note])
    made: int = 0

    def line(self, item: int, file: str) -> Line | None:
        """The line of the movement in that file; of one that was handed over first, that of its settlement."""
        found = [line for line in self.by_item[item] if line.file == file and line.what != "originated"]
        return found[0] if found else None

    def put(self, old: Line, *new: Line) -> None:
        lines = self.by_item[old.item]
        at = lines.index(old)
        lines[at : at + 1] = new

    def id(self) -> str:
        self.made += 1
        return f"X{self.made}"


Mutation = Callable[[Random, Files, Line], Line | None]
"""Changes the line's movement in the files; hands back the line as it is now, or None where it does not apply."""


def drop(_: Random, files: Files, line: Line) -> Line | None:
    files.put(line)
    return line


def copy(_: Random, files: Files, line: Line) -> Line | None:
    files.put(line, line, replace(line, id=files.id()))
    return line


def copy_altered(chance: Random, files: Files, line: Line) -> Line | None:
    files.put(line, line, replace(line, id=files.id(), amount=_nudged(chance, line.amount)))
    return line


def nudge(chance: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, amount=_nudged(chance, line.amount)))


def negate(_: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, amount=-line.amount))


def other_currency(chance: Random, files: Files, line: Line) -> Line | None:
    other = chance.choice([name for name in CURRENCIES if name != line.currency])
    return _changed(files, line, replace(line, currency=other))


def mistype(chance: Random, files: Files, line: Line) -> Line | None:
    """One or two slips in the reference."""
    signs = list(line.reference)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(signs) - 1)
        match chance.randrange(4):
            case 0:
                signs[at] = chance.choice([sign for sign in ALPHABET if sign != signs[at]])
            case 1:
                signs[at], signs[at + 1] = signs[at + 1], signs[at]
            case 2:
                del signs[at]
            case _:
                signs.insert(at, chance.choice(ALPHABET))
    typed = "".join(signs)
    return None if typed == line.reference else _changed(files, line, replace(line, reference=typed))


def blank(_: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, reference=""))


def later(chance: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, on=line.on + timedelta(days=chance.randint(1, 25))))


def earlier(chance: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, on=line.on - timedelta(days=chance.randint(1, 25))))


def other_account(chance: Random, files: Files, line: Line) -> Line | None:
    return _changed(files, line, replace(line, account=chance.choice(("costs", "suspense", "savings"))))


def other_word(_: Random, files: Files, line: Line) -> Line | None:
    other = OTHER_WORD.get(line.what)
    return _changed(files, line, replace(line, what=other)) if other else None


def in_parts(chance: Random, files: Files, line: Line) -> Line | None:
    count = chance.randint(2, 3)
    sign, whole = (1 if line.amount > 0 else -1), abs(line.amount)
    if whole < 100:
        return None
    cuts = sorted(chance.sample(range(10, whole - 10), count - 1))
    parts = [end - begin for begin, end in zip([0, *cuts], [*cuts, whole], strict=True)]
    files.put(line, *(replace(line, id=files.id(), amount=sign * part) for part in parts))
    return line


SINGLE: dict[str, Mutation] = {
    each.__name__: each
    for each in (
        drop, copy, copy_altered, nudge, negate, other_currency, mistype, blank, later, earlier, other_account,
        other_word, in_parts,
    )
}  # fmt: skip

TOGETHER = (
    ("nudge", "other_currency"),
    ("nudge", "later"),
    ("nudge", "mistype"),
    ("nudge", "other_account"),
    ("negate", "other_currency"),
    ("negate", "later"),
    ("other_currency", "later"),
    ("later", "mistype"),
    ("other_account", "later"),
    ("other_word", "nudge"),
    ("nudge", "later", "other_currency"),
)
"""Fields of one line that are changed at once."""


def exchange(chance: Random, files: Files, file: str) -> Note | None:
    """Two lines of a file stand under each other's reference."""
    one, two = (_pick(chance, files, file) for _ in range(2))
    if one is None or two is None or one.item == two.item or one.what != two.what:
        return None
    if one.amount == two.amount or abs((one.on - two.on).days) > 1 or one.currency != two.currency:
        return None
    files.put(one, replace(one, reference=two.reference))
    files.put(two, replace(two, reference=one.reference))
    return Note((Deed("exchange", file, one.what),), (one.item, two.item))


def together(chance: Random, files: Files, pool: dict[object, list[int]]) -> Note | None:
    """Two lines of the bank become one that holds both amounts, under the reference of the first."""
    one = _pick(chance, files, "bank")
    if one is None:
        return None
    alike = [item for item in pool[(one.what, one.currency, one.on)] if item != one.item and item in files.free]
    if not alike:
        return None
    two = files.line(chance.choice(alike), "bank")
    if two is None:
        return None
    files.put(one, replace(one, amount=one.amount + two.amount))
    files.put(two)
    return Note((Deed("together", "bank", one.what),), (one.item, two.item))


def neither(chance: Random, files: Files) -> Note | None:
    """An entry that was handed over, of which nobody heard again: the bank has no line, and our books no settlement."""
    ours = _pick(chance, files, "ledger")
    if ours is None or ours.what not in {"credit", "debit"}:
        return None
    theirs = files.line(ours.item, "bank")
    assert theirs
    files.put(ours)
    files.put(theirs)
    return Note((Deed("neither", "both", ours.what),), (ours.item,))


def apart(chance: Random, files: Files) -> Note | None:
    """Our own money on its way: one side has no line of it, another has it wrong."""
    theirs = _pick(chance, files, "bank")
    if theirs is None or theirs.what not in {"withdrawal", "withdrawal_returned"}:
        return None
    other = files.line(theirs.item, "processor")
    assert other
    files.put(theirs)
    files.put(other, replace(other, amount=_nudged(chance, other.amount)))
    return Note((Deed("drop", "bank", theirs.what), Deed("nudge", "processor", theirs.what)), (theirs.item,))


def mutated(lines: list[Line], count: int, seed: int) -> Files:
    """Files with so many faults, each in movements of its own."""
    chance = Random(seed)
    by_item: dict[int, list[Line]] = defaultdict(list)
    pool: dict[object, list[int]] = defaultdict(list)
    for line in lines:
        by_item[line.item].append(line)
        if line.file == "bank":
            pool[line.what, line.currency, line.on].append(line.item)
    order = list(by_item)
    chance.shuffle(order)
    files = Files(by_item=by_item, order=order, free=set(order))
    tries = 0
    while len(files.notes) < count:
        tries += 1
        assert tries < 200 * count, "there are too few movements for so many faults"
        note = _one(chance, files, pool)
        if note is not None:
            files.notes.append(note)
            files.free.difference_update(note.items)
    return files


def _one(chance: Random, files: Files, pool: dict[object, list[int]]) -> Note | None:
    kind = chance.random()
    file = chance.choice(("ledger", "processor", "bank"))
    if kind < 0.05:
        return exchange(chance, files, file)
    if kind < 0.10:
        return together(chance, files, pool)
    if kind < 0.15:
        return neither(chance, files) if kind < 0.13 else apart(chance, files)
    names = chance.choice(TOGETHER) if kind < 0.40 else (chance.choice(list(SINGLE)),)
    line = _pick(chance, files, file)
    return _done(chance, files, line, names) if line else None


def _done(chance: Random, files: Files, line: Line, names: tuple[str, ...]) -> Note | None:
    """All of these done to the line, or none of them."""
    before, item, what = list(files.by_item[line.item]), line.item, line.what
    for name in names:
        made = SINGLE[name](chance, files, line)
        if made is None:
            files.by_item[item] = before
            return None
        line = made
    return Note(tuple(Deed(name, file=line.file, what=what) for name in names), (item,))


def _pick(chance: Random, files: Files, file: str) -> Line | None:
    """A line of a movement that was not touched yet."""
    item = chance.choice(files.order)
    return files.line(item, file) if item in files.free else None


def _changed(files: Files, old: Line, new: Line) -> Line:
    files.put(old, new)
    return new


def _nudged(chance: Random, amount: int) -> int:
    """Another amount in the same direction: some cents off, two digits turned round, a digit lost."""
    sign, whole = (1 if amount > 0 else -1), abs(amount)
    digits = str(whole)
    turned = int(digits[1] + digits[0] + digits[2:]) if len(digits) > 1 else whole
    made = chance.choice((whole + chance.randint(1, 99), turned, whole // 10 or whole + 1, whole * 10))
    return sign * (made if made not in {whole, 0} else whole + 1)
