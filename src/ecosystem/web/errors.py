"""What becomes of a refusal, of a path that leads nowhere, and of a fault: a page, a notice in the page, or a problem.

Pages say what happened and what to do next. A fragment becomes a notice, led to the page's place for notices, so that
what the visitor was looking at stays. Programs get a problem document (RFC 9457).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from ecosystem.contexts.identity import TooManyAttempts
from ecosystem.kernel.refusals import Denied, Invalid, NotFound, Refusal
from ecosystem.web.answers import Answer, Drawn, elsewhere
from ecosystem.web.forms import Unfilled
from ecosystem.web.limits import TooManyRequests
from ecosystem.web.statuses import FAULT, Kind, kind_of
from ecosystem.web.visit import SignInNeeded, Visit

log = logging.getLogger("ecosystem.web")

PAGE = "problem/page.html"
NOTICE = "problem/_notice.html"
SIGN_IN = "/sign-in"


class TooLarge(Invalid):
    """That is more than this page takes."""


class WrongMethod(Invalid):
    """This address is not asked in that way."""


class NoSuchPage(NotFound):
    """There is no page at this address. It may have moved, or the link has a slip in it."""


class Fault(Exception):
    """What is shown of a fault: nothing of the fault itself."""


_BY_STATUS: dict[int, type[Refusal]] = {404: NoSuchPage, 405: WrongMethod, 413: TooLarge}


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an exception stands for; none for a fault of ours."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _BY_STATUS.get(error.status_code, Invalid)()
    return None


def shown(visit: Visit, error: Exception) -> Drawn:
    """The answer to a refusal or a fault, in the form that was asked for."""
    refusal = refusal_of(error)
    if refusal is None:
        log.error("fault", exc_info=error, extra={"path": visit.arrival.path, "method": visit.arrival.method})
    kind = _kind(error, refusal)
    headers = _headers(refusal)
    if not _is_for_people(visit):
        return problem(kind, refusal, headers)
    if isinstance(refusal, Denied) and _may_sign_in(visit, refusal):
        return elsewhere(f"{SIGN_IN}?next={quote(visit.arrival.path, safe='/')}", by_htmx=visit.arrival.by_htmx)
    values: dict[str, Any] = {
        "kind": kind,
        "message": refusal.message if refusal else "",
        "errors": dict(refusal.form.errors) if isinstance(refusal, Unfilled) else {},
    }
    if visit.arrival.wants_fragment:
        # The whole page stays; the notice goes to its place for notices.
        steer = (("hx-retarget", "#notices"), ("hx-reswap", "innerHTML show:top"))
        text = visit.kit.templates.render(NOTICE, visit.around(), values)
        return Drawn(status=kind.status, headers=(*headers, *steer), body=text.encode())
    page = visit.draw(PAGE, values, status=kind.status)
    return msgspec.structs.replace(page, headers=(*page.headers, *headers))


def problem(kind: Kind, refusal: Refusal | None, headers: tuple[tuple[str, str], ...] = ()) -> Drawn:
    """A problem document (RFC 9457): the refusal's name, its sentence, and the field it is about."""
    said: dict[str, Any] = {
        "type": refusal.name if refusal else "Fault",
        "title": kind.title,
        "status": kind.status,
        "detail": refusal.message if refusal else "Something broke on our side. It has been noted.",
    }
    if refusal and refusal.field:
        said["field"] = refusal.field
    if isinstance(refusal, Unfilled):
        said["errors"] = dict(refusal.form.errors)
    return Drawn(
        status=kind.status, headers=headers, body=msgspec.json.encode(said), media_type="application/problem+json"
    )


def handlers() -> dict[type[Exception], Callable[[Request[Any, Any, Any], Exception], Answer]]:
    """For Litestar: every exception of the site through `shown`."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Answer:
        return answered(Visit(request.scope, request.receive, request.send), error)

    return {Refusal: handle, HTTPException: handle, Exception: handle}


def answered(visit: Visit, error: Exception) -> Answer:
    return shown(visit, error).answer()


def _kind(error: Exception, refusal: Refusal | None) -> Kind:
    if refusal is None:
        return FAULT
    kind = kind_of(refusal)
    if isinstance(error, HTTPException):
        return msgspec.structs.replace(kind, status=error.status_code)
    return kind


def _headers(refusal: Refusal | None) -> tuple[tuple[str, str], ...]:
    if isinstance(refusal, TooManyRequests | TooManyAttempts):
        return (("retry-after", str(refusal.retry_after_s)),)
    return ()


def _may_sign_in(visit: Visit, refusal: Denied) -> bool:
    """Whether signing in may help: a visitor was refused a page that they only wanted to see."""
    if isinstance(refusal, SignInNeeded):
        return True
    return visit.actor.actor_id == "visitor" and visit.arrival.method == "GET" and type(refusal) is Denied


def _is_for_people(visit: Visit) -> bool:
    if not visit.arrival.is_page:
        return False
    accepted = visit.arrival.headers.get("accept", "")
    return visit.arrival.by_htmx or "text/html" in accepted or "json" not in accepted
