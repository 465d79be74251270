"""The machines that executions are carried out by: those bound at the start, and those that older executions began with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from ecosystem.adapters.embedded.states.definition import Machine, MachineRefused, Problem, load
from ecosystem.adapters.embedded.workflows_items import StoredMachine, machine, revision
from ecosystem.ports.table import Put, Table
from ecosystem.ports.workflows import Definition, MachineUnknown

REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Bound:
    """A machine that executions may begin with."""

    definition: Definition
    revision: str
    machine: Machine


class Machines:
    """Machines by name as they are now, and by revision as they ever were."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._bound: dict[str, Bound] = {}
        self._kept: set[tuple[str, str]] = set()
        self._former: OrderedDict[tuple[str, str], Machine] = OrderedDict()

    def bind(self, definitions: Sequence[Definition], functions: Container[str]) -> None:
        """Read the machines. Raises `MachineRefused` with every problem of all of them."""
        bound: dict[str, Bound] = {}
        problems: list[Problem] = []
        for definition in definitions:
            try:
                read = load(definition.content, file=definition.file, functions=functions, bindings=definition.bindings)
            except MachineRefused as refused:
                problems += refused.problems
                continue
            if definition.name in bound:
                problems.append(Problem(definition.file, "", f"There is another machine named {definition.name}."))
            bound[definition.name] = Bound(definition, revision(definition.content, definition.bindings), read)
        if problems:
            raise MachineRefused(tuple(problems))
        self._bound = bound

    def definitions(self) -> list[Definition]:
        """The machines that executions begin with now, as they are written."""
        return [bound.definition for bound in self._bound.values()]

    async def present(self, name: str) -> Bound:
        """The machine that executions begin with now, kept in the table for as long as they may last."""
        bound = self._bound.get(name)
        if bound is None:
            raise MachineUnknown
        if (name, bound.revision) not in self._kept:
            key, written = machine(name, bound.revision), bound.definition
            if await self._table.get(key, StoredMachine) is None:
                stored = StoredMachine(
                    name=name, file=written.file, content=written.content, bindings=dict(written.bindings)
                )
                await self._table.transact(Put(key=key, value=stored))
            self._kept.add((name, bound.revision))
        return bound

    async def at(self, name: str, wanted: str) -> Machine:
        """The machine of that revision. Raises `MachineRefused` when it cannot be read any more."""
        bound = self._bound.get(name)
        if bound is not None and bound.revision == wanted:
            return bound.machine
        former = self._former.get((name, wanted))
        if former is None:
            stored = await self.stored(name, wanted)
            # Its functions are looked for when they are called: one that is gone since fails that task alone.
            former = load(stored.content, file=stored.file, functions=None, bindings=stored.bindings)
            self._former[name, wanted] = former
            if len(self._former) > REMEMBERED:
                self._former.popitem(last=False)
        return former

    async def stored(self, name: str, wanted: str) -> StoredMachine:
        """The machine of that revision as it was written. Raises `MachineUnknown`."""
        row = await self._table.get(machine(name, wanted), StoredMachine)
        if row is None:
            raise MachineUnknown(f"{name} as it was at revision {wanted} is not kept.")
        return row.value
