"""The card processor as others meet it: its pages, its own desk, and the bank behind it. Over HTTP alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from ecosystem.kernel.refusals import Unavailable
from ecosystem.sandbox import Fault, Profile
from ecosystem.sandbox.control import Passed

ACCOUNT_NUMBER = "PT50 0002 0123 1234 5678 9015 4"
"""A published example of a number."""


class ProcessorFellBehind(Unavailable):
    """The card processor did not get done what was due."""


@dataclass(frozen=True, slots=True)
class Desk:
    origin: str
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def at(cls, origin: str, secret_key: str) -> AsyncGenerator[Desk]:
        """The desk of the processor at that origin, until the end of the block."""
        headers = {"Authorization": f"Bearer {secret_key}"}
        async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield cls(origin, session)

    async def move_clock(self, at: datetime | None) -> Passed:
        """Have its clock stand at that instant, or go on by itself; what is due by then is done on return."""
        said = await self._post("/_sandbox/clock", {"at": at.timestamp() if at else None})
        return msgspec.json.decode(said, type=Passed)

    async def travel(self, profile: Profile) -> None:
        """How webhooks travel from now on."""
        await self._post("/_sandbox/webhooks", {"profile": msgspec.to_builtins(profile)})

    async def fail_next(self, fault: Fault) -> None:
        """Have the next calls that fit go wrong."""
        await self._post("/_sandbox/faults", msgspec.to_builtins(fault))

    async def answer_challenge(self, url: str, *, confirms: bool) -> None:
        """The customer, on the page of their bank."""
        decision = {"decision": "authorize" if confirms else "fail"}
        async with self.session.post(self.origin + urlsplit(url).path, data=decision, allow_redirects=False) as answer:
            await answer.read()

    async def fill_in(self, url: str, name: str, *, born: str, identity: str = "") -> None:
        """A provider, on the page where they say who they are and where they are paid."""
        first, _, last = name.partition(" ")
        said = {
            "first_name": first,
            "last_name": last or first,
            "born": born,
            "identity": identity,
            "number": ACCOUNT_NUMBER,
            "terms": "1",
        }
        async with self.session.post(self.origin + urlsplit(url).path, data=said, allow_redirects=False) as answer:
            await answer.read()

    async def give_evidence(self, chargeback_id: str, evidence: str) -> None:
        """What we say to the bank that took a payment back."""
        said = {"evidence[uncategorized_text]": evidence}
        async with self.session.post(f"{self.origin}/v1/disputes/{chargeback_id}", data=said) as answer:
            await answer.read()

    async def send_back(self, payout_id: str) -> None:
        """A bank refuses a payout that is on its way, or sends back one that it took: the account is closed."""
        said = {"what": "payout.failed", "id": payout_id, "told": {"code": "account_closed"}}
        await self._post("/_sandbox/happen", said)

    async def _post(self, path: str, said: Mapping[str, Any]) -> bytes:
        async with self.session.post(self.origin + path, data=msgspec.json.encode(said)) as answer:
            body = await answer.read()
            if answer.status != HTTPStatus.OK:
                raise ProcessorFellBehind(f"The card processor answers {answer.status}: {body.decode()[:200]}")
            return body
