"""A provider's own area: whose it is, and what stands around each of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import litestar
from litestar import Request

from ecosystem.contexts.booking import Booking, Plan
from ecosystem.contexts.catalogue import Provider, ProviderStatus
from ecosystem.journeys.onboarding import Progress
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.table import Row
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

REQUESTS_MAX = 200


class NotAProvider(NotFound):
    """You offer nothing here yet: become a provider first."""


def _led_to_the_start(request: Request[Any, Any, Any], _: Exception) -> Answer:
    return Visit(request.scope, request.receive, request.send).redirect("/provider")


_LED: dict[type[Exception] | int, Any] = {NotAProvider: _led_to_the_start}
get = partial(litestar.get, exception_handlers=_LED)
post = partial(litestar.post, exception_handlers=_LED)
"""Pages of the area: who has none is led to where one begins."""


@dataclass(frozen=True, slots=True)
class Area:
    """One visit to the area. `waiting` are the requests that want an answer, the most urgent first."""

    request: Visit
    row: Row[Provider]
    plan: Row[Plan] | None
    waiting: Sequence[Booking]

    @property
    def provider(self) -> Provider:
        return self.row.value

    @property
    def provider_id(self) -> str:
        return self.row.value.provider_id

    @property
    def owner_id(self) -> str:
        assert self.row.value.owner_id is not None
        return self.row.value.owner_id

    @property
    def zone(self) -> str:
        """The zone the provider works in; the visitor's own until that is known."""
        if self.plan:
            return self.plan.value.zone
        return self.provider.location.zone if self.provider.location else self.request.zone

    async def progress(self) -> Progress:
        return await self.request.market.onboarding.progress(self.provider_id, self.request.actor)

    def around(self, **values: Any) -> dict[str, Any]:
        """What every page of the area shows, and the page's own values."""
        return {
            "provider": self.provider,
            "zone": self.zone,
            "counts": {"requests": len(self.waiting)},
            "wizard": False,
        } | values

    def page(self, template: str, *, status: int = 200, toast: Toast | None = None, **values: Any) -> Answer:
        return self.request.page(template, status=status, toast=toast, **self.around(**values))

    def answer(
        self, template: str, fragment: str, *, status: int = 200, toast: Toast | None = None, **values: Any
    ) -> Answer:
        """The fragment if htmx asked for one, else the page."""
        return self.request.answer(template, fragment, status=status, toast=toast, **self.around(**values))

    def again(self, template: str, fragment: str, form: Form[Any], **values: Any) -> Answer:
        """The form once more, with what was said against it beside its fields."""
        assert form.refusal is not None
        return self.answer(template, fragment, status=status_of(form.refusal), form=form, **values)


async def area(request: Visit) -> Area:
    """The area of who is signed in. Raises `SignInNeeded`, `NotAProvider`."""
    owned = await request.market.providers.owned_by(request.user_id)
    if not owned:
        raise NotAProvider
    # Somebody who owns several sees the one that is in business, else the first.
    row = next((each for each in owned if each.value.status is ProviderStatus.ACTIVE), owned[0])
    plan = await request.market.plans.get(row.value.provider_id)
    waiting = await request.market.bookings.requests(
        row.value.provider_id, request.actor, owner_id=request.user_id, limit=REQUESTS_MAX
    )
    waiting.sort(key=lambda booking: (booking.due_at or booking.start_at, booking.start_at))
    return Area(request=request, row=row, plan=plan, waiting=waiting)
