"""The intrinsic functions, over values. Each raises `ValueError` with what is wrong with its arguments.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from math import floor
from typing import Any, Final

from msgspec import Struct

from ecosystem.adapters.embedded.states.chance import Chance, seeded
from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_number, is_object, read, same, text

LENGTH_MAX: Final = 10_000
ITEMS_MAX: Final = 1_000
_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class Function(Struct, frozen=True):
    """What is done with how many arguments; `most` of None is any number."""

    done: Callable[[Sequence[Any], Chance], Any]
    least: int
    most: int | None


def formatted(pieces: Sequence[str], arguments: Sequence[Any]) -> str:
    """The pieces with the arguments between them, as States.Format writes them."""
    if len(pieces) - 1 != len(arguments):
        raise ValueError(f"the template has {len(pieces) - 1} places for {len(arguments)} arguments")
    read_ = pieces[0]
    for piece, argument in zip(pieces[1:], arguments, strict=True):
        read_ += _shown(argument) + piece
    return read_


def _shown(value: Any) -> str:
    """As the cloud's Java prints it: texts bare, objects as {a=1, b=[]}."""
    if isinstance(value, str):
        return value
    if is_list(value):
        return f"[{', '.join(map(_shown, value))}]"
    if is_object(value):
        return "{" + ", ".join(f"{name}={_shown(held)}" for name, held in value.items()) + "}"
    return text(value)


def _format(arguments: Sequence[Any], _: Chance) -> str:
    return formatted(_text(arguments[0]).split("{}"), arguments[1:])


def _string_to_json(arguments: Sequence[Any], _: Chance) -> Any:
    written = _text(arguments[0])
    return read(written) if written.strip() else None


def _partition(arguments: Sequence[Any], _: Chance) -> list[Any]:
    items, size = _items(arguments[0]), _rounded(arguments[1])
    if size <= 0:
        raise ValueError("the chunk size must be positive")
    return [items[at : at + size] for at in range(0, len(items), size)]


def _contains(arguments: Sequence[Any], _: Chance) -> bool:
    return any(same(held, arguments[1]) for held in _items(arguments[0]))


def _range(arguments: Sequence[Any], _: Chance) -> list[int]:
    first, last, stride = map(_rounded, arguments)
    if stride == 0:
        raise ValueError("the step must not be 0")
    made = range(first, last + (1 if stride > 0 else -1), stride)
    # Not len(made): it fails beyond what fits a machine word.
    if made and (made[-1] - first) // stride >= ITEMS_MAX:
        raise ValueError(f"a range has at most {ITEMS_MAX} items")
    return list(made)


def _item(arguments: Sequence[Any], _: Chance) -> Any:
    items, index = _items(arguments[0]), _rounded(arguments[1])
    if not 0 <= index < len(items):
        raise ValueError(f"there is no item {index} among {len(items)}")
    return items[index]


def _unique(arguments: Sequence[Any], _: Chance) -> list[Any]:
    kept: list[Any] = []
    seen: dict[str, list[Any]] = {}
    for item in _items(arguments[0]):
        # Only what looks alike is compared, so that many different items take no square of their number.
        alike = seen.setdefault(_look(item), [])
        if not any(same(item, held) for held in alike):
            alike.append(item)
            kept.append(item)
    return kept


def _look(item: Any) -> str:
    if is_object(item):
        return f"object {sorted(item)}"
    if is_list(item):
        return f"list {len(item)}"
    return text(float(item) if type(item) is int and abs(item) < 1 << 53 else item)


def _encode(arguments: Sequence[Any], _: Chance) -> str:
    return b64encode(_short(arguments[0]).encode()).decode()


def _decode(arguments: Sequence[Any], _: Chance) -> str:
    try:
        return b64decode(_short(arguments[0]).encode(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as reason:
        raise ValueError("the argument is not Base64 of a text") from reason


def _hash(arguments: Sequence[Any], _: Chance) -> str:
    algorithm = _HASHES.get(_text(arguments[1]))
    if algorithm is None:
        raise ValueError(f"the algorithm must be one of {', '.join(_HASHES)}")
    given = arguments[0] if isinstance(arguments[0], str) else text(arguments[0])
    return hashlib.new(algorithm, _short(given).encode(), usedforsecurity=False).hexdigest()


def _merge(arguments: Sequence[Any], _: Chance) -> dict[str, Any]:
    first, second, is_deep = arguments
    if not is_object(first) or not is_object(second):
        raise ValueError("only objects can be merged")
    if is_deep is not False:
        raise ValueError("the third argument must be false: objects are merged at their first level only")
    return {**first, **second}


def _random(arguments: Sequence[Any], chance: Chance) -> int:
    start, end = _rounded(arguments[0]), _rounded(arguments[1])
    if end <= start:
        raise ValueError("the end must be beyond the start")
    return seeded(_rounded(arguments[2]), start, end) if len(arguments) == 3 else chance.between(start, end)


def _add(arguments: Sequence[Any], _: Chance) -> int:
    return _rounded(arguments[0]) + _rounded(arguments[1])


def _split(arguments: Sequence[Any], _: Chance) -> list[str]:
    """At each of the delimiters' characters; nothing between two of them is no part."""
    written, delimiters = _text(arguments[0]), _text(arguments[1])
    if not delimiters:
        return [written] if written else []
    for delimiter in delimiters[1:]:
        written = written.replace(delimiter, delimiters[0])
    return [part for part in written.split(delimiters[0]) if part]


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"a text is needed where {_kind(given)} is given")  # noqa: TRY004 - told as one kind of failure
    return given


def _short(given: Any) -> str:
    if len(_text(given)) > LENGTH_MAX:
        raise ValueError(f"the argument passes {LENGTH_MAX} characters")
    return given


def _items(given: Any) -> list[Any]:
    if not is_list(given):
        raise ValueError(f"an array is needed where {_kind(given)} is given")
    return given


def _rounded(given: Any) -> int:
    """Halves go up, also below nothing: -1.5 is -1."""
    if not is_number(given) or given != given or abs(given) > 1e300:  # noqa: PLR0124 - not a number is not itself
        raise ValueError(f"a number is needed where {_kind(given)} is given")
    return given if type(given) is int else floor(given + 0.5)


def _kind(given: Any) -> str:
    if given is None or given is MISSING:
        return "null"
    if isinstance(given, bool | str):
        return "a boolean" if isinstance(given, bool) else "a text"
    if is_list(given):
        return "an array"
    return "an object" if is_object(given) else "another number"


FUNCTIONS: Final[dict[str, Function]] = {
    "States.Format": Function(_format, 1, None),
    "States.StringToJson": Function(_string_to_json, 1, 1),
    "States.JsonToString": Function(lambda arguments, _: text(arguments[0]), 1, 1),
    "States.Array": Function(lambda arguments, _: list(arguments), 0, None),
    "States.ArrayPartition": Function(_partition, 2, 2),
    "States.ArrayContains": Function(_contains, 2, 2),
    "States.ArrayRange": Function(_range, 3, 3),
    "States.ArrayGetItem": Function(_item, 2, 2),
    "States.ArrayLength": Function(lambda arguments, _: len(_items(arguments[0])), 1, 1),
    "States.ArrayUnique": Function(_unique, 1, 1),
    "States.Base64Encode": Function(_encode, 1, 1),
    "States.Base64Decode": Function(_decode, 1, 1),
    "States.Hash": Function(_hash, 2, 2),
    "States.JsonMerge": Function(_merge, 3, 3),
    "States.MathRandom": Function(_random, 2, 3),
    "States.MathAdd": Function(_add, 2, 2),
    "States.StringSplit": Function(_split, 2, 2),
    "States.UUID": Function(lambda _, chance: chance.uuid(), 0, 0),
}
