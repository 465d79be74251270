"""The kinds of states, ready to run: what the definition says of each, parsed."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.adapters.embedded.states.results import Placing
from ecosystem.adapters.embedded.states.rules import Rule
from ecosystem.adapters.embedded.states.scope import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """When and how often to try again: after `interval_s` at first, each wait `rate` times the one before."""

    errors: tuple[str, ...]
    interval_s: float = 1
    attempts_max: int = 3
    rate: float = 2
    delay_s_max: float | None = None
    is_jittered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """Where to go on after a failure. `place` of None: the error alone is what goes on."""

    errors: tuple[str, ...]
    next: str
    place: Placing | None = None
    assign: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What all states have. `next` of None ends the branch; an expression of None is `$`."""

    name: str
    kind: str
    next: str | None = None
    input: Expression | None = None
    output: Expression | None = None
    assign: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState(State):
    """`result` is an expression that gives the fixed result, when there is one."""

    result: Expression | None = None
    parameters: Expression | None = None
    place: Placing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SucceedState(State):
    """Ends its branch well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailState(State):
    """Ends the execution, unless something around it catches. What is absent stays absent."""

    error: Expression | None = None
    cause: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState(State):
    """Exactly one of these is set; `seconds` and `timestamp` come with the field's name and text, for the cause."""

    field: str
    source: str
    wanted: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A rule and where it leads."""

    rule: Rule
    next: str
    assign: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceState(State):
    """The first rule that holds says where to go on; `default` when none does."""

    alternatives: tuple[Alternative, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkState(State):
    """What states that work have: they may be tried again and caught."""

    parameters: Expression | None = None
    selector: Expression | None = None
    place: Placing | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState(WorkState):
    """Calls a function: the one named, or the one that FunctionName of its parameters names.

    `is_invoked`: through `lambda:invoke`, whose payload and result are wrapped. `waits_for_token`: the answer comes
    from whoever has the token. `timeout` and `heartbeat` are seconds, or expressions that give them.
    """

    resource: str
    function: str | None
    is_invoked: bool = False
    waits_for_token: bool = False
    timeout: int | Expression | None = None
    timeout_source: str = ""
    heartbeat: int | Expression | None = None
    heartbeat_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelState(WorkState):
    """Runs branches side by side; each is named by its first state."""

    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState(WorkState):
    """Runs the same branch for each item; `parameters` make an iteration's input.

    `tolerated` and `tolerated_part` (of 100) are how many iterations may fail, as numbers or expressions.
    """

    start: str
    items: Expression | None = None
    items_source: str = "$"
    concurrency: int | Expression = 0
    concurrency_source: str = ""
    tolerated: int | Expression | None = None
    tolerated_source: str = ""
    tolerated_part: float | Expression | None = None
    tolerated_part_source: str = ""
