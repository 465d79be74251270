"""The drawing of any machine: nothing overlaps, nothing is left out, and the same machine looks the same."""

from __future__ import annotations

from itertools import combinations, pairwise
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from tests.web.console.workflows.machines import document, long, machines, showing_everything

from ecosystem.ports.workflows import Definition
from ecosystem.web.console.workflows.graph import MEASURES
from ecosystem.web.console.workflows.layout import Box, Plan, Segment, lay_out
from ecosystem.web.console.workflows.machines import END, START, Flow, Way, read
from ecosystem.workflows.definitions import definitions

CURVE_STEPS = 12


def plan_of(machine: dict[str, Any]) -> tuple[Flow, Plan]:
    flow = read(document(machine)).flow
    return flow, lay_out(flow, MEASURES)


def holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width + 0.1
        and inner.y + inner.height <= outer.y + outer.height + 0.1
    )


def overlap(a: Box, b: Box) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def ways_of(flow: Flow, depth: int = 0) -> set[Way]:
    own = {way for way in flow.ways if depth == 0 or not {way.source, way.target} & {START, END}}
    return own.union(*(ways_of(inner, depth + 1) for state in flow.states for inner in state.flows))


def traced(segment: Segment) -> list[tuple[float, float]]:
    """Points along a segment, as it is drawn."""
    if segment.is_back:
        return list(segment.points)
    first, out, into, last = segment.points
    middle = (out[1] + into[1]) / 2
    curve = []
    for step in range(CURVE_STEPS + 1):
        t = step / CURVE_STEPS
        corners = [out, (out[0], middle), (into[0], middle), into]
        shares = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
        curve.append(
            tuple(sum(share * corner[axis] for share, corner in zip(shares, corners, strict=True)) for axis in (0, 1))
        )
    return [first, *curve, last]


def enters(piece: tuple[tuple[float, float], tuple[float, float]], box: Box) -> bool:
    """Whether a short straight piece has a point well inside the box."""
    (x1, y1), (x2, y2) = piece
    for step in range(9):
        x, y = x1 + (x2 - x1) * step / 8, y1 + (y2 - y1) * step / 8
        if box.x + 1 < x < box.x + box.width - 1 and box.y + 1 < y < box.y + box.height - 1:
            return True
    return False


@given(machines())
@settings(max_examples=120, deadline=None)
def test_no_two_boxes_overlap_unless_one_holds_the_other(machine: dict[str, Any]) -> None:
    _, plan = plan_of(machine)

    for a, b in combinations(plan.boxes, 2):
        if a.is_container and b.depth > a.depth and overlap(a, b):
            assert holds(a, b), (a, b)
        elif b.is_container and a.depth > b.depth and overlap(a, b):
            assert holds(b, a), (a, b)
        else:
            assert not overlap(a, b), (a, b)


@given(machines())
@settings(max_examples=120, deadline=None)
def test_every_state_and_every_way_is_drawn(machine: dict[str, Any]) -> None:
    flow, plan = plan_of(machine)

    drawn = {way for segment in plan.segments for way in segment.ways}
    arrows = {way for segment in plan.segments if segment.has_arrow for way in segment.ways}
    assert {box.name for box in plan.boxes} >= {state.name for state in read(document(machine)).states()}
    assert drawn == ways_of(flow)
    assert arrows == drawn
    assert {label.way for label in plan.labels} == {way for way in drawn if way.label}


@given(machines())
@settings(max_examples=80, deadline=None)
def test_a_way_runs_from_its_state_to_the_other_without_a_break(machine: dict[str, Any]) -> None:
    _, plan = plan_of(machine)
    boxes = {box.name: box for box in plan.boxes}

    for way in {way for segment in plan.segments for way in segment.ways}:
        along = [segment for segment in plan.segments if way in segment.ways]
        pieces = [segment.points for segment in sorted(along, key=lambda each: (each.is_back, each.points[0][1]))]
        for piece, following in pairwise(pieces):
            assert abs(piece[-1][0] - following[0][0]) < 0.2
            assert abs(piece[-1][1] - following[0][1]) < 0.2
        source, target = boxes[way.source], boxes[way.target]
        assert source.x <= pieces[0][0][0] <= source.x + source.width
        assert abs(pieces[0][0][1] - source.y - source.height) < 0.2
        assert target.x <= pieces[-1][-1][0] <= target.x + target.width
        assert abs(pieces[-1][-1][1] - target.y) < 0.2


@given(machines())
@settings(max_examples=60, deadline=None)
def test_no_way_runs_through_a_state_it_does_not_touch(machine: dict[str, Any]) -> None:
    _, plan = plan_of(machine)

    for segment in plan.segments:
        for piece in pairwise(traced(segment)):
            for box in plan.boxes:
                around = box.is_container and any(holds(box, other) and other is not box for other in plan.boxes)
                if not around:
                    assert not enters(piece, box), (segment, box)


@given(machines())
@settings(max_examples=60, deadline=None)
def test_everything_lies_within_the_drawing(machine: dict[str, Any]) -> None:
    _, plan = plan_of(machine)

    for box in plan.boxes:
        assert box.x >= -0.1
        assert box.y >= -0.1
        assert box.x + box.width <= plan.width + 0.1
        assert box.y + box.height <= plan.height + 0.1
    for segment in plan.segments:
        for x, y in segment.points:
            assert -0.1 <= x <= plan.width + 0.1
            assert -0.1 <= y <= plan.height + 0.1


@given(machines())
@settings(max_examples=30, deadline=None)
def test_the_same_machine_is_drawn_the_same_again(machine: dict[str, Any]) -> None:
    assert plan_of(machine) == plan_of(machine)


def test_sixty_states_are_laid_out_while_nobody_notices() -> None:
    machine = long(60)

    began = perf_counter()
    _, plan = plan_of(machine)
    took_s = perf_counter() - began

    assert len(plan.boxes) == 64
    assert took_s < 0.5


def test_a_row_of_states_stands_straight() -> None:
    names = [f"Step{at}" for at in range(5)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
    _, plan = plan_of({"StartAt": "Step0", "States": states | {"Step4": {"Type": "Pass", "End": True}}})

    assert len({round(box.x + box.width / 2) for box in plan.boxes}) == 1


def test_a_way_back_runs_in_a_lane_beside_the_states() -> None:
    _, plan = plan_of(showing_everything())

    (back,) = [segment for segment in plan.segments if segment.is_back]
    assert (back.ways[0].source, back.ways[0].target) == ("AskProcessor", "IsItPaid")
    assert max(x for x, _ in back.points) > max(box.x + box.width for box in plan.boxes)


@pytest.mark.parametrize("definition", definitions(), ids=lambda each: each.name)
def test_our_own_machines_are_drawn_whole_and_fit_a_wide_page(definition: Definition) -> None:
    flow = read(definition.content.decode()).flow
    plan = lay_out(flow, MEASURES)

    assert {way for segment in plan.segments for way in segment.ways} == ways_of(flow)
    assert not any(overlap(a, b) for a, b in combinations(plan.boxes, 2))
    assert plan.width < 1_900
