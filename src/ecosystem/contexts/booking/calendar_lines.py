"""Lines of a calendar file (RFC 5545): written here, since a feed of a thousand entries must not hold up the loop.

Ten microseconds an entry, where the library that reads them back in the tests takes three hundred.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

LINE_BYTES_MAX = 75
Parameters = tuple[tuple[str, str], ...]


def line(name: str, value: str, parameters: Parameters = ()) -> str:
    """A property whose value is written already."""
    return f"{name}{''.join(f';{key}={_parameter(of)}' for key, of in parameters)}:{value}"


def text(name: str, value: str) -> str:
    """A property of free text, its special marks escaped (3.3.11), and what is not for reading left out."""
    kept = value
    if not value.isprintable():
        kept = "".join(mark for mark in value if (mark >= " " and mark != "\x7f") or mark in "\n\t")
    escaped = kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return line(name, escaped)


def moment(name: str, at: datetime) -> str:
    """A property that is an instant, in UTC (3.3.5, form 2)."""
    return line(name, f"{at:%Y%m%dT%H%M%SZ}")


def wall(name: str, local: datetime, zone: str) -> str:
    """A property that is a wall time in a zone (3.3.5, form 3)."""
    return line(name, f"{local:%Y%m%dT%H%M%S}", (("TZID", zone),))


def offset(name: str, ahead: timedelta) -> str:
    """A property that is a distance from UTC (3.3.14)."""
    sign, total_s = ("-", -ahead) if ahead < timedelta(0) else ("+", ahead)
    minutes, seconds = divmod(int(total_s.total_seconds()), 60)
    return line(name, f"{sign}{minutes // 60:02d}{minutes % 60:02d}" + (f"{seconds:02d}" if seconds else ""))


def component(name: str, *parts: Iterable[str]) -> list[str]:
    """The lines of a component, between its begin and its end."""
    return [f"BEGIN:{name}", *(each for part in parts for each in part), f"END:{name}"]


def written(lines: Iterable[str]) -> bytes:
    """The lines as a file: each ended, and folded where it is longer than 75 octets (3.1).

    A line's end within a line, wherever it came from, is left out: nobody's address begins another property.
    """
    return b"".join(map(_ended, lines))


def _ended(each: str) -> bytes:
    if len(each) <= LINE_BYTES_MAX and each.isascii() and each.isprintable():  # nearly every line
        return each.encode() + b"\r\n"
    return _folded(each.replace("\r", "").replace("\n", "").encode("utf-8", "replace"))


def _folded(raw: bytes) -> bytes:
    if len(raw) <= LINE_BYTES_MAX:
        return raw + b"\r\n"
    parts: list[bytes] = []
    start, room = 0, LINE_BYTES_MAX
    while len(raw) - start > room:
        end = start + room
        while raw[end] & 0xC0 == 0x80:  # never within a character
            end -= 1
        parts.append(raw[start:end])
        start, room = end, LINE_BYTES_MAX - 1
    return b"\r\n ".join([*parts, raw[start:]]) + b"\r\n"


def _parameter(value: str) -> str:
    """A parameter's value (3.2): no quotation mark can stand in one, and some marks only between two."""
    kept = value
    if '"' in value or not value.isprintable():
        kept = "".join(mark for mark in value if mark.isprintable() and mark != '"')
    return f'"{kept}"' if ":" in kept or ";" in kept or "," in kept else kept
