"""`ecosystem fraud evaluate FILE --train-start DATE`: how a detector made here does on transactions in known columns."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.prequential import (
    DELAY,
    TEST,
    TRAIN,
    Measured,
    NothingToLearn,
    NothingToTest,
    TooShort,
    evaluate,
)
from ecosystem.adapters.outside.transactions import Sorted
from ecosystem.adapters.outside.transactions_file import COLUMNS, read
from ecosystem.commands.fraud.simulation import START, World, made
from ecosystem.contexts.fraud import CheckoutSeen

FIRST_DAY = date(2018, 4, 1)
"""What TX_TIME_SECONDS counts from."""


class Told(Struct, frozen=True, kw_only=True):
    """One training start and how it did."""

    train_start: date
    measured: Measured


class Means(Struct, frozen=True, kw_only=True):
    """Each over the starts for which it is known; none where it is known for none."""

    auc: float | None
    average_precision: float | None
    card_precision_100: float | None


def run(path: Path, starts: Sequence[date], *, as_json: bool = False) -> int:
    """Evaluate on each training start and print what came of it: a table, and lines of JSON.

    Raises `TooShort`, `NothingToLearn` or `NothingToTest` naming the start before anything is printed.
    """
    by = Sorted(read(path))
    told = [Told(train_start=start, measured=_measured(by, start)) for start in starts]
    means = Means(
        auc=_mean(each.measured.auc for each in told),
        average_precision=_mean(each.measured.average_precision for each in told),
        card_precision_100=_mean(each.measured.card_precision for each in told),
    )
    if not as_json:
        print("\n".join(_table(told, means)))
    for each in told:
        print(msgspec.json.encode(_line(each)).decode())
    print(msgspec.json.encode({"mean_of": len(told), **msgspec.to_builtins(means)}).decode())
    return 0


def _measured(by: Sorted, start: date) -> Measured:
    learned, held = start + timedelta(days=TRAIN - 1), start + timedelta(days=TRAIN + DELAY)
    end = held + timedelta(days=TEST - 1)
    try:
        return evaluate(by, (start - FIRST_DAY).days)
    except TooShort:
        first, last = (FIRST_DAY + timedelta(days=int(by.known.days[place])) for place in (0, -1))
        words = f"The file reaches from {first} to {last}; training from {start} takes it from {start} to {end}."
        raise TooShort(words) from None
    except NothingToLearn:
        words = f"Of {start} to {learned} nothing can be learned: that takes fraud, and other payments beside it."
        raise NothingToLearn(words) from None
    except NothingToTest:
        words = f"From {held} to {end} there is nothing to be held to but cards that are known as compromised."
        raise NothingToTest(words) from None


def _mean(measures: Iterable[float | None]) -> float | None:
    known = [each for each in measures if each is not None]
    return mean(known) if known else None


def _shown(measure: float | None, width: int) -> str:
    return f"{'-':>{width}}" if measure is None else f"{measure:{width}.4f}"


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
            f"{each.train_start!s:15}{begins!s:15}{_shown(measured.auc, 8)}{_shown(measured.average_precision, 20)}"
            f"{_shown(measured.card_precision, 21)}"
        )
        if measured.auc is None:
            kind = "no fraud" if not measured.test_frauds else "nothing but fraud"
            yield f"{'':15}{begins!s:15}  there is {kind} in the week of the test: AUC is undefined"
    yield (
        f"{'mean':30}{_shown(means.auc, 8)}{_shown(means.average_precision, 20)}{_shown(means.card_precision_100, 21)}"
    )


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
