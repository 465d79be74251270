"""Where the states of a machine stand in its drawing, and how the ways between them run.

A layered layout from top to bottom (Sugiyama, Tagawa and Toda 1981): ways that lead back are found, each state gets a
layer beneath all that lead to it, ways that pass a layer get a place in it, places are ordered so that few ways cross,
and stand as straight beneath each other as their neighbours allow. Nothing overlaps by construction: a way moves
sideways only between layers. Ways to the same state share one line, so that a handler of many errors does not bring as
many lines; ways back run upwards in lanes of their own at the right. The same machine gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ecosystem.web.console.workflows.columns import Joint, columns
from ecosystem.web.console.workflows.layers import GAP_X, Extent, Layered
from ecosystem.web.console.workflows.machines import END, START, Flow, State, Way, WayKind
from ecosystem.web.console.workflows.ordering import Order, orders

GAP_LINE = 14
"""Between a box and a line that passes it, or between two lines."""
GAP_Y = 34
GAP_LABEL = 16
"""Between layers; less where one of the two holds only lines and labels."""
LINE = 8
LABEL_HEIGHT = 18
LANE = 14
PAD = 14
"""Around the flows inside a container."""
HEAD = 46
"""The head of a container: its name and how it stands."""
CROSSING = 40
"""How much wider a drawing may be for one crossing less."""
ASIDE = 18
"""How far from the middle a way leaves that is not the usual one."""

Point = tuple[float, float]


class Box(Struct, frozen=True, kw_only=True):
    """A state, or one of the two ends, at its place. `depth` counts the containers around it."""

    name: str
    x: float
    y: float
    width: float
    height: float
    depth: int
    is_container: bool = False


class Segment(Struct, frozen=True, kw_only=True):
    """A piece of a line that one or more ways run along. A bent one curves; a way back has corners."""

    points: tuple[Point, ...]
    ways: tuple[Way, ...]
    has_arrow: bool
    is_back: bool = False


class Label(Struct, frozen=True, kw_only=True):
    """What is said beside a way, at its middle."""

    x: float
    y: float
    width: float
    way: Way


class Plan(Struct, frozen=True, kw_only=True):
    """A drawing: its size, and what stands in it. Containers come before what they hold."""

    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    segments: tuple[Segment, ...] = ()
    labels: tuple[Label, ...] = ()

    def moved(self, by_x: float, by_y: float) -> Plan:
        """The same one further right and down."""

        def point(at: Point) -> Point:
            return (round(at[0] + by_x, 2), round(at[1] + by_y, 2))

        return Plan(
            width=self.width,
            height=self.height,
            boxes=tuple(
                Box(name=b.name, x=point((b.x, b.y))[0], y=point((b.x, b.y))[1], width=b.width, height=b.height,
                    depth=b.depth, is_container=b.is_container) for b in self.boxes
            ),
            segments=tuple(
                Segment(points=tuple(map(point, s.points)), ways=s.ways, has_arrow=s.has_arrow, is_back=s.is_back)
                for s in self.segments
            ),
            labels=tuple(
                Label(x=point((each.x, each.y))[0], y=point((each.x, each.y))[1], width=each.width, way=each.way)
                for each in self.labels
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measures:
    """How much room things take: a state without what it holds, one of the two ends, a label."""

    state: Callable[[State], Extent]
    end: Extent
    label: Callable[[str], float]


def lay_out(flow: Flow, measures: Measures, *, depth: int = 0) -> Plan:
    """The drawing of a flow. Only the outermost one shows its start and its end."""
    insides = {state.name: _inside(state, measures, depth) for state in flow.states if state.flows}
    ends = {END, START} if depth == 0 else set[str]()
    ways = [way for way in flow.ways if depth == 0 or not {way.source, way.target} & {START, END}]
    first = next((way.target for way in flow.ways if way.source == START), "")
    extents = {name: measures.end for name in sorted(ends) if any(name in {w.source, w.target} for w in ways)}
    for state in flow.states:
        inside = insides.get(state.name)
        extents[state.name] = Extent(inside.width, inside.height) if inside else measures.state(state)
    layered = Layered.of(extents, ways, first if depth else START)
    return _drawn(layered, extents, measures, insides, depth)


def _inside(state: State, measures: Measures, depth: int) -> Plan:
    """What a container holds, side by side under its head, and the room that it takes."""
    own = measures.state(state)
    plans = [lay_out(flow, measures, depth=depth + 1) for flow in state.flows]
    height = max((plan.height for plan in plans), default=0)
    at, placed = float(PAD), list[Plan]()
    for plan in plans:
        placed.append(plan.moved(at, HEAD + PAD))
        at += plan.width + GAP_X
    content = at - GAP_X + PAD
    aside = max(0.0, own.width - content) / 2
    placed = [plan.moved(aside, 0) for plan in placed]
    return Plan(
        width=round(max(content, own.width), 2),
        height=round(HEAD + height + 2 * PAD, 2),
        boxes=tuple(box for plan in placed for box in plan.boxes),
        segments=tuple(segment for plan in placed for segment in plan.segments),
        labels=tuple(label for plan in placed for label in plan.labels),
    )


@dataclass(slots=True)
class _Place:
    """A place in a layer: a state, or where a line passes (`way` of a label is the one that it speaks of)."""

    name: str
    layer: int
    width: float = LINE
    height: float = 0
    label: Way | None = None
    is_box: bool = False
    leads_to: str = ""
    x: float = 0


@dataclass(slots=True)
class _Sheet:
    """Places by layer, and the lines between places of neighbouring layers with the ways that run along each."""

    layers: list[list[_Place]]
    lines: dict[tuple[str, str], list[Way]] = field(default_factory=dict[tuple[str, str], list[Way]])
    turns: dict[str, Way] = field(default_factory=dict[str, Way])
    by_name: dict[str, _Place] = field(default_factory=dict[str, _Place])

    def place(self, place: _Place) -> _Place:
        known = self.by_name.get(place.name)
        if known:
            return known
        while len(self.layers) <= place.layer:
            self.layers.append([])
        self.layers[place.layer].append(place)
        self.by_name[place.name] = place
        return place

    def join(self, upper: str, lower: str, way: Way) -> None:
        self.lines.setdefault((upper, lower), []).append(way)


def _sheet(layered: Layered, extents: Mapping[str, Extent], measures: Measures) -> _Sheet:
    """Every place there is: states, labels, and where lines pass."""
    sheet = _Sheet(layers=[])
    for name in layered.names:
        extent = extents[name]
        sheet.place(
            _Place(name, layered.layer_of[name], width=extent.width, height=extent.height, is_box=True),
        )
    for way in layered.onward:
        at, name = layered.layer_of[way.source], way.source
        last = layered.layer_of[way.target] - 1
        said_at = last if way.target in layered.lower else at + 1
        while at < last:
            at += 1
            place = _label(way, at, measures) if way.label and at == said_at else _passing(way, at, said_at)
            sheet.place(place)
            sheet.join(name, place.name, way)
            name = place.name
        sheet.join(name, way.target, way)
    for way in layered.back:
        at = layered.layer_of[way.source] + 1
        turn = sheet.place(_label(way, at, measures) if way.label else _Place(f"\0turn\0{_id(way)}", at))
        sheet.join(way.source, turn.name, way)
        sheet.turns[turn.name] = way
    return sheet


def _id(way: Way) -> str:
    return f"{way.source}\0{way.target}\0{way.kind}"


def _passing(way: Way, layer: int, said_at: int) -> _Place:
    """Where a way passes a layer. Ways to the same state share one line, but before a label each has its own."""
    own = way.source if way.label and layer < said_at else ""
    return _Place(f"\0{way.kind == WayKind.CATCH}\0{own}\0{way.target}\0{layer}", layer, leads_to=way.target)


def _label(way: Way, layer: int, measures: Measures) -> _Place:
    width = measures.label(way.label)
    return _Place(f"\0label\0{_id(way)}", layer, width=width, height=LABEL_HEIGHT, label=way, leads_to=way.target)


def _order(sheet: _Sheet, names: Sequence[str]) -> float:
    """Order each layer so that few lines cross and the drawing is narrow; how wide it is then.

    It may begin as the places were made, or with everything where the document has it, and what leads to a state where
    that one stands.
    """
    rank = {name: at for at, name in enumerate(names)} | {END: len(names)}

    def stands_with(place: _Place) -> int:
        back = sheet.turns.get(place.name)
        return rank[back.source if back else place.leads_to or place.name]

    made = [[place.name for place in layer] for layer in sheet.layers]
    as_written = [[place.name for place in sorted(layer, key=stands_with)] for layer in sheet.layers]
    choices = orders([made, as_written], list(sheet.lines), aside=sheet.turns)

    def cost(order: Order) -> float:
        sheet.layers = [[sheet.by_name[name] for name in layer] for layer in order.layers]
        return _stand(sheet) + CROSSING * order.crossings

    cost(min(choices, key=cost))
    return _stand(sheet)


def _stand(sheet: _Sheet) -> float:
    """Give each place its middle from left to right, and return how wide it all is."""
    middles = columns(
        [[place.name for place in layer] for layer in sheet.layers],
        [Joint(upper, lower, _weight(sheet, upper, lower, ways)) for (upper, lower), ways in sheet.lines.items()],
        lambda left, right: _apart(sheet.by_name[left], sheet.by_name[right]),
    )
    places = sheet.by_name.values()
    left = min(middles[place.name] - place.width / 2 for place in places)
    for place in places:
        place.x = round(middles[place.name] - left, 1)
    return max(place.x + place.width / 2 for place in places)


def _weight(sheet: _Sheet, upper: str, lower: str, ways: Sequence[Way]) -> int:
    """How much a line wants to be straight: long ones most, the usual way more than a caught error."""
    boxes = sheet.by_name[upper].is_box + sheet.by_name[lower].is_box
    usual = any(way.kind is not WayKind.CATCH for way in ways)
    return (8, 3, 2)[boxes] + (4 if usual else 0)


def _apart(left: _Place, right: _Place) -> float:
    gap = GAP_X if left.is_box and right.is_box else GAP_LINE
    return (left.width + right.width) / 2 + gap


@dataclass(slots=True)
class _Bands:
    """Top and bottom of each layer."""

    tops: list[float]
    bottoms: list[float]


def _bands(sheet: _Sheet, above: float) -> _Bands:
    bands = _Bands(tops=[], bottoms=[])
    at, former = above, None
    for layer in sheet.layers:
        height = max((place.height for place in layer), default=0)
        has_box = any(place.is_box for place in layer)
        if former is not None:
            at += GAP_Y if has_box and former else GAP_LABEL
        bands.tops.append(at)
        at += height
        bands.bottoms.append(at)
        former = has_box
    return bands


def _drawn(
    layered: Layered, extents: Mapping[str, Extent], measures: Measures, insides: Mapping[str, Plan], depth: int
) -> Plan:
    if not layered.names:
        return Plan(width=0, height=0)
    sheet = _sheet(layered, extents, measures)
    width = _order(sheet, layered.names)
    to_top = any(layered.layer_of[way.target] == 0 for way in layered.back)
    bands = _bands(sheet, GAP_LABEL if to_top else 0)
    boxes: list[Box] = []
    inner: list[Plan] = []
    for name in layered.names:
        place = sheet.by_name[name]
        top, bottom = bands.tops[place.layer], bands.bottoms[place.layer]
        x, y = place.x - place.width / 2, (top + bottom - place.height) / 2
        inside = insides.get(name)
        boxes.append(
            Box(
                name=name, x=round(x, 2), y=round(y, 2), width=place.width, height=place.height, depth=depth,
                is_container=inside is not None,
            )
        )  # fmt: skip
        if inside:
            inner.append(inside.moved(x, y))
    segments = [*_onward(sheet, bands), *_back(sheet, bands)]
    labels = [
        Label(
            x=place.x,
            y=round((bands.tops[place.layer] + bands.bottoms[place.layer]) / 2, 2),
            width=place.width,
            way=place.label,
        )
        for place in sheet.by_name.values()
        if place.label
    ]
    under = GAP_LABEL if any(sheet.by_name[name].layer == len(sheet.layers) - 1 for name in sheet.turns) else 0
    return Plan(
        width=round(max([width, *(x + 4 for segment in segments if segment.is_back for x, _ in segment.points)]), 2),
        height=round(bands.bottoms[-1] + under, 2),
        boxes=(*boxes, *(box for plan in inner for box in plan.boxes)),
        segments=(*segments, *(segment for plan in inner for segment in plan.segments)),
        labels=(*labels, *(label for plan in inner for label in plan.labels)),
    )


def _onward(sheet: _Sheet, bands: _Bands) -> Iterable[Segment]:
    """Lines from each place to those of the layer beneath."""
    for (upper, lower), ways in sheet.lines.items():
        above, below = sheet.by_name[upper], sheet.by_name[lower]
        begin, end = _foot(above, bands), _crown(below, bands)
        out = _aside(above, below, ways)
        yield Segment(
            points=(
                (above.x + out, begin),
                (above.x + out, bands.bottoms[above.layer]),
                (below.x, bands.tops[below.layer]),
                (below.x, end),
            ),
            ways=tuple(ways),
            has_arrow=below.is_box,
        )


def _aside(above: _Place, below: _Place, ways: Sequence[Way]) -> float:
    """A caught error leaves a state beside its middle, on the side where it goes."""
    if not above.is_box or any(way.kind is not WayKind.CATCH for way in ways):
        return 0.0
    return min(ASIDE, above.width / 4) * (1 if below.x >= above.x else -1)


def _foot(place: _Place, bands: _Bands) -> float:
    """Where a line leaves a place: beneath a state; where a line or a label passes, at the top, to run through."""
    top, bottom = bands.tops[place.layer], bands.bottoms[place.layer]
    return (top + bottom + place.height) / 2 if place.is_box else top


def _crown(place: _Place, bands: _Bands) -> float:
    top, bottom = bands.tops[place.layer], bands.bottoms[place.layer]
    return (top + bottom - place.height) / 2 if place.is_box else top


@dataclass(slots=True)
class _Lanes:
    """Where ways back run upwards: each beside all it passes, and none upon another."""

    sheet: _Sheet
    taken: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])

    def lane(self, first: int, last: int) -> float:
        """The next free lane beside these layers."""
        right = max(place.x + place.width / 2 for layer in self.sheet.layers[first : last + 1] for place in layer)
        at = right + LANE - 4
        while any(abs(x - at) < LANE and first <= below and above <= last for x, above, below in self.taken):
            at += LANE
        self.taken.append((at, first, last))
        return at


def _back(sheet: _Sheet, bands: _Bands) -> Iterable[Segment]:
    """From each turn down, to a lane at the right, up, and into the state from above.

    Ways back to the same state share a lane; the short ones have the inner lanes.
    """
    lowest: dict[str, int] = {}
    for name, way in sheet.turns.items():
        lowest[way.target] = max(lowest.get(way.target, 0), sheet.by_name[name].layer)
    lanes = _Lanes(sheet)
    lane_to: dict[str, float] = {}
    for back_to in sorted(lowest, key=lambda each: (lowest[each] - sheet.by_name[each].layer, each)):
        lane_to[back_to] = round(lanes.lane(sheet.by_name[back_to].layer, lowest[back_to]), 1)
    order = list(lane_to)
    for name, way in sheet.turns.items():
        turn, target, lane = sheet.by_name[name], sheet.by_name[way.target], lane_to[way.target]
        index = order.index(way.target)
        low = bands.bottoms[turn.layer] + 5 + 3 * (index % 3)
        high = bands.tops[target.layer] - 8 - 3 * (index % 3)
        into = round(target.x + min(ASIDE, target.width / 4), 1)
        yield Segment(
            points=(
                (turn.x, bands.tops[turn.layer]), (turn.x, low), (lane, low), (lane, high), (into, high),
                (into, _crown(target, bands)),
            ),
            ways=(way,),
            has_arrow=True,
            is_back=True,
        )  # fmt: skip
