"""Faults: what goes wrong between two companies, on purpose, for the next calls that fit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.sandbox.acts import Answer
from ecosystem.sandbox.refusals import error


class Lost(Exception):
    """The connection is cut without an answer."""


class What(StrEnum):
    """How a call goes wrong."""

    REFUSE = "refuse"
    """Answered with `status`, without an effect."""
    LOSE_REQUEST = "lose_request"
    """Cut off before it had an effect."""
    LOSE_ANSWER = "lose_answer"
    """Carried out and kept; then cut off."""
    FAIL_ANSWER = "fail_answer"
    """Carried out and kept; then answered with `status`."""
    DELAY = "delay"
    """Carried out `seconds` later."""
    DELAY_ANSWER = "delay_answer"
    """Carried out at once, answered `seconds` later."""


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """What befalls the next `times` calls of that method whose path begins so, after letting `skip` pass.

    An answer in place of the true one is `kept` under the idempotency key, as the processor keeps what its endpoints
    answer, or not, as when something before them fails. `should_retry` is what the answer says of itself.
    """

    what: What
    method: str = "POST"
    path: str = "/v1/"
    times: int = 1
    skip: int = 0
    status: int = 500
    seconds: float = 1.0
    kept: bool = False
    should_retry: bool | None = None

    def fits(self, method: str, path: str) -> bool:
        return method == self.method and path.startswith(self.path)

    async def around(
        self, carry_out: Callable[[], Awaitable[Answer]], keep: Callable[[Answer], Awaitable[None]]
    ) -> Answer:
        """The answer after the fault. Raises `Lost`."""
        match self.what:
            case What.REFUSE:
                return await self._instead(keep)
            case What.LOSE_REQUEST:
                raise Lost
            case What.LOSE_ANSWER:
                await carry_out()
                raise Lost
            case What.FAIL_ANSWER:
                await carry_out()
                return await self._instead(keep)
            case What.DELAY:
                await asyncio.sleep(self.seconds)
                return await carry_out()
            case What.DELAY_ANSWER:
                answer = await carry_out()
                await asyncio.sleep(self.seconds)
                return answer

    async def _instead(self, keep: Callable[[Answer], Awaitable[None]]) -> Answer:
        answer = _failed(self.status, should_retry=self.should_retry)
        if self.kept:
            await keep(answer)
        return answer


class Faults:
    """The faults that are yet to happen, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this call, used up once."""
        for fault in self._waiting:
            if not fault.fits(method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
            return fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        return msgspec.to_builtins(self._waiting)


def _failed(status: int, *, should_retry: bool | None) -> Answer:
    kind, code, message = {
        409: ("idempotency_error", "idempotency_key_in_use", "Another request with this key is in progress."),
        429: ("invalid_request_error", "rate_limit", "Request rate limit exceeded. Slow down, and try again."),
    }.get(status, ("api_error", None, "Something went wrong on our side, on purpose."))
    body = msgspec.json.encode(error(message, type=kind, code=code))
    return Answer(status=status, body=body, should_retry=should_retry)
