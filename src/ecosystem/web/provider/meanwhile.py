"""Two people, or two windows, edit the same thing: what somebody else changed is told, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.web.forms import Form

T = TypeVar("T", bound=Struct)
SHOWN_CHARS = 120


class Difference(Struct, frozen=True):
    """A field that now says something else than the form: its name on the page, and what it says."""

    label: str
    now: str


def meanwhile(form: Form[T], fresh: Form[T], labels: Mapping[str, str]) -> tuple[Form[T], Sequence[Difference]]:
    """The form, good to be sent once more over what is there now, and where the two differ.

    `fresh` is the form as it would be opened now; `labels` are the names of the fields that matter.
    """
    found = [
        Difference(label, _shown(fresh.values.get(name, ())))
        for name, label in labels.items()
        if _same(form.values.get(name, ())) != _same(fresh.values.get(name, ()))
    ]
    version = fresh.values.get("version", ("0",))
    return replace(form, values={**form.values, "version": version}), found


def _same(texts: Sequence[str]) -> list[str]:
    """What a browser sends for these: an unticked box and an empty one are alike, and so are kinds of line ends."""
    return [text.replace("\r\n", "\n").strip() for text in texts if text.strip()]


def _shown(texts: Sequence[str]) -> str:
    text = ", ".join(_same(texts)) or "nothing"
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"
