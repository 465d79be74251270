"""A machine as its file defines it: read, held to the language, and made ready to run."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid


class Problem(Struct, frozen=True):
    """One thing wrong with a machine: in which file, at which state (empty for the machine itself), and why."""

    file: str
    state: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.state}: {self.reason}" if self.state else f"{self.file}: {self.reason}"


class MachineRefused(Invalid):
    """The file defines no machine that could run. Carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems), field="definition")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine ready to run: paths, templates and rules are parsed. Shared by all its runs, and never changed."""

    file: str
    definition: Mapping[str, Any]
    """As read, to draw it."""
    timeout_s: int | None
    """How long an execution may take in all."""
    functions: frozenset[str]
    """The functions its tasks name; those named by a path at run time are not among them."""


def load(
    content: bytes, *, file: str, functions: Container[str] | None, bindings: Mapping[str, str] | None = None
) -> Machine:
    """The machine in that file. Raises `MachineRefused` with every problem as file, state and reason.

    `functions` are those a task may name; None takes any. `${name}` in a `Resource` or `FunctionName` stands for
    `bindings[name]`, and for `name` itself when that is not bound.
    """
    raise NotImplementedError
