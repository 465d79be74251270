"""The fields of one state, read and held to the language. Whatever is wrong is noted, and reading goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ecosystem.adapters.embedded.states import templates
from ecosystem.adapters.embedded.states.failures import ALL, runtime
from ecosystem.adapters.embedded.states.instants import instant
from ecosystem.adapters.embedded.states.intrinsics import is_call
from ecosystem.adapters.embedded.states.kinds import Catcher, Retrier
from ecosystem.adapters.embedded.states.paths import BadPath
from ecosystem.adapters.embedded.states.results import Placing, placing
from ecosystem.adapters.embedded.states.scope import Expression
from ecosystem.adapters.embedded.states.templates import BadTemplate
from ecosystem.adapters.embedded.states.values import is_list, is_number, is_object

T = TypeVar("T")

SECONDS_MAX: Final = 99_999_999
JSONATA: Final = frozenset({"Arguments", "Output", "Items"})
DISTRIBUTED: Final = frozenset({"ItemReader", "ItemBatcher", "ResultWriter", "Label"})


@dataclass(slots=True)
class Notes:
    """What is wrong with a machine, as pairs of state and reason."""

    taken: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def note(self, state: str, reason: str) -> None:
        self.taken.append((state, reason))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a definition is read with."""

    functions: Container[str] | None
    bindings: Mapping[str, str]
    notes: Notes
    named: set[str]
    """The functions found named."""


class Fields:
    """A state's fields, each asked for once; those never asked for are not of its kind."""

    def __init__(self, name: str, given: dict[str, Any], surroundings: Surroundings) -> None:
        self.name = name
        self.given = given
        self.around = surroundings
        self._asked: set[str] = set()

    def note(self, reason: str) -> None:
        self.around.notes.note(self.name, reason)

    def has(self, name: str) -> bool:
        return name in self.given

    def take(self, name: str) -> Any:
        self._asked.add(name)
        return self.given.get(name)

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What reading gives; None, and a note, when it fails."""
        try:
            return read()
        except ValueError as reason:
            self.note(str(reason))
            return None

    def finish(self, kind: str) -> None:
        """Note every field that was not asked for."""
        for name in sorted(self.given.keys() - self._asked):
            if name in JSONATA:
                self.note(f"{name} is JSONata, which is not spoken here")
            elif name in DISTRIBUTED and kind == "Map":
                self.note(f"{name} belongs to the distributed Map, which is not run here")
            else:
                self.note(f"{name} is not a field of a {kind} state")

    def written(self, name: str) -> str | None:
        """A text that is not empty."""
        given = self.take(name)
        if given is None and not self.has(name):
            return None
        if not isinstance(given, str) or not given:
            self.note(f"{name} must be a text")
            return None
        return given

    def template(self, name: str) -> Expression | None:
        if not self.has(name):
            return None
        given = self.take(name)
        return self.attempt(lambda: _named(name, lambda: templates.template(given)))

    def selection(self, name: str) -> Expression | None:
        """InputPath and the like: null selects nothing, which is an empty object."""
        if not self.has(name):
            return None
        given = self.take(name)
        if given is None:
            return lambda _: {}
        if not isinstance(given, str):
            self.note(f"{name} must be a path or null")
            return None
        return self.attempt(lambda: _named(name, lambda: templates.selection(given)))

    def place(self) -> Placing | None:
        if not self.has("ResultPath"):
            return None
        return _place(self, self.take("ResultPath"))

    def path(self, name: str) -> Expression | None:
        """A path whose value the state needs, as TimeoutSecondsPath has it."""
        given = self.written(name)
        if given is None:
            return None
        return self.attempt(lambda: _named(name, lambda: templates.selection(given) or (lambda scope: scope.input)))

    def expression(self, name: str) -> Expression | None:
        """A path or an intrinsic function."""
        given = self.written(name)
        return None if given is None else self.attempt(lambda: templates.field(given, name))

    def seconds(self, name: str, *, least: int = 1) -> int | None:
        if not self.has(name):
            return None
        given = self.take(name)
        if not is_number(given) or given != int(given) or not least <= given <= SECONDS_MAX:
            self.note(f"{name} must be a whole number from {least} to {SECONDS_MAX}")
            return None
        return int(given)

    def either(self, name: str, number: Callable[[], T | None]) -> tuple[T | Expression | None, str]:
        """The number of that name, or the expression of its Path; with the path's text."""
        path = f"{name}Path"
        if self.has(name) and self.has(path):
            self.note(f"{name} and {path} exclude each other")
        held = number()
        if self.has(path):
            return self.path(path), str(self.given[path])
        return held, ""

    def retriers(self) -> tuple[Retrier, ...]:
        return tuple(self._listed("Retry", self._retrier))

    def catchers(self) -> tuple[Catcher, ...]:
        return tuple(self._listed("Catch", self._catcher))

    def _listed(self, name: str, read: Callable[[Fields], T | None]) -> list[T]:
        given = self.take(name)
        if given is None and not self.has(name):
            return []
        if not is_list(given):
            self.note(f"{name} must be a list")
            return []
        made: list[T] = []
        for place, part in enumerate(given):
            if not is_object(part):
                self.note(f"{name} must hold objects")
                continue
            fields = Fields(self.name, part, self.around)
            held = read(fields)
            fields.take("Comment")
            for unknown in sorted(part.keys() - fields._asked):
                self.note(f"{unknown} is not a field within {name}")
            if ALL in _strings(part.get("ErrorEquals")) and place < len(given) - 1:
                self.note(f"{ALL} must be in the last of {name}")
            if held is not None:
                made.append(held)
        return made

    def errors(self, within: str) -> tuple[str, ...]:
        given = self.take("ErrorEquals")
        if not is_list(given) or not given or not all(isinstance(name, str) for name in given):
            self.note(f"ErrorEquals within {within} must be a list of error names, and not empty")
            return ()
        if ALL in given and len(given) > 1:
            self.note(f"{ALL} must stand alone in its ErrorEquals")
        return tuple(given)

    def _retrier(self, fields: Fields) -> Retrier | None:
        rate, limit, jitter = (
            fields.take("BackoffRate"),
            fields.seconds("MaxDelaySeconds"),
            fields.take("JitterStrategy"),
        )
        attempts, interval = fields.seconds("MaxAttempts", least=0), fields.seconds("IntervalSeconds", least=0)
        if fields.has("BackoffRate") and not (is_number(rate) and 1 <= rate < 1e9):
            self.note("BackoffRate must be a number of at least 1")
            return None
        if fields.has("JitterStrategy") and jitter not in {"FULL", "NONE"}:
            self.note("JitterStrategy must be FULL or NONE")
        interval_s = 1 if interval is None else interval
        if limit is not None and limit <= interval_s:
            self.note("MaxDelaySeconds must be more than IntervalSeconds")
        return Retrier(
            errors=fields.errors("Retry"),
            interval_s=interval_s,
            attempts_max=3 if attempts is None else attempts,
            rate=2 if rate is None else float(rate),
            delay_s_max=limit,
            is_jittered=jitter == "FULL",
        )

    def _catcher(self, fields: Fields) -> Catcher | None:
        errors, following = fields.errors("Catch"), fields.written("Next")
        if following is None:
            self.note("each part of Catch needs a Next")
            return None
        return Catcher(errors=errors, next=following, place=fields.place(), assign=fields.assignment())

    def assignment(self) -> Expression | None:
        given = self.take("Assign")
        if given is None and not self.has("Assign"):
            return None
        if not is_object(given):
            self.note("Assign must be an object")
            return None
        for name in given:
            bare = name.removesuffix(".$")
            if not bare.isidentifier() or not bare.isascii() or len(bare) > 80 or bare == "states":
                self.note(f"{name!r} cannot be the name of a variable")
        return self.attempt(lambda: _named("Assign", lambda: templates.template(given)))


def wait(fields: Fields) -> tuple[str, str, Expression] | None:
    """Which of its four fields a Wait state has, the field's text, and how to get its value."""
    names = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if fields.has(name)]
    if len(names) != 1:
        fields.note("a Wait state has one of Seconds, SecondsPath, Timestamp and TimestampPath")
        for name in names:
            fields.take(name)
        return None
    name = names[0]
    source = json.dumps(fields.given[name])
    if name == "Seconds":
        seconds = fields.seconds(name, least=0)
        return None if seconds is None else (name, source, lambda _: seconds)
    written = fields.written(name)
    if written is None:
        return None
    if name == "Timestamp":
        if instant(written) is None:
            fields.note("Timestamp must be an instant such as 2026-03-14T01:59:00Z")
            return None
        return name, written, lambda _: written
    words = f"The {name} parameter does not reference an input value: {written}"
    found = fields.attempt(
        lambda: _named(name, lambda: templates.reached(written, lambda _path, _document: runtime(words)))
    )
    return (name, written, found or (lambda scope: scope.input))


def words(fields: Fields, name: str) -> Expression | None:
    """Error or Cause of a Fail state, written out or by ErrorPath or CausePath."""
    path = f"{name}Path"
    if fields.has(name) and fields.has(path):
        fields.note(f"{name} and {path} exclude each other")
    if fields.has(path):
        given = fields.written(path)
        if given is not None and is_call(given) and given.partition("(")[0] not in _TEXT_FUNCTIONS:
            fields.note(f"{path} needs a function that gives a text")
        fields.take(name)
        return None if given is None else fields.attempt(lambda: templates.field(given, path))
    literal = fields.take(name)
    if literal is None:
        return None
    if not isinstance(literal, str):
        fields.note(f"{name} must be a text")
        return None
    return lambda _: literal


_TEXT_FUNCTIONS: Final = frozenset(
    {
        "States.Format",
        "States.JsonToString",
        "States.ArrayGetItem",
        "States.Base64Encode",
        "States.Base64Decode",
        "States.Hash",
        "States.UUID",
    }
)


def _place(fields: Fields, given: Any) -> Placing | None:
    if given is not None and not isinstance(given, str):
        fields.note("ResultPath must be a path or null")
        return None
    return fields.attempt(lambda: _named("ResultPath", lambda: placing(given)))


def _named(name: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (BadPath, BadTemplate) as reason:
        raise ValueError(f"{name}: {reason}") from reason


def _strings(given: Any) -> Sequence[str]:
    return [held for held in given if isinstance(held, str)] if is_list(given) else []
