"""How each state of a machine went in an execution, told from its history."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """What became of a state the last time it was entered. Each is drawn in its own colour, outline, sign and word."""

    SUCCEEDED = "succeeded"
    CAUGHT = "caught"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    ABORTED = "aborted"
    RUNNING = "running"
    WAITING = "waiting"
    PERSON = "person"
    NOT_REACHED = "not_reached"


class Standing(Struct, frozen=True, kw_only=True):
    """How a state stands. `entered` counts visits, `retries` the calls made again in all of them.

    `first_event` and `last_event` are where its part of the history begins and ends (0 when it was not reached).
    """

    outcome: Outcome
    entered: int = 0
    retries: int = 0
    first_event: int = 0
    last_event: int = 0
    error: str = ""


NOT_REACHED = Standing(outcome=Outcome.NOT_REACHED)
