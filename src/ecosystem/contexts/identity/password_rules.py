"""What a password must be: long enough, of four kinds of signs, and not what people choose most. Hashing is the port's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ecosystem.contexts.identity.common_passwords import COMMON
from ecosystem.kernel.refusals import Invalid

LENGTH_MIN = 8
LENGTH_MAX = 256
DISTINCT_MIN = 5
PRODUCT_WORDS = ("ecosystem", "marketplace")
"""Words of the product itself, which are the first that somebody would try here."""

_WORD_LENGTH_MIN = 4
_KNOWN_WORD_LENGTH_MIN = 3
_LEADING = re.compile(r"^[\W\d_]+")
_TRAILING = re.compile(r"[\W\d_]+$")
_OUTER_SYMBOLS = re.compile(r"^[\W_]+|[\W_]+$")
_LOOKALIKES = str.maketrans("@431!0$57", "aaeiiosst")
_SHIFTED_DIGITS = str.maketrans("!@#$%^&*()", "1234567890")

_KINDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("an upper-case letter", str.isupper),
    ("a lower-case letter", str.islower),
    ("a digit", str.isdigit),
    ("a symbol", lambda sign: not sign.isalnum()),
)


class WeakPassword(Invalid):
    """That password is too easy to guess."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, field="password")


def check_password(password: str, *, address: str = "", name: str = "") -> None:
    """Pass if a person of that address and name may have this password. Raises `WeakPassword`, which says what is missing.

    Nothing is cut off or changed: the password counts as it was typed.
    """
    missing = [kind for kind, holds in _KINDS if not any(holds(sign) for sign in password)]
    if len(password) < LENGTH_MIN:
        missing.insert(0, f"at least {LENGTH_MIN} signs")
    if missing:
        raise WeakPassword(f"A password needs {_listed(missing)}.")
    if len(password) > LENGTH_MAX:
        raise WeakPassword(f"A password has at most {LENGTH_MAX} signs.")
    if len(set(password.casefold())) < DISTINCT_MIN:
        raise WeakPassword(f"A password needs at least {DISTINCT_MIN} different signs.")
    if any(spelling in COMMON for spelling in _spellings(password)):
        raise WeakPassword("That is one of the passwords people use most, or one with signs added: choose another.")
    known = (*PRODUCT_WORDS, *_words(f"{address.rpartition('@')[0]} {name}"))
    if any(len(_without(known, spelling)) < LENGTH_MIN for spelling in _plain(password) if _has(known, spelling)):
        raise WeakPassword("That password is made from your name, your address or ours: choose another.")


def _spellings(password: str) -> Iterator[str]:
    """The password without the signs people put around a word, and with letters for the signs that look like them."""
    text = password.casefold()
    bare = (
        text,
        _OUTER_SYMBOLS.sub("", text),
        _TRAILING.sub("", text),
        _LEADING.sub("", text),
        _LEADING.sub("", _TRAILING.sub("", text)),
    )
    for spelling in bare:
        if len(spelling) >= _WORD_LENGTH_MIN:
            yield spelling
            yield spelling.translate(_LOOKALIKES)
            yield spelling.translate(_SHIFTED_DIGITS)


def _plain(password: str) -> tuple[str, str]:
    return password.casefold(), password.casefold().translate(_LOOKALIKES)


def _words(text: str) -> list[str]:
    words = (word for word in re.split(r"[\W\d_]+", text.casefold()) if len(word) >= _KNOWN_WORD_LENGTH_MIN)
    return sorted(words, key=len, reverse=True)


def _has(words: Iterable[str], text: str) -> bool:
    return any(word in text for word in words)


def _without(words: Iterable[str], text: str) -> str:
    for word in words:
        text = text.replace(word, "")
    return text


def _listed(kinds: list[str]) -> str:
    return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
