"""A visitor of the marketplace that serves: pages asked for over HTTP, the checkout among them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from ecosystem.commands.settings import Settings

BODY_MAX = 4 * 1024 * 1024
TIMEOUT_S = 5
SERVICES_MAX = 12
_SERVICE = re.compile(r'href="(/services/[a-z0-9-]+)"')
_START = re.compile(r'name="start" value="([^"]+)"')
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class Answer(Struct, frozen=True, kw_only=True):
    """What came back. `policy` is its content security policy, `leads_to` where it sends on to."""

    status: int
    policy: str
    body: bytes
    leads_to: str = ""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Visitor:
    """Keeps cookies and follows nothing by itself. Asks this machine, under the marketplace's public name."""

    def __init__(self, chosen: Settings) -> None:
        everywhere = {"0.0.0.0", "::"}  # noqa: S104 — compared with, not listened on
        self._host = "127.0.0.1" if chosen.host in everywhere else chosen.host
        self._port = chosen.port
        self._name = urlsplit(chosen.url).netloc
        self._cookies: dict[str, str] = {}

    def page(self, path: str) -> Answer | None:
        """The page there; None when there is none, or nobody answers."""
        answer = self._asked("GET", path)
        return answer if answer is not None and answer.status == 200 else None

    def checkout(self) -> tuple[str, Answer] | None:
        """The path and the page of a checkout, as any visitor comes to it: a free time is taken, and given back at once.

        None where no service among the first has a free time.
        """
        listed = self.page("/")
        for service in list(dict.fromkeys(_SERVICE.findall(listed.text)))[:SERVICES_MAX] if listed else ():
            page = self.page(service)
            starts = _START.findall(page.text) if page else []
            if page is None or not starts:
                continue
            # The last that it shows: whom that keeps from booking for a moment is most likely nobody.
            fields = {name: _hidden(page.text, name) for name in ("csrf_token", "service_id", "hold_id")}
            taken = self._asked("POST", "/checkout", {**fields, "start": unescape(starts[-1])})
            if taken is None or not taken.leads_to.startswith("/checkout/"):
                continue
            found = self.page(taken.leads_to)
            token = _hidden(found.text if found else page.text, "csrf_token")
            self._asked("POST", f"{taken.leads_to}/release", {"csrf_token": token})
            return (taken.leads_to, found) if found is not None else None
        return None

    def _asked(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> Answer | None:
        headers = {"Host": self._name, "Accept": "text/html,*/*"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body=urlencode(fields) if fields is not None else None, headers=headers)
            answer = connection.getresponse()
            body = answer.read(BODY_MAX)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        for kept in answer.headers.get_all("set-cookie") or ():
            name, _, value = kept.partition(";")[0].partition("=")
            self._cookies[name] = value
        leads_to = answer.headers.get("location", "") if answer.status in _ELSEWHERE else ""
        return Answer(
            status=answer.status,
            policy=answer.headers.get("content-security-policy", ""),
            body=body,
            leads_to=leads_to,
        )


def _hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    return unescape(found[1]) if found else ""
