"""The pages on which the owner of a connected account says who they are and where they are paid.

They stand on the processor's own origin: the platform learns whether something is missing, and no number. A link leads
here once, for a few minutes; one that has served leads back to where the platform makes another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from aiohttp import web

from ecosystem.sandbox import banking, external_accounts, verification
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.shapes import BANK_ACCOUNT, Body
from ecosystem.sandbox.store import Store
from ecosystem.sandbox.verification import OUTCOMES, Outcome, Stage

NAME_MAX = 100
AGE_LEAST = 18
FIELDS = ("first_name", "last_name", "born", "routing", "number", "identity", "terms")


class Draw(Protocol):
    def __call__(
        self, name: str, *, status: int = 200, form_action: tuple[str, ...] = ..., framed: bool = ..., **values: str
    ) -> web.Response:
        """The page of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Setup:
    store: Store
    begin: Callable[[], Act]
    draw: Draw
    merchant: str

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/setup/{account}/{token}", self.show),
            web.post("/setup/{account}/{token}", self.take),
        ]

    async def show(self, request: web.Request) -> web.Response:
        act = self.begin()
        act.books = self.store.reading
        account, link = _found(act, request)
        if account is None or link is None:
            return self.draw("unknown.html", status=404)
        if account.inside["stage"] not in {Stage.BLANK, Stage.FAILED}:
            return _to(link["return_url"])
        if link.get("used") or act.at >= link["expires_at"]:
            return _to(link["refresh_url"])
        return self._form(account, link, {}, {})

    async def take(self, request: web.Request) -> web.Response:
        """What the owner says. Given twice, the first one counts."""
        form = await request.post()
        told = {name: " ".join(str(form.get(name, "")).split())[: NAME_MAX * 2] for name in FIELDS}
        act = self.begin()
        reading = self.begin()
        reading.books = self.store.reading
        account, link = _found(reading, request)
        if account is None or link is None:
            return self.draw("unknown.html", status=404)
        if problems := _problems(told, account, datetime.fromtimestamp(act.at, UTC).date()):
            return self._form(account, link, told, problems)
        ip, token = request.remote or "127.0.0.1", request.match_info["token"]
        taken = await self.store.run(act, lambda inner: _taken(inner, account.id, token, told, ip))
        return _to(link["return_url"] if taken else link["refresh_url"])

    def _form(self, account: Record, link: Body, told: dict[str, str], problems: dict[str, str]) -> web.Response:
        with_iban = account["country"] in banking.WITH_IBAN
        values = {f"value_{name}": told.get(name, "") for name in FIELDS if name not in {"number", "identity"}}
        shown = {f"problem_{name}": problems.get(name, "") for name in FIELDS}
        invalid = {f"invalid_{name}": "true" if name in problems else "false" for name in FIELDS}
        again = account.inside["stage"] == Stage.FAILED
        return self.draw(
            "setup.html",
            status=422 if problems else 200,
            form_action=("'self'", _origin(link["return_url"]), _origin(link["refresh_url"])),
            framed=False,
            merchant=self.merchant,
            country=account["country"],
            currency=account["default_currency"].upper(),
            number_label="IBAN" if with_iban else "Account number",
            number_example="DE89 3704 0044 0532 0130 00" if with_iban else "000123456789",
            routing_hidden="hidden" if account["country"] != "US" else "",
            again_hidden="" if again else "hidden",
            terms_checked="checked" if told.get("terms") else "",
            wrong_hidden="" if problems else "hidden",
            **values,
            **shown,
            **invalid,
        )


def _found(act: Act, request: web.Request) -> tuple[Record | None, Body | None]:
    """The account and the link that the address names."""
    account = act.get("account", request.match_info["account"])
    links: Body = account.inside["links"] if account else {}
    return account, cast("Body | None", links.get(request.match_info["token"]))


def _taken(act: Act, account_id: str, token: str, told: dict[str, str], ip: str) -> bool:
    """Take in what the owner said, if the link has not served yet."""
    account = act.need("account", account_id)
    link = account.inside["links"].get(token)
    if link is None or link.get("used") or act.at >= link["expires_at"]:
        return False
    if account.inside["stage"] in {Stage.BLANK, Stage.FAILED}:
        act.note(account, links={**account.inside["links"], token: {**link, "used": True}})
        verification.submitted(act, account, {**_kept(account, told), "ip": ip})
    return True


def _kept(account: Record, told: dict[str, str]) -> dict[str, Any]:
    """What may be kept of what was said: of numbers, the last digits and what the test numbers stand for."""
    number = told["number"].replace(" ", "").replace("-", "").upper()
    name = f"{told['first_name']} {told['last_name']}"
    outcome = OUTCOMES.get(told["born"], Outcome.VERIFIED)
    if told["identity"].replace("-", "").replace(" ", "") == verification.MISMATCHING:
        outcome = Outcome.MISMATCH
    return {
        "person": {"first_name": told["first_name"], "last_name": told["last_name"], "born": told["born"]},
        "outcome": outcome,
        "behaviour": banking.behaviour(number),
        "bank": {
            **BANK_ACCOUNT,
            "account_holder_name": name,
            "available_payout_methods": banking.methods(number),
            "country": account["country"],
            "currency": account["default_currency"],
            "fingerprint": external_accounts.fingerprint(number + told["routing"]),
            "last4": number[-4:],
            "routing_number": told["routing"] or None,
        },
    }


def _problems(told: dict[str, str], account: Record, today: date) -> dict[str, str]:
    """What needs another look, by field."""
    found: dict[str, str] = {}
    for field in ("first_name", "last_name"):
        if not 1 <= len(told[field]) <= NAME_MAX:
            found[field] = "This is needed."
    if trouble := _trouble_with_birth(told["born"], today):
        found["born"] = trouble
    number = told["number"].replace(" ", "").replace("-", "").upper()
    if account["country"] in banking.WITH_IBAN:
        trouble = banking.trouble_with_iban(number)
    else:
        trouble = banking.trouble_with_number(number)
        if account["country"] == "US" and (bad := banking.trouble_with_routing(told["routing"])):
            found["routing"] = bad
    if trouble:
        found["number"] = trouble
    if not told["terms"]:
        found["terms"] = "Without this nothing can be paid out."
    return found


def _trouble_with_birth(text: str, today: date) -> str:
    try:
        born = date.fromisoformat(text)
    except ValueError:
        return "Enter a date."
    if not date(1900, 1, 1) <= born <= today:
        return "Enter the day on which you were born."
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return "" if age >= AGE_LEAST else f"You have to be {AGE_LEAST} or older."


def _to(url: str) -> web.Response:
    return web.Response(status=303, headers={"Location": url, "Referrer-Policy": "no-referrer"})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
