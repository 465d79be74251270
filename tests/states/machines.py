"""Machines and runs as the tests of the interpreter need them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import Machine, load
from ecosystem.adapters.embedded.states.history import Event
from ecosystem.adapters.embedded.states.run import Call, Circumstances, Failed, Run, RunStatus, Succeeded
from ecosystem.adapters.embedded.states.stepping import Turn

AT = datetime(2026, 3, 14, 1, 59, tzinfo=UTC)
HERE = Circumstances(
    execution_id="exe_1",
    execution_name="one",
    machine_id="mch_1",
    machine_name="machine",
    seed=b"sixteen bytes...",
    role="role",
)


def machine(states: dict[str, Any], **top: Any) -> Machine:
    """A machine of those states, the first of them its start."""
    definition = {"StartAt": next(iter(states)), "States": states, **top}
    return load(json.dumps(definition).encode(), file="test.asl.json", functions=None)


def one(state: dict[str, Any]) -> Machine:
    return machine({"S": {**state, **({} if state["Type"] in {"Choice", "Succeed", "Fail"} else {"End": True})}})


def evaluated(parameters: Any, given: Any) -> Any:
    """What the Parameters of a Pass state make of that input; the error's name when they fail."""
    run = stepping.begin(one({"Type": "Pass", "Parameters": parameters}), HERE, given, AT).run
    return run.output if run.status is RunStatus.SUCCEEDED else run.error


class Playing:
    """A run under way, on a clock moved by hand, with everything it has told and asked."""

    def __init__(self, played: Machine, given: Any = None, at: datetime = AT) -> None:
        self.machine = played
        self.at = at
        self.events: list[Event] = []
        self.asked: list[Call] = []
        self.cancelled: list[int] = []
        self.run = self._take(stepping.begin(played, HERE, given, at))

    def _take(self, turn: Turn) -> Run:
        self.events.extend(turn.events)
        self.asked.extend(turn.calls)
        self.cancelled.extend(turn.cancelled)
        self.run = turn.run
        return turn.run

    def succeed(self, output: Any, call_id: int | None = None) -> Run:
        call_id = call_id or self.run.calls()[0].call_id
        return self._take(stepping.answer(self.machine, self.run, call_id, Succeeded(output), self.at))

    def fail(self, error: str | None, cause: str | None = None, call_id: int | None = None) -> Run:
        call_id = call_id or self.run.calls()[0].call_id
        return self._take(stepping.answer(self.machine, self.run, call_id, Failed(error, cause), self.at))

    def wake(self, after_s: float = 0) -> Run:
        self.at += timedelta(seconds=after_s)
        return self._take(stepping.wake(self.machine, self.run, self.at))

    def beat(self) -> Run:
        return self._take(stepping.beat(self.machine, self.run, self.run.calls()[0].call_id, self.at))

    def stop(self, error: str | None = None, cause: str | None = None) -> Run:
        return self._take(stepping.stop(self.run, error, cause, self.at))

    def redrive(self) -> Run:
        return self._take(stepping.redrive(self.machine, self.run, self.at))

    @property
    def told(self) -> list[str]:
        return [event.type for event in self.events]
