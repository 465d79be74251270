"""A form as it came in: its values to show again, every error beside its field, and the one struct it decodes into.

A request struct is flat; `fields.py` says what each of its fields takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from ecosystem.contexts.catalogue import FieldsRefused
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.web.fields import Unfit, fields_of, shown

FIELDS_MAX = 1_000

T = TypeVar("T", bound=Struct)


class Unfilled(Invalid):
    """Some of the fields need another look."""

    def __init__(self, form: Form[Any]) -> None:
        first = next(iter(form.errors), None)
        super().__init__(field=first)
        self.form = form


class Form(Struct, Generic[T], frozen=True, kw_only=True):
    """What a form said. `errors` has a sentence by field; the empty name stands for the form as a whole."""

    kind: type[T]
    values: Mapping[str, Sequence[str]] = {}
    errors: Mapping[str, str] = {}
    value: T | None = None
    refusal: Refusal | None = None

    @property
    def asked(self) -> T:
        """The request. Raises `Unfilled`, which carries the form, when a field does not fit."""
        if self.value is None:
            raise Unfilled(self)
        return self.value

    def refused(self, refusal: Refusal, **renamed: str) -> Form[T]:
        """The form with what was said against it, beside the field it names or above all of them.

        `renamed` maps a refusal's field to the form's, where they differ: `refused(no, email_address="email")`.
        """
        if isinstance(refusal, Unfilled):
            return msgspec.structs.replace(self, refusal=refusal)
        said = [(refusal.field or "", refusal.message)]
        if isinstance(refusal, FieldsRefused):
            said = [(problem.field, problem.reason) for problem in refusal.problems]
        errors = dict(self.errors)
        for field, sentence in said:
            named = renamed.get(field, field)
            if named in fields_of(self.kind):
                errors.setdefault(named, sentence)
            else:
                errors[""] = f"{errors.get('', '')} {sentence}".strip()
        return msgspec.structs.replace(self, errors=errors, refusal=refusal)

    def text(self, field: str) -> str:
        """What to show in the field again."""
        return next(iter(self.values.get(field, ())), "")

    def chose(self, field: str, choice: str) -> bool:
        """Whether that box was ticked, or that option picked."""
        return choice in self.values.get(field, ())

    def error(self, field: str) -> str:
        return self.errors.get(field, "")

    @property
    def overall(self) -> str:
        """What is said about no field in particular."""
        return self.errors.get("", "")


def blank(kind: type[T], **values: object) -> Form[T]:
    """An untouched form, with what is known already in its fields."""
    return Form(kind=kind, values={name: shown(value) for name, value in values.items()})


def of(value: T) -> Form[T]:
    """A form that shows an existing value, for editing."""
    return blank(type(value), **{name: getattr(value, name) for name in value.__struct_fields__})


def decode(kind: type[T], pairs: Sequence[tuple[str, str]]) -> Form[T]:
    """The form that these pairs fill: with its value, or with an error for every field that does not fit."""
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, field in fields_of(kind).items():
        try:
            values |= field.read(given.get(name, ()))
        except Unfit as unfit:
            errors[name] = str(unfit)
    if strange := given.keys() - fields_of(kind).keys():
        errors[""] = f"This form has no field {min(strange)!r}."
    value: T | None = None
    if not errors:
        try:
            value = kind(**values)
        except Invalid as refusal:  # a struct may hold its fields against each other
            named = refusal.field or ""
            errors[named if named in fields_of(kind) else ""] = refusal.message
    return Form(kind=kind, values=given, errors=errors, value=value)


def pairs(body: bytes) -> list[tuple[str, str]]:
    """The names and values of a urlencoded body or query. Raises `Invalid` for what is none, or is endless."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Invalid("This is not the content of a form.") from None
