"""Does the reconciliation find what is wrong, name it rightly, and leave alone what is right?

    python -m bench.reconciliation [--rows 1000000] [--faults 10000] [--seed 1]

First files that agree, of so many lines: nothing may be reported; rows a second and memory are measured. Then so many
faults in files of their own, compound ones included: each has to be found, and 99 in 100 named as their meaning says.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

from bench.reconciliation_mutations import Note, mutated
from bench.reconciliation_truth import crossed, is_ambiguous, named
from bench.reconciliation_world import Line, last_day, lines, written
from ecosystem.contexts.reconciliation import WINDOW_DAYS, Item, Kind, Matching, Movement, Row, Side

DAYS = 30
LINES_EACH = 2.75
"""Lines of a movement, in the mean."""

NAMED_RIGHTLY_MIN = 0.99


@dataclass(frozen=True, slots=True)
class Clean:
    rows: int
    reported: int
    rows_per_second: int
    memory_mb: int

    @property
    def holds(self) -> bool:
        return self.reported == 0


@dataclass(frozen=True, slots=True)
class Drilled:
    """What was done and found. `allowed` moved a day within what is allowed, and is no fault; `ambiguous` ones are found,
    and cannot be named for sure."""

    faults: int
    allowed: int
    ambiguous: int
    ambiguous_named: int
    compound: int
    found: int
    named_rightly: int
    false_alarms: int
    kinds: int
    wrong: Counter[str]

    @property
    def clear(self) -> int:
        return self.faults - self.ambiguous

    @property
    def holds(self) -> bool:
        return (
            self.found == self.faults
            and self.named_rightly >= NAMED_RIGHTLY_MIN * self.clear
            and self.false_alarms == 0
        )


def read(paths: dict[str, Path]) -> Iterator[Row]:
    """The rows of three files, side by side as their days go on."""
    for _, _, row in _by_day([_rows(name, path) for name, path in paths.items()]):
        yield row


def _by_day(sides: list[Iterator[Row]]) -> Iterator[tuple[date, int, Row]]:
    """A part of each file in turn, so that what belongs together comes close together."""
    alive = list(enumerate(sides))
    while alive:
        for at, side in list(alive):
            for _ in range(1_000):
                row = next(side, None)
                if row is None:
                    alive.remove((at, side))
                    break
                yield row.on, at, row


def _rows(name: str, path: Path) -> Iterator[Row]:
    side = Side(name)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        for row_id, reference, what, amount, currency, on, account, party in reader:
            yield Row(
                side=side,
                row_id=row_id,
                key=reference or f"{name}:{row_id}",
                movement=Movement(what),
                amount=int(amount),
                currency=currency,
                on=date.fromisoformat(on),
                account=account,
                party=party,
            )


def clean(rows: int, seed: int, folder: Path) -> Clean:
    """Files that agree are matched."""
    daily = max(1, round(rows / LINES_EACH / DAYS))
    paths = written(folder, chain.from_iterable(lines(seed, DAYS, daily)))
    begun, before = time.perf_counter(), _memory_mb()
    matching = Matching(as_of=last_day(DAYS) + timedelta(days=40))
    matching.take(read(paths))
    found = matching.end()
    took = time.perf_counter() - begun
    return Clean(
        rows=found.rows,
        reported=len(found.differing) + len(found.on_their_way),
        rows_per_second=round(found.rows / took),
        memory_mb=_memory_mb() - before,
    )


def drilled(faults: int, seed: int, folder: Path) -> Drilled:
    """Faults are put into files, and looked for."""
    world = list(chain.from_iterable(lines(seed, DAYS, max(20, faults // 5))))
    files = mutated(world, faults, seed)
    after = [line for item in files.by_item.values() for line in item]
    return compared(files.notes, world, files.by_item, day_by_day(list(read(written(folder, after)))))


def day_by_day(rows: list[Row]) -> list[Item]:
    """What is open after each day was compared in its turn, over the window that a run has, as the product does."""
    of_day: dict[date, list[Row]] = {}
    for row in sorted(rows, key=lambda each: each.side is not Side.LEDGER):
        of_day.setdefault(row.on, []).append(row)
    known: dict[str, Item] = {}
    day, end = min(of_day), max(of_day) + timedelta(days=WINDOW_DAYS + 7)
    while day <= end:
        first = day - timedelta(days=WINDOW_DAYS - 1)
        matching = Matching(as_of=day, first=first)
        for item in known.values():
            matching.carry(item.key, item.rows, item.agreed_amount)
        window = [row for back in range(WINDOW_DAYS) for row in of_day.get(first + timedelta(days=back), ())]
        matching.take(row for row in window if row.side is Side.LEDGER)
        matching.take(row for row in window if row.side is not Side.LEDGER)
        tomorrow = [row for row in of_day.get(day + timedelta(days=1), ()) if row.side is Side.LEDGER]
        matching.take(row for row in tomorrow if matching.is_open(row.key))
        known = {item.key: item for item in matching.end().differing}
        day += timedelta(days=1)
    return list(known.values())


def compared(notes: list[Note], world: list[Line], by_item: dict[int, list[Line]], differing: list[Item]) -> Drilled:
    """What was found, held to what was done: by the lines that each is about."""
    item_of = {(line.file, line.id): line.item for line in chain(world, *by_item.values())}
    found: dict[int, set[Kind]] = {}
    for item in differing:
        for number in {item_of[row.side, row.row_id] for row in item.rows}:
            found.setdefault(number, set()).update(item.kinds)
    touched = {item for note in notes for item in note.items}
    alike = crossed(notes, by_item)
    wrong: Counter[str] = Counter()
    named_rightly = seen = allowed = ambiguous = ambiguous_named = 0
    for note in notes:
        each = [frozenset(found.get(item, ())) for item in note.items]
        truth = named(note, by_item[note.items[0]])
        right = all(kinds == truth for kinds in each)
        if not truth:
            allowed += 1
            touched.difference_update(note.items)
            continue
        seen += all(each)
        if is_ambiguous(note) or not alike.isdisjoint(note.items):
            ambiguous += 1
            ambiguous_named += right
            continue
        named_rightly += right
        if not right:
            done = "+".join(f"{deed.deed}({deed.file}, {deed.what})" for deed in note.deeds)
            wrong[f"{done}: {sorted(map(str, each[0]))}, should be {sorted(map(str, truth))}"] += 1
    return Drilled(
        faults=len(notes) - allowed,
        allowed=allowed,
        ambiguous=ambiguous,
        ambiguous_named=ambiguous_named,
        compound=sum(len(note.deeds) > 1 for note in notes),
        found=seen,
        named_rightly=named_rightly,
        false_alarms=len(found.keys() - touched),
        kinds=len({kind for note in notes for kind in named(note, by_item[note.items[0]])}),
        wrong=wrong,
    )


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Find and name what is wrong; leave alone what is right.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        right = clean(asked.rows, asked.seed, Path(folder))
        print(
            f"{right.rows:,} rows that agree: {right.reported} reported, {right.rows_per_second:,} rows/s, "
            f"{right.memory_mb} MB"
        )
        result = drilled(asked.faults, asked.seed, Path(folder))
    print(
        f"{result.faults:,} faults ({result.compound:,} compound) of {result.kinds} kinds: {result.found:,} found, "
        f"{result.named_rightly / result.clear:.2%} of {result.clear:,} named rightly, "
        f"{result.ambiguous_named:,} of {result.ambiguous:,} ambiguous ones; {result.false_alarms} false alarms, "
        f"{result.allowed:,} days moved within what is allowed"
    )
    for name, count in result.wrong.most_common(30):
        print(f"  {count} x {name}")
    return 0 if right.holds and result.holds else 1


if __name__ == "__main__":
    sys.exit(main())
