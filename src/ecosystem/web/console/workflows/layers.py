"""In which layer each state of a drawing stands: beneath all that lead to it, and which ways lead back."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.web.console.workflows.machines import END, Way

GAP_X = 26
"""Between boxes side by side."""
WIDTH_WANTED = 700
"""Where a layer would be wider, further states go into the next: a drawing that is long is read more easily than a wide
one (after Coffman and Graham 1972)."""


class Extent(Struct, frozen=True):
    width: float
    height: float


@dataclass(slots=True)
class Layered:
    """States by layer. `back` are the ways that lead to a layer above, or to the same state; `lower` as staggered."""

    names: Sequence[str]
    layer_of: dict[str, int]
    lower: Mapping[str, int]
    onward: list[Way]
    back: list[Way]

    @classmethod
    def of(cls, extents: Mapping[str, Extent], ways: Sequence[Way], first: str) -> Layered:
        names = list(extents)
        out: dict[str, list[Way]] = defaultdict(list)
        for way in ways:
            out[way.source].append(way)
        back = _leading_back([first, *names] if first in names else names, out)
        onward = [way for way in ways if way not in back]
        lower = _staggered(extents, onward)
        return cls(
            names=names,
            layer_of=_layers(extents, onward, lower),
            lower={name: by for name, by in lower.items() if by},
            onward=onward,
            back=[way for way in ways if way in back],
        )


def _leading_back(names: Iterable[str], out: Mapping[str, Sequence[Way]]) -> set[Way]:
    """The ways that a walk from the first state finds leading to where it is already within."""
    back: set[Way] = set()
    within: set[str] = set()
    seen: set[str] = set()
    for root in names:
        if root in seen:
            continue
        seen.add(root)
        within.add(root)
        walk = [(root, iter(out.get(root, ())))]
        while walk:
            name, ahead = walk[-1]
            way = next(ahead, None)
            if way is None:
                walk.pop()
                within.discard(name)
            elif way.target in within:
                back.add(way)
            elif way.target not in seen:
                seen.add(way.target)
                within.add(way.target)
                walk.append((way.target, iter(out.get(way.target, ()))))
    return back


def _layers(extents: Mapping[str, Extent], onward: Sequence[Way], lower: Mapping[str, int]) -> dict[str, int]:
    """Each state beneath all that lead to it, two layers where the way has a label, which stands between."""
    waiting = dict.fromkeys(extents, 0)
    out: dict[str, list[Way]] = defaultdict(list)
    for way in onward:
        waiting[way.target] += 1
        out[way.source].append(way)
    layer = dict.fromkeys(extents, 0)
    taken: dict[int, float] = defaultdict(float)
    ready = [name for name in extents if not waiting[name]]
    for name in ready:  # grows while it is read: every state comes once all before it have come
        width = extents[name].width + GAP_X
        layer[name] += lower.get(name, 0)
        while taken[layer[name]] and taken[layer[name]] + width > WIDTH_WANTED:
            layer[name] += 1
        taken[layer[name]] += width
        for way in out[name]:
            layer[way.target] = max(layer[way.target], layer[name] + (2 if way.label else 1))
            waiting[way.target] -= 1
            if not waiting[way.target]:
                ready.append(way.target)
    return layer


def _staggered(extents: Mapping[str, Extent], onward: Sequence[Way]) -> dict[str, int]:
    """How many layers lower a state stands where one has more followers than fit side by side.

    Each stands next to those of other rows, so that what leads to the lower ones passes between the upper ones.
    """
    followers: dict[str, dict[str, None]] = defaultdict(dict)
    for way in onward:
        if way.label and way.target != END:
            followers[way.source][way.target] = None
    lower: dict[str, int] = {}
    for targets in followers.values():
        rows = math.ceil(sum(extents[target].width + GAP_X for target in targets) / WIDTH_WANTED)
        lower |= {target: at % rows * 2 for at, target in enumerate(targets)}
    return lower
