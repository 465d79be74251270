"""How the official SDK reaches the processor: over one pool of connections, asking again after a silence.

The SDK builds each request and reads each error. What a successful answer says stays beside it, in bytes: reading it
into the SDK's own objects costs five times as much as the call (`bench.processor_calls`), and its log would hold it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import NoReturn

import aiohttp
import stripe
from msgspec import Struct

NOTHING = b"{}"


class Patience(Struct, frozen=True, kw_only=True):
    """How long an answer is waited for, in seconds, and how often is asked in all.

    Between two attempts passes `first_s`, four times as long after each further one, spread by half.
    """

    timeout_s: float = 6.0
    attempts: int = 3
    first_s: float = 0.1


class Answered(dict[str, str]):
    """The headers of a successful answer in lower case, and its body beside them."""

    __slots__ = ("body",)

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__((name.lower(), value) for name, value in headers.items())
        self.body = body


class Connections(stripe.HTTPClient):
    """The SDK's way out. Open it on the loop that uses it."""

    name = "aiohttp"

    def __init__(self, session: aiohttp.ClientSession, patience: Patience) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] — the SDK leaves a parameter for its tests untyped
        self._session = session
        self._patience = patience

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The answer, after as many attempts as it takes and patience allows.

        Every write that the SDK sends has an idempotency key, so one without an answer may be sent again. Raises
        `stripe.APIConnectionError` when there was none at all.
        """
        attempt = 0
        while True:
            attempt += 1
            may_repeat = attempt < self._patience.attempts
            try:
                async with self._session.request(method, url, data=post_data, headers=headers) as answer:
                    body = await answer.read()
                    if not may_repeat or not is_worth_repeating(answer.status, answer.headers):
                        if answer.status < 300:
                            return NOTHING, answer.status, Answered(answer.headers, body)
                        return body, answer.status, answer.headers
            except (aiohttp.ClientError, TimeoutError, OSError) as silence:
                if not may_repeat:
                    _silent(silence)
            await asyncio.sleep(self._pause_s(attempt))

    async def close_async(self) -> None:
        await self._session.close()

    def _pause_s(self, attempt: int) -> float:
        spread = random.uniform(0.5, 1.0)  # noqa: S311 — keeps callers apart, and hides nothing
        return self._patience.first_s * 4 ** (attempt - 1) * spread


def is_worth_repeating(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the processor would have the request again: as its header says, otherwise after 409, 429 and 5xx.

    Source: docs.stripe.com/error-low-level; the SDK itself heeds the same header, and repeats no 429.
    """
    match headers.get("Stripe-Should-Retry"):
        case "true":
            return True
        case "false":
            return False
        case _:
            return status in {409, 429} or status >= 500


def _silent(silence: Exception) -> NoReturn:
    # Neither address nor headers: the class says enough, and the key stays out of every trace.
    raise stripe.APIConnectionError(f"No answer: {type(silence).__name__}.") from None
