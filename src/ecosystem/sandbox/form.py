"""The form encoding of the card API: `a[b][c]=v`, `a[]=v`, `a[0][b]=v` become nested objects and lists."""

from __future__ import annotations

import re
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from ecosystem.sandbox.refusals import Refused

Form: TypeAlias = dict[str, Any]
"""Names to texts, objects or lists of these."""

FIELDS_MAX = 500
DEPTH_MAX = 8
INDEX_MAX = 200

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def parse(text: str) -> Form:
    """The form as nested values. Raises `Refused` for what is no such form."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=FIELDS_MAX
        )
    except UnicodeDecodeError as broken:
        raise Refused("Invalid UTF-8 in the request.") from broken
    except ValueError as broken:
        raise Refused(
            "Invalid request. The body has to be application/x-www-form-urlencoded, with at most"
            f" {FIELDS_MAX} parameters."
        ) from broken
    form: Form = {}
    for name, value in pairs:
        if "[" in name:
            _place(form, name, value)
        elif name in form:
            raise Refused(f"Received parameter twice: {name[:80]}", param=name[:80])
        else:
            form[name] = value
    return cast("Form", _lists(form))


def _place(form: Form, name: str, value: str) -> None:
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise Refused(f"Invalid parameter name: {name[:80]}", param=name[:80])
    path = [matched[1], *_PART.findall(matched[2])]
    if len(path) > DEPTH_MAX:
        raise Refused(f"Parameters are nested at most {DEPTH_MAX} deep.", param=matched[1])
    at = form
    for part in path[:-1]:
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Refused(f"Received parameter as a text and as an object: {name[:80]}", param=matched[1])
        at = cast("Form", inner)
    last = path[-1] or f"{len(at)}"
    if last in at:
        raise Refused(f"Received parameter twice: {name[:80]}", param=matched[1])
    at[last] = value


def _lists(value: Any) -> Any:
    """Objects whose names count from zero, as lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(one) for name, one in cast("Form", value).items()}
    if inner and all(name.isdecimal() and name.isascii() and len(name) < 4 for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
