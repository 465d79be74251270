"""A field's arguments as one request struct, the same that a page's form is decoded into: once, and under its own names.

Arguments are called as the struct's fields are, in camel case: `startAt` is `start_at`. `first` is the `limit` of a
page. Null and left out are the same, except where the struct knows None as a wish of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, inspect

from ecosystem.kernel.refusals import Invalid

T = TypeVar("T", bound=Struct)
Turn = Callable[[Any, str], Any]
"""Makes of a value what the struct takes; the text is where it stands, for whoever has to correct it."""

ID_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 20_000
LIST_LENGTH_MAX = 1_000

_SNAKE = re.compile(r"_([a-z0-9])")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")

_OF_KIND = {
    "account_id": "bank_account_id",
    "bkg_id": "booking_id",
    "hld_id": "hold_id",
    "mal_id": "mail_id",
    "med_id": "media",
    "ntc_id": "notice_ids",
    "pay_id": "payment_id",
    "prv_id": "provider_id",
    "pyt_id": "payout_id",
    "rfd_id": "refund_id",
    "ses_id": "session_id",
    "svc_id": "service_id",
    "usr_id": "user_id",
    "wdr_id": "withdrawal_id",
    "wof_id": "write_off_id",
}
"""Ids that are no ids are told by their kind."""


class Malformed(Invalid):
    """That is not what this argument takes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One argument: the field it becomes, what makes it so, and whether null is a value of it."""

    name: str
    turn: Turn | None
    nullable: bool
    inner: Mapping[str, Entry] | None = None


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """Reads arguments as requests of one kind."""

    kind: type[T]
    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, kind: type[T]) -> Reader[T]:
        described = inspect.type_info(kind)
        assert isinstance(described, inspect.StructType)
        return cls(kind=kind, entries=_entries(described))

    def named(self, field: str | None) -> str | None:
        """The argument that a refusal's field means, where the house calls it otherwise than the API does."""
        if field is None or camel(field) in self.entries:
            return field
        if field in _OF_KIND:
            return _OF_KIND[field]
        longer = [entry.name for entry in self.entries.values() if entry.name.startswith(f"{field}_")]
        return longer[0] if len(longer) == 1 else field

    def read(self, arguments: Mapping[str, Any]) -> T:
        """The request. Raises `Malformed`, which names the argument, and what its values raise when they are made."""
        given = arguments.get("input", arguments)
        try:
            return msgspec.convert(_struct(self.entries, given, ""), self.kind)
        except msgspec.ValidationError as unfit:
            raise _malformed(str(unfit)) from unfit


def camel(name: str) -> str:
    """The name as the API has it: `week.monday[1].opens_at` is `week.monday[1].opensAt`, a page's `limit` is `first`."""
    return "first" if name == "limit" else _SNAKE.sub(lambda found: found[1].upper(), name)


def _entries(described: inspect.StructType) -> dict[str, Entry]:
    return {camel(field.name): _entry(field.name, field.type) for field in described.fields}


def _entry(name: str, kind: inspect.Type) -> Entry:
    nullable = False
    if isinstance(kind, inspect.UnionType):
        nullable = any(isinstance(each, inspect.NoneType) for each in kind.types)
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    inner = _inner(kind)
    return Entry(name=name, turn=_turn(name, kind), nullable=nullable, inner=inner)


def _inner(kind: inspect.Type) -> Mapping[str, Entry] | None:
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return _inner(kind.item_type)
    return _entries(kind) if isinstance(kind, inspect.StructType) else None


def _turn(name: str, kind: inspect.Type) -> Turn | None:
    if isinstance(kind, inspect.StructType):
        entries = _entries(kind)
        return lambda value, place: _struct(entries, value, place)
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        item = _turn(name.removesuffix("s"), kind.item_type)
        return lambda value, place: _items(item, value, place)
    if isinstance(kind, inspect.IntType):
        return _whole
    if isinstance(kind, inspect.StrType):
        return _id if name.endswith("_id") else _text
    return None


def _struct(entries: Mapping[str, Entry], given: Mapping[str, Any], place: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    prefix = f"{place}." if place else ""
    for name, value in given.items():
        entry = entries[name]
        if value is not None:
            made[entry.name] = entry.turn(value, prefix + name) if entry.turn else value
        elif entry.nullable:
            made[entry.name] = None
    return made


def _items(item: Turn | None, given: Any, place: str) -> list[Any]:
    if len(given) > LIST_LENGTH_MAX:
        raise Malformed(f"At most {LIST_LENGTH_MAX} fit here.", field=place)
    if item is None:
        return given
    return [item(value, f"{place}[{at}]") for at, value in enumerate(given)]


def _whole(value: Any, place: str) -> Any:
    """Amounts come as floats, since GraphQL has no wider whole number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise Malformed("That is a whole number, without a fraction.", field=place)
    return value


def _id(value: str, place: str) -> str:
    if not 0 < len(value) <= ID_LENGTH_MAX:
        raise Malformed(f"An id has 1 to {ID_LENGTH_MAX} characters.", field=place)
    return value


def _text(value: str, place: str) -> str:
    if len(value) > TEXT_LENGTH_MAX:
        raise Malformed(f"That has {len(value)} characters; at most {TEXT_LENGTH_MAX} fit here.", field=place)
    return value


def _malformed(reason: str) -> Malformed:
    """What msgspec says, as a sentence about an argument."""
    if missing := _MISSING.search(reason):
        return Malformed("This is needed.", field=camel(missing[1]))
    place = _PLACE.search(reason)
    said = _PLACE.sub("", reason).replace("`", "")
    return Malformed(f"{said}.", field=camel(place[1]) if place else None)
