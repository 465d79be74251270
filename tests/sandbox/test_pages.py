"""The processor's pages over HTTP: who may frame them, under which policy, and how a challenge ends."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from ecosystem.sandbox import Sandbox, Settings
from sandbox.calling import SHOP, Caller


async def look(api: Caller, path: str, *, method: str = "GET", **kwargs: Any) -> tuple[int, str, dict[str, str]]:
    async with api.session.request(method, f"{api.origin}{path}", allow_redirects=False, **kwargs) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def test_the_element_is_framed_by_our_pages_only_and_runs_under_a_strict_policy(api: Caller) -> None:
    status, text, headers = await look(api, f"/element?embedder={SHOP}&theme=dark")

    policy = headers["Content-Security-Policy"]
    assert status == 200
    assert f"frame-ancestors {SHOP}" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'class="dark"' in text
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", text)
    for stranger in ("", "https://evil.example", f"{SHOP}.evil.example", "null", "*"):
        status, text, _ = await look(api, f"/element?embedder={stranger}")
        assert status == 403
        assert "data-key" not in text


async def test_what_an_address_says_is_never_markup(api: Caller) -> None:
    for path in (
        '/element?embedder="><script>alert(1)</script>',
        '/3ds/"><script>',
        f'/element?embedder={SHOP}&theme="x',
    ):
        _, text, _ = await look(api, path)
        assert "<script>alert" not in text
        assert 'theme="x' not in text


async def test_the_pages_own_files_are_served_and_no_others(api: Caller) -> None:
    for name in ("pages.css", "element.js", "challenged.js", "inter.woff2"):
        async with api.session.get(f"{api.origin}/static/{name}") as answer:
            status, held, headers = answer.status, await answer.read(), answer.headers
        assert status == 200
        assert held
        assert headers["X-Content-Type-Options"] == "nosniff"
    for name in ("element.html", "nothing.js", "..%2f__init__.py", "%2e%2e/settings.py", "a/b.css"):
        assert (await look(api, f"/static/{name}"))[0] == 404


async def challenged(api: Caller, **form: str) -> tuple[str, str]:
    asked = await api.pay("pm_card_authenticationRequired", return_url=f"{SHOP}/pay?step=2", **form)
    url = asked["next_action"]["redirect_to_url"]["url"]
    return asked["id"], url.removeprefix(api.origin)


@pytest.mark.parametrize(
    ("decision", "status", "result"),
    [("authorize", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")],
)
async def test_a_challenge_ends_in_its_frame_or_goes_back_to_the_shop(
    api: Caller, decision: str, status: str, result: str
) -> None:
    intent, path = await challenged(api)
    code, text, headers = await look(api, path)
    assert code == 200
    assert "110.00 EUR" in text
    assert f"form-action 'self' {SHOP}" in headers["Content-Security-Policy"]

    framed = await look(api, path, method="POST", data={"decision": decision})
    whole = await look(api, path, method="POST", data={"decision": decision}, headers={"Sec-Fetch-Dest": "document"})

    assert f'data-result="{result}"' in framed[1]
    assert f'data-embedder="{SHOP}"' in framed[1]
    assert whole[0] == 303
    assert whole[2]["Location"].startswith(f"{SHOP}/pay?step=2&payment_intent={intent}&")
    assert whole[2]["Location"].endswith(f"redirect_status={result}")
    assert (await api("GET", f"/v1/payment_intents/{intent}"))["status"] == status


async def test_the_first_answer_to_a_challenge_counts(api: Caller) -> None:
    intent, path = await challenged(api)

    await look(api, path, method="POST", data={"decision": "fail"})
    _, text, _ = await look(api, path, method="POST", data={"decision": "authorize"})

    assert 'data-result="failed"' in text
    assert (await api("GET", f"/v1/payment_intents/{intent}"))["status"] == "requires_payment_method"


async def test_a_challenge_nobody_asked_for_or_answered_with_nonsense_is_refused(api: Caller) -> None:
    _, path = await challenged(api)

    assert (await look(api, "/3ds/src_nothing"))[0] == 404
    assert (await look(api, "/3ds/src_nothing", method="POST", data={"decision": "authorize"}))[0] == 404
    for decision in ({}, {"decision": "maybe"}):
        assert (await look(api, path, method="POST", data=decision))[0] == 400


async def test_browsers_are_sent_to_the_public_address_and_calls_stay_at_its_own(settings: Settings) -> None:
    public = replace(settings, host="0.0.0.0", public_url="https://cards.example")
    async with Sandbox.running(public) as sandbox, aiohttp.ClientSession() as session:
        api = Caller(sandbox.origin, session)
        asked = await api.pay("pm_card_authenticationRequired", return_url=f"{SHOP}/back")
        paid = await api.pay(**{"expand[]": "latest_charge"})

    assert sandbox.origin.startswith("http://127.0.0.1:")
    assert asked["next_action"]["redirect_to_url"]["url"].startswith("https://cards.example/3ds/")
    assert paid["latest_charge"]["receipt_url"].startswith("https://cards.example/receipts/")


async def test_a_receipt_shows_the_charge(api: Caller) -> None:
    paid = await api.pay(**{"expand[]": "latest_charge"})

    status, text, _ = await look(api, paid["latest_charge"]["receipt_url"].removeprefix(api.origin))

    assert status == 200
    assert "110.00 EUR" in text
    assert (await look(api, "/receipts/ch_nothing"))[0] == 404
