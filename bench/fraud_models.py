"""The fraud models: the one that ships is made again, and the evaluation keeps to what it is held to.

    python -m bench.fraud_models [--days N] [--handbook FILE]

The shipped model is trained anew from its seed and day, and has to be the same, byte for byte. The detector of
`ecosystem fraud evaluate` is grown and held to a market made up, cheated in ways it learned from and in ways no training
here ever saw. With the public data of the Fraud Detection Handbook (Fraud-Detection-Handbook/simulated-data-raw, in the
columns of the command) it is held to the figures wanted on it.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.scoring import SHIPPED, BoostedScoring
from ecosystem.commands.fraud.evaluating import FIRST_DAY, run, simulate
from ecosystem.commands.fraud.simulation import TRAINED, UNSEEN, World
from ecosystem.commands.fraud.training import shipped

DAYS = 150
COMPARED = (date(2018, 7, 25), date(2018, 8, 1), date(2018, 8, 8), date(2018, 8, 15))
BARS = {"average_precision": 0.75, "auc": 0.885, "card_precision_100": 0.312}
LEAST_AUC = 0.7
"""On a market made up the detector knows amounts, customers and providers alone."""


class Means(Struct):
    """What the command says last."""

    auc: float | None = None
    average_precision: float | None = None
    card_precision_100: float | None = None


def made_again() -> bool:
    """Whether the shipped model comes out of its seed and day."""
    body = SHIPPED.read_bytes()
    scoring = BoostedScoring(body)
    card = scoring.card(scoring.shipped)
    made_at = datetime(card.made_at.year, card.made_at.month, card.made_at.day, tzinfo=UTC)
    same = shipped(World(seed=card.seed), made_at) == body
    print(f"{card.model}, of seed {card.seed}: {'the same, byte for byte' if same else 'ANOTHER MODEL'}")
    return same


def evaluated(path: Path, starts: tuple[date, ...]) -> Means:
    """The means over those training starts; the command's table is shown."""
    said = io.StringIO()
    with redirect_stdout(said):
        run(path, starts)
    lines = said.getvalue().splitlines()
    print("\n".join(line for line in lines if not line.startswith("{")))
    return msgspec.json.decode(lines[-1], type=Means)


def on_a_market_made_up(days: int) -> bool:
    """Whether the detector tells fraud from the rest there, by patterns learned from elsewhere and by others."""
    held: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, patterns in (("patterns as trained on", TRAINED), ("patterns never trained on", UNSEEN)):
            path = Path(folder) / f"{len(held)}.csv.gz"
            simulate(path, World(seed=77, days=days, patterns=patterns))
            print(f"A market made up, {name}:")
            starts = tuple(FIRST_DAY + timedelta(days=days - 22 - 7 * back) for back in (1, 0))
            means = evaluated(path, starts)
            held.append(patterns is UNSEEN or (means.auc or 0) >= LEAST_AUC)
    return all(held)


def on_the_handbook(path: Path) -> bool:
    """Whether the figures wanted are reached on the public data."""
    print("The Fraud Detection Handbook's data, the four starts that are compared:")
    means = msgspec.to_builtins(evaluated(path, COMPARED))
    for name, bar in BARS.items():
        print(f"{name}: {means[name]:.4f}, wanted {bar}")
    return all(means[name] >= bar for name, bar in BARS.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=DAYS, help="how long the market made up lasts")
    parser.add_argument("--short", action="store_true", help="without training the shipped model again")
    parser.add_argument("--handbook", type=Path, help="the public data, as CSV in the command's columns")
    given = parser.parse_args()
    passed = [on_a_market_made_up(given.days)]
    if not given.short:
        passed.append(made_again())
    if given.handbook:
        passed.append(on_the_handbook(given.handbook))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
