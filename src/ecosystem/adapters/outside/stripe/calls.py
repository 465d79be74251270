"""Calls of the public card API: form-encoded requests, JSON answers, and what is asked again after a silence.

Every write carries an idempotency key made from our own ids, so a silence is answered by asking again: after a cut
line, a time-out, 409, 429 and 5xx, a few times and not for long. An answer that the processor replays may be old; then
the present state is fetched.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote_plus

import aiohttp
import msgspec
from msgspec import Struct

from ecosystem.adapters.outside.stripe.answers import ErrorAnswer, Failure
from ecosystem.ports.cards import ProcessorSilent

log = logging.getLogger(__name__)

API_VERSION = "2026-10-28.endive"
"""The processor's API as these adapters know it, pinned with every call."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._ -]")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)


class Account(Struct, frozen=True, kw_only=True):
    """Our account at the processor. `origin` serves the API; `browser_origin` its pages, when it is another."""

    origin: str
    secret_key: str
    publishable_key: str
    browser_origin: str | None = None
    timeout_s: float = 6.0
    attempts: int = 3
    patience_s: float = 0.1
    connections: int = 64


class Calls:
    """Calls in the name of one account. Open it on the loop that uses it, and close it."""

    def __init__(self, account: Account, session: aiohttp.ClientSession) -> None:
        self.account = account
        self._session = session

    @classmethod
    async def open(cls, account: Account) -> Calls:
        session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=account.timeout_s),
            connector=aiohttp.TCPConnector(limit=account.connections, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "Authorization": f"Bearer {account.secret_key}",
                "Stripe-Version": API_VERSION,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        return cls(account, session)

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self, method: str, path: str, form: Mapping[str, str], *, key: str | None = None, account: str | None = None
    ) -> tuple[bytes, bool]:
        """The answer's body, and whether it is a replay. Raises `Failure` for a 4xx, `ProcessorSilent`.

        `account` is the connected account in whose name is asked, ours otherwise.
        """
        url = f"{self.account.origin}/v1/{path}"
        data: bytes | None = None
        if method == "GET":
            url = f"{url}?{_encoded(form)}" if form else url
        else:
            data = _encoded(form).encode()
        headers = {"Idempotency-Key": key} if key else {}
        if account:
            headers["Stripe-Account"] = account
        return await self._send(method, url, path, headers, data)

    async def _send(
        self, method: str, url: str, path: str, headers: dict[str, str], data: bytes | None
    ) -> tuple[bytes, bool]:
        trouble = ""
        for attempt in range(self.account.attempts):
            if attempt:
                await asyncio.sleep(self.account.patience_s * 4 ** (attempt - 1))
            try:
                async with self._session.request(method, url, data=data, headers=headers) as answer:
                    body = await answer.read()
                    if answer.status < 300:
                        return body, "Idempotent-Replayed" in answer.headers
                    if not _may_repeat(answer):
                        raise _failure(answer.status, body, replayed="Idempotent-Replayed" in answer.headers)
                    trouble = f"it answered {answer.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as silence:
                trouble = repr(silence)
        log.warning("The card processor is silent: %s %s: %s", method, path, trouble)
        raise ProcessorSilent

    async def send_file(self, name: str, content_type: str, content: bytes, *, purpose: str, key: str) -> bytes:
        """The answer to a file that is handed over. Raises `Failure`, `ProcessorSilent`."""
        # The boundary is made from the content, so that the same file under the same key has the same body.
        boundary = sha256(content).hexdigest()
        said = _NOT_IN_NAMES.sub("_", name)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{said}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        data = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Idempotency-Key": key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        body, _ = await self._send("POST", f"{self.account.origin}/v1/files", "files", headers, data)
        return body


def _encoded(form: Mapping[str, str]) -> str:
    """The fields as a form sends them. Most values are ids and numbers, which stand for themselves."""
    return "&".join(
        f"{_name(name)}={value if _UNRESERVED.fullmatch(value) else quote_plus(value)}" for name, value in form.items()
    )


_name = lru_cache(maxsize=256)(quote_plus)


def _may_repeat(answer: aiohttp.ClientResponse) -> bool:
    advice = answer.headers.get("Stripe-Should-Retry")
    if advice in {"true", "false"}:
        return advice == "true"
    return answer.status in {409, 429} or answer.status >= 500


def _failure(status: int, body: bytes, *, replayed: bool) -> Failure | ProcessorSilent:
    if status in {401, 403} and b"account_invalid" not in body:
        log.error("The card processor does not accept our key.")
        return ProcessorSilent("The card processor does not accept our key.")
    try:
        return Failure(status, msgspec.json.decode(body, type=ErrorAnswer).error, replayed=replayed)
    except msgspec.DecodeError:
        log.exception("The card processor answers %s, and no error that can be read.", status)
        return ProcessorSilent()
