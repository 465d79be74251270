"""Events as they are listed: what happened, newest first. Those of a connected account are listed on its behalf."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.parameters import LISTED, Endpoint, Ignored, Many, Text
from ecosystem.sandbox.shapes import Body

RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "type": Text(120), "types": Many(Text(120), most=20), "delivery_success": Ignored()})


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("event", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    """Events of all types or of some, such as `charge.*`."""
    wanted: list[str] = [*given.get("types", ()), *([given["type"]] if "type" in given else [])]
    if not wanted:
        return lists.page(act, "event", "/v1/events", given)
    return lists.filtered(act, "event", "/v1/events", given, lambda body: is_of(body["type"], wanted))


def is_of(kind: str, wanted: Iterable[str]) -> bool:
    """Whether the type is one of these, or of a family of them: `charge.*`."""
    return any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in wanted)
