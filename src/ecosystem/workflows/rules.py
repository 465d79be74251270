"""Rules of the bus: which events go where. The relay delivers by them, and dead letters name them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from ecosystem.ports.bus import Event, enveloped
from ecosystem.workflows.deliveries import ATTEMPTS_MAX
from ecosystem.workflows.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Rule:
    """Events that match `pattern` are given to `react`, which is idempotent. Dead letters show the name.

    An event that `react` failed on `attempts_max` times is a dead letter.
    """

    name: str
    pattern: Pattern
    react: Callable[[Event], Awaitable[None]]
    attempts_max: int = ATTEMPTS_MAX


class Rules:
    """Rules by the types of event they wait for, so that an event of a type nobody waits for costs nothing."""

    __slots__ = ("_all", "_by_name", "_by_type", "_by_type_alone", "_of_any_type")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._all = tuple(rules)
        self._by_name = {rule.name: rule for rule in rules}
        if len(self._by_name) < len(self._all):
            raise ValueError("Two rules have one name.")
        self._of_any_type = tuple(rule for rule in rules if rule.pattern.types is None)
        types = {kind for rule in rules for kind in rule.pattern.types or ()}
        self._by_type = {
            kind: tuple(rule for rule in rules if rule.pattern.types is None or kind in rule.pattern.types)
            for kind in types
        }
        self._by_type_alone = {
            kind for kind, waiting in self._by_type.items() if all(rule.pattern.by_type_alone for rule in waiting)
        }

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, kind: object) -> bool:
        """Whether some rule may be for events of that type."""
        return bool(self._of_any_type) or kind in self._by_type

    @property
    def types(self) -> frozenset[str]:
        """The types that rules name."""
        return frozenset(self._by_type)

    def named(self, name: str) -> Rule | None:
        return self._by_name.get(name)

    def of(self, event: Event) -> Sequence[Rule]:
        """The rules that the event matches, in their order."""
        waiting = self._by_type.get(event.type, self._of_any_type)
        if event.type in self._by_type_alone:
            return waiting
        envelope = enveloped(event)
        return [rule for rule in waiting if rule.pattern.by_type_alone or rule.pattern.matches(envelope)]
