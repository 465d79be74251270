"""What parameters an endpoint takes, and how each is read: unknown and unfit ones are refused, by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from ecosystem.kernel.money import UnknownCurrency, exponent
from ecosystem.sandbox.form import Form
from ecosystem.sandbox.refusals import Refused

TEXT_MAX = 5000
METADATA_KEYS_MAX = 50
METADATA_KEY_MAX = 40
METADATA_VALUE_MAX = 500


class Kind(Protocol):
    """How a parameter is read from the form's value. Raises `Refused`."""

    def read(self, value: Any, name: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text; the empty one unsets what may be unset, and is None."""

    most: int = TEXT_MAX
    unsettable: bool = False
    pattern: str | None = None

    def read(self, value: Any, name: str) -> str | None:
        if not isinstance(value, str):
            raise Refused("Invalid string: a list or an object was given.", param=name)
        if not value:
            return _unset(name, self.unsettable)
        if len(value) > self.most:
            raise Refused(
                f"Invalid string: {name} has to be at most {self.most} characters.",
                code="parameter_invalid_string_too_long",
                param=name,
            )
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Refused(f"Invalid {name}: {value[:80]}", param=name)
        return value


@dataclass(frozen=True, slots=True)
class Url:
    """An address to come back to."""

    def read(self, value: Any, name: str) -> str | None:
        text = Text().read(value, name)
        if text is None or not re.fullmatch(r"https?://[^\s/]+(/\S*)?|[a-z][a-z0-9+.-]+://\S+", text):
            raise Refused("Not a valid URL", code="url_invalid", param=name)
        if re.match(r"(?i)(javascript|data|vbscript|file):", text):
            raise Refused("Not a valid URL", code="url_invalid", param=name)
        return text


@dataclass(frozen=True, slots=True)
class Integer:
    least: int = 0
    most: int = 10**15

    def read(self, value: Any, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise Refused(f"Invalid integer: {str(value)[:80]}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if number < self.least:
            raise Refused(
                f"This value must be greater than or equal to {self.least}.",
                code="parameter_invalid_integer",
                param=name,
            )
        if number > self.most:
            raise Refused(
                f"This value must be less than or equal to {self.most}.",
                code="parameter_invalid_integer",
                param=name,
            )
        return number


@dataclass(frozen=True, slots=True)
class Boolean:
    def read(self, value: Any, name: str) -> bool:
        if not isinstance(value, str) or value not in {"true", "false"}:
            raise Refused(f"Invalid boolean: {str(value)[:80]}", param=name)
        return value == "true"


class Choice:
    """One of a few words."""

    def __init__(self, *words: str, unsettable: bool = False) -> None:
        self.words = words
        self.unsettable = unsettable

    def read(self, value: Any, name: str) -> str | None:
        if value == "":
            return _unset(name, self.unsettable)
        if value not in self.words:
            raise Refused(f"Invalid {name}: must be one of {_either(self.words)}", param=name)
        return cast("str", value)


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency in lower case, as the API has it."""

    def read(self, value: Any, name: str) -> str:
        try:
            exponent(value.upper() if isinstance(value, str) else "")
        except UnknownCurrency as unknown:
            raise Refused(f"Invalid currency: {str(value)[:10]}", param=name) from unknown
        return cast("str", value).lower()


@dataclass(frozen=True, slots=True)
class Metadata:
    """Texts by name. An empty text for a name removes it; an empty text in place of all removes all."""

    def read(self, value: Any, name: str) -> dict[str, str]:
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=name)
        read: dict[str, str] = {}
        for key, text in cast("Form", value).items():
            if not isinstance(text, str):
                raise Refused("Metadata values have to be strings.", param=f"{name}[{key[:40]}]")
            if len(key) > METADATA_KEY_MAX or len(text) > METADATA_VALUE_MAX:
                raise Refused(
                    f"Metadata keys can have up to {METADATA_KEY_MAX} characters and values up to"
                    f" {METADATA_VALUE_MAX}.",
                    param=f"{name}[{key[:METADATA_KEY_MAX]}]",
                )
            read[key] = text
        if len(read) > METADATA_KEYS_MAX:
            raise Refused(f"You can specify up to {METADATA_KEYS_MAX} keys.", param=name)
        return read


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    of: Kind
    most: int = 100

    def read(self, value: Any, name: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, list):
            raise Refused("Invalid array", param=name)
        values = cast("list[Any]", value)
        if len(values) > self.most:
            raise Refused(f"Invalid array: at most {self.most}.", param=name)
        return [self.of.read(one, f"{name}[{number}]") for number, one in enumerate(values)]


@dataclass(frozen=True, slots=True)
class Later:
    """A parameter of the public API that this sandbox does not act upon, and therefore does not take."""

    def read(self, value: Any, name: str) -> Any:  # noqa: ARG002 — refused whatever it says
        raise Refused(f"This sandbox processor does not take {name} yet.", param=name)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A parameter without an effect worth simulating."""

    def read(self, value: Any, name: str) -> None:  # noqa: ARG002 — whatever it says
        return None


@dataclass(frozen=True, slots=True)
class Hash:
    """An object with named parameters; some have to be there."""

    kinds: Mapping[str, Kind]
    required: Sequence[str] = ()
    unsettable: bool = False

    def read(self, value: Any, name: str) -> dict[str, Any]:
        if value == "" and self.unsettable:
            return {}
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=name)
        return read(cast("Form", value), self.kinds, self.required, inside=name)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parameters of one endpoint. Every endpoint takes `expand`."""

    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    required: Sequence[str] = ()

    def read(self, form: Form) -> dict[str, Any]:
        return read(form, self.kinds, self.required)


EXPAND = Many(Text(200), most=20)
RANGE = Hash({"gt": Integer(), "gte": Integer(), "lt": Integer(), "lte": Integer()})


@dataclass(frozen=True, slots=True)
class Created:
    """An instant, or a range of instants."""

    def read(self, value: Any, name: str) -> dict[str, int]:
        if isinstance(value, dict):
            return RANGE.read(value, name)
        return {"gte": (at := Integer().read(value, name)), "lte": at}


LISTED: dict[str, Kind] = {
    "limit": Integer(least=1, most=100),
    "starting_after": Text(120),
    "ending_before": Text(120),
    "created": Created(),
}
"""What every list takes."""


def read(form: Form, kinds: Mapping[str, Kind], required: Sequence[str] = (), *, inside: str = "") -> dict[str, Any]:
    """The parameters, read. Raises `Refused` for unknown, missing and unfit ones, in this order."""
    if not inside:
        kinds = {**kinds, "expand": EXPAND}
    if unknown := [name for name in form if name not in kinds]:
        raise _unknown([f"{inside}[{name}]" if inside else name for name in unknown], kinds, inside)
    given = {name: kinds[name].read(value, f"{inside}[{name}]" if inside else name) for name, value in form.items()}
    for name in required:
        if given.get(name) is None:
            full = f"{inside}[{name}]" if inside else name
            raise Refused(f"Missing required param: {full}.", code="parameter_missing", param=full)
    return given


def _unknown(names: list[str], kinds: Mapping[str, Kind], inside: str) -> Refused:
    shown = [name[:120] for name in names[:10]]
    if len(names) > 1:
        message = f"Received unknown parameters: {', '.join(shown)}"
    else:
        last = shown[0].rpartition("[")[2].rstrip("]") if inside else shown[0]
        meant = difflib.get_close_matches(last, kinds, 1)
        message = f"Received unknown parameter: {shown[0]}" + (f". Did you mean {meant[0]}?" if meant else "")
    return Refused(message, code="parameter_unknown", param=shown[0])


def _unset(name: str, unsettable: bool) -> None:
    if not unsettable:
        raise Refused(
            f"You passed an empty string for '{name}'. An empty value unsets a parameter, and '{name}' cannot be"
            " unset. Leave it out, or give it a value.",
            code="parameter_invalid_empty",
            param=name,
        )


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
