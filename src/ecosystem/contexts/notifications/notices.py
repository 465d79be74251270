"""Notices: what a person finds in the product, newest first, with a count of what they have not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.notifications import keys
from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.messages import Composed, Message, told_id
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Add, Counter, Cursor, Index, Put, Row, Stale, Stored, Table, Write

NoticeId = NewType("NoticeId", str)

UNREAD = "unread"
AT_ONCE_MAX = 50
ALL_MAX = 1_000
_TRIES_MAX = 5


class AlreadyTold(Conflict):
    """This person has been told of this event."""


class Notice(Stored, frozen=True, kw_only=True):
    """One piece of news as it was told. `link` leads to what it is about; empty when there is nothing to see."""

    entity: ClassVar[str] = "notice"

    notice_id: NoticeId
    user_id: str
    kind: Kind
    topic: Topic
    title: str
    text: str
    link: str = ""
    event_id: str
    at: datetime
    read_at: datetime | None = None


class Notices(Struct, frozen=True, kw_only=True):
    """A page of notices, and the cursor to go on from."""

    notices: list[Notice]
    next: Cursor | None = None


def noticed(message: Message, composed: Composed) -> list[Write]:
    """The writes by which a message becomes an unread notice, once; none for a guest, or when there is only a mail."""
    user_id = message.recipient.user_id
    if not (user_id and composed.notice):
        return []
    notice = Notice(
        notice_id=NoticeId(message.id("ntc")),
        user_id=user_id,
        kind=message.kind,
        topic=composed.topic,
        title=composed.title,
        text=composed.notice,
        link=message.link,
        event_id=message.event_id,
        at=message.at,
    )
    return [_written(notice, new=True), Add(key=keys.unread_key(user_id), by={UNREAD: 1})]


@dataclass(frozen=True, slots=True)
class NoticeBoard:
    """A person's notices. All acts are for the person themselves, and for operators who help them."""

    table: Table
    clock: Clock

    async def unread(self, user_id: str, actor: Actor) -> int:
        """How many the person has not read."""
        actor.must_be(user_id)
        row = await self.table.get(keys.unread_key(user_id), Counter)
        return row.counters.get(UNREAD, 0) if row else 0

    async def latest(self, user_id: str, actor: Actor, *, after: Cursor | None = None, limit: int = 20) -> Notices:
        """The person's notices, the newest first."""
        actor.must_be(user_id)
        page = await self.table.query(
            keys.notices_partition(user_id), Notice, prefix=keys.NOTICES, after=after, descending=True, limit=limit
        )
        return Notices(notices=page.values, next=page.next)

    async def has(self, user_id: str, event_id: str, at: datetime, kind: Kind, audience: Audience) -> bool:
        """Whether that person found this news of an event among their notices, read or not. For the system."""
        notice_id = told_id("ntc", event_id=event_id, at=at, whom=user_id, kind=kind, audience=audience)
        return await self.table.get(keys.notice_key(user_id, notice_id), Notice) is not None

    async def read(self, user_id: str, notice_ids: Sequence[str], actor: Actor) -> list[NoticeId]:
        """Mark notices as read. Hands back those that were not, for `unread_again`, should the person want it undone."""
        return await self._mark(user_id, notice_ids, actor, read=True)

    async def unread_again(self, user_id: str, notice_ids: Sequence[str], actor: Actor) -> list[NoticeId]:
        """Mark notices as not read: the undoing of `read` and `read_all`."""
        marked: list[NoticeId] = []
        for at in range(0, min(len(notice_ids), ALL_MAX), AT_ONCE_MAX):
            marked += await self._mark(user_id, notice_ids[at : at + AT_ONCE_MAX], actor, read=False)
        return marked

    async def read_all(self, user_id: str, actor: Actor) -> list[NoticeId]:
        """Mark all notices as read, a thousand at most; hands back those that were not."""
        actor.must_be(user_id)
        marked: list[NoticeId] = []
        after: Cursor | None = None
        while len(marked) < ALL_MAX:
            page = await self.table.query(
                keys.unread_partition(user_id), Notice, index=Index.CUSTOMER, after=after, limit=AT_ONCE_MAX
            )
            marked += await self._mark(user_id, [notice.notice_id for notice in page.values], actor, read=True)
            after = page.next
            if after is None:
                break
        return marked

    async def _mark(self, user_id: str, notice_ids: Sequence[str], actor: Actor, *, read: bool) -> list[NoticeId]:
        actor.must_be(user_id)
        if len(notice_ids) > AT_ONCE_MAX:
            raise Invalid(f"At most {AT_ONCE_MAX} notices at once.", field="notice_ids")
        wanted = [keys.notice_key(user_id, ids.check("ntc", notice_id)) for notice_id in dict.fromkeys(notice_ids)]
        for _ in range(_TRIES_MAX):
            if not wanted:
                return []
            rows = [row for row in await self.table.batch_get(wanted, Notice) if row is not None]
            changing = [row for row in rows if (row.value.read_at is None) is read]
            if not changing:
                return []
            try:
                await self.table.transact(*_marked(changing, self.clock.now() if read else None))
            except Stale:
                continue  # Another page marked one of them at the same moment.
            return [row.value.notice_id for row in changing]
        raise Stale


def _marked(rows: list[Row[Notice]], read_at: datetime | None) -> list[Write]:
    user_id = rows[0].value.user_id
    step = -len(rows) if read_at else len(rows)
    writes: list[Write] = [Add(key=keys.unread_key(user_id), by={UNREAD: step}, at_least={UNREAD: 0})]
    for row in rows:
        written = _written(replace(row.value, read_at=read_at), new=False)
        writes.append(replace(written, expected=row.unchanged, otherwise=None))
    return writes


def _written(notice: Notice, *, new: bool) -> Put:
    place = keys.unread_place(notice.user_id, notice.notice_id)
    return Put(
        key=keys.notice_key(notice.user_id, notice.notice_id),
        value=notice,
        index={} if notice.read_at else {Index.CUSTOMER: place},
        expected=ABSENT if new else None,
        otherwise=AlreadyTold() if new else None,
    )
