"""What one field of a form takes: its type, its limits, and the sentence for what does not fit.

A field's annotation and `Meta` say what fits. `Meta.description` is the sentence for text that misses a pattern. Text is
stripped and normalised (NFC), unless its field is `Verbatim`; an empty box means the default.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, time
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct, inspect

TEXT_CHARS_MAX = 20_000

Verbatim = Annotated[str, Meta(extra={"verbatim": True})]
"""Text that is kept as typed: a password."""

Email = Annotated[
    str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", description="An e-mail address, such as ana@example.org.")
]
Id = Annotated[str, Meta(pattern=r"^[a-z]{2,5}_[0-9a-z]{26}$", description="That is not an id of ours.")]
Path = Annotated[str, Meta(max_length=2_000)]
"""The way on, after a form; `Visit.back` keeps it on this site."""


class Unfit(Exception):
    """Why a field's text does not fit: a sentence."""


class Field(Struct, frozen=True):
    """One field. `annotation` is what a value converts to, `described` the same as msgspec sees it."""

    name: str
    annotation: Any
    described: inspect.Type
    required: bool
    verbatim: bool
    hint: str

    def read(self, given: Sequence[str]) -> dict[str, Any]:
        """The field's value by its name; nothing at all where its default holds. Raises `Unfit`."""
        if isinstance(self.described, inspect.ListType):
            return {self.name: self._list(self.described, [self._clean(text) for text in given])}
        if isinstance(self.described, inspect.BoolType):
            return {self.name: bool(given) and given[-1] not in {"", "0", "false"}}
        if len(given) > 1:
            raise Unfit("This came more than once.")
        text = self._clean(given[0]) if given else ""
        if text:
            return {self.name: self._value(self.annotation, self.described, text)}
        if self.required:
            raise Unfit("Choose one." if _is_choice(self.described) else "This is needed.")
        return {}

    def _list(self, listed: inspect.ListType, texts: list[str]) -> list[Any]:
        (item,) = get_args(self.annotation)
        found = [self._value(item, _inner(listed.item_type), text) for text in texts if text]
        if listed.min_length and len(found) < listed.min_length:
            raise Unfit(f"Choose at least {listed.min_length}.")
        if listed.max_length is not None and len(found) > listed.max_length:
            raise Unfit(f"At most {listed.max_length}; these are {len(found)}.")
        return found

    def _clean(self, text: str) -> str:
        if len(text) > TEXT_CHARS_MAX:
            raise Unfit(f"At most {TEXT_CHARS_MAX} characters; this has {len(text)}.")
        if any(sign < " " and sign not in "\t\r\n" for sign in text) or "\ufffd" in text:
            raise Unfit("This has signs that cannot be kept.")
        return text if self.verbatim else unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()

    def _value(self, annotation: Any, described: inspect.Type, text: str) -> Any:
        try:
            return msgspec.convert(text, annotation, strict=False)
        except msgspec.ValidationError:
            raise Unfit(_misfit(described, text, self.hint)) from None


@lru_cache(maxsize=512)
def fields_of(kind: type[Struct]) -> Mapping[str, Field]:
    """What each field of a request struct takes, by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: _field(each, hints[each.name]) for each in msgspec.structs.fields(kind)}


def shown(value: object) -> tuple[str, ...]:
    """A value as the texts that a form would send for it."""
    if value is None or value is False:
        return ()
    if value is True:
        return ("1",)
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return (value.isoformat() if isinstance(value, date | time) else str(value),)


def _field(each: msgspec.structs.FieldInfo, hint: Any) -> Field:
    annotation = _without_none(hint)
    described = inspect.type_info(annotation)
    notes = described if isinstance(described, inspect.Metadata) else None
    extra = cast("dict[str, Any]", notes.extra or {}) if notes else {}
    schema = cast("dict[str, Any]", notes.extra_json_schema or {}) if notes else {}
    return Field(
        name=each.name,
        annotation=_stripped(annotation),
        described=_inner(described),
        required=each.required,
        verbatim=bool(extra.get("verbatim")),
        hint=str(schema.get("description", "")),
    )


def _without_none(hint: Any) -> Any:
    """The annotation without its `| None`: an empty box stands for that."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (kind for kind in get_args(hint) if kind is not type(None))
    return hint


def _stripped(annotation: Any) -> Any:
    """A list's annotation without its limits, which are told in words here; any other unchanged."""
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return inner if get_origin(inner) is list else annotation


def _inner(described: inspect.Type) -> inspect.Type:
    return described.type if isinstance(described, inspect.Metadata) else described


def _is_choice(described: inspect.Type) -> bool:
    return isinstance(described, inspect.EnumType | inspect.LiteralType)


_SENTENCES: dict[type[inspect.Type], str] = {
    inspect.EnumType: "Choose one of those offered.",
    inspect.LiteralType: "Choose one of those offered.",
    inspect.DateType: "A date, such as 2026-11-24.",
    inspect.TimeType: "A time of day, such as 09:30.",
    inspect.DateTimeType: "An instant with its offset, such as 2026-11-24T09:30:00Z.",
}


def _misfit(described: inspect.Type, text: str, hint: str) -> str:
    """A sentence about what would have fit."""
    match described:
        case inspect.StrType(max_length=int(most)) if len(text) > most:
            return f"At most {most} characters; this has {len(text)}."
        case inspect.StrType(min_length=int(least)) if len(text) < least:
            return f"At least {least} characters."
        case inspect.IntType(ge=least, le=most):
            return hint or _whole(least, most)
        case _:
            return hint or _SENTENCES.get(type(described), "This does not have the form that is wanted.")


def _whole(least: int | None, most: int | None) -> str:
    if least is not None and most is not None:
        return f"A whole number from {least} to {most}."
    if least is not None:
        return f"A whole number, {least} or more."
    return "A whole number." if most is None else f"A whole number, {most} or less."
