"""Three files that agree: what ledger, processor and bank write of the same months. Knows nothing of who compares them.

A line has `id` (of the line itself), `reference`, `what`, `amount`, `currency`, `on`, `account`, `party`. `item` numbers
the movement that a line is about; it is for whoever checks, and no comparer reads it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

FILES = ("ledger", "processor", "bank")
COLUMNS = ("id", "reference", "what", "amount", "currency", "on", "account", "party")
FIRST_DAY = date(2026, 9, 1)
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

CARD = (
    ("payment", 400, 1),
    ("refund", 60, -1),
    ("refund_failed", 3, 1),
    ("chargeback", 10, -1),
    ("chargeback_returned", 4, 1),
    ("transfer", 90, -1),
    ("transfer_reversed", 5, 1),
)
BANK = (("credit", 80, -1), ("debit", 60, 1), ("credit_returned", 4, 1), ("debit_returned", 4, -1), ("bank_fee", 3, -1))
OWN = (("withdrawal", 20, 1), ("withdrawal_returned", 2, -1))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    file: str
    item: int
    id: str
    reference: str
    what: str
    amount: int
    currency: str
    on: date
    account: str
    party: str


def lines(seed: int, days: int, daily: int) -> Iterator[list[Line]]:
    """The lines of each movement, in the order of time: about `daily` movements on each of so many days."""
    chance = Random(seed)
    kinds = [*CARD, *BANK, *OWN]
    weights = [weight for _, weight, _ in kinds]
    item = 0
    for day in range(days):
        on = FIRST_DAY + timedelta(days=day)
        for what, _, sign in chance.choices(kinds, weights, k=daily):
            item += 1
            yield _movement(chance, item, what, sign, on)
            if what == "payment":
                item += 1
                yield _fee(chance, item, on, f"{_named(chance, 'ch_')}#fee")


def last_day(days: int) -> date:
    return FIRST_DAY + timedelta(days=days - 1)


def _movement(chance: Random, item: int, what: str, sign: int, on: date) -> list[Line]:
    amount = sign * chance.choice((chance.randint(500, 90_000), 5_000 * chance.randint(1, 12)))
    currency = chance.choices(("USD", "EUR"), (9, 1))[0]
    party = ""  # No side's rows name who is at the other end.
    if what in {name for name, _, _ in CARD}:
        reference = _named(chance, "ch_")
        ours = Line("ledger", item, f"L{item}", reference, what, amount, currency, on, "processor", party)
        theirs = on + timedelta(days=chance.choice((0, 0, 0, 1)))
        return [ours, replace(ours, file="processor", id=f"txn_{item}", on=theirs, account="processor")]
    if what in {name for name, _, _ in OWN}:
        reference = _named(chance, "po_")
        ours = Line("ledger", item, f"L{item}", reference, what, amount, currency, on, "bank", party)
        left = on - timedelta(days=chance.randint(1, 4))
        return [
            replace(ours, file="processor", id=f"txn_{item}", on=left, account="processor"),
            ours,
            replace(ours, file="bank", id=f"S{item}", account="bank"),
        ]
    reference = f"{91000019 + chance.randint(0, 3)}{item:08d}"
    ours = Line("ledger", item, f"L{item}", reference, what, amount, currency, on, "bank", party)
    settled = [ours, replace(ours, file="bank", id=f"S{item}", account="bank")]
    if what not in {"credit", "debit"}:
        return settled
    given = on - timedelta(days=chance.randint(1, 3))
    return [replace(ours, id=f"L{item}o", what="originated", on=given, account="clearing"), *settled]


def _fee(chance: Random, item: int, on: date, reference: str) -> list[Line]:
    fee = -chance.randint(45, 3_000)
    ours = Line("ledger", item, f"L{item}", reference, "fee", fee, "USD", on, "processor", "")
    return [ours, replace(ours, file="processor", id=f"txn_{item}", account="processor")]


def _named(chance: Random, prefix: str) -> str:
    return prefix + "".join(chance.choices(ALPHABET, k=20))


def written(folder: Path, all_lines: Iterable[Line]) -> dict[str, Path]:
    """The lines as files, one for each side."""
    paths = {name: folder / f"{name}.csv" for name in FILES}
    opened = {name: path.open("w", newline="", encoding="utf-8") for name, path in paths.items()}
    try:
        writers = {name: csv.writer(file) for name, file in opened.items()}
        for writer in writers.values():
            writer.writerow(COLUMNS)
        for line in all_lines:
            writers[line.file].writerow(
                (line.id, line.reference, line.what, line.amount, line.currency, line.on, line.account, line.party)
            )
    finally:
        for file in opened.values():
            file.close()
    return paths
