"""Filters within a path: `[?(@.price < 10 && @.kind in ['a', 'b'])]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ecosystem.adapters.embedded.states.paths import BadPath, Reader
from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_number, is_object, same

Accepts = Callable[[Any, Any], bool]
"""Whether an element passes, given the document it is from."""
Operand = Callable[[Any, Any], Any]

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_OPERATOR = re.compile(r"===|!==|==|!=|<=|>=|=~|<|>|(?:in|nin|subsetof|anyof|noneof|contains|size|empty)\b")
_REGEX_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_NESTING_MAX: Final = 50


def read_filter(source: str, at: int) -> tuple[Accepts, int]:
    """The filter whose parenthesis opens at `at`, and where it ends. Raises `BadPath`."""
    reader = _FilterReader(source, at)
    reader.blanks()
    reader.expect("(")
    accepts = reader.either()
    reader.expect(")")
    reader.blanks()
    return accepts, reader.at


class _FilterReader:
    def __init__(self, source: str, at: int) -> None:
        self.source = source
        self.at = at
        self._nesting = 0

    def blanks(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in " \t\n":
            self.at += 1

    def takes(self, sign: str) -> bool:
        self.blanks()
        if self.source.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.takes(sign):
            raise BadPath(f"{self.source!r} lacks a {sign} at {self.at}")

    def either(self) -> Accepts:
        """Alternatives joined by ||."""
        self._nesting += 1
        if self._nesting > _NESTING_MAX:
            raise BadPath("the filter is nested too deep")
        parts = [self.both()]
        while self.takes("||"):
            parts.append(self.both())
        self._nesting -= 1
        return parts[0] if len(parts) == 1 else lambda held, document: any(part(held, document) for part in parts)

    def both(self) -> Accepts:
        """Conditions joined by &&."""
        parts = [self.condition()]
        while self.takes("&&"):
            parts.append(self.condition())
        return parts[0] if len(parts) == 1 else lambda held, document: all(part(held, document) for part in parts)

    def condition(self) -> Accepts:
        self.blanks()
        if self.source.startswith("!", self.at) and not self.source.startswith("!=", self.at):
            self.at += 1
            denied = self.condition()
            return lambda held, document: not denied(held, document)
        if self.takes("("):
            inner = self.either()
            self.expect(")")
            return inner
        left = self.operand()
        self.blanks()
        operator = _OPERATOR.match(self.source, self.at)
        if operator is None:
            return lambda held, document: left(held, document) is not MISSING
        self.at = operator.end()
        self.blanks()
        if operator[0] == "=~":
            return self.matching(left)
        right = self.operand()
        compare = _COMPARISONS[operator[0]]
        return lambda held, document: compare(left(held, document), right(held, document))

    def matching(self, left: Operand) -> Accepts:
        found = re.compile(r"/((?:[^/\\]|\\.)*)/([ims]*)").match(self.source, self.at)
        if found is None:
            raise BadPath(f"{self.source!r} lacks a /pattern/ at {self.at}")
        self.at = found.end()
        flags = 0
        for flag in found[2]:
            flags |= _REGEX_FLAGS[flag]
        try:
            pattern = re.compile(found[1].replace("\\/", "/"), flags)
        except (re.error, OverflowError, RecursionError) as reason:
            raise BadPath(f"the pattern /{found[1]}/ cannot be read: {reason}") from reason

        def accepts(held: Any, document: Any) -> bool:
            value = left(held, document)
            return isinstance(value, str) and pattern.fullmatch(value) is not None

        return accepts

    def operand(self) -> Operand:
        self.blanks()
        sign = self.source[self.at : self.at + 1]
        if sign in {"@", "$"}:
            reader = Reader(self.source, self.at + 1)
            path = reader.path("@")
            self.at = reader.at
            return (lambda held, _: path.find(held)) if sign == "@" else (lambda _, document: path.find(document))
        literal = self.literal()
        return lambda _held, _document: literal

    def literal(self) -> Any:
        self.blanks()
        sign = self.source[self.at : self.at + 1]
        if sign in {"'", '"'}:
            return self.quoted(sign)
        if sign == "[":
            self.at += 1
            listed: list[Any] = []
            if not self.takes("]"):
                listed.append(self.literal())
                while self.takes(","):
                    listed.append(self.literal())
                self.expect("]")
            return listed
        if found := _NUMBER.match(self.source, self.at):
            self.at = found.end()
            return float(found[0]) if found[1] or found[2] else _whole(found[0])
        if found := _WORD.match(self.source, self.at):
            self.at = found.end()
            return {"true": True, "false": False, "null": None}[found[0]]
        raise BadPath(f"{self.source!r} lacks a value at {self.at}")

    def quoted(self, quote: str) -> str:
        end, read = self.at + 1, ""
        while end < len(self.source) and self.source[end] != quote:
            if self.source[end] == "\\" and end + 1 < len(self.source):
                end += 1
            read += self.source[end]
            end += 1
        if end >= len(self.source):
            raise BadPath(f"{self.source!r} lacks a closing quote")
        self.at = end + 1
        return read


def _whole(digits: str) -> int:
    if len(digits) > 30:
        raise BadPath("the number is too long")
    return int(digits)


def _ordered(before: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers with numbers, texts with texts; anything else has no order."""

    def compared(left: Any, right: Any) -> bool:
        if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return before(left, right)
        return False

    return compared


def _within(left: Any, right: Any) -> bool:
    return is_list(right) and any(same(left, held) for held in right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _within(right, left)


def _measured(left: Any, right: Any) -> bool:
    return (is_list(left) or isinstance(left, str) or is_object(left)) and same(len(left), right)


def _empty(left: Any, right: Any) -> bool:
    return (is_list(left) or isinstance(left, str) or is_object(left)) and (len(left) == 0) is right


def _any_of(left: Any, right: Any) -> bool:
    return is_list(left) and any(_within(held, right) for held in left)


def _equal(left: Any, right: Any) -> bool:
    return left is not MISSING and same(left, right)


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "===": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "!==": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "in": lambda left, right: left is not MISSING and _within(left, right),
    "nin": lambda left, right: left is not MISSING and not _within(left, right),
    "subsetof": lambda left, right: is_list(left) and all(_within(held, right) for held in left),
    "anyof": _any_of,
    "noneof": lambda left, right: is_list(left) and not _any_of(left, right),
    "contains": _contains,
    "size": _measured,
    "empty": _empty,
}
