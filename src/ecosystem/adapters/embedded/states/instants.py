"""Instants as the language writes them: RFC 3339 with an upper-case T, and Z or an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_WRITTEN = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def instant(written: object) -> datetime | None:
    """The instant that text names, in UTC; None when it names none. What is finer than a microsecond is cut off."""
    found = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    zone = UTC
    try:
        if offset != "Z":
            ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
            if int(offset[4:6]) > 59:
                return None
            zone = timezone(-ahead if offset[0] == "-" else ahead)
        micros = int((fraction or "0").ljust(6, "0")[:6])
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micros, zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def shown(at: datetime) -> str:
    """The instant as the context object shows it: 2026-03-14T01:59:00.000Z."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
