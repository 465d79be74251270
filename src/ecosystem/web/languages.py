"""Languages that providers speak, by name."""

from __future__ import annotations

from collections.abc import Iterable

from ecosystem.contexts.catalogue import LANGUAGES


def named(codes: Iterable[str]) -> str:
    """The languages in a row: `English, Portuguese`."""
    return ", ".join(LANGUAGES.get(code, code) for code in codes)
