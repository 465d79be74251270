"""Letters: mail as it is to be said, kept until it is sent, and after that for whoever must answer for it.

A letter is text with its lines and its link; it becomes HTML only when it is sent or looked at. Where no mail server is
set, letters are `kept`: the table is the outbox, and an operator reads them in the console.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.notifications import keys
from ecosystem.contexts.notifications.kinds import Kind
from ecosystem.contexts.notifications.messages import Composed, Message
from ecosystem.contexts.notifications.notices import AlreadyTold
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.clock import Clock
from ecosystem.ports.mail import CalendarPart, Mail
from ecosystem.ports.press import Press, Sheet
from ecosystem.ports.table import ABSENT, Expected, Index, Put, Row, Stored, Table

LetterId = NewType("LetterId", str)

KEPT_FOR = timedelta(days=90)
CONFIDENTIAL_KEPT_FOR = timedelta(days=2)
DAYS_BACK_MAX = 31

BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
    timedelta(hours=12),
)
"""How long to wait after each attempt that did not succeed; after the last one, about a day, the letter has failed."""

_HIDDEN = "This letter carries a secret, which is for its recipient alone."


class NoSuchLetter(NotFound):
    """There is no such letter, or its time to be kept is over."""


class NothingToRepeat(Conflict):
    """This letter waits to be sent, or its secret is no longer kept."""


class NoMailServer(Conflict):
    """No mail server is set: letters are kept here, to be read."""


class LetterStatus(StrEnum):
    KEPT = "kept"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Letter(Stored, frozen=True, kw_only=True):
    """One mail to one address. `due_at` is when it may be tried next; `reason` why it was not sent so far."""

    entity: ClassVar[str] = "letter"

    mail_id: LetterId
    kind: Kind
    event_id: str
    user_id: str = ""
    to: str
    to_name: str
    sheet: Sheet
    calendar: CalendarPart | None = None
    confidential: bool = False
    status: LetterStatus
    attempts: int = 0
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None = None
    reason: str = ""


def written(message: Message, composed: Composed, *, delivered: bool) -> Put | None:
    """The write by which a message becomes a letter, once; None when the recipient has no address."""
    recipient = message.recipient
    if not recipient.email:
        return None
    letter = Letter(
        mail_id=LetterId(message.id("mal")),
        kind=message.kind,
        event_id=message.event_id,
        user_id=recipient.user_id,
        to=recipient.email,
        to_name=recipient.name,
        sheet=composed.sheet,
        calendar=message.calendar,
        confidential=message.wording.confidential,
        status=LetterStatus.QUEUED if delivered else LetterStatus.KEPT,
        created_at=message.at,
        due_at=message.at,
    )
    return letter_put(letter, ABSENT, AlreadyTold())


def letter_put(letter: Letter, expected: Expected, otherwise: AlreadyTold | None = None) -> Put:
    """The write of a letter as it becomes."""
    index = {
        Index.SLUG: keys.day_place(letter.mail_id, letter.created_at),
        Index.CUSTOMER: keys.recipient_place(letter.to, letter.mail_id),
    }
    if letter.status is LetterStatus.QUEUED:
        index[Index.STATUS] = keys.due_place(letter.mail_id, letter.due_at)
    kept_for = CONFIDENTIAL_KEPT_FOR if letter.confidential else KEPT_FOR
    return Put(
        key=keys.letter_key(letter.mail_id),
        value=letter,
        index=index,
        expires_at=letter.created_at + kept_for,
        expected=expected,
        otherwise=otherwise,
    )


def mail_of(letter: Letter, press: Press) -> Mail:
    """The letter as mail."""
    printed = press.printed(letter.sheet)
    return Mail(
        mail_id=letter.mail_id,
        to=letter.to,
        to_name=letter.to_name,
        subject=letter.sheet.subject,
        text=printed.text,
        html=printed.html,
        calendar=letter.calendar,
        headers={"X-Kind": letter.kind.value},
    )


def attempted(letter: Letter, at: datetime, lease: timedelta) -> Letter:
    """Decide an attempt: counted before it is made, and due again after the lease should nobody tell how it went."""
    return replace(letter, attempts=letter.attempts + 1, due_at=at + lease)


def sent(letter: Letter, at: datetime) -> Letter:
    """The letter as it is kept once the mail server has it: without its secret, if it carried one."""
    bare = without_secret(letter) if letter.confidential else letter
    return replace(bare, status=LetterStatus.SENT, settled_at=at, reason="")


def without_secret(letter: Letter) -> Letter:
    """The letter without the link and the code it carried."""
    shown = replace(letter.sheet, paragraphs=(_HIDDEN,), preview="", code="", button=None)
    return replace(letter, sheet=shown)


def put_off(letter: Letter, reason: str, at: datetime) -> Letter:
    """Decide what becomes of a letter that could not be sent now: tried again later, or failed after the last attempt."""
    if letter.attempts > len(BACK_OFF):
        return failed(letter, reason, at)
    return replace(letter, due_at=at + BACK_OFF[letter.attempts - 1], reason=reason)


def failed(letter: Letter, reason: str, at: datetime) -> Letter:
    """The letter as one that will not be sent."""
    return replace(letter, status=LetterStatus.FAILED, settled_at=at, reason=reason)


class LetterView(Struct, frozen=True, kw_only=True):
    """A letter in a list, without what it says."""

    mail_id: LetterId
    kind: Kind
    event_id: str
    to: str
    subject: str
    status: LetterStatus
    attempts: int
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    reason: str

    @classmethod
    def of(cls, letter: Letter) -> LetterView:
        return cls(
            mail_id=letter.mail_id,
            kind=letter.kind,
            event_id=letter.event_id,
            to=letter.to,
            subject=letter.sheet.subject,
            status=letter.status,
            attempts=letter.attempts,
            created_at=letter.created_at,
            due_at=letter.due_at,
            settled_at=letter.settled_at,
            reason=letter.reason,
        )


@dataclass(frozen=True, slots=True)
class Outbox:
    """Letters, for operators. `delivered`: there is a mail server."""

    table: Table
    press: Press
    clock: Clock
    delivered: bool = True

    async def latest(self, actor: Actor, *, before: str | None = None, limit: int = 50) -> list[LetterView]:
        """Letters of the last 31 days, the newest first; `before` is the last `mail_id` of the page before."""
        actor.must_operate()
        found: list[Letter] = []
        day = self.clock.now().date()
        for _ in range(DAYS_BACK_MAX):
            for shard in range(keys.SHARDS):
                page = await self.table.query(
                    keys.day_partition(day, shard),
                    Letter,
                    index=Index.SLUG,
                    end=ids.check("mal", before) if before else None,
                    descending=True,
                    limit=limit,
                )
                found += page.values
            if len(found) >= limit:
                break
            day -= timedelta(days=1)
        newest = sorted(found, key=lambda letter: letter.mail_id, reverse=True)[:limit]
        return [LetterView.of(letter) for letter in newest]

    async def to(self, email: str, actor: Actor, *, limit: int = 50) -> list[LetterView]:
        """Letters to one address, the newest first."""
        actor.must_operate()
        page = await self.table.query(
            keys.recipient_partition(email), Letter, index=Index.CUSTOMER, descending=True, limit=limit
        )
        return [LetterView.of(letter) for letter in page.values]

    async def among(self, mail_ids: Sequence[str], actor: Actor) -> list[LetterView]:
        """Those of these letters that there are, in their order: at most a hundred are looked for."""
        actor.must_operate()
        rows = await self.table.batch_get([keys.letter_key(mail_id) for mail_id in mail_ids], Letter)
        return [LetterView.of(row.value) for row in rows if row]

    async def queued(self, actor: Actor, *, limit: int = 100) -> list[LetterView]:
        """Letters that wait to be sent, the next first; at most so many."""
        actor.must_operate()
        found: list[Letter] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(keys.due_partition(shard), Letter, index=Index.STATUS, limit=limit)
            found += page.values
        return [LetterView.of(letter) for letter in sorted(found, key=lambda letter: letter.due_at)[:limit]]

    async def read(self, mail_id: str, actor: Actor) -> tuple[LetterView, Mail]:
        """One letter, and the mail it is. Raises `NoSuchLetter`.

        A secret is shown only where the outbox is all there is: an operator then hands it on by other means.
        """
        actor.must_operate()
        letter = (await self._letter(mail_id)).value
        if letter.confidential and letter.status is not LetterStatus.KEPT:
            letter = without_secret(letter)
        # What people were written is read by nobody without a trace.
        await self.table.transact(noted(AuditKind.ACCESS, "LetterRead", actor, mail_id, self.clock.now()))
        return LetterView.of(letter), mail_of(letter, self.press)

    async def send_again(self, mail_id: str, actor: Actor) -> None:
        """Queue a failed, sent or kept letter once more, with all its attempts before it.

        Raises `NothingToRepeat`, `NoMailServer`.
        """
        actor.must_operate()
        if not self.delivered:
            raise NoMailServer
        row = await self._letter(mail_id)
        if row.value.status is LetterStatus.QUEUED or (
            row.value.status is LetterStatus.SENT and row.value.confidential
        ):
            raise NothingToRepeat
        now = self.clock.now()
        letter = replace(row.value, status=LetterStatus.QUEUED, attempts=0, due_at=now, settled_at=None, reason="")
        await self.table.transact(
            letter_put(letter, row.unchanged), noted(AuditKind.PRIVILEGE, "LetterSentAgain", actor, mail_id, now)
        )

    async def due(self, limit: int) -> list[Row[Letter]]:
        """Letters to be sent now, the longest waiting first."""
        rows: list[Row[Letter]] = []
        # Ends are exclusive, and what is due at this very instant is due.
        end = sortable(self.clock.now() + timedelta(microseconds=1))
        for shard in range(keys.SHARDS):
            page = await self.table.query(keys.due_partition(shard), Letter, index=Index.STATUS, end=end, limit=limit)
            rows += page.rows
        return sorted(rows, key=lambda row: row.value.due_at)[:limit]

    async def _letter(self, mail_id: str) -> Row[Letter]:
        row = await self.table.get(keys.letter_key(ids.check("mal", mail_id)), Letter)
        if row is None:
            raise NoSuchLetter
        return row
