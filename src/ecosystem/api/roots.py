"""Root fields: what may be asked and done, each by one function, whatever serves it.

A resolver is named after its field and takes an `Ask` and a request struct. It answers plain values, whole: objects as
dictionaries under the API's names. Whoever serves it picks what was selected; what costs a further read is put in only
when the ask wants it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar, get_type_hints

from msgspec import Struct

from ecosystem.api.arguments import Reader, camel
from ecosystem.app import App
from ecosystem.contexts.identity import Identified, Origin
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal

UNANSWERED: Any = object()
"""Stands for the answer of a field that was not asked yet."""

Plain: TypeAlias = dict[str, Any]
"""An object of the API: names as in its SDL; values are what JSON knows, instants, dates, and enumerations by value."""

Act = TypeVar("Act", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Ask:
    """One root field asked: who asks, from where, and what of the answer is selected, as `nodes/timeline/at`."""

    market: App
    identified: Identified
    origin: Origin
    selected: frozenset[str]

    @property
    def actor(self) -> Actor:
        return self.identified.actor

    @property
    def at(self) -> datetime:
        return self.market.ports.clock.now()

    def wants(self, path: str) -> bool:
        return path in self.selected

    def within(self, path: str) -> Ask:
        """The ask as it is for what lies there."""
        inner = frozenset(each.removeprefix(f"{path}/") for each in self.selected if each.startswith(f"{path}/"))
        return Ask(self.market, self.identified, self.origin, inner)


@dataclass(frozen=True, slots=True)
class Root:
    """A root field and who answers it."""

    kind: Literal["Query", "Mutation"]
    name: str
    act: Callable[..., Awaitable[Any]]
    reader: Reader[Any] | None

    async def answer(self, ask: Ask, arguments: Mapping[str, Any]) -> Any:
        """The plain answer. Raises refusals."""
        if self.reader is None:
            return await self.act(ask)
        try:
            return await self.act(ask, self.reader.read(arguments))
        except Refusal as refused:
            refused.field = self.reader.named(refused.field)
            raise


@dataclass(frozen=True, slots=True)
class Roots:
    """The root fields that one context answers."""

    fields: list[Root] = field(default_factory=list[Root])

    def query(self, act: Act) -> Act:
        self._add("Query", act)
        return act

    def mutation(self, act: Act) -> Act:
        self._add("Mutation", act)
        return act

    def _add(self, kind: Literal["Query", "Mutation"], act: Callable[..., Awaitable[Any]]) -> None:
        hints = get_type_hints(act)
        request: type[Struct] | None = hints.get("request")
        reader = Reader[Any].of(request) if request else None
        self.fields.append(Root(kind, camel(act.__name__), act, reader))
