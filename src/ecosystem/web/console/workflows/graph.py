"""A machine as a drawing: boxes with their words, lines as SVG paths, each state as it went in an execution."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from ecosystem.web.console.workflows.layers import Extent
from ecosystem.web.console.workflows.layout import Box, Label, Measures, Plan, Point, Segment, lay_out
from ecosystem.web.console.workflows.machines import END, START, Drawn, State, Way, WayKind, read
from ecosystem.web.console.workflows.steps import NOT_REACHED, Standing, Taken

MARGIN = 12
SCALE_MIN = 0.78
"""On wide screens a drawing shrinks that far before it scrolls; on phones it does not."""
REM = 16
LEAST = tuple(range(18, 103, 6))
"""The least widths that the style sheet knows."""
TITLE_PX = 13
LINE_PX = 17
WORDS_PX = 11
TITLE_LINES_MAX = 2
TITLE_WIDTH_MAX = 128
BOX_WIDTH_MIN = 132
BOX_HEIGHT = 46
BESIDE_TITLE = 42
"""What stands left of a title, and the room around both."""
CORNER = 7

KIND_ICONS = {
    "Task": "zap", "Choice": "git-branch", "Wait": "hourglass", "Pass": "arrow-right", "Succeed": "circle-check",
    "Fail": "circle-x", "Parallel": "layers", "Map": "repeat",
}  # fmt: skip
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\s_-]+|[\s_-]+")


class Shape(Struct, frozen=True, kw_only=True):
    """A state as it is drawn: its box, its title in lines, and how it went."""

    box: Box
    state: State
    title: Sequence[str]
    picture: str
    standing: Standing
    number: int
    """Its place in the list that says the same in words."""


class Terminal(Struct, frozen=True, kw_only=True):
    """Where the machine begins or ends."""

    box: Box
    is_start: bool
    was_reached: bool


class Line(Struct, frozen=True, kw_only=True):
    """A piece of a way. `kind` and `was_taken` are of the way among those along it that says most."""

    path: str
    kind: WayKind
    said: str
    was_taken: bool
    tip: Point | None


class Tag(Struct, frozen=True, kw_only=True):
    """What is said beside a way, and whether it was taken."""

    label: Label
    was_taken: bool


class Graph(Struct, frozen=True, kw_only=True):
    """Everything a drawing shows. Containers stand before what they hold, so that they are painted beneath it."""

    width: float
    height: float
    shapes: Sequence[Shape]
    terminals: Sequence[Terminal]
    lines: Sequence[Line]
    tags: Sequence[Tag]
    onward: Mapping[str, Sequence[Way]]
    """The ways from each state, for the list that says the same in words."""

    @property
    def least(self) -> int:
        """How narrow it may be drawn where its frame is narrower than itself, in steps of 6 rem."""
        return next((step for step in LEAST if step * REM >= self.width * SCALE_MIN), LEAST[-1])

    @property
    def ends(self) -> frozenset[str]:
        return frozenset({END})

    @property
    def listed(self) -> Sequence[Shape]:
        """The states in the order in which they are read: from top to bottom, what a container holds after it."""
        return sorted(self.shapes, key=lambda shape: shape.number)


def graph(document: str, standings: Mapping[str, Standing], taken: frozenset[Taken]) -> Graph:
    """The machine's drawing with how each of its states went, and the ways that were taken."""
    drawn, plan = _planned(document)
    states = {state.name: state for state in drawn.states()}
    boxes = [box for box in plan.boxes if box.name in states]
    numbers = {box.name: at for at, box in enumerate(_read_order(boxes), start=1)}
    onward: dict[str, list[Way]] = {}
    for way in dict.fromkeys(way for segment in plan.segments for way in segment.ways):
        onward.setdefault(way.source, []).append(way)
    return Graph(
        width=plan.width,
        height=plan.height,
        shapes=[
            Shape(
                box=box,
                state=states[box.name],
                title=titled(box.name),
                picture=_picture(states[box.name]),
                standing=standings.get(box.name, NOT_REACHED),
                number=numbers[box.name],
            )
            for box in boxes
        ],
        terminals=[
            Terminal(
                box=box,
                is_start=box.name == START,
                was_reached=any(box.name in {way.source, way.target} for way in taken),
            )
            for box in plan.boxes
            if box.name in {START, END}
        ],
        lines=sorted((_line(segment, taken) for segment in plan.segments), key=lambda line: line.was_taken),
        tags=[Tag(label=label, was_taken=_was_taken(label.way, taken)) for label in plan.labels],
        onward=onward,
    )


@lru_cache(maxsize=128)
def _planned(document: str) -> tuple[Drawn, Plan]:
    drawn = read(document)
    plan = lay_out(drawn.flow, MEASURES)
    moved = plan.moved(MARGIN, MARGIN)
    return drawn, Plan(
        width=plan.width + 2 * MARGIN,
        height=plan.height + 2 * MARGIN,
        boxes=moved.boxes,
        segments=moved.segments,
        labels=moved.labels,
    )


def _read_order(boxes: Sequence[Box]) -> Sequence[Box]:
    """From top to bottom and left to right; what a container holds comes right after it."""
    ordered: list[Box] = []

    def after(inside: Box | None) -> None:
        held = [box for box in boxes if _holder(box, boxes) is inside]
        for box in sorted(held, key=lambda box: (box.y + (0 if box.is_container else box.height / 2), box.x)):
            ordered.append(box)
            if box.is_container:
                after(box)

    after(None)
    return ordered


def _holder(box: Box, boxes: Sequence[Box]) -> Box | None:
    """The innermost container around a box."""
    around = (
        other
        for other in boxes
        if other.is_container
        and other.depth == box.depth - 1
        and other.x <= box.x <= other.x + other.width
        and other.y <= box.y <= other.y + other.height
    )
    return next(around, None)


def _line(segment: Segment, taken: frozenset[Taken]) -> Line:
    used = [way for way in segment.ways if _was_taken(way, taken)]
    kinds = {way.kind for way in used or segment.ways}
    caught = kinds == {WayKind.CATCH}
    said = " · ".join(dict.fromkeys(way.said for way in segment.ways if way.said))
    return Line(
        path=_rounded(segment.points) if segment.is_back else _curved(segment.points),
        kind=WayKind.CATCH if caught else next(iter(sorted(kinds - {WayKind.CATCH}))),
        said=said,
        was_taken=bool(used),
        tip=segment.points[-1] if segment.has_arrow else None,
    )


def _was_taken(way: Way, taken: frozenset[Taken]) -> bool:
    return Taken(way.source, way.target, way.kind is WayKind.CATCH) in taken


def _curved(points: Sequence[Point]) -> str:
    """Down, over to the side where the next layer wants it, and down."""
    (x1, y1), (_, out), (x2, into), (_, y2) = points
    start = f"M{x1:g},{y1:g}" + (f"V{out:g}" if out != y1 else "")
    if abs(x1 - x2) < 0.5:
        return f"{start}V{y2:g}"
    middle = (out + into) / 2
    return f"{start}C{x1:g},{middle:g} {x2:g},{middle:g} {x2:g},{into:g}" + (f"V{y2:g}" if into != y2 else "")


def _rounded(points: Sequence[Point]) -> str:
    """Straight pieces with round corners."""
    path = f"M{points[0][0]:g},{points[0][1]:g}"
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        into, out = _towards(corner, before), _towards(corner, after)
        path += f"L{into[0]:g},{into[1]:g}Q{corner[0]:g},{corner[1]:g} {out[0]:g},{out[1]:g}"
    return f"{path}L{points[-1][0]:g},{points[-1][1]:g}"


def _towards(corner: Point, other: Point) -> Point:
    """From the corner a little way towards the other point, never past its middle."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(CORNER, length / 2) / length if length else 0
    return (
        round(corner[0] + (other[0] - corner[0]) * share, 2),
        round(corner[1] + (other[1] - corner[1]) * share, 2),
    )


def _picture(state: State) -> str:
    return "user-check" if state.by_token else KIND_ICONS.get(state.kind, "circle")


# How wide words are, near enough for boxes: Inter at 13 px in its medium weight, by the sign.
_NARROW = frozenset("iljtfrI.,:;'|!()[] ")
_WIDE = frozenset("mwMW@%—…")


def text_width(text: str, size_px: float = TITLE_PX) -> float:
    """About how wide a text is drawn."""
    units = (0.34 if sign in _NARROW else 0.92 if sign in _WIDE else 0.70 if sign.isupper() else 0.60 for sign in text)
    return sum(units) * size_px


def titled(name: str) -> Sequence[str]:
    """A name in one line or two, broken where a word of it ends."""
    lines, line = list[str](), ""
    for word in _pieces(name):
        if line and text_width(line + word.rstrip()) > TITLE_WIDTH_MAX:
            lines.append(line.strip())
            line = word.lstrip()
        else:
            line += word
    lines.append(line.strip())
    if len(lines) > TITLE_LINES_MAX:
        lines = [*lines[: TITLE_LINES_MAX - 1], f"{lines[TITLE_LINES_MAX - 1]}…"]
    return [line for line in lines if line]


def _pieces(name: str) -> Iterator[str]:
    for word in _WORDS.findall(name):
        while text_width(word) > TITLE_WIDTH_MAX:
            yield word[:16]
            word = word[16:]  # noqa: PLW2901 — what is left of it
        yield word


def _measured(state: State) -> Extent:
    lines = titled(state.name)
    words = text_width(state.task, WORDS_PX)
    width = max(BOX_WIDTH_MIN, words + BESIDE_TITLE + 8, *(text_width(line) + BESIDE_TITLE + 12 for line in lines))
    return Extent(round(width), BOX_HEIGHT + LINE_PX * (len(lines) - 1))


MEASURES = Measures(
    state=_measured,
    end=Extent(60, 26),
    label=lambda label: round(text_width(label, WORDS_PX) + 14),
)
