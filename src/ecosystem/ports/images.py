"""Pictures from outside, made anew: nothing of what was sent is kept but what it shows.

Making a picture anew takes metadata with it (where a photograph was taken, with which camera), and whatever else the
file carried beside the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

BYTES_MAX = 10 * 1024 * 1024
PIXELS_MAX = 50_000_000
SIDE_MAX = 12_000
WIDTHS = (320, 640, 1280)
WIDTHS_MAX = 8
# As long as a browser sniffs, and then some: whatsoever calls itself markup here could be taken for a page.
SNIFFED_BYTES = 4096

_MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?php", b"<iframe")


class NotAnImage(Invalid):
    """That is not a picture we take: send a JPEG, PNG, WebP, GIF or AVIF."""


class ImageTooLarge(Invalid):
    """That picture is too large: at most 10 MB, 50 million pixels, and 12,000 on a side."""


class Rendition(Struct, frozen=True, kw_only=True):
    """The picture at one width, as WebP."""

    width: int
    height: int
    content: bytes


class Picture(Struct, frozen=True, kw_only=True):
    """A picture made anew, upright, in its renditions from narrow to wide; none is wider than the original.

    `colour` is its mean (`#rrggbb`), `blur` a WebP of a few bytes: what stands in its place until it is there.
    """

    width: int
    height: int
    colour: str
    blur: bytes
    renditions: Sequence[Rendition]


class Images(Protocol):
    async def remake(self, content: bytes, widths: Sequence[int] = WIDTHS) -> Picture:
        """The picture in those widths, or in its own where that is less.

        Raises `NotAnImage` for what is none, or is a page as well as a picture; `ImageTooLarge`; `Unavailable` when
        too many wait already.
        """
        ...


def sniff(content: bytes) -> str:
    """The format by its first bytes, whatever the name or the sender says: `JPEG`, `PNG`, `WEBP`, `GIF` or `AVIF`.

    Raises `NotAnImage` for anything else, and for a picture that begins or ends as a page: a browser, or a careless
    server, might take it for one.
    """
    found = _format(content)
    edges = content[:SNIFFED_BYTES] + b"\n" + content[-SNIFFED_BYTES:]
    if found is None or any(mark in edges.lower() for mark in _MARKUP):
        raise NotAnImage(field="content")
    return found


def check_bytes(content: bytes) -> None:
    """Raises `ImageTooLarge`, or `NotAnImage` for nothing at all."""
    if not content:
        raise NotAnImage("The picture is empty.", field="content")
    if len(content) > BYTES_MAX:
        raise ImageTooLarge(f"The picture has {len(content)} bytes; at most {BYTES_MAX} are taken.", field="content")


def check_sides(width: int, height: int) -> None:
    """Raises `ImageTooLarge`: a few bytes can claim to be more pixels than memory holds."""
    if max(width, height) > SIDE_MAX or width * height > PIXELS_MAX:
        raise ImageTooLarge(f"The picture has {width} x {height} pixels.", field="content")


def check_widths(widths: Sequence[int]) -> list[int]:
    """The widths in order, each once. Raises `Invalid`."""
    if not 1 <= len(widths) <= WIDTHS_MAX or not all(1 <= width <= SIDE_MAX for width in widths):
        raise Invalid(f"A picture is made in 1 to {WIDTHS_MAX} widths of 1 to {SIDE_MAX} pixels.", field="widths")
    return sorted(set(widths))


def _format(content: bytes) -> str | None:
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and b"avif" in content[8:48]:
        return "AVIF"
    return None
