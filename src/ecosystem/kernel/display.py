"""Amounts and times as a person reads them: `€32.00`, `Thursday 26 November, 16:10 to 17:10 (Lisbon time)`.

English wording, symbols as the Unicode CLDR has them for English. A symbol of letters stands apart by a no-break space.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ecosystem.kernel.money import Money, exponent
from ecosystem.kernel.time import Span, utc, zone

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "HKD": "HK$", "ILS": "₪", "INR": "₹",
    "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP": "₱", "TWD": "NT$", "USD": "$", "VND": "₫",
}  # fmt: skip


def money_text(money: Money) -> str:
    """The amount with its symbol and with thousands apart: `€32.00`, `¥1,250`, `KWD 1.250` (with a no-break space)."""
    places = exponent(money.currency)
    whole, part = divmod(money.minor, 10**places)
    digits = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    symbol = _SYMBOLS.get(money.currency)
    return f"{symbol}{digits}" if symbol else f"{money.currency}{_NO_BREAK_SPACE}{digits}"


def zone_text(zone_name: str) -> str:
    """The zone as people say it: `Lisbon time` for Europe/Lisbon, `UTC` for UTC."""
    place = zone_name.rpartition("/")[2]
    if "/" not in zone_name or zone_name.startswith("Etc/"):
        return place
    return f"{place.replace('_', ' ')} time"


def day_text(day: date, *, seen_in: int | None = None) -> str:
    """The day with its weekday: `Thursday 26 November`, and with the year unless it is the year it is `seen_in`."""
    text = f"{day:%A} {day.day} {day:%B}"
    return text if day.year == seen_in else f"{text} {day.year}"


def at_text(at: datetime, zone_name: str, *, seen_at: datetime | None = None) -> str:
    """An instant on the clock of that zone, which is named: `Thursday 26 November, 16:10 (Lisbon time)`."""
    local = utc(at).astimezone(zone(zone_name))
    day = day_text(local.date(), seen_in=_year(seen_at, zone_name))
    return f"{day}, {_clock_text(local)} ({zone_text(zone_name)})"


def span_text(span: Span, zone_name: str, *, seen_at: datetime | None = None) -> str:
    """A span on the clock of that zone: `Thursday 26 November, 16:10 to 17:10 (Lisbon time)`.

    The second day is named when the span ends on another. The year is named unless it is the year of `seen_at`.
    """
    seen_in = _year(seen_at, zone_name)
    start, end = (utc(at).astimezone(zone(zone_name)) for at in (span.start_at, span.end_at))
    first = f"{day_text(start.date(), seen_in=seen_in)}, {_clock_text(start)}"
    last = _clock_text(end)
    if end.date() != start.date():
        last = f"{day_text(end.date(), seen_in=seen_in)}, {last}"
    return f"{first} to {last} ({zone_text(zone_name)})"


def length_text(length: timedelta) -> str:
    """A length in the largest units that say it: `45 minutes`, `1 hour 30 minutes`, `2 days`."""
    minutes = max(0, int(length.total_seconds())) // 60
    units = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    said = [f"{count} {unit}" if count == 1 else f"{count} {unit}s" for unit, count in units if count]
    return " ".join(said) or "less than a minute"


def _year(seen_at: datetime | None, zone_name: str) -> int | None:
    return utc(seen_at).astimezone(zone(zone_name)).year if seen_at else None


def _clock_text(local: datetime) -> str:
    """`16:10`, and with its offset in the hour that daylight saving repeats: `01:30 UTC-4`."""
    text = f"{local:%H:%M}"
    # Where the other fold has another offset, this wall time occurs twice, or (never for an instant) not at all.
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return text
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"{text} UTC{sign}{hours}:{rest:02d}" if rest else f"{text} UTC{sign}{hours}"
