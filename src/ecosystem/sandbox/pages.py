"""The processor's pages: the card element, the bank's challenge, a receipt. They stand on the processor's own origin.

The card element is framed by the marketplace's page. What the two say to each other, each checking the other's origin:

| from the page | to it |
| --- | --- |
| `{type: "submit", name?, email?, setup?}` | `{type: "ready"}`, `{type: "height", height}` |
| `{type: "focus"}`, `{type: "clear"}` | `{type: "change", complete, brand}`, `{type: "enter"}` |
| `{type: "theme", theme}` | `{type: "card", id, brand, last4}` or `{type: "problem", field, code, message}` |

With `method=us_bank_account` in its address the element has the fields of an American bank account, and says
`{type: "bank", id, bank, last4}` in place of a card. With `setup`, a setup intent's client secret, what was typed is kept
for later at once: `{type: "setup", intent, status, id, kind, brand, last4, url}`, where `url` is the bank's challenge, to
be framed, when the status is `requires_action`.

Messages to the page carry `source: "ecosystem-cards"`. The challenge, framed, says `{type: "challenge", result, intent}`
with the result `succeeded` or `failed`; as a page of its own it goes to the return address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from ecosystem.sandbox import amounts, attempts
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.store import Store

MERCHANT = "Ecosystem"
_KINDS = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2"}
_DECISIONS = {"authorize": True, "fail": False}
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """Serves the pages. `embedders` are the origins that may frame them."""

    store: Store
    begin: Callable[[], Act]
    publishable_key: str
    embedders: tuple[str, ...]

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/element", self.element),
            web.get("/3ds/{token}", self.challenge),
            web.post("/3ds/{token}", self.decide),
            web.get("/receipts/{charge}", self.receipt),
            web.get("/static/{name}", self.static),
        ]

    async def element(self, request: web.Request) -> web.Response:
        """The fields of a card or a bank account, for the embedder that the address names, if it is one of ours."""
        embedder = request.query.get("embedder", "")
        if embedder not in self.embedders:
            return self.page("refused.html", status=403, embedder=embedder[:200])
        name = "bank.html" if request.query.get("method") == "us_bank_account" else "element.html"
        return self.page(name, theme=_theme(request), embedder=embedder, key=self.publishable_key)

    async def challenge(self, request: web.Request) -> web.Response:
        intent = self._intent(request)
        if intent is None:
            return self.page("unknown.html", status=404)
        if intent["status"] != "requires_action":
            return self._ended(request, intent)
        return_url = intent.inside.get("return_url") or ""
        act = self.begin()
        act.books = self.store.reading
        card = act.need("payment_method", intent["payment_method"])["card"]
        return self.page(
            "challenge.html",
            form_action=("'self'", _origin(return_url)),
            theme=_theme(request),
            merchant=MERCHANT,
            amount=_amount(intent),
            brand=card["brand"].capitalize(),
            last4=card["last4"],
            token=request.match_info["token"],
        )

    async def decide(self, request: web.Request) -> web.Response:
        """The customer's answer. Given twice, the first one counts."""
        decision = _DECISIONS.get(str((await request.post()).get("decision", "")))
        intent = self._intent(request)
        if intent is None or decision is None:
            return self.page("unknown.html", status=404 if intent is None else 400)
        decided = await self.store.run(self.begin(), lambda act: _decided(act, intent, authenticated=decision))
        return_url = decided.inside.get("return_url")
        if return_url and request.headers.get("Sec-Fetch-Dest") == "document":
            return web.Response(status=303, headers={**_FIXED, "Location": _back(return_url, decided)})
        return self._ended(request, decided)

    async def receipt(self, request: web.Request) -> web.Response:
        act = self.begin()
        act.books = self.store.reading
        charge = act.get("charge", request.match_info["charge"])
        if charge is None or charge["status"] == "failed":
            return self.page("unknown.html", status=404)
        details, currency = charge["payment_method_details"], charge["currency"]
        paid_by = details.get(details["type"], {})
        return self.page(
            "receipt.html",
            merchant=MERCHANT,
            amount=amounts.shown(charge["amount"], currency).upper(),
            refunded=amounts.shown(charge["amount_refunded"], currency).upper(),
            date=f"{datetime.fromtimestamp(charge['created'], UTC):%Y-%m-%d %H:%M} UTC",
            brand=(paid_by.get("brand") or paid_by.get("bank_name") or "Transfer").capitalize(),
            last4=paid_by.get("last4", "0000"),
        )

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        kind = _KINDS.get(name.rpartition(".")[2])
        if kind is None or not re.fullmatch(r"[a-z]+\.[a-z0-9]+", name) or (held := _file(name)) is None:
            return self.page("unknown.html", status=404)
        headers = _FIXED | {"Cache-Control": "public, max-age=300"}
        return web.Response(body=held, content_type=kind, headers=headers)

    def _intent(self, request: web.Request) -> Record | None:
        found = self.store.reading.linked("challenge", request.match_info["token"], 1)
        return found[0] if found else None

    def _ended(self, request: web.Request, intent: Record) -> web.Response:
        succeeded = intent["status"] in {"succeeded", "requires_capture"}
        return_url = intent.inside.get("return_url")
        back = _back(return_url, intent) if return_url else ""
        return self.page(
            "challenged.html",
            theme=_theme(request),
            embedder=self._embedder(return_url),
            result="succeeded" if succeeded else "failed",
            intent=intent.id,
            return_url=back,
            hidden="" if back else "hidden",
            merchant=MERCHANT,
            title="Thank you" if succeeded else "Not confirmed",
            sentence="The payment is confirmed."
            if succeeded
            else "The payment was not confirmed; nothing was charged.",
        )

    def _embedder(self, return_url: str | None) -> str:
        """The origin to tell: that of the return address when it may frame us, else the first that may."""
        origin = _origin(return_url or "")
        return origin if origin in self.embedders else next(iter(self.embedders), "")

    def page(
        self,
        name: str,
        *,
        status: int = 200,
        form_action: tuple[str, ...] = ("'none'",),
        framed: bool = True,
        **values: str,
    ) -> web.Response:
        """A page of ours, with what was said in its places, under a policy that lets little happen."""
        template = _file(name)
        assert template is not None
        text = re.sub(r"\{(\w+)\}", lambda matched: escape(values[matched[1]]), template.decode())
        ancestors = (" ".join(self.embedders) if framed else "") or "'none'"
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; font-src 'self';"
            f" form-action {' '.join(filter(None, form_action))}; base-uri 'none'; frame-ancestors {ancestors}"
        )
        headers = _FIXED | {"Content-Security-Policy": policy}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _amount(intent: Record) -> str:
    """What the customer is to confirm: an amount, or that nothing is charged now."""
    if intent.kind == "setup_intent":
        return "Nothing now: your card is kept for later"
    return amounts.shown(intent["amount"], intent["currency"]).upper()


def _decided(act: Act, asked: Record, *, authenticated: bool) -> Record:
    act.account = asked.account
    intent = act.need(asked.kind, asked.id)
    attempts.challenged(act, intent, authenticated=authenticated)
    return intent


def _back(return_url: str, intent: Record) -> str:
    succeeded = intent["status"] in {"succeeded", "requires_capture"}
    told = urlencode(
        {
            intent.kind: intent.id,
            f"{intent.kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if succeeded else "failed",
        }
    )
    parts = urlsplit(return_url)
    return parts._replace(query=f"{parts.query}&{told}" if parts.query else told).geturl()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""


def _theme(request: web.Request) -> str:
    return "dark" if request.query.get("theme") == "dark" else "light"


@cache
def _file(name: str) -> bytes | None:
    held = files("ecosystem.sandbox") / "pages" / name
    return held.read_bytes() if held.is_file() else None
