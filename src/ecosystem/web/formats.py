"""Amounts, times and lengths in the short forms that pages need, beside those of `kernel.display`."""

from __future__ import annotations

from datetime import datetime, timedelta

from ecosystem.kernel.display import day_text, money_text, zone_text
from ecosystem.kernel.money import Money, exponent
from ecosystem.kernel.time import utc, zone

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = (
    ("year", 365 * _DAY),
    ("month", 30 * _DAY),
    ("week", 7 * _DAY),
    ("day", _DAY),
    ("hour", _HOUR),
    ("minute", _MINUTE),
)


def price_text(money: Money) -> str:
    """The amount as a price tag has it, without decimals that are all zero: `€55`, `€27.50`."""
    text = money_text(money)
    places = exponent(money.currency)
    return text[: -places - 1] if places and money.minor % 10**places == 0 else text


def clock_text(at: datetime, zone_name: str) -> str:
    """The time of day in that zone: `09:45`."""
    return f"{utc(at).astimezone(zone(zone_name)):%H:%M}"


def moment_text(at: datetime, zone_name: str, *, seen_at: datetime) -> str:
    """An instant in few words: `Today 10:15`, `Tomorrow 10:00`, `Wed 25 Nov 15:15`, with the year in another year."""
    local, today = (utc(instant).astimezone(zone(zone_name)) for instant in (at, seen_at))
    away = (local.date() - today.date()).days
    if away in {-1, 0, 1}:
        return f"{('Today', 'Tomorrow', 'Yesterday')[away]} {local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"


def units_text(units: int, currency: str) -> str:
    """An amount in minor units that may be below nothing: `€32.00`, and with a minus before the symbol."""
    text = money_text(Money(abs(units), currency))
    return f"\N{MINUS SIGN}{text}" if units < 0 else text


def figure_text(number: str) -> str:
    """A plain decimal with its thousands apart: `1,300,000`, `12.5`."""
    whole, point, part = number.partition(".")
    return f"{int(whole):,}{point}{part}"


def percent_text(bps: int) -> str:
    """Basis points as percent, without the sign: `90`, `12.5`."""
    return f"{bps / 100:g}"


def date_text(at: datetime, zone_name: str, *, seen_at: datetime) -> str:
    """The day of an instant in that zone, in full: `Thursday 26 November`."""
    local, today = (utc(instant).astimezone(zone(zone_name)) for instant in (at, seen_at))
    return day_text(local.date(), seen_in=today.year)


def age_text(at: datetime, *, seen_at: datetime) -> str:
    """How long ago, or ahead, in one unit: `just now`, `5 minutes ago`, `in 3 days`."""
    seconds = (utc(at) - utc(seen_at)).total_seconds()
    for unit, length in _UNITS:
        if count := int(abs(seconds) // length):
            said = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {said}" if seconds > 0 else f"{said} ago"
    return "just now"


def zone_label(zone_name: str, at: datetime) -> str:
    """The zone as it is named beside times: `Lisbon time (WET, UTC+0)`."""
    local = utc(at).astimezone(zone(zone_name))
    offset = _offset_text(local.utcoffset() or timedelta())
    short = local.tzname() or ""
    names = f"{short}, {offset}" if short.isalpha() and short != "UTC" else offset
    return "UTC" if zone_name in {"UTC", "Etc/UTC"} else f"{zone_text(zone_name)} ({names})"


def minutes_text(minutes: int) -> str:
    """A length as a tag has it: `45 min`, `1 h`, `1 h 30 min`, `2 days`."""
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} day{'' if days == 1 else 's'}"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{rest} min"] if rest or not parts else []
    return " ".join(parts)


def distance_text(metres: int) -> str:
    """How far away, as precisely as it matters: `450 m`, `2.3 km`, `18 km`."""
    if metres < 1_000:
        return f"{round(metres, -1)} m"
    kilometres = metres / 1_000
    return f"{kilometres:.1f} km" if kilometres < 10 else f"{kilometres:.0f} km"


# Names as browsers say them of themselves; the first that occurs is the one (Edge says Chrome too, Chrome says Safari).
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_text(user_agent: str) -> str:
    """A browser as its owner knows it: `Chrome on Android`; what it calls itself when it is none of the known."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60] or "An unnamed device"


def _offset_text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"


def took_text(seconds: float) -> str:
    """How long something took, in two units at most: `340 ms`, `1.2 s`, `3 min 20 s`, `2 d 4 h`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(seconds: int, large_s: int, large: str, small_s: int, small: str) -> str:
    rest = seconds % large_s // small_s
    return f"{seconds // large_s} {large} {rest} {small}" if rest else f"{seconds // large_s} {large}"
