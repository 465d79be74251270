"""Records of a file, as values: the 94 columns, and how they stood in the bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.kernel.nacha.layouts import LENGTH, Layout

# What counts as blank: not the separators that `str.strip` would take as well.
BLANKS = " \t\n\v\f\r\x85\xa0"


class Record(Struct, frozen=True, kw_only=True):
    """One record. `text` has 94 columns; `cut` says how many trailing blanks the bytes lacked, `ending` what followed."""

    layout: Layout
    text: str
    line: int = 0
    cut: int = 0
    ending: str = "\n"

    def __getitem__(self, field: str) -> str:
        """A field without its blanks."""
        return self.text[self.layout.spans[field]].strip(BLANKS)

    def raw(self, field: str) -> str:
        """A field as it stands, blanks and all."""
        return self.text[self.layout.spans[field]]

    def number(self, field: str) -> int:
        """A field of digits as a number; 0 when it is not one."""
        text = self[field]
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def written(self) -> str:
        """As it stood in the file, with whatever followed until the next record."""
        return (self.text[: LENGTH - self.cut] if self.cut else self.text) + self.ending

    def becomes(self, values: Mapping[str, str | int]) -> Record:
        """The same record with other values in some fields, and nothing else changed. Raises `Unfit`."""
        text = list(self.text)
        for field in self.layout.fields:
            if field.name in values:
                text[field.first - 1 : field.last] = field.rendered(values[field.name])
        return replace(self, text="".join(text), cut=0)

    @classmethod
    def of(cls, layout: Layout, values: Mapping[str, str | int], *, ending: str = "\n") -> Record:
        """A record made of values. Raises `Unfit`."""
        return cls(layout=layout, text=layout.rendered(values), ending=ending)


class Category(StrEnum):
    """What an entry is about: a payment, or what became of one."""

    FORWARD = "forward"
    CHANGE = "change"
    RETURN = "return"
    DISHONORED = "dishonored"
    CONTESTED = "contested"


class Entry(Struct, frozen=True, kw_only=True):
    """An entry with its addenda."""

    record: Record
    addenda: Sequence[Record] = ()
    category: Category = Category.FORWARD

    @property
    def transaction_code(self) -> str:
        return self.record["transaction_code"]

    @property
    def amount_cents(self) -> int:
        return self.record.number("amount")

    @property
    def trace_number(self) -> str:
        return self.record["trace_number"] if "trace_number" in self.record.layout.spans else ""


Item = Record | Entry
