"""What happened in an execution, in the cloud's event types and under its names for their details."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

Detail = str | int | bool | None
"""A detail of an event. `input`, `output` and `parameters` are JSON as text, as in the cloud."""


class Event(Struct, frozen=True, array_like=True):
    """One event of a history. Ids count from 1 without gaps; `previous_id` is the event before it in its branch.

    `type` is one of the cloud's (`TaskStateEntered`, `LambdaFunctionScheduled`, `ExecutionTimedOut` ...), `details`
    hold what the cloud's own detail struct for that type holds (`name`, `input`, `error`, `cause`, `resource` ...).
    """

    id: int
    previous_id: int
    at: datetime
    type: str
    details: Mapping[str, Detail]
