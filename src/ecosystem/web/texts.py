"""The words of the pages. Templates write English through `t()` and `n()`; a locale's file says them otherwise.

`locales/<tag>.toml` has two tables: `[texts]` gives a sentence for the English one, `[plurals]` a list of forms for the
English plural, in the order of the locale's rule. English itself needs only its singulars. Placeholders are `{name}`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from minijinja import escape, safe
from msgspec import Struct, convert

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

# CLDR's cardinal rules, for the locales that have a file: which form a count takes.
_RULES: dict[str, Callable[[int], int]] = {"en": lambda count: 0 if count == 1 else 1}


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One locale: its tag (BCP 47), sentences by their English, and plural forms by their English plural."""

    tag: str
    texts: Mapping[str, str] = {}
    plurals: Mapping[str, Sequence[str]] = {}

    def say(self, english: str, /, **values: Any) -> str:
        """The sentence in this locale, with its placeholders filled."""
        return _filled(self.texts.get(english, english), values)

    def count(self, english: str, count: int, /, **values: Any) -> str:
        """The form of the sentence that fits the count, which also fills `{count}`."""
        forms = self.plurals.get(english, (english,))
        form = forms[min(_RULES[self.tag](count), len(forms) - 1)]
        return _filled(form, {"count": f"{count:,}"} | values)


def load(tag: str) -> Words:
    """The words of that locale. `en` holds, for each plural, singular and plural."""
    with (files("ecosystem.web") / "locales" / f"{tag}.toml").open("rb") as source:
        return convert({"tag": tag} | tomllib.load(source), Words)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders filled. A value that is markup makes the whole markup, the rest escaped."""
    if not values:
        return text
    if not any(hasattr(value, "__html__") for value in values.values()):
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)
    parts = _PLACEHOLDER.split(text)
    said = [str(escape(part)) if at % 2 == 0 else str(escape(values[part])) for at, part in enumerate(parts)]
    return safe("".join(said))
