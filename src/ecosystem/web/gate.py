"""The gate: what every request passes before its page, and every answer before it leaves.

Outermost of the site, so that what is not found passes it too. In: rates, who it is, whether the browser calls it
cross-site. Out: security headers, and the cookies that were set on the way.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ecosystem.kernel.refusals import Refusal
from ecosystem.web import csrf
from ecosystem.web.arrival import KEY, Arrival, arrival
from ecosystem.web.errors import shown
from ecosystem.web.headers import Header
from ecosystem.web.kit import Kit
from ecosystem.web.visit import CSRF_AGE_S, KIT, Visit

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("ecosystem.web")
NONCE_BYTES = 16
SIGNED = "/api/stripe/webhook"
"""Where the card processor sends its events, as many at a time as it has: their signature guards the door."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Wraps the site: `Gate(litestar_app, kit)` is what the server runs."""

    inner: Asgi
    kit: Kit
    _unheeded: set[str] = field(default_factory=set[str])
    """The proxy whose word is not heeded, once that has been said."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        came = arrival(scope, trusted_proxies=self.kit.site.trusted_proxies)
        if not self.kit.site.trusted_proxies and "x-forwarded-for" in came.headers and not self._unheeded:
            self._unheeded.add(came.address)
            log.warning(
                "a proxy says for whom it asks, and is not trusted: limits take everybody behind it for one visitor, or"
                " for nobody if it is on this machine; set ECOSYSTEM_TRUSTED_PROXIES",
                extra={"proxy": came.address},
            )
        scope.setdefault("state", {})
        scope["state"] |= {KIT: self.kit, KEY: came}
        # Behind the gate the client is who it is, and not the nearest proxy.
        scope["client"] = (came.address, (scope.get("client") or ("", 0))[1])
        if came.is_page:
            came.nonce = self.kit.entropy.bytes(NONCE_BYTES).hex()

        # Whoever asks for the headers alone gets those of the page, which no handler has to know of.
        is_head = came.method == "HEAD"
        if is_head:
            scope["method"] = "GET"

        async def sealed(message: Message) -> None:
            if is_head and message["type"] == "http.response.body":
                message["body"] = b""
            if message["type"] == "http.response.start":
                said: list[Header] = list(message.get("headers", ()))
                names = {name.lower() for name, _ in said}
                # An answer that set a policy of its own knows better what it contains.
                ours = (pair for pair in self._headers(came) if pair[0] not in names)
                message["headers"] = [*said, *ours, *came.cookies_set]
            await send(message)

        try:
            await self._admit(came, scope)
        except Refusal as refusal:
            answer = shown(Visit(scope, receive, send), refusal)  # pyright: ignore[reportArgumentType] - Litestar names the same shapes otherwise
            await sealed({"type": "http.response.start", "status": answer.status, "headers": answer.raw_headers()})
            await sealed({"type": "http.response.body", "body": answer.body})
            return
        await self.inner(scope, receive, sealed)

    async def _admit(self, came: Arrival, scope: Scope) -> None:
        """Raises a refusal: too much at once, cross-site, or the identity service is away."""
        now = self.kit.clock.now()
        writes = came.method not in csrf.SAFE_METHODS
        if not came.is_page:
            if not came.is_file and came.path != SIGNED:
                self._limit(came, writes=writes)
            return
        self._secret(came)
        self._limit(came, writes=False)
        await self.kit.door.admit(came)
        if writes:
            self.kit.limits.write(came.address, came.session, now)
            csrf.check_origin(
                came.method,
                fetch_site=came.headers.get("sec-fetch-site", ""),
                origin=came.headers.get("origin", ""),
                own=self._own_origins(came, scope),
            )

    def _limit(self, came: Arrival, *, writes: bool) -> None:
        now = self.kit.clock.now()
        if writes:
            self.kit.limits.write(came.address, "", now)
        else:
            self.kit.limits.read(came.address, now)

    def _secret(self, came: Arrival) -> None:
        """The secret that forms of this visitor are bound to; a new one for who has none."""
        came.secret = came.cookies.get(self.kit.jar.name(csrf.FIELD), "")
        if len(came.secret) != csrf.SECRET_CHARS:
            came.secret = csrf.secret(self.kit.entropy)
            came.cookies_set.append(self.kit.jar.kept(csrf.FIELD, came.secret, max_age_s=CSRF_AGE_S))

    def _own_origins(self, came: Arrival, scope: Scope) -> frozenset[str]:
        """The site's origin, and the one this request was made to: 127.0.0.1 and localhost are one machine."""
        public = urlsplit(self.kit.site.url)
        own = {f"{public.scheme}://{public.netloc}"}
        if not self.kit.site.https:
            own.add(f"{scope.get('scheme', 'http')}://{came.headers.get('host', '')}")
        return frozenset(own)

    def _headers(self, came: Arrival) -> list[Header]:
        policy = self.kit.policy
        return policy.page(came.nonce) if came.is_page else policy.inert()
