"""The operator's desk: who may sit there, and what stands around each of its pages.

Whoever is no operator finds nothing here, as if there were no such page; a visitor is asked to sign in. Every service
below asks once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import ProviderStatus
from ecosystem.contexts.disputes import State
from ecosystem.contexts.insights import Now
from ecosystem.contexts.reconciliation import State as Unsettled
from ecosystem.web.answers import Answer
from ecosystem.web.errors import NoSuchPage
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import SignInNeeded, Visit
from ecosystem.workflows.deliveries import Deliveries

MANY = 100
"""More than this many are said to be "99+"."""


async def operators_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises `NoSuchPage` for people who are no operators, `SignInNeeded` for visitors."""
    visit = cast("Visit", connection)
    if visit.actor.is_operator and visit.actor.impersonator is None:
        return
    raise NoSuchPage if visit.person else SignInNeeded


get = partial(litestar.get, guards=[operators_only])
post = partial(litestar.post, guards=[operators_only])
"""Pages of the console."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One visit to the console. `waiting` counts what wants an operator's eye, by where it is found."""

    request: Visit
    now: Now
    waiting: Mapping[str, int]

    def around(self, **values: Any) -> dict[str, Any]:
        """What every page of the console shows, and the page's own values."""
        return {"counts": {name: _many(count) for name, count in self.waiting.items() if count}} | values

    def page(self, template: str, *, status: int = 200, toast: Toast | None = None, **values: Any) -> Answer:
        return self.request.page(f"console/{template}", status=status, toast=toast, **self.around(**values))

    def answer(self, template: str, fragment: str, *, status: int = 200, **values: Any) -> Answer:
        """The fragment if htmx asked for one, else the page."""
        return self.request.answer(f"console/{template}", f"console/{fragment}", status=status, **self.around(**values))

    def again(self, template: str, fragment: str, form: Form[Any], **values: Any) -> Answer:
        """The form once more, with what was said against it beside its fields."""
        assert form.refusal is not None
        return self.answer(template, fragment, status=status_of(form.refusal), form=form, **values)


async def desk(request: Visit) -> Desk:
    """The desk of the operator who asks, with what waits. Raises `Denied`."""
    market, actor = request.market, request.actor
    now = await market.figures.now(actor)
    pending = await market.providers.with_status(ProviderStatus.PENDING, limit=MANY)
    dead = await deliveries(request).dead(limit=MANY)
    waiting = {
        "requests": now.of("bookings", BookingStatus.AWAITING_PROVIDER),
        "providers": len(pending.rows),
        "events": len(dead.rows),
        "mail": len(await market.notifications.outbox.queued(actor, limit=MANY)),
        "disputes": len((await market.disputes.in_state(State.ESCALATED, actor, limit=MANY)).rows),
        "refunds": len(await market.refunds.failed(limit=MANY)),
        "fraud": len((await market.casework.waiting(actor, limit=MANY)).rows),
        "webhooks": len(await market.hearing.waiting(actor, limit=MANY)),
        "ach": len((await market.ach.overview.exceptions(actor, limit=MANY)).rows),
    }
    states = (Unsettled.OPEN, Unsettled.PROPOSED)
    waiting["discrepancies"] = sum(
        [len((await market.discrepancies.in_state(state, actor, limit=MANY)).rows) for state in states]
    )
    return Desk(request=request, now=now, waiting=waiting)


def deliveries(request: Visit) -> Deliveries:
    """Deliveries that failed. Reading them is for operators, which the guard has made sure of; acts ask again."""
    return Deliveries(request.market.ports.table, request.market.ports.clock)


def _many(count: int) -> str:
    return str(count) if count < MANY else f"{MANY - 1}+"
