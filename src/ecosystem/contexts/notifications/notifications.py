"""Notifications as a whole: what tells people things, and where they and operators find it."""

from __future__ import annotations

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

        Each is a commit of its own: a message told before does not keep the others back.
        """
        news = 0
        for message in messages:
            writes = self.telling(message, await self.preferences.known(message.recipient.user_id))
            if not writes:
                continue
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
