"""The order of places in each layer of a drawing, so that few lines cross.

Layers are ordered by the middle of what they are joined to, downwards and upwards in turns (Sugiyama, Tagawa and Toda
1981); neighbours then change places where that saves a crossing (Gansner and others 1993). No order is perfect, so several are
offered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

SWEEPS = 12
EXCHANGES = 6
ASIDE = 0.3
"""How much further to the right than its middle stands what turns back there."""

Layers = list[list[str]]
Joined = Mapping[str, Sequence[str]]


class Order(Struct, frozen=True):
    """Layers in an order, and how often lines cross in it."""

    layers: Layers
    crossings: int


def orders(
    beginnings: Sequence[Sequence[Sequence[str]]], lines: Sequence[tuple[str, str]], *, aside: Container[str]
) -> list[Order]:
    """Orders to choose from: each beginning as it is and settled. `lines` join places of neighbouring layers, the upper one first."""
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for upper, lower in lines:
        below[upper].append(lower)
        above[lower].append(upper)
    found = [[list(layer) for layer in layers] for layers in beginnings]
    found += [_settled([list(layer) for layer in layers], above, below, aside) for layers in beginnings]
    return [Order(layers, crossings(layers, below)) for layers in found]


def crossings(layers: Sequence[Sequence[str]], below: Joined) -> int:
    """How often lines cross."""
    total = 0
    for upper, lower in pairwise(layers):
        position = {name: at for at, name in enumerate(lower)}
        ends = [end for name in upper for end in sorted(position[each] for each in below.get(name, ()))]
        total += sum(1 for at, end in enumerate(ends) for other in ends[at + 1 :] if other < end)
    return total


def _settled(layers: Layers, above: Joined, below: Joined, aside: Container[str]) -> Layers:
    best, fewest = [list(layer) for layer in layers], crossings(layers, below)
    for sweep in range(SWEEPS):
        _swept(layers, above if sweep % 2 == 0 else below, aside, downwards=sweep % 2 == 0)
        _exchanged(layers, above, below)
        now = crossings(layers, below)
        if now < fewest:
            best, fewest = [list(layer) for layer in layers], now
        if not fewest:
            break
    return best


def _swept(layers: Layers, joined: Joined, aside: Container[str], *, downwards: bool) -> None:
    """Order each layer by the middle of what it is joined to in the layer before it."""
    for at in range(1, len(layers)) if downwards else range(len(layers) - 2, -1, -1):
        position = {name: index for index, name in enumerate(layers[at - 1 if downwards else at + 1])}
        wanted: dict[str, float] = {}
        for index, name in enumerate(layers[at]):
            places = [position[each] for each in joined.get(name, ())]
            wanted[name] = (sum(places) / len(places) if places else index) + (ASIDE if name in aside else 0)
        layers[at].sort(key=wanted.__getitem__)


def _exchanged(layers: Layers, above: Joined, below: Joined) -> None:
    """Let neighbours change places where fewer lines then cross."""
    for _ in range(EXCHANGES):
        changed = False
        for at, layer in enumerate(layers):
            sides = [
                ({name: index for index, name in enumerate(layers[other])}, joined)
                for other, joined in ((at - 1, above), (at + 1, below))
                if 0 <= other < len(layers)
            ]
            for left in range(len(layer) - 1):
                a, b = layer[left], layer[left + 1]
                saved = 0
                for position, joined in sides:
                    first = [position[each] for each in joined.get(a, ())]
                    second = [position[each] for each in joined.get(b, ())]
                    saved += sum((x > y) - (x < y) for x in first for y in second)
                if saved > 0:
                    layer[left], layer[left + 1] = b, a
                    changed = True
        if not changed:
            return
