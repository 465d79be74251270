"""How a state fails: under a name, with a cause, and whether anything may catch it.

What may be caught: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ALL: Final = "States.ALL"
DATA_LIMIT: Final = "States.DataLimitExceeded"
HEARTBEAT: Final = "States.HeartbeatTimeout"
INTRINSIC: Final = "States.IntrinsicFailure"
RESULT_PATH: Final = "States.ResultPathMatchFailure"
RUNTIME: Final = "States.Runtime"
TASK_FAILED: Final = "States.TaskFailed"
THRESHOLD: Final = "States.ExceedToleratedFailureThreshold"
TIMEOUT: Final = "States.Timeout"

CAUSE_LENGTH_MAX: Final = 32_768
# The guide says that States.ALL does not catch States.DataLimitExceeded; the cloud was seen to do so.
_BEYOND_ALL: Final = frozenset({RUNTIME})
_BEYOND_TASK_FAILED: Final = frozenset({RUNTIME, TIMEOUT, HEARTBEAT})


class StateFailed(Exception):
    """A state could not do its work.

    `is_fatal`: the execution ends, whatever would catch it. The cloud does so with every path that finds nothing and
    every field that cannot be used, wherever in the machine. `also` is a second name that Retry and Catch may use.
    """

    def __init__(
        self, error: str | None, cause: str | None, *, is_fatal: bool = False, also: str | None = None
    ) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause if cause is None else cause[:CAUSE_LENGTH_MAX]
        self.is_fatal = is_fatal
        self.also = also


def runtime(cause: str) -> StateFailed:
    """The execution cannot go on."""
    return StateFailed(RUNTIME, cause, is_fatal=True)


def too_large(who: str) -> StateFailed:
    return StateFailed(
        DATA_LIMIT,
        f"The state/task '{who}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


def timed_out(*, heartbeat: bool) -> StateFailed:
    """A heartbeat that stayed away is told as States.Timeout too, and may be caught under either name."""
    return StateFailed(TIMEOUT, "", also=HEARTBEAT if heartbeat else None)


def is_meant(names: Sequence[str], failure: StateFailed) -> bool:
    """Whether an ErrorEquals of those names takes that failure."""
    if failure.is_fatal:
        return False
    for name in names:
        if name == failure.error or (failure.also is not None and name == failure.also):
            return True
        if name == ALL and failure.error not in _BEYOND_ALL:
            return True
        if name == TASK_FAILED and failure.error not in _BEYOND_TASK_FAILED:
            return True
    return False
