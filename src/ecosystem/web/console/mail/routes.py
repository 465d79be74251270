"""The outbox: what was mailed to whom, each mail as its reader sees it, and sending it again."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.structs import replace

from ecosystem.contexts.notifications import NothingToRepeat
from ecosystem.kernel.refusals import Conflict, NotFound, Refusal
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.headers import Policy
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 40
QUEUED_MAX = 100
CALENDAR = "text/calendar; charset=utf-8"
# Nothing runs, nothing is loaded, nothing leads anywhere: the mail is looked at, not used.
_PREVIEW = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


class NoInvitation(NotFound):
    """This mail carries no invitation."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which mails: the latest, those to one address, or those that wait."""

    q: Annotated[str, Meta(max_length=254)] = ""
    only: Literal["", "queued"] = ""
    after: Annotated[str, Meta(max_length=60)] = ""


@get("/console/mail")
async def listed(request: Visit) -> Answer:
    """Mails of the last month, the newest first."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    outbox, actor = request.market.notifications.outbox, request.actor
    following = ""
    if asked.q:
        letters = await outbox.to(asked.q, actor, limit=QUEUED_MAX)
    elif asked.only:
        letters = await outbox.queued(actor, limit=QUEUED_MAX)
    else:
        found = await outbox.latest(actor, before=asked.after or None, limit=PAGE + 1)
        letters = found[:PAGE]
        following = letters[-1].mail_id if len(found) > PAGE else ""
    return at_desk.page(
        "mail/list.html",
        letters=letters,
        q=asked.q,
        only=asked.only,
        delivered=request.market.notifications.delivered,
        after=asked.after,
        next_after=following,
    )


@get("/console/mail/{mail_id:str}")
async def show(request: Visit, mail_id: FromPath[str]) -> Answer:
    """One mail, in a frame in which nothing runs."""
    return await _shown(request, mail_id)


@get("/console/mail/{mail_id:str}/html")
async def html(request: Visit, mail_id: FromPath[str]) -> Answer:
    """The mail's own HTML, for the frame."""
    _, mail = await request.market.notifications.outbox.read(mail_id, request.actor)
    headers = (
        ("cache-control", "private, no-cache"),
        ("content-security-policy", _PREVIEW),
        ("x-frame-options", "SAMEORIGIN"),
    )
    return Drawn(status=200, headers=headers, body=mail.html.encode()).answer()


@get("/console/mail/{mail_id:str}/invitation.ics")
async def invitation(request: Visit, mail_id: FromPath[str]) -> Answer:
    """The calendar part of the mail, as a file."""
    _, mail = await request.market.notifications.outbox.read(mail_id, request.actor)
    if mail.calendar is None:
        raise NoInvitation
    headers = (
        ("cache-control", "private, no-cache"),
        ("content-disposition", f'attachment; filename="{mail_id}.ics"'),
    )
    return Drawn(status=200, headers=headers, body=mail.calendar.body.encode(), media_type=CALENDAR).answer()


@post("/console/mail/{mail_id:str}/send")
async def send(request: Visit, mail_id: FromPath[str]) -> Answer:
    """Queue the mail once more."""
    try:
        await request.market.notifications.outbox.send_again(mail_id, request.actor)
    except Conflict as no:
        return await _shown(request, mail_id, no)
    return request.redirect(f"/console/mail/{mail_id}", toast=Toast(text="It is queued, and sent in a moment."))


async def _shown(request: Visit, mail_id: str, refusal: Refusal | None = None) -> Answer:
    at_desk = await desk(request)
    letter, mail = await request.market.notifications.outbox.read(mail_id, request.actor)
    answer = at_desk.page(
        "mail/detail.html",
        status=status_of(refusal) if refusal else 200,
        letter=letter,
        mail=mail,
        refusal=refusal,
        may_send=request.market.notifications.delivered and not isinstance(refusal, NothingToRepeat),
        about=letter.event_id if "#" in letter.event_id else "",
    )
    # This page alone frames one of our own.
    policy = replace(request.kit.policy, frames=("'self'",))
    answer.headers["content-security-policy"] = _csp(policy, request.arrival.nonce)
    return answer


def _csp(policy: Policy, nonce: str) -> str:
    return next(value.decode() for name, value in policy.page(nonce) if name == b"content-security-policy")
