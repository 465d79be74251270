"""Which mails a person wants. Notices in the product are always given; mails that protect an account always sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ecosystem.contexts.notifications import keys
from ecosystem.contexts.notifications.kinds import Topic
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import ABSENT, Put, Stored, Table


class AlwaysMailed(Invalid):
    """Mails about your account protect it and are always sent."""


class Preferences(Stored, frozen=True, kw_only=True):
    """The topics about which a person wants no mail."""

    entity: ClassVar[str] = "notification-preferences"

    without_mail: tuple[Topic, ...] = ()

    def mailed(self, topic: Topic) -> bool:
        return topic is Topic.ACCOUNT or topic not in self.without_mail


DEFAULT = Preferences()


@dataclass(frozen=True, slots=True)
class PreferenceBook:
    table: Table

    async def of(self, user_id: str, actor: Actor) -> Preferences:
        """The person's preferences; all mails are wanted until they say otherwise."""
        actor.must_be(user_id)
        return await self.known(user_id)

    async def set(self, user_id: str, without_mail: Sequence[Topic], actor: Actor) -> Preferences:
        """The preferences as they became. Raises `AlwaysMailed`, `Stale`."""
        actor.must_be(user_id)
        if Topic.ACCOUNT in without_mail:
            raise AlwaysMailed(field="without_mail")
        key = keys.preferences_key(user_id)
        row = await self.table.get(key, Preferences)
        becomes = Preferences(without_mail=tuple(topic for topic in Topic if topic in without_mail))
        await self.table.transact(Put(key=key, value=becomes, expected=row.unchanged if row else ABSENT))
        return becomes

    async def known(self, user_id: str) -> Preferences:
        """The same, for whoever tells people things on the house's behalf."""
        row = await self.table.get(keys.preferences_key(user_id), Preferences) if user_id else None
        return row.value if row else DEFAULT
