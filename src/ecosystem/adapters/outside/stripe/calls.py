"""Calls of the processor through the official SDK, and what its errors come to.

Every write carries an idempotency key made from our own ids, so a silence is answered by asking again: after a cut
line, a time-out, 409, 429 and 5xx, a few times and not for long (`client.py`). An answer that the processor replays may
be old; then the present state is fetched.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Protocol, cast

import aiohttp
import msgspec
import stripe
from msgspec import Struct

from ecosystem.adapters.outside.stripe.answers import ErrorAnswer, Failure
from ecosystem.adapters.outside.stripe.client import Answered, Connections, Patience
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.ports.clock import Clock

log = logging.getLogger(__name__)

API_VERSION = "2026-10-28.endive"
"""The processor's API as these adapters know it, pinned with every call."""

KEYS_KEPT_FOR = timedelta(hours=20)
"""For so long an idempotency key is surely remembered; the processor forgets it after 24 hours at the earliest."""

CLOCKS_APART = timedelta(minutes=15)
"""No more than this is the processor's clock behind ours."""

API = "https://api.stripe.com"
FILES = "https://files.stripe.com"

_SECRET = re.compile(r"\b((?:sk|rk|pk|whsec)_|(?:pi|seti|src)_\w+_secret_)[\w*]+")
_NUMBER = re.compile(r"\b\d(?:[ -]?\d){11,18}\b")
_UNKNOWN_STATUSES = frozenset({409, 429})


class Account(Struct, frozen=True, kw_only=True):
    """Our account at the processor.

    `origin` serves the API, `files_origin` takes files when it is another. `browser_origin` serves the pages of the
    sandbox to browsers; None at the processor itself, whose pages and scripts have addresses of their own.
    """

    secret_key: str
    publishable_key: str
    origin: str = API
    files_origin: str | None = None
    browser_origin: str | None = None
    timeout_s: float = 6.0
    attempts: int = 3
    patience_s: float = 0.1
    connections: int = 64


class _Sdk(Protocol):
    """The part of the SDK's client that is used, with its types."""

    async def raw_request_async(self, method_: str, url_: str, **params: object) -> stripe.StripeResponse: ...


class Named(BytesIO):
    """A file's content, and the name that the SDK sends with it."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


class Calls:
    """Calls in the name of one account. Open it on the loop that uses it, and close it."""

    def __init__(self, account: Account, connections: Connections, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._connections = connections
        client = stripe.StripeClient(
            account.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": account.origin, "files": account.files_origin or account.origin},
            http_client=connections,
            # `Connections` repeats by itself: the SDK would not after a 429.
            max_network_retries=0,
        )
        self._sdk = cast("_Sdk", client)

    @classmethod
    async def open(cls, account: Account, clock: Clock) -> Calls:
        # The SDK tells its maker how long calls took, and its log what they said: neither leaves here.
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)
        session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=account.timeout_s),
            connector=aiohttp.TCPConnector(
                limit=account.connections,
                keepalive_timeout=60,
                ssl=_authorities() if account.origin.startswith("https:") else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        patience = Patience(timeout_s=account.timeout_s, attempts=account.attempts, first_s=account.patience_s)
        return cls(account, Connections(session, patience), clock)

    def may_be_forgotten(self, intended_at: datetime | None) -> bool:
        """Whether an order of that instant may have been given so long ago that its key is forgotten."""
        return intended_at is not None and self._clock.now() - intended_at > KEYS_KEPT_FOR

    def looked_for_since(self, intended_at: datetime | None) -> datetime | None:
        """From when on an order of that instant is looked for, by the processor's clock, which may be behind ours."""
        return intended_at and intended_at - CLOCKS_APART

    async def close(self) -> None:
        await self._connections.close_async()

    async def ask(
        self, method: str, path: str, form: Mapping[str, str], *, key: str | None = None, account: str | None = None
    ) -> tuple[bytes, bool]:
        """The answer's body, and whether it is a replay. Raises `Failure` for a 4xx, `ProcessorSilent`.

        `account` is the connected account in whose name is asked, ours otherwise. A write without `key` has one made up
        by the SDK, good for this call and its repetitions.
        """
        options = {"idempotency_key": key} if key else {}
        if account:
            options["stripe_account"] = account
        try:
            answer = await self._sdk.raw_request_async(method.lower(), f"/v1/{path}", **form, **options)
        except stripe.StripeError as error:
            raise _failed(error, f"{method} {path}") from None
        assert isinstance(answer.headers, Answered)
        return answer.headers.body, "idempotent-replayed" in answer.headers

    async def send_file(self, name: str, content: bytes, *, purpose: str, key: str) -> bytes:
        """The answer to a file that is handed over. Raises `Failure`, `ProcessorSilent`."""
        options = {"idempotency_key": key, "content_type": "multipart/form-data", "base": "files"}
        try:
            answer = await self._sdk.raw_request_async(
                "post", "/v1/files", file=Named(name, content), purpose=purpose, **options
            )
        except stripe.StripeError as error:
            raise _failed(error, "POST files") from None
        assert isinstance(answer.headers, Answered)
        return answer.headers.body


@cache
def _authorities() -> ssl.SSLContext:
    """Who may vouch for the processor: those that the SDK ships."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


def _failed(error: stripe.StripeError, what: str) -> Failure | ProcessorSilent:
    """What an error comes to. What may have had its effect, or may yet, is a silence and never a refusal."""
    status = error.http_status
    if status is None:
        log.warning("The card processor is silent: %s: %s", what, clean(str(error)))
        return ProcessorSilent()
    if status in _UNKNOWN_STATUSES or status >= 500:
        log.warning("The card processor is silent: %s: it answered %s", what, status)
        return ProcessorSilent()
    body = (error.http_body or "").encode()
    try:
        told = msgspec.json.decode(body, type=ErrorAnswer).error
    except msgspec.DecodeError:
        log.error("The card processor answers %s to %s, and no error that can be read.", status, what)  # noqa: TRY400 — the answer may hold anything
        return ProcessorSilent()
    if status in {401, 403} and told.code != "account_invalid":
        log.error("The card processor does not accept our key.")
        return ProcessorSilent("The card processor does not accept our key.")
    headers = error.headers or {}
    replayed = any(name.lower() == "idempotent-replayed" for name in headers)
    return Failure(status, msgspec.structs.replace(told, message=clean(told.message)), replayed=replayed)


def clean(text: str) -> str:
    """The text without keys, secrets of intents and numbers that might be a card's or an account's."""
    return _NUMBER.sub("(number)", _SECRET.sub(r"\1(secret)", text))
