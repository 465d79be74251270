"""What people are told, and the letters that went out."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.api.identity import user_of
from ecosystem.api.plain import Limit, Paging, connection
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.notifications import LetterView, Notice, Preferences, Topic
from ecosystem.kernel import ids

ROOTS = Roots()


class Marked(Struct, frozen=True, kw_only=True):
    notice_ids: tuple[str, ...]


class Unwanted(Struct, frozen=True, kw_only=True):
    without_mail: tuple[Topic, ...]


class Sent(Struct, frozen=True, kw_only=True):
    """`after` is the id of the last letter of the page before; letters to one address are one page."""

    to: Annotated[str, Meta(max_length=320)] | None = None
    limit: Limit = 25
    after: Annotated[str, Meta(max_length=64)] | None = None


class OfLetter(Struct, frozen=True, kw_only=True):
    mail_id: str


@ROOTS.query
async def notices(ask: Ask, request: Paging) -> Plain:
    board, user_id = ask.market.notifications.board, user_of(ask)
    page = await board.latest(user_id, ask.actor, after=request.cursor, limit=request.limit)
    unread = await board.unread(user_id, ask.actor)
    return connection([_notice(each) for each in page.notices], page.next, unread=unread)


@ROOTS.query
async def mail_preferences(ask: Ask) -> Plain:
    return _preferences(await ask.market.notifications.preferences.of(user_of(ask), ask.actor))


@ROOTS.query
async def outbox(ask: Ask, request: Sent) -> Plain:
    letters = ask.market.notifications.outbox
    if request.to:
        found, more = await letters.to(request.to, ask.actor, limit=request.limit), False
    else:
        before = ids.check("mal", request.after, field="after") if request.after else None
        found = await letters.latest(ask.actor, before=before, limit=request.limit + 1)
        found, more = found[: request.limit], len(found) > request.limit
    return connection([_letter(each) for each in found], found[-1].mail_id if more else None)


@ROOTS.query
async def letter(ask: Ask, request: OfLetter) -> Plain:
    view, mail = await ask.market.notifications.outbox.read(request.mail_id, ask.actor)
    return _letter(view) | {"text": mail.text, "html": mail.html}


@ROOTS.mutation
async def read_notices(ask: Ask, request: Marked) -> list[str]:
    board = ask.market.notifications.board
    return [*await board.read(user_of(ask), request.notice_ids, ask.actor)]


@ROOTS.mutation
async def read_all_notices(ask: Ask) -> list[str]:
    return [*await ask.market.notifications.board.read_all(user_of(ask), ask.actor)]


@ROOTS.mutation
async def unread_notices(ask: Ask, request: Marked) -> list[str]:
    board = ask.market.notifications.board
    return [*await board.unread_again(user_of(ask), request.notice_ids, ask.actor)]


@ROOTS.mutation
async def set_mail_preferences(ask: Ask, request: Unwanted) -> Plain:
    book = ask.market.notifications.preferences
    return _preferences(await book.set(user_of(ask), request.without_mail, ask.actor))


@ROOTS.mutation
async def send_letter_again(ask: Ask, request: OfLetter) -> bool:
    await ask.market.notifications.outbox.send_again(request.mail_id, ask.actor)
    return True


def _notice(notice: Notice) -> Plain:
    return {
        "noticeId": notice.notice_id,
        "kind": notice.kind,
        "topic": notice.topic,
        "title": notice.title,
        "text": notice.text,
        "link": notice.link,
        "at": notice.at,
        "readAt": notice.read_at,
    }


def _preferences(preferences: Preferences) -> Plain:
    return {"withoutMail": preferences.without_mail}


def _letter(view: LetterView) -> Plain:
    return {
        "mailId": view.mail_id,
        "kind": view.kind,
        "to": view.to,
        "subject": view.subject,
        "status": view.status,
        "attempts": view.attempts,
        "createdAt": view.created_at,
        "dueAt": view.due_at,
        "settledAt": view.settled_at,
        "reason": view.reason,
    }
