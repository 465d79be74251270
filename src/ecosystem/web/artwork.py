"""Pictures for what has no photograph: a soft scene with the category's icon, and initials for a face.

Drawn from the id alone, so the same thing looks the same on every page and every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from msgspec import Struct

WIDTH, HEIGHT = 640, 480
HORIZONS = 3


class _Palette(Struct, frozen=True):
    """Sky from one corner to the other, two lights in it, and the land below."""

    sky: tuple[str, str]
    lights: tuple[str, str]
    land: str


_PALETTES = (
    _Palette(("#fef3c7", "#fdba74"), ("#fed7aa", "#ea8a3e"), "#a3400f"),
    _Palette(("#fde68a", "#86d9a5"), ("#2a9d86", "#6ee7b7"), "#0f766e"),
    _Palette(("#f3c48f", "#c05a24"), ("#8f3610", "#eaa45c"), "#8a3410"),
    _Palette(("#dbeafe", "#94a3b8"), ("#475569", "#bae6fd"), "#334155"),
    _Palette(("#fbcfe8", "#c4a5f4"), ("#7e3fb5", "#e9d5ff"), "#6d28d9"),
    _Palette(("#d9f99d", "#8fe3b0"), ("#4d9f58", "#fef9c3"), "#14713a"),
    _Palette(("#e0f2fe", "#a5b4fc"), ("#4f6bd8", "#bae6fd"), "#3730a3"),
    _Palette(("#ffe4e6", "#fda4af"), ("#e0637c", "#fed7aa"), "#9f1239"),
    _Palette(("#ccfbf1", "#67c6d8"), ("#1787a0", "#a7f3d0"), "#155e75"),
    _Palette(("#fef9c3", "#d6c08a"), ("#a0813d", "#fef3c7"), "#6b4a12"),
)


def scene(seed: str, icon: str, *, variant: int = 0) -> str:
    """A scene as SVG, 640 by 480: sky, two lights, three rows of hills, and the icon's drawing in white.

    `variant` gives the further pictures of a gallery: other weather over the same colours, or the neighbouring ones.
    """
    numbers = _numbers(f"{seed}/{variant}")
    palette = _PALETTES[(next(_numbers(seed)) + variant) % len(_PALETTES)]
    lights = "".join(_light(at, numbers) for at in range(2))
    hills = "".join(_hill(row, numbers) for row in range(HORIZONS))
    turned = next(numbers) % 2  # the sky brightens to the left or to the right
    size = 150 if variant == 0 else 110
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<defs><linearGradient id="s" x1="{turned}" y1="0" x2="{1 - turned}" y2="1">'
        f'<stop stop-color="{palette.sky[0]}"/><stop offset="1" stop-color="{palette.sky[1]}"/></linearGradient>'
        f"{''.join(_glow(at, colour) for at, colour in enumerate((*palette.lights, palette.land)))}</defs>"
        f'<path fill="url(#s)" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>{lights}'
        # A breath of shade behind the icon, so that it is seen on the lightest sky.
        '<ellipse cx="320" cy="228" rx="190" ry="150" fill="url(#g2)" opacity=".3"/>'
        f'<g fill="{palette.land}">{hills}</g>'
        f'<svg x="{(WIDTH - size) // 2}" y="{(HEIGHT - size) // 2 - 12}" width="{size}" height="{size}" '
        'viewBox="0 0 24 24" fill="none" stroke="#fff" stroke-opacity=".94" stroke-width="1.3" stroke-linecap="round" '
        f'stroke-linejoin="round">{icon}</svg></svg>'
    )


def face(seed: str) -> str:
    """The name of the colours behind somebody's initials: one of `face-0` to `face-7`, styled in `content.css`."""
    return f"face-{next(_numbers(seed)) % 8}"


def initials(name: str) -> str:
    """First and last initial of a name, or its first two letters: `TS`, `Es`."""
    words = name.split()
    if len(words) > 1:
        return (words[0][0] + words[-1][0]).upper()
    return name.strip()[:2].title()


def _numbers(seed: str) -> Iterator[int]:
    """Bytes drawn from the seed, without end."""
    block = 0
    while True:
        yield from blake2b(seed.encode(), salt=block.to_bytes(16, "little")).digest()
        block += 1


def _glow(at: int, colour: str) -> str:
    return (
        f'<radialGradient id="g{at}"><stop stop-color="{colour}" stop-opacity=".9"/>'
        f'<stop offset=".3" stop-color="{colour}" stop-opacity=".7"/>'
        f'<stop offset=".65" stop-color="{colour}" stop-opacity=".24"/>'
        f'<stop offset="1" stop-color="{colour}" stop-opacity="0"/></radialGradient>'
    )


def _light(at: int, numbers: Iterator[int]) -> str:
    across = 40 + next(numbers) * 560 // 255
    down = 10 + next(numbers) * 300 // 255
    wide = 280 + next(numbers) * 170 // 255
    return f'<ellipse cx="{across}" cy="{down}" rx="{wide}" ry="{wide * 4 // 5}" fill="url(#g{at})"/>'


def _hill(row: int, numbers: Iterator[int]) -> str:
    """One row of hills: a smooth line from edge to edge, closed below."""
    level = 330 + row * 50
    left, rise, fall, right = (next(numbers) * 56 // 255 - 28 for _ in range(4))
    line = (
        f"M0 {level + left}C{WIDTH // 4} {level - 46 + rise} {WIDTH // 2} {level + 44 + fall} {WIDTH} {level + right}"
    )
    return f'<path opacity="{0.34 + row * 0.17:.2f}" d="{line}V{HEIGHT}H0z"/>'
