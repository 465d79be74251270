"""`ecosystem fraud evaluate FILE --train-start DATE`: how a detector made here does on transactions in known columns."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.prequential import Measured, evaluate
from ecosystem.adapters.outside.transactions import COLUMNS, features, read
from ecosystem.commands.fraud.simulation import START, World, made
from ecosystem.contexts.fraud import CheckoutSeen

FIRST_DAY = date(2018, 4, 1)
"""What TX_TIME_SECONDS counts from."""


class Told(Struct, frozen=True, kw_only=True):
    """One training start and how it did."""

    train_start: date
    measured: Measured


class Means(Struct, frozen=True, kw_only=True):
    auc: float
    average_precision: float
    card_precision_100: float


def run(path: Path, starts: Sequence[date], *, as_json: bool = False) -> int:
    """Evaluate on each training start and print what came of it: a table, and lines of JSON."""
    known = read(path)
    rows = features(known)
    told: list[Told] = []
    for start in starts:
        measured = evaluate(known, rows, (start - FIRST_DAY).days)
        told.append(Told(train_start=start, measured=measured))
    means = Means(
        auc=mean(each.measured.auc for each in told),
        average_precision=mean(each.measured.average_precision for each in told),
        card_precision_100=mean(each.measured.card_precision for each in told),
    )
    if not as_json:
        print("\n".join(_table(told, means)))
    for each in told:
        print(msgspec.json.encode(_line(each)).decode())
    print(msgspec.json.encode({"mean_of": len(told), **msgspec.to_builtins(means)}).decode())
    return 0


def _line(told: Told) -> dict[str, object]:
    measured = told.measured
    return {
        "train_start": told.train_start.isoformat(),
        "test_start": (told.train_start + timedelta(days=14)).isoformat(),
        "train": measured.train,
        "train_frauds": measured.train_frauds,
        "test": measured.test,
        "test_frauds": measured.test_frauds,
        "auc": measured.auc,
        "average_precision": measured.average_precision,
        "card_precision_100": measured.card_precision,
    }


def _table(told: Sequence[Told], means: Means) -> Iterator[str]:
    yield f"{'training from':15}{'held to from':15}{'AUC':>8}{'average precision':>20}{'card precision@100':>21}"
    for each in told:
        measured = each.measured
        begins = each.train_start + timedelta(days=14)
        yield (
            f"{each.train_start!s:15}{begins!s:15}{measured.auc:8.4f}{measured.average_precision:20.4f}"
            f"{measured.card_precision:21.4f}"
        )
    yield f"{'mean':30}{means.auc:8.4f}{means.average_precision:20.4f}{means.card_precision_100:21.4f}"


def simulate(path: Path, world: World) -> int:
    """Write a market made up as a file in the columns that `evaluate` reads; gzip when the name says so."""
    numbers: dict[str, int] = {}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    count = 0
    for event in made(world):
        what = event.what
        if not isinstance(what, CheckoutSeen) or event.declined:
            continue
        at_s = int((what.at - START).total_seconds())
        customer = numbers.setdefault(what.customer_id, len(numbers))
        terminal = numbers.setdefault(what.provider_id, len(numbers))
        lines.writerow([count, at_s, customer, terminal, int(what.amount), int(event.fraud)])
        count += 1
    body = text.getvalue().encode()
    path.write_bytes(gzip.compress(body, mtime=0) if path.suffix == ".gz" else body)
    print(f"{count:,} transactions of {world.days} days in {path}")
    return 0
