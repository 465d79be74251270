"""What every request passes: tokens, origins, rates, headers, and who it is."""

from __future__ import annotations

import re

import httpx
import pytest

from ecosystem.adapters.outside.clock import VirtualClock

from .conftest import site

FORM = {"email": "ana@example.org", "password": "x"}


async def token(client: httpx.AsyncClient) -> str:
    page = await client.get("/gallery")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_a_form_with_its_token_is_taken_and_leads_on(browser_less: httpx.AsyncClient) -> None:
    sent = await browser_less.post("/gallery/form", data=FORM | {"csrf_token": await token(browser_less)})

    assert (sent.status_code, sent.headers["location"]) == (303, "/gallery")
    assert "Thank you." in (await browser_less.get("/gallery")).text
    assert "Thank you." not in (await browser_less.get("/gallery")).text


async def test_a_form_without_its_token_is_refused(browser_less: httpx.AsyncClient) -> None:
    other = await token(browser_less)
    browser_less.cookies.clear()
    await browser_less.get("/gallery")

    for wrong in ({}, {"csrf_token": "x"}, {"csrf_token": other}, {"csrf_token": ""}):
        assert (await browser_less.post("/gallery/form", data=FORM | wrong)).status_code == 403


async def test_htmx_sends_the_token_in_a_header(browser_less: httpx.AsyncClient) -> None:
    headers = {"x-csrf-token": await token(browser_less), "hx-request": "true", "hx-request-type": "partial"}

    sent = await browser_less.post("/gallery/form", data=FORM, headers=headers)

    assert (sent.status_code, sent.headers["hx-redirect"]) == (200, "/gallery")


async def test_what_the_browser_calls_cross_site_is_refused_with_its_token_too(browser_less: httpx.AsyncClient) -> None:
    form = FORM | {"csrf_token": await token(browser_less)}

    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "same-site"},
    ):
        assert (await browser_less.post("/gallery/form", data=form, headers=headers)).status_code == 403
    own = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}
    assert (await browser_less.post("/gallery/form", data=form, headers=own)).status_code == 303


async def test_the_token_is_masked_anew_on_each_page(browser_less: httpx.AsyncClient) -> None:
    assert await token(browser_less) != await token(browser_less)


async def test_pages_run_scripts_by_nonce_alone(browser_less: httpx.AsyncClient) -> None:
    first, second = [await browser_less.get("/gallery") for _ in range(2)]

    policy = first.headers["content-security-policy"]
    nonces = re.findall(r'<script[^>]* nonce="([0-9a-f]{32})"', first.text)
    assert nonces
    assert f"'nonce-{nonces[0]}'" in policy
    assert len(re.findall("<script", first.text)) == len(nonces)
    assert "unsafe" not in policy
    assert "frame-src http://127.0.0.1:8001" in policy
    assert policy != second.headers["content-security-policy"]
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", first.text)


async def test_every_answer_carries_the_other_headers(browser_less: httpx.AsyncClient) -> None:
    for path in ("/gallery", "/nowhere", "/static/favicon.svg", "/art/home/svc_1/0.svg", "/gallery/refuse/fault"):
        headers = (await browser_less.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" not in headers


async def test_on_https_cookies_belong_to_this_host_alone(clock: VirtualClock) -> None:
    transport = httpx.ASGITransport(app=site(clock, url="https://market.example"))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://market.example") as client:
        page = await client.get("/gallery")

    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-csrf_token=")
    assert all(part in cookie for part in ("Path=/", "HttpOnly", "SameSite=Lax", "Secure"))
    assert "strict-transport-security" in page.headers
    assert "upgrade-insecure-requests" in page.headers["content-security-policy"]


async def test_who_posts_too_often_is_asked_to_wait_and_others_are_not(browser_less: httpx.AsyncClient) -> None:
    form = FORM | {"csrf_token": await token(browser_less)}

    statuses = [(await browser_less.post("/gallery/form", data=form)).status_code for _ in range(9)]

    assert statuses == [303] * 8 + [429]
    slowed = await browser_less.post("/gallery/form", data=form)
    assert int(slowed.headers["retry-after"]) >= 1
    assert "Slow down" in slowed.text
    elsewhere = {"x-forwarded-for": "198.51.100.7"}
    assert (await browser_less.post("/gallery/form", data=form, headers=elsewhere)).status_code == 303


async def test_a_proxy_whose_word_is_not_heeded_is_told_of_once(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for trusted, told in ((0, 1), (1, 0)):
        caplog.clear()
        transport = httpx.ASGITransport(site(clock, trusted_proxies=trusted))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.get("/gallery")
            assert "ECOSYSTEM_TRUSTED_PROXIES" not in caplog.text
            for _ in range(3):
                await client.get("/gallery", headers={"x-forwarded-for": "198.51.100.7"})

        assert caplog.text.count("ECOSYSTEM_TRUSTED_PROXIES") == told


async def test_a_visitor_is_led_to_the_sign_in_and_back(browser_less: httpx.AsyncClient) -> None:
    page = await browser_less.get("/gallery/mine")
    fragment = await browser_less.get("/gallery/mine", headers={"hx-request": "true", "hx-request-type": "partial"})

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/gallery/mine")
    assert fragment.headers["hx-redirect"] == "/sign-in?next=/gallery/mine"


async def test_somebody_signed_in_is_greeted(browser_less: httpx.AsyncClient) -> None:
    page = await browser_less.get("/gallery/mine", headers={"cookie": "who=ana"})

    assert "usr_ana" in page.text
    assert "ana@example.org" in page.text
    assert "Console" not in page.text
    assert "Console" in (await browser_less.get("/gallery/mine", headers={"cookie": "who=olga"})).text


async def test_a_body_beyond_the_limit_is_refused(browser_less: httpx.AsyncClient) -> None:
    form = {"csrf_token": await token(browser_less), "about": "x" * 1_100_000}

    assert (await browser_less.post("/gallery/form", data=form)).status_code == 413


async def test_the_headers_of_a_page_are_had_without_its_body(browser_less: httpx.AsyncClient) -> None:
    whole = await browser_less.get("/gallery", headers={"accept-encoding": "identity"})
    headers = await browser_less.head("/gallery", headers={"accept-encoding": "identity"})

    assert (headers.status_code, headers.content) == (200, b"")
    assert headers.headers["content-type"] == whole.headers["content-type"]
    assert "content-security-policy" in headers.headers


async def test_programs_are_answered_as_programs(browser_less: httpx.AsyncClient) -> None:
    for path in ("/api/nothing", "/art/nothing/svc_1/0.svg"):
        answer = await browser_less.get(path, headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_processor_is_never_asked_to_wait_and_other_programs_are(browser_less: httpx.AsyncClient) -> None:
    events = {(await browser_less.post("/api/stripe/webhook")).status_code for _ in range(200)}
    others = {(await browser_less.post("/api/other")).status_code for _ in range(200)}

    assert events == {404}
    assert 429 in others
