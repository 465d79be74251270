"""Charts, worked out by the server: lines and bars as the numbers of an SVG, with axes in round figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

from msgspec import Struct

from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money, exponent

WIDTH, HEIGHT = 1000, 250
GRID_LINES_MAX = 5
LABELS_MAX = 7


class Tick(Struct, frozen=True):
    """A line of the grid: how far from the top, and what it stands for."""

    y: float
    label: str


class Point(Struct, frozen=True):
    """A day of the chart: the stretch it takes from left to right, and what is said of it."""

    x: float
    width: float
    said: str


class Chart(Struct, frozen=True, kw_only=True):
    """A line over days: `line` and `before` are paths within 1000 by 250, `area` closes the line to the ground."""

    line: str
    area: str
    before: str
    ticks: Sequence[Tick]
    labels: Sequence[str]
    points: Sequence[Point]
    is_flat: bool


def chart(
    days: Sequence[date],
    values: Sequence[int],
    before: Sequence[int],
    *,
    mark: Callable[[int], str],
    said: Callable[[int], str],
) -> Chart:
    """The values of these days as a line, and those of as many days before them as another.

    `mark` writes a value beside its grid line, `said` in a sentence.
    """
    assert len(days) == len(values) == len(before)
    low, high, step = axis(min(0, *values, *before), max(1, *values, *before))
    ticks = [Tick(height(value, low, high), mark(value)) for value in range(high, low - 1, -step)]
    width = WIDTH / max(1, len(days) - 1)
    places = [(round(at * width, 2), height(value, low, high)) for at, value in enumerate(values)]
    ground = height(max(0, low), low, high)
    line = _curve(places)
    return Chart(
        line=line,
        area=f"{line} L{places[-1][0]:g},{ground:g} L{places[0][0]:g},{ground:g} Z",
        before=_curve([(round(at * width, 2), height(value, low, high)) for at, value in enumerate(before)]),
        ticks=ticks,
        labels=_labels(days),
        points=[
            Point(round(max(0.0, at * width - width / 2), 2), round(width, 2), f"{_day(day)}: {said(value)}")
            for at, (day, value) in enumerate(zip(days, values, strict=True))
        ],
        is_flat=not any(values) and not any(before),
    )


def axis(least: int, most: int) -> tuple[int, int, int]:
    """Round bounds around the values, and the distance of their grid lines: 1, 2 or 5 of a power of ten."""
    step = 1
    while (most - least) / step > GRID_LINES_MAX:
        digits = len(str(step))
        step = {1: 2, 2: 5, 5: 10}[step // 10 ** (digits - 1)] * 10 ** (digits - 1)
    return least // step * step, -(-most // step) * step, step


def height(value: float, low: int, high: int) -> float:
    """How far from the top a value stands."""
    return round(HEIGHT - HEIGHT * (value - low) / (high - low), 2)


def _curve(places: Sequence[tuple[float, float]]) -> str:
    """A smooth line through the places that never swings beyond them (monotone cubic; Fritsch and Carlson 1980)."""
    if len(places) == 1:
        (_, y) = places[0]
        return f"M0,{y:g} L{WIDTH},{y:g}"
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(places)]
    tangents = [slopes[0]]
    for former, later in pairwise(slopes):
        tangents.append(0.0 if former * later <= 0 else 2 * former * later / (former + later))
    tangents.append(slopes[-1])
    path = [f"M{places[0][0]:g},{places[0][1]:g}"]
    for at, (here, there) in enumerate(pairwise(places)):
        third = (there[0] - here[0]) / 3
        first = (here[0] + third, here[1] + third * tangents[at])
        second = (there[0] - third, there[1] - third * tangents[at + 1])
        path.append(f"C{first[0]:.2f},{first[1]:.2f} {second[0]:.2f},{second[1]:.2f} {there[0]:g},{there[1]:g}")
    return " ".join(path)


def _labels(days: Sequence[date]) -> Sequence[str]:
    """Some of the days in even steps, the first and the last among them."""
    if len(days) <= LABELS_MAX:
        return [_day(day) for day in days]
    count = next((parts for parts in range(LABELS_MAX - 1, 2, -1) if (len(days) - 1) % parts == 0), 4)
    return [_day(days[round(at * (len(days) - 1) / count)]) for at in range(count + 1)]


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def money_mark(minor: int, currency: str) -> str:
    """An amount as short as a grid line wants it: `€7k`."""
    whole = abs(minor) / 10 ** exponent(currency)
    for size, sign in ((1_000_000, "m"), (1_000, "k")):
        if whole >= size:
            return f"{_symbol(currency, minor)}{whole / size:g}{sign}"
    return f"{_symbol(currency, minor)}{whole:g}"


def _symbol(currency: str, minor: int) -> str:
    symbol = money_text(Money(0, currency)).rstrip("0.,")
    return f"\N{MINUS SIGN}{symbol}" if minor < 0 else symbol


class Cell(Struct, frozen=True):
    """A cell of a heat map: where it stands, how strong it is (0 to 1), and what is said of it."""

    x: int
    y: int
    strength: float
    said: str


def heat(rows: Sequence[Sequence[int]], said: Callable[[int, int, int], str]) -> Sequence[Cell]:
    """Counts as cells. `said` is given row, column and count."""
    most = max((count for row in rows for count in row), default=0)
    return [
        Cell(x, y, round(0.12 + 0.88 * count / most, 2) if count else 0.0, said(y, x, count))
        for y, row in enumerate(rows)
        for x, count in enumerate(row)
    ]
