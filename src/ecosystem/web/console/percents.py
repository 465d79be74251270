"""Shares as operators write them: percent, with up to two decimals."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Percent = Annotated[
    str, Meta(pattern=r"^(100|[0-9]{1,2}([.,][0-9]{1,2})?)$", description="From 0 to 100 percent, such as 10 or 12.5.")
]


def basis_points(percent: str) -> int:
    """The share that a `Percent` writes: `12.5` is 1250."""
    whole, _, part = percent.replace(",", ".").partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))
