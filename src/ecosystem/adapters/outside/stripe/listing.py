"""Pages of the card API's lists: newest first, gone on from the last id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

from ecosystem.ports.listing import Listed

PAGE = 100
"""The most that one page holds."""


class HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)
U = TypeVar("U")


class Page(Struct, Generic[T]):
    """A page as the API answers it."""

    data: list[T] = field(default_factory=list[T])
    has_more: bool = False

    def listed(self, read: Callable[[T], U]) -> Listed[U]:
        after = self.data[-1].id if self.data and self.has_more else None
        return Listed(items=tuple(read(each) for each in self.data), after=after)


def query(
    *, since: datetime | None = None, until: datetime | None = None, after: str | None = None, **wanted: str | None
) -> Mapping[str, str]:
    """The parameters that ask for a page. `wanted` ones without a value are left out."""
    asked = {name: value for name, value in wanted.items() if value}
    if since is not None:
        asked["created[gte]"] = str(int(since.timestamp()))
    if until is not None:
        asked["created[lt]"] = str(int(until.timestamp()))
    if after:
        asked["starting_after"] = after
    return {"limit": str(PAGE), **asked}
