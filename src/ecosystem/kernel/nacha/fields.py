"""What single fields have to be: characters, digits, routing numbers, dates. Plain functions over their text."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_ROUTING = re.compile(r"[0-9]{9}", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9]")
_DATE = re.compile(r"[0-9]{6}", re.ASCII)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

# Printable ASCII, and what banks' systems make of accents and old code pages: letters of Latin-1 and a few signs.
_TEXT = re.compile("[ -~\xa0\xa2\xa6\xac\xb1\xc0-\xff]*")


def is_text(value: str) -> bool:
    """Whether these are characters that a text field may have."""
    return _TEXT.fullmatch(value) is not None


def strange(value: str) -> str:
    """The characters that a text field may not have. They are told instead of the text, which may be an account number."""
    return "".join(dict.fromkeys(_TEXT.sub("", value)))


def is_digits(value: str) -> bool:
    return value.isascii() and value.isdigit()


def says_something(value: str) -> bool:
    """Whether there is anything but blanks and zeros."""
    return bool(value.strip(" 0\t"))


def check_digit(eight: str) -> int:
    """The ninth digit of a routing number: weights 3, 7, 1 to the next ten (Appendix Three, "Check Digit")."""
    total = sum(int(digit) * weight for digit, weight in zip(eight, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return -total % 10


@lru_cache(maxsize=65_536)
def is_routing_number(nine: str) -> bool:
    """Whether these are nine digits, the last of which checks the others. Banks repeat, so answers are kept."""
    return _ROUTING.fullmatch(nine) is not None and check_digit(nine[:8]) == int(nine[8])


def is_date(value: str) -> bool:
    """Whether this is a date, YYMMDD: of this century up to 68, else of the last."""
    if _DATE.fullmatch(value) is None:
        return False
    year = int(value[:2])
    try:
        date((2000 if year < 69 else 1900) + year, int(value[2:4]), int(value[4:]))
    except ValueError:
        return False
    return True


def is_time(value: str) -> bool:
    """Whether this is a time, HHMM."""
    return _TIME.fullmatch(value) is not None


def is_day(value: str) -> bool:
    """Whether this is a day of some year, MMDD."""
    return (
        len(value) == 4
        and is_digits(value)
        and 1 <= int(value[:2]) <= 12
        and 1 <= int(value[2:]) <= _DAYS[int(value[:2]) - 1]
    )
