"""Paths into JSON: the cloud's JSONPath, parsed once.

`$` is the input, `$$` the context object, `$name` a variable. A definite path names one place; any other gives a list
of what it finds, which may be empty. Written after what the cloud was seen to do, which follows the Jayway library:
https://github.com/json-path/JsonPath
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any, Final

from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_number, is_object

Step = Callable[[Sequence[Any], Any], list[Any]]
"""From the nodes reached so far, and the document, to the nodes reached next."""
Key = str | int

_NAME = re.compile(r"[^.\[\]()\s'\"*,?@]+")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_SLICE = re.compile(r"\s*(-?[0-9]+)?\s*:\s*(-?[0-9]+)?\s*(?::\s*(-?[0-9]+)?\s*)?")
_INDEXES = re.compile(r"\s*-?[0-9]+\s*(?:,\s*-?[0-9]+\s*)*")
_FUNCTION = re.compile(r"\.(length|size|min|max|sum|avg|keys|first|last)\(\)")
DEPTH_MAX: Final = 200


class BadPath(ValueError):
    """The text is no path."""


class Path:
    """A path, parsed. `origin` is `$`, `$$`, or a variable's name."""

    __slots__ = ("_finish", "_steps", "keys", "origin", "source")

    def __init__(
        self, source: str, origin: str, keys: tuple[Key, ...] | None, steps: tuple[Step, ...], finish: str
    ) -> None:
        self.source = source
        self.origin = origin
        self.keys = keys
        """The way through objects and arrays, when the path is definite and plain."""
        self._steps = steps
        self._finish = finish

    @property
    def is_whole(self) -> bool:
        """Whether it names all there is."""
        return self.keys == () and not self._finish

    @property
    def is_reference(self) -> bool:
        """Whether it can only ever name one place, as ResultPath must."""
        return self.keys is not None and not self._finish

    def find(self, document: Any) -> Any:
        """What is there: a value, a list for a path that is not definite, or `MISSING`."""
        keys = self.keys
        if keys is None:
            nodes: list[Any] = [document]
            for step in self._steps:
                nodes = step(nodes, document)
            found: Any = nodes
        else:
            found = document
            for key in keys:
                found = _at(found, key)
                if found is MISSING:
                    break
        return _FINISHES[self._finish](found) if self._finish and found is not MISSING else found

    def is_past_the_end(self, document: Any) -> bool:
        """Whether all that lacks is the last index: the array is there and too short."""
        if self.keys and type(self.keys[-1]) is int and not self._finish:
            for key in self.keys[:-1]:
                document = _at(document, key)
            return is_list(document)
        return False

    def lack(self, document: Any) -> str:
        """What lacks, in the cloud's words."""
        way = ""
        for place, key in enumerate(self.keys or ()):
            way += f"['{key}']" if isinstance(key, str) else f"[{key}]"
            document = _at(document, key)
            if document is MISSING and place < len(self.keys or ()) - 1 and isinstance(key, str):
                return f"Missing property in path ${way}"
        return f"No results for path: ${way}"


def _at(node: Any, key: Key) -> Any:
    if isinstance(key, str):
        return node.get(key, MISSING) if is_object(node) else MISSING
    return node[key] if is_list(node) and -len(node) <= key < len(node) else MISSING


def parse(source: str) -> Path:
    """The path. Raises `BadPath` with what is wrong."""
    if source.startswith("$$"):
        origin, at = "$$", 2
    elif named := _VARIABLE.match(source):
        origin, at = named[1], named.end()
    elif source.startswith("$"):
        origin, at = "$", 1
    else:
        raise BadPath(f"{source!r} does not begin with $")
    reader = Reader(source, at)
    path = reader.path(origin)
    if reader.at != len(source):
        raise BadPath(f"{source!r} cannot be read from {source[reader.at :]!r} on")
    return path


class Reader:
    """Reads one path out of a text, which may go on behind it. `at` is how far it has come."""

    def __init__(self, source: str, at: int) -> None:
        self.source = source
        self.at = at

    def path(self, origin: str) -> Path:
        """The path from here on, as far as it goes."""
        begun = self.at
        keys: list[Key] = []
        steps: list[Step] = []
        is_definite, finish = True, ""
        while self.at < len(self.source) and not finish:
            if called := _FUNCTION.match(self.source, self.at):
                finish, self.at = called[1], called.end()
                continue
            key = self._step(steps)
            if key is MISSING:
                break
            if isinstance(key, str | int) and is_definite:
                keys.append(key)
            else:
                is_definite = False
        source = self.source if origin != "@" else self.source[begun : self.at]
        # Asked for several names at the end of a definite way, Jayway answers with one object of them.
        return Path(source, origin, tuple(keys) if is_definite else None, tuple(steps), finish)

    def _step(self, steps: list[Step]) -> Any:
        """Append the next step: its key, None when it is not a plain key, or `MISSING` when the path ends here."""
        source = self.source
        if source.startswith("..", self.at):
            self.at += 2
            steps.append(_deep)
            if source.startswith("[", self.at):
                self._bracket(steps)
                return None
            self._name(steps)
            return None
        if source.startswith(".", self.at):
            self.at += 1
            return self._bracket(steps) if source.startswith("[", self.at) else self._name(steps)
        if source.startswith("[", self.at):
            return self._bracket(steps)
        return MISSING

    def _name(self, steps: list[Step]) -> str | None:
        if self.source.startswith("*", self.at):
            self.at += 1
            steps.append(_every)
            return None
        found = _NAME.match(self.source, self.at)
        if found is None:
            raise BadPath(f"{self.source!r} lacks a name at {self.at}")
        self.at = found.end()
        steps.append(_names((found[0],)))
        return found[0]

    def _bracket(self, steps: list[Step]) -> Key | None:
        source, self.at = self.source, self.at + 1
        if source.startswith("*]", self.at):
            self.at += 2
            steps.append(_every)
            return None
        if source.startswith("?", self.at):
            return self._filter(steps)
        if source[self.at : self.at + 1] in {"'", '"'}:
            names = self._quoted()
            steps.append(_names(names))
            return names[0] if len(names) == 1 else None
        end = source.find("]", self.at)
        if end < 0:
            raise BadPath(f"{source!r} lacks a ]")
        inner, self.at = source[self.at : end], end + 1
        if cut := _SLICE.fullmatch(inner):
            start, stop, stride = (None if part is None else _int(part) for part in cut.groups())
            if stride == 0:
                raise BadPath(f"{source!r} has a slice that stands still")
            steps.append(_slice(slice(start, stop, stride)))
            return None
        if not _INDEXES.fullmatch(inner):
            raise BadPath(f"{source!r} has no name, index, slice or filter in [{inner}]")
        indexes = tuple(_int(part) for part in inner.split(","))
        steps.append(_indexes(indexes))
        return indexes[0] if len(indexes) == 1 else None

    def _filter(self, steps: list[Step]) -> None:
        # Filters hold paths, so the two modules know each other; the import waits until one is read.
        from ecosystem.adapters.embedded.states.filters import read_filter

        accepts, self.at = read_filter(self.source, self.at + 1)
        if not self.source.startswith("]", self.at):
            raise BadPath(f"{self.source!r} lacks a ] behind its filter")
        self.at += 1
        steps.append(_filter(accepts))

    def _quoted(self) -> tuple[str, ...]:
        """The names between quotes, up to and over the closing bracket. A backslash only ever guards its quote."""
        names: list[str] = []
        while True:
            quote = self.source[self.at : self.at + 1]
            if quote not in {"'", '"'}:
                raise BadPath(f"{self.source!r} lacks a quoted name at {self.at}")
            end = self.at + 1
            while end < len(self.source) and (self.source[end] != quote or self.source[end - 1] == "\\"):
                end += 1
            if end >= len(self.source):
                raise BadPath(f"{self.source!r} lacks a closing quote")
            names.append(
                self.source[self.at + 1 : end].replace("\\" + quote, quote)
                if quote == "'"
                else self.source[self.at + 1 : end]
            )
            self.at = end + 1
            self._blanks()
            if self.source.startswith("]", self.at):
                self.at += 1
                return tuple(names)
            if not self.source.startswith(",", self.at):
                raise BadPath(f"{self.source!r} lacks a ] at {self.at}")
            self.at += 1
            self._blanks()

    def _blanks(self) -> None:
        while self.source.startswith(" ", self.at):
            self.at += 1


def _int(digits: str) -> int:
    if len(digits) > 18:
        raise BadPath(f"an index cannot be as large as {digits}")
    return int(digits)


def _names(names: tuple[str, ...]) -> Step:
    if len(names) == 1:
        name = names[0]
        return lambda nodes, _: [node[name] for node in nodes if is_object(node) and name in node]
    return lambda nodes, _: [{name: node[name] for name in names if name in node} for node in nodes if is_object(node)]


def _indexes(indexes: tuple[int, ...]) -> Step:
    return lambda nodes, _: [
        node[index] for node in nodes if is_list(node) for index in indexes if -len(node) <= index < len(node)
    ]


def _slice(cut: slice) -> Step:
    return lambda nodes, _: [held for node in nodes if is_list(node) for held in node[cut]]


def _every(nodes: Sequence[Any], _: Any) -> list[Any]:
    return [held for node in nodes for held in _children(node)]


def _deep(nodes: Sequence[Any], _: Any) -> list[Any]:
    return [held for node in nodes for held in _descendants(node)]


def _descendants(node: Any, depth: int = 0) -> Iterator[Any]:
    """The node and everything below it, from above."""
    yield node
    if depth < DEPTH_MAX:
        for child in _children(node):
            yield from _descendants(child, depth + 1)


def _children(node: Any) -> Sequence[Any]:
    if is_list(node):
        return node
    return list(node.values()) if is_object(node) else ()


def _filter(accepts: Callable[[Any, Any], bool]) -> Step:
    def kept(nodes: Sequence[Any], document: Any) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if is_list(node):
                found.extend(held for held in node if accepts(held, document))
            elif is_object(node) and accepts(node, document):
                found.append(node)
        return found

    return kept


def _length(found: Any) -> Any:
    return len(found) if is_list(found) or is_object(found) or isinstance(found, str) else MISSING


def _over_numbers(count: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    def counted(found: Any) -> Any:
        numbers = [held for held in found if is_number(held)] if is_list(found) else []
        return count(numbers) if numbers else MISSING

    return counted


_FINISHES: Final[dict[str, Callable[[Any], Any]]] = {
    "length": _length,
    "size": _length,
    "min": _over_numbers(min),
    "max": _over_numbers(max),
    "sum": _over_numbers(sum),
    "avg": _over_numbers(fmean),
    "keys": lambda found: list(found) if is_object(found) else MISSING,
    "first": lambda found: found[0] if is_list(found) and found else MISSING,
    "last": lambda found: found[-1] if is_list(found) and found else MISSING,
}
