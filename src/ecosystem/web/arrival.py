"""A request as it arrives: its headers and cookies read once, and what the gate learned of who sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.web.cookies import parse
from ecosystem.web.headers import Header
from ecosystem.web.templates import Person

KEY = "arrival"
"""Where an arrival stands in the state of a request's scope."""

FILES = ("/static/", "/art/", "/media/")
"""Paths of files: nobody signs in to them, nothing in them runs."""
PROGRAMS = ("/api/", "/graphql", "/health", "/metrics", "/uploads/", "/.well-known/")
"""Paths that programs use: they bring their own credentials, never our cookies."""


@dataclass
class Arrival:
    """One request. The gate fills in who it is from; a page may add cookies to the answer."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    address: str
    nonce: str = ""
    secret: str = ""
    actor: Actor = VISITOR
    session: str = ""
    person: Person | None = None
    cookies_set: list[Header] = field(default_factory=list[Header])

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        return parse(self.headers.get("cookie", ""))

    @property
    def is_page(self) -> bool:
        """Whether a person looks at the answer, in a browser."""
        return not self.path.startswith((*FILES, *PROGRAMS))

    @property
    def is_file(self) -> bool:
        return self.path.startswith(FILES)

    @property
    def by_htmx(self) -> bool:
        return self.headers.get("hx-request") == "true"

    @property
    def wants_fragment(self) -> bool:
        """Whether only a part of the page was asked for (htmx 4: `HX-Request-Type`, `partial` or `full`)."""
        return self.by_htmx and self.headers.get("hx-request-type") == "partial"

    @property
    def target(self) -> str:
        """The id of the element that htmx will put the answer in (`HX-Target` says `tag#id`)."""
        return self.headers.get("hx-target", "").partition("#")[2]

    @property
    def takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "")


def arrival(scope: Mapping[str, Any], *, trusted_proxies: int) -> Arrival:
    """The arrival of an ASGI scope. Behind proxies the address is what the outermost trusted one saw."""
    headers = _joined(scope["headers"])
    client = scope.get("client") or ("unknown", 0)
    return Arrival(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        address=_address(str(client[0]), headers.get("x-forwarded-for", ""), trusted_proxies),
    )


def _joined(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; cookies sent in several headers (HTTP/2) are one list, of others the last counts."""
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}; {text}" if key == "cookie" and key in found else text
    return found


def _address(peer: str, forwarded: str, trusted: int) -> str:
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted and hops:
        return hops[-min(trusted, len(hops))]
    return peer
