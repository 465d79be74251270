"""Web and API as one application, with what surrounds every request: an id, a log line, a measurement, the gate."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Any, cast

from litestar import Litestar
from litestar.datastructures import State

from ecosystem.api import calendar as _calendar
from ecosystem.api import schemas as _schemas
from ecosystem.api.endpoint import Api
from ecosystem.api.media import upload
from ecosystem.api.webhooks import receive
from ecosystem.app import App
from ecosystem.kernel.trace import trace_id
from ecosystem.operations import Operations
from ecosystem.ports.entropy import Entropy
from ecosystem.web.errors import handlers
from ecosystem.web.gate import Asgi, Gate, Message, Receive, Scope, Send
from ecosystem.web.kit import Kit
from ecosystem.web.pages import pages

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
REQUEST_ID_BYTES = 12
QUIET = ("/static/", "/health/", "/metrics")
"""Paths whose successes are measured, but not logged one by one."""


def site(market: App, kit: Kit, operations: Operations) -> Asgi:
    """The whole site over a product, as the server runs it."""
    inner = Litestar(
        route_handlers=[
            pages(),
            receive,
            upload,
            _calendar.file,
            _calendar.feed,
            _schemas.types,
            _schemas.schema,
            *Api.of(market).handlers(),
            *operations.handlers(),
        ],
        state=State({"market": market, "operations": operations}),
        exception_handlers=cast("Any", handlers()),
        logging_config=None,
        openapi_config=None,
        debug=False,
    )
    return Watched(Gate(cast("Asgi", inner), kit), operations, market.ports.entropy)


@dataclass(frozen=True, slots=True)
class Watched:
    """Gives every request its id (`X-Request-Id`, the caller's if it is a sane one), a log line and a measurement."""

    inner: Asgi
    operations: Operations
    entropy: Entropy

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        request_id = self._id(scope)
        token = trace_id.set(request_id)
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.inner(scope, receive, noted)
        finally:
            self._note(scope, status, time.perf_counter() - began)
            trace_id.reset(token)

    def _id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(given := value.decode("latin-1")):
                return given
        return self.entropy.bytes(REQUEST_ID_BYTES).hex()

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "unmatched"
        self.operations.measured(route, scope["method"], status, seconds)
        if status >= 500:
            self.operations.failures.inc()
        if status >= 400 or not scope["path"].startswith(QUIET):
            # The route's template, not the address: addresses can carry secrets and personal data.
            log.info(
                "request",
                extra={
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 2),
                },
            )
