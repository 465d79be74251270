"""Intrinsic function calls as they are written: `States.Format('{} of {}', $.a, States.ArrayLength($.b))`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from ecosystem.adapters.embedded.states.failures import INTRINSIC, StateFailed, runtime
from ecosystem.adapters.embedded.states.functions import FUNCTIONS, formatted
from ecosystem.adapters.embedded.states.paths import BadPath, Path, parse
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import MISSING, Unwritable, text

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])")
_WORD = re.compile(r"(?:true|false|null)(?![A-Za-z0-9_])")
_ESCAPED: Final = "'{}\\"
_NESTING_MAX: Final = 10


class BadIntrinsic(ValueError):
    """The text is no call of an intrinsic function."""


def is_call(source: str) -> bool:
    return source.startswith("States.")


def call(source: str) -> Expression:
    """The call, ready to be evaluated. Raises `BadIntrinsic` with what is wrong."""
    reader = _Reader(source)
    evaluated = reader.call()
    reader.blanks()
    if reader.at != len(source):
        raise BadIntrinsic(f"{source!r} goes on behind its end")
    return evaluated


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self._nesting = 0

    def blanks(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in " \t\n\r":
            self.at += 1

    def takes(self, sign: str) -> bool:
        self.blanks()
        if self.source.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def call(self) -> Expression:
        self.blanks()
        found = _NAME.match(self.source, self.at)
        if found is None or found[0] not in FUNCTIONS:
            raise BadIntrinsic(f"{found[0] if found else self.source!r} is no intrinsic function")
        self._nesting += 1
        if self._nesting > _NESTING_MAX:
            raise BadIntrinsic(f"{self.source!r} is nested deeper than {_NESTING_MAX} calls")
        name, self.at = found[0], found.end()
        if not self.takes("("):
            raise BadIntrinsic(f"{self.source!r} lacks a ( behind {name}")
        # A template written out is cut at its places now, while it is known which braces were guarded.
        pieces = self.template() if name == "States.Format" else None
        arguments = self.arguments(is_first=pieces is None)
        self._nesting -= 1
        function = FUNCTIONS[name]
        count = len(arguments) + (pieces is not None)
        if count < function.least or (function.most is not None and count > function.most):
            raise BadIntrinsic(f"{name} does not take {count} arguments")
        if pieces is not None:
            if len(pieces) - 1 != len(arguments):
                raise BadIntrinsic(f"{name} has {len(pieces) - 1} places for {len(arguments)} arguments")
            return _formatting(self.source, pieces, arguments)
        return _calling(self.source, name, arguments)

    def arguments(self, *, is_first: bool) -> list[Expression]:
        read: list[Expression] = []
        while not self.takes(")"):
            if not (is_first and not read) and not self.takes(","):
                raise BadIntrinsic(f"{self.source!r} lacks a ) or a comma at {self.at}")
            read.append(self.argument())
        return read

    def argument(self) -> Expression:
        self.blanks()
        sign = self.source[self.at : self.at + 1]
        if sign == "$":
            return self.path()
        if sign == "'":
            literal: Any = "".join(letter for letter, _ in self.quoted())
        elif found := _NUMBER.match(self.source, self.at):
            self.at = found.end()
            if len(found[0]) > 30:
                raise BadIntrinsic("the number is too long")
            literal = float(found[0]) if found[1] or found[2] else int(found[0])
        elif found := _WORD.match(self.source, self.at):
            self.at = found.end()
            literal = {"true": True, "false": False, "null": None}[found[0]]
        else:
            return self.call()
        return lambda _: literal

    def template(self) -> list[str] | None:
        """The pieces between the places of a template written out; None when it is given another way."""
        self.blanks()
        if not self.source.startswith("'", self.at):
            return None
        letters, pieces, at = self.quoted(), [""], 0
        while at < len(letters):
            if letters[at : at + 2] == [("{", False), ("}", False)]:
                pieces.append("")
                at += 2
            else:
                pieces[-1] += letters[at][0]
                at += 1
        return pieces

    def quoted(self) -> list[tuple[str, bool]]:
        """The letters of the text between quotes, and whether a backslash guarded each."""
        letters: list[tuple[str, bool]] = []
        self.at += 1
        while self.at < len(self.source) and self.source[self.at] != "'":
            letter = self.source[self.at]
            is_guarded = letter == "\\"
            if is_guarded:
                self.at += 1
                letter = self.source[self.at : self.at + 1]
                if not letter or letter not in _ESCAPED:
                    raise BadIntrinsic(
                        f"{self.source!r} has a backslash before {letter!r}: only ' {{ }} and \\ take one"
                    )
            letters.append((letter, is_guarded))
            self.at += 1
        if self.at >= len(self.source):
            raise BadIntrinsic(f"{self.source!r} lacks a closing quote")
        self.at += 1
        return letters

    def path(self) -> Expression:
        """A path, up to the comma or parenthesis that is not its own."""
        begun, depth, quote = self.at, 0, ""
        while self.at < len(self.source):
            letter = self.source[self.at]
            if quote:
                quote = "" if letter == quote and self.source[self.at - 1] != "\\" else quote
            elif letter in "'\"":
                quote = letter
            elif letter in "[(":
                depth += 1
            elif letter in "])" and depth:
                depth -= 1
            elif letter in ",)":
                break
            self.at += 1
        try:
            return _argument(self.source, parse(self.source[begun : self.at].strip()))
        except BadPath as reason:
            raise BadIntrinsic(str(reason)) from reason


def found_in(path: Path, scope: Scope) -> Any:
    """What the path finds, wherever it begins; `MISSING` for nothing."""
    if path.origin == "$":
        return path.find(scope.input)
    if path.origin == "$$":
        return path.find(scope.context())
    held = scope.variable(path.origin)
    return MISSING if held is MISSING else path.find(held)


def _argument(source: str, path: Path) -> Expression:
    def evaluated(scope: Scope) -> Any:
        found = found_in(path, scope)
        if found is MISSING:
            shown = path.source.removeprefix("$") if path.origin == "$$" else path.source
            raise runtime(
                f"The function '{source}' had the following error: The JsonPath argument for the field "
                f"'{shown}' could not be found in the input '{text(scope.input)}'"
            )
        return found

    return evaluated


def _calling(source: str, name: str, arguments: Sequence[Expression]) -> Expression:
    done = FUNCTIONS[name].done

    def evaluated(scope: Scope) -> Any:
        given = [argument(scope) for argument in arguments]
        try:
            return done(given, scope.chance)
        except (ValueError, Unwritable, RecursionError) as reason:
            raise _failed(source, reason) from reason

    return evaluated


def _formatting(source: str, pieces: Sequence[str], arguments: Sequence[Expression]) -> Expression:
    def evaluated(scope: Scope) -> str:
        given = [argument(scope) for argument in arguments]
        try:
            return formatted(pieces, given)
        except (ValueError, RecursionError) as reason:
            raise _failed(source, reason) from reason

    return evaluated


def _failed(source: str, reason: Exception) -> StateFailed:
    return StateFailed(INTRINSIC, f"The function '{source}' had the following error: {reason}")
