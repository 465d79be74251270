"""What an outside place lists, a page at a time."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Listed(Struct, Generic[T], frozen=True, kw_only=True):
    """One page, and the cursor to go on from: None when there is no more.

    A cursor is the outside's own and good for the list it came from. What arises while pages are read may be missing.
    """

    items: tuple[T, ...]
    after: str | None = None
