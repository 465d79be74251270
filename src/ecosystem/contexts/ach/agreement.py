"""Our agreement with the bank, as operators say and change it."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.delivering import Delivering
from ecosystem.contexts.ach.events import OriginatorSet
from ecosystem.contexts.ach.originator import (
    APPROVAL_CENTS,
    NotOriginating,
    Originator,
    OriginatorChanging,
    Originators,
    SetOriginator,
    raised,
    said,
)
from ecosystem.kernel.actor import Actor
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Table


@dataclass(frozen=True, slots=True)
class Agreement:
    table: Table
    clock: Clock
    originators: Originators
    delivering: Delivering

    async def say(self, request: SetOriginator, actor: Actor) -> Originator:
        """Say who we are, as an operator. Raises `Denied`, `Invalid`, `OriginatorChanging`.

        Another origin waits until no file is under way.
        """
        actor.must_operate()
        at, row = self.clock.now(), await self.originators.find()
        if (row.value.version if row else 0) != request.version:
            raise OriginatorChanging
        origins = {file.originator.origin for file in await self.delivering.open_files()}
        limit = row.value.approval_cents if row else APPROVAL_CENTS
        made = said(request, actor, at, limit_cents=limit, origins=origins)
        await self._become(row, made, actor)
        return made

    async def confirm(self, version: int, actor: Actor) -> Originator:
        """Confirm the higher limit that was looked at in that version, as a second person.

        Raises `NotOriginating`, `OriginatorChanging`, `Denied`, `NothingToConfirm`, `RaisedAlone`.
        """
        row = await self.originators.find()
        if row is None:
            raise NotOriginating
        if row.value.version != version:
            raise OriginatorChanging
        after = raised(row.value, actor)
        await self._become(row, after, actor)
        return after

    async def _become(self, row: Row[Originator] | None, made: Originator, actor: Actor) -> None:
        fact = OriginatorSet(version=made.version)
        await self.table.transact(
            Put(
                key=keys.originator(),
                value=made,
                expected=row.unchanged if row else ABSENT,
                otherwise=OriginatorChanging(),
            ),
            announce(fact, aggregate=keys.ORIGINATOR, sequence=made.version, actor=actor, at=self.clock.now()),
        )
