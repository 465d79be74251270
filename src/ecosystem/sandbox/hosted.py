"""Pages of the processor's own that customers and owners are sent to: checkout, micro-deposits, an owner's payouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from ecosystem.sandbox import amounts, checkout_sessions, debits, external_accounts, payment_intents, setup_intents
from ecosystem.sandbox.acts import Act, Asked, Record
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.setup import Draw
from ecosystem.sandbox.store import Store

_METHODS = {
    "card": ("pm_card_visa", "pm_card_chargeDeclined"),
    "us_bank_account": ("pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds"),
}


@dataclass(frozen=True, slots=True)
class Hosted:
    store: Store
    begin: Callable[[], Act]
    draw: Draw
    merchant: str

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/c/{session}", self.checkout),
            web.post("/c/{session}", self.pay),
            web.get("/express/{token}", self.express),
            web.get("/microdeposits/{intent}", self.microdeposits),
            web.post("/microdeposits/{intent}", self.verify),
        ]

    async def checkout(self, request: web.Request) -> web.Response:
        """The page on which a session is paid."""
        session = self.store.reading.record(request.match_info["session"])
        if session is None or session.kind != checkout_sessions.KIND:
            return self.draw("unknown.html", status=404)
        return self._checkout(session)

    async def pay(self, request: web.Request) -> web.Response:
        session = self.store.reading.record(request.match_info["session"])
        method = str((await request.post()).get("method", ""))
        if session is None or session.kind != checkout_sessions.KIND:
            return self.draw("unknown.html", status=404)
        if not any(method in _METHODS.get(kind, ()) for kind in session["payment_method_types"]):
            return self._checkout(session, wrong=True)

        def work(act: Act) -> Record:
            act.account = session.account
            found = act.need(session.kind, session.id)
            if found["status"] == "open":
                checkout_sessions.pay(act, found, {"payment_method": method})
            return found

        paid = await self.store.run(self.begin(), work)
        if paid["status"] == "complete":
            return web.Response(status=303, headers={"Location": paid["success_url"], "Referrer-Policy": "no-referrer"})
        return self._checkout(paid, wrong=True)

    def _checkout(self, session: Record, *, wrong: bool = False) -> web.Response:
        is_open = session["status"] == "open"
        total = session["amount_total"]
        types = session["payment_method_types"]
        return self.draw(
            "checkout.html",
            form_action=("'self'", _origin(session["success_url"])),
            framed=False,
            merchant=self.merchant,
            amount=amounts.shown(total, session["currency"]).upper() if total else "Nothing now",
            wrong_hidden="" if wrong else "hidden",
            form_hidden="" if is_open else "hidden",
            card_hidden="" if "card" in types else "hidden",
            bank_hidden="" if "us_bank_account" in types else "hidden",
            done_hidden="hidden" if is_open else "",
            sentence="This is paid." if session["status"] == "complete" else "This page has expired.",
            return_url=session["success_url"] if session["status"] == "complete" else session["cancel_url"] or "/",
        )

    async def express(self, request: web.Request) -> web.Response:
        """What an account's owner sees of its balance and payouts."""
        found = self.store.reading.linked("express", request.match_info["token"], 1)
        if not found:
            return self.draw("unknown.html", status=404)
        account = found[0]
        act = self.begin()
        act.books, act.account = self.store.reading, account.id
        currency = account["default_currency"]
        available, pending = act.funds(account.id, currency)
        bank = external_accounts.default_of(act, account, currency)
        payouts = act.books.page(Asked(kind="payout", limit=1, account=account.id))
        last = (
            f"{amounts.shown(payouts[0]['amount'], currency).upper()}, {payouts[0]['status']}"
            if payouts
            else "None yet"
        )
        return self.draw(
            "express.html",
            framed=False,
            available=_signed(available, currency),
            pending=_signed(pending, currency),
            payout=last,
            bank=f"{bank.kind.replace('_', ' ').capitalize()} ending in {bank['last4']}" if bank else "Nobody yet",
            schedule=account["settings"]["payouts"]["schedule"]["interval"].capitalize(),
        )

    async def microdeposits(self, request: web.Request) -> web.Response:
        intent = self._intent(request)
        return self._deposits(intent) if intent else self.draw("unknown.html", status=404)

    async def verify(self, request: web.Request) -> web.Response:
        intent, form = self._intent(request), await request.post()
        if intent is None:
            return self.draw("unknown.html", status=404)
        told = [str(form.get(name, "")) for name in ("first", "second")]
        numbers = [int(one) for one in told if one.isascii() and one.isdigit()]

        def work(act: Act) -> None:
            act.account = intent.account
            verify = setup_intents.verify if intent.kind == "setup_intent" else payment_intents.verify
            verify(act, {"id": intent.id, "amounts": numbers})

        try:
            await self.store.run(self.begin(), work)
        except Refused:
            return self._deposits(intent, wrong=True)
        again = self._intent(request)
        return self._deposits(again or intent)

    def _intent(self, request: web.Request) -> Record | None:
        found = self.store.reading.record(request.match_info["intent"])
        return found if found and found.kind in {"payment_intent", "setup_intent"} else None

    def _deposits(self, intent: Record, *, wrong: bool = False) -> web.Response:
        waits = debits.waits_for_deposits(intent)
        return self.draw(
            "microdeposits.html",
            status=422 if wrong else 200,
            form_action=("'self'",),
            framed=False,
            wrong_hidden="" if wrong else "hidden",
            form_hidden="" if waits else "hidden",
            done_hidden="hidden" if waits else "",
        )


def _signed(amount: int, currency: str) -> str:
    shown = amounts.shown(abs(amount), currency).upper()
    return f"-{shown}" if amount < 0 else shown


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
