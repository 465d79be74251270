"""Notifications as a whole: what tells people things, and where they and operators find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ecosystem.contexts.notifications.letters import Outbox, written
from ecosystem.contexts.notifications.messages import Brand, Message, composed
from ecosystem.contexts.notifications.notices import AlreadyTold, NoticeBoard, noticed
from ecosystem.contexts.notifications.postman import Postman
from ecosystem.contexts.notifications.preferences import DEFAULT, PreferenceBook, Preferences
from ecosystem.ports.clock import Clock
from ecosystem.ports.mail import Mailer
from ecosystem.ports.press import Press
from ecosystem.ports.table import Table, Write
from ecosystem.ports.table_limits import TRANSACTION_WRITES_MAX


@dataclass(frozen=True, slots=True)
class Notifications:
    """`delivered`: there is a mail server; without one, letters are kept for operators to read."""

    table: Table
    brand: Brand
    delivered: bool
    board: NoticeBoard
    outbox: Outbox
    preferences: PreferenceBook
    postman: Postman

    @classmethod
    def of(cls, table: Table, clock: Clock, *, press: Press, mailer: Mailer | None, brand: Brand) -> Self:
        """The services over these ports."""
        outbox = Outbox(table, press, clock, delivered=mailer is not None)
        return cls(
            table=table,
            brand=brand,
            delivered=mailer is not None,
            board=NoticeBoard(table, clock),
            outbox=outbox,
            preferences=PreferenceBook(table),
            postman=Postman(table, outbox, press, mailer, clock),
        )

    async def tell(self, *messages: Message) -> int:
        """Tell each message once, however often it is told; how many were news.

        In one commit if all of them are. Else each in one of its own: a message told before does not keep others back.
        """
        told = [self.telling(message, await self.preferences.known(message.recipient.user_id)) for message in messages]
        told = [writes for writes in told if writes]
        if len(told) > 1 and _strangers(told):
            try:
                await self.table.transact(*(write for writes in told for write in writes))
            except AlreadyTold:
                pass
            else:
                return len(told)
        news = 0
        for writes in told:
            try:
                await self.table.transact(*writes)
            except AlreadyTold:
                continue
            news += 1
        return news

    def telling(self, message: Message, preferences: Preferences = DEFAULT) -> list[Write]:
        """The writes by which a message is told, for a journey that commits them with what they tell of.

        Told before, they raise `AlreadyTold`.
        """
        said = composed(message, self.brand)
        writes = noticed(message, said)
        letter = written(message, said, delivered=self.delivered) if preferences.mailed(said.topic) else None
        return [*writes, letter] if letter else writes


def _strangers(told: Sequence[Sequence[Write]]) -> bool:
    """Whether no two of the messages write the same item, as those to one person do."""
    keys = [write.key for writes in told for write in writes]
    return len(set(keys)) == len(keys) <= TRANSACTION_WRITES_MAX
