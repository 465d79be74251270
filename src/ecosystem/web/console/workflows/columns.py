"""Where places that stand in layers go from left to right, so that what is joined stands beneath each other.

Four times over, by Brandes and Köpf ("Fast and simple horizontal coordinate assignment", 2002): places are joined into
columns that run straight, seen from above and from below, from the left and from the right; columns stand as close as
they may. Each place then gets the mean of the two middle ones of its four positions, which keeps order and distance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from msgspec import Struct

Apart = Callable[[str, str], float]
"""How far the middles of two neighbours, left and right, must be apart."""


class Joint(Struct, frozen=True):
    """A line between places of neighbouring layers, and how much it wants to be straight."""

    upper: str
    lower: str
    weight: int


def columns(layers: Sequence[Sequence[str]], joints: Sequence[Joint], apart: Apart) -> Mapping[str, float]:
    """The middle of each place."""
    yielding = _yielding(layers, joints)
    found: list[Mapping[str, float]] = []
    for downwards in (True, False):
        for rightwards in (True, False):
            view = _View.of(layers, joints, yielding, downwards=downwards, rightwards=rightwards)
            placed = _compact(view, apart if rightwards else lambda left, right: apart(right, left))
            found.append(placed if rightwards else {name: -x for name, x in placed.items()})
    return _balanced(found)


def _yielding(layers: Sequence[Sequence[str]], joints: Sequence[Joint]) -> frozenset[tuple[str, str]]:
    """Lines that cross one which wants to be straight more than they do: they may bend."""
    position = {name: at for layer in layers for at, name in enumerate(layer)}
    layer_of = {name: at for at, layer in enumerate(layers) for name in layer}
    by_layer: dict[int, list[Joint]] = defaultdict(list)
    for joint in joints:
        by_layer[layer_of[joint.upper]].append(joint)
    bent: set[tuple[str, str]] = set()
    for together in by_layer.values():
        for index, a in enumerate(together):
            for b in together[index + 1 :]:
                above = position[a.upper] - position[b.upper]
                below = position[a.lower] - position[b.lower]
                if above * below < 0 and a.weight != b.weight:
                    lighter = a if a.weight < b.weight else b
                    bent.add((lighter.upper, lighter.lower))
    return frozenset(bent)


@dataclass(slots=True)
class _View:
    """The layers as seen from one side, with each place's column: `root` names the first place of it."""

    layers: Sequence[Sequence[str]]
    root: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(
        cls,
        layers: Sequence[Sequence[str]],
        joints: Sequence[Joint],
        yielding: frozenset[tuple[str, str]],
        *,
        downwards: bool,
        rightwards: bool,
    ) -> _View:
        seen = [list(layer) if rightwards else list(reversed(layer)) for layer in layers]
        if not downwards:
            seen.reverse()
        before: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for joint in joints:
            if (joint.upper, joint.lower) not in yielding:
                here, there = (joint.lower, joint.upper) if downwards else (joint.upper, joint.lower)
                before[here].append((there, joint.weight))
        view = cls(layers=seen, root={name: name for layer in seen for name in layer})
        view.join(before)
        return view

    def join(self, before: Mapping[str, Sequence[tuple[str, int]]]) -> None:
        """Join each place with the middle one of those that it most wants to stand beneath."""
        position = {name: at for layer in self.layers for at, name in enumerate(layer)}
        continued: set[str] = set()
        for layer in self.layers:
            last = -1
            for name in layer:
                joined = before.get(name, ())
                most = max((weight for _, weight in joined), default=0)
                wanted = sorted((there for there, weight in joined if weight == most), key=position.__getitem__)
                for at in sorted({(len(wanted) - 1) // 2, len(wanted) // 2}) if wanted else ():
                    there = wanted[at]
                    if position[there] > last and there not in continued:
                        self.root[name] = self.root[there]
                        continued.add(there)
                        last = position[there]
                        break


def _compact(view: _View, apart: Apart) -> Mapping[str, float]:
    """Each column as far to the left as its neighbours let it, then as near as it can be to those at its right."""
    room: dict[str, dict[str, float]] = defaultdict(dict)  # a column, those right of it, and how far apart
    left_of: dict[str, set[str]] = defaultdict(set)
    roots = dict.fromkeys(view.root[name] for layer in view.layers for name in layer)
    for layer in view.layers:
        for left, right in pairwise(layer):
            a, b = view.root[left], view.root[right]
            room[a][b] = max(room[a].get(b, 0.0), apart(left, right))
            left_of[b].add(a)
    waiting = {root: len(left_of[root]) for root in roots}
    order = [root for root in roots if not waiting[root]]
    for root in order:  # grows while it is read: each column once all left of it have come
        for right in room[root]:
            waiting[right] -= 1
            if not waiting[right]:
                order.append(right)
    x = dict.fromkeys(roots, 0.0)
    for root in order:
        x[root] = max((x[left] + room[left][root] for left in left_of[root]), default=0.0)
    for root in reversed(order):
        nearest = min((x[right] - away for right, away in room[root].items()), default=None)
        if nearest is not None:
            x[root] = nearest
    return {name: x[view.root[name]] for layer in view.layers for name in layer}


def _balanced(found: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The mean of the two middle positions of each place, once all four stand upon the narrowest one."""
    narrowest = min(found, key=lambda placed: max(placed.values()) - min(placed.values()))
    low, high = min(narrowest.values()), max(narrowest.values())
    shifted: list[Mapping[str, float]] = []
    for at, placed in enumerate(found):
        from_left = at % 2 == 0
        by = low - min(placed.values()) if from_left else high - max(placed.values())
        shifted.append({name: x + by for name, x in placed.items()})
    middles: dict[str, float] = {}
    for name in found[0]:
        ordered = sorted(placed[name] for placed in shifted)
        middles[name] = (ordered[1] + ordered[2]) / 2
    return middles
