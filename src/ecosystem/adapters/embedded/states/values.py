"""JSON values and their text. A value is never changed once it is there; what changes is made anew."""

from __future__ import annotations

from typing import Any, Final, TypeGuard

import msgspec

SIZE_BYTES_MAX: Final = 262_144
"""The cloud's limit on an input, an output or a result, as UTF-8."""


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()
"""Nothing was there; null is something."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class Unwritable(ValueError):
    """The value has no text as JSON: a lone surrogate, a thing of another kind, or nested beyond measure."""


def text(value: Any) -> str:
    """The value as compact JSON. Raises `Unwritable`."""
    try:
        return _encoder.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as reason:
        raise Unwritable(str(reason)) from reason


def value(written: str) -> Any:
    """The value of a text that `text` made."""
    return _decoder.decode(written)


def read(written: str) -> Any:
    """The value of a text from anywhere. Raises `ValueError` when it is not JSON."""
    try:
        return _decoder.decode(written)
    except (msgspec.MsgspecError, ValueError, RecursionError) as reason:
        raise ValueError(str(reason)) from reason


def is_too_large(written: str) -> bool:
    """Whether it passes `SIZE_BYTES_MAX`. A character takes four bytes at most, so most texts are not measured."""
    return len(written) * 4 > SIZE_BYTES_MAX and (
        len(written) > SIZE_BYTES_MAX or len(written.encode()) > SIZE_BYTES_MAX
    )


def is_object(given: Any) -> TypeGuard[dict[str, Any]]:
    return type(given) is dict


def is_list(given: Any) -> TypeGuard[list[Any]]:
    return type(given) is list


def is_number(given: Any) -> TypeGuard[int | float]:
    """True and false are no numbers."""
    return type(given) is int or type(given) is float


def is_whole(given: Any) -> TypeGuard[int | float]:
    """Whether it is a number without a fraction: 2 and 2.0 are the same JSON number."""
    return type(given) is int or (type(given) is float and given.is_integer())


def same(one: Any, other: Any) -> bool:
    """JSON equality: numbers by value, and true is not 1."""
    if is_object(one):
        return (
            is_object(other)
            and one.keys() == other.keys()
            and all(same(held, other[name]) for name, held in one.items())
        )
    if is_list(one):
        return is_list(other) and len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if is_number(one):
        return is_number(other) and one == other
    return type(one) is type(other) and one == other
