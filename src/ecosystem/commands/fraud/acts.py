"""`ecosystem fraud train FILE`: a model from what this marketplace has seen, or from a market made up.

It reads beside a serving process and writes the file alone. An operator then takes it in on the console, where it
scores beside the champion before anybody lets it decide.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.boosting import TooLittleFraud, mixed
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.scoring import BoostedScoring
from ecosystem.commands.fraud.simulation import World
from ecosystem.commands.fraud.training import (
    Row,
    cases,
    report,
    shipped,
    trained,
    unseen,
    with_unseen,
)
from ecosystem.commands.fraud.training import (
    simulated as made_up_cases,
)
from ecosystem.commands.settings import Settings
from ecosystem.contexts.fraud import NAMES, Assessment, Label
from ecosystem.ports.table import Cursor, Table

MATURE = timedelta(days=60)
"""After this long without a word from a bank something counts as genuine: most frauds are known by then."""
PAGES_MAX = 10_000


async def train(
    chosen: Settings, path: Path, card: Path | None, seed: int, made_on: date | None, *, simulated: bool
) -> int:
    """Write the model, and its card if asked; print the card. Raises `TooLittleFraud`."""
    made_at = datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC) if made_on else SystemClock().now()
    world = World(seed=seed)
    body = shipped(world, made_at) if simulated else await _of_history(chosen, world, made_at)
    path.write_bytes(body)
    scoring = BoostedScoring(body)
    told = report(scoring.card(scoring.shipped))
    if card is not None:
        card.write_text(told, encoding="utf-8")
    print(told)
    print(f"The model is in {path}: {len(body):,} bytes.", file=sys.stderr)
    return 0


async def _of_history(chosen: Settings, world: World, made_at: datetime) -> bytes:
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", SystemClock())
    try:
        return await learned_here(table, world, made_at)
    finally:
        await table.close()


async def learned_here(table: Table, world: World, made_at: datetime) -> bytes:
    """A model of what was seen here, and of a market made up beside it, so that what is rare here is not forgotten."""
    seen = await history(table, made_at)
    frauds = sum(row.fraud for row in seen)
    if not frauds:
        raise TooLittleFraud("Nothing that was assessed here is known as fraud yet: train on --simulated.")
    own = cases(seen)
    made_up = made_up_cases(world)
    both = {kind: mixed(made_up[kind], own[kind]) for kind in made_up}
    source = f"{len(seen):,} cases of this marketplace, {frauds:,} of them fraud, beside a market made up"
    body = trained(both, source, world.seed, made_at)
    return with_unseen(body, unseen(body, world))


async def history(table: Table, at: datetime) -> list[Row]:
    """What was assessed and is known by now, in order: labelled, or paid and old enough to count as genuine.

    Of what was refused, lapsed or never paid silence says nothing: no bank could ever have asked for its money.
    """
    found: list[Row] = []
    after: Cursor | None = None
    for _ in range(PAGES_MAX):
        page = await table.scan(Assessment, after=after)
        found += [row for each in page.values if (row := _row(each, at)) is not None]
        after = page.next
        if after is None:
            break
    return sorted(found, key=lambda row: row.at)


def _row(known: Assessment, at: datetime) -> Row | None:
    if len(known.numbers) != len(NAMES[known.kind]):
        return None
    if known.label is None and (at - known.at < MATURE or not known.is_telling):
        return None
    is_fraud = known.label is Label.FRAUD
    return Row(known.kind, known.at, known.numbers, is_fraud, "seen here" if is_fraud else "")
